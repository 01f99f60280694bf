"""What every adapter of the ports of operations must do, as tests."""

from __future__ import annotations

from threading import Barrier, Thread
from typing import Any

import msgspec
import pytest

from trustward.base.errors import StaleError
from trustward.model.case import Barred, Case, CaseLease, CasePage, CaseQuery, HeldLease, Outcome, Reviewer
from trustward.model.clocks import Clock
from trustward.model.duty import Alarm, Breach, Duty, DutyQuery, DutyStep
from trustward.model.effect import outgoing
from trustward.model.enforcement import StrikeSheet
from trustward.model.errand import Errand
from trustward.model.letter import Letter, told
from trustward.model.report import LegalNotice, Report, Reporter
from trustward.model.stored import AuditQuery, AuditRow
from trustward.ports import Store
from trustward.testing.contracts import ODD, Contract, Open

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

    def test_found_newest_first(self, store: Store) -> None:
        for at_us, actor, action, subject in (
            (1, "kim", "key.created", "key:k1"),
            (2, "lee", "key.revoked", "key:k1"),
            (3, "kim", "keys%.x", "key:k2"),
            (4, "kim", "duty.opened", "duty:open"),
            (5, "kim", "duty.opened", "duty:secret"),
            (6, "kim", "duty.opened", "duty:gone"),
        ):
            store.audit.record(AuditRow(at_us=at_us, actor=actor, action=action, subject=subject))
        store.records.write([owed("open"), owed("secret", secret=True)])

        def at(before: int | None = None, limit: int = 10, **asked: Any) -> list[int]:
            return [row.at_us for row in store.audit.find(AuditQuery(**asked), before, limit)]

        assert at() == [4, 3, 2, 1]
        assert at(secret=True) == [6, 5, 4, 3, 2, 1]
        assert at(action="key") == [2, 1]
        assert (at(action="key.revoked"), at(action="key.r"), at(action="keys_")) == ([2], [], [])
        assert (at(actor="lee"), at(actor="l%"), at(subject="key:k1")) == ([2], [], [2, 1])
        assert at(from_us=2, to_us=4) == [3, 2]
        assert at(limit=2) == [4, 3]
        number = store.audit.find(AuditQuery(), None, 2)[-1].number
        assert at(before=number) == [2, 1]

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

    def test_one_that_was_changed_meanwhile_among_many(self, store: Store) -> None:
        store.records.write([owed(f"d{number}") for number in range(5)])
        store.records.write([owed("d2", version=2, owner="a")])
        with pytest.raises(StaleError, match="d2"):
            store.records.write([owed(f"d{number}", version=2, owner="b") for number in range(5)])
        kept = [store.duties.get(f"d{number}") for number in range(5)]
        assert [one.owner for one in kept if one is not None] == ["kim", "kim", "a", "kim", "kim"]

    def test_a_record_changes_once_in_a_write(self, store: Store, opened: Open) -> None:
        # What it counts for is taken from the version before, of which there would be two.
        store.records.write([owed("d2")])
        for twice in (
            [owed("d1"), owed("d1", version=2, state="done")],
            [owed("d2", version=2, owner="a"), owed("d2", version=3, state="done")],
        ):
            with pytest.raises(StaleError, match=twice[0].id):
                store.records.write(twice)
        assert opened().duties.counts(0).owed == {CLOCK.id: 1}
        assert opened().duties.get("d1") is None

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
        assert found(states=("done", "paused", "open"), limit=2) == "bd"
        assert found("b", states=("done", "open")) == "da"
        assert (found(subject="order:1", states=("open",)), found(subject="order:1", states=("done",))) == ("da", "")
        assert (found(breached=True, states=("open",)), found(breached=True, states=("done",))) == ("d", "")
        assert found(breached=False) == "bac"
        assert found(due_before_us=30) == "bd"
        assert found(limit=2) == "bd"
        assert found(after="b", limit=2) == "da"
        assert found(after="a") == "c"
        assert found(after="c") == ""


def case(id: str = "c1", version: int = 1, **fields: object) -> Case:
    """A case as it could be kept."""
    plain = Case(
        id=id,
        version=version,
        state="open",
        queue="q",
        kind="account",
        entity=id,
        opened_us=10,
        entities=(("account", id),),
    )
    return msgspec.structs.replace(plain, **fields)


