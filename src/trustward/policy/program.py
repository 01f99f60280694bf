"""One generated code object for each event type.

The text of the code is written here from typed nodes and compiled; no text of a user becomes code, and the code runs
without builtins.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from types import CodeType
from typing import Any, Protocol

from trustward.model.decision import Action
from trustward.policy.cells import INDENT, ColumnWriter
from trustward.policy.emit import Emitter, cost, currency_of
from trustward.policy.masks import Masks, ScoreColumn, TextScreen, field_bound, rest, score_columns, text_screens
from trustward.policy.nodes import (
    All,
    Attribute,
    Holds,
    Labelled,
    Node,
    Present,
    Some,
    operands,
    walk,
)
from trustward.policy.rules import Rule, Target, TypedRule


class StateLike(Protocol):
    """What conditions read of the engine's state: labels by (kind, id, label) and lists by name, with expiries."""

    labels: dict[tuple[str, str, str], int]
    lists: dict[str, dict[str, int]]


class Generated:
    """The functions of one event type, compiled."""

    def __init__(self, writer: Writer, label: str) -> None:
        self.source = writer.write()
        self.width = writer.width
        self.lists = [node.type.base == "list" for _, node in writer.column_nodes.texts.values()]
        code: CodeType = compile(self.source, f"<policy {label}>", "exec", dont_inherit=True, optimize=2)
        space = dict(writer.names.values)
        exec(code, space)  # noqa: S102 - the text was written above, from typed nodes; builtins are empty
        self.columns: Callable[..., Any] = space["columns"]
        self.rows = _by_number(space, "rows")
        """For text columns that do not matter for all events: the positions where they do, by events and flags."""
        self.column_parts = tuple(
            [column for _, column in sorted(_by_number(space, stem).items())] for stem in ("text", "number", "flag")
        )
        self.hits: Callable[..., list[int]] = space["hits"]
        self.match: Callable[..., tuple[int, ...]] = space["match"]
        self.values: dict[int, Callable[..., dict[str, Any]]] = _by_number(space, "values")
        self.reasons: dict[int, Callable[..., str]] = _by_number(space, "reason")
        self.actions: dict[int, Callable[..., list[Action]]] = _by_number(space, "actions")
        self.label_entities: Callable[..., list[tuple[str, str]]] = space["label_entities"]
        self.entities: Callable[..., list[tuple[str, str]]] = space["entities"]


def _by_number(space: Mapping[str, Any], stem: str) -> dict[int, Callable[..., Any]]:
    return {
        int(name.removeprefix(stem)): made
        for name, made in space.items()
        if name.startswith(stem) and name[len(stem) :].isdigit()
    }


