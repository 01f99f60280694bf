"""The only place that asks the machine for the time. Everything else takes time as an argument."""

from __future__ import annotations

import time
from collections.abc import Callable


def now_us() -> int:
    """Microseconds since 1970-01-01T00:00:00Z.

    >>> now_us() > 1_700_000_000_000_000
    True
    """
    return time.time_ns() // 1_000


def elapsed_s() -> float:
    """A monotonic reading in seconds, for measuring how long something took."""
    return time.perf_counter()


class SteadyClock:
    """Microseconds since 1970 that never run back: when the machine's clock is put back, this one goes on as it was.

    >>> wall, elapsed = [100], [0.0]
    >>> clock = SteadyClock(lambda: wall[0], lambda: elapsed[0])
    >>> wall[0], elapsed[0] = 50, 0.000007
    >>> clock()
    107
    >>> wall[0] = 900
    >>> clock()
    900
    """

    def __init__(self, wall_us: Callable[[], int] = now_us, elapsed: Callable[[], float] = elapsed_s) -> None:
        self._wall_us = wall_us
        self._elapsed = elapsed
        self._start_us = wall_us() - int(elapsed() * 1e6)

    def __call__(self) -> int:
        """The time."""
        passed_us = int(self._elapsed() * 1e6)
        self._start_us = max(self._start_us, self._wall_us() - passed_us)
        return self._start_us + passed_us
