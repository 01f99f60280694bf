"""The windows once more, as plainly as they can be said: keep everything, look at all of it for each read."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from trustward.base.units import MISSING
from trustward.windows.plan import Plan, Read, Stream

LARGEST = 2.0**53


@dataclass
class Key:
    """One key in one stream."""

    clock: int
    first: int
    seen: int = 0
    entries: list[tuple[int, tuple[Any, ...]]] = field(default_factory=list)


def poisson_tail(count: int, mean: float) -> float:
    """-log10 P[Poisson(mean) >= count], summing the terms."""
    if count == 0:
        return 0.0
    logs = [n * math.log(mean) - mean - math.lgamma(n + 1) for n in range(count, count + 400 + int(4 * mean))]
    top = max(logs)
    upper = top + math.log(math.fsum(math.exp(x - top) for x in logs))
    if upper < math.log(0.5):
        return -upper / math.log(10)
    lower = math.fsum(math.exp(n * math.log(mean) - mean - math.lgamma(n + 1)) for n in range(count))
    return -math.log1p(-min(lower, 1 - 1e-16)) / math.log(10)


class Oracle:
    """Events one by one; ``step`` has the arguments and results of ``Windows.step_one``."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.keys: dict[tuple[int, tuple[str, ...]], Key] = {}
        self.newest = -(2**61)

    def step(self, type_index: int, time: int, texts: Any, numbers: Any, flags: Any) -> list[Any]:
        results: list[Any] = []
        self.newest = max(self.newest, time)
        for operation in self.plan.types[type_index].operations:
            stream = self.plan.streams[operation.stream]
            feeds = operation.feeds and (operation.where < 0 or bool(flags[operation.where]))
            values = tuple(
                _value(kind, column, texts, numbers) if operation.feeds else None
                for kind, column in zip(stream.values, operation.values, strict=False)
            )
            seen = []
            for key in _keys([texts[column] for column in operation.key]):
                state = self.keys.get((operation.stream, key))
                if state is not None and self.newest - state.seen > _kept(stream):
                    state = None
                if feeds and state is None:
                    state = self.keys[operation.stream, key] = Key(time, time)
                if state is not None:
                    state.clock, state.seen = max(state.clock, time), self.newest
                    if feeds:
                        state.entries.append((state.clock, values))
                seen.append([_read(stream, stream.reads[read], state, feeds) for read in operation.reads])
            for place, read in enumerate(operation.reads):
                wanted = stream.reads[read].aggregate
                present = [row[place] for row in seen if row[place] is not None]
                best = min if wanted in ("age", "since", "smallest") else max
                real = _is_float(stream, stream.reads[read])
                results.append(best(present) if present else (math.nan if real else MISSING))
        return results


def _kept(stream: Stream) -> int:
    """How long a silent key is remembered: see docs/windows.md."""
    kept = 0
    for read in stream.reads:
        if read.aggregate in ("age", "since", "previous"):
            kept = max(kept, read.window or 2**62)
        else:
            kept = max(kept, 2 * max(read.window, read.baseline) + 600_000_000)
    return kept


def _is_float(stream: Stream, read: Read) -> bool:
    if read.aggregate in ("mean", "surge", "significance"):
        return True
    return read.aggregate in ("total", "largest", "smallest", "previous") and stream.values[read.value] == "float"


def _value(kind: str, column: int, texts: Any, numbers: Any) -> Any:
    if column < 0:
        return None
    if kind == "hash":
        text = texts[column]
        if isinstance(text, list):
            return tuple(dict.fromkeys(t for t in text if t)) or None
        return text or None
    number = numbers[column]
    if kind == "whole":
        return None if number == MISSING else number
    if number == MISSING or not abs(number) <= LARGEST:
        return None
    return float(number) + 0.0


def _keys(parts: list[Any]) -> list[tuple[str, ...]]:
    keys: list[tuple[str, ...]] = [()]
    for part in parts:
        options = part if isinstance(part, list) else [part]
        keys = [(*key, option) for key in keys for option in dict.fromkeys(options) if option]
    return keys


def _read(stream: Stream, read: Read, state: Key | None, fed: Any) -> Any:
    entries = [] if state is None else state.entries
    now = 0 if state is None else state.clock
    kind = read.aggregate
    if kind == "age":
        return None if state is None else now - state.first
    before = entries[:-1] if fed else entries
    if kind == "since":
        return now - before[-1][0] if before else None
    if kind == "previous":
        return before[-1][1][read.value] if before else None
    inside = [values for time, values in entries if time > now - read.window]
    if kind in ("surge", "significance"):
        count, both = len(inside), sum(time > now - read.baseline for time, _ in entries)
        window, rest = float(read.window), float(read.baseline) - float(read.window)
        earlier = both - count + 0.5
        if kind == "surge":
            return (count / window) / (earlier / rest)
        return poisson_tail(count, earlier * window / rest)
    if kind == "count" and read.value < 0:
        return len(inside)
    present = [values[read.value] for values in inside if values[read.value] is not None]
    if kind == "count":
        return len(present)
    if kind == "distinct":
        return len(set(present))
    real = stream.values[read.value] == "float"
    if kind == "total":
        return math.fsum(present) if real else max(-(2**63) + 1, min(sum(present), 2**63 - 1))
    if not present:
        return None
    if kind == "mean":
        return (math.fsum(present) if real else float(sum(present))) / len(present)
    return max(present) if kind == "largest" else min(present)
