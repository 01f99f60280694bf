"""The clocks of ``benchmarks/stages.py`` are on functions that exist."""

from __future__ import annotations

from typing import Any

import pytest
from benchmarks.stages import Stages, place_clocks

from trustward.engine.engine import Engine


class Names(Stages):
    """Takes down what would get a clock."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[object] = []

    def clock(self, owner: Any, name: str, stage: str) -> None:
        self.found.append(getattr(owner, name))
        assert stage

    clock_iterator = clock


def test_every_clock_has_its_function(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Engine, "__init__", Engine.__init__)
    names = Names()
    place_clocks(names)
    assert len(names.found) > 10
    assert all(callable(one) for one in names.found)
