"""What every adapter of the ports ``Archived`` and ``Shelf`` must do, as tests."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest

from trustward.base.errors import StateError, UsageError
from trustward.model.archived import DAY_US, ArchivedDay
from trustward.model.changes import LabelChange
from trustward.model.decision import Action
from trustward.model.journal import ActionRow, Commit, Outgoing, Segment
from trustward.model.stored import Lease
from trustward.ports import Store
from trustward.testing.contracts import Contract, Open, changed, events


def outgoing(seq: int) -> ActionRow:
    """An action as it lies in the outbox."""
    action = Action(do="hold", kind="account", entity=f"a{seq}", rule="r")
    body = Outgoing(event_id=f"e{seq}", type="t", time="2026-01-01T00:00:00Z", action=action)
    return ActionRow(seq=seq, number=0, at_us=1000 + seq, body=msgspec.json.encode(body))


def commits() -> list[Commit]:
    """Twelve entries: events, some decided, some faulty, and a change between."""
    first = events(1, "a", "b", "c", decided=(1,), faults=(0, 2))
    rest = [
        first,
        events(4, "d"),
        changed(5, LabelChange(actor="kim", kind="account", entity="x", label="spam", reason="a report")),
        events(6, "e", "f", decided=(0, 1)),
        events(8, "g", "h", "i", "j", "k"),
    ]
    return [dated(one) for one in rest]


def dated(commit: Commit) -> Commit:
    """A commit with what it needs to be archived: the time of its day, and actions that can be read."""
    at_us = DAY_US * sum(commit.first >= first for first in (4, 8)) + commit.first
    return Commit(
        segments=tuple(msgspec.structs.replace(one, at_us=at_us) for one in commit.segments),
        ids=commit.ids,
        actions=tuple(outgoing(row.seq) for row in commit.actions),
    )


def day(name: str, first: int, last: int) -> ArchivedDay:
    """A day that has not been put anywhere."""
    return ArchivedDay(
        day=name, first=first, last=last, events=0, decisions=0, actions=0, changes=0, digest="", at_us=0
    )


def move(store: Store, one: ArchivedDay) -> ArchivedDay:
    """Put a day on the shelf, and say so."""
    segments = [segment for segment in store.journal.read(one.first - 1, 100) if one.first <= segment.first <= one.last]
    put = store.shelf.put(one, segments, store.archived.actions(one.first, one.last))
    store.shelf.verify(put, segments, store.archived.actions(one.first, one.last))
    store.archived.keep(put)
    return put


class _Filled(Contract):
    @pytest.fixture
    def filled(self, store: Store, lease: Lease) -> Sequence[Segment]:
        """The journal's segments."""
        for commit in commits():
            store.journal.append(lease, commit)
        return list(store.journal.read(0, 100))


class ArchivedContract(_Filled):
    """Days follow each other; what has moved is read as before."""

    def test_nothing_yet(self, store: Store) -> None:
        assert list(store.archived.days()) == []
        assert store.archived.upto() == 0
        assert store.archived.tidy(10) == 0

    @pytest.mark.usefixtures("filled")
    def test_days_follow_each_other(self, store: Store, opened: Open) -> None:
        with pytest.raises(StateError, match="entry"):
            store.archived.keep(day("1970-01-02", 4, 5))
        one = move(store, day("1970-01-01", 1, 3))
        assert (one.events, one.decisions, one.actions, one.changes) == (3, 3, 1, 0)
        with pytest.raises(StateError):
            opened().archived.keep(one)
        two = move(opened(), day("1970-01-02", 4, 7))
        assert (two.events, two.decisions, two.actions, two.changes) == (3, 3, 2, 1)
        assert list(store.archived.days()) == [one, two]
        assert store.archived.upto() == 7

    @pytest.mark.parametrize("tidied", [0, 1, 10])
    def test_what_has_moved_is_read_as_before(
        self, store: Store, opened: Open, lease: Lease, filled: Sequence[Segment], tidied: int
    ) -> None:
        ids = list("abcdefghijk")
        before = store.journal.find(ids)
        moments = [day * DAY_US + more for day in range(4) for more in range(-1, 15)]
        since = {at_us: store.journal.since(at_us) for at_us in moments}
        entries = [store.journal.entry(seq) for seq in range(13)]
        move(store, day("1970-01-01", 1, 3))
        move(store, day("1970-01-02", 4, 7))
        assert store.archived.tidy(tidied) == min(tidied, 4)
        for one in (store, opened()):
            assert one.journal.find(ids) == before
            assert {at_us: one.journal.since(at_us) for at_us in since} == since
            assert [one.journal.entry(seq) for seq in range(13)] == entries
            assert list(one.journal.entries([11, 2, 5, 6, 99])) == [entries[2], entries[6], entries[11]]
            for limit in (1, 3, 100):
                again: list[Segment] = []
                while part := one.journal.read(again[-1].last if again else 0, limit):
                    again += part
                assert again == filled
            assert one.journal.read(4, 1)[0] == filled[2]
            assert one.journal.read(1, 1)[0] == filled[0]
        assert store.archived.tidy(10) == 4 - min(tidied, 4)
        assert store.archived.tidy(10) == 0
        store.journal.append(lease, dated(events(13, "l")))
        assert opened().journal.find(["l", "a"]).keys() == {"l", "a"}
        assert opened().journal.head() == 13

    @pytest.mark.usefixtures("filled")
    def test_actions_of_some_entries(self, store: Store) -> None:
        assert [row.seq for row in store.archived.actions(1, 6)] == [2, 6]
        assert [row.seq for row in store.archived.actions(3, 12)] == [6, 7]
        assert list(store.archived.actions(1, 12, inverses=True)) == []


class ShelfContract(_Filled):
    """Whole or not at all, and what comes back is what was put there."""

    def test_one_at_a_time(self, store: Store) -> None:
        with store.shelf.alone(), pytest.raises(UsageError, match="another"), store.shelf.alone():
            pass
        with store.shelf.alone():
            pass

    def test_what_lay_there_is_replaced(self, store: Store, filled: Sequence[Segment]) -> None:
        wanted = day("2026-01-01", 1, 12)
        store.shelf.put(wanted, filled[:2], ())
        actions = list(store.archived.actions(1, 12))
        put = store.shelf.put(wanted, filled, actions)
        store.shelf.verify(put, filled, actions)
        assert store.shelf.check(put) == []
        assert (put.events, put.decisions, put.actions, put.changes) == (11, 11, 3, 1)

    def test_another_content_is_noticed(self, store: Store, filled: Sequence[Segment]) -> None:
        actions = list(store.archived.actions(1, 12))
        put = store.shelf.put(day("2026-01-01", 1, 12), filled, actions)
        other = [*filled[:3], msgspec.structs.replace(filled[3], at_us=5), *filled[4:]]
        for segments, rows in ((other, actions), (filled[:-1], actions), (filled, actions[1:])):
            with pytest.raises(StateError, match="did not come back"):
                store.shelf.verify(put, segments, rows)


CONTRACTS = (ArchivedContract, ShelfContract)