class Writer(ColumnWriter):
    """Writes the module of one event type."""

    def write(self) -> str:
        """The text of the module."""
        self._columns()
        self._match()
        self._hits()
        for rule, typed in self.rules:
            self._values(rule, typed)
            self._reason(rule, typed)
            self._actions(rule, typed)
        self._label_entities()
        self._entities()
        return "\n".join(self.lines) + "\n"

    # ------------------------------------------------------------------ one event

    def _match(self) -> None:
        rules = self.rules
        emitter = Emitter(self.names, self.slots, [typed.when for _, typed in rules])
        tests = [(rule.number, emitter.condition(typed.when)) for rule, typed in rules]
        self._line(0, "def match(e, t, F, s):")
        self._prologue(emitter, 1)
        for feature in sorted(emitter.features):
            self._line(1, f"f{feature} = F[{feature}]")
        self._reset(emitter, 1)
        self._line(1, "out = []")
        for number, test in tests:
            self._line(1, f"if {test}: out.append({number})")
        self._line(1, "return out")

    def _prologue(self, emitter: Emitter, depth: int) -> None:
        if emitter.labels:
            self._line(depth, "L = s.labels")
        for (kind, label), local in emitter.bearers.items():
            self._line(depth, f"{local} = Bearers(s, {kind!r}, {self.names.bind(('text', label), label)})")
        for name, local in emitter.lists.items():
            self._line(depth, f"{local} = s.lists[{self.names.bind(('text', name), name)}]")

    # ------------------------------------------------------------------ many events

    def _hits(self) -> None:
        """``hits(E, T, F, s)``: position * width + rule number of every hit, in no order."""
        self._line(0, "def hits(E, T, F, s):")
        start = len(self.lines)
        self._line(1, "out = []")
        self._line(1, "add = out.append")
        masks = Masks(self.slots)
        masks.screens = text_screens(typed.when for _, typed in self.rules if masks.mask(typed.when) is None)
        masks.scores = score_columns(typed.when for _, typed in self.rules if masks.mask(typed.when) is None)
        groups: dict[str, list[tuple[int, Node | None]]] = {}
        plain: list[tuple[int, TypedRule]] = []
        narrow: dict[bool, list[tuple[int, Node]]] = {}
        wide: list[tuple[int, TypedRule]] = []
        for rule, typed in self.rules:
            found = masks.mask(typed.when)
            if found is None:
                plain.append((rule.number, typed))
            else:
                groups.setdefault(found[0], []).append((rule.number, rest(typed.when, masks)))
        for feature in sorted(masks.features):
            self._line(1, f"a{feature} = AsArray(F[{feature}])")
        used = " ".join(groups)
        for code, name in masks.lines.items():
            if re.search(rf"\b{name}\b", used):
                self._line(1, f"{name} = {code}")
        columns: list[TextScreen | ScoreColumn] = [*masks.screens.values(), *masks.scores.values()]
        for screen in columns:
            for line in self._screen(screen, [typed.when for _, typed in self.rules]):
                self._line(1, line)
        for code, rules in groups.items():
            self._masked_rules(code, rules)
        for number, typed in plain:
            if field_bound(typed.when, self._sharing()) is None:
                wide.append((number, typed))
            else:
                narrow.setdefault(bool(label_bound(typed.when)), []).append((number, typed.when))
        for bounded in narrow.values():
            self._narrow_rules(bounded)
        if wide:
            self._plain_rules(wide)
        prologue: list[str] = []
        self.lines, body = prologue, self.lines
        merged = self._sharing()
        self._prologue(merged, 1)
        self.lines = body[:start] + prologue + body[start:]
        self._line(1, "return out")

    def _masked_rules(self, mask: str, rules: Sequence[tuple[int, Node | None]]) -> None:
        """The rules that share a mask, on the rows where it holds; a rule without a rest holds there."""
        self._line(1, f"q = Rows({mask}).tolist()")
        for number, left in rules:
            if left is None:
                self._line(1, f"for i in q: add(i * {self.width} + {number})")
        self._on_rows(1, [(number, left) for number, left in rules if left is not None])

    def _narrow_rules(self, rules: Sequence[tuple[int, Node]]) -> None:
        """Rules about which fields and labels say enough, on the rows where those hold."""
        emitter = self._sharing()
        bounds = dict.fromkeys(field_bound(when, emitter) for _, when in rules)
        labels = sorted({pair for _, when in rules for pair in label_bound(when) or ()})
        depth = 1
        if labels:
            # With no bearer of any of the labels there is nothing to look for.
            self._line(1, f"if {' or '.join(emitter.bearers[pair] for pair in labels)}:")
            depth = 2
        self._line(depth, f"q = [i for i, e in Enumerate(E) if {' or '.join(code for code in bounds if code)}]")
        self._on_rows(depth, rules)

    def _on_rows(self, depth: int, rules: Sequence[tuple[int, Node]]) -> None:
        """Conditions decided exactly on the rows in ``q``."""
        if not rules:
            return
        emitter = self._sharing([when for _, when in rules])
        tests = [(number, emitter.condition(when)) for number, when in rules]
        features = sorted(emitter.features)
        columns = "".join(f", AsArray(F[{feature}])[q].tolist()" for feature in features)
        target = "".join(f", f{feature}" for feature in features)
        self._line(depth, "if q:")
        self._line(depth + 1, f"for i{target} in Zip(q{columns}):" if features else "for i in q:")
        self._line(depth + 2, "e = E[i]")
        if emitter.time:
            self._line(depth + 2, "t = T[i]")
        self._reset(emitter, depth + 2)
        for number, test in tests:
            self._line(depth + 2, f"if {test}: add(i * {self.width} + {number})")

    def _plain_rules(self, rules: Sequence[tuple[int, TypedRule]]) -> None:
        """Rules that need every event looked at."""
        emitter = self._sharing([typed.when for _, typed in rules])
        ordered = sorted(rules, key=lambda pair: cost(pair[1].when))
        tests = [(number, emitter.condition(typed.when)) for number, typed in ordered]
        features = sorted(emitter.features)
        names = ["e", *(["t"] if emitter.time else []), *(f"f{feature}" for feature in features)]
        columns = ["E", *(["T"] if emitter.time else []), *(f"AsArray(F[{feature}]).tolist()" for feature in features)]
        if len(names) == 1:
            self._line(1, "for i, e in Enumerate(E):")
        else:
            self._line(1, f"for i, ({', '.join(names)}) in Enumerate(Zip({', '.join(columns)})):")
        self._reset(emitter, 2)
        for number, test in tests:
            self._line(2, f"if {test}: add(i * {self.width} + {number})")

    # ------------------------------------------------------------------ what a hit says

    def _values(self, rule: Rule, typed: TypedRule) -> None:
        emitter = Emitter(self.names, self.slots)
        body: list[tuple[int, str]] = []
        self._gather(typed.when, emitter, 1, body)
        self._line(0, f"def values{rule.number}(e, t, F, s):")
        self._prologue(emitter, 1)
        for feature in sorted(emitter.features):
            self._line(1, f"f{feature} = F[{feature}]")
        self._reset(emitter, 1)
        self._line(1, "out = {}")
        for depth, line in body:
            self._line(depth, line)
        self._line(1, "return out")

    def _gather(self, node: Node, emitter: Emitter, depth: int, body: list[tuple[int, str]]) -> None:
        """Lines that put the values which a condition used into ``out``; of an ``or``, only the parts that held."""
        if isinstance(node, All):
            for part in node.parts:
                self._gather(part, emitter, depth, body)
            return
        if isinstance(node, Some):
            for part in node.parts:
                body.append((depth, f"if {emitter.condition(part)}:"))
                at = len(body)
                self._gather(part, emitter, depth + 1, body)
                if len(body) == at:
                    body.append((depth + 1, "pass"))
            return
        for operand in operands(node):
            name = self.names.bind(("text", operand.text), operand.text)
            body.append((depth, f"out[{name}] = {self._machine(operand, emitter)}"))
        if isinstance(node, (Holds, Present, Labelled)) and not (
            isinstance(node, Holds) and isinstance(node.flag, Attribute)
        ):
            text = node.span._replace(negated=False).text
            name = self.names.bind(("text", text), text)
            body.append((depth, f"out[{name}] = {not node.negated}"))

    def _machine(self, node: Node, emitter: Emitter) -> str:
        """The code of a value as a program reads it."""
        value = emitter.optional(node)
        match node.type.base:
            case "duration":
                return f"Seconds({value})"
            case "time":
                return f"ShowTime({value})"
            case "money":
                return f"ShowMoney({value}, {emitter.optional(currency_of(node))})"
            case "whole" | "flag":
                return value
            case _:
                return f"Plain({value})"

    def _reason(self, rule: Rule, typed: TypedRule) -> None:
        emitter = Emitter(self.names, self.slots)
        pieces = [
            self.names.bind(("text", piece), piece) if isinstance(piece, str) else self._human(piece, emitter)
            for piece in typed.reason
        ]
        self._line(0, f"def reason{rule.number}(e, t, F):")
        for feature in sorted(emitter.features):
            self._line(1, f"f{feature} = F[{feature}]")
        self._reset(emitter, 1)
        self._line(1, f"return {' + '.join(pieces) or repr('')}")

    def _human(self, node: Node, emitter: Emitter) -> str:
        value = emitter.optional(node)
        match node.type.base:
            case "duration":
                return f"ShowDuration({value})"
            case "time":
                return f"ShowTime({value})"
            case "money":
                return f"ShowMoney({value}, {emitter.optional(currency_of(node))})"
            case "number" | "whole":
                return f"ShowNumber({value})"
            case "flag":
                return f"ShowFlag({value})"
            case "list":
                return f"ShowList({value})"
            case _:
                return f"ShowText({value})"

    def _actions(self, rule: Rule, typed: TypedRule) -> None:
        emitter = Emitter(self.names, self.slots)
        body: list[str] = []
        for action in typed.actions:
            body += self._action(rule, action, emitter)
        self._line(0, f"def actions{rule.number}(e, t, F):")
        for feature in sorted(emitter.features):
            self._line(1, f"f{feature} = F[{feature}]")
        self._reset(emitter, 1)
        self._line(1, "out = []")
        self.lines.extend(INDENT + line for line in body)
        self._line(1, "return out")

    def _action(self, rule: Rule, action: Target, emitter: Emitter) -> list[str]:
        bind = self.names.bind
        fixed = ", ".join(
            [
                f"do={bind(('text', action.do), action.do)}",
                f"rule={bind(('text', rule.id), rule.id)}",
                f"note={bind(('text', action.note), action.note)}",
                f"lasts_us={action.lasts_us!r}",
            ]
        )
        if action.entity is None:
            return [f"out.append(Action(kind='event', entity=e.id, {fixed}))"]
        kind = bind(("text", action.entity.type.kind), action.entity.type.kind)
        value = emitter.optional(action.entity)
        if action.entity.type.base == "list":
            return [
                f"for x in Dict.fromkeys({value} or ()):",
                f"{INDENT}if x: out.append(Action(kind={kind}, entity=x, {fixed}))",
            ]
        return [f"x = {value}", f"if x: out.append(Action(kind={kind}, entity=x, {fixed}))"]

    # ------------------------------------------------------------------ entities

    def _label_entities(self) -> None:
        nodes = {part.entity.key: part.entity for _, typed in self.rules for part in _labelled_parts(typed.when)}
        emitter = Emitter(self.names, self.slots)
        cells = [
            f"({self.names.bind(('text', node.type.kind), node.type.kind)}, {emitter.optional(node)})"
            for _, node in sorted(nodes.items())
        ]
        self._line(0, "def label_entities(e):")
        self._reset(emitter, 1)
        self._line(1, f"return [pair for pair in ({', '.join(cells)}{',' if cells else ''}) if pair[1]]")

    def _entities(self) -> None:
        """Every entity that the event names."""
        self._line(0, "def entities(e):")
        self._line(1, "out = []")
        for name, kind, is_list in self.entity_fields:
            if is_list:
                self._line(1, f"for x in e.{name} or ():")
                self._line(2, f"if x: out.append(({kind!r}, x))")
            else:
                self._line(1, f"if e.{name}: out.append(({kind!r}, e.{name}))")
        self._line(1, "return out")


def label_bound(node: Node) -> set[tuple[str, str]] | None:
    """Labels (kind, name) of which somebody must bear one for a condition to hold; None if nothing can be said."""
    if isinstance(node, Labelled) and not node.negated:
        return {(node.entity.type.kind, node.label)}
    if isinstance(node, All):
        return next((found for found in map(label_bound, node.parts) if found), None)
    if isinstance(node, Some):
        found = [label_bound(part) for part in node.parts]
        return None if None in found else {pair for pairs in found if pairs for pair in pairs}
    return None


def _labelled_parts(node: Node) -> list[Labelled]:
    return [part for part in walk(node) if isinstance(part, Labelled)]
