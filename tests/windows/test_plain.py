"""The shorter way of streams that keep nothing but counts and totals of one whole number."""

from __future__ import annotations

import io

from hypothesis import given
from hypothesis import strategies as st

from tests.windows.oracle import Oracle
from tests.windows.test_oracle import in_batches, same, small
from tests.windows.worlds import streams_of_events
from trustward.windows.layout import G_TYPES, O_PLAIN, O_SIZE, S_PLAIN, T_OPERATION_AT, lay_out
from trustward.windows.plan import Operation, Plan, Read, Stream, TypePlan
from trustward.windows.state import Windows

READS = (
    Read(aggregate="count", window=3), Read(aggregate="total", window=20, value=0), Read(aggregate="count", window=20),
    Read(aggregate="total", window=100, value=0), Read(aggregate="age"),
)  # fmt: skip


def plain_plan(*, neighbour: bool) -> Plan:
    """A type that feeds in the shortest way, one by another column, if a flag is set, by a list, and one that reads."""
    streams = [Stream(id="plain", keyspace="account", values=("whole",), reads=READS)]
    if neighbour:
        # Then headers lie apart from their entities.
        streams.append(Stream(id="other", keyspace="account", reads=(Read(aggregate="count", window=7),)))
    quick = (0, 1, 2, 3)
    operations = (
        Operation(stream=0, key=(0,), feeds=True, values=(0,), reads=quick),
        Operation(stream=0, key=(0,), feeds=True, values=(2,), reads=(3, 4)),
        Operation(stream=0, key=(0,), feeds=True, where=0, values=(0,), reads=quick),
        Operation(stream=0, key=(2,), feeds=True, values=(0,), reads=quick),
        Operation(stream=0, key=(0,), feeds=False, reads=quick),
        Operation(stream=0, key=(0,), feeds=True, values=(-1,), reads=quick),
    )
    types = tuple(
        TypePlan(type=f"t{at}", texts=("account", "", "account"), numbers=("whole", "float", "whole"), flags=1,
                 operations=(one, Operation(stream=1, key=(0,), feeds=True, reads=(0,))) if neighbour else (one,))
        for at, one in enumerate(operations)
    )  # fmt: skip
    return Plan(streams=tuple(streams), types=types)


def test_which_operations_are_plain() -> None:
    layout = lay_out(plain_plan(neighbour=True))
    program = layout.program
    assert [program[at + S_PLAIN] != 0 for at in layout.streams] == [True, False]
    types = [program[program[G_TYPES] + number] for number in range(6)]
    plain = [[program[program[at + T_OPERATION_AT] + i * O_SIZE + O_PLAIN] for i in (0, 1)] for at in types]
    # Lists are told apart from event to event; to read, to read an age or to feed nothing takes the longer way.
    assert plain == [[1, 0], [0, 0], [1, 0], [1, 0], [0, 0], [0, 0]]


@given(st.data())
def test_they_agree_with_the_oracle(data: st.DataObject) -> None:
    plan = plain_plan(neighbour=data.draw(st.booleans()))
    events = data.draw(streams_of_events(plan, 150))
    for event in events:
        # Few keys, so that logs grow long.
        event.texts[:] = [event.texts[0][:1], "", [text[:1] for text in event.texts[2]]]
    sizes = data.draw(st.lists(st.integers(1, 80), min_size=1, max_size=4))
    oracle, one, through = Oracle(plan), small(plan), small(plan)
    wanted = [oracle.step(e.type, e.time, e.texts, e.numbers, e.flags) for e in events]
    singly = [one.step_one(e.type, e.time, e.texts, e.numbers, e.flags) for e in events]
    together = in_batches(through, events, sizes)
    for number, event in enumerate(events):
        assert same(singly[number], wanted[number]), (number, event, singly[number], wanted[number])
        assert same(together[number], wanted[number]), (number, event, together[number], wanted[number])
    times = [event.time for event in events]
    if not times or max(times) - min(times) < 600_000_000:
        # Beyond ten minutes keys may have been given back, and when that is hangs on the batches.
        assert one.retained() == through.retained()


@given(st.data())
def test_a_snapshot_in_the_middle_changes_nothing(data: st.DataObject) -> None:
    plan = plain_plan(neighbour=False)
    events = data.draw(streams_of_events(plan, 80))
    middle = data.draw(st.integers(0, len(events)))
    wanted = in_batches(small(plan), events, [7])
    cut = small(plan)
    before = in_batches(cut, events[:middle], [5])
    file = io.BytesIO()
    cut.save(file)
    file.seek(0)
    after = in_batches(Windows.restore(file, plan, bytes(range(16))), events[middle:], [3])
    assert all(same(a, b) for a, b in zip(before + after, wanted, strict=True))


def test_all_is_given_back_when_windows_expire() -> None:
    plan = plain_plan(neighbour=False)
    windows = small(plan)
    for time in range(1000):
        windows.step_one(0, time, ["a", "", []], [2**63 - 1, 0.0, 0], [True])
    assert windows.retained()["entries"] == 100
    assert windows.step_one(0, 2000, ["a", "", []], [-5, 0.0, 0], [True]) == [1, -5, 1, -5]
    assert windows.retained()["entries"] == 1
    windows.step_one(4, 3000, ["a", "", []], [0, 0.0, 0], [True])
    assert windows.retained()["entries"] == 0
