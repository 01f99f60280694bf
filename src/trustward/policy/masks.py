"""Conditions over many events at once: what features and texts say about a rule, as array expressions.

For a condition *C* the mask *V* is an array expression with *C* implies *V*: a comparison of a feature with a constant
is its own mask, a test of a text is implied by what one screen over all texts of the field says, and what needs the
event itself counts as holding. The rule is then decided exactly only on the rows where its mask holds.

Where neither says anything, what a condition asks of plain fields and labels (:func:`field_bound`) is looked at first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from trustward.base.units import MISSING
from trustward.policy.emit import Emitter, cost, whole_bound
from trustward.policy.nodes import (
    All,
    Attribute,
    Call,
    Compare,
    Const,
    Holds,
    Labelled,
    Listed,
    Member,
    Node,
    Operator,
    Part,
    Present,
    Reading,
    Size,
    Some,
    oriented,
    walk,
)
from trustward.policy.streams import Slots
from trustward.screening.screen import Screen, contains_piece, fits, pattern_piece, words_piece

_MISSING = repr(MISSING)
SCREEN_COST = 0.25
"""Microseconds that looking one by one must cost for a screen over all texts to pay."""

_CHEAP = 0.08
"""Microseconds that a test of plain fields may cost to be asked of every event."""


@dataclass(slots=True)
class TextScreen:
    """The screen over one text field: what its tests look for, and what looking one by one would cost."""

    name: str
    field: Attribute
    pieces: dict[str, None]
    cost: float = 0.0

    @property
    def key(self) -> tuple[str, ...]:
        """What tells equal ones."""
        return ("screen", *self.pieces)

    def asked_by(self, part: Node) -> bool:
        """Whether a part of a condition is a test that the screen answers."""
        return isinstance(part, Call) and part.arguments[0].key == self.field.key and text_piece(part) in self.pieces

    def over_all(self) -> Callable[[Sequence[str]], Any]:
        """What looks at the texts of all events."""
        return Screen(self.pieces)

    def among(self) -> Callable[[Sequence[int], Sequence[str], int], Any]:
        """What looks at the texts of some rows of all."""
        return Screen(self.pieces).among


class _Remembered:
    """Scores of many texts; those of the call before are kept: conditions on one batch ask for the same ones."""

    def __init__(self, scores: Callable[[Sequence[str]], Any]) -> None:
        self._scores = scores
        self._before: dict[str, float] = {}

    def __call__(self, texts: Sequence[str]) -> Any:
        before = self._before
        asked = dict.fromkeys(texts, 0.0)
        fresh = [text for text in asked if text not in before]
        if fresh:
            asked.update(zip(fresh, self._scores(fresh).tolist(), strict=True))
        if len(fresh) < len(asked):
            asked.update((text, before[text]) for text in asked.keys() & before.keys())
        if fresh:
            self._before = asked
        return np.fromiter(map(asked.__getitem__, texts), np.float64, len(texts))


@dataclass(slots=True)
class ScoreColumn:
    """The scores of a signal of one text field, for all events at once."""

    name: str
    field: Attribute
    call: Call

    @property
    def key(self) -> tuple[str, ...]:
        """What tells equal ones."""
        return ("scores", self.call.key)

    def asked_by(self, part: Node) -> bool:
        """Whether a part of a condition is read from the column."""
        scored = bounded_score(part)
        return scored is not None and scored.key == self.call.key

    def over_all(self) -> Callable[[Sequence[str]], Any]:
        """What scores the texts of all events."""
        assert self.call.function.scores is not None
        return _Remembered(self.call.function.scores)

    def among(self) -> Callable[[Sequence[int], Sequence[str], int], Any]:
        """What scores the texts of some rows of all; the others get 0."""
        scores = self.over_all()

        def scatter(rows: Sequence[int], texts: Sequence[str], count: int) -> Any:
            column = np.zeros(count)
            column[rows] = scores(texts)
            return column

        return scatter


def bounded_score(part: Node) -> Call | None:
    """The call behind ``signal(field).score >= bound`` with a bound above 0, where many can be scored at once."""
    if not isinstance(part, Compare):
        return None
    left, op, right = oriented(part)
    if not isinstance(left, Part) or left.name != "score" or op not in (">", ">=") or not isinstance(right, Const):
        return None
    call = left.signal
    if not isinstance(call, Call) or call.function.scores is None or not isinstance(call.arguments[0], Attribute):
        return None
    return call if isinstance(right.value, (int, float)) and right.value > 0 else None


def score_columns(conditions: Iterable[Node]) -> dict[str, ScoreColumn]:
    """The signals worth scoring for all events, for conditions that features say nothing about."""
    found: dict[str, ScoreColumn] = {}
    for condition in conditions:
        for part in walk(condition):
            call = bounded_score(part)
            if call is not None:
                field = call.arguments[0]
                assert isinstance(field, Attribute)
                found.setdefault(call.key, ScoreColumn(f"y{len(found)}", field, call))
    return found


def text_screens(conditions: Iterable[Node]) -> dict[str, TextScreen]:
    """The fields worth screening at once, for conditions in negation normal form that features say nothing about."""
    found: dict[str, TextScreen] = {}
    for condition in conditions:
        parts = condition.parts if isinstance(condition, All) else (condition,)
        for part in walk(condition):
            if not isinstance(part, Holds) or part.negated or not isinstance(part.flag, Call):
                continue
            piece, field = text_piece(part.flag), part.flag.arguments[0]
            if piece is None or not isinstance(field, Attribute):
                continue
            screen = found.setdefault(field.key, TextScreen(f"x{len(found)}", field, {}))
            if fits([*screen.pieces, piece]):
                screen.pieces[piece] = None
                # Where cheaper tests stand beside it, it is not always reached.
                screen.cost += cost(part) * 0.4 ** sum(cost(other) < cost(part) for other in parts)
    return {key: screen for key, screen in found.items() if screen.cost > SCREEN_COST and screen.pieces}


def asks(condition: Node, screen: TextScreen | ScoreColumn) -> bool:
    """Whether a condition has a test that the screen or column answers."""
    return any(screen.asked_by(part) for part in walk(condition))


def field_bound(node: Node, emitter: Emitter, *, labels: bool = True) -> str | None:
    """A cheap test of an event's plain fields and labels that holds wherever a condition does; None if there is none.

    Whether a label has expired is left to the condition. Not ``labels``: of plain fields alone.
    """
    match node:
        case All():
            found = [field_bound(part, emitter, labels=labels) for part in sorted(node.parts, key=cost)]
            known = [code for code in found if code is not None]
            return f"({' and '.join(known)})" if known else None
        case Some():
            codes = [field_bound(part, emitter, labels=labels) for part in sorted(node.parts, key=cost)]
            return None if None in codes else f"({' or '.join(code for code in codes if code)})"
        case Labelled(entity=Attribute() as entity, negated=False) if labels:
            return f"{emitter.value(entity)} in {emitter.bearers_of(node)}"
        case Compare() | Holds() | Present() | Member():
            plain = (Compare, Holds, Present, Member, Attribute, Const, Size)
            if cost(node) <= _CHEAP and all(
                isinstance(part, plain) or (isinstance(part, Listed) and not part.name) for part in walk(node)
            ):
                return emitter.condition(node)
            return None
        case _:
            return None


def score_bound(node: Compare) -> str:
    """The operator and bound of a comparison that :func:`bounded_score` accepts."""
    _, op, right = oriented(node)
    assert isinstance(right, Const)
    return f"{op} {right.value!r}"


def text_piece(test: Call) -> str | None:
    """What a screen must look for so that a test of a text can hold; None if nothing can be said."""
    if len(test.arguments) != 1:
        return None
    match test.function.name:
        case "contains":
            return contains_piece(test.literals[0])
        case "matches":
            return pattern_piece(test.literals[0])
        case "starts" | "ends":
            return words_piece(test.literals[0])
        case _:
            return None


class Masks:
    """Array expressions of one event type; each single comparison is computed once and has a name."""

    def __init__(self, slots: Mapping[str, Slots]) -> None:
        self.slots = slots
        self.screens: dict[str, TextScreen] = {}
        self.scores: dict[str, ScoreColumn] = {}
        self.features: set[int] = set()
        self.lines: dict[str, str] = {}

    def mask(self, node: Node) -> tuple[str, bool] | None:
        """The mask of a condition in negation normal form and whether it is the condition exactly; None: no bound."""
        match node:
            case All():
                found = [self.mask(part) for part in node.parts]
                known = [part for part in found if part is not None]
                if not known:
                    return None
                code = " & ".join(dict.fromkeys(part[0] for part in known))
                exact = len(known) == len(found) and all(part[1] for part in known)
                return (f"({code})" if len(known) > 1 else code), exact
            case Some():
                parts: list[tuple[str, bool]] = []
                for part in node.parts:
                    masked = self.mask(part)
                    if masked is None:
                        return None
                    parts.append(masked)
                return f"({' | '.join(dict.fromkeys(part[0] for part in parts))})", all(part[1] for part in parts)
            case Compare() if (scored := bounded_score(node)) is not None:
                column = self.scores.get(scored.key)
                return None if column is None else (f"({column.name} {score_bound(node)})", False)
            case Compare() | Present():
                one = self._compare(node) if isinstance(node, Compare) else self._present(node)
                return None if one is None else (self._named(one), True)
            case Holds(flag=Call() as test, negated=False) if test.arguments[0].key in self.screens:
                screen = self.screens[test.arguments[0].key]
                return (screen.name, False) if text_piece(test) in screen.pieces else None
            case _:
                return None

    def _named(self, code: str) -> str:
        return self.lines.setdefault(code, f"v{len(self.lines)}")

    def _column(self, node: Reading) -> str:
        kind, at = self.slots[node.id]
        assert kind != "mean_difference"
        self.features.update(at)
        return f"a{at[0]}" if kind == "plain" else f"(a{at[0]} - a{at[1]})"

    def _there(self, node: Reading) -> list[str]:
        if node.certain:
            return []
        at = self.slots[node.id].at[0]
        self.features.add(at)
        return [f"(a{at} != {_MISSING})" if node.feature.carried == "whole" else f"(a{at} == a{at})"]

    def _usable(self, node: Node) -> bool:
        return isinstance(node, Reading) and self.slots[node.id].kind != "mean_difference"

    def _compare(self, node: Compare) -> str | None:
        left, op, right = oriented(node)
        if not isinstance(left, Reading) or not self._usable(left):
            return None
        if isinstance(right, Const) and isinstance(right.value, (int, float)):
            return self._against(left, op, right.value)
        if isinstance(right, Reading) and self._usable(right) and left.feature.carried == right.feature.carried:
            parts = [*self._there(left), *self._there(right), f"({self._column(left)} {op} {self._column(right)})"]
            return f"({' & '.join(parts)})" if len(parts) > 1 else parts[0]
        return None

    def _against(self, left: Reading, op: Operator, bound: float) -> str:
        if left.feature.carried == "whole":
            op, bound = whole_bound(op, bound)
            safe = op in (">", ">=", "==") and self.slots[left.id].kind == "plain"
        else:
            safe = op != "!="
        test = f"({self._column(left)} {op} {bound!r})"
        parts = [test] if safe else [*self._there(left), test]
        return f"({' & '.join(parts)})" if len(parts) > 1 else test

    def _present(self, node: Present) -> str | None:
        if not isinstance(node.value, Reading) or not self._usable(node.value):
            return None
        there = self._there(node.value)
        if not there:
            return None
        return f"(~{there[0]})" if node.negated else there[0]


def rest(node: Node, masks: Masks) -> Node | None:
    """What of a condition is still to be decided on the rows where its mask holds; None if nothing is."""
    found = masks.mask(node)
    if found is not None and found[1]:
        return None
    if not isinstance(node, All):
        return node
    open_parts: list[Node] = []
    for part in node.parts:
        one = masks.mask(part)
        if one is None or not one[1]:
            open_parts.append(part)
    if len(open_parts) == 1:
        return open_parts[0]
    return replace(node, parts=tuple(open_parts), key=f"({' and '.join(part.key for part in open_parts)})")
