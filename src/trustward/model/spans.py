"""Spans of time as laws write them (24 hours, 10 working days, 6 months), counted on a market's calendar.

Whatever is owed by a time is counted here, and nowhere else.

- Hours and minutes are exact: start plus so much time, whatever clocks do meanwhile.
- Days, weeks, months and years are counted on the calendar of the market's zone. The day of the start does not count;
  the last day ends at its midnight. A month without the day ends on its last one (29 February plus a year: the 28th).
- Working days are the same, with days counted on which the market works.
"""

from __future__ import annotations

import calendar as gregorian
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Literal, NamedTuple

from trustward.base.units import parse_duration

Unit = Literal["exact", "days", "working days", "months"]

_WORDS: dict[str, tuple[int, Unit]] = {
    "day": (1, "days"),
    "week": (7, "days"),
    "month": (1, "months"),
    "year": (12, "months"),
    "working day": (1, "working days"),
}
_LONGEST: dict[Unit, int] = {"days": 36_500, "working days": 9_999, "months": 1_200}
_SHAPE = re.compile(r"(0|[1-9][0-9]{0,3}) (working day|day|week|month|year)s?")
_EXACT = re.compile(r"(?:[0-9]{1,6}[hms])+")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_US = timedelta(microseconds=1)
_DAY = timedelta(days=1)
_FIRST, _LAST = date(1970, 1, 1), date(2200, 1, 1)


class Span(NamedTuple):
    """A length of time: ``length`` microseconds, days, working days or months."""

    length: int
    unit: Unit


class Calendar(NamedTuple):
    """When a market works: its time zone, and whether a day is a working day."""

    market: str
    zone: tzinfo
    works: Callable[[date], bool]


def parse_span(text: str) -> Span:
    """A span as files write it.

    >>> parse_span("10 working days"), parse_span("1h30m"), parse_span("1 year")
    (Span(length=10, unit='working days'), Span(length=5400000000, unit='exact'), Span(length=12, unit='months'))
    >>> parse_span("3d")
    Traceback (most recent call last):
    ...
    ValueError: not a span: '3d' (write it like "24h", "90m", "3 days", "10 working days", "6 months" or "1 year")
    """
    found = _SHAPE.fullmatch(text)
    if found is not None:
        size, unit = _WORDS[found[2]]
        length = int(found[1]) * size
        if length > _LONGEST[unit]:
            raise ValueError(f"a span of more than a hundred years: {text}")
        return Span(length, unit)
    if _EXACT.fullmatch(text):
        return Span(parse_duration(text), "exact")
    raise ValueError(
        f'not a span: {text[:40]!r} (write it like "24h", "90m", "3 days", "10 working days", "6 months" or "1 year")'
    )


def plain_calendar(market: str = "", zone: tzinfo = UTC) -> Calendar:
    """A market that works from Monday to Friday and has no holidays.

    >>> plain_calendar().works(date(2026, 1, 3))
    False
    """
    return Calendar(market, zone, lambda day: day.weekday() < 5)


def local_time(at_us: int, zone: tzinfo) -> datetime:
    """A time as a market's clocks show it."""
    return (_EPOCH + at_us * _US).astimezone(zone)


def midnight_us(day: date, zone: tzinfo) -> int:
    """When a day begins somewhere: where midnight is skipped, when the clocks are put forward.

    >>> from zoneinfo import ZoneInfo
    >>> midnight_us(date(1970, 1, 2), ZoneInfo("Asia/Singapore"))
    59400000000
    """
    return _us(datetime(day.year, day.month, day.day, tzinfo=zone))


def _us(moment: datetime) -> int:
    return (moment.astimezone(UTC) - _EPOCH) // _US


def add_span(start_us: int, span: Span, calendar: Calendar, *, rolls: bool = False) -> int:
    """When a span that begins at ``start_us`` is over. With ``rolls`` it does not end on a day off.

    >>> from trustward.base.units import format_time, parse_time
    >>> friday = parse_time("2026-01-02T15:00:00Z")
    >>> for text in ("24h", "1 day", "1 working day", "2 months"):
    ...     print(format_time(add_span(friday, parse_span(text), plain_calendar())))
    2026-01-03T15:00:00Z
    2026-01-04T00:00:00Z
    2026-01-06T00:00:00Z
    2026-03-03T00:00:00Z
    """
    if span.unit == "exact":
        return start_us + span.length
    last = _moved(local_time(start_us, calendar.zone).date(), span, calendar)
    while rolls and not calendar.works(_known(last)):
        last += _DAY
    return midnight_us(last + _DAY, calendar.zone)


def before(due_us: int, span: Span, calendar: Calendar) -> int:
    """The time that lies a span before another one: the same hour so many days earlier.

    >>> from trustward.base.units import format_time, parse_time
    >>> format_time(before(parse_time("2026-01-06T00:00:00Z"), parse_span("1 working day"), plain_calendar()))
    '2026-01-03T00:00:00Z'
    """
    return _hour_kept(due_us, Span(-span.length, span.unit), calendar)


def after(due_us: int, span: Span, calendar: Calendar) -> int:
    """The time that lies a span after another one: the same hour so many days later."""
    return _hour_kept(due_us, span, calendar)


def _hour_kept(at_us: int, span: Span, calendar: Calendar) -> int:
    if span.unit == "exact":
        return at_us + span.length
    # A day ends at the next one's midnight: one microsecond earlier it is still the day that is meant.
    local = local_time(at_us - 1, calendar.zone)
    moved = _moved(local.date(), span, calendar)
    if local.time() == time.max:
        # The end of a day is the next one's beginning, also where the clocks are put back at midnight.
        return midnight_us(moved + _DAY, calendar.zone)
    return _us(datetime.combine(moved, local.time(), tzinfo=calendar.zone)) + 1


def shifted(due_us: int, paused_us: int, resumed_us: int, unit: Unit, calendar: Calendar) -> int:
    """When something is due that did not run between two times.

    What is counted in hours moves by the time between them, what is counted in days by the days: a day counts if the
    clock stood still at its beginning.

    >>> shifted(100, 20, 50, "exact", plain_calendar())
    130
    """
    if unit == "exact":
        return due_us + resumed_us - paused_us
    first, last = (local_time(at, calendar.zone).date() for at in (paused_us, resumed_us))
    if unit == "working days":
        days = sum(calendar.works(_known(first + _DAY * (1 + n))) for n in range((last - first).days))
        return _hour_kept(due_us, Span(days, "working days"), calendar)
    return _hour_kept(due_us, Span((last - first).days, "days"), calendar)


def _moved(day: date, span: Span, calendar: Calendar) -> date:
    """A day so many days, working days or months later, or earlier."""
    if span.unit == "days":
        return _known(day + span.length * _DAY)
    if span.unit == "months":
        year, month = divmod(day.year * 12 + day.month - 1 + span.length, 12)
        return _known(date(year, month + 1, min(day.day, gregorian.monthrange(year, month + 1)[1])))
    step = _DAY if span.length > 0 else -_DAY
    left = abs(span.length)
    while left:
        day += step
        left -= calendar.works(_known(day))
    return day


def _known(day: date) -> date:
    """A day that a calendar can be asked about. Raises ValueError."""
    if not _FIRST <= day < _LAST:
        raise ValueError(f"{day} is too far away (between {_FIRST.year} and {_LAST.year})")
    return day
