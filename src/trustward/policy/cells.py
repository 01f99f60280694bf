"""The columns of one event type as code: what its events carry into the windows.

A costly key (a fingerprint of a text, the contact points in it) is made for many events only where it matters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from trustward.base.units import MISSING
from trustward.model.decision import Action
from trustward.policy.columns import float_cell, key_text, whole_cell
from trustward.policy.emit import Emitter, Names, cost
from trustward.policy.masks import Masks, ScoreColumn, TextScreen, asks, field_bound, score_columns, text_screens
from trustward.policy.nodes import Attribute, Node, Reading, walk
from trustward.policy.rules import Rule, TypedRule
from trustward.policy.streams import Columns, Need, Slots

INDENT = "    "
_COSTLY = 1.0
"""Microseconds from which a text column is made only for the events for which it matters."""
FEW = 16
"""Below this many events, looking at them one by one is quicker than screens and arrays over all."""


class ColumnWriter:
    """Writes the columns of one event type."""

    def __init__(
        self,
        rules: Sequence[tuple[Rule, TypedRule]],
        slots: Mapping[str, Slots],
        columns: Columns,
        entities: Sequence[tuple[str, str, bool]],
        width: int,
        needs: Mapping[int, Need] | None = None,
        exported: Iterable[str] = (),
    ) -> None:
        self.rules = rules
        self.slots = slots
        self.column_nodes = columns
        self.needs = needs or {}
        self.exported = frozenset(exported)
        self.entity_fields = entities
        self.width = max(width, 1)
        self.names = Names()
        self.names.values.update(
            Rows=np.flatnonzero, AsArray=np.asarray, Action=Action, MissingWhole=MISSING, Dict=dict
        )
        self.lines: list[str] = []
        self._list_names: dict[str, str] = {}
        self._bearer_names: dict[tuple[str, str], str] = {}
        self._cells = 0

    def _line(self, depth: int, text: str) -> None:
        self.lines.append(INDENT * depth + text)

    def _reset(self, emitter: Emitter, depth: int) -> None:
        if emitter.locals:
            self._line(depth, " = ".join([*emitter.locals.values(), "U"]))

    def _sharing(self, conditions: Iterable[Node] = ()) -> Emitter:
        emitter = Emitter(self.names, self.slots, conditions, many=True)
        # One name for a list or label in the whole function.
        emitter.lists = self._list_names
        emitter.bearers = self._bearer_names
        return emitter

    def _columns(self) -> None:
        """One function for each column, so that one that fails can be read with care by itself."""
        columns = self.column_nodes
        gated: dict[int, str] = {}
        for number, (_, node) in enumerate(columns.texts.values()):
            self._column(f"text{number}", self._text_column(node))
            rows = self._rows(number, node)
            if rows:
                gated[number] = f"some{number}(E, rows{number}(E, G, W))"
                self._line(0, f"def rows{number}(E, G, W):")
                self._line(1, f"return [i for i, e in Enumerate(E) if {rows} or i in W]")
                self._column(f"some{number}", self._some_texts(node), "E, q")
        for number, ((_, carried), (_, node)) in enumerate(columns.numbers.items()):
            self._column(f"number{number}", [f"return {self._number_column(node, carried)}"])
        for number, (_, node) in enumerate(columns.flags.values()):
            self._column(f"flag{number}", self._flag_column(node))
        stems = (("text", len(columns.texts)), ("number", len(columns.numbers)), ("flag", len(columns.flags)))
        texts, numbers, flags = (
            f"[{', '.join(f'{stem}{number}(E)' for number in range(count))}]" for stem, count in stems
        )
        self._line(0, "def columns(E, W):")
        if gated:
            # Flags first: they say for which events the texts are needed.
            some = ", ".join(gated.get(number, f"text{number}(E)") for number in range(len(columns.texts)))
            self._line(1, f"if Len(E) >= {FEW}:")
            self._line(2, f"G = {flags}")
            self._line(2, f"return [{some}], {numbers}, G")
        self._line(1, f"return {texts}, {numbers}, {flags}")

    def _rows(self, number: int, node: Node) -> str:
        """A cheap test of the events for which a costly text column matters; empty if it may matter for all.

        It matters where it is fed, and where a condition that looks at what is read under it can hold.
        """
        need = self.needs.get(number)
        if need is None or need.always or cost(node) < _COSTLY or not need.readings.isdisjoint(self.exported):
            return ""
        codes = dict.fromkeys(f"G[{flag}][i]" for flag in sorted(need.flags))
        for _, typed in self.rules:
            nodes = [typed.when, *(piece for piece in typed.reason if isinstance(piece, Node))]
            nodes += [target.entity for target in typed.actions if target.entity is not None]
            if need.readings.isdisjoint(part.id for one in nodes for part in walk(one) if isinstance(part, Reading)):
                continue
            emitter = Emitter(self.names, {})
            bound = field_bound(typed.when, emitter, labels=False)
            if bound is None or emitter.locals or emitter.lists or emitter.time:
                return ""
            codes[bound] = None
        return " or ".join(codes)

    def _some_texts(self, node: Node) -> list[str]:
        """The lines of a text column that is filled on the rows ``q`` only."""
        cell, absent = self._text_cell(node)
        lines = [f"x = [{absent}] * Len(E)", "for i in q:", f"{INDENT}e = E[i]", f"{INDENT}x[i] = {cell}"]
        if node.type.base == "list":
            return [*lines, "return [v for u in x for v in u], [Len(u) for u in x]"]
        return [*lines, "return x"]

    def _column(self, name: str, body: Sequence[str], given: str = "E") -> None:
        self._line(0, f"def {name}({given}):")
        for line in body:
            self._line(1, line)

    def _row_function(self, node: Node, code: Callable[[Emitter], str]) -> str:
        """An expression of one event, as a function if it needs local names."""
        emitter = Emitter(self.names, {}, [node])
        text = code(emitter)
        if not emitter.locals and not emitter.time:
            return text
        name = f"cell{self._cells}"
        self._cells += 1
        self._line(0, f"def {name}(e):")
        if emitter.time:
            self._line(1, "t = Moment(e.time)")
        self._reset(emitter, 1)
        self._line(1, f"return {text}")
        return f"{name}(e)"

    def _text_column(self, node: Node) -> list[str]:
        cell, _ = self._text_cell(node)
        if node.type.base == "list":
            return [f"x = [{cell} for e in E]", "return [v for u in x for v in u], [Len(u) for u in x]"]
        return [f"return [{cell} for e in E]"]

    def _text_cell(self, node: Node) -> tuple[str, str]:
        """The expression of a text or texts of one event, and what stands where there is none."""
        plain = node if isinstance(node, Attribute) and node.type.base in ("text", "entity", "list") else None
        cell = f"e.{plain.name}" if plain else self._row_function(node, lambda emitter: emitter.optional(node))
        if node.type.base == "list":
            return f"{cell} or ()", "()"
        if node.type.base in ("text", "entity"):
            return cell if plain and plain.required else f"{cell} or ''", "''"
        self.names.values["KeyText"] = key_text
        return f"KeyText({cell})", "''"

    def _number_column(self, node: Node, carried: str) -> str:
        if isinstance(node, Attribute) and node.type.base in ("whole", "number", "money"):
            # Also where the field is required: on a faulty event it can be missing all the same.
            absent = repr(MISSING) if carried == "whole" else "Nan"
            return f"[{absent} if e.{node.name} is None else e.{node.name} for e in E]"
        make = "WholeCell" if carried == "whole" else "FloatCell"
        self.names.values[make] = whole_cell if carried == "whole" else float_cell
        cell = self._row_function(node, lambda emitter: emitter.optional(node))
        return f"[{make}({cell}) for e in E]"

    def _flag_column(self, node: Node) -> list[str]:
        cell = self._row_function(node, lambda emitter: emitter.condition(node))
        every = f"return [True if {cell} else False for e in E]"
        masks = Masks({})
        masks.screens, masks.scores = text_screens([node]), score_columns([node])
        found = masks.mask(node)
        if found is None:
            return [every]
        screens: list[TextScreen | ScoreColumn] = [*masks.screens.values(), *masks.scores.values()]
        return [
            f"if Len(E) < {FEW}: {every}",
            *(line for screen in screens for line in self._screen(screen, [node])),
            f"return [True if m and {cell} else False for m, e in Zip(({found[0]}).tolist(), E)]",
        ]

    def _screen(self, screen: TextScreen | ScoreColumn, conditions: Iterable[Node]) -> list[str]:
        """The lines that screen the texts of a field, on the events where a condition that asks could hold."""
        bounds = {field_bound(node, self._sharing()): None for node in conditions if asks(node, screen)}
        cell = screen.field.name if screen.field.required else f"{screen.field.name} or ''"
        if None in bounds:
            name = self.names.bind(("all", *screen.key), screen.over_all())
            return [f"{screen.name} = {name}([e.{cell} for e in E])"]
        name = self.names.bind(("among", *screen.key), screen.among())
        return [
            f"q = [i for i, e in Enumerate(E) if {' or '.join(code for code in bounds if code)}]",
            f"{screen.name} = {name}(q, [E[i].{cell} for i in q], Len(E))",
        ]
