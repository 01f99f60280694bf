"""Conditions that can be shown to hold never or always: a rule with one is a mistake.

What is shown is certain; what is not shown may still be so. Each value is followed through the comparisons with
constants that must hold together: numbers as intervals, texts as sets.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from trustward.policy.carry import integral
from trustward.policy.faults import Faults
from trustward.policy.logic import opposite
from trustward.policy.nodes import (
    All,
    Amounts,
    Attribute,
    Call,
    Choice,
    Clock,
    Compare,
    Const,
    EventId,
    Listed,
    Member,
    Node,
    Now,
    Operator,
    Part,
    Present,
    Reading,
    Size,
    Some,
    oriented,
)

_TESTS: dict[Operator, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
_NOT_NEGATIVE = frozenset({"count", "distinct", "age", "since", "surge", "significance"})


@dataclass(slots=True)
class _Domain:
    """What one value can still be: an interval (ends open or not), or a set of texts or numbers."""

    whole: bool
    low: float = -math.inf
    high: float = math.inf
    low_open: bool = False
    high_open: bool = False
    allowed: set[Any] | None = None
    denied: set[Any] = field(default_factory=set)

    def limit(self, op: Operator, bound: float) -> None:
        """Take in a comparison with a number."""
        if op in ("<", "<="):
            if bound < self.high or (bound == self.high and op == "<"):
                self.high, self.high_open = bound, op == "<"
        elif op in (">", ">="):
            if bound > self.low or (bound == self.low and op == ">"):
                self.low, self.low_open = bound, op == ">"
        elif op == "==":
            self.only({bound})
        else:
            self.denied.add(bound)

    def only(self, values: Iterable[Any]) -> None:
        """Take in that the value is one of these."""
        self.allowed = set(values) if self.allowed is None else self.allowed & set(values)

    def _within(self, value: Any) -> bool:
        if isinstance(value, str):
            return True
        if self.whole and value != int(value):
            return False
        above = value > self.low or (value == self.low and not self.low_open)
        return above and (value < self.high or (value == self.high and not self.high_open))

    @property
    def empty(self) -> bool:
        """Whether nothing is left."""
        if self.allowed is not None:
            return not any(self._within(value) and value not in self.denied for value in self.allowed)
        if not self.whole or math.isinf(self.low) or math.isinf(self.high):
            point = self.low == self.high
            return self.low > self.high or (point and (self.low_open or self.high_open or self.low in self.denied))
        first = math.floor(self.low) + 1 if self.low_open else math.ceil(self.low)
        last = math.ceil(self.high) - 1 if self.high_open else math.floor(self.high)
        if first > last:
            return True
        return last - first < len(self.denied) and all(number in self.denied for number in range(first, last + 1))


def check(faults: Faults, when: Node) -> None:
    """Record the parts of a condition in negation normal form that can never hold or always hold."""
    _Check(faults).part(when, ())


class _Check:
    def __init__(self, faults: Faults) -> None:
        self.faults = faults

    def part(self, node: Node, context: tuple[Node, ...]) -> None:
        """Look at a part that must hold together with the single comparisons in ``context``."""
        if isinstance(node, All):
            atoms = context
            for single in (part for part in node.parts if not isinstance(part, (All, Some))):
                self._single(single, atoms)
                atoms = (*atoms, single)
            for part in node.parts:
                if isinstance(part, (All, Some)):
                    self.part(part, atoms)
        elif isinstance(node, Some):
            self._always(node)
            for part in node.parts:
                self.part(part, context)
        else:
            self._single(node, context)

    def _single(self, node: Node, context: tuple[Node, ...]) -> None:
        known = always(node)
        if known is not None:
            if known:
                self.faults.add("P055", "this always holds, so that it says nothing", node.span, "take it out")
            else:
                self.faults.add("P054", "this can never hold", node.span, _why(node))
            return
        for other in context:
            if _clash(other, node):
                message = f"this can never hold together with {_short(other)}"
                self.faults.add("P054", message, node.span, "")
                return
        alike = [other for other in context if _subject(other) == _subject(node) is not None]
        if len(alike) > 1 and _emptied([*alike, node]):
            joined = " and ".join(_short(other) for other in alike)
            self.faults.add("P054", f"this can never hold together with {joined}", node.span, "")

    def _always(self, node: Some) -> None:
        """Parts of an ``or`` of which one always holds: the opposites of both can never hold together."""
        singles = [part for part in node.parts if not isinstance(part, (All, Some))]
        for at, part in enumerate(singles):
            for other in singles[:at]:
                if _clash(opposite(other), opposite(part)):
                    message = f"this or {_short(other)} holds whatever the value"
                    self.faults.add("P055", message, part.span, "if the value's presence is meant, write present(...)")
                    return


def always(node: Node) -> bool | None:
    """True if a single comparison always holds, False if it never does, None if that cannot be told."""
    match node:
        case Const():
            return bool(node.value)
        case Compare(left=Const() as left, right=Const() as right):
            return bool(_TESTS[node.op](left.value, right.value))
        case Compare():
            return _compare(node)
        case Member(value=Const() as value, group=Listed(name="") as group):
            return (value.value in group.values) != node.negated
        case Present():
            there = _certain(node.value)
            return None if not there else not node.negated
        case _:
            return False if _emptied([node]) else None


def _compare(node: Compare) -> bool | None:
    if node.left.key == node.right.key and not isinstance(node.left, Amounts):
        if node.op in ("<", ">", "!="):
            return False
        return True if _certain(node.left) else None
    if _emptied([node]):
        return False
    value, _, bound = oriented(node)
    if isinstance(bound, Const) and _certain(value) and _emptied([opposite(node)]):
        return True
    return None


def _certain(node: Node) -> bool:
    """Whether a value is always there on a sound event."""
    match node:
        case Attribute():
            return node.required
        case Reading():
            return node.certain
        case Now() | EventId() | Const():
            return True
        case Size() | Clock() | Choice():
            return all(_certain(part) for part in node.below)
        case Call():
            return node.function.name == "length" and all(_certain(part) for part in node.below)
        case _:
            return False


def _subject(node: Node) -> str | None:
    """The value that a single comparison with constants is about, by its canonical text."""
    if isinstance(node, Compare):
        value, _, bound = oriented(node)
        return value.key if isinstance(bound, Const) and not isinstance(value, (Const, Amounts)) else None
    if isinstance(node, Member) and isinstance(node.group, Listed) and not node.group.name:
        return node.value.key
    return None


def _clash(one: Node, other: Node) -> bool:
    """Whether two single comparisons can never hold together."""
    if isinstance(one, Const) or isinstance(other, Const):
        return False
    if opposite(one).key == other.key:
        return True
    subject = _subject(one)
    return subject is not None and subject == _subject(other) and _emptied([one, other])


def _emptied(singles: list[Node]) -> bool:
    """Whether comparisons of one value with constants leave nothing that it can be."""
    domain: _Domain | None = None
    for node in singles:
        if _subject(node) is None:
            return False
        if domain is None:
            value = oriented(node)[0] if isinstance(node, Compare) else node.value if isinstance(node, Member) else node
            domain = _natural(value)
        if isinstance(node, Compare):
            _, op, bound = oriented(node)
            assert isinstance(bound, Const)
            if isinstance(bound.value, str):
                if op == "==":
                    domain.only({bound.value})
                else:
                    domain.denied.add(bound.value)
            else:
                domain.limit(op, bound.value)
        elif isinstance(node, Member) and isinstance(node.group, Listed):
            if node.negated:
                domain.denied.update(node.group.values)
            else:
                domain.only(node.group.values)
    return domain is not None and domain.empty


def _natural(value: Node) -> _Domain:
    """What a value can be at all."""
    domain = _Domain(whole=value.type.base in ("whole", "number", "money", "duration", "time") and integral(value))
    match value:
        case Reading() if value.feature.aggregate in _NOT_NEGATIVE:
            domain.low = 0
        case Size():
            domain.low = 0
        case Choice(op="abs"):
            domain.low = 0
        case Call() if value.function.name == "length":
            domain.low = 0
        case Clock():
            domain.low, domain.high = (0, 23) if value.unit == "hour" else (1, 7)
        case Part(name="score"):
            domain.low, domain.high = 0, 1
        case _:
            pass
    return domain


def _why(node: Node) -> str:
    if isinstance(node, Compare):
        value, _, bound = oriented(node)
        if isinstance(bound, Const) and not isinstance(value, Const):
            domain = _natural(value)
            if not math.isinf(domain.low) and not math.isinf(domain.high):
                return f"it lies from {domain.low:g} to {domain.high:g}"
            if not math.isinf(domain.low):
                return f"it is never below {domain.low:g}"
    return ""


def _short(node: Node) -> str:
    text = node.text
    return text if len(text) <= 60 else text[:57] + "..."
