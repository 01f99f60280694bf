"""From syntax to typed expressions, on one event type."""

from __future__ import annotations

import ast
import math
import re
from dataclasses import replace
from typing import Literal

from trustward.base.units import parse_duration, parse_time
from trustward.model.catalogue import WHOLE_LIMIT, EventType
from trustward.policy.comparisons import comparison
from trustward.policy.faults import Span, nearest, one_of
from trustward.policy.nodes import (
    CONDITIONS,
    All,
    Amounts,
    Arithmetic,
    Attribute,
    Const,
    EventId,
    Holds,
    Node,
    Not,
    Now,
    Part,
    Some,
    depth_of,
)
from trustward.policy.source import MAX_TYPED_DEPTH, Source
from trustward.policy.types import DURATION, FLAG, NUMBER, TEXT, TIME, WHOLE, Type, entity, is_number, literal_key
from trustward.policy.workspace import Workspace

_ARITHMETIC: dict[type[ast.operator], Literal["+", "-", "*", "/"]] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
}
_FORMS: dict[type[ast.expr], str] = {
    ast.Lambda: "a function of its own (lambda)",
    ast.ListComp: "a comprehension",
    ast.SetComp: "a comprehension",
    ast.DictComp: "a comprehension",
    ast.GeneratorExp: "a comprehension",
    ast.JoinedStr: "an f-string",
    ast.NamedExpr: "an assignment inside an expression",
    ast.Subscript: "square brackets after a value",
    ast.IfExp: "if-else inside an expression",
    ast.Dict: "a dictionary",
    ast.Starred: "a star",
    ast.Await: "await",
    ast.Yield: "yield",
    ast.YieldFrom: "yield",
    ast.Slice: "a slice",
}
_FORM_HINTS: dict[type[ast.expr], str] = {
    ast.JoinedStr: 'write a plain text; in a reason, "{...}" is filled in without the f in front',
    ast.IfExp: "write it with and / or",
    ast.NamedExpr: "give it a name on a line of its own: name = expression",
    ast.Subscript: 'to test values of a list field, write "x" in event.field, or any_in(event.field, [...])',
}
_SPLIT = "use fewer or smaller rules, or fewer event types in each"
_FOREIGN = {
    "true": "write True",
    "false": "write False",
    "null": "ask present(...) whether a value is there",
    "none": "ask present(...) whether a value is there",
    "nil": "ask present(...) whether a value is there",
}
_DATED = re.compile(r"[0-9]{4}-")
ENVELOPE = ("id", "time")
MAX_KEY = 20_000
"""How long an expression may be, written out with the names in it filled in."""
MAX_TYPED = 200_000
"""The most expressions in a policy, counted for each event type and feature that they are read on."""


