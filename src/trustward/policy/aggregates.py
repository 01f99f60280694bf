"""Calls of windowed functions: from syntax to features and their readings."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

from trustward.model.catalogue import EventType
from trustward.policy import analysis
from trustward.policy.carry import integral
from trustward.policy.faults import nearest, one_of
from trustward.policy.features import NEVER_MISSING, SHAPES, Feature, Feed
from trustward.policy.logic import conjuncts, normalise
from trustward.policy.nodes import All, Attribute, Compare, Const, Node, Present, Reading
from trustward.policy.types import DURATION, FLAG, NUMBER, WHOLE, Type, entity

if TYPE_CHECKING:
    from trustward.policy.expressions import Typer
    from trustward.windows.plan import Carried

_TAKES_VALUE = frozenset({"total", "mean", "distinct", "largest", "smallest", "previous"})
_TAKES_WINDOW = frozenset({"count", "total", "mean", "distinct", "largest", "smallest", "surge", "significance"})
_TAKES_DELAY = frozenset({"count", "total", "mean"})
_TAKES_KEPT = frozenset({"age", "since", "previous"})
_TAKES_BASELINE = frozenset({"surge", "significance"})
MAX_WINDOW = "3660d"
_MAX_WINDOW_US = 3660 * 86_400_000_000


def _allowed(name: str) -> list[str]:
    allowed = ["by"]
    if name in _TAKES_WINDOW:
        allowed.append("within")
    if name in _TAKES_BASELINE:
        allowed.append("baseline")
    allowed += ["of", "where"]
    if name in _TAKES_KEPT:
        allowed.append("kept")
    if name in _TAKES_DELAY:
        allowed.append("delay")
    return allowed


def aggregate(typer: Typer, name: str, node: ast.Call) -> Node | None:
    """A windowed function called in an expression: the feature, read on this event type."""
    if typer.inside:
        typer.fault_at_use(
            "P042",
            f"a feature cannot stand in {typer.inside}",
            node,
            "features are made of fields, not of other features",
        )
        return None
    given = {keyword.arg: keyword.value for keyword in node.keywords if keyword.arg is not None}
    allowed = _allowed(name)
    for keyword in node.keywords:
        if keyword.arg not in allowed:
            hint = nearest(keyword.arg or "", allowed) or f"{name} takes {', '.join(allowed)}"
            typer.fault("P017", f"{name} has no argument {keyword.arg}", keyword, hint)
            return None
    if name == "age" and len(node.args) == 1 and given.keys() <= {"kept"}:
        return _age_of_entity(typer, node, given)
    if len(node.args) != (1 if name in _TAKES_VALUE else 0):
        what = "takes one value first, then by=..." if name in _TAKES_VALUE else "takes no value, only by=..."
        typer.fault("P017", f"{name} {what}", node, f"such as {SHAPES[name]}")
        return None
    for needed in (
        "by",
        *(("within",) if name in _TAKES_WINDOW else ()),
        *(("baseline",) if name in _TAKES_BASELINE else ()),
    ):
        if needed not in given:
            typer.fault("P017", f"{name} needs {needed}=", node, f"such as {SHAPES[name]}")
            return None
    feature = _feature(typer, name, node, given)
    if feature is None:
        return None
    keys = _own_keys(typer, feature, given["by"], node)
    return None if keys is None else _reading(typer, feature, keys, node)


# ---------------------------------------------------------------- the feature itself


def _feature(typer: Typer, name: str, node: ast.Call, given: dict[str, ast.expr]) -> Feature | None:
    windows = _windows(typer, name, node, given)
    types = _feeding_types(typer, node, given)
    if windows is None or types is None:
        return None
    window, baseline, delay = windows
    feeds: dict[str, tuple[Feed, ...]] = {}
    for event_type in types:
        feed = _feed(typer, name, event_type, node, given, later=delay > 0)
        if feed is None:
            return None
        feeds[event_type.name] = (feed,)
    first = next(iter(feeds.values()))[0]
    for other_name, (other,) in feeds.items():
        if [key.type for key in other.key] != [key.type for key in first.key]:
            message = (
                f"the key is {_types_text(first.key)} on {types[0].name}, but {_types_text(other.key)} on {other_name}"
            )
            typer.fault("P044", message, given["by"], "make two features, or name fields that say the same")
            return None
        if (other.value is None) != (first.value is None) or (
            other.value is not None and first.value is not None and other.value.type != first.value.type
        ):
            typer.fault("P030", f"the value has another type on {other_name} than on {types[0].name}", node.args[0])
            return None
    return _assemble(typer, name, node, feeds, (window, baseline, delay))


def _assemble(
    typer: Typer, name: str, node: ast.Call, feeds: dict[str, tuple[Feed, ...]], windows: tuple[int, int, int]
) -> Feature | None:
    first = next(iter(feeds.values()))[0]
    window, baseline, delay = windows
    of = ", ".join(sorted(feeds))
    condition = _where_key(feeds)
    key_text = ", ".join(key.key for key in first.key)
    stream = f"({key_text}) of {of}{condition}"
    if window and name in _TAKES_KEPT:
        # A log of its own, or how long it is kept would hang on the windows of other rules.
        stream += f" kept {window}"
    kind = _result_type(typer, name, node, first)
    if kind is None:
        return None
    value_key = ""
    carried: Carried | None = None
    if first.value is not None:
        value_key = first.value.key
        carried = _value_carried(name, first.value)
    result: Literal["whole", "float"] = (
        "float" if name in ("mean", "surge", "significance") or (carried == "float") else "whole"
    )
    identity = f"{name} {value_key} of {stream} in {window} against {baseline} after {delay}"
    keyspaces = tuple(keyspace_of(key) for key in first.key)
    made = Feature(
        id=identity,
        stream=stream,
        keyspace=keyspaces[0] if len(keyspaces) == 1 else f"({', '.join(keyspaces)})",
        aggregate=name,  # type: ignore[arg-type]
        type=kind,
        carried=result,
        keyspaces=keyspaces,
        key_types=tuple(key.type.element if key.type.base == "list" else key.type for key in first.key),
        key_texts=tuple(key.key for key in first.key),
        feeds=feeds,
        value_key=value_key,
        value_carried=carried,
        window=window,
        baseline=baseline,
        delay=delay,
        text=" ".join(typer.span(node).text.split()),
    )
    return typer.work.features.setdefault(made.id, made)


def _where_key(feeds: dict[str, tuple[Feed, ...]]) -> str:
    """The condition of a stream as a part of its name; on several types it can differ by what is required there."""
    keys = {name: feed.where.key for name, (feed,) in sorted(feeds.items()) if feed.where is not None}
    if not keys:
        return ""
    if len(keys) == len(feeds) and len(set(keys.values())) == 1:
        return f" where {next(iter(keys.values()))}"
    return f" where {', '.join(f'{key} on {name}' for name, key in keys.items())}"


def keyspace_of(key: Node) -> str:
    """What a key's values are: an entity kind, or the expression that makes them."""
    kind = key.type.element if key.type.base == "list" else key.type
    return kind.kind if kind.base == "entity" else f"{kind.base}:{key.key}"


