from __future__ import annotations

import io
import math
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.windows.oracle import Oracle
from tests.windows.worlds import Event, batched, plans, streams_of_events
from trustward.windows.batch import Batch
from trustward.windows.plan import Plan
from trustward.windows.state import Windows

SEED = bytes(range(16))


def small(plan: Plan) -> Windows:
    """Windows whose arrays must grow all the time."""
    return Windows(plan, SEED, slots=4, words=1)


def same(got: list[Any], wanted: list[Any]) -> bool:
    return len(got) == len(wanted) and all(
        type(a) is type(b) and (a == b or (math.isnan(a) and math.isnan(b)) or _near(a, b))
        for a, b in zip(got, wanted, strict=True)
    )


def _near(a: Any, b: Any) -> bool:
    # Only significance is not a rational function of the counts.
    return isinstance(a, float) and math.isclose(a, b, rel_tol=1e-10, abs_tol=1e-12)


def in_batches(windows: Windows, events: list[Event], sizes: list[int], *, swept: bool = False) -> list[list[Any]]:
    """The results of each event, given in batches of these sizes (the last one again and again)."""
    results: list[list[Any]] = []
    at = turn = 0
    while at < len(events):
        part = events[at : at + sizes[min(turn, len(sizes) - 1)]]
        rows, kinds, order, times = batched(part)
        out = windows.step(Batch(rows, np.array(kinds), np.array(order), np.array(times)))
        lists = [windows.to_lists(kind, out[kind]) if kind in kinds else [] for kind in range(len(out))]
        results += [[column[row] for column in lists[kind]] for kind, row in zip(kinds, order, strict=True)]
        at += len(part)
        if swept:
            windows.sweep()
        turn += 1
    return results


@given(st.data())
def test_single_batch_and_oracle_agree(data: st.DataObject) -> None:
    plan = data.draw(plans())
    events = data.draw(streams_of_events(plan))
    sizes = data.draw(st.lists(st.integers(1, 50), min_size=1, max_size=4))
    oracle, one = Oracle(plan), small(plan)
    wanted = [oracle.step(e.type, e.time, e.texts, e.numbers, e.flags) for e in events]
    singly = [one.step_one(e.type, e.time, e.texts, e.numbers, e.flags) for e in events]
    together = in_batches(small(plan), events, sizes, swept=data.draw(st.booleans()))
    for number, event in enumerate(events):
        assert same(singly[number], wanted[number]), (number, event, singly[number], wanted[number])
        assert same(together[number], wanted[number]), (number, event, together[number], wanted[number])


@given(st.data())
def test_snapshot_in_the_middle_changes_nothing(data: st.DataObject) -> None:
    plan = data.draw(plans())
    events = data.draw(streams_of_events(plan))
    middle = data.draw(st.integers(0, len(events)))
    through, cut = small(plan), small(plan)
    wanted = in_batches(through, events, [7])
    before = in_batches(cut, events[:middle], [5])
    file = io.BytesIO()
    cut.save(file)
    restored = Windows.restore(io.BytesIO(file.getvalue()), plan, SEED)
    again = io.BytesIO()
    restored.save(again)
    assert again.getvalue() == file.getvalue()
    after = in_batches(restored, events[middle:], [3])
    assert all(same(a, b) for a, b in zip(before + after, wanted, strict=True))
