"""What the journal has in the archive, read as if it were still there."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence

from trustward.base.errors import StoreError
from trustward.model.archived import DAY_US, ArchivedDay, start_of
from trustward.model.journal import Found, Segment, found_in
from trustward.ports import Archived, Shelf


class Elsewhere:
    """Archived days behind a journal."""

    def __init__(self, archived: Archived, shelf: Shelf) -> None:
        self._archived = archived
        self._shelf = shelf
        self._days: Sequence[ArchivedDay] = ()
        self._stamp = (0, 0)

    def day(self, seq: int) -> ArchivedDay | None:
        """The archived day that an entry belongs to; None if it is in the database."""
        stamp = self._archived.stamp()
        if seq > stamp[0]:
            return None
        if stamp != self._stamp:
            before, self._days, self._stamp = self._days, self._archived.days(), stamp
            for day in set(before) - set(self._days):
                # Written anew, by another process perhaps: nobody reads on in what it was.
                self._shelf.close(day)
        days = self._days
        at = bisect_left(days, seq, key=lambda day: day.last)
        return days[at] if at < len(days) else None

    def read(self, after: int, limit: int) -> Sequence[Segment] | None:
        """As :meth:`Journal.read`; None if what comes next is in the database."""
        day = self.day(after + 1)
        if day is None:
            return None
        try:
            return self._shelf.read(day, after, limit)
        except StoreError:
            again = self.day(after + 1)
            if again is None or again == day:
                raise
            # It was written anew between the two.
            return self._shelf.read(again, after, limit)

    def since(self, at_us: int) -> int | None:
        """As :meth:`Journal.since`; None if it is not in an archived day."""
        for day in self._archived.days():
            begin = start_of(day.day)
            if at_us <= begin:
                return day.first
            if at_us < begin + DAY_US:
                found = self._shelf.since(day, at_us)
                if found <= day.last:
                    return found
        return None

    def entries(self, seqs: Iterable[int]) -> list[Found]:
        """The events with these numbers, as far as they are archived."""
        found: list[Found] = []
        segment: Segment | None = None
        for seq in sorted(seqs):
            if segment is None or not segment.first <= seq <= segment.last:
                segments = self.read(seq - 1, 1)
                if not segments:
                    break
                segment = segments[0]
            if segment.kind == "events" and segment.first <= seq:
                found += found_in(segment, [seq - segment.first])
        return found
