"""Python's own lists, read where they lie: as the longer way does, or not at all."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.windows.test_hashing import siphash128
from trustward.base.units import MISSING
from trustward.windows.batch import Batch, Rows
from trustward.windows.objects import hash_list, whole_list
from trustward.windows.plan import Operation, Plan, Read, Stream, TypePlan
from trustward.windows.state import Windows

SEED = bytes(range(16))
KEY = np.frombuffer(SEED, np.uint64)
TOTALS = Plan(
    streams=(
        Stream(id="s", keyspace="k", values=("whole",), reads=(Read(aggregate="total", window=9, value=0),)),
    ),
    types=(
        TypePlan(
            type="t", texts=("k",), numbers=("whole",),
            operations=(Operation(stream=0, key=(0,), feeds=True, values=(0,), reads=(0,)),),
        ),
    ),
)  # fmt: skip


@given(st.lists(st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=40), max_size=40))
def test_prints_are_siphash_1_3(texts: list[str]) -> None:
    prints = np.full(2 * len(texts) + 4, 7, np.uint64)
    assert hash_list(texts, 1, KEY, prints)
    assert prints[:2].tolist() == prints[-2:].tolist() == [7, 7]
    for place, text in enumerate(texts, 1):
        low, high = siphash128(SEED, text.encode(), 1, 3)
        assert prints[2 * place : 2 * place + 2].tolist() == ([low, high | 1] if text else [0, 0])


@pytest.mark.parametrize("odd", ["\0", "a\0", "\0" + 7 * "a", 8 * "a" + "\0", 15 * "a" + "\0", "\ud800", None, b"a", 7])
def test_what_is_no_plain_text_is_left_to_the_longer_way(odd: Any) -> None:
    assert not hash_list(["a", odd, "b"], 0, KEY, np.zeros(6, np.uint64))


@given(st.lists(st.one_of(st.integers(-(2**63), 2**63 - 1), st.just(-1), st.booleans())))
def test_whole_numbers(numbers: list[int]) -> None:
    out = np.zeros(len(numbers), np.int64)
    assert whole_list(numbers, out)
    assert out.tolist() == numbers


@pytest.mark.parametrize("odd", [2**63, -(2**63) - 1, 1.0, "1", None])
def test_what_is_no_whole_number_is_left_to_the_longer_way(odd: Any) -> None:
    assert not whole_list([-1, odd, 3], np.zeros(3, np.int64))


class Shrinking:
    """A number that takes the others away while it is asked for."""

    def __init__(self, numbers: list[Any]) -> None:
        self._numbers = numbers

    def __index__(self) -> int:
        del self._numbers[1:]
        return 5


def test_a_list_that_shrinks_is_not_read_beyond_its_end() -> None:
    numbers: list[Any] = [1]
    numbers += [Shrinking(numbers), 2, 3]
    assert not whole_list(numbers, np.zeros(4, np.int64))


@pytest.mark.parametrize("numbers", [[4, -1, 2], (4, -1, 2), [4, 2**63, 2.5], [True, MISSING, None]])
@pytest.mark.parametrize("names", [["a", "b", "a"], ["a", "\0", "a"], ["é", "\ud800", "é"]])
def test_both_ways_give_the_same(names: Any, numbers: Any) -> None:
    windows, singly = Windows(TOTALS, SEED), Windows(TOTALS, SEED)
    order = np.zeros(3, np.int64)
    found = windows.step(Batch([Rows(0, 3, [names], [numbers], [])], order, np.arange(3), np.arange(3)))[0]
    one_by_one = [singly.step_one(0, i, [names[i]], [numbers[i]], [])[0] for i in range(3)]
    assert found.tolist() == [one_by_one]
