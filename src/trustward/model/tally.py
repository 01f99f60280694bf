"""What is counted again and again: how many records of a kind are there now, by a name."""

from __future__ import annotations

import msgspec

WAITING = "waiting"
"""Open cases, by queue."""
OWED = "owed"
"""Duties that are still owed, by clock."""
OVERDUE = "overdue"
"""Those among them that were not done when they were due."""
BREACHED = "breached"
"""Duties that were ever missed, done or not."""
SECRET = "secret"  # noqa: S105 - a name in a count
"""The name under which secret duties are counted: their clocks would say something about them."""

Tallied = tuple[tuple[str, str], ...]
"""What a record counts for: pairs of what and name."""


def of_case(state: str, queue: str) -> Tallied:
    """What a case counts for.

    >>> of_case("open", "general"), of_case("closed", "general")
    ((('waiting', 'general'),), ())
    """
    return ((WAITING, queue),) if state == "open" else ()


def of_duty(state: str, clock: str, *, breached: bool, secret: bool) -> Tallied:
    """What a duty counts for.

    >>> of_duty("done", "report-outcome", breached=True, secret=False)
    (('breached', 'report-outcome'),)
    """
    name = SECRET if secret else clock
    owed = state in {"waiting", "open", "paused"}
    each = ((OWED, owed), (OVERDUE, owed and breached), (BREACHED, breached))
    return tuple((what, name) for what, holds in each if holds)


class DutyCounts(msgspec.Struct, frozen=True, kw_only=True):
    """How duties stand, by clock; ``alarm_us`` is the oldest thing that should have happened to one by itself."""

    owed: dict[str, int]
    overdue: dict[str, int]
    breached: dict[str, int]
    alarm_us: int | None


class Backlog(msgspec.Struct, frozen=True, kw_only=True):
    """How many errands wait (counted up to a limit), and since when the oldest does."""

    waiting: int
    oldest_us: int | None