def report(id: str = "r1", version: int = 1, **fields: object) -> Report:
    """A report as it could be kept."""
    plain = Report(
        id=id,
        version=version,
        at_us=5,
        channel="user",
        reporter="user:u1",
        category="scam",
        kind="account",
        entity="a1",
        case="c1",
    )
    return msgspec.structs.replace(plain, **fields)


class ReportsContract(Contract):
    """What has been reported, by case and by sender."""

    def test_found(self, store: Store, opened: Open) -> None:
        notice = LegalNotice(law="l", place="p", good_faith=True)
        first = report(notice=notice, channel="notice", refs=("m1",))
        store.records.write([first, report("r2", at_us=6, entity="a2"), report("r3", case="c2", at_us=7, told_us=9)])
        reports = opened().reports
        assert reports.get("r1") == first
        assert reports.get("r9") is None
        assert [one.id for one in reports.of_case("c1")] == ["r1", "r2"]
        assert [one.id for one in reports.of_case("c1", "r1")] == ["r2"]
        assert [one.id for one in reports.of_case("c1", limit=1)] == ["r1"]
        assert [one.id for one in reports.by("user:u1")] == ["r3", "r2", "r1"]
        assert [one.id for one in reports.by("user:u1", 1)] == ["r3"]
        found = reports.before("user:u1", "account:a2")
        assert found is not None
        assert found.id == "r2"
        assert reports.before("user:u2", "account:a2") is None
        assert [one.id for one in reports.undecided("c1", 9)] == ["r1", "r2"]
        store.records.write([report(version=2, told_us=8)])
        assert [one.id for one in reports.undecided("c1", 9)] == ["r2"]
        assert reports.undecided("c2", 9) == []

    @pytest.mark.parametrize("odd", ODD, ids=["long", "nul"])
    def test_about_any_entity(self, store: Store, odd: str) -> None:
        said, found = report(entity=odd[:1990], reporter=odd), case(entity=odd, entities=(("account", odd),))
        store.records.write([said, found, owed(subject=f"account:{odd}"), StrikeSheet(id=f"account:{odd}", version=1)])
        assert store.reports.before(odd, f"account:{odd[:1990]}") == said
        assert store.reports.by(odd) == [said]
        assert store.cases.open_on(f"account:{odd}") == found
        assert store.cases.about("account", odd) == [found]
        assert [one.id for one in store.duties.find(DutyQuery(subject=f"account:{odd}"))] == ["d1"]
        assert store.records.get(StrikeSheet, f"account:{odd}") is not None


class ErrandsContract(Contract):
    """What is asked of the engine, until it is done."""

    def test_waiting_and_done(self, store: Store, opened: Open) -> None:
        def errand(id: str, at_us: int) -> Errand:
            return Errand(id=id, at_us=at_us, kind="event", body=id.encode())

        store.records.write([errand("b", 2), errand("a", 2), errand("c", 1)])
        store.records.write([Errand(id="a", at_us=9, kind="change", body=b"other")])
        other = opened().errands
        assert [one.id for one in other.waiting(9)] == ["c", "a", "b"]
        assert other.waiting(2) == [errand("c", 1), errand("a", 2)]
        other.done(["a", "c", "z"])
        other.done([])
        assert [one.id for one in store.errands.waiting(9)] == ["b"]


