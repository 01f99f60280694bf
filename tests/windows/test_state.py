from __future__ import annotations

import math
from collections import deque
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.windows.oracle import Oracle
from tests.windows.test_oracle import in_batches, same, small
from tests.windows.worlds import AGGREGATES, Event, every_aggregate, streams_of_events
from trustward.base.errors import UsageError
from trustward.base.units import MISSING
from trustward.windows import memory, state
from trustward.windows.batch import Batch, Rows
from trustward.windows.plan import Aggregate, Operation, Plan, Read, Stream, TypePlan
from trustward.windows.state import Windows

SEED = bytes(range(16))
FULL = every_aggregate()


def only(kind: Aggregate) -> Plan:
    """The full plan, with one aggregate's reads only."""
    streams = tuple(
        Stream(
            id=stream.id, keyspace=stream.keyspace, values=stream.values,
            reads=tuple(read for read in stream.reads if read.aggregate == kind),
        )
        for stream in FULL.streams
    )  # fmt: skip
    count = len(streams[0].reads)
    operations = tuple(
        Operation(
            stream=one.stream, key=one.key, feeds=True, where=one.where, values=one.values, reads=tuple(range(count))
        )
        for one in FULL.types[0].operations
    )
    first = FULL.types[0]
    kind_ = TypePlan(type="t", texts=first.texts, numbers=first.numbers, flags=1, operations=operations)
    return Plan(streams=streams, types=(kind_,))


@pytest.mark.parametrize("kind", AGGREGATES)
@given(data=st.data())
def test_each_aggregate_alone(kind: Aggregate, data: st.DataObject) -> None:
    plan = only(kind)
    events = data.draw(streams_of_events(plan, 40))
    for event in events:
        event.texts[:] = [event.texts[0][:1], event.texts[1][:1], event.texts[2][:2]]
    oracle = Oracle(plan)
    wanted = [oracle.step(e.type, e.time, e.texts, e.numbers, e.flags) for e in events]
    got = in_batches(small(plan), events, [9])
    for number, event in enumerate(events):
        assert same(got[number], wanted[number]), (number, event, got[number], wanted[number])


def test_a_flood_on_one_key() -> None:
    window = 5_000
    kinds: tuple[Aggregate, ...] = ("count", "total", "distinct", "largest", "smallest")
    reads = tuple(Read(aggregate=kind, window=window, value=-1 if kind == "count" else 0) for kind in kinds)
    plan = Plan(
        streams=(Stream(id="s", keyspace="k", values=("whole",), reads=reads),),
        types=(
            TypePlan(
                type="t", texts=("k",), numbers=("whole",),
                operations=(Operation(stream=0, key=(0,), feeds=True, values=(0,), reads=tuple(range(5))),),
            ),
        ),
    )  # fmt: skip
    draw = np.random.default_rng(3)
    times = np.cumsum(draw.integers(0, 3, 30_000))
    values = draw.integers(-500, 500, 30_000)
    out = Windows(plan, SEED, slots=4, words=1).step_keys(0, times, [np.zeros(30_000, np.int64)], [values])
    inside: deque[tuple[int, int]] = deque()
    for row in range(30_000):
        inside.append((int(times[row]), int(values[row])))
        while inside[0][0] <= times[row] - window:
            inside.popleft()
        if row % 97 == 0:
            held = [value for _, value in inside]
            assert out[:, row].tolist() == [len(held), sum(held), len(set(held)), max(held), min(held)]


KEPT_US = 600_000_360
"""How long the windows below are kept: twice the longest, of 180 microseconds, and ten minutes."""


def kept() -> Plan:
    """The full plan, where nothing is remembered for ever."""
    streams = tuple(
        Stream(
            id=stream.id, keyspace=stream.keyspace, values=stream.values,
            reads=tuple(
                Read(aggregate=read.aggregate, window=read.window or 60, baseline=read.baseline, value=read.value)
                for read in stream.reads
            ),
        )
        for stream in FULL.streams
    )  # fmt: skip
    return Plan(streams=streams, types=FULL.types)


