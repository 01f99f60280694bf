"""Typed expressions: what the checker makes of the source, and what code, traces and explanations are made from.

Values and conditions are trees of these nodes. ``key`` is a node's canonical text: two nodes with the same key on the
same event type have the same value. Conditions come in negation normal form from :mod:`trustward.policy.logic`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from trustward.policy.faults import Span
from trustward.policy.types import Type

if TYPE_CHECKING:
    from trustward.policy.features import Feature
    from trustward.screening.functions import Function

Operator = Literal["<", "<=", ">", ">=", "==", "!="]


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """A typed expression with its place in the source."""

    type: Type
    span: Span
    key: str

    @property
    def text(self) -> str:
        """The source text."""
        return self.span.text


@dataclass(frozen=True, slots=True, eq=False)
class Const(Node):
    """A literal: number, text, flag, duration (microseconds) or time (microseconds)."""

    value: Any


@dataclass(frozen=True, slots=True, eq=False)
class Amounts(Node):
    """Amounts of money by currency, in minor units: ``money("500 SGD", "350 EUR")``."""

    amounts: dict[str, int]


@dataclass(frozen=True, slots=True, eq=False)
class Attribute(Node):
    """A field of the event."""

    name: str
    required: bool
    personal: str = "none"


@dataclass(frozen=True, slots=True, eq=False)
class Now(Node):
    """The event's time, in microseconds."""


@dataclass(frozen=True, slots=True, eq=False)
class EventId(Node):
    """The event's id."""


@dataclass(frozen=True, slots=True, eq=False)
class Reading(Node):
    """A feature read on this event type under a key; ``certain`` if it can never be missing."""

    feature: Feature
    keys: tuple[Node, ...]
    certain: bool
    currency: Node | None = None

    @property
    def id(self) -> str:
        """What tells this reading from others on the same event type."""
        return f"{self.feature.id} @ {', '.join(key.key for key in self.keys)}"


@dataclass(frozen=True, slots=True, eq=False)
class Arithmetic(Node):
    """``left op right`` with op one of + - * /; a division by zero is missing."""

    op: Literal["+", "-", "*", "/"]
    left: Node
    right: Node


@dataclass(frozen=True, slots=True, eq=False)
class Choice(Node):
    """``min`` or ``max`` of several values, or ``abs`` of one."""

    op: Literal["min", "max", "abs"]
    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Call(Node):
    """A function of the registry: ``call`` takes the values of ``arguments``; literal arguments are bound in it."""

    function: Function
    arguments: tuple[Node, ...]
    literals: tuple[Any, ...]
    call: Callable[..., Any]


@dataclass(frozen=True, slots=True, eq=False)
class Part(Node):
    """One part of a signal: score, category or reasons."""

    signal: Node
    name: Literal["score", "category", "reasons"]


@dataclass(frozen=True, slots=True, eq=False)
class Clock(Node):
    """The hour (0 to 23) or weekday (1 Monday to 7 Sunday) of a time in a zone."""

    unit: Literal["hour", "weekday"]
    moment: Node
    zone: str


@dataclass(frozen=True, slots=True, eq=False)
class Size(Node):
    """How many values a list field holds."""

    list: Node


@dataclass(frozen=True, slots=True, eq=False)
class Minor(Node):
    """The whole number of minor units of an amount."""

    amount: Node


@dataclass(frozen=True, slots=True, eq=False)
class Listed(Node):
    """A list of the policy (``name``) or a literal list (``values``)."""

    name: str
    values: tuple[Any, ...]


# ---------------------------------------------------------------- conditions


@dataclass(frozen=True, slots=True, eq=False)
class Compare(Node):
    """``left op right``."""

    op: Operator
    left: Node
    right: Node


@dataclass(frozen=True, slots=True, eq=False)
class Member(Node):
    """Whether a value is on a list or among a list field's values."""

    value: Node
    group: Node
    negated: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class AnyIn(Node):
    """Whether any value of a list field is on a list."""

    values: Node
    group: Listed
    negated: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Holds(Node):
    """A flag as a condition."""

    flag: Node
    negated: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Present(Node):
    """Whether a value is there at all. Never unknown."""

    value: Node
    negated: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Labelled(Node):
    """Whether an entity bears a label."""

    entity: Node
    label: str
    negated: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class All(Node):
    """All parts hold (``and``)."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Any_(Node):
    """At least one part holds (``or``)."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Not(Node):
    """The part does not hold. Gone after normalisation."""

    part: Node


CONDITIONS = (Compare, Member, AnyIn, Holds, Present, Labelled, All, Any_, Not)
"""The nodes that are conditions by themselves; other yes-or-no values stand inside :class:`Holds`."""


def children(node: Node) -> tuple[Node, ...]:
    """The direct parts of a node, in the order of the source."""
    match node:
        case Arithmetic() | Compare():
            return (node.left, node.right)
        case Choice() | All() | Any_():
            return node.parts
        case Call():
            return node.arguments
        case Part():
            return (node.signal,)
        case Clock():
            return (node.moment,)
        case Size():
            return (node.list,)
        case Minor():
            return (node.amount,)
        case Member():
            return (node.value, node.group)
        case AnyIn():
            return (node.values, node.group)
        case Holds():
            return (node.flag,)
        case Present():
            return (node.value,)
        case Labelled():
            return (node.entity,)
        case Not():
            return (node.part,)
        case Reading():
            return () if node.currency is None else (node.currency,)
        case _:
            return ()


def walk(node: Node) -> Iterator[Node]:
    """The node and everything under it; the keys of features are not entered."""
    stack = [node]
    while stack:
        node = stack.pop()
        yield node
        stack.extend(reversed(children(node)))
