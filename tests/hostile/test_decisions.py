"""The engine against events and functions that do what nobody planned for."""

from __future__ import annotations

import json
from typing import Any

import pytest

from trustward.engine.engine import Engine
from trustward.exchange.decode import EventDecoder
from trustward.model.catalogue import load_catalogue
from trustward.model.decision import Decision
from trustward.policy import Source, load_policy
from trustward.screening.functions import Function

CATALOGUE = load_catalogue()
DECODER = EventDecoder(CATALOGUE)
NOW_US = 1_770_000_000_000_000


class OddError(Exception):
    """An error that no list of errors names."""


def odd(text: str) -> int:
    if "odd" in text:
        raise OddError("+65 9123 4567")
    return len(text)


ODD = Function(
    name="odd", arguments=(("text", "text"),), result="whole", call=odd, cost=1.0, about="x", example="odd(event.text)"
)
RULE = """
rule(
    id="r", on="message.sent", when={when}, then=[hold(event)], reason="{reason}", fraud="spam", owner="me",
    hits=[{{"sender": "a", "text": "aaaaa", "length": 5}}], misses=[{{"sender": "a", "text": "a", "length": 1}}],
)
"""
COUNTED = 'c = count(by=event.sender, where={when}, within="1h", of="message.sent")\n'
PLACES = {
    "when": RULE.format(when="odd(event.text) > 3", reason="x"),
    "reason": RULE.format(when="event.length > 3", reason="{odd(event.text)}"),
    "window": COUNTED.format(when="odd(event.text) > 3") + RULE.format(when="c >= 1", reason="{c}"),
}


def line(number: int, **fields: Any) -> bytes:
    event = {"type": "message.sent", "id": f"e{number}", "time": "2026-01-05T10:00:00Z", "sender": "a"}
    return json.dumps({**event, **fields}).encode() + b"\n"


def both(engine: Engine, lines: bytes) -> list[Decision]:
    """All decisions, taken one by one and in a batch (the way of many, however few), which must agree."""
    decoded = DECODER.decode_lines(lines)
    single = [
        engine.decide(event, decoded.faults.get(at, ()), now_us=NOW_US) for at, event in enumerate(decoded.events)
    ]
    engine.reset()
    outcome = engine.decide_batch(decoded.events, decoded.faults, now_us=NOW_US, every=True, features=True)
    assert [decision for _, decision in outcome.decisions] == single
    return single


@pytest.mark.parametrize("place", PLACES)
def test_whatever_a_function_raises_is_a_fault_of_the_rule(place: str) -> None:
    engine = Engine(load_policy([Source("m.policy", PLACES[place])], CATALOGUE, functions=[ODD]))
    bad, good = both(engine, line(1, text="odd one", length=9) + line(2, text="plain", length=9))
    assert (bad.verdict, bad.degraded, good.verdict, good.degraded) == ("hold", True, "hold", False)
    assert "9123" not in repr(bad), "what an error says may be personal data"


def test_a_needed_key_that_cannot_be_read_stops_nothing() -> None:
    policy = 'c = count(by=event.sender, within="1h", of="message.sent")\n' + RULE.format(
        when="c >= 2 or event.length > 3", reason="{c} by {event.sender}"
    )
    engine = Engine(load_policy([Source("m.policy", policy)], CATALOGUE))
    odd_senders = [7, None, "y" * 5000, ["a"], {"a": 1}, True, "", "\0", "\n", "a\0b", "a"]
    lines = b"".join(line(n, sender=sender) for n, sender in enumerate(odd_senders))
    lines += b'{"type":"message.sent","id":"e99","time":"2026-01-05T10:00:00Z"}\n'
    lines += b'{"type":"message.sent","id":"e98","time":"2026-01-05T10:00:00Z","sender":"\\udc00"}\n'
    found = both(engine, lines)
    assert [decision.verdict for decision in found] == ["hold"] * 6 + ["allow"] * 5 + ["hold"] * 2


def test_an_event_is_refused_or_decided_and_never_both() -> None:
    engine = Engine(load_policy([Source("m.policy", PLACES["reason"])], CATALOGUE, functions=[ODD]))
    late = b'{"type":"password.changed","id":"1","time":"2096-01-05T10:00:00Z","account":7}\n'
    late += b'{"type":"message.sent","id":"2","time":"2096-01-05T10:00:00Z","sender":7}\n'
    decoded = DECODER.decode_lines(late)
    outcome = engine.decide_batch(decoded.events, decoded.faults, now_us=NOW_US)
    assert [refused.position for refused in outcome.refused] == [0, 1]
    assert outcome.decisions == []
