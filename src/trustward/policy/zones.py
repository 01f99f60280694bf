"""Time zones by name or offset."""

from __future__ import annotations

import re
from datetime import UTC, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_OFFSET = re.compile(r"([+-])([0-9]{2}):?([0-9]{2})")


def zone_of(name: str) -> tzinfo | None:
    """A time zone by its name (``Asia/Singapore``, ``UTC``) or offset (``+08:00``), or None.

    >>> zone_of("+08:00") is not None, zone_of("Mars/Olympus") is None
    (True, True)
    """
    offset = _OFFSET.fullmatch(name)
    if offset is not None:
        minutes = int(offset[2]) * 60 + int(offset[3])
        return timezone(timedelta(minutes=minutes if offset[1] == "+" else -minutes)) if minutes < 1440 else None
    if name in ("UTC", "Z"):
        return UTC
    if len(name) > 60 or not name.replace("/", "").replace("_", "").replace("-", "").replace("+", "").isalnum():
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
