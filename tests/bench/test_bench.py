"""Tiny runs of every benchmark: their shape, and that results which must be equal are. Never how long they take."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path

import msgspec
import pytest

import trustward.cli.bench as room
from trustward.base.errors import UsageError
from trustward.cli.bench.app import BENCHMARKS
from trustward.cli.bench.fresh import fresh
from trustward.cli.bench.inputs import needs
from trustward.cli.bench.result import Bar, Result, Settings, at_least, at_most, figure, ratio
from trustward.cli.bench.simulate import world

QUICK = ("rules", "windows", "memory", "simulate")
SCALES = {"routes": 0.0002}
"""Smaller than the others: enough cases that wait for all the requests which take one."""


def run(name: str, folder: Path) -> Result:
    module = importlib.import_module(f"trustward.cli.bench.{name.replace('-', '_')}")
    found = module.measure(Settings(folder=folder, scale=SCALES.get(name, 0.0005), repeats=1, say=lambda _line: None))
    assert isinstance(found, Result)
    return found


@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in BENCHMARKS]
)
def test_every_benchmark_measures_and_its_results_are_equal(name: str, tmp_path: Path) -> None:
    found = run(name, tmp_path)
    assert found.name == name
    assert found.command == f"trustward bench {name}"
    assert found.equal is not False
    assert found.bars
    shown = {one.name for one in (*found.figures, *found.ratios)}
    assert {bar.figure for bar in found.bars} <= shown
    for one in (*found.figures, *found.yardsticks, *found.ratios):
        assert 0 < one.least <= one.median <= one.most
        assert one.repeats >= 1
        assert one.unit
    assert {"cores", "processor", "python", "numba", "duckdb", "load"} <= found.machine.keys()
    assert msgspec.json.decode(msgspec.json.encode(found), type=Result).name == name


def test_every_module_that_measures_is_a_benchmark() -> None:
    measuring = {
        module.name.replace("_", "-")
        for module in pkgutil.iter_modules(room.__path__)
        if hasattr(importlib.import_module(f"trustward.cli.bench.{module.name}"), "measure")
    }
    assert measuring == set(BENCHMARKS)


def test_a_bar_is_met_on_its_own_side() -> None:
    speed = figure("speed", "rows/s", [1.0, 2.0, 6.0])
    assert at_least(speed, 2.0).met
    assert not at_least(speed, 2.1).met
    assert at_most(speed, 2.0).met
    assert not at_most(speed, 1.9).met
    assert isinstance(at_most(speed, 2.0), Bar)


def test_a_ratio_carries_both_spreads() -> None:
    times = ratio("times", figure("one", "x", [10.0, 20.0]), figure("other", "x", [2.0, 4.0]))
    assert (times.least, times.median, times.most) == (2.5, 5.0, 10.0)


def test_a_missing_extra_is_a_clear_message() -> None:
    with pytest.raises(UsageError, match="needs no_such_package") as caught:
        needs("no_such_package")
    assert "trustward[bench]" in caught.value.remedy


def test_a_measurement_that_fails_says_why(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="a world of 1 accounts"):
        fresh(world, path=str(tmp_path / "w.ndjson"), accounts=1, seed=1)