class CasesContract(Contract):
    """Cases, who has them, what comes first."""

    def test_one_open_case_on_a_subject(self, store: Store, opened: Open) -> None:
        store.records.write(
            [case(), CasePage(case="c1", number=1, at_us=1, what="opened", actor="kim", detail={"a": 1})]
        )
        cases = opened().cases
        assert cases.get("c1") == case()
        assert cases.get("c9") is None
        assert [page.detail for page in cases.pages("c1")] == [{"a": 1}]
        assert cases.pages("c1", 1) == []
        assert cases.pages("c1", 0, 0) == []
        assert cases.open_on("account:c1") == case()
        with pytest.raises(StaleError):
            store.records.write([case("c2", entity="c1")])
        store.records.write([case("c2", entity="c1", golden=Outcome(verdict="act", policy="p", reasons="r"))])
        store.records.write([case(version=2, state="closed")])
        assert cases.open_on("account:c1") is None
        store.records.write([case("c3", entity="c1")])
        assert cases.open_on("account:c1") == case("c3", entity="c1")

    def test_what_comes_first(self, store: Store) -> None:
        store.records.write(
            [
                case("low", harm=10),
                case("high", harm=90),
                case("wide", harm=10, reach=1000),
                case("due", harm=1, due_us=150),
                case("sooner", harm=1, due_us=120),
                case("far", harm=1, due_us=500),
                case("mine", harm=50, assigned="kim"),
                case("his", harm=99, assigned="lee"),
                case("parked", harm=99, state="parked"),
                case("other", harm=99, queue="z"),
                case("not", harm=99),
                Barred(case="not", reviewer="kim"),
            ]
        )
        assert store.cases.barred("not", "kim")
        assert not store.cases.barred("not", "lee")
        got = []
        while (lease := store.cases.take("q", "kim", 100, 200, 160)) is not None:
            assert (lease.reviewer, lease.until_us, lease.epoch) == ("kim", 200, 1)
            got.append(lease.case)
        assert got == ["sooner", "due", "high", "mine", "wide", "low", "far"]
        later = store.cases.take("q", "lee", 200, 300, 160)
        assert later is not None
        assert (later.case, later.epoch) == ("sooner", 2)
        assert store.cases.waiting() == {"q": (9, 10), "z": (1, 10)}

    def test_a_lease_is_one_reviewers(self, store: Store, opened: Open) -> None:
        store.records.write([case()])
        cases = opened().cases
        assert cases.lease("c1", "kim", 100, 200) == CaseLease(case="c1", reviewer="kim", until_us=200, epoch=1)
        assert cases.lease("c1", "lee", 199, 300) is None
        assert cases.lease("c1", "kim", 150, 250) == CaseLease(case="c1", reviewer="kim", until_us=250, epoch=1)
        assert store.cases.lease_of("c1", 249) is not None
        assert store.cases.lease_of("c1", 250) is None
        with pytest.raises(StaleError, match="lee"):
            store.records.write([HeldLease(case="c1", reviewer="lee", now_us=160), case(version=2)])
        with pytest.raises(StaleError):
            store.records.write([HeldLease(case="c1", reviewer="kim", now_us=250), case(version=2)])
        store.records.write([HeldLease(case="c1", reviewer="kim", now_us=249), case(version=2)])
        cases.release("c1", "lee")
        assert store.cases.lease_of("c1", 160) is not None
        store.records.write([HeldLease(case="c1", reviewer="kim", now_us=249, ends=True), case(version=3)])
        assert store.cases.lease_of("c1", 160) is None
        assert cases.lease("c1", "lee", 160, 300) == CaseLease(case="c1", reviewer="lee", until_us=300, epoch=2)
        cases.release("c1", "lee")
        assert store.cases.lease_of("c1", 160) is None

    def test_found(self, store: Store) -> None:
        store.records.write(
            [
                case("a", entities=(("account", "a"), ("ip", "1"))),
                case("b", opened_us=20, entities=(("ip", "1"),), state="closed", untold=True),
                case("c", queue="z", assigned="kim"),
            ]
        )

        def found(after: str = "", limit: int = 9, **query: object) -> str:
            return "".join(one.id for one in store.cases.find(msgspec.convert(query, CaseQuery), after, limit))

        assert (found(), found("a"), found(limit=1)) == ("abc", "bc", "a")
        assert (found(queue="z"), found(state="closed"), found(assigned="kim")) == ("c", "b", "c")
        assert [one.id for one in store.cases.about("ip", "1")] == ["b", "a"]
        assert [one.id for one in store.cases.about("ip", "1", limit=1)] == ["b"]
        assert [one.id for one in store.cases.about("ip", "1", "b")] == ["a"]
        assert store.cases.about("ip", "1", "a") == []
        assert [one.id for one in store.cases.untold(9)] == ["b"]

    def test_small_records(self, store: Store, opened: Open) -> None:
        store.records.write([Reviewer(id="kim", version=1), Reporter(id="kim", version=1, sent=3)])
        assert opened().records.get(Reporter, "kim") == Reporter(id="kim", version=1, sent=3)
        assert store.records.get(Reviewer, "lee") is None
        with pytest.raises(StaleError):
            store.records.write([Reviewer(id="kim", version=3)])
        with pytest.raises(StaleError):
            store.records.write([Reviewer(id="kim", version=1)])
        store.records.write([letter("d1"), letter("d2"), letter("d1")])
        assert list(store.records.letters("duty:d1")) == ["m1-0", "m3-0"]


CONTRACTS = (RecordsContract, DutiesContract, ReportsContract, CasesContract, ErrandsContract)
