"""What every adapter of the port ``Retained`` must do, as tests."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import pytest

from trustward.base.errors import NotFoundError
from trustward.model.appeal import Appeal, AppealPage
from trustward.model.archived import DAY_US
from trustward.model.bundle import Bundle
from trustward.model.case import Barred, Case, CasePage
from trustward.model.directive import Directive, Target
from trustward.model.dossier import Pair
from trustward.model.hold import Hold
from trustward.model.journal import Segment
from trustward.model.letter import Letter
from trustward.model.letter import told as told_of
from trustward.model.removed import REMOVED, is_removed, thinned
from trustward.model.report import Report
from trustward.model.request import Asked
from trustward.model.retention import Done
from trustward.model.stored import AuditQuery, AuditRow, Lease
from trustward.ports import Store
from trustward.testing.archive_contracts import dated, day, move
from trustward.testing.contracts import ODD, Contract, Open, events


def hold(id: str, *pairs: Pair, state: str = "in_force", version: int = 1) -> Hold:
    """A hold on some entities."""
    fields = {"id": id, "version": version, "state": state, "at_us": 1, "entities": pairs}
    return msgspec.convert({**fields, "basis": "a law", "by": "an office", "actor": "kim"}, Hold)


def case(id: str, entity: str, state: str = "open", version: int = 1) -> Case:
    """A case about an account."""
    named = (("account", entity), ("device", f"d-{entity}"))
    fields = {"id": id, "version": version, "state": state, "queue": "q", "kind": "account", "entity": entity}
    return msgspec.convert({**fields, "opened_us": 1, "entities": named}, Case)


class RetainedContract(Contract):
    """What is kept is told; what is removed leaves its place, and the id is known."""

    def test_what_is_done(self, store: Store, opened: Open) -> None:
        assert list(store.retained.done()) == []
        first = Done(day="2026-01-02", of="activity", removed=3, kept={"hold": 1}, at_us=5, entries=(2, 7))
        other = Done(day="2026-01-01", of="security", removed=0, kept={}, at_us=6)
        line = AuditRow(at_us=5, actor="trustward", action="retention.removed", subject="retention:2026-01-02")
        store.retained.note([first, other], [line])
        assert list(opened().retained.done()) == [other, first]
        later = msgspec.structs.replace(first, removed=4, kept={})
        store.retained.note([later], [])
        assert list(store.retained.done()) == [other, later]
        assert [row.subject for row in store.audit.read(0, 10)] == ["retention:2026-01-02"]

    def test_what_is_held_or_open_is_kept(self, store: Store, opened: Open) -> None:
        pairs = [("account", name) for name in "abcdef"] + [("device", "d-b"), ("account", "n\0l"), ("ip", "a")]
        assert store.retained.kept(pairs) == {}
        assert store.retained.kept([]) == {}
        store.records.write([hold("h", ("account", "a"))])
        store.records.write([case("c", "b")])
        store.records.write([Appeal(id="p", version=1, at_us=1, decision="event:1", account="c", text="no")])
        order = Directive(
            id="o",
            version=1,
            state="accepted",
            issuer="SG-SPF",
            reference="1",
            basis="a law",
            type="disable",
            received_us=1,
            served_us=1,
        )
        target = Target(id="o-1", version=1, order="o", number=1, kind="account", entity="d", state="waiting")
        store.records.write([order, target])
        found = {
            ("account", "a"): "hold",
            ("account", "b"): "case",
            ("device", "d-b"): "case",
            ("account", "c"): "appeal",
            ("account", "d"): "order",
        }
        assert opened().retained.kept(pairs) == found
        assert store.retained.held() == {"account:a"}
        store.records.write([msgspec.structs.replace(hold("s", ("account", "a"), ("account", "e")), secret=True)])
        hidden = msgspec.structs.replace(order, id="p", secret=True)
        store.records.write([hidden, msgspec.structs.replace(target, id="p-1", order="p", entity="f")])
        found |= {("account", "e"): "secret", ("account", "f"): "secret"}
        assert store.retained.kept(pairs) == found
        assert store.retained.held() == {"account:a", "account:e"}
        store.records.write([msgspec.structs.replace(hidden, state="withdrawn", version=2)])
        gone = hold("s", ("account", "a"), ("account", "e"), state="released", version=2)
        store.records.write([msgspec.structs.replace(gone, secret=True)])
        store.records.write([hold("h", ("account", "a"), state="released", version=2)])
        store.records.write([case("c", "b", "closed", 2)])
        store.records.write([msgspec.structs.replace(order, state="withdrawn", version=2)])
        assert store.retained.kept(pairs) == {("account", "c"): "appeal"}
        assert store.retained.held() == frozenset()

    def test_whatever_an_entity_is_called_it_is_kept(self, store: Store) -> None:
        odd = [*ODD, "a" * 1_995]
        store.records.write([hold("h", *(("url", name) for name in odd))])
        assert store.retained.kept([("url", name) for name in [*odd, "b"]]) == {("url", name): "hold" for name in odd}
        for number, name in enumerate(odd):
            store.records.write([case(f"c{number}", name)])
            store.records.write(
                [Appeal(id=f"p{number}", version=1, at_us=1, decision="x:1", account=f"z{name}", text="")]
            )
            assert store.retained.kept([("account", name), ("account", f"z{name}")]) == {
                ("account", name): "case",
                ("account", f"z{name}"): "appeal",
            }

    def test_removed_in_its_place(self, store: Store, opened: Open, lease: Lease) -> None:
        store.journal.append(lease, events(1, "a", "b", "c", decided=(1,), faults=(0, 2)))
        store.journal.append(lease, events(4, "d"))
        before = store.journal.find(list("abcd"))
        store.records.write([hold("h", ("account", "x"))])
        told: list[Mapping[Pair, str]] = []

        (segment,) = store.journal.read(0, 1)

        def cut(kept: Mapping[Pair, str]) -> list[tuple[Segment, Segment]]:
            told.append(kept)
            return [(segment, thinned(segment, {0: "activity", 1: "security"}))]

        assert store.retained.thin([("account", "x"), ("account", "y")], cut) == 1
        assert told == [{("account", "x"): "hold"}]
        for one in (store, opened()):
            found = one.journal.find([*"abcd", "none"])
            assert found.keys() == set("abcd")
            assert [is_removed(found[name]) for name in "abcd"] == [True, True, False, False]
            assert [found[name].seq for name in "abcd"] == [1, 2, 3, 4]
            assert (found["c"], found["d"]) == (before["c"], before["d"])
            assert found["b"].decision.verdict == "allow"
            (left,) = one.journal.entries([2])
            assert left.decision.type == REMOVED
            assert b'"b"' not in left.body
            assert b'"security"' in left.body
            assert one.journal.read(0, 10)[0].faulty().keys() == {2}
        store.journal.append(lease, events(5, "e"))
        assert store.retained.thin([], lambda _kept: []) == 0
        # What was read before somebody else has removed something from it does not come back.
        assert store.retained.thin([], lambda _kept: [(segment, thinned(segment, {2: "activity"}))]) == 0
        assert [is_removed(one) for one in store.journal.entries([1, 2, 3])] == [True, True, False]
        assert opened().journal.find(["e", "a"]).keys() == {"e", "a"}

    def test_an_archived_day_in_the_place_of_what_it_was(self, store: Store, opened: Open, lease: Lease) -> None:
        store.journal.append(lease, events(1, "a", "b"))
        segments = list(store.journal.read(0, 10))
        put = move(store, day("1970-01-01", 1, 2))
        store.archived.tidy(10)
        other = opened()
        assert other.journal.entries([1])[0].decision.type == "t"
        anew = store.shelf.put(msgspec.structs.replace(put, revision=1), [thinned(segments[0], {0: "activity"})], ())
        held = store.retained.held()
        store.records.write([hold("h", ("account", "a"))])
        assert not store.retained.replace(anew, held)
        assert list(store.archived.days()) == [put]
        store.records.write([hold("h", ("account", "a"), state="released", version=2)])
        assert store.retained.replace(anew, held)
        assert not store.retained.replace(anew, held)
        assert list(store.archived.days()) == [anew]
        store.shelf.sweep(anew)
        for one in (store, other, opened()):
            assert [found.decision.type for found in one.journal.entries([1, 2])] == [REMOVED, "t"]
            assert is_removed(one.journal.find(["a"])["a"])
        assert store.shelf.check(anew) == []

    def test_closed_actions_go(self, store: Store, lease: Lease) -> None:
        store.journal.append(lease, dated(events(1, "a", "b", "c", decided=(0, 1, 2))))
        # One is in force, one was withdrawn, one waits.
        store.outbox.pass_on(store.outbox.waiting(1), lambda _row: (), 7)
        line = AuditRow(at_us=5, actor="kim", action="action.withdrawn", subject="action:2-0")
        assert store.outbox.withdraw(2, 0, line)
        assert store.retained.drop_actions([1, 2, 3, 9]) == 1
        assert [store.outbox.action(seq, 0) is not None for seq in (1, 2, 3)] == [True, False, True]
        assert store.retained.drop_actions([]) == 0

    def test_closed_cases_go_with_all_that_hangs_on_them(self, store: Store, opened: Open) -> None:
        page = CasePage(case="c", number=1, at_us=40, what="closed", actor="kim")
        bare = Report(
            id="r",
            version=1,
            at_us=2,
            channel="user",
            reporter="b",
            category="scam",
            case="c",
            kind="account",
            entity="a",
        )
        told = told_of("told", "account", "b", "case.closed")
        letters = [
            Letter(cause=cause, step="case.closed", at_us=41, action=told, says={}) for cause in ("case:c", "report:r")
        ]
        barred = Barred(case="c", reviewer="ann")
        store.records.write([case("c", "a"), case("d", "z"), page, bare, barred, *letters])
        assert list(store.retained.closed("cases", 99, "", 10)) == []
        store.records.write([case("c", "a", "closed", 2)])
        (found,) = store.retained.closed("cases", 99, "", 10)
        assert (found.id, found.version, found.at_us) == ("c", 2, 40)
        assert found.names == (("account", "a"), ("device", "d-a"))
        assert (
            list(store.retained.closed("cases", 1, "", 10)) == list(store.retained.closed("cases", 99, "c", 10)) == []
        )

        def kept() -> str:
            said: list[Mapping[str, str]] = []

            def note(whys: Mapping[str, str]) -> tuple[list[Done], list[AuditRow]]:
                said.append(whys)
                return [], []

            whys = store.retained.keeps("cases", [found])
            if whys["c"]:
                assert store.retained.drop("cases", [found], note) == whys
                assert said == [whys]
            return whys["c"]

        assert kept() == "report"
        store.records.write([msgspec.structs.replace(bare, version=2, told_us=42)])
        assert kept() == "letter"
        for row in store.outbox.waiting(10):
            line = AuditRow(at_us=5, actor="kim", action="action.withdrawn", subject="action:1")
            assert store.outbox.withdraw(row.seq, row.number, line)
        store.records.write([hold("h", ("account", "b"))])
        assert kept() == "hold"
        store.records.write([hold("h", ("account", "b"), state="released", version=2)])
        other = msgspec.structs.replace(case("e", "y"), entities=(("account", "y"), ("device", "d-a")))
        store.records.write([other])
        assert kept() == "case"
        store.records.write([msgspec.structs.replace(other, state="closed", version=2)])
        appeal = Appeal(id="p", version=1, at_us=1, decision="case:c", account="someone", text="no")
        store.records.write([appeal])
        assert kept() == "appeal"
        store.records.write([msgspec.structs.replace(appeal, state="upheld", version=2)])
        assert kept() == ""
        stale = msgspec.structs.replace(found, version=1)
        assert store.retained.keeps("cases", [stale]) == {"c": "changed"}
        done = Done(day="1970-01-01", of="cases", removed=1, kept={}, at_us=50)
        line = AuditRow(at_us=50, actor="trustward", action="retention.removed", subject="retention:1970-01-01")
        assert opened().retained.drop("cases", [found], lambda _whys: ([done], [line])) == {"c": ""}
        for one in (store, opened()):
            assert one.cases.get("c") is None
            assert one.cases.pages("c") == []
            assert not one.cases.barred("c", "ann")
            assert [near.id for near in one.cases.about("account", "a")] == []
            assert one.reports.get("r") is None
            assert list(one.records.letters("case:c")) == list(one.records.letters("report:r")) == []
            assert one.cases.get("d") == case("d", "z")
            assert list(one.retained.done()) == [done]
            assert one.audit.read(0, 100)[-1].subject == "retention:1970-01-01"

    def test_old_lines_of_the_audit_go(self, store: Store, opened: Open) -> None:
        for at_us, action in ((1, "key.created"), (2, "policy.changed"), (DAY_US, "key.revoked"), (DAY_US + 1, "a.b")):
            store.audit.record(AuditRow(at_us=at_us, actor="kim", action=action, subject="key:1"))
        hidden = AuditRow(at_us=1, actor="kim", action="order.read", subject="order:1", secret=True)
        store.audit.record(hidden)
        told: list[Mapping[str, int]] = []

        def note(counts: Mapping[str, int]) -> tuple[list[Done], list[AuditRow]]:
            told.append(dict(counts))
            done = Done(day="1970-01-01", of="audit", removed=1, kept={}, at_us=9)
            return [done], [AuditRow(at_us=2 * DAY_US, actor="trustward", action="retention.removed", subject="r")]

        store.records.write([hold("h", ("account", "a"))])
        assert store.retained.drop_audit(2 * DAY_US, 10, note) == 0
        assert store.retained.keeps_audit(DAY_US) == {"hold": 1}
        assert store.retained.keeps_audit(1) == {}
        store.records.write([msgspec.structs.replace(hold("h", ("account", "a"), version=2), secret=True)])
        assert store.retained.keeps_audit(2 * DAY_US) == {"secret": 3}
        gone = hold("h", ("account", "a"), state="released", version=3)
        store.records.write([gone])
        assert store.retained.keeps_audit(DAY_US) == {}
        assert store.retained.drop_audit(DAY_US + 1, 1, note) == 1
        assert store.retained.drop_audit(DAY_US + 1, 9, note) == 1
        assert store.retained.drop_audit(DAY_US + 1, 9, note) == 0
        assert told == [{"1970-01-01": 1}, {"1970-01-02": 1}]
        left = [(row.number, row.action) for row in opened().audit.read(0, 10)]
        assert left == [(2, "policy.changed"), (4, "a.b"), (5, "retention.removed"), (6, "retention.removed")]
        assert [row.number for row in store.audit.find(AuditQuery(), 5, 10)] == [4, 2]
        assert [row.removed for row in store.retained.done()] == [1]
        assert store.retained.drop_audit(DAY_US, 9, lambda _counts: ([], []), secret=True) == 1
        assert list(store.audit.read_secret(0, 10)) == []

    def test_appeals_go_once_all_is_done(self, store: Store, opened: Open) -> None:
        appeal = Appeal(id="p", version=1, at_us=3, decision="case:c", account="a", text="no")
        page = AppealPage(appeal="p", number=1, at_us=8, what="received", actor="a")
        letter = Letter(cause="appeal:p", step="appeal.decided", at_us=8, action=told_of("told", "account", "a", "x"))
        store.records.write([appeal, page, letter])
        assert list(store.retained.closed("appeals", 9, "", 10)) == []
        store.records.write([msgspec.structs.replace(appeal, version=2, state="upheld", work=True)])
        (found,) = opened().retained.closed("appeals", 9, "", 10)
        assert (found.id, found.at_us, found.names) == ("p", 8, (("account", "a"),))
        assert store.retained.keeps("appeals", [found]) == {"p": "measure"}
        store.records.write([msgspec.structs.replace(appeal, version=3, state="upheld")])
        assert store.retained.keeps("appeals", [found]) == {"p": "changed"}
        (found,) = store.retained.closed("appeals", 9, "", 10)
        assert store.retained.drop("appeals", [found], lambda _whys: ([], [])) == {"p": "letter"}
        (row,) = store.outbox.waiting(10)
        line = AuditRow(at_us=5, actor="kim", action="action.withdrawn", subject="action:1")
        assert store.outbox.withdraw(row.seq, row.number, line)
        store.records.write([hold("h", ("account", "a"))])
        assert store.retained.keeps("appeals", [found]) == {"p": "hold"}
        store.records.write([hold("h", ("account", "a"), state="released", version=2)])
        assert store.retained.drop("appeals", [found], lambda _whys: ([], [])) == {"p": ""}
        for one in (store, opened()):
            assert one.appeals.get("p") is None
            assert list(one.appeals.pages("p")) == []
            assert list(one.records.letters("appeal:p")) == []

    def test_evidence_goes_but_for_what_is_open(self, store: Store, opened: Open) -> None:
        asked = Asked(
            id="q",
            version=1,
            state="received",
            at_us=1,
            by="an office",
            contact="x",
            basis="a law",
            reference="1",
            actor="kim",
            entities=(("account", "a"), ("url", "http://x.example/:1")),
            data=("events",),
        )
        store.records.write([asked])
        store.bundles.add(Bundle(id="d1", record="request:q", at_us=7, size=4, files=1, secret=True), [b"ab", b"cd"])
        store.bundles.add(Bundle(id="d2", record="clue:gone", at_us=9, size=1, files=1), [b"x"])
        first, second = store.retained.closed("bundles", 8, "", 10)
        assert (first.id, first.at_us, first.names, first.secret) == ("d1", 7, asked.entities, True)
        assert (second.names, second.secret) == ((), False)
        assert [one.id for one in store.retained.closed("bundles", 8, "d1", 10)] == ["d2"]
        assert store.retained.keeps("bundles", [first, second]) == {"d1": "request", "d2": ""}
        whys = store.retained.drop("bundles", [first, second], lambda _whys: ([], []))
        assert whys == {"d1": "request", "d2": ""}
        assert b"".join(opened().bundles.read("d1")) == b"abcd"
        assert store.bundles.get("d2") is None
        store.records.write([msgspec.structs.replace(asked, state="answered", version=2)])
        assert opened().retained.drop("bundles", [first, second], lambda _whys: ([], [])) == {"d1": "", "d2": "changed"}
        with pytest.raises(NotFoundError):
            store.bundles.read("d1")


CONTRACTS = (RetainedContract,)