class Typer:
    """Types the expressions of one event type.

    ``inside`` says where only fields and text functions may stand (``where=``, ``by=`` or a feature's value), else "".
    ``later`` allows fields that are known only later. ``use`` is where a name is used whose expression is being typed.
    Methods return None after they have recorded a fault.
    """

    def __init__(
        self, work: Workspace, scope: EventType, source: Source, *, inside: str = "", later: bool = False
    ) -> None:
        self.work = work
        self.scope = scope
        self.source = source
        self.inside = inside
        self.later = later
        self.use: Span | None = None
        self._stack: list[str] = []
        self._named: dict[str, Node | None] = {}

    # ------------------------------------------------------------------ helpers

    def on(self, scope: EventType, *, inside: str = "", later: bool = False, source: Source | None = None) -> Typer:
        """A typer for another place; names that are being resolved stay known, so that circles are found."""
        inner = Typer(self.work, scope, source or self.source, inside=inside, later=later)
        inner._stack, inner.use = self._stack, self.use
        return inner

    def span(self, node: ast.AST) -> Span:
        """Where a piece of syntax stands."""
        return Span.of(self.source, node)

    def fault(self, code: str, message: str, node: ast.AST, hint: str = "") -> None:
        """Record a fault at a piece of syntax."""
        self.work.faults.add(code, message, self.span(node), hint)

    def fault_at_use(self, code: str, message: str, node: ast.AST, hint: str = "") -> None:
        """Record a fault where a name is used: its expression is sound, but not there."""
        self.work.faults.add(code, message, self.use or self.span(node), hint)

    def literal_text(self, node: ast.expr | None, what: str, at: ast.AST) -> str | None:
        """The text of a literal, or None after a fault."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return node.value
        self.fault("P038", f"{what} must be written out as a text", node or at, 'write it in quotes: "..."')
        return None

    def duration(self, node: ast.expr | None, what: str, at: ast.AST) -> int | None:
        """Microseconds of a literal duration, or None after a fault."""
        text = self.literal_text(node, what, at)
        if text is None:
            return None
        return self._duration_of(text, node or at)

    def _duration_of(self, text: str, at: ast.AST) -> int | None:
        try:
            return parse_duration(text)
        except ValueError as wrong:
            cause, _, remedy = str(wrong).partition(" (")
            self.fault("P034", cause, at, remedy.removesuffix(")"))
            return None

    # ------------------------------------------------------------------ expressions

    def condition(self, node: ast.expr, what: str) -> Node | None:
        """A yes-or-no expression."""
        typed = self.expression(node)
        if typed is None:
            return None
        return self.as_condition(typed, node, what)

    def as_condition(self, typed: Node, at: ast.AST, what: str) -> Node | None:
        """The expression as a condition, or None after a fault."""
        if typed.type != FLAG:
            hint = "compare it with something, such as > 5" if is_number(typed.type) else "write a comparison"
            if typed.type.base == "signal":
                hint = "compare its score, such as .score >= 0.8"
            self.fault("P032", f"{what} must be a yes or no, but this is {typed.type.a}", at, hint)
            return None
        if isinstance(typed, (*CONDITIONS, Const)):
            return typed
        return Holds(FLAG, typed.span, typed.key, typed)

    def expression(self, node: ast.expr) -> Node | None:
        """The typed expression, or None after a fault."""
        self.work.typed += 1
        if self.work.typed > MAX_TYPED:
            if self.work.typed == MAX_TYPED + 1:
                self.fault("P003", f"more than {MAX_TYPED:,} expressions in all, on all event types", node, _SPLIT)
            return None
        typed = self._expression(node)
        if typed is not None and len(typed.key) > MAX_KEY:
            self.fault("P003", "too large, with the names in it filled in", node, "use fewer or smaller parts")
            return None
        if typed is not None and depth_of(typed) > MAX_TYPED_DEPTH:
            self.fault("P003", f"more than {MAX_TYPED_DEPTH} levels deep, with the names in it filled in", node)
            return None
        return typed

    def _expression(self, node: ast.expr) -> Node | None:
        match node:
            case ast.Constant():
                return self._constant(node)
            case ast.Name():
                return self._name(node)
            case ast.Attribute():
                return self._attribute(node)
            case ast.UnaryOp():
                return self._unary(node)
            case ast.BinOp():
                return self._arithmetic(node)
            case ast.BoolOp():
                return self._logic(node)
            case ast.Compare():
                return comparison(self, node)
            case ast.Call():
                return self.work.call(self, node)
            case ast.List() | ast.Tuple() | ast.Set():
                self.fault("P005", "a list stands where a single value is needed", node, "lists follow `in`")
                return None
            case _:
                form = _FORMS.get(type(node), "this form of expression")
                self.fault("P005", f"{form} cannot be used in a policy", node, _FORM_HINTS.get(type(node), ""))
                return None

    def _constant(self, node: ast.Constant) -> Node | None:
        value, span = node.value, self.span(node)
        if isinstance(value, bool):
            return Const(FLAG, span, repr(value), value)
        if isinstance(value, int):
            if abs(value) <= WHOLE_LIMIT:
                return Const(WHOLE, span, repr(value), value)
            self.fault("P008", "a whole number beyond 2**53", node, "no event can carry such a number")
            return None
        if isinstance(value, float):
            if math.isfinite(value):
                return Const(NUMBER, span, repr(value), value)
            self.fault("P008", "a number that is too large", node)
            return None
        if isinstance(value, str):
            if any("\ud800" <= c <= "\udfff" for c in value):
                self.fault("P008", "a text with a lone surrogate, which no event can carry", node)
                return None
            return Const(TEXT, span, literal_key(value), value)
        hint = "ask present(...) whether a value is there" if value is None else ""
        self.fault("P008", f"{span.text[:40]} cannot be used in a policy", node, hint)
        return None

    def _name(self, node: ast.Name) -> Node | None:
        name = node.id
        named = self.work.names.get(name)
        if named is not None:
            return self.named(name, node)
        if name in self.work.broken:
            return None
        if name == "event":
            self.fault(
                "P006",
                "`event` alone is no value",
                node,
                "name one of its fields: event." + next(iter(self.scope.fields), "id"),
            )
        elif name in self.work.callables():
            self.fault("P010", f"{name} is a function and must be called", node, f"write {name}(...)")
        else:
            near = nearest(name, [*self.work.names, *self.work.callables(), "event"])
            if name in self.scope.fields:
                near = f"did you mean event.{name}?"
            near = _FOREIGN.get(name.lower(), near)
            self.fault("P010", f"unknown name {name}", node, near)
        return None

    def named(self, name: str, at: ast.expr) -> Node | None:
        """The value of a name of the policy, standing at ``at``."""
        named = self.work.names[name]
        self.work.used.add(name)
        if name in self._stack:
            circle = " -> ".join([*self._stack[self._stack.index(name) :], name])
            self.work.faults.add("P020", f"names that go in a circle: {circle}", named.span, "break the circle")
            return None
        if len(self._stack) > 40:
            self.fault("P003", "names are nested too deeply", at)
            return None
        if name not in self._named:
            self._stack.append(name)
            use, self.use = self.use, self.use or self.span(at)
            outer, self.source = self.source, named.source
            try:
                self._named[name] = self.expression(named.expression)
            finally:
                self.source, self.use = outer, use
                self._stack.pop()
        found = self._named[name]
        return None if found is None else replace(found, span=self.span(at))

    # ------------------------------------------------------------------ fields

    def _attribute(self, node: ast.Attribute) -> Node | None:
        if isinstance(node.value, ast.Name) and node.value.id == "event":
            return self.field(node.attr, node)
        if isinstance(node.value, (ast.Name, ast.Call)) and not node.attr.startswith("_"):
            base = self.expression(node.value)
            if base is None:
                return None
            if base.type.base == "signal":
                return self._part(base, node)
        self.fault(
            "P006",
            f"nothing can follow the point here (.{node.attr})",
            node,
            "only event.FIELD and the score, verdict, category and reasons of a signal are read with a point",
        )
        return None

    def _part(self, base: Node, node: ast.Attribute) -> Node | None:
        span, key = self.span(node), f"{base.key}.{node.attr}"
        if node.attr == "score":
            return Part(NUMBER, span, key, base, "score")
        if node.attr in ("verdict", "category"):
            return Part(TEXT, span, key, base, "verdict" if node.attr == "verdict" else "category")
        if node.attr == "reasons":
            return Part(Type("list", of="text"), span, key, base, "reasons")
        self.fault("P012", f"a signal has no {node.attr}", node, "a signal has score, verdict, category and reasons")
        return None

    def field(self, name: str, node: ast.AST) -> Node | None:
        """``event.NAME`` on this event type."""
        span, key = self.span(node), f"event.{name}"
        if name == "time":
            return Now(TIME, span, key)
        if name == "id":
            return EventId(TEXT, span, key)
        found = self.scope.fields.get(name)
        if found is None:
            if name == "truth":
                self.fault("P012", "the known answer is for measuring; a rule cannot read it", node)
                return None
            near = nearest(name, [*self.scope.fields, *ENVELOPE])
            hint = near or f"its fields: {one_of([*ENVELOPE, *self.scope.fields], 40)}"
            self.fault("P012", f"{self.scope.name} has no field {name}", node, hint)
            return None
        if found.known_later and not self.later:
            self.fault(
                "P012",
                f"event.{name} is not known yet when the event happens",
                node,
                'use it inside a feature with delay=, such as total(..., delay="7d")',
            )
            return None
        if found.type == "entity":
            kind = entity(found.kind)
        elif found.type == "list":
            kind = Type("list", kind=found.kind, of=found.of)
        elif found.type == "money":
            kind = Type("money", currency=f"event.{found.currency}")
        else:
            kind = Type(found.type)
        return Attribute(kind, span, key, name, found.required, found.personal)

    # ------------------------------------------------------------------ arithmetic

    def _unary(self, node: ast.UnaryOp) -> Node | None:
        if isinstance(node.op, ast.Not):
            part = self.condition(node.operand, "what follows `not`")
            return None if part is None else Not(FLAG, self.span(node), f"not {part.key}", part)
        if not isinstance(node.op, ast.USub):
            sign = "+" if isinstance(node.op, ast.UAdd) else "~"
            self.fault("P005", f"the sign {sign} cannot be used in a policy", node)
            return None
        part = self.expression(node.operand)
        if part is None:
            return None
        span = self.span(node)
        if isinstance(part, Const) and is_number(part.type):
            return Const(part.type, span, repr(-part.value), -part.value)
        if not (is_number(part.type) or part.type.base in ("duration", "money")) or isinstance(part, Amounts):
            self.fault("P030", f"{part.type.a} cannot be negative", node)
            return None
        zero = Const(WHOLE if is_number(part.type) else part.type, span, "0", 0)
        return Arithmetic(part.type, span, f"(0 - {part.key})", "-", zero, part)

    def _arithmetic(self, node: ast.BinOp) -> Node | None:
        op = _ARITHMETIC.get(type(node.op))
        left, right = self.expression(node.left), self.expression(node.right)
        if op is None:
            hint = "write x * x" if isinstance(node.op, ast.Pow) else ""
            if isinstance(node.op, (ast.BitAnd, ast.BitOr)):
                hint = "write `and` or `or`"
            self.fault("P005", "this operator cannot be used in a policy: there are + - * /", node, hint)
            return None
        if left is None or right is None:
            return None
        moved = self._moved(left, right, op, node.left), self._moved(right, left, op, node.right)
        if moved[0] is None or moved[1] is None:
            return None
        left, right = moved[0], moved[1]
        if op == "/" and isinstance(right, Const) and right.value == 0:
            self.fault("P054", "a division by zero is missing: nothing holds for it", node.right)
            return None
        kind = self._arithmetic_type(op, left, right)
        if kind is None:
            hint = ""
            if "money" in (left.type.base, right.type.base):
                hint = "amounts of one currency add up; minor(...) is the bare number of an amount"
            self.fault("P030", f"{left.type} {op} {right.type} has no meaning", node, hint)
            return None
        return Arithmetic(kind, self.span(node), f"({left.key} {op} {right.key})", op, left, right)

    def _moved(self, side: Node, other: Node, op: str, at: ast.expr) -> Node | None:
        """A text literal beside a duration or time is a duration; in a difference of times it can be a time."""
        if isinstance(side, Const) and side.type == TEXT and other.type in (DURATION, TIME):
            dated = other.type == TIME and op == "-" and _DATED.match(side.value) is not None
            return self.coerce(side, TIME if dated else DURATION, at)
        return side

    @staticmethod
    def _arithmetic_type(op: str, left: Node, right: Node) -> Type | None:
        a, b = left.type, right.type
        if isinstance(left, Amounts) or isinstance(right, Amounts):
            return None
        if is_number(a) and is_number(b):
            return WHOLE if a == b == WHOLE and op != "/" else NUMBER
        if a.base == b.base and a.base in ("duration", "money"):
            if a.currency != b.currency or op == "*":
                return None
            return a if op in "+-" else NUMBER
        if a.base in ("duration", "money") and is_number(b) and op in "*/":
            return a
        if is_number(a) and b.base in ("duration", "money") and op == "*":
            return b
        if a == TIME and b == TIME and op == "-":
            return DURATION
        if a == TIME and b == DURATION and op in "+-":
            return TIME
        return None

    # ------------------------------------------------------------------ logic and comparisons

    def _logic(self, node: ast.BoolOp) -> Node | None:
        word = "and" if isinstance(node.op, ast.And) else "or"
        parts = [self.condition(value, f"each side of `{word}`") for value in node.values]
        done = tuple(part for part in parts if part is not None)
        if len(done) != len(parts):
            return None
        key = f"({f' {word} '.join(part.key for part in done)})"
        kind: type[All | Some] = All if word == "and" else Some
        return kind(FLAG, self.span(node), key, done)

    def coerce(self, const: Const, kind: Type, at: ast.AST) -> Const | None:
        """A literal in the type that its place asks for; unchanged where it has that type or has no say."""
        if const.type != TEXT:
            return const
        if kind == DURATION:
            value = self._duration_of(const.value, at)
            return None if value is None else Const(DURATION, const.span, str(value), value)
        if kind == TIME:
            try:
                moment = parse_time(const.value)
            except ValueError as wrong:
                cause, _, remedy = str(wrong).partition(" (")
                self.fault("P034", cause, at, remedy.removesuffix(")"))
                return None
            return Const(TIME, const.span, str(moment), moment)
        if kind.base == "entity":
            return replace(const, type=kind)
        return const
