"""Comparisons and membership: which types can stand on the two sides, and what a literal means beside the other."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, get_args

from trustward.model.signal import SignalVerdict
from trustward.policy.faults import Span, nearest
from trustward.policy.logic import compare_key
from trustward.policy.nodes import (
    CONDITIONS,
    All,
    Amounts,
    Compare,
    Const,
    Holds,
    Listed,
    Member,
    Node,
    Not,
    Operator,
    Part,
)
from trustward.policy.types import FLAG, TEXT, Type, is_number, literal_key

if TYPE_CHECKING:
    from trustward.policy.expressions import Typer

VERDICTS: tuple[str, ...] = get_args(SignalVerdict)
"""What a signal's verdict can be."""
_OPERATORS: dict[type[ast.cmpop], Operator] = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
}


def comparison(typer: Typer, node: ast.Compare) -> Node | None:
    """``a < b``, ``a in b`` and chains of them; None after a fault."""
    results: list[Node] = []
    failed = False
    sides = [node.left, *node.comparators]
    for left, op, right in zip(sides, node.ops, sides[1:], strict=False):
        at = node if len(node.ops) == 1 else None
        one = _one_comparison(typer, left, op, right, at)
        failed = failed or one is None
        if one is not None:
            results.append(one)
    if failed:
        return None
    if len(results) == 1:
        return results[0]
    return All(FLAG, typer.span(node), f"({' and '.join(part.key for part in results)})", tuple(results))


def _one_comparison(
    typer: Typer, left: ast.expr, op: ast.cmpop, right: ast.expr, whole: ast.Compare | None
) -> Node | None:
    span = typer.span(left)
    end = typer.span(right)
    span = typer.span(whole) if whole is not None else span._replace(end_line=end.end_line, end_column=end.end_column)
    if isinstance(op, (ast.In, ast.NotIn)):
        return _membership(typer, left, right, span, negated=isinstance(op, ast.NotIn))
    operator = _OPERATORS.get(type(op))
    if operator is None:
        typer.work.faults.add("P005", "`is` cannot be used in a policy", span, "write == or !=, or present(...)")
        return None
    a, b = typer.expression(left), typer.expression(right)
    if a is None or b is None:
        return None
    return _compare(typer, a, operator, b, span, left, right)


def _compare(typer: Typer, a: Node, op: Operator, b: Node, span: Span, left: ast.expr, right: ast.expr) -> Node | None:
    """``a op b``, the literal side taken in the other side's type."""
    if FLAG in (a.type, b.type):
        return _compare_flags(typer, a, op, b, span)
    if isinstance(a, Const) and not isinstance(b, Const):
        coerced = typer.coerce(a, b.type, left)
        if coerced is None:
            return None
        a = coerced
    elif isinstance(b, Const) and not isinstance(a, Const):
        coerced = typer.coerce(b, a.type, right)
        if coerced is None:
            return None
        b = coerced
    problem = _incomparable(a, op, b)
    if problem:
        typer.work.faults.add(problem[0], problem[1], span, problem[2])
        return None
    for side, other in ((a, b), (b, a)):
        if isinstance(other, Const) and not _verdicts(typer, side, (other.value,), other.span):
            return None
    if isinstance(a, Amounts) or isinstance(b, Amounts):
        fixed = _fixed_amounts(typer, a, b, span)
        if fixed is None:
            return None
        a, b = fixed
    return Compare(FLAG, span, compare_key(op, a, b), op, a, b)


def _compare_flags(typer: Typer, a: Node, op: Operator, b: Node, span: Span) -> Node | None:
    if a.type != FLAG or b.type != FLAG:
        other = a if b.type == FLAG else b
        typer.work.faults.add("P031", f"a yes or no cannot be compared with {other.type.a}", span)
        return None
    if op not in ("==", "!="):
        typer.work.faults.add("P031", f"a yes or no has no order ({op})", span, "write == or !=")
        return None
    if isinstance(a, Const):
        a, b = b, a
    if isinstance(b, Const):
        fixed = a if isinstance(a, CONDITIONS) else Holds(FLAG, a.span, a.key, a)
        return fixed if b.value == (op == "==") else Not(FLAG, span, f"not {fixed.key}", fixed)
    if not isinstance(a, CONDITIONS) and not isinstance(b, CONDITIONS):
        return Compare(FLAG, span, compare_key(op, a, b), op, a, b)
    typer.work.faults.add("P031", "two conditions cannot be compared", span, "join them with and / or / not")
    return None


def _incomparable(a: Node, op: Operator, b: Node) -> tuple[str, str, str] | None:
    x, y = a.type, b.type
    for side in (x, y):
        if side.base in ("list", "signal"):
            hint = "compare its .score or .category" if side.base == "signal" else "write in, any_in(...) or len(...)"
            return "P031", f"{side.a} cannot be compared", hint
    if is_number(x) and is_number(y):
        return None
    if x.base == y.base:
        if x.base == "entity" and x.kind != y.kind:
            return "P031", f"{x.a} and {y.a} are never the same", ""
        if x.base in ("text", "entity") and op not in ("==", "!="):
            return "P031", f"{x.a} has no order ({op})", "write == or !=, or length(...) for its length"
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
    return "P031", f"{x.a} cannot be compared with {y.a}", hint


