"""The main job end to end, against the bare decode of the same file."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Union

from trustward.cli.bench.fresh import since_start_s
from trustward.cli.bench.inputs import ACCOUNTS, EVENTS, PACK, stream
from trustward.cli.bench.result import Result, Settings, at_least, figure, rate, ratio, result

BLOCK = 1 << 16
"""The fastest size of those from 16 KiB to 8 MiB: a block's events stay in the processor's cache."""


def measure(settings: Settings) -> Result:
    """A million mixed events of 200,000 accounts through the starter policies, from disk to disk."""
    events, accounts = settings.sized(EVENTS, 2_000), settings.sized(ACCOUNTS, 200)
    path = stream(settings, events, accounts)
    size = path.stat().st_size
    settings.fresh(
        decide, path=str(path), out=str(settings.folder / "decisions.ndjson")
    )  # compiles and caches the kernels
    lines, blocks, ours = [], [], []
    for turn in range(settings.repeats):
        settings.say(f"replay: round {turn + 1} of {settings.repeats}")
        lines.append(settings.fresh(by_lines, path=str(path))["seconds"])
        ours.append(settings.fresh(decide, path=str(path), out=str(settings.folder / "decisions.ndjson")))
        blocks.append(settings.fresh(by_blocks, path=str(path))["seconds"])
    replayed = rate("replay", "events", events, [one["seconds"] for one in ours])
    by_line = rate("msgspec, line by line", "events", events, lines)
    by_block = rate("msgspec, decode_lines in blocks of 64 KiB", "events", events, blocks)
    part = ratio("replay / decode line by line", replayed, by_line)
    part_of_fastest = ratio("replay / decode in blocks", replayed, by_block)
    last = ours[-1]
    return result(
        "replay",
        f"{events:,} events through the shipped policy {PACK!r}, from a file to a file, one core",
        settings,
        figures=[
            replayed,
            rate("whole process, start included", "events", events, [one["process"] for one in ours]),
            figure("peak memory", "MB", [one["peak"] / 1e6 for one in ours]),
        ],
        yardsticks=[by_line, by_block],
        ratios=[part, part_of_fastest],
        bars=[at_least(part, 0.2), at_least(part_of_fastest, 0.2)],
        sizes={
            "events": events,
            "accounts": accounts,
            "bytes an event": round(size / events),
            "rules": last["rules"],
            "windowed features": last["features"],
            "kinds of key": last["kinds"],
            "decisions written": last["decisions"],
        },
        notes=[
            "replay: from the call to the finished file; policy loading included, the start of Python and imports not.",
            "decode line by line is the plain loop over the file; decode in blocks is msgspec's fastest form.",
            "Both give the same structs, and drop them at once.",
        ],
    )


def decide(path: str, out: str) -> dict[str, float]:
    """Task: the whole replay. ``seconds`` from the call on, ``process`` since the process was started."""
    from trustward import bootstrap
    from trustward.base.clock import elapsed_s, now_us
    from trustward.cli.bench.machine import peak_bytes
    from trustward.cli.bench.policies import figures_of

    begin = elapsed_s()
    bootstrap.replay([path], PACK, Path(out), now_us=now_us())
    seconds = elapsed_s() - begin
    process = since_start_s()
    with Path(out).open("rb") as written:
        decisions = sum(block.count(b"\n") for block in iter(lambda: written.read(BLOCK), b""))
    return {"seconds": seconds, "process": process, "peak": peak_bytes(), "decisions": decisions, **figures_of(PACK)}


def _decoder() -> Any:
    import msgspec

    from trustward.model.catalogue import load_catalogue
    from trustward.model.event import event_classes

    classes = tuple(event_classes(load_catalogue()).values())
    return msgspec.json.Decoder(Union[classes])  # noqa: UP007 - a union made of data


def by_lines(path: str) -> dict[str, float]:
    """Task: decode each line of the file by itself."""
    from trustward.base.clock import elapsed_s

    decode = _decoder().decode
    begin = elapsed_s()
    with Path(path).open("rb") as file:
        for line in file:
            decode(line)
    return {"seconds": elapsed_s() - begin}


def by_blocks(path: str) -> dict[str, float]:
    """Task: decode whole lines of the file, 64 KiB at a time."""
    from trustward.base.clock import elapsed_s

    decode_lines = _decoder().decode_lines
    begin = elapsed_s()
    rest = b""
    with Path(path).open("rb") as file:
        while block := file.read(BLOCK):
            whole, newline, after = (rest + block).rpartition(b"\n")
            if newline:
                decode_lines(whole)
            rest = after
        if rest:
            decode_lines(rest)
    return {"seconds": elapsed_s() - begin}
