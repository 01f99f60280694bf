"""Times as tables write them, to RFC 3339 text."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from trustward.base.units import FIRST_US, LAST_US, format_time, parse_duration, parse_time
from trustward.exchange.records import safe_text
from trustward.exchange.values import CellError

_OFFSET = re.compile(r"([+-])(\d\d):(\d\d)")
_UNITS_US = {"s": 1_000_000, "ms": 1_000, "us": 1}
_DATE = 8
"""Digits of a date without signs between."""
_WHOLE = re.compile(r"-?\d{1,18}")
_DECIMAL = re.compile(r"-?\d{1,15}\.\d{1,9}")


def zone_of(name: str) -> tzinfo:
    """The zone of a name: ``UTC``, ``Z``, an offset such as ``+08:00``, or ``Asia/Singapore``. Raises CellError.

    >>> zone_of("+08:00").utcoffset(None)
    datetime.timedelta(seconds=28800)
    """
    if name in ("UTC", "Z"):
        return UTC
    match = _OFFSET.fullmatch(name)
    if match:
        minutes = int(match[2]) * 60 + int(match[3])
        if int(match[2]) < 24 and int(match[3]) < 60:
            return timezone(timedelta(minutes=-minutes if match[1] == "-" else minutes))
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as fault:
        raise CellError(f"no such zone: {safe_text(name)!r}") from fault


class TimeReader:
    """Turns cells into RFC 3339 text; ``add`` is a duration such as ``7d`` that is put on top.

    >>> TimeReader(zone="+08:00").read("2026-01-31 12:00:00")
    '2026-01-31T04:00:00Z'
    >>> TimeReader(unit="s").read(1.5)
    '1970-01-01T00:00:01.500000Z'
    """

    def __init__(self, *, pattern: str | None = None, unit: str = "", zone: str | None = None, add: str = "") -> None:
        self._pattern = pattern
        self._scale = _UNITS_US.get(unit)
        self._zone = zone_of(zone) if zone else None
        self._add_us = parse_duration(add) if add else 0

    def read(self, cell: object) -> str:
        """The RFC 3339 form of a cell. Raises CellError."""
        if self._scale is not None:
            return self._shift(self._epoch(cell, self._scale))
        if isinstance(cell, datetime):
            moment = cell
        elif isinstance(cell, date):
            moment = datetime(cell.year, cell.month, cell.day)  # noqa: DTZ001  # the zone follows
        elif isinstance(cell, str):
            moment = self._parse(cell)
        else:
            raise CellError(f"not a time: {safe_text(repr(cell), 40)} (give unit for numbers)")
        if moment.tzinfo is None:
            if self._zone is None:
                raise CellError(f"no zone in the time {safe_text(str(cell), 40)!r} (give zone in the mapping)")
            if self._zone is UTC and not self._add_us:
                return moment.isoformat() + "Z"
            moment = moment.replace(tzinfo=self._zone)
        try:
            return self._shift((moment - _EPOCH) // _MICROSECOND)
        except OverflowError as fault:
            raise CellError("out of range: times run from year 1 to year 9999") from fault

    def _parse(self, text: str) -> datetime:
        try:
            if self._pattern is not None:
                return datetime.strptime(text, self._pattern)  # noqa: DTZ007  # the zone follows
            if len(text) > _DATE and text.isdigit():
                # Thirteen digits are milliseconds since 1970, and to ISO 8601 may be an hour in the year 1712.
                raise CellError(f"not a time: {safe_text(text, 40)!r} (give unit for numbers)")
            return datetime.fromisoformat(text)
        except CellError:
            raise
        except ValueError as fault:
            like = f" (expected {self._pattern})" if self._pattern else ""
            raise CellError(f"not a time: {safe_text(text, 40)!r}{like}") from fault

    def _epoch(self, cell: object, scale: int) -> int:
        if isinstance(cell, bool) or not isinstance(cell, int | float | str):
            raise CellError(f"not a number: {safe_text(repr(cell), 40)}")
        text = repr(cell) if isinstance(cell, float) else str(cell).strip() if len(str(cell)) < 60 else ""
        if _WHOLE.fullmatch(text):
            return int(text) * scale
        if _DECIMAL.fullmatch(text):
            return round(float(text) * scale)
        raise CellError(f"not a number: {safe_text(str(cell), 40)!r}")

    def _shift(self, us: int) -> str:
        us += self._add_us
        if not FIRST_US <= us <= LAST_US:
            raise CellError("out of range: times run from year 1 to year 9999")
        return format_time(us)


def time_key(text: str) -> int:
    """Microseconds for putting events in order; malformed times come first."""
    try:
        return parse_time(text, far=True)
    except (ValueError, OverflowError):
        return -(2**63)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
