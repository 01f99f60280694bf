from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustward.base.units import MISSING, parse_time
from trustward.windows.times import parse_times

offsets = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.datetimes(timezones=offsets), st.sampled_from("Tt "), st.integers(0, 9))
def test_equal_to_the_slow_way(moment: datetime, between: str, digits: int) -> None:
    text = moment.isoformat(sep=between, timespec="microseconds")
    head, fraction, zone = text[:19], (text[20:26] + "789")[:digits], text[26:]
    text = f"{head}.{fraction}{zone}" if digits else head + zone
    wanted = parse_time(text.replace("t", "T"))
    [got] = parse_times([text]).tolist()
    if -62_135_596_800_000_000 <= wanted < 253_402_300_800_000_000:
        assert got == wanted
    else:
        assert got == MISSING


@given(st.lists(st.text(st.sampled_from("0123456789-:.TZ+ \n"), max_size=30), max_size=5))
def test_whatever_it_accepts_the_slow_way_reads_alike(texts: list[str]) -> None:
    for text, got in zip(texts, parse_times(texts).tolist(), strict=True):
        if got != MISSING:
            assert parse_time(text) == got


@pytest.mark.parametrize(
    "text",
    [
        "", "2026-01-31", "2026-01-31T12:00:00", "2026-01-31T12:00Z", "2026-02-29T12:00:00Z", "2026-13-01T12:00:00Z",
        "2026-00-01T12:00:00Z", "2026-01-00T12:00:00Z", "2026-01-31T24:00:00Z", "2026-01-31T12:60:00Z",
        "2026-06-30T23:59:60Z", "2026-01-31T12:00:00.Z", "2026-01-31T12:00:00.1234567890Z", "2026-01-31T12:00:00,5Z",
        "2026-01-31T12:00:00+0800", "2026-01-31T12:00:00+08", "2026-01-31T12:00:00+24:00", "2026-01-31T12:00:00+08:60",
        "2026-01-31T12:00:00Z ", " 2026-01-31T12:00:00Z", "2026-01-31T12:00:00ZZ", "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01", "２026-01-31T12:00:00Z", "2026-01-31T12:00:00\ud800Z",
        "2026-01-31T12:00:00Z\n", "12026-01-31T12:00:00Z", "2026-01-31_12:00:00Z", "1900-02-29T00:00:00Z",
    ],
)  # fmt: skip
def test_refused(text: str) -> None:
    good = "2024-02-29T00:00:00z"
    assert parse_times([good, text, good]).tolist() == [1_709_164_800_000_000, MISSING, 1_709_164_800_000_000]


def test_edges_of_the_calendar() -> None:
    for text in ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "2000-02-29T23:59:59-00:00"):
        assert parse_times([text]).tolist() == [parse_time(text)]
    assert parse_times([]).tolist() == []
