"""What every adapter of the ports of enforcement must do, as tests."""

from __future__ import annotations

import msgspec
import pytest

from trustward.base.errors import StaleError
from trustward.model.appeal import Appeal, AppealPage, AppealTally
from trustward.model.enforcement import Measure, Strike, StrikeSheet
from trustward.model.letter import Letter, told
from trustward.ports import Store
from trustward.testing.contracts import ODD, Contract, Open


def taken(id: str, at_us: int = 1, **fields: object) -> Measure:
    """A measure as it could be kept."""
    plain = Measure(
        id=id,
        version=1,
        do="suspend",
        kind="account",
        entity="a1",
        cause="case:1",
        policy="fraud",
        reasons="seen twice",
        actor="kim",
        at_us=at_us,
    )
    return msgspec.structs.replace(plain, **fields)


def asked(id: str, due_us: int | None = 10, **fields: object) -> Appeal:
    """An appeal as it could be kept."""
    plain = Appeal(id=id, version=1, at_us=1, decision="case:1", account="a1", text="not me", due_us=due_us)
    return msgspec.structs.replace(plain, **fields)


class MeasuresContract(Contract):
    """What was done, found by what for, by whom it concerns, by what is left to do."""

    def test_kept_as_it_was(self, store: Store, opened: Open) -> None:
        whole = taken(
            "m1",
            note="n",
            ends_us=9,
            strike="case:1",
            strikes=2,
            notice="sent",
            party=("account", "a1"),
            automated=True,
            appeal_until_us=99,
            secret=True,
            work="sweep",
            place=7,
            copies=3,
            traces=(("device", "d1"),),
        )
        store.records.write([whole])
        assert opened().measures.get("m1") == whole
        assert store.measures.get("m2") is None
        with pytest.raises(StaleError):
            store.records.write([whole])
        after = msgspec.structs.replace(whole, version=2, state="lifted", work="")
        store.records.write([after])
        with pytest.raises(StaleError):
            store.records.write([after])
        assert opened().measures.get("m1") == after

    @pytest.mark.parametrize("odd", ODD, ids=["long", "nul"])
    def test_any_entity(self, store: Store, odd: str) -> None:
        one = msgspec.structs.replace(taken("m1"), entity=odd)
        store.records.write([one])
        assert store.measures.on(one.kind, odd) == store.measures.alike(one.same) == [one]

    def test_found_by_cause_by_entity_and_by_what_it_does(self, store: Store) -> None:
        first, later = taken("m1", 1), taken("m2", 5, cause="order:1")
        link = {"do": "block_link", "kind": "url", "entity": "http://x"}
        other = taken("m3", 3, **link)
        copies = [taken(f"n{at}", 4, parent="m3", do="remove", kind="message", entity=f"x{at}") for at in range(3)]
        store.records.write([first, later, other, *copies])
        measures = store.measures
        assert measures.of("case:1") == [first, other]
        assert measures.of("case:1", "m1") == [other]
        assert measures.of("case:1", limit=1) == [first]
        assert measures.on("account", "a1") == [later, first]
        assert measures.on("account", "a1", 1) == [later]
        assert measures.alike(first.same) == [first, later]
        assert measures.alike(first.same, 1) == [first]
        assert measures.following("m3") == copies
        assert measures.following("m3", "n0", 1) == [copies[1]]
        gone = msgspec.structs.replace(copies[0], version=2, state="lifted")
        ended = msgspec.structs.replace(copies[1], version=2, state="ended")
        store.records.write([gone, ended, msgspec.structs.replace(first, version=2, state="lifted")])
        assert measures.unlifted("m3", 9) == [ended, copies[2]]
        assert measures.unlifted("m3", 1) == [ended]
        assert measures.following("m3") == [gone, ended, copies[2]]
        assert measures.alike(first.same) == [later]
        assert measures.alike(copies[1].same) == []

    def test_what_is_left_to_do(self, store: Store) -> None:
        early, late = taken("m2", 1, work="sweep", ends_us=20), taken("m1", 2, work="undo", ends_us=10)
        never = taken("m3", 0)
        store.records.write([early, late, never])
        assert store.measures.working(9) == [early, late]
        assert store.measures.working(1) == [early]
        assert store.measures.over(9, 9) == []
        assert store.measures.over(10, 9) == [late]
        assert store.measures.over(99, 9) == [late, early]
        assert store.measures.over(99, 1) == [late]
        store.records.write([msgspec.structs.replace(early, version=2, work="", state="ended")])
        assert store.measures.working(9) == [late]
        assert store.measures.over(99, 9) == [late]

    def test_strikes_and_letters(self, store: Store, opened: Open) -> None:
        strike = Strike(id="case:1", cause="case:1", policy="fraud", ladder="fraud", at_us=1, count=2, expires_us=9)
        sheets = [StrikeSheet(id=f"account:a{at}", version=1, strikes=(strike,)) for at in range(3)]
        letter = Letter(cause="case:1", step="s", at_us=1, action=told("inform", "account", "a"), filed="measure:m1")
        store.records.write([*reversed(sheets), AppealTally(id="rule:r", version=1), letter])
        other = opened().records
        assert other.every(StrikeSheet) == sheets
        assert other.every(StrikeSheet, "account:a0", 1) == [sheets[1]]
        assert other.get(StrikeSheet, "account:a2") == sheets[2]
        assert (len(other.letters("measure:m1")), len(other.letters("case:1"))) == (1, 0)


class AppealsContract(Contract):
    """Who asked to look again: once for each decision, what is due first."""

    def test_kept_once_with_a_file(self, store: Store, opened: Open) -> None:
        whole = asked("p1", deciders=("kim",), rules=("r",), measures=("m1",), late="ill", hearer="lee", until_us=5)
        store.records.write([whole, AppealPage(appeal="p1", number=1, at_us=1, what="received", actor="app")])
        store.records.write([AppealPage(appeal="p1", number=2, at_us=2, what="taken", actor="lee", said="x")])
        other = opened().appeals
        assert other.get("p1") == whole
        assert other.get("p2") is None
        assert [(page.number, page.what) for page in other.pages("p1")] == [(1, "received"), (2, "taken")]
        assert other.pages("p2") == []
        with pytest.raises(StaleError):
            store.records.write([whole])

    def test_what_is_due_first(self, store: Store) -> None:
        first, second, last = asked("p2", 1), asked("p1", 5), asked("p3", None)
        tied = asked("p4", 5, decision="case:2", account="a2")
        store.records.write([last, tied, second, first])
        appeals = store.appeals
        assert appeals.find() == [first, second, tied, last]
        assert appeals.find(after="p1") == [tied, last]
        assert appeals.find(after="p2", limit=1) == [second]
        assert appeals.find(after="zz") == []
        assert appeals.find(decision="case:2") == [tied]
        assert appeals.find(account="a1") == [first, second, last]
        done = msgspec.structs.replace(first, version=2, state="reversed", work=True)
        store.records.write([done])
        assert appeals.find("received") == [second, tied, last]
        assert appeals.find("reversed", "case:1", "a1") == [done]
        assert appeals.working(9) == [done]
        store.records.write([msgspec.structs.replace(done, version=3, work=False)])
        assert appeals.working(9) == []


CONTRACTS = (MeasuresContract, AppealsContract)
"""A contract for each port of enforcement."""
