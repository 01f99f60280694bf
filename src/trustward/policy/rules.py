"""Rules as the engine sees them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from trustward.model.decision import Verdict
from trustward.policy.faults import Span
from trustward.policy.nodes import Node

RuleMode = Literal["live", "shadow", "draft"]


class Step(NamedTuple):
    """One event of an example, in the flat form (with id, type and time)."""

    fields: dict[str, Any]


class Given(NamedTuple):
    """What holds before an example: a label on an entity, or a value on a list.

    ``what`` is ``label`` (kind, id, label) or ``list`` (list, value).
    """

    what: Literal["label", "list"]
    names: tuple[str, ...]


class Example(NamedTuple):
    """A sequence of events whose last one must (``hit``) or must not match the rule."""

    hit: bool
    given: tuple[Given, ...]
    steps: tuple[Step, ...]
    place: str


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """One action of a rule on one event type; ``entity`` None means the event itself."""

    do: str
    entity: Node | None
    note: str = ""
    lasts_us: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class TypedRule:
    """A rule on one event type: its condition in negation normal form, its actions, its reason in pieces."""

    when: Node
    actions: tuple[Target, ...]
    reason: tuple[str | Node, ...]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Rule:
    """One rule of a policy. ``limits`` are pairs (most actions, within microseconds); shares run from 0 to 1."""

    number: int
    id: str
    types: tuple[str, ...]
    mode: RuleMode
    owner: str
    fraud: str
    answers: tuple[str, ...]
    verdict: Verdict
    score: float
    on_fault: Verdict | Literal["ignore"]
    limits: tuple[tuple[int, int], ...]
    holdout: float
    when_text: str
    reason_text: str
    actions_text: tuple[str, ...]
    sets_labels: tuple[str, ...]
    examples: tuple[Example, ...]
    span: Span
    typed: dict[str, TypedRule]
