"""Removing closed cases with their files and reports when their time is over, unless something keeps them.

A case's clock starts with the last thing that happened to it: its closing, or what came after that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

from trustward.model.archived import day_of, start_of
from trustward.model.retention import ClosedCase, Done, next_day
from trustward.model.stored import AuditRow
from trustward.operations.reading import each
from trustward.ports import Retained

CASES = "cases"
_AT_ONCE = 50
_PAGE = 500


class Days:
    """What a run has removed and kept of each day."""

    def __init__(self, before: Mapping[str, Done]) -> None:
        self.before = before
        self.removed: Counter[str] = Counter()
        self.kept: dict[str, Counter[str]] = {}

    def kept_of(self, day: str) -> dict[str, int]:
        """What is kept of a day, by why."""
        return dict(sorted(self.kept.get(day, {}).items()))

    def count(self, cases: Sequence[ClosedCase], whys: Mapping[str, str]) -> None:
        """Count what came of some cases."""
        for case in cases:
            day, why = day_of(case.at_us), whys[case.id]
            if why:
                self.kept.setdefault(day, Counter())[why] += 1
            else:
                self.removed[day] += 1

    def days(self) -> list[str]:
        """Every day with something removed or kept, or kept before."""
        held = {day for day, one in self.before.items() if one.kept}
        return sorted({*self.removed, *self.kept, *held})

    def done(self, day: str, at_us: int) -> Done:
        """How far a day has come: what an earlier run has kept stays, until the day is told anew."""
        was = self.before.get(day)
        removed = self.removed[day] + (was.removed if was is not None else 0)
        return Done(day=day, of=CASES, removed=removed, kept=self.kept_of(day), at_us=at_us)


def over(retained: Retained, end: str) -> Iterator[ClosedCase]:
    """The closed cases to which nothing has happened after a day."""
    before_us = start_of(next_day(end))
    for case in each(lambda after: retained.closed_cases(before_us, after, _PAGE), "", lambda case: case.id):
        if case.at_us < before_us:
            yield case


def look(retained: Retained, end: str, days: Days) -> None:
    """What would be removed, and what is kept."""
    for some in _some(over(retained, end)):
        days.count(some, retained.keeps_cases(some))


def remove(
    retained: Retained, end: str, days: Days, line: Callable[[str, int], AuditRow], clock: Callable[[], int]
) -> None:
    """Remove what is over; each few with their lines of the audit in one transaction."""
    for some in _some(over(retained, end)):

        def note(
            whys: Mapping[str, str], some: Sequence[ClosedCase] = some
        ) -> tuple[Sequence[Done], Sequence[AuditRow]]:
            days.count(some, whys)
            now = Counter(day_of(case.at_us) for case in some if not whys[case.id])
            return [days.done(day, clock()) for day in now], [line(day, count) for day, count in now.items()]

        retained.drop_cases(some, note)


def _some(cases: Iterator[ClosedCase]) -> Iterator[list[ClosedCase]]:
    gathered: list[ClosedCase] = []
    for case in cases:
        gathered.append(case)
        if len(gathered) == _AT_ONCE:
            yield gathered
            gathered = []
    if gathered:
        yield gathered
