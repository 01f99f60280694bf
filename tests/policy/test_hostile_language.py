"""Faults that a hostile second reader found in the language, each held down by a test."""

from __future__ import annotations

import time

from tests.policy.kit import State, codes, event, faults, policy, rule
from trustward.engine.engine import Engine
from trustward.model.decision import Fault


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


def test_values_never_tell_of_a_label_or_list_that_was_not_there() -> None:
    made = policy(
        rule('labelled(event.sender, "spammer") or not labelled(event.sender, "known") or event.length > 5'),
    )
    program = made.types["message.sent"]
    one = event(made, sender="a", length=6)
    known = State({("account", "a", "known"): 9})
    assert program.values(0, one, 0, (), known) == {"event.length": 6}
    assert program.values(0, event(made, sender="a"), 0, (), State({("account", "a", "spammer"): 9})) == {
        'labelled(event.sender, "spammer")': True,
        'labelled(event.sender, "known")': False,
    }


def test_labels_take_effect_from_the_next_event_also_when_rules_are_traced() -> None:
    made = policy(
        rule("event.is_reply", name="marks", then='[label(event.sender, "x")]')
        + rule('labelled(event.sender, "x") and not event.forwarded', name="reads")
        + rule('event.is_reply or labelled(event.sender, "x")', name="either")
        + rule("event.length > 5", name="other", more='on_fault="ignore", ')
    )
    engine = Engine(made)
    one = event(made, sender="a", is_reply=True, forwarded=False)
    for faults_of in ((), (Fault(path="$.length", cause="broken"),)):
        engine.reset()
        first = engine.decide(one, faults_of, now_us=2**62)
        assert [hit.id for hit in first.rules if hit.mode == "live"] == ["marks", "either"]
        assert first.rules[1].values == {"event.is_reply": True}
        assert [hit.id for hit in engine.decide(one, now_us=2**62).rules] == ["marks", "reads", "either"]


def test_an_empty_value_of_a_list_names_nothing() -> None:
    made = policy(rule("event.forwarded", then="block_link(event.urls)"))
    one = event(made, sender="a", urls=("", "u"), forwarded=True)
    program = made.types["message.sent"]
    assert [action.entity for action in program.actions(0, one, 0, ())] == ["u"]
    assert program.entities(one) == [("account", "a"), ("url", "u")]
