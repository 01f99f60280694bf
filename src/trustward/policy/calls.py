"""Calls in expressions: the language's own forms, registered functions, features, and names read for another entity."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from typing import Any

from trustward.base.units import currency_exponent
from trustward.model.catalogue import WHOLE_LIMIT
from trustward.policy.aggregates import aggregate, reread
from trustward.policy.carry import integral
from trustward.policy.comparisons import fits, group_of
from trustward.policy.expressions import Typer
from trustward.policy.faults import nearest, one_of
from trustward.policy.features import AGGREGATES
from trustward.policy.nodes import (
    CONDITIONS,
    Amounts,
    AnyIn,
    Call,
    Choice,
    Clock,
    Const,
    Labelled,
    Listed,
    Minor,
    Node,
    Present,
    Size,
)
from trustward.policy.types import DURATION, FLAG, TEXT, TIME, WHOLE, Type, is_number, literal_key, parse_type
from trustward.policy.workspace import SPECIAL_FORMS
from trustward.policy.zones import zone_of

_AMOUNT = re.compile(r"([0-9]{1,15})(?:\.([0-9]{1,3}))? ?([A-Z]{3})")


def call(typer: Typer, node: ast.Call) -> Node | None:
    """The typed call, or None after a fault."""
    if not isinstance(node.func, ast.Name):
        hint = "write name(...)"
        if isinstance(node.func, ast.Attribute) and node.func.attr in typer.work.callables():
            hint = f"write {node.func.attr}({typer.span(node.func.value).text[:40]}, ...)"
        typer.fault("P006", "only functions of the language can be called", node.func, hint)
        return None
    name = node.func.id
    if any(keyword.arg is None for keyword in node.keywords) or any(isinstance(a, ast.Starred) for a in node.args):
        typer.fault("P005", "arguments are written out, without * or **", node)
        return None
    if name in typer.work.names:
        return reread(typer, name, node)
    if name in AGGREGATES:
        return aggregate(typer, name, node)
    if name in SPECIAL_FORMS:
        return _FORMS[name](typer, node)
    if name in typer.work.functions:
        return _registered(typer, name, node)
    if name in typer.work.broken:
        return None
    typer.fault(
        "P011", f"unknown function {name}", node.func, nearest(name, typer.work.callables() | set(typer.work.names))
    )
    return None


def _plain(typer: Typer, node: ast.Call, names: tuple[str, ...], *, most: int | None = None) -> list[ast.expr] | None:
    """The positional arguments, checked for number; None after a fault."""
    assert isinstance(node.func, ast.Name)
    name = node.func.id
    for keyword in node.keywords:
        typer.fault("P017", f"{name} has no argument {keyword.arg}", keyword, f"write {name}({', '.join(names)})")
        return None
    limit = len(names) if most is None else most
    if not len(names) <= len(node.args) <= limit:
        typer.fault(
            "P017",
            f"{name} takes {', '.join(names)}; {len(node.args)} given",
            node,
            f"write {name}({', '.join(names)})",
        )
        return None
    return node.args


def _present(typer: Typer, node: ast.Call) -> Node | None:
    given = _plain(typer, node, ("value",))
    value = typer.expression(given[0]) if given else None
    if value is None:
        return None
    if isinstance(value, (*CONDITIONS, Const, Amounts, Listed)):
        typer.fault("P030", "present asks for a value that may be missing", node, "such as present(event.device)")
        return None
    return Present(FLAG, typer.span(node), f"present({value.key})", value)


def _labelled(typer: Typer, node: ast.Call) -> Node | None:
    if typer.inside:
        typer.fault(
            "P042",
            f"a label cannot stand in {typer.inside}",
            node,
            "windows never depend on decisions; ask in the rule",
        )
        return None
    given = _plain(typer, node, ("entity", '"label"'))
    if not given:
        return None
    value, label = typer.expression(given[0]), typer.literal_text(given[1], "the label", node)
    if value is None or label is None:
        return None
    if value.type.base != "entity":
        typer.fault("P030", f"only an entity has labels, but this is {value.type.a}", given[0])
        return None
    return Labelled(FLAG, typer.span(node), f"labelled({value.key}, {label!r})", value, label)


def _listed(typer: Typer, node: ast.Call) -> Node | None:
    if typer.inside:
        typer.fault(
            "P042",
            f"a list cannot stand in {typer.inside}",
            node,
            "lists change, and windows must not; ask in the rule",
        )
        return None
    given = _plain(typer, node, ('"list"',))
    name = typer.literal_text(given[0], "the list's name", node) if given else None
    if given is None or name is None:
        return None
    spec = typer.work.lists.get(name)
    if spec is None and typer.work.faults.about(f"lists/{name}.txt"):
        return None
    if spec is None:
        known = typer.work.lists
        hint = nearest(name, known) or (
            f"the lists are {one_of(known)}" if known else "put it into lists/NAME.txt beside the policy"
        )
        typer.fault("P014", f'there is no list "{name}"', given[0], hint)
        return None
    kind = Type("list", of="text") if spec.kind == "text" else Type("list", of="entity", kind=spec.kind)
    return Listed(kind, typer.span(node), f"listed({name!r})", name, ())


def _any_in(typer: Typer, node: ast.Call) -> Node | None:
    given = _plain(typer, node, ("list field", "list"))
    if not given:
        return None
    values = group_of(typer, given[0], None, "the first argument of any_in")
    element = values.type.element if values is not None and values.type.base == "list" else None
    group = group_of(typer, given[1], element, "the second argument of any_in")
    if values is None or group is None:
        return None
    if isinstance(values, Listed) or not isinstance(group, Listed):
        typer.fault(
            "P030", "any_in takes a list field and a list to look in", node, 'any_in(event.urls, listed("..."))'
        )
        return None
    if not fits(typer, values, group, typer.span(node), element):
        return None
    return AnyIn(FLAG, typer.span(node), f"any_in({values.key}, {group.key})", values, group)


def _len(typer: Typer, node: ast.Call) -> Node | None:
    given = _plain(typer, node, ("list field",))
    value = typer.expression(given[0]) if given else None
    if value is None:
        return None
    if value.type.base != "list" or isinstance(value, Listed):
        hint = "write length(...) for the length of a text" if value.type == TEXT else ""
        typer.fault("P030", f"len counts the values of a list field, but this is {value.type.a}", node, hint)
        return None
    return Size(WHOLE, typer.span(node), f"len({value.key})", value)


def _money(typer: Typer, node: ast.Call) -> Node | None:
    if node.keywords or not node.args:
        typer.fault("P017", "money takes one amount for each currency", node, 'write money("500 SGD", "350 EUR")')
        return None
    amounts: dict[str, int] = {}
    for item in node.args:
        text = typer.literal_text(item, "an amount", node)
        if text is None:
            return None
        found = _AMOUNT.fullmatch(text)
        if found is None:
            typer.fault(
                "P035", f"not an amount of money: {text[:40]!r}", item, 'write it like "500 SGD" or "19.90 EUR"'
            )
            return None
        whole, fraction, currency = found[1], found[2] or "", found[3]
        exponent = currency_exponent(currency)
        if len(fraction) > exponent:
            typer.fault("P035", f"{currency} has {exponent} digits after the point", item)
            return None
        if currency in amounts:
            typer.fault("P035", f"two amounts in {currency}", item, "give one for each currency")
            return None
        minor = int(whole) * 10**exponent + int((fraction + "0" * exponent)[:exponent] or "0")
        if minor > WHOLE_LIMIT:
            typer.fault("P035", "an amount beyond 2**53 minor units", item, "no event can carry such an amount")
            return None
        amounts[currency] = minor
    key = f"money({', '.join(f'{amount} {code}' for code, amount in sorted(amounts.items()))})"
    return Amounts(Type("money"), typer.span(node), key, amounts)


def _minor(typer: Typer, node: ast.Call) -> Node | None:
    given = _plain(typer, node, ("amount",))
    value = typer.expression(given[0]) if given else None
    if value is None:
        return None
    if value.type.base != "money" or isinstance(value, Amounts):
        typer.fault("P030", f"minor takes an amount of money of the event, but this is {value.type.a}", node)
        return None
    return Minor(WHOLE if integral(value) else Type("number"), typer.span(node), f"minor({value.key})", value)


def _abs(typer: Typer, node: ast.Call) -> Node | None:
    given = _plain(typer, node, ("number",))
    value = typer.expression(given[0]) if given else None
    if value is None:
        return None
    if not (is_number(value.type) or value.type.base in ("duration", "money")) or isinstance(value, Amounts):
        typer.fault("P030", f"abs takes a number, a duration or money, but this is {value.type.a}", node)
        return None
    return Choice(value.type, typer.span(node), f"abs({value.key})", "abs", (value,))


def _extreme(typer: Typer, node: ast.Call) -> Node | None:
    given = _plain(typer, node, ("a", "b"), most=20)
    if not given:
        return None
    assert isinstance(node.func, ast.Name)
    found = [typer.expression(item) for item in given]
    parts = tuple(part for part in found if part is not None)
    if len(parts) != len(found):
        return None
    wanted = next((part.type for part in parts if part.type in (DURATION, TIME)), None)
    if wanted is not None:
        coerced = [
            typer.coerce(p, wanted, at) if isinstance(p, Const) else p for p, at in zip(parts, given, strict=True)
        ]
        parts = tuple(part for part in coerced if part is not None)
        if len(parts) != len(coerced):
            return None
    kinds = {part.type for part in parts}
    op = "min" if node.func.id == "min" else "max"
    if all(is_number(kind) for kind in kinds):
        kind = WHOLE if kinds == {WHOLE} else Type("number")
    elif len(kinds) == 1 and parts[0].type.base in ("duration", "time", "money") and not isinstance(parts[0], Amounts):
        kind = parts[0].type
    else:
        typer.fault("P030", f"{op} takes values of one type: numbers, durations, times or money of one currency", node)
        return None
    key = f"{op}({', '.join(part.key for part in parts)})"
    return Choice(kind, typer.span(node), key, "min" if op == "min" else "max", parts)


def _clock(typer: Typer, node: ast.Call) -> Node | None:
    given = _plain(typer, node, ("time", '"zone"'))
    if not given:
        return None
    assert isinstance(node.func, ast.Name)
    moment, zone = typer.expression(given[0]), typer.literal_text(given[1], "the zone", node)
    if moment is None or zone is None:
        return None
    if moment.type != TIME:
        typer.fault("P030", f"{node.func.id} takes a time, but this is {moment.type.a}", given[0], "such as event.time")
        return None
    if zone_of(zone) is None:
        hint = 'write an offset such as "+08:00", "UTC", or a zone such as "Asia/Singapore"'
        typer.fault("P037", f"unknown time zone {zone[:40]!r}", given[1], hint)
        return None
    unit = "hour" if node.func.id == "hour" else "weekday"
    key = f"{unit}({moment.key}, {zone!r})"
    return Clock(WHOLE, typer.span(node), key, "hour" if unit == "hour" else "weekday", moment, zone)


def _registered(typer: Typer, name: str, node: ast.Call) -> Node | None:
    function = typer.work.functions[name]
    names = tuple(argument for argument, _ in function.arguments)
    given = _plain(typer, node, names)
    if given is None:
        return None
    values: list[Node] = []
    literals: list[Any] = []
    for (argument, kind), item in zip(function.arguments, given, strict=True):
        if kind == "literal text":
            literals.append(typer.literal_text(item, argument, node))
        elif kind == "literal texts":
            literals.append(_texts(typer, item, argument))
        else:
            value = _argument(typer, name, argument, parse_type(kind), item)
            if value is not None:
                values.append(value)
    if None in literals or len(values) + len(literals) != len(function.arguments):
        return None
    made = function.call
    if function.prepare is not None:
        try:
            made = function.prepare(*literals)
        except ValueError as wrong:
            at = given[len(values)]
            code = "P036" if name == "matches" else "P017"
            what = "the regular expression cannot be used" if name == "matches" else f"{name} cannot use this"
            hint = "it is RE2 syntax: no look-around, no back-references" if name == "matches" else ""
            typer.fault(code, f"{what}: {str(wrong)[:200]}", at, hint)
            return None
    assert made is not None
    shown = [*(value.key for value in values), *(literal_key(literal) for literal in literals)]
    key = f"{name}({', '.join(shown)})"
    return Call(parse_type(function.result), typer.span(node), key, function, tuple(values), tuple(literals), made)


def _texts(typer: Typer, item: ast.expr, argument: str) -> tuple[str, ...] | None:
    if not isinstance(item, (ast.List, ast.Tuple, ast.Set)):
        text = typer.literal_text(item, argument, item)
        texts: tuple[str, ...] | None = None if text is None else (text,)
    elif not item.elts:
        typer.fault("P039", "an empty list: nothing is ever in it", item)
        return None
    else:
        found = [typer.literal_text(element, f"each of {argument}", item) for element in item.elts]
        texts = None if None in found else tuple(text for text in found if text is not None)
    if texts is None:
        return None
    if "" in texts:
        typer.fault("P008", "an empty text, which every text contains", item)
        return None
    return tuple(dict.fromkeys(texts))


def _argument(typer: Typer, name: str, argument: str, kind: Type, item: ast.expr) -> Node | None:
    value = typer.expression(item)
    if value is None:
        return None
    if isinstance(value, Const):
        value = typer.coerce(value, kind, item)
        if value is None:
            return None
    fits = (
        value.type == kind
        or (kind == TEXT and value.type.base == "entity")
        or (kind.base == "number" and value.type.base == "whole")
    )
    if isinstance(value, (Amounts, Listed)) or not fits:
        typer.fault("P030", f"{name} takes {kind.a} as {argument}, but this is {value.type.a}", item)
        return None
    return value


_FORMS: dict[str, Callable[[Typer, ast.Call], Node | None]] = {
    "present": _present,
    "labelled": _labelled,
    "listed": _listed,
    "any_in": _any_in,
    "len": _len,
    "money": _money,
    "minor": _minor,
    "abs": _abs,
    "min": _extreme,
    "max": _extreme,
    "hour": _clock,
    "weekday": _clock,
}
