"""Removing what is closed when its time is over: cases with files and reports, appeals, evidence that was given away.

The clock of a case or an appeal starts with the last thing that happened to it: its closing, or what came after that.
That of evidence starts when it was made. Some are removed at a time, unless something keeps them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import get_args

import msgspec

from trustward.model.archived import day_of, start_of
from trustward.model.retention import UNTOLD, Closed, ClosedClass, Done, next_day
from trustward.model.stored import AuditRow
from trustward.operations.reading import each
from trustward.ports import Retained

CLOSED: tuple[ClosedClass, ...] = get_args(ClosedClass)
_AT_ONCE = 50
_PAGE = 500

Line = Callable[[str, int], AuditRow]
"""A line of the audit: so many were removed of a day."""


class Days:
    """What a run has removed and kept of each day of a class. What is secret is not counted as removed."""

    def __init__(self, of: ClosedClass, before: Mapping[str, Done]) -> None:
        self.of = of
        self.before = before
        self.removed: Counter[str] = Counter()
        self.kept: dict[str, Counter[str]] = {}

    def kept_of(self, day: str) -> dict[str, int]:
        """What is kept of a day, by why."""
        return dict(sorted(self.kept.get(day, {}).items()))

    def count(self, some: Sequence[Closed], whys: Mapping[str, str]) -> None:
        """Count what came of some records."""
        for one in some:
            day, why = day_of(one.at_us), whys[one.id]
            if why:
                self.kept.setdefault(day, Counter())[UNTOLD if one.secret else why] += 1
            elif not one.secret:
                self.removed[day] += 1

    def days(self) -> list[str]:
        """Every day with something removed or kept, or kept before."""
        held = {day for day, one in self.before.items() if one.kept}
        return sorted({*self.removed, *self.kept, *held})

    def done(self, day: str, at_us: int) -> Done:
        """How far a day has come."""
        was = self.before.get(day)
        removed = self.removed[day] + (was.removed if was is not None else 0)
        return Done(day=day, of=self.of, removed=removed, kept=self.kept_of(day), at_us=at_us)


def look(retained: Retained, end: str, days: Days) -> None:
    """What would be removed, and what is kept."""
    for some in _some(retained, end, days.of):
        days.count(some, retained.keeps(days.of, some))


def remove(retained: Retained, end: str, days: Days, line: Line, clock: Callable[[], int]) -> None:
    """Remove what is over; each few with their lines of the audit in one transaction."""
    for some in _some(retained, end, days.of):

        def note(whys: Mapping[str, str], some: Sequence[Closed] = some) -> tuple[Sequence[Done], Sequence[AuditRow]]:
            days.count(some, whys)
            gone = [one for one in some if not whys[one.id]]
            told = Counter(day_of(one.at_us) for one in gone if not one.secret)
            hidden = Counter(day_of(one.at_us) for one in gone if one.secret)
            lines = [line(day, count) for day, count in told.items()]
            lines += [msgspec.structs.replace(line(day, count), secret=True) for day, count in hidden.items()]
            return [days.done(day, clock()) for day in told], lines

        retained.drop(days.of, some, note)


def _some(retained: Retained, end: str, of: ClosedClass) -> Iterator[list[Closed]]:
    """The records of a class to which nothing has happened after a day, a few at a time."""
    before_us = start_of(next_day(end))
    gathered: list[Closed] = []
    for one in each(lambda after: retained.closed(of, before_us, after, _PAGE), "", lambda one: one.id):
        if one.at_us < before_us:
            gathered.append(one)
        if len(gathered) == _AT_ONCE:
            yield gathered
            gathered = []
    if gathered:
        yield gathered
