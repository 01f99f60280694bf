"""Writing and restoring the engine's whole state at a million keys."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Any

from trustward.cli.bench.inputs import PACK, stream
from trustward.cli.bench.result import Result, Settings, at_most, figure, result

BATCH = 8_192
AFTER = 10_000
EVENTS, ACCOUNTS = 1_900_000, 380_000


def measure(settings: Settings) -> Result:
    """The shipped policy's state after enough simulated events to know a million keys."""
    events = settings.sized(EVENTS, 2_000)
    path = stream(settings, events, settings.sized(ACCOUNTS, 200))
    file = settings.folder / "state.snapshot"
    settings.say(f"snapshot: {events:,} events, {settings.repeats} rounds")
    found = settings.fresh(drive, path=str(path), file=str(file), events=events, repeats=settings.repeats)
    written = figure("write", "s", found["write"])
    restored = figure("restore", "s", found["restore"])
    return result(
        "snapshot",
        f"the state of the shipped policy {PACK!r} to disk (synced) and back, one core",
        settings,
        figures=[written, restored, figure("size", "MB", [found["bytes"] / 1e6])],
        bars=[at_most(written, 5), at_most(restored, 5)],
        equal=found["equal"],
        sizes={"events before": events, **found["retained"]},
        notes=[
            "Results equal means: the restored engine writes the same bytes, and decides what follows alike.",
        ],
    )


def drive(path: str, file: str, events: int, repeats: int) -> dict[str, Any]:
    """Task: fill the engine, write it, restore it, and compare both."""
    import hashlib

    from trustward.base.clock import elapsed_s, now_us
    from trustward.cli.bench.policies import start_engine
    from trustward.engine.snapshot import load, save

    engine, decoder = start_engine(PACK)
    now = now_us()
    after = min(AFTER, events // 10)
    with Path(path).open("rb") as source:
        left = events - after
        while left > 0:
            lines = list(islice(source, min(BATCH, left)))
            engine.decide_batch(decoder.decode_lines(b"".join(lines)).events, now_us=now)
            left -= len(lines)
        rest = decoder.decode_lines(source.read()).events
    target, again = Path(file), Path(file + ".again")
    written, restored = [], []
    twin = engine
    for _ in range(repeats):
        begin = elapsed_s()
        save(engine, target)
        written.append(elapsed_s() - begin)
        begin = elapsed_s()
        twin = load(target, engine.policy)
        restored.append(elapsed_s() - begin)
    save(twin, again)
    digests = [hashlib.blake2b(one.read_bytes()).digest() for one in (target, again)]
    ours = engine.decide_batch(rest, now_us=now, every=True).decisions
    theirs = twin.decide_batch(rest, now_us=now, every=True).decisions
    return {
        "write": written,
        "restore": restored,
        "bytes": target.stat().st_size,
        "retained": engine.windows.retained(),
        "equal": digests[0] == digests[1] and ours == theirs,
    }
