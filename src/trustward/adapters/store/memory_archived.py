"""Which days of the journal have moved to the archive, in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from threading import Lock

import msgspec

from trustward.adapters.store.memory_outbox import Sent
from trustward.base.errors import StateError, StoreError, UsageError
from trustward.model.archived import ArchivedDay
from trustward.model.journal import ActionRow, Segment


class MemoryArchived:
    """The port ``Archived``. Ids stay where they are: they are never dropped here."""

    def __init__(self, days: list[ArchivedDay], segments: list[Segment], sent: Sent) -> None:
        self._days = days
        self._segments = segments
        self._sent = sent

    def days(self) -> Sequence[ArchivedDay]:
        """See :class:`trustward.ports.Archived`."""
        return list(self._days)

    def upto(self) -> int:
        """See :class:`trustward.ports.Archived`."""
        return self._days[-1].last if self._days else 0

    def stamp(self) -> tuple[int, int]:
        """See :class:`trustward.ports.Archived`."""
        return self.upto(), sum(day.revision for day in self._days)

    def keep(self, day: ArchivedDay) -> None:
        """See :class:`trustward.ports.Archived`."""
        before = self._days[-1].last if self._days else 0
        if day.first != before + 1:
            raise StateError(f"the day {day.day} does not follow entry {before}", remedy="archive days in their order")
        self._days.append(day)

    def tidy(self, limit: int) -> int:
        """See :class:`trustward.ports.Archived`."""
        to = self._days[-1].last if self._days else 0
        gone = sum(segment.first <= to for segment in self._segments[:limit])
        del self._segments[:gone]
        return gone

    def actions(self, first: int, last: int, *, inverses: bool = False) -> Iterable[ActionRow]:
        """See :class:`trustward.ports.Archived`."""
        with self._sent.lock:
            rows = sorted(self._sent.actions.items())
        return [row for (seq, number), row in rows if first <= seq <= last and (number < 0) is inverses]


class MemoryShelf:
    """The port ``Shelf``: days as they were given."""

    def __init__(self) -> None:
        self._days: dict[str, tuple[list[Segment], list[ActionRow]]] = {}
        self._lock = Lock()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """See :class:`trustward.ports.Shelf`."""
        if not self._lock.acquire(blocking=False):
            raise UsageError("another process archives", remedy="let it finish: one at a time")
        try:
            yield
        finally:
            self._lock.release()

    def put(self, day: ArchivedDay, segments: Iterable[Segment], actions: Iterable[ActionRow]) -> ArchivedDay:
        """See :class:`trustward.ports.Shelf`."""
        held, rows = list(segments), list(actions)
        self._days[day.folder] = (held, rows)
        events = sum(one.count for one in held if one.kind == "events")
        changes = sum(one.kind == "change" for one in held)
        return msgspec.structs.replace(
            day, events=events, decisions=events, actions=len(rows), changes=changes, digest="in memory"
        )

    def verify(self, day: ArchivedDay, segments: Iterable[Segment], actions: Iterable[ActionRow]) -> None:
        """See :class:`trustward.ports.Shelf`."""
        if self._days.get(day.folder) != (list(segments), list(actions)):
            raise StateError(f"{day.day} did not come back as it was", remedy="archive again")

    def sweep(self, day: ArchivedDay) -> None:
        """See :class:`trustward.ports.Shelf`."""
        for name in [name for name in self._days if name.split(".")[0] == day.day and name != day.folder]:
            del self._days[name]

    def close(self, day: ArchivedDay) -> None:
        """See :class:`trustward.ports.Shelf`."""

    def actions(self, day: ArchivedDay) -> Sequence[ActionRow]:
        """See :class:`trustward.ports.Shelf`."""
        return list(self._days[day.folder][1])

    def check(self, day: ArchivedDay) -> Sequence[str]:
        """See :class:`trustward.ports.Shelf`."""
        return [] if day.folder in self._days else ["it is gone"]

    def read(self, day: ArchivedDay, after: int, limit: int) -> Sequence[Segment]:
        """See :class:`trustward.ports.Shelf`."""
        if day.folder not in self._days:
            raise StoreError(f"the archive of {day.day} is gone", remedy="put it back")
        found = [one for one in self._days[day.folder][0] if one.last > after]
        return [one for at, one in enumerate(found) if at == 0 or one.first <= after + limit]

    def since(self, day: ArchivedDay, at_us: int) -> int:
        """See :class:`trustward.ports.Shelf`."""
        return next((one.first for one in self._days[day.folder][0] if one.at_us >= at_us), day.last + 1)
