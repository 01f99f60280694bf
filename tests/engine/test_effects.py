"""Labels, limits, hold-out, snooze, faults: what becomes of a match."""

from __future__ import annotations

import msgspec
import pytest

from tests.engine.worlds import CATALOGUE, NOW_US, POLICY, START_US, make
from trustward.engine.effects import held_out
from trustward.engine.engine import Engine
from trustward.engine.state import FOREVER, State
from trustward.model.decision import Decision, Fault
from trustward.policy import Policy, Source, load_policy
from trustward.screening.functions import Function

SECOND = 1_000_000


def send(engine: Engine, number: int, at: int, *faults: Fault, **fields: object) -> Decision:
    event = make("message.sent", number, START_US + at * SECOND, **fields)
    return engine.decide(event, faults, now_us=NOW_US)


def modes(decision: Decision) -> dict[str, str]:
    return {hit.id: hit.mode for hit in decision.rules}


def test_a_label_counts_from_the_next_event_and_until_it_expires() -> None:
    engine = Engine(POLICY)
    for number in range(2):
        assert send(engine, number, number, sender="a", recipient=f"r{number}").verdict == "allow"
    third = send(engine, 2, 2, sender="a", recipient="r2")
    assert modes(third) == {"many-contacts": "live"}
    assert third.verdict == "hold"
    assert {"many-contacts", "busy-and-fast"} == set(modes(send(engine, 3, 3, sender="a")))
    # The label lasts 20 seconds from the last time it was set, at second 3.
    send(engine, 4, 22, sender="a")
    assert "busy-and-fast" in modes(send(engine, 5, 22, sender="a"))
    send(engine, 6, 64, sender="a")
    assert modes(send(engine, 7, 64, sender="a")) == {}


def test_a_persons_word_on_a_label_outranks_the_rules() -> None:
    engine = Engine(POLICY)
    key = ("account", "a", "busy")
    engine.state.mark(key, present=False, expires_us=START_US + 10 * SECOND)
    for number in range(4):
        send(engine, number, number, sender="a", recipient=f"r{number}")
    assert key not in engine.state.labels
    send(engine, 9, 11, sender="a", recipient="r9")
    assert key in engine.state.labels
    engine.state.mark(key, present=True)
    pay = make("payment.requested", 10, START_US + 12 * SECOND, account="a")
    engine.decide(make("payment.requested", 11, START_US + 11 * SECOND, account="a"), now_us=NOW_US)
    decision = engine.decide(pay, now_us=NOW_US)
    assert "fast-pays" in modes(decision)
    assert [action.do for action in decision.actions] == ["limit"]
    assert engine.state.labels[key] == FOREVER


def test_beyond_its_limit_a_rule_only_proposes() -> None:
    engine = Engine(POLICY)
    seen = [
        send(engine, number, number, sender=f"s{number}", urls=("http://x.example/",), recipient=None)
        for number in range(6)
    ]
    assert [modes(decision).get("same-link") for decision in seen] == [
        None,
        None,
        "live",
        "live",
        "proposed",
        "proposed",
    ]
    assert seen[4].verdict == "allow"
    assert all(action.proposed for action in seen[4].actions)
    assert "over its limit of 2 actions in 1m" in seen[4].rules[0].reason
    later = send(engine, 7, 63, sender="s", urls=("http://x.example/",))
    assert modes(later)["same-link"] == "live"


def test_hold_out_lets_a_share_through_and_is_the_same_every_time() -> None:
    engine = Engine(POLICY)
    seen = [send(engine, number, number, sender=f"s{number}", text="a longer text") for number in range(400)]
    out = [modes(decision)["measured"] == "held_out" for decision in seen]
    assert 150 < sum(out) < 250
    assert out == [held_out(decision.event_id, "measured", 0.5) for decision in seen]
    assert {decision.verdict for decision, let in zip(seen, out, strict=True) if let} == {"allow"}
    assert all(decision.score > 0 for decision in seen)


def test_a_snoozed_rule_is_recorded_and_does_not_act() -> None:
    engine = Engine(POLICY)
    engine.state.snooze("many-contacts", "account", "a", START_US + 10 * SECOND)
    for number in range(3):
        decision = send(engine, number, number, sender="a", recipient=f"r{number}")
    assert modes(decision) == {"many-contacts": "snoozed"}
    assert decision.verdict == "allow"
    assert modes(send(engine, 4, 11, sender="a", recipient="r5"))["many-contacts"] == "live"


def test_shadow_is_recorded_and_never_acted_on() -> None:
    decision = send(Engine(POLICY), 0, 0, sender="a", country="MY")
    assert modes(decision) == {"in-shadow": "shadow"}
    assert (decision.verdict, decision.actions, decision.score) == ("allow", (), 0.0)