def _types_text(key: Iterable[Node]) -> str:
    return ", ".join(str(part.type) for part in key)


def _value_carried(name: str, value: Node) -> Carried:
    if name == "distinct":
        return "hash"
    return "whole" if integral(value) else "float"


def _result_type(typer: Typer, name: str, node: ast.Call, feed: Feed) -> Type | None:
    if name in ("count", "distinct"):
        return WHOLE
    if name in ("age", "since"):
        return DURATION
    if name in ("surge", "significance"):
        return NUMBER
    assert feed.value is not None
    kind = feed.value.type
    if kind.base != "money":
        return NUMBER if name == "mean" and kind == WHOLE else kind
    # Amounts of several currencies cannot be added up: the condition or the key must tell them apart.
    for part in conjuncts(feed.where) if feed.where is not None else ():
        if isinstance(part, Compare) and part.op == "==":
            sides = {part.left.key: part.right, part.right.key: part.left}
            fixed = sides.get(kind.currency)
            if isinstance(fixed, Const):
                return Type("money", currency=f"'{fixed.value}'")
    if kind.currency in [key.key for key in feed.key]:
        return kind
    typer.fault(
        "P033",
        f"{name} would mix amounts of different currencies",
        node,
        f'add where={kind.currency} == "SGD", or {kind.currency} to the key, or take minor(...) of the amount',
    )
    return None


