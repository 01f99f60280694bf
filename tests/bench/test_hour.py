"""The compressed hour, small: full windows hold still. ``trustward bench hour`` weighs the process."""

from __future__ import annotations

from trustward.cli.bench.hour import live


def test_full_windows_do_not_grow() -> None:
    found = live(events=24_000, accounts=150, seed=7)
    assert found["entries"] == 24_001
    assert 0.9 < found["windows"] < 1.05
    assert found["growth"] < 1.25
