"""One event at a time, in process: what a caller waits for."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from trustward.cli.bench.inputs import ACCOUNTS, FORTY, PACK, stream
from trustward.cli.bench.result import Result, Settings, at_most, figure, result

BATCH = 8_192
POLICIES = {"forty rules": FORTY, PACK: PACK}
STEPS = {"decide": "decide", "wire": "decode, decide, encode"}


def measure(settings: Settings) -> Result:
    """Twenty thousand single decisions over a state that 400,000 events have filled."""
    filled, singles = settings.sized(400_000, 1_000), settings.sized(20_000, 200)
    events = filled + 3 * singles
    path = stream(settings, events, settings.sized(ACCOUNTS, 200))
    for policy in () if settings.trial else POLICIES.values():
        settings.fresh(drive, path=str(path), policy=policy, filled=100, singles=50)  # compiles and caches the kernels
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in POLICIES}
    for turn in range(settings.repeats):
        for name, policy in POLICIES.items():
            settings.say(f"single: round {turn + 1} of {settings.repeats}, {name}")
            runs[name].append(settings.fresh(drive, path=str(path), policy=policy, filled=filled, singles=singles))
    figures = {
        f"{name}, {label}: {mark}": figure(
            f"{name}, {label}: {mark}", "us", [one[f"{short} {mark}"] for one in runs[name]]
        )
        for name in POLICIES
        for short, label in STEPS.items()
        for mark in ("median", "99th percentile", "99.9th percentile", "most")
    }
    bars = []
    for label in STEPS.values():
        bars.append(at_most(figures[f"forty rules, {label}: median"], 40))
        bars.append(at_most(figures[f"forty rules, {label}: 99th percentile"], 200))
    return result(
        "single",
        f"one event through the forty rules of the replay, and through all of {PACK!r}, in process, one core",
        settings,
        figures=tuple(figures.values()),
        bars=bars,
        sizes={
            "events before": filled,
            "events timed": singles,
            "flagged among them, forty rules": int(runs["forty rules"][-1]["flagged"]),
        },
        notes=[
            "Each event is another one of the mixed stream; garbage collection runs as it always does.",
            f"{PACK!r} screens texts and links besides; it has no bar.",
        ],
    )


def drive(path: str, policy: str, filled: int, singles: int) -> dict[str, float]:
    """Task: fill the state, warm up, then time each of ``singles`` events twice over: decoded, and as bytes."""
    import msgspec

    from trustward.base.clock import elapsed_s, now_us
    from trustward.cli.bench.policies import start_engine

    engine, decoder = start_engine(policy)
    now = now_us()
    with Path(path).open("rb") as file:
        while filled > 0:
            lines = list(islice(file, min(BATCH, filled)))
            engine.decide_batch(decoder.decode_lines(b"".join(lines)).events, now_us=now)
            filled -= len(lines)
        lines = list(islice(file, 3 * singles))
    warm, ready, raw = (lines[n * singles : (n + 1) * singles] for n in range(3))
    for event in decoder.decode_lines(b"".join(warm)).events:
        engine.decide(event, now_us=now)
    flagged = 0
    decided: list[float] = []
    for event in decoder.decode_lines(b"".join(ready)).events:
        begin = elapsed_s()
        decision = engine.decide(event, now_us=now)
        decided.append(elapsed_s() - begin)
        flagged += decision.verdict != "allow"
    encode = msgspec.json.Encoder().encode
    wire: list[float] = []
    for line in raw:
        begin = elapsed_s()
        encode(engine.decide(decoder.decode_lines(line).events[0], now_us=now))
        wire.append(elapsed_s() - begin)
    return {"flagged": flagged, **_marks("decide", decided), **_marks("wire", wire)}


def _marks(name: str, seconds: list[float]) -> dict[str, float]:
    ordered = sorted(seconds)
    last = len(ordered) - 1
    places = {"median": 0.5, "99th percentile": 0.99, "99.9th percentile": 0.999, "most": 1.0}
    return {f"{name} {mark}": ordered[round(last * place)] * 1e6 for mark, place in places.items()}
