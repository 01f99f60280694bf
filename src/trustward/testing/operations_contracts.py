"""What every adapter of the ports of operations must do, as tests."""

from __future__ import annotations

from threading import Barrier, Thread

import msgspec
import pytest

from trustward.base.errors import StaleError
from trustward.model.clocks import Clock
from trustward.model.duty import Alarm, Breach, Duty, DutyQuery, DutyStep
from trustward.model.effect import outgoing
from trustward.model.letter import Letter, told
from trustward.model.stored import AuditRow
from trustward.ports import Store
from trustward.testing.contracts import Contract, Open

CLOCK = Clock(id="c", kind="order", title="Carry out an order")


def owed(id: str = "d1", version: int = 1, due_us: int | None = 100, **fields: object) -> Duty:
    """A duty as it could be kept."""
    plain = Duty(
        id=id,
        version=version,
        clock=CLOCK,
        title="t",
        subject="order:1",
        market="SG",
        owner="kim",
        state="open",
        opened_us=1,
        starts_us=1,
        due_us=due_us,
    )
    return msgspec.structs.replace(plain, **fields)


def page(duty: str = "d1", number: int = 1) -> DutyStep:
    """A page of a duty's file."""
    return DutyStep(duty=duty, number=number, at_us=number, what="opened", actor="kim", reason="so")


def letter(entity: str) -> Letter:
    """Something that is to leave."""
    action = told("remind", "duty", entity)
    return Letter(cause=f"duty:{entity}", step="duty.reminded", at_us=7, action=action, says={"to": "kim"})


class RecordsContract(Contract):
    """Several records at once, each only if it is as it was read."""

    def test_all_or_nothing(self, store: Store, opened: Open) -> None:
        audit = AuditRow(at_us=5, actor="kim", action="duty.opened", subject="duty:d1")
        store.records.write([owed(), page(), letter("d1"), letter("d2"), audit])
        other = opened()
        assert other.duties.get("d1") == owed()
        assert other.duties.steps("d1") == [page()]
        assert [row.subject for row in other.audit.read(0, 10)] == ["duty:d1"]
        rows = other.outbox.waiting(10)
        assert [row.key for row in rows] == ["m1-0", "m2-0"]
        body = outgoing(rows[1].body)
        assert (body.event_id, body.type, body.says, body.action.entity) == (
            "duty:d2",
            "duty.reminded",
            {"to": "kim"},
            "d2",
        )
        with pytest.raises(StaleError):
            store.records.write([owed("d2"), page("d2"), letter("d9"), audit, owed("d1", version=3)])
        with pytest.raises(StaleError):
            store.records.write([owed("d2"), owed("d1")])
        assert (other.duties.get("d2"), list(other.duties.steps("d2"))) == (None, [])
        assert len(other.outbox.waiting(10)) == 2
        assert len(other.audit.read(0, 10)) == 1

    def test_each_version_once(self, store: Store, opened: Open) -> None:
        store.records.write([owed()])
        first, second = store.duties.get("d1"), opened().duties.get("d1")
        assert first == second
        store.records.write([owed(version=2, owner="a"), page(number=1)])
        with pytest.raises(StaleError, match="d1"):
            store.records.write([owed(version=2, owner="b"), page(number=1)])
        kept = store.duties.get("d1")
        assert kept is not None
        assert (kept.version, kept.owner) == (2, "a")

    def test_whoever_comes_at_the_same_time(self, store: Store, opened: Open) -> None:
        store.records.write([owed(f"d{number}") for number in range(4)])
        won: list[str] = []
        start = Barrier(4)

        def change(name: str, records: Store) -> None:
            start.wait()
            try:
                both = [owed(f"d{number}", version=2, owner=name) for number in range(4)]
                records.records.write([*(reversed(both) if name < "c" else both), letter(name)])
                won.append(name)
            except StaleError:
                pass

        threads = [Thread(target=change, args=(name, opened())) for name in "abcd"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(won) == 1
        assert {store.duties.get(f"d{number}").owner for number in range(4)} == set(won)  # type: ignore[union-attr]
        assert [outgoing(row.body).action.entity for row in store.outbox.waiting(9)] == won

    def test_nothing_to_write(self, store: Store) -> None:
        store.records.write([])


class DutiesContract(Contract):
    """What is owed, found by what it is about and by when it is due."""

    def test_whole(self, store: Store, opened: Open) -> None:
        alarms = (Alarm(at_us=50, what="reminded", to="kim"), Alarm(at_us=101, what="breached"))
        breaches = (Breach(due_us=9, found_us=10),)
        duty = owed(alarms=alarms, breaches=breaches, secret=True, phase="2", next="d1~3")
        store.records.write([duty, page(number=1), page(number=2)])
        assert opened().duties.get("d1") == duty
        assert opened().duties.steps("d1") == [page(number=1), page(number=2)]
        assert store.duties.get("d9") is None
        assert store.duties.steps("d9") == []

    def test_due(self, store: Store) -> None:
        def at(id: str, *times: int) -> Duty:
            return owed(id, alarms=tuple(Alarm(at_us=time, what="reminded") for time in times))

        store.records.write([at("a", 30, 40), at("b", 20), at("c"), at("d", 31), at("e", 20)])
        assert [duty.id for duty in store.duties.due(30, 10)] == ["b", "e", "a"]
        assert [duty.id for duty in store.duties.due(30, 1)] == ["b"]
        assert store.duties.due(19, 10) == []

    def test_find(self, store: Store) -> None:
        store.records.write(
            [
                owed("a", due_us=30),
                owed("b", due_us=20, subject="order:2", state="done"),
                owed("c", due_us=None, state="waiting", owner="lee"),
                owed("d", due_us=20, breaches=(Breach(due_us=2, found_us=3),)),
                owed("e", due_us=40, secret=True, market="CN"),
            ]
        )

        def found(after: str = "", limit: int = 9, **query: object) -> str:
            asked = msgspec.convert(query, DutyQuery)
            return "".join(duty.id for duty in store.duties.find(asked, after, limit))

        assert found() == "bdac"
        assert found(secret=True) == "bdaec"
        assert found(secret=True, market="CN") == "e"
        assert found(subject="order:2") == "b"
        assert found(owner="lee") == "c"
        assert found(states=("open",)) == "da"
        assert found(states=("open", "waiting")) == "dac"
        assert found(breached=True) == "d"
        assert found(breached=False) == "bac"
        assert found(due_before_us=30) == "bd"
        assert found(limit=2) == "bd"
        assert found(after="b", limit=2) == "da"
        assert found(after="a") == "c"
        assert found(after="c") == ""


CONTRACTS = (RecordsContract, DutiesContract)
