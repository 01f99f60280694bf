"""The sixteen rules as a policy and as a function: alike on every event."""

from __future__ import annotations

from trustward.cli.bench.rules import drive


def test_the_policy_gives_what_the_function_gives() -> None:
    found = drive(events=3_000, seed=3, repeats=1)
    assert found["equal"]
    assert found["hit"] > 1_000
