"""The main job end to end, against the bare decode of the same file."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Union

from trustward.cli.bench.fresh import Clock, since_start_s
from trustward.cli.bench.inputs import ACCOUNTS, EVENTS, FORTY, PACK, stream
from trustward.cli.bench.result import Result, Settings, at_least, figure, rate, ratio, result

BLOCK = 1 << 16
"""The fastest size of those from 16 KiB to 8 MiB: a block's events stay in the processor's cache."""


def measure(settings: Settings) -> Result:
    """A million mixed events of 200,000 accounts through 40 rules and 24 windows, from disk to disk."""
    events, accounts = settings.sized(EVENTS, 2_000), settings.sized(ACCOUNTS, 200)
    path = stream(settings, events, accounts)
    size = path.stat().st_size
    given = {"path": str(path), "out": str(settings.folder / "decisions.ndjson")}
    if not settings.trial:
        settings.fresh(decide, policy=FORTY, **given)  # compiles and caches the kernels
    lines: list[dict[str, float]] = []
    blocks: list[dict[str, float]] = []
    ours: list[dict[str, float]] = []
    packs: list[dict[str, float]] = []
    for turn in range(settings.repeats):
        settings.say(f"replay: round {turn + 1} of {settings.repeats}")
        lines.append(settings.fresh(by_lines, path=str(path)))
        ours.append(settings.fresh(decide, policy=FORTY, **given))
        packs.append(settings.fresh(decide, policy=PACK, **given))
        blocks.append(settings.fresh(by_blocks, path=str(path)))
    replayed = rate("replay", "events", events, _each(ours, "seconds"))
    whole_pack = rate(f"replay, all of {PACK!r}", "events", events, _each(packs, "seconds"))
    by_line = rate("msgspec, line by line", "events", events, _each(lines, "seconds"))
    by_block = rate("msgspec, decode_lines in blocks of 64 KiB", "events", events, _each(blocks, "seconds"))
    part = ratio("replay / decode line by line", replayed, by_line)
    part_of_fastest = ratio("replay / decode in blocks", replayed, by_block)
    busy = rate("replay, by processor time", "events", events, _each(ours, "busy"))
    busy_blocks = rate("msgspec in blocks, by processor time", "events", events, _each(blocks, "busy"))
    last = ours[-1]
    return result(
        "replay",
        f"{events:,} events through 40 rules and 24 windows, from a file to a file, one core",
        settings,
        figures=[
            replayed,
            rate("whole process, start included", "events", events, _each(ours, "process")),
            busy,
            whole_pack,
            figure("peak memory", "MB", [peak / 1e6 for peak in _each(ours, "peak")]),
        ],
        yardsticks=[by_line, by_block, busy_blocks],
        ratios=[
            part,
            part_of_fastest,
            ratio("replay / decode in blocks, by processor time", busy, busy_blocks),
            ratio(f"replay, all of {PACK!r} / decode line by line", whole_pack, by_line),
        ],
        bars=[at_least(part, 0.2), at_least(part_of_fastest, 0.2)],
        sizes={
            "events": events,
            "accounts": accounts,
            "bytes an event": round(size / events),
            "rules": last["rules"],
            "windowed features": last["features"],
            "kinds of key": last["kinds"],
            "decisions written": last["decisions"],
            f"rules of {PACK!r}": packs[-1]["rules"],
            f"windowed features of {PACK!r}": packs[-1]["features"],
        },
        notes=[
            "replay: from the call to the finished file; policy loading included, the start of Python and imports not.",
            "decode line by line is the plain loop over the file; decode in blocks is msgspec's fastest form.",
            "Both give the same structs, and drop them at once.",
            "Processor time leaves out waiting, for a disk as for other work on the machine.",
        ],
    )


def _each(runs: list[dict[str, float]], what: str) -> list[float]:
    return [one[what] for one in runs]


def decide(policy: str, path: str, out: str) -> dict[str, float]:
    """Task: the whole replay. ``seconds`` from the call on, ``process`` since the process was started."""
    from trustward import bootstrap
    from trustward.base.clock import now_us
    from trustward.cli.bench.machine import peak_bytes
    from trustward.cli.bench.policies import figures_of

    with Clock() as clock:
        bootstrap.replay([path], policy, Path(out), now_us=now_us())
    process = since_start_s()
    with Path(out).open("rb") as written:
        decisions = sum(block.count(b"\n") for block in iter(lambda: written.read(BLOCK), b""))
    return {**clock.read(), "process": process, "peak": peak_bytes(), "decisions": decisions, **figures_of(policy)}


def _decoder() -> Any:
    import msgspec

    from trustward.model.catalogue import load_catalogue
    from trustward.model.event import event_classes

    classes = tuple(event_classes(load_catalogue()).values())
    return msgspec.json.Decoder(Union[classes])  # noqa: UP007 - a union made of data


def by_lines(path: str) -> dict[str, float]:
    """Task: decode each line of the file by itself."""
    decode = _decoder().decode
    with Clock() as clock, Path(path).open("rb") as file:
        for line in file:
            decode(line)
    return clock.read()


def by_blocks(path: str) -> dict[str, float]:
    """Task: decode whole lines of the file, 64 KiB at a time."""
    decode_lines = _decoder().decode_lines
    rest = b""
    with Clock() as clock, Path(path).open("rb") as file:
        while block := file.read(BLOCK):
            whole, newline, after = (rest + block).rpartition(b"\n")
            if newline:
                decode_lines(whole)
            rest = after
        if rest:
            decode_lines(rest)
    return clock.read()
