"""How throughput depends on the number of keys: from what fits the processor's caches to what does not."""

from __future__ import annotations

from trustward.cli.bench.columns import BATCH, DAY_US, rising, skewed
from trustward.cli.bench.result import Figure, Result, Settings, at_least, figure, rate, ratio, result

COUNTS = (10_000, 100_000, 1_000_000, 10_000_000)
SHAPES = ("skewed", "even")


def measure(settings: Settings) -> Result:
    """Every key is known first; then five million rows over them, skewed as traffic is, and evenly (the worst case)."""
    rows = settings.sized(5_000_000, 1_000)
    counts = [settings.sized(count, 50) for count in COUNTS]
    if not settings.trial:
        settings.fresh(drive, keys=50, rows=1_000, shape="even", seed=1)  # compiles and caches the kernels
    taken: dict[tuple[str, int], list[float]] = {(shape, count): [] for shape in SHAPES for count in counts}
    fills: dict[int, list[float]] = {count: [] for count in counts}
    for turn in range(settings.repeats):
        for (shape, count), seconds in taken.items():
            settings.say(f"keys: round {turn + 1} of {settings.repeats}, {count:,} keys, {shape}")
            one = settings.fresh(drive, keys=count, rows=rows, shape=shape, seed=settings.seed)
            seconds.append(one["seconds"])
            if shape == "even":
                fills[count].append(one["fill"])
    figures: list[Figure] = []
    ratios: list[Figure] = []
    for shape in SHAPES:
        by_count = [rate(f"{count:,} keys, {shape}", "rows", rows, taken[shape, count]) for count in counts]
        figures += by_count
        ratios.append(ratio(f"{counts[-1]:,} keys / {counts[0]:,} keys, {shape}", by_count[-1], by_count[0]))
    figures += [figure(f"{count:,} new keys", "keys/s", [count / one for one in fills[count]]) for count in counts]
    return result(
        "keys",
        "rows a second by number of keys, count and total over 1 minute, 10 minutes and 1 hour, one core",
        settings,
        figures=figures,
        ratios=ratios,
        bars=[at_least(one, 0.5) for one in ratios],
        sizes={"rows": rows, "rows at once": BATCH},
        notes=[
            "All keys are known before the clock starts, so that tables and log are as large as they get.",
            "With evenly drawn keys nearly every row misses the processor's caches; no traffic is that bad.",
        ],
    )


def drive(keys: int, rows: int, shape: str, seed: int) -> dict[str, float]:
    """Task: make every key known (``fill`` seconds), then drive rows over them (``seconds``)."""
    import numpy as np

    from trustward.base.clock import elapsed_s
    from trustward.cli.bench.machine import peak_bytes
    from trustward.cli.bench.windows import plan
    from trustward.windows.state import Windows

    draw = np.random.default_rng(seed)
    drawn = skewed(rows, keys, draw) if shape == "skewed" else draw.integers(0, keys, rows, dtype=np.int64)
    times = rising(rows, DAY_US // 24, draw)
    amounts = draw.integers(1, 100_000, rows, dtype=np.int64)
    order = draw.permutation(keys).astype(np.int64)
    before = np.linspace(times[0] - DAY_US // 24, times[0] - 1, keys).astype(np.int64)
    ones = np.ones(keys, np.int64)
    Windows(plan(), bytes(16)).step_keys(0, times[:1], [drawn[:1]], [amounts[:1]])  # loads the kernels
    windows = Windows(plan(), bytes(16))
    begin = elapsed_s()
    for at in range(0, keys, BATCH):
        part = slice(at, at + BATCH)
        windows.step_keys(0, before[part], [order[part]], [ones[part]])
    filled = elapsed_s()
    for at in range(0, rows, BATCH):
        part = slice(at, at + BATCH)
        windows.step_keys(0, times[part], [drawn[part]], [amounts[part]])
    return {"fill": filled - begin, "seconds": elapsed_s() - filled, "peak": peak_bytes()}
