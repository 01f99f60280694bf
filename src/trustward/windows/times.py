"""RFC 3339 times in bulk: a file's times become microseconds in one call.

Stricter than ISO 8601 at large: ``YYYY-MM-DD``, then ``T``, ``t`` or a space, ``HH:MM:SS`` with at most 9 digits of
fraction (cut to microseconds), then ``Z``, ``z`` or an offset ``+HH:MM``. No leap seconds, and no moment that lies
outside the years 1 to 9999 in UTC.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from trustward.base.jit import held_kernel, part
from trustward.base.units import MISSING
from trustward.windows.batch import Words

_FIRST_US = -62_135_596_800_000_000
_AFTER_US = 253_402_300_800_000_000
_SHORTEST = 20


def parse_times(texts: Sequence[str]) -> Words:
    """Microseconds since 1970 of each text; ``MISSING`` where it is no RFC 3339 time with a zone.

    >>> parse_times(["1970-01-01T00:00:01.5Z", "1970-01-01T08:00:00+08:00", "yesterday"]).tolist()
    [1500000, 0, -9223372036854775808]
    """
    out = np.empty(len(texts), np.int64)
    if len(texts) == 0:
        return out
    try:
        whole = "\n".join(texts).encode()
    except UnicodeEncodeError:
        whole = "\n".join(texts).encode("utf-8", "replace")
    if not _parse(np.frombuffer(whole + b"\n", np.uint8), out):
        # A text holds a line break itself, so it is no time: only the others count.
        whole = "\n".join(["" if "\n" in text else text for text in texts]).encode("utf-8", "replace")
        _parse(np.frombuffer(whole + b"\n", np.uint8), out)
    return out


@part
def _digits(text: Any, at: Any, count: Any) -> Any:
    """A number of so many digits, or -1."""
    number: Any = 0
    for i in range(at, at + count):
        digit = np.int64(text[i]) - 48
        if digit < 0 or digit > 9:
            return -1
        number = 10 * number + digit
    return number


@part
def _days(year: Any, month: Any, day: Any) -> Any:
    """Days from 1970-01-01 in the Gregorian calendar (years that begin in March make leap days come last)."""
    y = year - (1 if month <= 2 else 0)
    m = month + (9 if month <= 2 else -3)
    return 365 * y + y // 4 - y // 100 + y // 400 + (153 * m + 2) // 5 + day - 1 - 719_468


@part
def _days_in(year: Any, month: Any) -> Any:
    if month == 2:
        return 29 if (year % 4 == 0 and year % 100 != 0) or year % 400 == 0 else 28
    return 30 if month == 4 or month == 6 or month == 9 or month == 11 else 31


@part
def _time(text: Any, at: Any, stop: Any) -> Any:
    """The microseconds of ``text[at:stop]``, which is at least 20 bytes long."""
    year, month, day = _digits(text, at, 4), _digits(text, at + 5, 2), _digits(text, at + 8, 2)
    hour, minute, second = _digits(text, at + 11, 2), _digits(text, at + 14, 2), _digits(text, at + 17, 2)
    between = text[at + 10]
    if (
        text[at + 4] != 45 or text[at + 7] != 45 or text[at + 13] != 58 or text[at + 16] != 58
        or (between != 84 and between != 116 and between != 32)
        or year < 1 or month < 1 or month > 12 or day < 1 or hour < 0 or hour > 23
        or minute < 0 or minute > 59 or second < 0 or second > 59
    ):  # fmt: skip
        return MISSING
    if day > _days_in(year, month):
        return MISSING
    at += 19
    fraction: Any = 0
    if text[at] == 46:
        at += 1
        first = at
        scale = 100_000
        while at < stop and 48 <= text[at] <= 57:
            fraction += scale * (np.int64(text[at]) - 48)
            scale //= 10
            at += 1
        if at == first or at - first > 9 or at == stop:
            return MISSING
    offset = 0
    zone = text[at]
    if zone == 90 or zone == 122:
        if at + 1 != stop:
            return MISSING
    else:
        if (zone != 43 and zone != 45) or at + 6 != stop or text[at + 3] != 58:
            return MISSING
        hours, minutes = _digits(text, at + 1, 2), _digits(text, at + 4, 2)
        if hours < 0 or hours > 23 or minutes < 0 or minutes > 59:
            return MISSING
        offset = 60 * hours + minutes
        if zone == 45:
            offset = -offset
    seconds = 86_400 * _days(year, month, day) + 3600 * hour + 60 * (minute - offset) + second
    us = 1_000_000 * seconds + fraction
    return us if _FIRST_US <= us < _AFTER_US else MISSING


@held_kernel
def _parse(text: Any, out: Any) -> bool:
    """Parse as many lines as ``out`` has room for; whether that was all of the text.

    The interpreter's lock stays held: that is a microsecond for an event, and waiting to get it back may be hundreds.
    """
    at = 0
    for i in range(out.size):
        stop = at
        while text[stop] != 10:
            stop += 1
        out[i] = _time(text, at, stop) if stop - at >= _SHORTEST else MISSING
        at = stop + 1
    return bool(at == text.size)
