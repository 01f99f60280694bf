"""From syntax to typed expressions, on one event type."""

from __future__ import annotations

import ast
import math
from dataclasses import replace
from typing import Literal

from trustward.base.units import parse_duration, parse_time
from trustward.model.catalogue import WHOLE_LIMIT, EventType
from trustward.policy.faults import Span, nearest, one_of
from trustward.policy.logic import compare_key
from trustward.policy.nodes import (
    CONDITIONS,
    All,
    Amounts,
    Arithmetic,
    Attribute,
    Compare,
    Const,
    EventId,
    Holds,
    Listed,
    Member,
    Node,
    Not,
    Now,
    Operator,
    Part,
    Some,
)
from trustward.policy.source import Source
from trustward.policy.types import DURATION, FLAG, NUMBER, TEXT, TIME, WHOLE, Type, entity, is_number
from trustward.policy.workspace import Workspace

_OPERATORS: dict[type[ast.cmpop], Operator] = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
}
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
ENVELOPE = ("id", "time")


class Typer:
    """Types the expressions of one event type.

    ``inside`` says where only fields and text functions may stand (``where=``, ``by=`` or a feature's value), else "".
    ``later`` allows fields that are known only later. Methods return None after they have recorded a fault.
    """

    def __init__(
        self, work: Workspace, scope: EventType, source: Source, *, inside: str = "", later: bool = False
    ) -> None:
        self.work = work
        self.scope = scope
        self.source = source
        self.inside = inside
        self.later = later
        self._stack: list[str] = []
        self._named: dict[str, Node | None] = {}

    # ------------------------------------------------------------------ helpers

    def on(self, scope: EventType, *, inside: str = "", later: bool = False, source: Source | None = None) -> Typer:
        """A typer for another place; names that are being resolved stay known, so that circles are found."""
        inner = Typer(self.work, scope, source or self.source, inside=inside, later=later)
        inner._stack = self._stack
        return inner

    def span(self, node: ast.AST) -> Span:
        """Where a piece of syntax stands."""
        return Span.of(self.source, node)

    def fault(self, code: str, message: str, node: ast.AST, hint: str = "") -> None:
        """Record a fault at a piece of syntax."""
        self.work.faults.add(code, message, self.span(node), hint)

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
            value = parse_duration(text)
        except ValueError as wrong:
            cause, _, remedy = str(wrong).partition(" (")
            self.fault("P034", cause, at, remedy.removesuffix(")"))
            return None
        if value > 2**60:
            self.fault("P034", f"not a usable duration: {text[:40]!r} is too long", at, "use at most 36500d")
            return None
        return value

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
            self.fault("P032", f"{what} must be a yes or no, but this is a {typed.type}", at, hint)
            return None
        if isinstance(typed, (*CONDITIONS, Const)):
            return typed
        return Holds(FLAG, typed.span, typed.key, typed)

    def expression(self, node: ast.expr) -> Node | None:
        """The typed expression, or None after a fault."""
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
                return self._comparison(node)
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
            return Const(TEXT, span, repr(value), value)
        hint = "ask present(...) whether a value is there" if value is None else ""
        self.fault("P008", f"{span.text[:40]} cannot be used in a policy", node, hint)
        return None

    def _name(self, node: ast.Name) -> Node | None:
        name = node.id
        named = self.work.names.get(name)
        if named is not None:
            return self.named(name, node)
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
            if not near and name in self.scope.fields:
                near = f"did you mean event.{name}?"
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
            outer, self.source = self.source, named.source
            try:
                self._named[name] = self.expression(named.expression)
            finally:
                self.source = outer
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
            "only event.FIELD and the score, category and reasons of a signal are read with a point",
        )
        return None

    def _part(self, base: Node, node: ast.Attribute) -> Node | None:
        span, key = self.span(node), f"{base.key}.{node.attr}"
        if node.attr == "score":
            return Part(NUMBER, span, key, base, "score")
        if node.attr == "category":
            return Part(TEXT, span, key, base, "category")
        if node.attr == "reasons":
            return Part(Type("list", of="text"), span, key, base, "reasons")
        self.fault("P012", f"a signal has no {node.attr}", node, "a signal has score, category and reasons")
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
            self.fault("P030", f"a {part.type} cannot be negative", node)
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
        moved = self._moved(left, right, node.left), self._moved(right, left, node.right)
        if moved[0] is None or moved[1] is None:
            return None
        left, right = moved[0], moved[1]
        kind = self._arithmetic_type(op, left, right)
        if kind is None:
            hint = ""
            if "money" in (left.type.base, right.type.base):
                hint = "amounts of one currency add up; minor(...) is the bare number of an amount"
            self.fault("P030", f"{left.type} {op} {right.type} has no meaning", node, hint)
            return None
        return Arithmetic(kind, self.span(node), f"({left.key} {op} {right.key})", op, left, right)

    def _moved(self, side: Node, other: Node, at: ast.expr) -> Node | None:
        """A text literal beside a duration or time is a duration."""
        if isinstance(side, Const) and side.type == TEXT and other.type in (DURATION, TIME):
            return self.coerce(side, DURATION, at)
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

    def _comparison(self, node: ast.Compare) -> Node | None:
        results: list[Node] = []
        failed = False
        sides = [node.left, *node.comparators]
        for left, op, right in zip(sides, node.ops, sides[1:], strict=False):
            at = node if len(node.ops) == 1 else None
            one = self._one_comparison(left, op, right, at)
            failed = failed or one is None
            if one is not None:
                results.append(one)
        if failed:
            return None
        if len(results) == 1:
            return results[0]
        return All(FLAG, self.span(node), f"({' and '.join(part.key for part in results)})", tuple(results))

    def _one_comparison(self, left: ast.expr, op: ast.cmpop, right: ast.expr, whole: ast.Compare | None) -> Node | None:
        span = self.span(left)
        end = self.span(right)
        span = (
            self.span(whole) if whole is not None else span._replace(end_line=end.end_line, end_column=end.end_column)
        )
        if isinstance(op, (ast.In, ast.NotIn)):
            return self._membership(left, right, span, negated=isinstance(op, ast.NotIn))
        operator = _OPERATORS.get(type(op))
        if operator is None:
            self.fault("P005", "`is` cannot be used in a policy", left, "write == or !=, or present(...)")
            return None
        a, b = self.expression(left), self.expression(right)
        if a is None or b is None:
            return None
        return self.compare(a, operator, b, span, left, right)

    def compare(self, a: Node, op: Operator, b: Node, span: Span, left: ast.expr, right: ast.expr) -> Node | None:
        """``a op b``, the literal side taken in the other side's type."""
        if FLAG in (a.type, b.type):
            return self._compare_flags(a, op, b, span)
        if isinstance(a, Const) and not isinstance(b, Const):
            coerced = self.coerce(a, b.type, left)
            if coerced is None:
                return None
            a = coerced
        elif isinstance(b, Const) and not isinstance(a, Const):
            coerced = self.coerce(b, a.type, right)
            if coerced is None:
                return None
            b = coerced
        problem = self._incomparable(a, op, b)
        if problem:
            self.work.faults.add(problem[0], problem[1], span, problem[2])
            return None
        if isinstance(a, Amounts) or isinstance(b, Amounts):
            fixed = self._fixed_amounts(a, b, span)
            if fixed is None:
                return None
            a, b = fixed
        return Compare(FLAG, span, compare_key(op, a, b), op, a, b)

    def _compare_flags(self, a: Node, op: Operator, b: Node, span: Span) -> Node | None:
        if a.type != FLAG or b.type != FLAG:
            other = a if b.type == FLAG else b
            self.work.faults.add("P031", f"a yes or no cannot be compared with a {other.type}", span)
            return None
        if op not in ("==", "!="):
            self.work.faults.add("P031", f"a yes or no has no order ({op})", span, "write == or !=")
            return None
        if isinstance(a, Const):
            a, b = b, a
        if isinstance(b, Const):
            fixed = a if isinstance(a, CONDITIONS) else Holds(FLAG, a.span, a.key, a)
            return fixed if b.value == (op == "==") else Not(FLAG, span, f"not {fixed.key}", fixed)
        if not isinstance(a, CONDITIONS) and not isinstance(b, CONDITIONS):
            return Compare(FLAG, span, compare_key(op, a, b), op, a, b)
        self.work.faults.add("P031", "two conditions cannot be compared", span, "join them with and / or / not")
        return None

    def _incomparable(self, a: Node, op: Operator, b: Node) -> tuple[str, str, str] | None:
        x, y = a.type, b.type
        for side in (x, y):
            if side.base in ("list", "signal"):
                hint = (
                    "compare its .score or .category" if side.base == "signal" else "write in, any_in(...) or len(...)"
                )
                return "P031", f"a {side} cannot be compared", hint
        if is_number(x) and is_number(y):
            return None
        if x.base == y.base:
            if x.base == "entity" and x.kind != y.kind:
                return "P031", f"an {x} and an {y} are never the same", ""
            if x.base in ("text", "entity") and op not in ("==", "!="):
                return "P031", f"a {x} has no order ({op})", "write == or !=, or length(...) for its length"
            if x.base == "money" and x.currency != y.currency and "" not in (x.currency, y.currency):
                return "P033", "amounts of money that may be of different currencies", "compare amounts of one currency"
            if isinstance(a, Amounts) and isinstance(b, Amounts):
                return "P054", "two fixed amounts are compared", ""
            return None
        hint = ""
        if "money" in (x.base, y.base):
            hint = 'write money("500 SGD"), with one amount for each currency, or minor(...) for the bare number'
        elif {x.base, y.base} == {"text", "entity"}:
            hint = "an entity can be compared with another one of its kind, or with a text written out"
        elif x.base in ("duration", "time") or y.base in ("duration", "time"):
            hint = 'write a duration as "90s", "1h30m" or "7d", and a time as "2026-01-31T12:00:00Z"'
        return "P031", f"a {x} cannot be compared with a {y}", hint

    def _fixed_amounts(self, a: Node, b: Node, span: Span) -> tuple[Node, Node] | None:
        """An amount table beside money of one fixed currency is that currency's amount."""
        table, other = (a, b) if isinstance(a, Amounts) else (b, a)
        assert isinstance(table, Amounts)
        if not other.type.currency.startswith("'"):
            return a, b
        currency = other.type.currency.strip("'")
        amount = table.amounts.get(currency)
        if amount is None:
            self.work.faults.add(
                "P033", f"the amount here is in {currency}, but none is given for it", span, f'add "... {currency}"'
            )
            return None
        const = Const(other.type, table.span, str(amount), amount)
        return (const, b) if table is a else (a, const)

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

    # ------------------------------------------------------------------ membership

    def _membership(self, left: ast.expr, right: ast.expr, span: Span, *, negated: bool) -> Node | None:
        value = self.expression(left)
        group = self.group(right, None if value is None else value.type, "what follows `in`")
        if value is None or group is None:
            return None
        if value.type.base not in ("text", "entity", "number", "whole"):
            self.fault("P031", f"a {value.type} cannot be looked up in a list", left)
            return None
        if isinstance(value, Const) and group.type.base == "list" and group.type.of == "entity":
            value = replace(value, type=group.type.element)
        if not self.fits(value, group, span):
            return None
        made = Member(FLAG, span, f"({value.key} in {group.key})", value, group)
        return replace(made, negated=True, key=f"not {made.key}") if negated else made

    def fits(self, value: Node, group: Node, span: Span, element: Type | None = None) -> bool:
        """Whether values of this type can be on that list; a fault if not."""
        kind = element or value.type
        held = group.type.element if group.type.base == "list" else group.type
        if isinstance(group, Listed) and not group.name:
            return True
        if kind == held or (kind.base == "text" and isinstance(value, Const)):
            return True
        name = f'the list "{group.name}"' if isinstance(group, Listed) else "the list"
        self.work.faults.add("P031", f"{name} holds {held.kind or held} values, but this is a {kind}", span)
        return False

    def group(self, node: ast.expr, element: Type | None, what: str) -> Node | None:
        """A literal list, a list of the policy or a list field."""
        if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
            return self._literal_list(node, element)
        if isinstance(node, ast.Dict):
            self.fault("P005", "a dictionary cannot be used in a policy", node, "write a list: [...]")
            return None
        typed = self.expression(node)
        if typed is None:
            return None
        if typed.type.base == "list":
            return typed
        hint = 'to look for a word in a text, write contains(event.text, "word")' if typed.type == TEXT else ""
        self.fault("P030", f"{what} must be a list, but this is a {typed.type}", node, hint)
        return None

    def _literal_list(self, node: ast.List | ast.Tuple | ast.Set, element: Type | None) -> Node | None:
        if not node.elts:
            self.fault("P039", "an empty list: nothing is ever in it", node)
            return None
        values: list[object] = []
        bases: set[str] = set()
        for item in node.elts:
            typed = self.expression(item)
            if typed is None:
                return None
            if not isinstance(typed, Const) or typed.type == FLAG:
                self.fault("P038", "the values of a list must be written out", item, "use texts or numbers")
                return None
            bases.add("number" if is_number(typed.type) else typed.type.base)
            values.append(typed.value)
        if len(bases) > 1:
            self.fault("P039", "a list that mixes texts and numbers", node)
            return None
        wanted = None if element is None else "number" if is_number(element) else "text"
        if (
            wanted is not None
            and bases != {wanted}
            and element is not None
            and element.base in ("text", "entity", "number", "whole")
        ):
            self.fault("P031", f"a {element} is looked up in a list of {bases.pop()} values", node)
            return None
        unique = tuple(dict.fromkeys(values))
        kind = Type("list", of="text") if bases == {"text"} else Type("list", of="number")
        return Listed(kind, self.span(node), repr(sorted(unique, key=repr)), "", unique)
