"""Faults that a hostile second reader found in the language, each held down by a test."""

from __future__ import annotations

import time

from tests.policy.kit import codes, faults, policy, rule


def test_long_conditions_are_checked_in_linear_time() -> None:
    started = time.process_time()
    long = " or ".join(f"event.length == {3 * n}" for n in range(700))
    apart = " and ".join(f"event.length != {3 * n}" for n in range(700))
    assert not faults(
        f"long = {long}\n" + "".join(rule(f"long or event.length == 1{n}", name=f"r{n}") for n in range(8))
    )
    assert not faults(rule(apart))
    assert time.process_time() - started < 5


def test_an_or_of_three_parts_that_always_holds_is_seen() -> None:
    assert codes(rule("event.length < 5 or event.length == 5 or event.length > 5")) == ["P055"]
    assert codes(rule("event.length > 5 and (event.is_reply or event.length < 3)")) == ["P054"]
    assert codes(rule("event.length < 5 or event.length > 5")) == []
    found = faults(rule(" and ".join(f"event.length != {n}" for n in range(30)) + " and 0 <= event.length <= 29"))
    assert len(found[0]) < 2_000


def test_a_delayed_mean_is_taken_over_the_events_that_have_the_value() -> None:
    made = policy(
        'then = mean(minor(event.amount), by=event.account, within="1h", delay="1h", of="payment.requested")\n'
        + rule("then > 5", on='"payment.requested"', hit='{"account": "a1"}')
    )
    stream = made.plan.streams[0]
    assert "present(minor(event.amount))" in stream.id
