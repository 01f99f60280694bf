"""One generated code object for each event type.

The text of the code is written here from typed nodes and compiled; no text of a user becomes code, and the code runs
without builtins.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import CodeType
from typing import Any, Protocol

import numpy as np

from trustward.base.units import MISSING
from trustward.model.decision import Action
from trustward.policy.emit import Emitter, Names, cost, currency_of
from trustward.policy.masks import Masks, rest
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
from trustward.policy.streams import Columns, Slots

_INDENT = "    "


class StateLike(Protocol):
    """What conditions read of the engine's state: labels by (kind, id, label) and lists by name, with expiries."""

    labels: dict[tuple[str, str, str], int]
    lists: dict[str, dict[str, int]]


class Generated:
    """The functions of one event type, compiled."""

    def __init__(self, source: str, names: Names, label: str) -> None:
        self.source = source
        code: CodeType = compile(source, f"<policy {label}>", "exec", dont_inherit=True, optimize=2)
        space = dict(names.values)
        exec(code, space)  # noqa: S102 - the text was written above, from typed nodes; builtins are empty
        self.columns: Callable[..., Any] = space["columns"]
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


class Writer:
    """Writes the module of one event type."""

    def __init__(
        self,
        rules: Sequence[tuple[Rule, TypedRule]],
        slots: Mapping[str, Slots],
        columns: Columns,
        entities: Sequence[tuple[str, str, bool]],
        width: int,
    ) -> None:
        self.rules = rules
        self.slots = slots
        self.column_nodes = columns
        self.entity_fields = entities
        self.width = width
        self.names = Names()
        self.names.values.update(
            Rows=np.flatnonzero, AsArray=np.asarray, Action=Action, MissingWhole=MISSING, Dict=dict
        )
        self.lines: list[str] = []
        self._list_names: dict[str, str] = {}

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

    def _line(self, depth: int, text: str) -> None:
        self.lines.append(_INDENT * depth + text)

    # ------------------------------------------------------------------ columns

    def _columns(self) -> None:
        self._line(0, "def columns(E):")
        body: list[str] = []
        texts = [self._text_column(node, body) for _, node in self.column_nodes.texts.values()]
        numbers = [self._number_column(node, carried) for (_, carried), (_, node) in self.column_nodes.numbers.items()]
        flags = [self._flag_column(node) for _, node in self.column_nodes.flags.values()]
        for line in body:
            self._line(1, line)
        self._line(1, f"return [{', '.join(texts)}], [{', '.join(numbers)}], [{', '.join(flags)}]")

    def _row_function(self, node: Node, code: Callable[[Emitter], str]) -> str:
        """An expression of one event, as a function if it needs local names."""
        emitter = Emitter(self.names, {}, [node])
        text = code(emitter)
        if not emitter.locals and not emitter.time:
            return text
        name = f"cell{sum(line.startswith('def cell') for line in self.lines)}"
        # Defined in front of the function that is being written.
        at = next(i for i, line in enumerate(self.lines) if line.startswith("def columns"))
        made = [f"def {name}(e):"]
        if emitter.time:
            made.append(f"{_INDENT}t = Moment(e.time)")
        made += [f"{_INDENT}{local} = U" for local in emitter.locals.values()]
        made.append(f"{_INDENT}return {text}")
        self.lines[at:at] = made
        return f"{name}(e)"

    def _text_column(self, node: Node, body: list[str]) -> str:
        if node.type.base == "list":
            name = f"x{len(body)}"
            body.append(
                f"{name} = [{self._row_function(node, lambda emitter: emitter.optional(node))} or () for e in E]"
            )
            return f"([v for u in {name} for v in u], [Len(u) for u in {name}])"
        if isinstance(node, Attribute) and node.type.base in ("text", "entity"):
            return f"[e.{node.name} for e in E]" if node.required else f"[e.{node.name} or '' for e in E]"
        cell = self._row_function(node, lambda emitter: emitter.optional(node))
        if node.type.base in ("text", "entity"):
            return f"[{cell} or '' for e in E]"
        self.names.values["KeyText"] = key_text
        return f"[KeyText({cell}) for e in E]"

    def _number_column(self, node: Node, carried: str) -> str:
        missing = repr(MISSING) if carried == "whole" else "Nan"
        if isinstance(node, Attribute) and node.type.base in ("whole", "number", "money"):
            if node.required:
                return f"[e.{node.name} for e in E]"
            return f"[{missing} if e.{node.name} is None else e.{node.name} for e in E]"
        self.names.values["WholeCell" if carried == "whole" else "FloatCell"] = (
            whole_cell if carried == "whole" else float_cell
        )
        cell = self._row_function(node, lambda emitter: emitter.optional(node))
        return f"[{'WholeCell' if carried == 'whole' else 'FloatCell'}({cell}) for e in E]"

    def _flag_column(self, node: Node) -> str:
        cell = self._row_function(node, lambda emitter: emitter.condition(node))
        return f"[True if {cell} else False for e in E]"

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
        for name, local in emitter.lists.items():
            self._line(depth, f"{local} = s.lists[{self.names.bind(('text', name), name)}]")

    def _reset(self, emitter: Emitter, depth: int) -> None:
        if emitter.locals:
            self._line(depth, " = ".join([*emitter.locals.values(), "U"]))

    # ------------------------------------------------------------------ many events

    def _hits(self) -> None:
        """``hits(E, T, F, s)``: position * width + rule number of every hit, in no order."""
        self._line(0, "def hits(E, T, F, s):")
        start = len(self.lines)
        self._line(1, "out = []")
        self._line(1, "add = out.append")
        masks = Masks(self.slots)
        masked: list[tuple[int, TypedRule, str]] = []
        plain: list[tuple[int, TypedRule]] = []
        for rule, typed in self.rules:
            found = masks.mask(typed.when)
            if found is None:
                plain.append((rule.number, typed))
            else:
                masked.append((rule.number, typed, found[0]))
        emitters: list[Emitter] = []
        for feature in sorted(masks.features):
            self._line(1, f"a{feature} = AsArray(F[{feature}])")
        for code, name in masks.lines.items():
            self._line(1, f"{name} = {code}")
        for number, typed, code in masked:
            emitters.append(self._masked_rule(number, typed, code, masks))
        if plain:
            emitters.append(self._plain_rules(plain))
        prologue: list[str] = []
        self.lines, body = prologue, self.lines
        merged = Emitter(self.names, self.slots)
        for emitter in emitters:
            merged.labels = merged.labels or emitter.labels
            merged.lists.update(emitter.lists)
        self._prologue(merged, 1)
        self.lines = body[:start] + prologue + body[start:]
        self._line(1, "return out")

    def _masked_rule(self, number: int, typed: TypedRule, mask: str, masks: Masks) -> Emitter:
        left = rest(typed.when, masks)
        emitter = self._sharing_lists()
        self._line(1, f"q = Rows({mask})")
        if left is None:
            self._line(1, f"for i in q.tolist(): add(i * {self.width} + {number})")
            return emitter
        emitter = self._sharing_lists([left])
        test = emitter.condition(left)
        features = sorted(emitter.features)
        columns = "".join(f", AsArray(F[{feature}])[q].tolist()" for feature in features)
        target = "".join(f", f{feature}" for feature in features)
        self._line(1, "if q.size:")
        self._line(2, f"for i{target} in Zip(q.tolist(){columns}):" if features else "for i in q.tolist():")
        self._line(3, "e = E[i]")
        if emitter.time:
            self._line(3, "t = T[i]")
        self._reset(emitter, 3)
        self._line(3, f"if {test}: add(i * {self.width} + {number})")
        return emitter

    def _sharing_lists(self, conditions: Iterable[Node] = ()) -> Emitter:
        emitter = Emitter(self.names, self.slots, conditions)
        emitter.lists = self._list_names  # One name for a list in the whole function.
        return emitter

    def _plain_rules(self, rules: Sequence[tuple[int, TypedRule]]) -> Emitter:
        emitter = self._sharing_lists([typed.when for _, typed in rules])
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
        return emitter

    # ------------------------------------------------------------------ what a hit says

    def _values(self, rule: Rule, typed: TypedRule) -> None:
        emitter = Emitter(self.names, self.slots, stateless=True)
        body: list[tuple[int, str]] = []
        self._gather(typed.when, emitter, 1, body)
        self._line(0, f"def values{rule.number}(e, t, F):")
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
            text = node.text.removeprefix("not ") if node.negated else node.text
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
        self.lines.extend(_INDENT + line for line in body)
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
                f"{_INDENT}out.append(Action(kind={kind}, entity=x, {fixed}))",
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
                self._line(1, f"for x in e.{name} or (): out.append(({kind!r}, x))")
            else:
                self._line(1, f"if e.{name}: out.append(({kind!r}, e.{name}))")
        self._line(1, "return out")


def _labelled_parts(node: Node) -> list[Labelled]:
    return [part for part in walk(node) if isinstance(part, Labelled)]


def key_text(value: Any) -> str:
    """A whole number as a key."""
    return "" if value is None else str(value)


def whole_cell(value: Any) -> int:
    """A whole value in a column. Raises OverflowError if it does not fit: the window cannot hold it."""
    if value is None:
        return MISSING
    if not -(2**62) < value < 2**62:
        raise OverflowError("a value beyond 2**62")
    return int(value)


def float_cell(value: Any) -> float:
    """A float value in a column."""
    return float("nan") if value is None else float(value)