def _windows(typer: Typer, name: str, node: ast.Call, given: dict[str, ast.expr]) -> tuple[int, int, int] | None:
    found: dict[str, int] = {"within": 0, "baseline": 0, "delay": 0, "kept": 0}
    for which in found:
        if which not in given:
            continue
        value = typer.duration(given[which], which, node)
        if value is None:
            return None
        if not 0 < value <= _MAX_WINDOW_US:
            typer.fault("P043", f"{which} must be more than 0 and at most {MAX_WINDOW}", given[which])
            return None
        found[which] = value
    if name in _TAKES_BASELINE and found["baseline"] <= found["within"]:
        typer.fault("P043", "the baseline must be longer than the window", given["baseline"])
        return None
    return found["within"] or found["kept"], found["baseline"], found["delay"]


def _feeding_types(typer: Typer, node: ast.Call, given: dict[str, ast.expr]) -> list[EventType] | None:
    catalogue = typer.work.catalogue.types
    if "of" in given:
        names = type_names(typer, given["of"], "of")
        return None if names is None else [catalogue[name] for name in names]
    parts = [given["by"], *node.args, *([given["where"]] if "where" in given else [])]
    fields = mentioned_fields(typer, parts)
    fitting = [t for t in catalogue.values() if all(field in t.fields for field in fields)]
    if len(fitting) == 1:
        return fitting
    if not fitting:
        typer.fault(
            "P040", f"no event type has all of {', '.join(sorted(fields))}", node, "name the types that feed it: of=..."
        )
        return None
    shown = one_of([t.name for t in fitting], 6)
    typer.fault("P040", "it does not say which events feed it", node, f"add of=...; its fields are in {shown}")
    return None


def type_names(typer: Typer, node: ast.expr, what: str) -> list[str] | None:
    """Event types written as a text or a list of texts; None after a fault."""
    items = node.elts if isinstance(node, (ast.List, ast.Tuple, ast.Set)) else [node]
    if not items:
        typer.fault("P039", f"{what} names no event type", node)
        return None
    names: list[str] = []
    failed = False
    for item in items:
        name = typer.literal_text(item, f"an event type in {what}", node)
        if name is None:
            failed = True
        elif name not in typer.work.catalogue.types:
            hint = nearest(name, typer.work.catalogue.types) or "`trustward events list` shows all"
            typer.fault("P013", f'there is no event type "{name}"', item, hint)
            failed = True
        elif name in names:
            typer.fault("P018", f'"{name}" is named twice', item)
            failed = True
        else:
            names.append(name)
    return None if failed else names


def mentioned_fields(typer: Typer, parts: Iterable[ast.expr]) -> set[str]:
    """The fields that some syntax mentions, through names as well."""
    fields: set[str] = set()
    seen: set[str] = set()
    todo: list[ast.AST] = list(parts)
    while todo:
        for node in ast.walk(todo.pop()):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "event":
                if node.attr not in ("id", "time"):
                    fields.add(node.attr)
            elif isinstance(node, ast.Name) and node.id in typer.work.names and node.id not in seen:
                seen.add(node.id)
                todo.append(typer.work.names[node.id].expression)
    return fields


def _feed(
    typer: Typer, name: str, scope: EventType, node: ast.Call, given: dict[str, ast.expr], *, later: bool
) -> Feed | None:
    key = _key_parts(typer.on(scope, inside="by="), given["by"])
    where = value = None
    if "where" in given:
        inner = typer.on(scope, inside="where=", later=later)
        where = inner.condition(given["where"], "where=")
        if where is None:
            return None
        where = normalise(where)
        analysis.check(typer.work.faults, where)
    if node.args:
        inner = typer.on(scope, inside="a feature's value", later=later)
        value = _value(inner, name, node.args[0])
        if value is None:
            return None
    if name == "mean" and later and value is not None and not (isinstance(value, Attribute) and value.required):
        # A delayed mean is a total by a count: both must be of the events that have a value.
        there = Present(FLAG, value.span, f"present({value.key})", value)
        parts = (there,) if where is None else (there, *conjuncts(where))
        where = parts[0] if len(parts) == 1 else All(FLAG, value.span, _joined(parts), parts)
    return None if key is None else Feed(key, where, value)


