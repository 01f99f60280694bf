from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustward.base.units import format_time, parse_time
from trustward.exchange.calendars import calendar_of
from trustward.model.clocks import CalendarSource
from trustward.model.spans import (
    Calendar,
    Span,
    add_span,
    after,
    before,
    local_time,
    midnight_us,
    parse_span,
    plain_calendar,
    shifted,
)

NEW_YORK = calendar_of(CalendarSource(market="US", zone="America/New_York", holidays="US"))
LONDON = calendar_of(CalendarSource(market="GB", zone="Europe/London", holidays="GB-ENG"))
SHANGHAI = calendar_of(CalendarSource(market="CN", zone="Asia/Shanghai", holidays="CN"))
HAVANA = calendar_of(CalendarSource(market="CU", zone="America/Havana"))
ALL = (NEW_YORK, LONDON, SHANGHAI, HAVANA)
TIMES = st.integers(parse_time("2020-01-01T00:00:00Z"), parse_time("2032-12-31T00:00:00Z"))


@pytest.mark.parametrize(
    ("calendar", "start", "span", "due"),
    [
        # Over the change of the clocks hours stay hours, and days end at midnight.
        (NEW_YORK, "2026-03-07T20:00:00Z", "24h", "2026-03-08T20:00:00Z"),
        (NEW_YORK, "2026-03-07T20:00:00Z", "1 day", "2026-03-09T04:00:00Z"),
        (LONDON, "2026-10-24T10:00:00Z", "1 day", "2026-10-26T00:00:00Z"),
        # Leap days.
        (LONDON, "2028-02-28T10:00:00Z", "1 day", "2028-03-01T00:00:00Z"),
        (LONDON, "2028-02-29T10:00:00Z", "1 year", "2029-03-01T00:00:00Z"),
        (LONDON, "2027-08-31T10:00:00Z", "6 months", "2028-03-01T00:00:00Z"),
        (LONDON, "2028-02-29T10:00:00Z", "4 years", "2032-03-01T00:00:00Z"),
        # Working days: Christmas and Boxing Day fall on a weekend in 2027, and are kept on Monday and Tuesday.
        (LONDON, "2027-12-23T10:00:00Z", "1 working day", "2027-12-25T00:00:00Z"),
        (LONDON, "2027-12-24T10:00:00Z", "1 working day", "2027-12-30T00:00:00Z"),
        # Saturday 26 January 2025 is worked in China for the Spring Festival.
        (SHANGHAI, "2025-01-24T10:00:00Z", "2 working days", "2025-01-27T16:00:00Z"),
        (SHANGHAI, "2025-01-27T10:00:00Z", "1 working day", "2025-02-05T16:00:00Z"),
        # The day counts where the market is, not in UTC.
        (SHANGHAI, "2026-03-03T17:00:00Z", "1 working day", "2026-03-05T16:00:00Z"),
        (SHANGHAI, "2026-03-03T15:00:00Z", "1 working day", "2026-03-04T16:00:00Z"),
        # Midnight is skipped in Havana: the day ends when the clocks are put forward.
        (HAVANA, "2026-03-06T17:00:00Z", "1 day", "2026-03-08T05:00:00Z"),
    ],
)
def test_when_a_span_is_over(calendar: Calendar, start: str, span: str, due: str) -> None:
    assert format_time(add_span(parse_time(start), parse_span(span), calendar)) == due


def test_a_last_day_that_is_off() -> None:
    start = parse_time("2026-04-01T10:00:00Z")  # two days later is Good Friday
    assert format_time(add_span(start, parse_span("2 days"), LONDON)) == "2026-04-03T23:00:00Z"
    assert format_time(add_span(start, parse_span("2 days"), LONDON, rolls=True)) == "2026-04-07T23:00:00Z"


