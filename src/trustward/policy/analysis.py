"""Conditions that can be shown to hold never or always: a rule with one is a mistake.

What is shown is certain; what is not shown may still be so. Each value is followed through the comparisons with
constants that must hold together: numbers as intervals, texts as sets.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
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
_SHOWN = 8
"""The most comparisons that a message names."""
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

    def copy(self) -> _Domain:
        """The same domain, to be narrowed apart."""
        allowed = None if self.allowed is None else set(self.allowed)
        return replace(self, allowed=allowed, denied=set(self.denied))

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
    _Check(faults).part(when, _Facts())


class _Facts:
    """Single comparisons that hold together, kept so that one more is looked at without going through all of them."""

    def __init__(self) -> None:
        self._opposites: dict[str, Node] = {}
        self._subjects: dict[str, tuple[_Domain, list[Node]]] = {}

    def copy(self) -> _Facts:
        """Facts to which more can be added apart."""
        copied = _Facts()
        copied._opposites = dict(self._opposites)
        copied._subjects = dict(self._subjects)
        return copied

    def against(self, node: Node) -> list[Node]:
        """The facts that can never hold together with one more; if there are none, it is added."""
        if isinstance(node, Const):
            return []
        other = self._opposites.get(node.key)
        if other is not None:
            return [other]
        subject = _subject(node)
        if subject is not None:
            domain, alike = self._subjects.get(subject, (None, []))
            narrowed = _natural(_value_of(node)) if domain is None else domain.copy()
            _take(narrowed, node)
            if alike and narrowed.empty:
                return next(([one] for one in alike if _emptied([one, node])), alike)
            self._subjects[subject] = (narrowed, [*alike, node] if len(alike) < _SHOWN else alike)
        self._opposites[opposite(node).key] = node
        return []


class _Check:
    def __init__(self, faults: Faults) -> None:
        self.faults = faults

    def part(self, node: Node, context: _Facts) -> None:
        """Look at a part that must hold together with the single comparisons in ``context``."""
        if isinstance(node, All):
            facts = context.copy()
            for single in (part for part in node.parts if not isinstance(part, (All, Some))):
                self._single(single, facts)
            for part in node.parts:
                if isinstance(part, (All, Some)):
                    self.part(part, facts)
        elif isinstance(node, Some):
            self._always(node)
            for part in node.parts:
                if isinstance(part, (All, Some)):
                    self.part(part, context)
                else:
                    self._single(part, context.copy())
        else:
            self._single(node, context.copy())

    def _single(self, node: Node, context: _Facts) -> None:
        known = always(node)
        if known is not None:
            if known:
                self.faults.add("P055", "this always holds, so that it says nothing", node.span, "take it out")
            else:
                self.faults.add("P054", "this can never hold", node.span, _why(node))
            return
        others = context.against(node)
        if others:
            joined = " and ".join(_short(other) for other in others)
            self.faults.add("P054", f"this can never hold together with {joined}", node.span, "")

    def _always(self, node: Some) -> None:
        """Parts of an ``or`` of which one always holds: the opposites of all can never hold together."""
        facts = _Facts()
        for part in node.parts:
            if isinstance(part, (All, Some)) or always(part) is not None:
                continue
            others = facts.against(opposite(part))
            if others:
                joined = " or ".join(_short(opposite(other)) for other in others)
                message = f"this or {joined} holds whatever the value"
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


def _value_of(node: Node) -> Node:
    """The value that a single comparison with constants is about."""
    return oriented(node)[0] if isinstance(node, Compare) else node.value if isinstance(node, Member) else node


def _take(domain: _Domain, node: Node) -> None:
    """Take in one comparison of the domain's value with constants."""
    if isinstance(node, Compare):
        _, op, bound = oriented(node)
        assert isinstance(bound, Const)
        if not isinstance(bound.value, str):
            domain.limit(op, bound.value)
        elif op == "==":
            domain.only({bound.value})
        else:
            domain.denied.add(bound.value)
    elif isinstance(node, Member) and isinstance(node.group, Listed):
        if node.negated:
            domain.denied.update(node.group.values)
        else:
            domain.only(node.group.values)


def _emptied(singles: list[Node]) -> bool:
    """Whether comparisons of one value with constants leave nothing that it can be."""
    if not singles or any(_subject(node) is None for node in singles):
        return False
    domain = _natural(_value_of(singles[0]))
    for node in singles:
        _take(domain, node)
    return domain.empty


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