def _joined(parts: tuple[Node, ...]) -> str:
    return f"({' and '.join(part.key for part in parts)})"


def _key_parts(typer: Typer, node: ast.expr) -> tuple[Node, ...] | None:
    items = node.elts if isinstance(node, (ast.Tuple, ast.List)) else [node]
    if not 1 <= len(items) <= 4:
        typer.fault("P044", "a key has one to four parts", node)
        return None
    parts: list[Node] = []
    lists = 0
    for item in items:
        part = typer.expression(item)
        if part is None:
            return None
        if part.type.base == "list":
            lists += 1
        elif part.type.base not in ("text", "entity", "whole"):
            typer.fault("P044", f"{part.type.a} cannot be a key", item, "a key is an entity, a text or a whole number")
            return None
        if isinstance(part, Const):
            typer.fault("P044", "a fixed value cannot be a key: every event would have it", item)
            return None
        parts.append(part)
    if lists > 1:
        typer.fault("P044", "only one part of a key can be a list", node)
        return None
    if len({part.key for part in parts}) < len(parts):
        typer.fault("P044", "a key names the same value twice", node)
        return None
    return tuple(parts)


def _value(typer: Typer, name: str, node: ast.expr) -> Node | None:
    value = typer.expression(node)
    if value is None:
        return None
    allowed = ("text", "entity", "whole") if name == "distinct" else ("number", "whole", "money", "duration")
    if value.type.base not in allowed or isinstance(value, Const):
        hint = (
            "distinct counts entities, texts and whole numbers"
            if name == "distinct"
            else "it takes numbers, money and durations"
        )
        typer.fault("P030", f"{name} cannot be taken of {value.type.a}", node, hint)
        return None
    return value


# ---------------------------------------------------------------- readings


def _age_of_entity(typer: Typer, node: ast.Call, given: dict[str, ast.expr]) -> Node | None:
    """``age(event.sender)``: since any event that names the entity, in whichever field, was first seen."""
    key = typer.expression(node.args[0])
    if key is None:
        return None
    if key.type.base != "entity" or isinstance(key, Const):
        typer.fault("P044", f"only an entity has an age, but this is {key.type.a}", node.args[0])
        return None
    windows = _windows(typer, "age", node, given)
    if windows is None:
        return None
    kept = f" kept {windows[0]}" if windows[0] else ""
    kind = key.type.kind
    feeds: dict[str, tuple[Feed, ...]] = {}
    for event_type in typer.work.catalogue.types.values():
        found = [
            Feed((typer.on(event_type, inside="by=", later=True).field(field.name, node) or key,))
            for field in event_type.fields.values()
            if field.kind == kind
        ]
        if found:
            feeds[event_type.name] = tuple(found)
    made = Feature(
        id=f"age of {kind}{kept}",
        stream=f"every {kind}{kept}",
        keyspace=kind,
        aggregate="age",
        type=DURATION,
        carried="whole",
        keyspaces=(kind,),
        key_types=(entity(kind),),
        key_texts=(key.key,),
        feeds=feeds,
        window=windows[0],
        text=" ".join(typer.span(node).text.split()),
    )
    feature = typer.work.features.setdefault(made.id, made)
    return _reading(typer, feature, (key,), node)


def _own_keys(typer: Typer, feature: Feature, by: ast.expr, node: ast.expr) -> tuple[Node, ...] | None:
    """The feature's own key, on the event type that reads it."""
    missing = sorted(f for f in mentioned_fields(typer, [by]) if f not in typer.scope.fields)
    if missing:
        hint = "give the feature a name and call it with the right field: name(event.FIELD)"
        fields = [f.name for f in typer.scope.fields.values() if f.kind and f.kind == feature.key_types[0].kind]
        if fields:
            hint = f"give the feature a name and call it with the right field: name(event.{fields[0]})"
        message = f"it cannot be read on {typer.scope.name}, which has no {', '.join(missing)}"
        typer.fault_at_use("P041", message, node, hint)
        return None
    keys = _key_parts(typer.on(typer.scope, inside="by="), by)
    if keys is None:
        return None
    return keys if _keys_fit(typer, feature, keys, node) else None


