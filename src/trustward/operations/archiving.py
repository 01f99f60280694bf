"""Moving whole days of the journal to the archive: written, read back and compared, and only then removed.

Ended at any instant, nothing is lost and nothing is there twice: the database says which days have moved, in one step.
What was written before that step is written again; what was not removed after it is removed by the next run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal

import msgspec

from trustward.model.archived import DAY_US, ArchivedDay, day_of, start_of
from trustward.model.journal import Segment
from trustward.ports import Archived, Journal, Shelf, Snapshots

_READ = 8192
_TIDY = 64
"""How many segments are removed in one transaction: the service's commits go between."""


class Stopped(msgspec.Struct, frozen=True, kw_only=True):
    """Why no further day was archived: it is the last one that has entries, or a restart needs it."""

    day: str
    why: Literal["not over", "needed", "not asked for", "none"]


class Archiving:
    """Archives days, the oldest first. One process at a time."""

    def __init__(
        self, journal: Journal, archived: Archived, snapshots: Snapshots, shelf: Shelf, clock: Callable[[], int]
    ) -> None:
        self._journal = journal
        self._archived = archived
        self._snapshots = snapshots
        self._shelf = shelf
        self._clock = clock

    def run(self, before: str | None, tell: Callable[[ArchivedDay], None]) -> Stopped:
        """Archive every day that may be, as far as it lies before the day ``before``; each is told when it has moved.

        Raises StateError if a day did not come back as it was, StoreError, UsageError if another process archives.
        """
        with self._shelf.alone():
            while True:
                # Of this run, or of one that was ended.
                while self._archived.tidy(_TIDY):
                    pass
                day = self._next(before)
                if isinstance(day, Stopped):
                    return day
                put = self._shelf.put(day, self._segments(day), self._archived.actions(day.first, day.last))
                self._shelf.verify(put, self._segments(day), self._archived.actions(day.first, day.last))
                self._archived.keep(put)
                tell(put)

    def _next(self, before: str | None) -> ArchivedDay | Stopped:
        days = self._archived.days()
        first = days[-1].last + 1 if days else 1
        head = self._journal.head()
        found = self._journal.read(first - 1, 1) if first <= head else ()
        if not found:
            return Stopped(day="", why="none")
        name = day_of(found[0].at_us)
        if before is not None and name >= before:
            return Stopped(day=name, why="not asked for")
        last = self._journal.since(start_of(name) + DAY_US) - 1
        # Time never runs back in the journal: once a later day has begun, no entry comes to this one.
        if last >= head:
            return Stopped(day=name, why="not over")
        if last > max((info.seq for info in self._snapshots.stored()), default=0):
            return Stopped(day=name, why="needed")
        return ArchivedDay(
            day=name,
            first=first,
            last=last,
            events=0,
            decisions=0,
            actions=0,
            changes=0,
            digest="",
            at_us=self._clock(),
        )

    def _segments(self, day: ArchivedDay) -> Iterator[Segment]:
        after = day.first - 1
        while after < day.last:
            for segment in self._journal.read(after, min(_READ, day.last - after)):
                if segment.first > day.last:
                    return
                yield segment
                after = segment.last
