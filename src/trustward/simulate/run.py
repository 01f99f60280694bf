"""Make a synthetic world and write its events."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any

import msgspec
import numpy as np

from trustward.base.clock import elapsed_s
from trustward.base.errors import UsageError
from trustward.base.units import parse_time
from trustward.simulate import access, kernel, lookalikes, talking, trading
from trustward.simulate.campaigns import Campaign, kinds, planned
from trustward.simulate.campaigns.stage import Planned
from trustward.simulate.sink import Sink, opened
from trustward.simulate.spool import DAY, HOUR
from trustward.simulate.world import Scene, World

LEAST_ACCOUNTS = 100
MOST_ACCOUNTS = 5_000_000
MOST_ACCOUNT_DAYS = 300_000_000
"""Beyond this, ids of messages would come again."""
BUFFER = 1 << 22
"""Bytes that are written at a time."""


class WorldSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What was made. ``seconds`` is wall time, ``bytes`` counts before compression.

    ``by_truth`` counts events by campaign kind; ``honest`` is the key of the rest. ``campaigns`` is the ground truth.
    """

    events: int
    by_type: dict[str, int]
    by_truth: dict[str, int]
    seconds: float
    bytes: int
    campaigns: tuple[Campaign, ...]


def simulate(
    accounts: int,
    days: float,
    seed: int,
    out: Path | str | IO[bytes],
    *,
    start: str = "2026-01-05T00:00:00Z",
    campaigns: Sequence[str] | None = None,
    truth: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> WorldSummary:
    """Write a labelled stream of events of a synthetic world, as NDJSON in the flat form and in time order.

    The same arguments give the same bytes everywhere.

    Args:
        accounts: accounts at the start, 100 to 5,000,000; about 6 events each and day.
        days: how long, in days; parts of a day are welcome. At most 300,000,000 account days in all.
        seed: which world, any whole number.
        out: a file, ``-`` for standard output, a name that ends in ``.gz``, or a binary stream.
        start: when the world begins, RFC 3339.
        campaigns: the kinds of campaign to include (None: all; empty: none).
        truth: a file for the ground truth, the list of campaigns as JSON.
        progress: called with hours done and hours in all.

    Raises:
        UsageError: an argument is out of its range, or the output cannot be written.

    >>> import io
    >>> simulate(200, 0.1, 1, io.BytesIO(), campaigns=()).by_truth.keys() == {"honest"}
    True
    """
    began = elapsed_s()
    wanted = _checked(accounts, days, campaigns)
    try:
        first = parse_time(start) // 1_000
    except ValueError as fault:
        raise UsageError(str(fault), remedy="write --start like 2026-01-05T00:00:00Z") from fault
    end = first + max(1, int(days * DAY))
    names = ("", *kinds())
    world = World(accounts, first, end, seed, names)
    plan = planned(world, wanted)
    by_type = np.zeros(len(world.types), dtype=np.int64)
    by_truth = np.zeros(len(names), dtype=np.int64)
    hours = -(-(end - first) // HOUR)
    written = 0
    with opened(out) as sink:
        for hour in range(hours):
            _live(world, plan, hour)
            size, types, truths = _write_hour(world, hour, sink, int(by_type.sum()))
            written += size
            by_type += types
            by_truth += truths
            if progress:
                progress(hour + 1, hours)
    summary = WorldSummary(
        events=int(by_type.sum()),
        by_type={name: int(n) for name, n in zip(world.types, by_type, strict=True) if n},
        by_truth={name or "honest": int(n) for name, n in zip(names, by_truth, strict=True) if n},
        seconds=round(elapsed_s() - began, 3),
        bytes=written,
        campaigns=tuple(one.truth for one in plan if one.truth.events),
    )
    if truth is not None:
        with opened(truth) as sink:
            sink.write(memoryview(msgspec.json.format(msgspec.json.encode(summary.campaigns)) + b"\n"))
    return summary


def _checked(accounts: int, days: float, campaigns: Sequence[str] | None) -> tuple[str, ...]:
    if not LEAST_ACCOUNTS <= accounts <= MOST_ACCOUNTS:
        raise UsageError(f"a world of {accounts} accounts", remedy="ask for 100 to 5,000,000")
    if not 0 < days <= 3_660:
        raise UsageError(f"a world of {days} days", remedy="ask for more than 0 and at most 3,660")
    if accounts * days > MOST_ACCOUNT_DAYS:
        raise UsageError(f"{accounts} accounts for {days} days", remedy="ask for at most 300,000,000 account days")
    known = kinds()
    for name in campaigns or ():
        if name not in known:
            raise UsageError(f"no campaign {name!r}", remedy="the kinds are " + ", ".join(known))
    return tuple(known) if campaigns is None else tuple(name for name in known if name in campaigns)


def _live(world: World, plan: Sequence[Planned], hour: int) -> None:
    """Let everything happen that begins in this hour."""
    scene = Scene(world, hour)
    for room in (talking, trading, access, lookalikes):
        for act in room.ACTS:
            act(scene)
    for campaign in plan:
        if campaign.hour == hour:
            campaign.begin(world)


def _write_hour(world: World, hour: int, sink: Sink, number: int) -> tuple[int, Any, Any]:
    """Write one hour's events; bytes, and counts by type and truth."""
    made = world.spool.take(hour)
    tables = world.words.tables()
    buffer = np.empty(BUFFER, dtype=np.uint8)
    pieces = np.zeros(kernel.PIECES, dtype=np.int64)
    done = size = 0
    while done < len(made.kinds):
        used, done = kernel.write_events(
            buffer, pieces, tables.blob, tables.numbers, made.kinds, made.rows, made.begins, done, number
        )
        sink.write(buffer[:used].data)
        size += used
    return (
        size,
        np.bincount(made.kinds, minlength=len(world.types)),
        np.bincount(made.truths, minlength=len(kinds()) + 1),
    )