def _keys_fit(typer: Typer, feature: Feature, keys: tuple[Node, ...], node: ast.AST) -> bool:
    if len(keys) != len(feature.key_types):
        typer.fault("P045", f"its key has {len(feature.key_types)} parts, {len(keys)} given", node)
        return False
    for key, kind in zip(keys, feature.key_types, strict=True):
        held = key.type.element if key.type.base == "list" else key.type
        if held != kind:
            typer.fault("P045", f"its key is {kind.a}, but this is {held.a}", node)
            return False
    return True


def _reading(typer: Typer, feature: Feature, keys: tuple[Node, ...], node: ast.AST) -> Reading:
    certain = feature.aggregate in NEVER_MISSING and all(isinstance(key, Attribute) and key.required for key in keys)
    kind = feature.type
    currency: Node | None = None
    if kind.base == "money" and kind.currency.startswith("'"):
        currency = Const(Type("text"), typer.span(node), kind.currency, kind.currency.strip("'"))
    elif kind.base == "money":
        currency = keys[feature.key_texts.index(kind.currency)]
        kind = kind._replace(currency=currency.key)
    shown = f"{feature.id} @ {', '.join(key.key for key in keys)}"
    return Reading(kind, typer.span(node), shown, feature, keys, certain, currency)


def reread(typer: Typer, name: str, node: ast.Call) -> Node | None:
    """``name(event.payer)``: a named feature read for the entity in another field."""
    named = typer.work.names[name]
    typer.work.used.add(name)
    if not isinstance(named.expression, ast.Call):
        typer.fault("P011", f"{name} is not a feature, so it cannot be called", node, f"write {name} alone")
        return None
    if typer.inside:
        typer.fault_at_use(
            "P042",
            f"a feature cannot stand in {typer.inside}",
            node,
            "features are made of fields, not of other features",
        )
        return None
    if node.keywords or not node.args:
        typer.fault("P045", f"{name} is called with the key to read it for", node, f"such as {name}(event.FIELD)")
        return None
    feature = _defined_feature(typer, name)
    if feature is None:
        return None
    by = ast.copy_location(ast.Tuple(elts=list(node.args), ctx=ast.Load()), node)
    keys = _key_parts(typer.on(typer.scope, inside="a feature's key"), by)
    if keys is None or not _keys_fit(typer, feature, keys, node):
        return None
    return _reading(typer, feature, keys, node)


def _defined_feature(typer: Typer, name: str) -> Feature | None:
    """The feature behind a name, whether or not it can be read under its own key here."""
    named = typer.work.names[name]
    call = named.expression
    assert isinstance(call, ast.Call)
    if not isinstance(call.func, ast.Name) or call.func.id not in SHAPES:
        typer.fault("P011", f"{name} is not a feature, so it cannot be called", call)
        return None
    function = call.func.id
    given = {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg is not None}
    home = _home(typer, call, given)
    if home is None:
        # Its own faults are found where it is defined.
        typer.named(name, call)
        return None
    outer = typer.on(home, source=named.source)
    found = outer.expression(call) if function == "age" or "by" in given else None
    return found.feature if isinstance(found, Reading) else None


def _home(typer: Typer, call: ast.Call, given: dict[str, ast.expr]) -> EventType | None:
    """An event type on which the feature can be read under its own key: one that feeds it."""
    catalogue = typer.work.catalogue.types
    if "of" in given:
        items = given["of"].elts if isinstance(given["of"], (ast.List, ast.Tuple, ast.Set)) else [given["of"]]
        for item in items:
            if isinstance(item, ast.Constant) and isinstance(item.value, str) and item.value in catalogue:
                return catalogue[item.value]
        return None
    fields = mentioned_fields(typer, [call])
    return next((t for t in catalogue.values() if all(field in t.fields for field in fields)), None)
