"""Alone or together: the same decisions, where labels, limits, snoozes and garbage meet."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import msgspec
import pytest

import trustward
from trustward.base.units import format_time
from trustward.engine.engine import Engine
from trustward.exchange.decode import EventDecoder
from trustward.exchange.records import Decoded
from trustward.model.catalogue import load_catalogue
from trustward.model.decision import Decision
from trustward.policy import Source, load_policy

CATALOGUE = load_catalogue()
DECODER = EventDecoder(CATALOGUE)
STARTER = load_policy(Path(trustward.__file__).parent / "packs" / "starter", CATALOGUE)
NOW_US = 4_000_000_000_000_000
START_US = 1_767_000_000_000_000
GAPS_US = (0, 0, 1, 999_999, 1_000_000, 5_000_000, 9_999_999, 10_000_000, -3_000_000, -10_000_000)
COMMON = 'reason="s", fraud="f", owner="o"'
# Several rules set and take the same label on one event; labels end within the microsecond; limits and hold-outs.
LABELS = f"""
rule(id="a", on="message.sent", when=event.length == 1, then=[label(event.sender, "x", lasts="10s"), hold(event)],
    {COMMON}, hits=[{{"sender": "a", "length": 1}}], misses=[{{"sender": "a"}}])
rule(id="b", on="message.sent", when=event.length == 1 and event.text == "u" or event.length == 2,
    then=[unlabel(event.sender, "x")], {COMMON}, hits=[{{"sender": "a", "length": 2}}], misses=[{{"sender": "a"}}])
rule(id="c", on="message.sent", when=event.length == 3,
    then=[label(event.sender, "x", lasts="1us"), label(event.recipient, "x", lasts="10s")],
    {COMMON}, hits=[{{"sender": "a", "length": 3}}], misses=[{{"sender": "a"}}])
rule(id="d", on="message.sent", when=labelled(event.sender, "x"),
    then=[warn(event), label(event.recipient, "y", lasts="5s")], limit=["3/10s", "20/1h"],
    {COMMON}, hits=[[given(labelled("account", "a", "x")), {{"sender": "a"}}]], misses=[{{"sender": "a"}}])
rule(id="e", on="message.sent", when=not labelled(event.recipient, "y") and labelled(event.sender, "y"),
    then=[challenge(event), unlabel(event.sender, "y")], holdout=0.3,
    {COMMON}, hits=[[given(labelled("account", "a", "y")), {{"sender": "a", "recipient": "b"}}]],
    misses=[{{"sender": "a"}}])
"""
GARBAGE: tuple[Any, ...] = (
    7, -1, 1e308, -1e308, 5e-324, 2**53, -(2**53), 2**53 + 1, 2**63, 2**64, True, None, "", "\0", "\n", "a\0b",
    "\ud800",
    "x" * 5000, "é" * 300, [], [1], ["a"], ["a"] * 1001, [None], {}, {"a": {}}, "9999-12-31T23:59:59Z", -0.0,
    "0001-01-01T00:00:00Z", "2026-13-01T00:00:00Z", "2026-01-05T10:00:00", "http://[::1", "http://" + "a." * 2000,
)  # fmt: skip


def one_by_one(engine: Engine, decoded: Decoded) -> list[Decision | None]:
    answers: list[Decision | None] = []
    for at, event in enumerate(decoded.events):
        try:
            answers.append(engine.decide(event, decoded.faults.get(at, ()), now_us=NOW_US))
        except ValueError:
            answers.append(None)
    return answers


def in_parts(engine: Engine, decoded: Decoded, draw: random.Random, longest: int) -> list[Decision | None]:
    answers: list[Decision | None] = []
    while len(answers) < len(decoded.events):
        first = len(answers)
        last = min(len(decoded.events), first + draw.randrange(1, longest))
        faults = {at - first: found for at, found in decoded.faults.items() if first <= at < last}
        # Few events are decided one by one; every other part goes the way of many, however few they are.
        many = draw.random() < 0.5
        outcome = engine.decide_batch(decoded.events[first:last], faults, now_us=NOW_US, every=True, features=many)
        found = dict(outcome.decisions)
        answers += [found.get(at) for at in range(last - first)]
    return answers


@pytest.mark.parametrize("seed", range(40))
def test_labels_limits_and_snoozes(seed: int) -> None:
    policy = load_policy([Source("m.policy", LABELS)], CATALOGUE)
    draw = random.Random(seed)
    time, lines = START_US, []
    for _ in range(120):
        time += draw.choice(GAPS_US)
        event: dict[str, Any] = {"type": "message.sent", "id": f"e{draw.randrange(60)}", "time": format_time(time)}
        event |= {"sender": draw.choice("abc"), "recipient": draw.choice(["a", "b", "c", None])}
        event |= {"length": draw.choice([1, 2, 3, None]), "text": draw.choice(["u", None])}
        if draw.random() < 0.08:
            event[draw.choice(["recipient", "length", "sender"])] = []
        lines.append(json.dumps(event))
    decoded = DECODER.decode_lines("\n".join(lines).encode())
    engines = [Engine(policy) for _ in range(3)]
    snoozed, marked = draw.choice("abc"), draw.choice("abc")
    for engine in engines:
        engine.state.snooze("d", "account", snoozed, START_US + seed % 3 * 10_000_000)
        engine.state.mark(("account", marked, "x"), present=seed % 2 == 0, expires_us=START_US + seed % 4 * 5_000_000)
    alone, together, parts = engines
    expected = one_by_one(alone, decoded)
    assert in_parts(together, decoded, random.Random(0), 10**6) == expected
    assert in_parts(parts, decoded, random.Random(seed), 30) == expected
    assert alone.state.dump() == together.state.dump() == parts.state.dump()


@pytest.mark.parametrize("seed", range(4))
def test_garbage_in_every_field_of_the_starter_pack(seed: int) -> None:
    draw = random.Random(seed)
    steps = [step.fields for rule in STARTER.rules for example in rule.examples for step in example.steps[-3:]]
    lines = []
    for number, step in enumerate(draw.sample(steps, min(len(steps), 250))):
        event = {**step, "id": f"e{number}"}
        for _ in range(draw.randrange(3)):
            event[draw.choice([*CATALOGUE.types[event["type"]].fields, "source", "truth", "zz"])] = draw.choice(GARBAGE)
        lines.append(json.dumps(event))
    decoded = DECODER.decode_lines("\n".join(lines).encode())
    assert len(decoded.events) + decoded.set_aside == len(lines)
    alone, parts = Engine(STARTER), Engine(STARTER)
    expected = one_by_one(alone, decoded)
    assert in_parts(parts, decoded, draw, 100) == expected
    assert alone.state.dump() == parts.state.dump()
    assert msgspec.json.Encoder().encode_lines([*expected, *decoded.rejects])