def _fixed_amounts(typer: Typer, a: Node, b: Node, span: Span) -> tuple[Node, Node] | None:
    """An amount table beside money of one fixed currency is that currency's amount."""
    table, other = (a, b) if isinstance(a, Amounts) else (b, a)
    assert isinstance(table, Amounts)
    if not other.type.currency.startswith("'"):
        return a, b
    currency = other.type.currency.strip("'")
    amount = table.amounts.get(currency)
    if amount is None:
        typer.work.faults.add(
            "P033", f"the amount here is in {currency}, but none is given for it", span, f'add "... {currency}"'
        )
        return None
    const = Const(other.type, table.span, str(amount), amount)
    return (const, b) if table is a else (a, const)


def _verdicts(typer: Typer, value: Node, words: Iterable[object], span: Span) -> bool:
    """Whether a signal's verdict, if the value is one, can be each of the words; a fault if not."""
    if not isinstance(value, Part) or value.name != "verdict":
        return True
    odd = next((word for word in words if word not in VERDICTS), None)
    if odd is not None:
        hint = nearest(str(odd), VERDICTS) or f"it is one of {', '.join(VERDICTS)}"
        typer.work.faults.add("P054", f"no signal's verdict is ever {str(odd)[:40]!r}", span, hint)
    return odd is None


def _membership(typer: Typer, left: ast.expr, right: ast.expr, span: Span, *, negated: bool) -> Node | None:
    value = typer.expression(left)
    group = group_of(typer, right, None if value is None else value.type, "what follows `in`")
    if value is None or group is None:
        return None
    if value.type.base not in ("text", "entity", "number", "whole"):
        typer.fault("P031", f"{value.type.a} cannot be looked up in a list", left)
        return None
    if isinstance(value, Const) and group.type.base == "list" and group.type.of == "entity":
        value = replace(value, type=group.type.element)
    if not fits(typer, value, group, span):
        return None
    if isinstance(group, Listed) and not group.name and not _verdicts(typer, value, group.values, group.span):
        return None
    made = Member(FLAG, span, f"({value.key} in {group.key})", value, group)
    return replace(made, negated=True, key=f"not {made.key}") if negated else made


def fits(typer: Typer, value: Node, group: Node, span: Span, element: Type | None = None) -> bool:
    """Whether values of this type can be on that list; a fault if not."""
    kind = element or value.type
    held = group.type.element if group.type.base == "list" else group.type
    if isinstance(group, Listed) and not group.name:
        return True
    if kind == held or (kind.base == "text" and isinstance(value, Const)):
        return True
    name = f'the list "{group.name}"' if isinstance(group, Listed) else "the list"
    typer.work.faults.add("P031", f"{name} holds {held.kind or held} values, but this is {kind.a}", span)
    return False


def group_of(typer: Typer, node: ast.expr, element: Type | None, what: str) -> Node | None:
    """A literal list, a list of the policy or a list field."""
    if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
        return _literal_list(typer, node, element)
    if isinstance(node, ast.Dict):
        typer.fault("P005", "a dictionary cannot be used in a policy", node, "write a list: [...]")
        return None
    typed = typer.expression(node)
    if typed is None:
        return None
    if typed.type.base == "list":
        return typed
    hint = 'to look for a word in a text, write contains(event.text, "word")' if typed.type == TEXT else ""
    typer.fault("P030", f"{what} must be a list, but this is {typed.type.a}", node, hint)
    return None


def _literal_list(typer: Typer, node: ast.List | ast.Tuple | ast.Set, element: Type | None) -> Node | None:
    if not node.elts:
        typer.fault("P039", "an empty list: nothing is ever in it", node)
        return None
    values: list[object] = []
    bases: set[str] = set()
    for item in node.elts:
        typed = typer.expression(item)
        if typed is None:
            return None
        if not isinstance(typed, Const) or typed.type == FLAG:
            typer.fault("P038", "the values of a list must be written out", item, "use texts or numbers")
            return None
        bases.add("number" if is_number(typed.type) else typed.type.base)
        values.append(typed.value)
    if len(bases) > 1:
        typer.fault("P039", "a list that mixes texts and numbers", node)
        return None
    wanted = None if element is None else "number" if is_number(element) else "text"
    if (
        wanted is not None
        and bases != {wanted}
        and element is not None
        and element.base in ("text", "entity", "number", "whole")
    ):
        typer.fault("P031", f"{element.a} is looked up in a list of {bases.pop()} values", node)
        return None
    unique = tuple(dict.fromkeys(values))
    kind = Type("list", of="text") if bases == {"text"} else Type("list", of="number")
    return Listed(kind, typer.span(node), literal_key(sorted(unique, key=repr)), "", unique)