@pytest.mark.parametrize(
    "text", ["", "3d", "1", "day", "-1 day", "1 days ago", "01 day", "99999 days", "1.5h", "2 Days"]
)
def test_no_spans(text: str) -> None:
    with pytest.raises(ValueError, match="not a span"):
        parse_span(text)


def test_too_far_away() -> None:
    with pytest.raises(ValueError, match="hundred years"):
        parse_span("101 years")
    with pytest.raises(ValueError, match="too far"):
        add_span(parse_time("2150-01-01T00:00:00Z"), parse_span("100 years"), LONDON)


@given(st.sampled_from(ALL), TIMES, st.integers(0, 40))
def test_working_days_are_counted_one_by_one(calendar: Calendar, start_us: int, count: int) -> None:
    due_us = add_span(start_us, Span(count, "working days"), calendar)
    begun, last = local_time(start_us, calendar.zone).date(), local_time(due_us - 1, calendar.zone).date()
    between = [begun + timedelta(days=1 + n) for n in range((last - begun).days)]
    assert sum(calendar.works(day) for day in between) == count
    assert count == 0 or calendar.works(last)
    assert local_time(due_us, calendar.zone).date() == last + timedelta(days=1)


@given(st.sampled_from(ALL), TIMES, TIMES, st.sampled_from(["24h", "3 days", "2 working days", "5 months", "1 year"]))
def test_who_begins_later_is_due_later(calendar: Calendar, one_us: int, other_us: int, text: str) -> None:
    first, second = sorted((one_us, other_us))
    span = parse_span(text)
    assert first < add_span(first, span, calendar) <= add_span(second, span, calendar)


@given(st.sampled_from(ALL), TIMES, st.integers(0, 400))
def test_there_and_back(calendar: Calendar, at_us: int, days: int) -> None:
    span = Span(days, "days")
    earlier = before(at_us, span, calendar)
    assert (local_time(at_us - 1, calendar.zone).date() - local_time(earlier - 1, calendar.zone).date()).days == days
    assert abs(after(earlier, span, calendar) - at_us) <= 3_600_000_000  # an hour that is not, or is twice


@given(st.sampled_from(ALL), TIMES, st.integers(0, 10**13), st.sampled_from(["days", "working days", "exact"]))
def test_standing_still_never_makes_it_earlier(calendar: Calendar, due_us: int, still_us: int, unit: str) -> None:
    paused_us = due_us - 86_400_000_000
    moved = shifted(due_us, paused_us, paused_us + still_us, unit, calendar)  # type: ignore[arg-type]
    assert moved >= due_us
    if unit == "exact":
        assert moved == due_us + still_us


def test_days_of_the_services_own() -> None:
    source = CalendarSource(
        market="X", zone="UTC", weekend=("Fri",), closed=(date(2026, 1, 5),), worked=(date(2026, 1, 9),)
    )
    works = calendar_of(source).works
    assert [works(date(2026, 1, day)) for day in range(1, 10)] == [1, 0, 1, 1, 0, 1, 1, 1, 1]


def test_zones_are_the_markets() -> None:
    assert local_time(0, ZoneInfo("Asia/Singapore")).hour == 7
    assert local_time(0, UTC) == datetime(1970, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "day"),
    [("Africa/Cairo", date(2026, 10, 29)), ("Asia/Beirut", date(2026, 10, 24)), ("Europe/London", date(2026, 10, 24))],
)
def test_a_day_ends_at_its_midnight_where_clocks_are_put_back_at_midnight(zone: str, day: date) -> None:
    calendar = plain_calendar("X", ZoneInfo(zone))
    due_us, end_us = (midnight_us(day + timedelta(days=more), calendar.zone) for more in (4, 1))
    assert before(due_us, Span(3, "days"), calendar) == end_us
    assert after(end_us, Span(3, "days"), calendar) == due_us
    three_earlier_us = midnight_us(day - timedelta(days=2), calendar.zone)
    assert shifted(three_earlier_us, three_earlier_us - 1, end_us - 1, "days", calendar) == end_us
