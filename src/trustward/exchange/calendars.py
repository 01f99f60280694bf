"""Working-day calendars of markets: public holidays and swapped working days as the library ``holidays`` has them.

Beyond the years that a government has announced, the library says what can be computed. What it cannot know, a file
of the service's own adds (``closed``, ``worked``).
"""

from __future__ import annotations

from datetime import date
from functools import cache, partial
from zoneinfo import ZoneInfo

import holidays

from trustward.base.errors import RegimeError
from trustward.model.clocks import CalendarSource
from trustward.model.spans import Calendar

_WEEK = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def calendar_of(source: CalendarSource) -> Calendar:
    """A market's calendar. Raises RegimeError for a zone or a country that nobody knows.

    >>> singapore = calendar_of(CalendarSource(market="SG", zone="Asia/Singapore", holidays="SG"))
    >>> [singapore.works(date(2026, 8, day)) for day in (7, 8, 9, 10, 11)]
    [True, False, False, False, True]
    >>> china = calendar_of(CalendarSource(market="CN", zone="Asia/Shanghai", holidays="CN"))
    >>> china.works(date(2025, 1, 26)), china.works(date(2025, 1, 28))
    (True, False)
    """
    try:
        zone = ZoneInfo(source.zone)
    except (ValueError, OSError, KeyError) as fault:
        raise RegimeError(
            f"the calendar {source.market}: no such time zone: {source.zone[:60]}",
            remedy="write it like Asia/Singapore",
        ) from fault
    if source.holidays:
        try:
            _year(source.holidays, 2026)
        except NotImplementedError as fault:
            raise RegimeError(
                f"the calendar {source.market}: no holidays are known of {source.holidays[:20]}",
                remedy="name a country like SG or a part of one like DE-BY, or list its days under closed",
            ) from fault
    weekend = frozenset(_WEEK.index(day) for day in source.weekend)
    works = partial(_works, source.holidays, weekend, frozenset(source.closed), frozenset(source.worked))
    return Calendar(source.market, zone, works)


def _works(country: str, weekend: frozenset[int], closed: frozenset[date], worked: frozenset[date], day: date) -> bool:
    if day in worked:
        return True
    if day in closed:
        return False
    if not country:
        return day.weekday() not in weekend
    off, swapped = _year(country, day.year)
    return day in swapped or (day.weekday() not in weekend and day not in off)


@cache
def _year(country: str, year: int) -> tuple[frozenset[date], frozenset[date]]:
    """A country's holidays in a year, and the days of its weekends on which it works in exchange."""
    name, _, part = country.partition("-")
    found = holidays.country_holidays(name, subdiv=part or None, years=year, expand=False)
    return frozenset(found), frozenset(found.weekend_workdays)
