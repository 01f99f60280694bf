"""Times, durations and money as whole numbers.

Time is microseconds since 1970-01-01T00:00:00Z (``_us``), a duration is microseconds, money is minor
units of its currency (ISO 4217).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

MISSING = -(2**63)
"""The whole number that stands for "no value" in columns."""

_UNITS_US = {
    "us": 1,
    "ms": 1_000,
    "s": 1_000_000,
    "m": 60_000_000,
    "h": 3_600_000_000,
    "d": 86_400_000_000,
    "w": 604_800_000_000,
}
_DURATION = re.compile(r"([0-9]+)(us|ms|s|m|h|d|w)")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
FIRST_US = (datetime.min.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND
LAST_US = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND
_LONGEST_US = 365_250 * 86_400_000_000
# Digits after the point, where they are not two (ISO 4217).
_NO_DIGITS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"
_THREE_DIGITS = "BHD IQD JOD KWD LYD OMR TND"
_EXPONENTS = {**dict.fromkeys(_NO_DIGITS.split(), 0), **dict.fromkeys(_THREE_DIGITS.split(), 3)}


def parse_duration(text: str) -> int:
    """Microseconds of a duration such as ``"90s"``, ``"1h30m"`` or ``"7d"``, of a thousand years at most.

    >>> parse_duration("1h30m")
    5400000000
    >>> parse_duration("soon")
    Traceback (most recent call last):
    ...
    ValueError: not a duration: 'soon' (write a number and one of us, ms, s, m, h, d, w, such as "90s" or "1h30m")
    """
    total = end = 0
    for part in _DURATION.finditer(text):
        if part.start() != end:
            break
        total += int(part[1]) * _UNITS_US[part[2]]
        end = part.end()
    if not text or end != len(text) or len(text) > 40:
        raise ValueError(
            f'not a duration: {text[:40]!r} (write a number and one of us, ms, s, m, h, d, w, such as "90s" or "1h30m")'
        )
    if total > _LONGEST_US:
        raise ValueError(f"not a usable duration: {text[:40]!r} is too long (use at most 36500d)")
    return total


def format_duration(us: int) -> str:
    """A duration for people: its two largest units.

    >>> format_duration(93_784_000_000)
    '1d2h'
    >>> format_duration(0)
    '0s'
    """
    if us < 0:
        return "-" + format_duration(-us)
    parts: list[str] = []
    for unit in ("d", "h", "m", "s", "ms", "us"):
        size = _UNITS_US[unit]
        if us >= size:
            parts.append(f"{us // size}{unit}")
            us %= size
        elif parts:
            break
        if len(parts) == 2:
            break
    return "".join(parts) or "0s"


def parse_time(text: str, *, far: bool = False) -> int:
    """Microseconds since 1970 of an RFC 3339 time; the zone is required.

    The year in UTC is one of 1 to 9999; with ``far`` what an offset moves beyond is a time too, as it is in events.

    >>> parse_time("1970-01-01T00:00:01.5Z")
    1500000
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as fault:
        raise ValueError(f"not a time: {text[:40]!r} (write it like 2026-01-31T12:00:00Z)") from fault
    if moment.tzinfo is None:
        raise ValueError(f"no zone in the time {text[:40]!r} (end it with Z or an offset such as +08:00)")
    us = (moment - _EPOCH) // _MICROSECOND
    if not (far or FIRST_US <= us <= LAST_US):
        raise ValueError(f"in UTC, {text[:40]!r} is in no year of 1 to 9999")
    return us


def format_time(us: int) -> str:
    """The RFC 3339 form, in UTC. What lies beyond the years 1 to 9999, which have such a form, is told as their end.

    >>> format_time(1500000)
    '1970-01-01T00:00:01.500000Z'
    >>> format_time(0)
    '1970-01-01T00:00:00Z'
    >>> format_time(2**62)
    '9999-12-31T23:59:59.999999Z'
    """
    return (_EPOCH + timedelta(microseconds=min(max(us, FIRST_US), LAST_US))).isoformat().replace("+00:00", "Z")


def currency_exponent(currency: str) -> int:
    """Digits after the decimal point of a currency (ISO 4217).

    >>> currency_exponent("SGD"), currency_exponent("JPY")
    (2, 0)
    """
    return _EXPONENTS.get(currency, 2)
