"""A policy's own examples: every hit must match its rule, every miss must not."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from trustward.base.units import parse_time
from trustward.engine.engine import Engine, Examined
from trustward.engine.state import FOREVER
from trustward.engine.summary import ExampleFailure
from trustward.model.catalogue import Catalogue
from trustward.model.event import Event, event_classes
from trustward.policy import Policy, Rule
from trustward.policy.rules import Example
from trustward.policy.trace import Trace


def run_examples(policy: Policy, catalogue: Catalogue) -> list[ExampleFailure]:
    """Run the examples of all rules of a policy that was loaded with its drafts; what fails comes back.

    Each example starts from empty windows and no labels, with the policy's own lists.
    """
    classes = event_classes(catalogue)
    engine = Engine(policy)
    failures = []
    for rule in policy.rules:
        counts = {True: 0, False: 0}
        for example in rule.examples:
            place = f"{'hits' if example.hit else 'misses'}[{counts[example.hit]}]"
            counts[example.hit] += 1
            engine.reset()
            why = _run(engine, rule, example, classes)
            if why:
                failures.append(ExampleFailure(rule=rule.id, example=place, why=f"{why} ({example.place})"))
    return failures


def _run(engine: Engine, rule: Rule, example: Example, classes: dict[str, type[Event]]) -> str:
    """Why an example fails, or an empty text."""
    for given in example.given:
        if given.what == "label":
            kind, entity, label = given.names
            engine.state.mark((kind, entity, label), present=True)
        else:
            name, value = given.names
            engine.state.list_add(name, [value], FOREVER)
    last: Examined | None = None
    event: Event | None = None
    for step in example.steps:
        event = msgspec.convert(step.fields, classes[step.fields["type"]])
        last = engine.examine(event, now_us=parse_time(event.time))
    if last is None or event is None or last.program is None:
        return "it holds no event that the rule is on"
    faults = [f"{hit.id}: {hit.reason}" for hit in last.decision.rules if hit.mode == "fault"]
    if faults:
        return f"the last event could not be evaluated: {'; '.join(faults)}"
    matched = [hit.id for hit in last.decision.rules]
    if example.hit == (rule.id in matched):
        return ""
    if not example.hit:
        return "it must not match, but it does"
    trace = last.program.trace(rule.number, event, last.time, last.features, engine.state)
    failed = [part for part in _leaves(trace) if part.outcome is not True]
    parts = "; ".join(f"{part.text} is {_shown(part)}" for part in failed)
    return f"it must match, but it does not: {parts}"


def _leaves(trace: Trace) -> Iterator[Trace]:
    if not trace.parts:
        yield trace
    for part in trace.parts:
        yield from _leaves(part)


def _shown(part: Trace) -> str:
    values = ", ".join(f"{text} = {value}" for text, value in part.values.items())
    found = "missing" if part.outcome is None else "not so"
    return f"{found} ({values})" if values else found
