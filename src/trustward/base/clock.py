"""The only place that asks the machine for the time. Everything else takes time as an argument."""

from __future__ import annotations

import time


def now_us() -> int:
    """Microseconds since 1970-01-01T00:00:00Z.

    >>> now_us() > 1_700_000_000_000_000
    True
    """
    return time.time_ns() // 1_000


def elapsed_s() -> float:
    """A monotonic reading in seconds, for measuring how long something took."""
    return time.perf_counter()
