"""Sums that are exact, and the significance of a surge."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.windows.oracle import poisson_tail
from trustward.base.jit import kernel
from trustward.base.units import MISSING
from trustward.windows import reading
from trustward.windows.plan import Aggregate, Carried, Operation, Plan, Read, Stream, TypePlan
from trustward.windows.state import Windows

SEED = bytes(16)


@kernel
def significance(count: Any, mean: Any) -> Any:
    """Pieces of kernels cannot be called from Python: a kernel around this one can."""
    return reading.significance(count, mean)


def one_value(carried: Carried, *kinds: Aggregate, window: int = 10) -> Plan:
    reads = tuple(Read(aggregate=kind, window=window, value=0) for kind in kinds)
    return Plan(
        streams=(Stream(id="s", keyspace="k", values=(carried,), reads=reads),),
        types=(
            TypePlan(
                type="t", texts=("k",), numbers=(carried,),
                operations=(Operation(stream=0, key=(0,), feeds=True, values=(0,), reads=tuple(range(len(reads)))),),
            ),
        ),
    )  # fmt: skip


def run(plan: Plan, values: list[Any], step: int = 1) -> list[list[Any]]:
    windows = Windows(plan, SEED)
    return [windows.step_one(0, step * time, ["a"], [value], []) for time, value in enumerate(values)]


fine = st.floats(-(2.0**53), 2.0**53).map(lambda x: math.ldexp(round(math.ldexp(x, 96)), -96) if abs(x) < 1 else x)


@given(st.lists(fine, min_size=1, max_size=60))
def test_float_totals_are_rounded_once_and_never_drift(values: list[float]) -> None:
    for time, [total, mean] in enumerate(run(one_value("float", "total", "mean"), values)):
        window = values[max(0, time - 9) : time + 1]
        assert total == math.fsum(window)
        assert mean == math.fsum(window) / len(window)


@given(st.lists(st.floats(-(2.0**-40), 2.0**-40), min_size=1, max_size=30))
def test_tiny_floats_count_to_the_nearest_unit(values: list[float]) -> None:
    for time, [total] in enumerate(run(one_value("float", "total"), values)):
        assert math.isclose(total, math.fsum(values[max(0, time - 9) : time + 1]), rel_tol=1e-15, abs_tol=10 * 2.0**-97)


def test_nothing_stays_behind() -> None:
    values = [0.1, 1e15, 0.2, -1e-9, 2.0**53, 3.3]
    plan = one_value("float", "total", window=2)
    assert run(plan, values, step=2) == [[value] for value in values]


def test_whole_totals_stop_at_the_ends() -> None:
    largest = 2**63 - 1
    assert run(one_value("whole", "total"), [largest, 5, -5, -largest, -7]) == [
        [largest], [largest], [largest], [0], [-7]
    ]  # fmt: skip
    assert run(one_value("whole", "total"), [-largest, -largest, largest, largest, 3]) == [
        [-largest], [-largest], [-largest], [0], [3]
    ]  # fmt: skip
    assert run(one_value("whole", "total", "mean"), [-largest, -1]) == [
        [-largest, float(-largest)], [-largest, -(2.0**62)]
    ]  # fmt: skip


def test_a_flood_of_the_largest_values_does_not_wrap() -> None:
    largest = 2**53
    results = run(one_value("whole", "total", "mean", window=10**9), [largest] * 3000)
    assert results[1022] == [1023 * largest, float(largest)]
    assert results[2999] == [2**63 - 1, float(largest)]
    floats = run(one_value("float", "total", "mean", window=10**9), [float(largest)] * 3000)
    assert floats[2999] == [3000.0 * largest, float(largest)]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e300, 2.0**53 + 2])
def test_floats_that_are_no_numbers_count_as_missing(value: float) -> None:
    [[total, mean, largest]] = run(one_value("float", "total", "mean", "largest"), [value])
    assert total == 0.0
    assert math.isnan(mean)
    assert math.isnan(largest)


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1, 10**40, 1.5, None, "7"])
def test_whole_numbers_that_do_not_fit_count_as_missing(value: Any) -> None:
    assert run(one_value("whole", "total", "largest"), [value]) == [[0, MISSING]]


@given(st.integers(0, 60), st.floats(0.01, 80))
def test_significance_by_summing_the_terms(count: int, mean: float) -> None:
    assert math.isclose(significance(float(count), mean), poisson_tail(count, mean), rel_tol=1e-9, abs_tol=1e-12)


@given(st.integers(900, 3000), st.floats(0.3, 1.1))
def test_significance_of_large_counts(count: int, share: float) -> None:
    got, wanted = significance(float(count), count * share), poisson_tail(count, count * share)
    assert math.isclose(got, wanted, rel_tol=1e-5, abs_tol=1e-9)


@given(st.integers(0, 10**9), st.floats(1e-12, 1e12))
def test_significance_is_always_a_number_not_below_zero(count: int, mean: float) -> None:
    got = significance(float(count), mean)
    assert got >= 0.0
    assert math.isfinite(got)
    assert got <= significance(float(count + 1 + count // 1000), mean) * (1 + 1e-6) + 1e-6
