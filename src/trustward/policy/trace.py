"""How a rule came out, part by part, with what was missing and what could not be read.

Outcomes form a chain: does not hold < a value is missing < could not be evaluated < holds. An ``and`` is the lowest of
its parts, an ``or`` the highest. That is exactly three-valued logic in negation normal form, with a fourth value for
what might have come out either way: a rule is a fault only if its outcome depends on it.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from trustward.base.units import MISSING, parse_time
from trustward.model.event import type_of
from trustward.policy.emit import currency_of
from trustward.policy.nodes import (
    All,
    Amounts,
    AnyIn,
    Arithmetic,
    Attribute,
    Call,
    Choice,
    Clock,
    Compare,
    Const,
    EventId,
    Holds,
    Labelled,
    Listed,
    Member,
    Minor,
    Node,
    Now,
    Operator,
    Part,
    Present,
    Reading,
    Size,
    Some,
    operands,
    walk,
)
from trustward.policy.runtime import any_listed, clock, microseconds, plain, seconds, show_money, show_time
from trustward.policy.streams import Slots

if TYPE_CHECKING:
    from trustward.model.event import Event
    from trustward.policy.program import StateLike

Outcome = Literal[True, False, "fault"] | None
_TESTS: dict[Operator, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
_RANK: dict[Outcome, int] = {False: 0, None: 1, "fault": 2, True: 3}


class Trace(NamedTuple):
    """One part of a condition: its source text, how it came out, the values it looked at, and its own parts.

    ``outcome``: True, False, None (a value is missing) or ``"fault"`` (``cause`` says why).
    """

    text: str
    outcome: Outcome
    values: dict[str, Any]
    parts: tuple[Trace, ...] = ()
    cause: str = ""


class UnreadableError(Exception):
    """A value could not be had: a faulty field, or a function that failed."""


class _MissingError(Exception):
    """A value is not there."""


class Evaluator:
    """Evaluates nodes on one event."""

    def __init__(
        self,
        event: Event,
        time: int,
        features: Sequence[Any],
        state: StateLike | None,
        faulty: frozenset[str],
        slots: Mapping[str, Slots],
    ) -> None:
        self.event = event
        self.time = time
        self.features = features
        self.state = state
        self.faulty = faulty
        self.slots = slots
        self._readers: dict[type[Node], Callable[[Any], Any]] = {
            Const: lambda node: node.value,
            Attribute: self._attribute,
            Now: lambda _: self.time,
            EventId: lambda _: self.event.id,
            Reading: self._reading,
            Arithmetic: self._arithmetic,
            Choice: self._choice,
            Call: self._call,
            Part: lambda node: getattr(self.value(node.signal), node.name),
            Clock: lambda node: clock(node.unit, node.zone)(self.value(node.moment)),
            Size: lambda node: len(self.value(node.list)),
            Minor: lambda node: self.value(node.amount),
        }

    def value(self, node: Node) -> Any:
        """The value of a node. Raises _MissingError or UnreadableError."""
        return self._readers[type(node)](node)

    def _choice(self, node: Choice) -> Any:
        parts = [self.value(part) for part in node.parts]
        return abs(parts[0]) if node.op == "abs" else min(*parts) if node.op == "min" else max(*parts)

    def _attribute(self, node: Attribute) -> Any:
        if node.name in self.faulty:
            raise UnreadableError(f"{node.key} could not be read")
        value = getattr(self.event, node.name)
        if value is None:
            raise _MissingError(node.key)
        if node.type.base == "time":
            try:
                return parse_time(value, far=True)
            except (ValueError, OverflowError, TypeError):
                raise UnreadableError(f"{node.key} is not a time") from None
        if node.type.base == "duration":
            return microseconds(value)
        return value

    def _reading(self, node: Reading) -> Any:
        touched = {part.name for key in node.keys for part in walk(key) if isinstance(part, Attribute)}
        for feeds in node.feature.feeds.values():
            for feed in feeds:
                inner = [*feed.key, *([feed.where] if feed.where else []), *([feed.value] if feed.value else [])]
                touched.update(part.name for root in inner for part in walk(root) if isinstance(part, Attribute))
        bad = sorted(touched & self.faulty)
        if bad:
            raise UnreadableError(f"event.{bad[0]} could not be read, and {node.text} depends on it")
        for feed in node.feature.feeds.get(type_of(self.event), ()):
            # A function that failed while the feature was fed has left this event out of it.
            for root in [*feed.key, *([feed.value] if feed.value else [])]:
                self._probe(root)
            if feed.where is not None:
                inside = _trace(feed.where, self)
                if inside.outcome == "fault":
                    raise UnreadableError(inside.cause)
        kind, at = self.slots[node.id]
        parts = [self.features[i] for i in at]
        if any((isinstance(part, float) and math.isnan(part)) or part == MISSING for part in parts):
            raise _MissingError(node.key)
        if kind == "plain":
            return parts[0]
        if kind == "difference":
            return parts[0] - parts[1]
        if parts[2] == parts[3]:
            raise _MissingError(node.key)
        return (parts[0] - parts[1]) / (parts[2] - parts[3])

    def _probe(self, root: Node) -> None:
        """Raise UnreadableError if a value cannot be had because something fails."""
        if any(isinstance(part, Call) for part in walk(root)):
            with suppress(_MissingError):
                self.value(root)

    def _arithmetic(self, node: Arithmetic) -> Any:
        left, right = self.value(node.left), self.value(node.right)
        if node.op == "+":
            return left + right
        if node.op == "-":
            return left - right
        if node.op == "*":
            return left * right
        if right == 0:
            raise _MissingError(node.key)
        return left / right

    def _call(self, node: Call) -> Any:
        values = [self.value(argument) for argument in node.arguments]
        try:
            found = node.call(*values)
        except Exception as failure:  # noqa: BLE001 - recorded as a fault of this rule, by kind only: its text may hold personal data.
            raise UnreadableError(f"{node.function.name} failed: {type(failure).__name__}") from None
        if found is None:
            raise _MissingError(node.key)
        return found

    # ------------------------------------------------------------------ single comparisons

    def holds(self, node: Node) -> bool:
        """Whether a single comparison holds. Raises _MissingError or UnreadableError."""
        match node:
            case Const():
                return bool(node.value)
            case Compare():
                return self._compare(node)
            case Member():
                return self._member(node) != node.negated
            case AnyIn():
                return self._any_in(node) != node.negated
            case Holds():
                return bool(self.value(node.flag)) != node.negated
            case Present():
                return self._present(node) != node.negated
            case Labelled():
                key = (node.entity.type.kind, self.value(node.entity), node.label)
                labels = self.state.labels if self.state is not None else {}
                return (labels.get(key, MISSING) > self.time) != node.negated
            case _:
                raise AssertionError(f"not a condition: {type(node).__name__}")

    def _compare(self, node: Compare) -> bool:
        left, right = node.left, node.right
        if isinstance(left, Amounts):
            b = self.value(right)
            a = self._amount(left, right)
        elif isinstance(right, Amounts):
            a = self.value(left)
            b = self._amount(right, left)
        else:
            a, b = self.value(left), self.value(right)
        if any(isinstance(side, float) and math.isnan(side) for side in (a, b)):
            raise _MissingError(node.key)
        return bool(_TESTS[node.op](a, b))

    def _amount(self, table: Amounts, other: Node) -> int:
        code = self.value(currency_of(other))
        if code not in table.amounts:
            raise _MissingError(table.key)
        return table.amounts[code]

    def _listed(self, name: str) -> Mapping[str, int]:
        return self.state.lists[name] if self.state is not None else {}

    def _member(self, node: Member) -> bool:
        value = self.value(node.value)
        if isinstance(value, float) and math.isnan(value):
            raise _MissingError(node.key)
        if isinstance(node.group, Listed) and node.group.name:
            return self._listed(node.group.name).get(value, MISSING) > self.time
        if isinstance(node.group, Listed):
            return value in node.group.values
        return value in self.value(node.group)

    def _any_in(self, node: AnyIn) -> bool:
        values = self.value(node.values)
        if node.group.name:
            return any_listed(values, self._listed(node.group.name), self.time)
        return any(value in node.group.values for value in values)

    def _present(self, node: Present) -> bool:
        try:
            self.value(node.value)
        except _MissingError:
            return False
        return True

    # ------------------------------------------------------------------ for people and programs

    def shown(self, node: Node) -> Any:
        """A value as a decision gives it; None where it is missing or could not be read."""
        try:
            value = self.value(node)
        except (_MissingError, UnreadableError):
            return None
        match node.type.base:
            case "duration":
                return seconds(value)
            case "time":
                return show_time(value)
            case "money":
                try:
                    return show_money(value, self.value(currency_of(node)))
                except (_MissingError, UnreadableError):
                    return show_money(value, None)
            case "signal":
                return value.score
            case _:
                return plain(value)


def trace(
    when: Node,
    event: Event,
    time: int,
    features: Sequence[Any],
    state: StateLike,
    faulty: frozenset[str],
    slots: Mapping[str, Slots],
) -> Trace:
    """How a condition in negation normal form came out on one event."""
    return _trace(when, Evaluator(event, time, features, state, faulty, slots))


def _trace(node: Node, evaluator: Evaluator) -> Trace:
    if isinstance(node, (All, Some)):
        parts = tuple(_trace(part, evaluator) for part in node.parts)
        choose = min if isinstance(node, All) else max
        outcome = choose((part.outcome for part in parts), key=_RANK.__getitem__)
        cause = next((part.cause for part in parts if part.outcome == outcome and part.cause), "")
        return Trace(node.text, outcome, {}, parts, cause)
    cause = ""
    try:
        found: Outcome = evaluator.holds(node)
    except _MissingError:
        found = None
    except UnreadableError as unreadable:
        found, cause = "fault", str(unreadable)
    except (ArithmeticError, TypeError, ValueError, AttributeError, LookupError) as failure:
        found, cause = "fault", f"{type(failure).__name__} in {node.text[:80]}"
    return Trace(node.text, found, {part.text: evaluator.shown(part) for part in operands(node)}, (), cause)