def test_lists_of_any_length_come_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short ones in arrays that are kept for rows of their shape, while there is room; long ones are laid out anew."""
    monkeypatch.setattr(state, "_SHAPES", 3)
    plan = only("distinct")
    windows, oracle = Windows(plan, SEED, slots=4), Oracle(plan)
    for n, length in enumerate([0, 1, 2, 14, 15, 40, 3, 1, 0, 2, 200, 1, 14]):
        texts = ["a", "b", [f"d{at % (1 + n)}" for at in range(length)]]
        wanted = oracle.step(0, n, texts, [n, 0.5, n], [True])
        assert same(windows.step_one(0, n, texts, [n, 0.5, n], [True]), wanted)
    with pytest.raises(UsageError, match="text column holds 2 strings"):
        windows.step_row(0, 99, [["a"], ["b"], (["x", "y"], [3])], [[0], [0.0], [0]], [[True]])


def test_what_is_silent_goes_and_its_memory_is_used_again() -> None:
    windows = Windows(kept(), SEED)
    sizes = []
    for turn in range(6):
        start = 2 * KEPT_US * turn
        for n in range(500):
            windows.step_one(0, start + n, [f"a{n % 10}", "", [f"d{n % 5}", f"d{n % 11}"]], [n, n / 7, n], [True])
        sizes.append(windows.bytes_used())
        windows.step_one(0, start + 499 + KEPT_US, ["", "", []], [0, 0.0, 0], [False])
        assert windows.retained()["headers"] > 0  # the last keys have been silent for no longer than they are kept
        windows.step_one(0, start + 500 + KEPT_US, ["", "", []], [0, 0.0, 0], [False])
        windows.sweep()
        assert set(windows.retained().values()) == {0}
    assert sizes[1:] == [sizes[1]] * 5


def test_only_what_has_been_silent_too_long_goes() -> None:
    windows = Windows(kept(), SEED, slots=4)
    for n in range(60):
        windows.step_one(0, n, [f"a{n}", "", [f"d{n}"]], [n, 1.0, n], [True])
    before = windows.lookup("account", "a59", 59)
    windows.step_one(0, 30 + KEPT_US, ["", "", []], [0, 0.0, 0], [False])
    assert str(windows.lookup("account", "a59", 59)) == str(before)
    assert windows.lookup("account", "a3", 59)["plain"][0] == MISSING  # before the sweep has been by, and after it
    assert windows.sweep() == 30 * 4
    assert windows.retained()["headers"] == 30 * 4
    assert str(windows.lookup("account", "a59", 59)) == str(before)
    assert windows.lookup("account", "a3", 59)["plain"][0] == MISSING
    assert windows.lookup("account", "a30", 59)["plain"][0] == 29
    assert windows.sweep() == 0


def test_what_is_remembered_for_ever_stays() -> None:
    windows = Windows(FULL, SEED)
    windows.step_one(0, 0, ["a", "", ["d"]], [1, 1.0, 1], [True])
    windows.step_one(0, 100 * KEPT_US, ["", "", []], [0, 0.0, 0], [False])
    assert windows.sweep() == 0
    assert windows.lookup("account", "a", 100 * KEPT_US)["plain"][0] == 100 * KEPT_US


def test_keys_that_never_come_again_take_no_more_memory() -> None:
    hour = Read(aggregate="count", window=1_000_000)
    feed = Operation(stream=0, key=(0,), feeds=True, reads=(0,))
    plan = Plan(
        streams=(Stream(id="s", keyspace="k", reads=(hour,)),),
        types=(TypePlan(type="t", texts=("k",), operations=(feed,)),),
    )
    windows = Windows(plan, SEED)
    sizes, keys = [], []
    count = 5_000
    for turn in range(20):
        numbers = np.arange(turn * count, (turn + 1) * count)
        # Ten minutes and two seconds are four turns.
        windows.step_keys(0, numbers * 30_100, [numbers])
        sizes.append(windows.bytes_used())
        keys.append(windows.retained()["keys"])
    assert max(sizes[12:]) <= 1.02 * sizes[11]
    assert max(keys[8:]) < 2 * 4 * count


@given(st.data())
def test_a_look_tells_what_a_read_would_and_moves_nothing(data: st.DataObject) -> None:
    reading = TypePlan(
        type="r", texts=FULL.types[0].texts, numbers=FULL.types[0].numbers, flags=1,
        operations=tuple(
            Operation(stream=one.stream, key=one.key, feeds=False, reads=one.reads)
            for one in FULL.types[0].operations
        ),
    )  # fmt: skip
    plan = Plan(streams=FULL.streams, types=(FULL.types[0], reading))
    events = data.draw(streams_of_events(Plan(streams=plan.streams, types=plan.types[:1]), 30))
    windows = small(plan)
    in_batches(windows, events, [10])
    account, device = (
        data.draw(st.sampled_from(["a", "x\0y", "\ud800", "nobody"])),
        data.draw(st.sampled_from(["b", "c"])),
    )
    at = events[-1].time + data.draw(st.sampled_from([-10, 0, 1, 4, 50, 1000]))
    first = windows.lookup("account", account, at) | windows.lookup("device", device, at)
    first |= windows.lookup("pair", [account, device], at)
    held = windows.retained()
    assert str(windows.lookup("account", account, at)["plain"]) == str(first["plain"])
    assert windows.retained() == held
    read = windows.step_one(1, at, [account, "", [device]], [0, 0.0, 0], [False])
    width = len(read) // 4
    for place, stream in enumerate(("plain", "listed", "both", "some")):
        assert same(read[place * width : (place + 1) * width], first[stream])


def test_looking_at_nothing_we_keep() -> None:
    with pytest.raises(UsageError, match="no windows are kept by 'ship'"):
        Windows(FULL, SEED).lookup("ship", "x", 0)
    assert Windows(FULL, SEED).lookup("account", "", 0)["plain"][0] == MISSING


def test_reading_alone_makes_no_key() -> None:
    stream = Stream(id="s", keyspace="k", reads=(Read(aggregate="count", window=5),))
    read = Operation(stream=0, key=(0,), feeds=False, reads=(0,))
    some = Operation(stream=0, key=(0,), feeds=True, where=0, reads=(0,))
    plan = Plan(
        streams=(stream,),
        types=(
            TypePlan(type="r", texts=("k",), operations=(read,)),
            TypePlan(type="w", texts=("k",), flags=1, operations=(some,)),
        ),
    )
    windows = Windows(plan, SEED)
    assert windows.step_one(0, 1, ["a"], [], []) == [0]
    assert windows.step_one(1, 1, ["a"], [], [False]) == [0]
    assert windows.retained()["keys"] == 0
    assert windows.step_one(1, 2, ["a"], [], [True]) == [1]
    assert windows.step_one(0, 3, ["a"], [], []) == [1]
    assert windows.step_one(0, 3, [""], [], []) == [MISSING]
    assert windows.retained()["keys"] == 1


def test_an_event_without_a_time_neither_feeds_nor_reads() -> None:
    windows = Windows(FULL, SEED)
    results = windows.step_one(0, MISSING, ["a", "b", ["c"]], [1, 1.0, 1], [True])
    assert all(value == MISSING or math.isnan(value) for value in results)
    assert windows.retained()["headers"] == 0


def test_int_keys_do_as_text_keys_do() -> None:
    draw = np.random.default_rng(1)
    times = np.cumsum(draw.integers(0, 3, 2000))
    first, second = draw.integers(0, 30, 2000), draw.integers(0, 4, 2000)
    wholes, reals = draw.integers(-9, 9, 2000), draw.random(2000)
    flags = draw.random((1, 2000)) < 0.5
    third = draw.integers(0, 9, 2000)
    keyed = Windows(FULL, SEED).step_keys(0, times, [first, second, third], [wholes, reals, wholes], flags)
    texts = [first.astype(str).tolist(), second.astype(str).tolist(), third.astype(str).tolist()]
    rows = Rows(0, 2000, texts, [wholes.tolist(), reals.tolist(), wholes.tolist()], [flags[0].tolist()])
    order = np.zeros(2000, np.int64)
    named = Windows(FULL, SEED).step(Batch([rows], order, np.arange(2000), times))[0]
    assert keyed.tobytes() == named.tobytes()


def test_results_of_types_that_are_not_there_are_empty() -> None:
    plan = Plan(streams=FULL.streams, types=(FULL.types[0], TypePlan(type="idle")))
    windows = Windows(plan, SEED)
    rows = Rows(1, 2, [], [], [])
    results = windows.step(Batch([rows], np.array([1, 1]), np.array([0, 1]), np.array([5, 6])))
    assert [result.shape for result in results] == [(0,), (0, 2)]
    assert windows.step(Batch([], *[np.zeros(0, np.int64)] * 3))[0].size == 0


def test_long_lists_and_long_strings() -> None:
    windows = Windows(FULL, SEED, slots=4, words=1)
    names = [f"d{n % 700}" for n in range(3000)]
    results = windows.step_one(0, 5, ["k" * 10_000_000, "", names], [1, 1.0, 1], [True])
    assert results.count(1) > 10
    assert windows.retained()["keys"] == 1 + 700 + 700


def test_the_same_seed_only_gives_the_same_fingerprints() -> None:
    one, other = Windows(FULL, SEED), Windows(FULL, bytes(16))
    for windows in (one, other):
        windows.step_one(0, 5, ["a", "", []], [1, 1.0, 1], [True])
    assert one._table.tobytes() != other._table.tobytes()


def test_less_memory_is_reserved_where_there_is_less(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    real = memory.words

    def little(count: int) -> Any:
        asked.append(count)
        if count > 1 << 24:
            raise OSError(12, "out of memory")
        return real(count)

    monkeypatch.setattr(memory, "words", little)
    windows = Windows(FULL, SEED)
    assert len(asked) > 5
    assert len(windows.step_one(0, 5, ["a", "", []], [1, 1.0, 1], [True])) == 4 * len(FULL.streams[0].reads)


def wrong(**changes: Any) -> Plan:
    stream: dict[str, Any] = {"id": "s", "keyspace": "k", "values": ("whole", "hash"), "reads": ()}
    operation: dict[str, Any] = {"stream": 0, "key": (0,), "feeds": True, "values": (0, 0)}
    kind: dict[str, Any] = {"type": "t", "texts": ("k",), "numbers": ("whole", "float")}
    for name, value in changes.items():
        next(part for part in (operation, stream, kind) if name in part)[name] = value
    return Plan(streams=(Stream(**stream),), types=(TypePlan(**kind, operations=(Operation(**operation),)),))


@pytest.mark.parametrize(
    "changes",
    [
        {"reads": (Read(aggregate="total", window=5),)},
        {"reads": (Read(aggregate="total", window=5, value=1),)},
        {"reads": (Read(aggregate="total", window=5, value=7),)},
        {"reads": (Read(aggregate="count"),)},
        {"reads": (Read(aggregate="surge", window=5, baseline=5),)},
        {"key": ()},
        {"key": (1,)},
        {"values": (0,)},
        {"values": (1, 0)},
        {"values": (0, 3)},
        {"values": (5, 0)},
    ],
    ids=str,
)
def test_a_plan_that_contradicts_itself_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        Windows(wrong(**changes), SEED)


def test_events_in_any_order_of_rows() -> None:
    events = [Event(0, n, [f"a{n % 3}", "", []], [n, 0.5, n], [True]) for n in range(20)]
    forward = in_batches(Windows(FULL, SEED), events, [20])
    rows = Rows(
        0, 20, [[f"a{n % 3}" for n in range(19, -1, -1)], [""] * 20, ([], [0] * 20)],
        [list(range(19, -1, -1)), [0.5] * 20, list(range(19, -1, -1))], [[True] * 20],
    )  # fmt: skip
    windows = Windows(FULL, SEED)
    out = windows.step(Batch([rows], np.zeros(20, np.int64), np.arange(19, -1, -1), np.arange(20)))[0]
    columns = windows.to_lists(0, out)
    assert all(same([column[19 - n] for column in columns], forward[n]) for n in range(20))


ROW = Rows(0, 2, [["a", "b"], ["", ""], (["x"], [1, 0])], [[1, 2], [1.0, 2.0], [1, 2]], [[True, False]])


@pytest.mark.parametrize(
    "changes",
    [
        {"texts": [["a"], ["", ""], (["x"], [1, 0])]},
        {"texts": [["a", "b"], ["", ""], (["x"], [1, 1])]},
        {"texts": [["a", "b"], ["", ""], (["x", "y"], [1, 0])]},
        {"numbers": [[1], [1.0, 2.0], [1, 2]]},
        {"numbers": [[1, 2], [1.0, 2.0, 3.0], [1, 2]]},
        {"flags": [[True]]},
    ],
    ids=str,
)
def test_columns_of_wrong_length_are_refused(changes: dict[str, Any]) -> None:
    parts = {"texts": ROW.texts, "numbers": ROW.numbers, "flags": ROW.flags} | changes
    order = np.arange(2)
    with pytest.raises(UsageError):
        Windows(FULL, SEED).step(Batch([Rows(0, 2, **parts)], np.zeros(2, np.int64), order, order))
    with pytest.raises(UsageError):
        Windows(FULL, SEED).step(Batch([ROW], np.zeros(2, np.int64), order[:1], order))
    with pytest.raises(UsageError):
        Windows(FULL, SEED).step_keys(0, order, [order, order, order[:1]], [order, order, order])


@pytest.mark.parametrize("time", [2**63 - 1, -(2**63) + 1, 2**62, -(2**62)])
def test_times_out_of_all_reason_count_as_missing(time: int) -> None:
    windows = Windows(FULL, SEED)
    assert all(
        value == MISSING or math.isnan(value) for value in windows.step_one(0, time, ["a", "", []], [1, 1.0, 1], [True])
    )


def test_single_rows_stand_what_batches_stand() -> None:
    windows, other = Windows(FULL, SEED), Windows(FULL, SEED)
    for number, real in ((2**70, 10**400), (None, None), ("x", "x"), (1.5, True)):
        rows = Rows(0, 1, [["a\0\ud800"], [""], [""]], [[number], [real], [1]], [[True]])
        batched = other.step(Batch([rows], np.zeros(1, np.int64), np.zeros(1, np.int64), np.array([5])))[0]
        wanted = [column[0] for column in other.to_lists(0, batched)]
        assert same(windows.step_row(0, 5, rows.texts, rows.numbers, rows.flags), wanted)
