"""A malformed field never quietly weakens a verdict: every live rule of the starter pack, on its own hits."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import trustward
from trustward.engine.engine import Engine
from trustward.exchange.decode import EventDecoder
from trustward.model.catalogue import load_catalogue
from trustward.model.decision import VERDICTS, Decision, Fault
from trustward.model.event import Event
from trustward.policy import Policy, Source, load_policy
from trustward.policy.rules import Example, Rule

CATALOGUE = load_catalogue()
DECODER = EventDecoder(CATALOGUE)
STARTER = load_policy(Path(trustward.__file__).parent / "packs" / "starter", CATALOGUE)
LATE_US = 4_000_000_000_000_000
WRONG: dict[str, Any] = {"text": 7, "entity": 7, "time": 7, "list": "no list", "flag": "maybe"}
NUMBERS: Any = {"no": "number"}


class Read(NamedTuple):
    """An event as it came out of the decoder, with its faults."""

    event: Event
    faults: tuple[Fault, ...]


def read(fields: dict[str, Any]) -> Read:
    decoded = DECODER.decode_lines(json.dumps(fields).encode())
    assert len(decoded.events) == 1, decoded.rejects
    return Read(decoded.events[0], decoded.faults.get(0, ()))


def prepared(policy: Policy, example: Example, engine: Engine) -> None:
    engine.reset()
    for given in example.given:
        if given.what == "label":
            kind, entity, label = given.names
            engine.state.mark((kind, entity, label), present=True)
        else:
            engine.state.list_add(given.names[0], [given.names[1]])
    for step in example.steps[:-1]:
        event, faults = read(step.fields)
        engine.decide(event, faults, now_us=LATE_US)


def mutations(last: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, field in CATALOGUE.types[last["type"]].fields.items():
        if name in last:
            yield name, {**last, name: WRONG.get(field.type, NUMBERS)}
            if field.type == "list":
                yield f"{name}[0]", {**last, name: [7]}


def modes(decision: Decision) -> dict[str, str]:
    return {hit.id: hit.mode for hit in decision.rules}


@pytest.mark.parametrize("rule", [r for r in STARTER.rules if r.mode == "live"], ids=lambda rule: rule.id)
def test_a_wrong_type_gives_the_same_verdict_or_the_safe_answer(rule: Rule) -> None:
    engine = Engine(STARTER)
    for example in (e for e in rule.examples if e.hit):
        last = example.steps[-1].fields
        prepared(STARTER, example, engine)
        event, faults = read(last)
        assert not faults
        assert rule.id in modes(engine.decide(event, faults, now_us=LATE_US))
        for name, wrong in mutations(last):
            prepared(STARTER, example, engine)
            event, faults = read(wrong)
            assert faults, name
            after = engine.decide(event, faults, now_us=LATE_US)
            assert after.degraded
            mode = modes(after).get(rule.id)
            assert mode in {"live", "fault"}, f"{rule.id} is gone without a word when {name} is malformed"
            due = rule.verdict if mode == "live" else rule.on_fault
            if due != "ignore":
                assert VERDICTS.index(after.verdict) >= VERDICTS.index(due), (rule.id, name, after)


SELLER = """
rule(
    id="dear", on="payment.requested", when=event.amount >= money("5000 SGD"), then=[suspend(event.seller)],
    reason="{event.amount}", fraud="scam", owner="me",
    hits=[{"account": "a", "seller": "s", "amount": 600000, "currency": "SGD"}],
    misses=[{"account": "a", "amount": 1, "currency": "SGD"}],
)
"""
ENVELOPE = '"type":"payment.requested","id":"e1","time":"2026-01-05T10:00:00Z"'
DEAR = '"account":"a","amount":600000,"currency":"SGD"'


def decided(line: str) -> Decision:
    engine = Engine(load_policy([Source("m.policy", SELLER)], CATALOGUE))
    decoded = DECODER.decode_lines(line.encode())
    assert len(decoded.events) == 1, decoded.rejects
    faults = decoded.faults.get(0, ())
    single = engine.decide(decoded.events[0], faults, now_us=LATE_US)
    engine.reset()
    ((_, together),) = engine.decide_batch(decoded.events, decoded.faults, now_us=LATE_US, features=True).decisions
    assert together == single
    return single


def test_an_action_on_an_entity_that_could_not_be_read_leaves_the_verdict() -> None:
    decision = decided(f'{{{ENVELOPE},{DEAR},"seller":7}}')
    assert (decision.verdict, decision.degraded, decision.actions) == ("block", True, ())


def test_a_field_given_twice_in_a_cloud_event_is_unread() -> None:
    data = '{"account":"a","amount":600000,"amount":1,"currency":"SGD"}'
    decision = decided(f'{{"specversion":"1.0","source":"/x",{ENVELOPE},"data":{data}}}')
    assert (decision.verdict, decision.degraded) == ("hold", True)


def test_no_heap_of_faults_hides_the_one_that_counts() -> None:
    noise = ",".join(f'"zz{n}":1,"zz{n}":1' for n in range(40))
    decision = decided(f'{{{ENVELOPE},{noise},"account":"a","amount":"much","currency":"SGD","seller":"s"}}')
    assert (decision.verdict, decision.degraded) == ("hold", True)
    assert "$.amount" in {fault.path for fault in decision.faults}


@pytest.mark.parametrize("seconds", ["1e308", "-1e308", "1e13", "9.3e12"])
def test_a_duration_beyond_all_counting_is_a_fault(seconds: str) -> None:
    policy = """
spent = total(event.form_time, by=event.ip, within="1h", of="account.registered")
rule(
    id="slow", on="account.registered", when=spent > "5m" or event.form_time > "5m", then=[hold(event)],
    reason="{spent}", fraud="farm", owner="me",
    hits=[{"account": "a", "ip": "i", "form_time": 6000.0}], misses=[{"account": "a", "form_time": 1.0, "ip": "i"}],
)
"""
    engine = Engine(load_policy([Source("m.policy", policy)], CATALOGUE))
    head = '{"type":"account.registered","id":"e1","time":"2026-01-05T10:00:00Z","account":"a","ip":"i"'
    decoded = DECODER.decode_lines(f'{head},"form_time":{seconds}}}\n'.encode())
    decision = engine.decide(decoded.events[0], decoded.faults[0], now_us=LATE_US)
    assert (decision.verdict, decision.degraded) == ("hold", True)
    assert decoded.faults[0][0].path == "$.form_time"
