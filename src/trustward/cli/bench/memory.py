"""What retained events cost: bytes for each of them, and ten million of them with a million keys."""

from __future__ import annotations

from trustward.cli.bench.columns import BATCH
from trustward.cli.bench.result import Result, Settings, at_most, figure, result


def measure(settings: Settings) -> Result:
    """Ten million events of a million keys, all within the longest window, so that every one is retained."""
    events, keys = settings.sized(10_000_000, 1_000), settings.sized(1_000_000, 100)
    settings.fresh(fill, events=100, keys=10, seed=1)  # compiles and caches the kernels
    runs = []
    for turn in range(settings.repeats):
        settings.say(f"memory: round {turn + 1} of {settings.repeats}")
        runs.append(settings.fresh(fill, events=events, keys=keys, seed=settings.seed))
    each = figure("memory for each retained event and key kind", "bytes", [one["grown"] / events for one in runs])
    peak = figure("peak memory of the process", "GB", [one["peak"] / 1e9 for one in runs])
    return result(
        "memory",
        f"{events:,} retained events of {keys:,} keys, count and total over 1 minute, 10 minutes and 1 hour",
        settings,
        figures=[
            each,
            figure("of that, held by the windows' arrays", "bytes", [one["arrays"] / events for one in runs]),
            peak,
        ],
        bars=[at_most(each, 64), at_most(peak, 2)],
        equal=all(one["retained"] == events and one["known"] == keys for one in runs),
        sizes={"retained events": runs[-1]["retained"], "keys": runs[-1]["known"], "rows at once": BATCH},
        notes=[
            "The process holds Python, NumPy, Numba and the compiled kernels too; they are in its peak.",
            "Keys are drawn at random, so their events lie interleaved as they arrive.",
            "The first figure is how much the process has grown, records of keys and hash table included, by event.",
            "All results equal means: the windows hold exactly the events and keys that were put in.",
        ],
    )


def fill(events: int, keys: int, seed: int) -> dict[str, float]:
    """Task: retain ``events`` events of ``keys`` keys and weigh the process."""
    import numpy as np

    from trustward.cli.bench.machine import held_bytes, peak_bytes
    from trustward.cli.bench.windows import plan
    from trustward.windows.state import Windows

    draw = np.random.default_rng(seed)
    hour_us = 3_600_000_000
    start = np.array([1_767_225_600_000_000])
    one = np.ones(1, np.int64)
    Windows(plan(), bytes(16)).step_keys(0, start, [one], [one])  # loads the kernels
    windows = Windows(plan(), bytes(16))
    before = held_bytes()
    for at in range(0, events, BATCH):
        count = min(BATCH, events - at)
        position = np.arange(at, at + count, dtype=np.int64)
        # Each key once, then at random.
        drawn = np.where(position < keys, position, draw.integers(0, keys, count, dtype=np.int64))
        times = start[0] + position * (hour_us - 1) // events
        windows.step_keys(0, times, [drawn], [draw.integers(1, 100_000, count, dtype=np.int64)])
    held = windows.retained()
    return {
        "grown": held_bytes() - before,
        "arrays": windows.bytes_used(),
        "peak": peak_bytes(),
        "retained": held["entries"],
        "known": held["keys"],
    }
