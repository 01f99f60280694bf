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

    @property
    def below(self) -> tuple[Node, ...]:
        """The parts that the node is made of, in the order of the source; the keys of features are not among them."""
        return ()


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

    @property
    def below(self) -> tuple[Node, ...]:
        """The parts."""
        return () if self.currency is None else (self.currency,)


@dataclass(frozen=True, slots=True, eq=False)
class Arithmetic(Node):
    """``left op right`` with op one of + - * /; a division by zero is missing."""

    op: Literal["+", "-", "*", "/"]
    left: Node
    right: Node

    @property
    def below(self) -> tuple[Node, ...]:
        """The parts."""
        return (self.left, self.right)


@dataclass(frozen=True, slots=True, eq=False)
class Choice(Node):
    """``min`` or ``max`` of several values, or ``abs`` of one."""

    op: Literal["min", "max", "abs"]
    parts: tuple[Node, ...]

    @property
    def below(self) -> tuple[Node, ...]:
        """The parts."""
        return self.parts


@dataclass(frozen=True, slots=True, eq=False)
class Call(Node):
    """A function of the registry: ``call`` takes the values of ``arguments``; literal arguments are bound in it."""

    function: Function
    arguments: tuple[Node, ...]
    literals: tuple[Any, ...]
    call: Callable[..., Any]

    @property
    def below(self) -> tuple[Node, ...]:
        """The parts."""
        return self.arguments


@dataclass(frozen=True, slots=True, eq=False)
class Part(Node):
    """One part of a signal."""

    signal: Node
    name: Literal["score", "verdict", "category", "reasons"]

    @property
    def below(self) -> tuple[Node, ...]:
        """The parts."""
        return (self.signal,)


@dataclass(frozen=True, slots=True, eq=False)
class Clock(Node):
    """The hour (0 to 23) or weekday (1 Monday to 7 Sunday) of a time in a zone."""

    unit: Literal["hour", "weekday"]
    moment: Node
    zone: str

    @property
    def below(self) -> tuple[Node, ...]:
        """The parts."""
        return (self.moment,)


@dataclass(frozen=True, slots=True, eq=False)
class Size(Node):
    """How many values a list field holds."""

    list: Node

    @property
    def below(self) -> tuple[Node, ...]:
        """The parts."""
        return (self.list,)


@dataclass(frozen=True, slots=True, eq=False)
class Minor(Node):
    """The whole number of minor units of an amount."""

    amount: Node

    @property
    def below(self) -> tuple[Node, ...]:
        """The parts."""
        return (self.amount,)


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

    @property
    def below(self) -> tuple[Node, ...]:
        """The parts."""
        return (self.left, self.right)


@dataclass(frozen=True, slots=True, eq=False)
class Member(Node):
    """Whether a value is on a list or among a list field's values."""

    value: Node
    group: Node
    negated: bool = False

    @property
    def below(self) -> tuple[Node, ...]:
        """The parts."""
        return (self.value, self.group)


@dataclass(frozen=True, slots=True, eq=False)
class AnyIn(Node):
    """Whether any value of a list field is on a list."""

    values: Node
    group: Listed
    negated: bool = False

    @property
    def below(self) -> tuple[Node, ...]:
        """The parts."""
        return (self.values, self.group)


@dataclass(frozen=True, slots=True, eq=False)
class Holds(Node):
    """A flag as a condition."""

    flag: Node
    negated: bool = False

    @property
    def below(self) -> tuple[Node, ...]:
        """The parts."""
        return (self.flag,)


@dataclass(frozen=True, slots=True, eq=False)
class Present(Node):
    """Whether a value is there at all. Never unknown."""

    value: Node
    negated: bool = False

    @property
    def below(self) -> tuple[Node, ...]:
        """The parts."""
        return (self.value,)


@dataclass(frozen=True, slots=True, eq=False)
class Labelled(Node):
    """Whether an entity bears a label."""

    entity: Node
    label: str
    negated: bool = False

    @property
    def below(self) -> tuple[Node, ...]:
        """The parts."""
        return (self.entity,)


@dataclass(frozen=True, slots=True, eq=False)
class All(Node):
    """All parts hold (``and``)."""

    parts: tuple[Node, ...]

    @property
    def below(self) -> tuple[Node, ...]:
        """The parts."""
        return self.parts


@dataclass(frozen=True, slots=True, eq=False)
class Some(Node):
    """At least one part holds (``or``)."""

    parts: tuple[Node, ...]

    @property
    def below(self) -> tuple[Node, ...]:
        """The parts."""
        return self.parts


@dataclass(frozen=True, slots=True, eq=False)
class Not(Node):
    """The part does not hold. Gone after normalisation."""

    part: Node

    @property
    def below(self) -> tuple[Node, ...]:
        """The parts."""
        return (self.part,)


CONDITIONS = (Compare, Member, AnyIn, Holds, Present, Labelled, All, Some, Not)
"""The nodes that are conditions by themselves; other yes-or-no values stand inside :class:`Holds`."""


def walk(node: Node) -> Iterator[Node]:
    """The node and everything under it."""
    stack = [node]
    while stack:
        node = stack.pop()
        yield node
        stack.extend(reversed(node.below))


def depth_of(node: Node) -> int:
    """How many levels a tree of nodes has."""
    deepest, stack = 0, [(node, 1)]
    while stack:
        at, depth = stack.pop()
        deepest = max(deepest, depth)
        stack.extend((part, depth + 1) for part in at.below)
    return deepest


def operands(node: Node) -> list[Node]:
    """The values that a single comparison looks at, constants left out."""
    if isinstance(node, Compare):
        return [side for side in (node.left, node.right) if not isinstance(side, (Const, Amounts))]
    if isinstance(node, Member):
        return [] if isinstance(node.value, Const) else [node.value]
    if isinstance(node, AnyIn):
        return [node.values]
    if isinstance(node, Holds) and isinstance(node.flag, Attribute):
        return [node.flag]
    return []


FLIPPED: dict[Operator, Operator] = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
"""The operator with its sides exchanged."""


def oriented(node: Compare) -> tuple[Node, Operator, Node]:
    """The comparison with a constant on its right side."""
    if isinstance(node.left, Const) and not isinstance(node.right, Const):
        return node.right, FLIPPED[node.op], node.left
    return node.left, node.op, node.right
