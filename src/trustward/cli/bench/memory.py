"""What retained events cost: bytes for each of them, and ten million of them with a million keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustward.cli.bench.columns import BATCH
from trustward.cli.bench.result import Result, Settings, at_most, figure, result

if TYPE_CHECKING:
    from trustward.windows.plan import Plan

KINDS = ("counts and totals", "distinct")


def measure(settings: Settings) -> Result:
    """Ten million events of a million keys, all within the longest window, so that every one is retained."""
    events, keys = settings.sized(10_000_000, 1_000), settings.sized(1_000_000, 100)
    settings.fresh(fill, kind=KINDS[0], events=100, keys=10, seed=1)  # compiles and caches the kernels
    runs: dict[str, list[dict[str, float]]] = {kind: [] for kind in KINDS}
    for turn in range(settings.repeats):
        for kind in KINDS:
            settings.say(f"memory: round {turn + 1} of {settings.repeats}, {kind}")
            runs[kind].append(settings.fresh(fill, kind=kind, events=events, keys=keys, seed=settings.seed))
    figures, bars = [], []
    for kind in KINDS:
        each = figure(f"{kind}: for each retained event", "bytes", [one["grown"] / events for one in runs[kind]])
        arrays = [one["arrays"] / events for one in runs[kind]]
        peak = figure(f"{kind}: peak memory of the process", "GB", [one["peak"] / 1e9 for one in runs[kind]])
        figures += [each, figure(f"{kind}: of that, held by the windows' arrays", "bytes", arrays), peak]
        bars += [at_most(each, 64), at_most(peak, 2)]
    every = [one for kind in KINDS for one in runs[kind]]
    return result(
        "memory",
        f"{events:,} retained events of {keys:,} keys under one kind of key, over 1 minute, 10 minutes and 1 hour",
        settings,
        figures=figures,
        bars=bars,
        equal=all(
            one["retained"] == events and one["known"] == keys and one["distinct"] in (0, events) for one in every
        ),
        sizes={"retained events": every[-1]["retained"], "keys": every[-1]["known"], "rows at once": BATCH},
        notes=[
            "Distinct is measured at its dearest: no value comes twice.",
            "The process holds Python, NumPy, Numba and the compiled kernels too; they are in its peak.",
            "Keys are drawn at random, so their events lie interleaved as they arrive.",
            "The first figure is how much the process has grown, records of keys and hash table included, by event.",
            "All results equal means: the windows hold exactly the events and keys that were put in.",
        ],
    )


def distinct_plan(widths_us: tuple[int, ...]) -> Plan:
    """One stream by account, with the number of different values over each width."""
    from trustward.windows.plan import Operation, Plan, Read, Stream, TypePlan

    reads = tuple(Read(aggregate="distinct", window=width, value=0) for width in widths_us)
    stream = Stream(id="payees", keyspace="account", values=("hash",), reads=reads)
    feed = Operation(stream=0, key=(0,), feeds=True, values=(1,), reads=tuple(range(len(reads))))
    return Plan(
        streams=(stream,), types=(TypePlan(type="payment.requested", texts=("account", ""), operations=(feed,)),)
    )


def fill(kind: str, events: int, keys: int, seed: int) -> dict[str, float]:
    """Task: retain ``events`` events of ``keys`` keys and weigh the process."""
    import numpy as np

    from trustward.cli.bench.machine import held_bytes, peak_bytes
    from trustward.cli.bench.windows import WIDTHS_US, plan
    from trustward.windows.state import Windows

    different = kind == "distinct"
    shape = distinct_plan(WIDTHS_US) if different else plan(WIDTHS_US)
    draw = np.random.default_rng(seed)
    hour_us = 3_600_000_000
    start = np.array([1_767_225_600_000_000])
    one = np.ones(1, np.int64)
    # Loads the kernels.
    Windows(shape, bytes(16)).step_keys(0, start, [one, one] if different else [one], [] if different else [one])
    windows = Windows(shape, bytes(16))
    before = held_bytes()
    for at in range(0, events, BATCH):
        count = min(BATCH, events - at)
        position = np.arange(at, at + count, dtype=np.int64)
        # Each key once, then at random.
        drawn = np.where(position < keys, position, draw.integers(0, keys, count, dtype=np.int64))
        times = start[0] + position * (hour_us - 1) // events
        if different:
            windows.step_keys(0, times, [drawn, position])
        else:
            windows.step_keys(0, times, [drawn], [draw.integers(1, 100_000, count, dtype=np.int64)])
    held = windows.retained()
    return {
        "grown": held_bytes() - before,
        "arrays": windows.bytes_used(),
        "peak": peak_bytes(),
        "retained": held["entries"],
        "known": held["keys"],
        "distinct": held["distinct"],
    }
