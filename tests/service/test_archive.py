"""Days in the archive: moved whole, read as before, asked by SQL, and derived again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from threading import Event as Signal
from threading import Thread
from typing import Any

import msgspec
import pytest

from tests.service.kit import DECODER, compile_policy, faulty, host_over, rebuilt, seen, stream
from tests.service.test_searching import paged
from trustward.adapters.store.opened import DatabaseStore, open_store
from trustward.base.errors import ConflictError, StateError, StoreError
from trustward.model.archived import DAY_US, ArchivedDay, start_of
from trustward.model.changes import LabelChange
from trustward.model.journal import Segment
from trustward.operations.archiving import Archiving
from trustward.operations.auditing import Auditing, Difference
from trustward.operations.indexing import Indexing
from trustward.operations.recovery import Replayer
from trustward.operations.retelling import Retelling
from trustward.operations.searching import Query, Searching
from trustward.ports import Store

FIRST_US = start_of("2031-03-01")
EVENTS = 420


class Clock:
    """Goes on by some minutes at each look."""

    def __init__(self) -> None:
        self.at_us = FIRST_US

    def __call__(self) -> int:
        self.at_us += 1_500_000_000
        return self.at_us


def filled(store: Store, *, snapshot: bool = True) -> list[Any]:
    """A journal of some days; the events that are in it."""
    clock = Clock()
    host = host_over(store, clock=clock, skew_us=10**18, snapshot_events=10**9)
    host.start()
    events = stream(EVENTS, 5)
    faults = faulty(events)
    for at in range(0, EVENTS, 3):
        host.submit(events[at : at + 3], {p - at: found for p, found in faults.items() if at <= p < at + 3}).result()
        if at % 30 == 0:
            host.change(LabelChange(actor="kim", kind="account", entity="abcd"[at % 4], label="busy")).result()
        if snapshot and at == 300:
            host.snapshot().result()
    if not snapshot:
        # A process that was killed leaves no snapshot.
        store.snapshots.prune(0)
        return events
    host.close()
    return events


def archiving(store: Store) -> Archiving:
    return Archiving(store.journal, store.archived, store.snapshots, store.shelf, lambda: 1)


def archived(store: Store, before: str | None = None) -> tuple[list[ArchivedDay], str]:
    found: list[ArchivedDay] = []
    return found, archiving(store).run(before, found.append).why


def every(store: Store) -> list[Segment]:
    found: list[Segment] = []
    while part := store.journal.read(found[-1].last if found else 0, 50):
        found += part
    return found


def test_whole_days_move_and_everything_reads_as_before(opened: Callable[[], Store]) -> None:
    store = opened()
    events = filled(store)
    before, engine = every(store), seen(rebuilt(store, snapshots=False))
    ids = [event.id for event in events]
    answers = store.journal.find(ids)
    days, why = archived(store, "2031-03-02")
    assert [day.day for day in days] == ["2031-03-01"]
    assert why == "not asked for"
    days, why = archived(store)
    assert len(days) >= 1
    assert why == "not over"
    for one in (store, opened()):
        assert every(one) == before
        assert one.journal.find(ids) == answers
    assert sum(day.events for day in store.archived.days()) < EVENTS
    assert sum(day.actions for day in store.archived.days()) > 10
    assert seen(rebuilt(store, snapshots=False)) == engine == seen(rebuilt(store))
    # The same event again gets the same answer; other content under its id is refused.
    host = host_over(opened(), skew_us=10**18)
    store.close()
    host.start()
    again = host.submit(events[:5], {at: found for at, found in faulty(events).items() if at < 5}).result()
    assert again.again == {0, 1, 2, 3, 4}
    assert [again.decision(at) for at in range(5)] == [answers[name].decision for name in ids[:5]]
    other = msgspec.structs.replace(events[1], source="elsewhere")
    with pytest.raises(ConflictError):
        host.decide(other)
    host.close()


def test_what_a_restart_needs_stays(opened: Callable[[], Store]) -> None:
    store = opened()
    filled(store, snapshot=False)
    assert archived(store) == ([], "needed")


def test_nothing_to_archive(opened: Callable[[], Store]) -> None:
    assert archived(opened()) == ([], "none")


@pytest.fixture
def mine(tmp_path: Path) -> Iterator[DatabaseStore]:
    store = open_store("", tmp_path)
    yield store
    store.close()


def test_a_damaged_file_is_noticed_before_anything_is_removed(
    mine: DatabaseStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(mine)
    before = every(mine)
    verify = mine.shelf.verify

    def spoilt(day: ArchivedDay, *rest: Any) -> None:
        path = mine.shelf.path(day, "events")
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
        verify(day, *rest)

    monkeypatch.setattr(mine.shelf, "verify", spoilt)
    with pytest.raises(StateError, match="checksum"):
        archived(mine)
    assert mine.archived.upto() == 0
    assert every(mine) == before
    monkeypatch.undo()
    assert archived(mine)[0]
    assert every(mine) == before


def test_a_day_of_another_database_is_not_replaced(mine: DatabaseStore, tmp_path: Path) -> None:
    filled(mine)
    moved, _ = archived(mine)
    with closing(open_store("", tmp_path / "copy", archive=tmp_path / "archive")) as copy:
        assert copy.shelf.folder == mine.shelf.folder
        day = msgspec.structs.replace(moved[0], last=moved[0].last + 1)
        with pytest.raises(StateError, match="another database's day"):
            copy.shelf.put(day, copy.journal.read(0, 10), ())
    assert [mine.shelf.check(day) for day in moved] == [[] for _ in moved]


def test_files_that_are_gone_or_changed_are_said(mine: DatabaseStore) -> None:
    events = filled(mine)
    day = archived(mine)[0][0]
    assert mine.shelf.check(day) == []
    path = mine.shelf.path(day, "decisions")
    content = path.read_bytes()
    path.write_bytes(content[:-9])
    assert any("decisions.parquet" in fault or "read" in fault for fault in mine.shelf.check(day))
    path.parent.rename(path.parent.with_name("away"))
    assert "No such file" in mine.shelf.check(day)[0]
    fresh = open_store("", mine.shelf.folder.parent)
    with pytest.raises(StoreError, match=day.day):
        fresh.journal.read(0, 10)
    # An event whose answer lies there is neither decided again nor answered wrongly.
    with pytest.raises(StoreError, match=day.day):
        fresh.journal.find([events[0].id])
    assert fresh.journal.find([events[-1].id])
    fresh.close()


def test_every_decision_of_a_day_is_derived_again(opened: Callable[[], Store]) -> None:
    store = opened()
    filled(store)
    replayer = Replayer(store, DECODER, compile_policy, 10**18)
    auditing = Auditing(store.journal, replayer)
    for moved in (False, True):
        if moved:
            assert archived(store)[0]
        total = 0
        for number in range(6):
            first, last = auditing.span(FIRST_US + number * DAY_US, FIRST_US + (number + 1) * DAY_US)
            if last < first:
                continue
            for start in (None, 0):
                told: list[Difference] = []
                done = auditing.replay(first, last, told.append, start=start)
                assert (told, done.differences) == ([], 0)
                assert done.events + done.changes == last - first + 1
                assert start is None or done.begun == 0
            total += done.events
        assert total == EVENTS


def test_a_changed_decision_is_told(mine: DatabaseStore) -> None:
    filled(mine)
    chosen = next(one for one in every(mine) if one.decisions)
    pairs = [(at, msgspec.structs.replace(one, score=0.123)) for at, one in chosen.decided().items()]
    with mine.database.write() as connection:
        connection.exec_driver_sql(
            "UPDATE segments SET decisions = ? WHERE first = ?", (msgspec.json.encode(pairs), chosen.first)
        )
    auditing = Auditing(mine.journal, Replayer(mine, DECODER, compile_policy, 10**18))
    told: list[Difference] = []
    done = auditing.replay(1, mine.journal.head(), told.append)
    assert done.differences == len(told) == len(pairs)
    assert {one.fields for one in told} == {("score",)}
    assert told[0].entry == chosen.first + pairs[0][0]
    assert told[0].stored.score == 0.123 != told[0].derived.score


def test_archived_while_the_service_goes_on(opened: Callable[[], Store]) -> None:
    store, other = opened(), opened()
    filled(store)
    clock = Clock()
    clock.at_us = FIRST_US + 10 * DAY_US
    host = host_over(store, clock=clock, skew_us=10**18, snapshot_events=60)
    host.start()
    events = stream(600, 9, "more")
    faults = faulty(events)
    moved: list[ArchivedDay] = []
    ended = Signal()

    def work() -> None:
        while not ended.is_set():
            archiving(other).run(None, moved.append)

    thread = Thread(target=work)
    thread.start()
    try:
        for at in range(0, 600, 6):
            host.submit(events[at : at + 6], {p - at: f for p, f in faults.items() if at <= p < at + 6}).result()
            if at % 50 == 0:
                # What came long before, and has moved meanwhile.
                assert host.submit(stream(1, 5), faulty(stream(1, 5))).result().again == {0}
    finally:
        ended.set()
        thread.join()
        host.close()
    archived(other)
    assert len(moved) >= 3
    assert [day.first for day in moved[1:]] == [day.last + 1 for day in moved[:-1]]
    found = every(opened())
    assert [one.first for one in found] == [1, *(one.last + 1 for one in found[:-1])]
    ids = [name for one in found for name in one.ids()]
    assert len(ids) == len(set(ids)) == EVENTS + 600
    assert len(store.journal.find(ids)) == len(ids)
    assert seen(rebuilt(store)) == seen(rebuilt(store, snapshots=False))


def test_archived_entries_are_found_and_explained(opened: Callable[[], Store]) -> None:
    store = opened()
    filled(store)
    indexing = Indexing(store, DECODER, size=100)
    indexing.step()
    query = Query(kind="account", entity="a")
    before = list(paged(Searching(store, indexing), query, 30))
    assert len(before) > 50
    assert archived(store)[0]
    # Half of it is indexed before it has moved, half after.
    for _ in range(3):
        searching = Searching(opened(), indexing)
        assert list(paged(searching, query, 30)) == before
        middle = before[len(before) // 2].at_us
        ranged = msgspec.structs.replace(query, from_us=before[-5].at_us, to_us=middle)
        assert list(paged(searching, ranged, 7)) == [one for one in before[:-4] if one.at_us < middle]
        indexing.step()
    replayer = Replayer(store, DECODER, compile_policy, 10**18)
    chosen = next(one for one in reversed(before) if one.decision.rules)
    assert chosen.seq <= store.archived.upto()
    retold = Retelling(store, replayer).retell(chosen)
    assert retold is not None
    assert retold.same
