"""Random plans and random events that fit them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from trustward.base.units import MISSING
from trustward.windows.batch import Rows
from trustward.windows.plan import Aggregate, Carried, Operation, Plan, Read, Stream, TypePlan

AGGREGATES: tuple[Aggregate, ...] = (
    "count", "total", "mean", "distinct", "largest", "smallest", "age", "since", "previous", "surge", "significance",
)  # fmt: skip
CARRIED: tuple[Carried, ...] = ("whole", "float", "hash")
WINDOWS = (1, 2, 3, 7, 20, 100)
NAMES = ["", "a", "b", "c", "dd", "é", "\ud800", "x\0y", "x\0", "\0", "k" * 40, "一" * 9]


@dataclass
class Event:
    """One event as ``step_one`` takes it."""

    type: int
    time: int
    texts: list[Any]
    numbers: list[Any]
    flags: list[bool]


@st.composite
def reads(draw: st.DrawFn, values: tuple[Carried, ...]) -> Read:
    kind = draw(st.sampled_from(AGGREGATES))
    of = [i for i, carried in enumerate(values) if carried != "hash" or kind in ("distinct", "count")]
    window = draw(st.sampled_from(WINDOWS))
    if kind in ("age", "since"):
        return Read(aggregate=kind, window=draw(st.sampled_from([0, 7, 700])))
    if kind in ("surge", "significance"):
        return Read(aggregate=kind, window=window, baseline=window + draw(st.sampled_from(WINDOWS)))
    if kind == "count":
        return Read(aggregate="count", window=window, value=draw(st.sampled_from([-1, *of])))
    if not of:
        return Read(aggregate="count", window=window)
    value = draw(st.sampled_from(of))
    if kind == "previous":
        return Read(aggregate=kind, value=value, window=draw(st.sampled_from([0, 0, 70])))
    return Read(aggregate=kind, window=window, value=value)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    streams = []
    widths = []
    for number in range(draw(st.integers(1, 4))):
        values = tuple(draw(st.lists(st.sampled_from(CARRIED), max_size=3)))
        space = draw(st.sampled_from(["account", "device", "pair"]))
        widths.append(2 if space == "pair" else 1)
        wanted = tuple(draw(st.lists(reads(values), min_size=1, max_size=6)))
        streams.append(Stream(id=f"s{number}", keyspace=space, values=values, reads=wanted))
    types = []
    for name in range(draw(st.integers(1, 3))):
        # Texts: two plain columns and a list-valued one; numbers: whole, float, whole.
        numbers: tuple[Carried, ...] = ("whole", "float", "whole")
        operations = []
        for _ in range(draw(st.integers(1, 4))):
            at = draw(st.integers(0, len(streams) - 1))
            key = tuple(draw(st.permutations([0, 1, 2]))[: widths[at]])
            columns = []
            for carried in streams[at].values:
                fits = {"whole": [0, 2, -1], "float": [0, 1, 2, -1], "hash": [0, 1, 2, -1]}[carried]
                columns.append(draw(st.sampled_from(fits)))
            wanted_reads = draw(st.lists(st.integers(0, len(streams[at].reads) - 1), max_size=5))
            operations.append(
                Operation(
                    stream=at, key=key, feeds=draw(st.booleans()), where=draw(st.sampled_from([-1, -1, 0])),
                    values=tuple(columns), reads=tuple(wanted_reads),
                )
            )  # fmt: skip
        types.append(
            TypePlan(
                type=f"t{name}", texts=("account", "", "device"), numbers=numbers, flags=1, operations=tuple(operations)
            )
        )
    return Plan(streams=tuple(streams), types=tuple(types))


names = st.sampled_from(NAMES)
wholes = st.one_of(
    st.integers(-3, 3),
    st.just(MISSING),
    st.sampled_from([2**53, -(2**53), 2**63 - 1, -(2**63) + 1]),
    st.integers(-50, 50),
)
floats = st.one_of(
    st.sampled_from([0.1, 0.2, -0.0, 0.0, math.nan, math.inf, -math.inf, 2.0**53, 1e300, 1e-12, 2.0**53 + 2]),
    st.floats(-1e6, 1e6).filter(lambda x: x == 0 or abs(x) > 1e-12),
)


@st.composite
def streams_of_events(draw: st.DrawFn, plan: Plan, size: int = 60) -> list[Event]:
    now = draw(st.sampled_from([0, 5, -62_135_596_800_000_000, 253_402_300_799_000_000]))
    events = []
    for _ in range(draw(st.integers(1, size))):
        now += draw(st.sampled_from([0, 0, 1, 1, 2, 5, 30, 300, -1, -40, 600_000_050, -600_000_009]))
        events.append(
            Event(
                draw(st.integers(0, len(plan.types) - 1)), now,
                [draw(names), draw(names), draw(st.lists(names, max_size=4))],
                [draw(wholes), draw(floats), draw(wholes)],
                [draw(st.booleans())],
            )
        )  # fmt: skip
    return events


def batched(events: list[Event]) -> tuple[list[Rows], list[int], list[int], list[int]]:
    """The events as rows by type, and the order of their arrival."""
    kinds = sorted({event.type for event in events}, reverse=True)
    rows = []
    position: dict[int, int] = {}
    for kind in kinds:
        own = [event for event in events if event.type == kind]
        lists = [event.texts[2] for event in own]
        texts = [
            [event.texts[0] for event in own],
            [event.texts[1] for event in own],
            ([text for texts in lists for text in texts], [len(texts) for texts in lists]),
        ]
        numbers = [[event.numbers[i] for event in own] for i in range(3)]
        rows.append(Rows(kind, len(own), texts, numbers, [[event.flags[0] for event in own]]))  # type: ignore[arg-type]
        position[kind] = 0
    order = []
    for event in events:
        order.append(position[event.type])
        position[event.type] += 1
    return rows, [event.type for event in events], order, [event.time for event in events]


def every_aggregate() -> Plan:
    """One type that feeds and reads everything there is, by a plain key, a list-valued one and a composite one."""
    values: tuple[Carried, ...] = ("whole", "float", "hash")
    reads_: list[Read] = [Read(aggregate="age"), Read(aggregate="since")]
    reads_ += [Read(aggregate="previous", value=value) for value in (0, 1)]
    for window in (5, 60):
        reads_ += [Read(aggregate="count", window=window, value=value) for value in (-1, 0, 2)]
        reads_ += [
            Read(aggregate=kind, window=window, value=value)
            for kind in ("total", "mean", "largest", "smallest")
            for value in (0, 1)
        ]
        reads_ += [Read(aggregate="distinct", window=window, value=value) for value in (0, 1, 2)]
        reads_ += [Read(aggregate=kind, window=window, baseline=3 * window) for kind in ("surge", "significance")]
    streams = tuple(
        Stream(id=name, keyspace=space, values=values, reads=tuple(reads_))
        for name, space in (("plain", "account"), ("listed", "device"), ("both", "pair"), ("some", "account"))
    )
    all_reads = tuple(range(len(reads_)))
    operations = tuple(
        Operation(stream=at, key=key, feeds=True, where=where, values=(0, 1, 1), reads=all_reads)
        for at, key, where in ((0, (0,), -1), (1, (2,), -1), (2, (0, 2), -1), (3, (0,), 0))
    )
    kind = TypePlan(
        type="t", texts=("account", "", "device"), numbers=("whole", "float", "whole"), flags=1, operations=operations
    )
    return Plan(streams=streams, types=(kind,))
