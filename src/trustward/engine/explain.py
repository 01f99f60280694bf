"""Why one event was answered as it was: every rule on its type, part by part."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import copy
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from trustward.model.decision import Decision, Fault

if TYPE_CHECKING:
    from trustward.engine.engine import Engine
    from trustward.model.event import Event
    from trustward.policy.trace import Trace

Outcome = Literal["holds", "not", "missing", "fault"]


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One part of a condition: its source text, how it came out, the values it looked at, and its own parts.

    ``missing`` says that a value was not there, ``fault`` that one could not be read (``cause`` says why).
    """

    text: str
    outcome: Outcome
    values: dict[str, Any] = {}
    cause: str = ""
    parts: tuple[Part, ...] = ()

    def leaves(self) -> Iterator[Part]:
        """The parts that have no parts."""
        if not self.parts:
            yield self
        for part in self.parts:
            yield from part.leaves()


class RuleOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """How one rule came out on the event."""

    id: str
    mode: str
    condition: Part


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """A decision and every rule that was asked for it."""

    decision: Decision
    rules: tuple[RuleOutcome, ...]


def explain(engine: Engine, event: Event, faults: Sequence[Fault] = (), *, now_us: int) -> Explanation:
    """Decide on one event, which changes the engine's state as deciding does, and explain the answer.

    ``now_us`` is the time against which events in the future are refused. Raises ValueError for one that is refused.
    """
    before = copy(engine.state)
    before.labels = dict(engine.state.labels)
    before.lists = {name: dict(values) for name, values in engine.state.lists.items()}
    seen = engine.examine(event, faults, now_us=now_us)
    if seen.program is None:
        return Explanation(decision=seen.decision, rules=())
    faulty = frozenset(fault.path.removeprefix("$.").partition("[")[0] for fault in faults)
    outcomes = []
    for number in seen.program.rules:
        rule = engine.policy.rules[number]
        found = seen.program.trace(number, event, seen.time, seen.features, before, faulty)
        outcomes.append(RuleOutcome(id=rule.id, mode=rule.mode, condition=part_of(found)))
    return Explanation(decision=seen.decision, rules=tuple(outcomes))


def part_of(found: Trace) -> Part:
    """A trace as a plain record."""
    named: dict[bool | None, Outcome] = {True: "holds", False: "not", None: "missing"}
    return Part(
        text=found.text,
        outcome="fault" if found.outcome == "fault" else named[found.outcome],
        values=found.values,
        cause=found.cause,
        parts=tuple(part_of(part) for part in found.parts),
    )