def test_lists_change_from_the_next_event() -> None:
    engine = Engine(POLICY)
    engine.state.list_add("partners", ["a"], START_US + 5 * SECOND)
    seen = [send(engine, number, number, sender="a", recipient=f"r{number}") for number in range(7)]
    assert ["many-contacts" in modes(decision) for decision in seen] == [False] * 5 + [True] * 2
    engine.state.list_add("partners", ["a"])
    assert modes(send(engine, 8, 8, sender="a", recipient="r8")).get("many-contacts") is None
    engine.state.list_remove("partners", ["a", "nobody"])
    assert "many-contacts" in modes(send(engine, 9, 9, sender="a", recipient="r9"))


def test_a_malformed_field_never_weakens_a_verdict() -> None:
    """The rule that would have blocked cannot tell; its safe answer applies, and the decision says so."""
    engine = Engine(POLICY)
    event = make("payment.requested", 0, START_US, account="a", device="d", amount=None, currency="SGD", country="MY")
    fault = Fault(path="$.amount", cause="expected a whole number, got text")
    decision = engine.decide(event, [fault], now_us=NOW_US)
    assert decision.degraded
    assert decision.faults == (fault,)
    assert modes(decision)["spends"] == "fault"
    assert decision.verdict == "hold"
    # What does not depend on the faulty field is decided as ever.
    honest = make("payment.requested", 1, START_US, account="b", device="d", amount=None, currency="SGD", country="SG")
    decision = engine.decide(honest, [fault], now_us=NOW_US)
    assert (decision.verdict, decision.degraded, modes(decision)) == ("allow", True, {})


def test_on_fault_says_which_answer_is_safe() -> None:
    engine = Engine(POLICY)
    engine.state.mark(("account", "a", "busy"), present=True)
    fault = Fault(path="$.sender", cause="expected text")
    event = make("message.sent", 1, START_US, sender="")
    decision = engine.decide(event, [fault], now_us=NOW_US)
    assert modes(decision)["busy-and-fast"] == "fault"
    assert decision.verdict == "block"


def fails(text: str) -> float:
    """A function that fails on one word."""
    if "boom" in text:
        raise ValueError(text)
    return 1.0


def policy_with_failing_function() -> Policy:
    source = """
rule(
    id="fragile", on="message.sent", when=fragile(event.text) > 0.5, then=[warn(event)], on_fault="block",
    reason="it is fragile", fraud="none", owner="tests", hits=[{"sender": "a", "text": "x"}], misses=[{"sender": "a"}],
)
rule(
    id="sturdy", on="message.sent", when=length(event.text) > 2, then=[warn(event)],
    reason="it is long", fraud="none", owner="tests", hits=[{"sender": "a", "text": "xyz"}], misses=[{"sender": "a"}],
)
"""
    function = Function(
        name="fragile",
        arguments=(("text", "text"),),
        result="number",
        call=fails,
        cost=1,
        about="Fails on one word.",
        example='fragile("x")',
    )
    return load_policy([Source("t.policy", source)], CATALOGUE, functions=[function])


@pytest.mark.parametrize("way", ["single", "batch"])
def test_a_failing_function_is_a_recorded_fault_of_its_event_alone(way: str) -> None:
    engine = Engine(policy_with_failing_function())
    texts = ["fine", "boom", "ok", None] * 20
    events = [make("message.sent", n, START_US + n, sender="a", text=text) for n, text in enumerate(texts)]
    if way == "batch":
        decisions = [d for _, d in engine.decide_batch(events, now_us=NOW_US, every=True, features=True).decisions]
    else:
        decisions = [engine.decide(event, now_us=NOW_US) for event in events]
    for text, decision in zip(texts, decisions, strict=True):
        if text == "boom":
            assert modes(decision) == {"fragile": "fault", "sturdy": "live"}
            assert decision.degraded
            assert decision.verdict == "block"
            assert "boom" not in str(decision)
        else:
            assert not decision.degraded
            assert modes(decision).get("fragile") == ("live" if text else None)


def test_state_survives_its_dump() -> None:
    state = State()
    state.set_label(("account", "a", "x"), 5, time_us=1)
    state.mark(("account", "a", "y"), present=True)
    state.list_add("l", ["v", "w"], 9)
    state.snooze("r", "account", "a", 3)
    assert state.over_limit("r", [(1, 10)], 0, 1) is None
    assert state.over_limit("r", [(1, 10)], 9, 1) == (1, 10)
    again = State.load(state.dump())
    assert again.dump() == state.dump()
    assert again.labels == state.labels
    assert again.over_limit("r", [(1, 10)], 10, 1) is None


def test_refused_events_change_nothing() -> None:
    engine = Engine(POLICY)
    before = engine.state.dump()
    future = make("message.sent", 0, NOW_US + engine.skew_us + 1, sender="a", recipient="b")
    with pytest.raises(ValueError, match="in the future"):
        engine.decide(future, now_us=NOW_US)
    broken = msgspec.structs.replace(future, time="yesterday")
    with pytest.raises(ValueError, match="not a time with a zone"):
        engine.decide(broken, now_us=NOW_US)
    assert engine.state.dump() == before
    assert send(engine, 1, 0, sender="a", recipient="b").verdict == "allow"
