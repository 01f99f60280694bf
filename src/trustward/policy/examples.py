"""The examples of a rule: events that must (hits) and must not (misses) match, written as literals."""

from __future__ import annotations

import ast
import math
from typing import Any

from trustward.base.units import format_time, parse_duration, parse_time
from trustward.model.catalogue import WHOLE_LIMIT, Field
from trustward.policy.faults import Span, nearest, one_of
from trustward.policy.rules import Example, Given, Step
from trustward.policy.source import Source
from trustward.policy.workspace import Workspace

START = "2026-01-05T12:00:00Z"
"""The time of the first event of an example that gives none (a Monday)."""
MAX_STEPS = 20_000
"""The most events in one example."""
MAX_ALL_STEPS = 100_000
"""The most events in all examples of a policy."""
MAX_EXAMPLE_SIZE = 20_000_000
"""The most characters in all examples of a policy."""
_FEWER = "use fewer examples, or repeat less often"
_GAP_US = 1_000_000
_KINDS: dict[str, str] = {
    "text": "a text",
    "entity": "a text",
    "time": 'a time such as "2026-01-31T12:00:00Z"',
    "number": "a number",
    "duration": "a number of seconds",
    "whole": "a whole number",
    "money": "a whole number of minor units",
    "flag": "True or False",
    "list": "a list of texts",
}


class _WrongError(Exception):
    """A fault has been recorded; the example is given up."""


class ExampleReader:
    """Reads ``hits=[...]`` or ``misses=[...]`` of one rule whose events default to ``default`` type."""

    def __init__(self, work: Workspace, source: Source, default: str, types: tuple[str, ...]) -> None:
        self.work = work
        self.source = source
        self.default = default
        self.types = types

    def fault(self, message: str, node: ast.AST, hint: str = "", code: str = "P056") -> _WrongError:
        """Record a fault; raise what comes back."""
        self.work.faults.add(code, message, Span.of(self.source, node), hint)
        return _WrongError()

    def examples(self, node: ast.expr, *, hit: bool) -> tuple[Example, ...]:
        """All examples of a list; faulty ones are recorded and left out."""
        what = "hits" if hit else "misses"
        if not isinstance(node, (ast.List, ast.Tuple)):
            self.fault(f"{what} must be a list of examples", node, f'write {what}=[{{"sender": "a1"}}]')
            return ()
        if not node.elts:
            self.fault(
                f"a rule needs at least one example in {what}",
                node,
                "an example is one event, or a list of events",
                "P050",
            )
            return ()
        found: list[Example] = []
        for item in node.elts:
            try:
                found.append(self._example(item, hit=hit))
            except _WrongError:
                continue
        return tuple(found)

    def _example(self, node: ast.expr, *, hit: bool) -> Example:
        span = Span.of(self.source, node)
        place = f"{span.source.name}:{span.line}"
        items = node.elts if isinstance(node, (ast.List, ast.Tuple)) else [node]
        given: list[Given] = []
        steps: list[Step] = []
        clock = parse_time(START) - _GAP_US
        for item in items:
            if isinstance(item, ast.Dict):
                clock = self._event(item, steps, clock, _GAP_US, None)
            elif isinstance(item, ast.Call) and isinstance(item.func, ast.Name) and item.func.id == "repeat":
                clock = self._repeat(item, steps, clock)
            elif isinstance(item, ast.Call) and isinstance(item.func, ast.Name) and item.func.id == "given":
                given.append(self._given(item))
            else:
                raise self.fault(
                    "an example is made of events, repeat(...) and given(...)",
                    item,
                    'an event is written {"field": value}',
                )
        if not steps:
            raise self.fault("an example without an event", node)
        if steps[-1].fields["type"] not in self.types:
            last = steps[-1].fields["type"]
            raise self.fault(f"the last event of an example must be one the rule is on, but it is {last}", items[-1])
        return Example(hit, tuple(given), tuple(steps), place)

    # ------------------------------------------------------------------ events

    def _event(self, node: ast.Dict, steps: list[Step], clock: int, gap: int, number: int | None) -> int:
        """Add one event; its time in microseconds."""
        raw: dict[str, tuple[Any, ast.AST]] = {}
        keys: dict[str, ast.expr] = {}
        for key, value in zip(node.keys, node.values, strict=True):
            if not (isinstance(key, ast.Constant) and isinstance(key.value, str)):
                raise self.fault("the fields of an event are named by texts", key or node)
            if key.value in raw:
                raise self.fault(f'"{key.value}" is given twice', key, code="P018")
            raw[key.value] = (self._literal(value, number), value)
            keys[key.value] = key
        type_name, type_at = raw.pop("type", (self.default, node))
        if not isinstance(type_name, str) or type_name not in self.work.catalogue.types:
            hint = nearest(str(type_name), self.work.catalogue.types)
            raise self.fault(f'there is no event type "{str(type_name)[:60]}"', type_at, hint, "P013")
        identity, id_at = raw.pop("id", (f"x{len(steps) + 1}", node))
        if not isinstance(identity, str) or not 0 < len(identity) <= 256:
            raise self.fault("an id is a text of 1 to 256 characters", id_at)
        time = self._time(raw.pop("time", None), clock, gap)
        fields: dict[str, Any] = {"id": identity, "type": type_name, "time": self._written(time, node)}
        known = self.work.catalogue.types[type_name].fields
        for name, (value, at) in raw.items():
            if name == "source" and isinstance(value, str):
                fields[name] = value
                continue
            field = known.get(name)
            if field is None:
                hint = nearest(name, known) or f"its fields: {one_of(known, 40)}"
                raise self.fault(f"{type_name} has no field {name[:60]}", keys[name], hint, "P012")
            fields[name] = self._fitting(field, value, at)
        missing = [field.name for field in known.values() if field.required and field.name not in fields]
        if missing:
            raise self.fault(f"{type_name} needs {', '.join(missing)}", node, 'add "' + missing[0] + '": ...')
        steps.append(Step(fields))
        self._bounded(fields, steps, node)
        return time

    def _bounded(self, fields: dict[str, Any], steps: list[Step], node: ast.AST) -> None:
        """Keep examples small: one may repeat an event often, and there may be many."""
        work = self.work
        work.steps += 1
        work.example_size += sum(len(value) for value in fields.values() if isinstance(value, (str, list)))
        if len(steps) > MAX_STEPS:
            raise self.fault(f"an example of more than {MAX_STEPS:,} events", node, code="P003")
        if work.steps > MAX_ALL_STEPS:
            raise self.fault(f"more than {MAX_ALL_STEPS:,} events in the examples of a policy", node, _FEWER, "P003")
        if work.example_size > MAX_EXAMPLE_SIZE:
            message = f"more than {MAX_EXAMPLE_SIZE:,} characters in the examples of a policy"
            raise self.fault(message, node, _FEWER, "P003")

    def _written(self, time: int, node: ast.AST) -> str:
        try:
            return format_time(time)
        except OverflowError:
            raise self.fault("a time outside the calendar", node) from None

    def _time(self, given: tuple[Any, ast.AST] | None, clock: int, gap: int) -> int:
        if given is None:
            return clock + gap
        value, at = given
        if not isinstance(value, str):
            raise self.fault("a time is a text", at, 'write "+5m" for five minutes after the one before')
        try:
            return clock + parse_duration(value[1:]) if value.startswith("+") else parse_time(value)
        except ValueError as wrong:
            cause, _, remedy = str(wrong).partition(" (")
            raise self.fault(cause, at, remedy.removesuffix(")"), "P034") from None

    def _fitting(self, field: Field, value: Any, at: ast.AST) -> Any:
        right = {
            "text": isinstance(value, str),
            "entity": isinstance(value, str),
            "time": isinstance(value, str),
            "number": isinstance(value, (int, float)) and not isinstance(value, bool),
            "duration": isinstance(value, (int, float)) and not isinstance(value, bool),
            "whole": isinstance(value, int) and not isinstance(value, bool),
            "money": isinstance(value, int) and not isinstance(value, bool),
            "flag": isinstance(value, bool),
            "list": isinstance(value, list) and all(isinstance(item, str) for item in value),
        }[field.type]
        if not right:
            raise self.fault(f"{field.name} is {_KINDS[field.type]}", at)
        if field.type == "time":
            try:
                parse_time(value)
            except ValueError as wrong:
                raise self.fault(str(wrong), at, code="P034") from None
        if isinstance(value, (int, float)) and not isinstance(value, bool) and not abs(value) <= WHOLE_LIMIT:
            raise self.fault("a number that no event can carry", at, code="P008")
        return float(value) if field.type in ("number", "duration") else value

    def _literal(self, node: ast.expr, number: int | None) -> Any:
        if isinstance(node, ast.Constant) and isinstance(node.value, (str, bool, int, float)):
            value = node.value
            if isinstance(value, str):
                if any("\ud800" <= c <= "\udfff" for c in value):
                    raise self.fault("a text with a lone surrogate, which no event can carry", node, code="P008")
                return value if number is None else value.replace("{n}", str(number))
            if isinstance(value, float) and not math.isfinite(value):
                raise self.fault("a number that is too large", node, code="P008")
            return value
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            value = self._literal(node.operand, number)
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                return -value
        if isinstance(node, (ast.List, ast.Tuple)):
            return [self._literal(item, number) for item in node.elts]
        if isinstance(node, ast.Constant) and node.value is None:
            raise self.fault("None is not a value", node, "leave the field out")
        raise self.fault(
            "the values of an example are written out", node, "as texts, numbers, True, False or lists of texts"
        )

    # ------------------------------------------------------------------ helpers of examples

    def _repeat(self, node: ast.Call, steps: list[Step], clock: int) -> int:
        shape = 'repeat(30, {"recipient": "r{n}"}, every="1m")'
        every = _GAP_US
        for keyword in node.keywords:
            if (
                keyword.arg != "every"
                or not isinstance(keyword.value, ast.Constant)
                or not isinstance(keyword.value.value, str)
            ):
                raise self.fault(f"repeat has no argument {keyword.arg}", keyword, f"write {shape}", "P017")
            try:
                every = parse_duration(keyword.value.value)
            except ValueError as wrong:
                cause, _, remedy = str(wrong).partition(" (")
                raise self.fault(cause, keyword.value, remedy.removesuffix(")"), "P034") from None
        if len(node.args) != 2 or not isinstance(node.args[1], ast.Dict):
            raise self.fault("repeat takes how often, and an event", node, f"write {shape}", "P017")
        times = node.args[0]
        if not (isinstance(times, ast.Constant) and isinstance(times.value, int) and 1 <= times.value <= MAX_STEPS):
            raise self.fault(f"repeat takes a whole number from 1 to {MAX_STEPS:,}", times, f"write {shape}")
        for number in range(1, times.value + 1):
            clock = self._event(node.args[1], steps, clock, every, number)
        return clock

    def _given(self, node: ast.Call) -> Given:
        shape = 'given(labelled("account", "a1", "spammer")) or given(listed("partners", "a1"))'
        inner = node.args[0] if len(node.args) == 1 and not node.keywords else None
        if not isinstance(inner, ast.Call) or not isinstance(inner.func, ast.Name) or inner.keywords:
            raise self.fault("given takes a label or a value on a list", node, f"write {shape}", "P017")
        texts = [item.value for item in inner.args if isinstance(item, ast.Constant) and isinstance(item.value, str)]
        if len(texts) != len(inner.args):
            raise self.fault("given takes texts written out", inner, f"write {shape}", "P038")
        if inner.func.id == "labelled" and len(texts) == 3:
            if texts[0] not in self.work.catalogue.kinds:
                raise self.fault(
                    f'there is no kind "{texts[0][:60]}"', inner.args[0], nearest(texts[0], self.work.catalogue.kinds)
                )
            return Given("label", tuple(texts))
        if inner.func.id == "listed" and len(texts) == 2:
            if texts[0] not in self.work.lists:
                raise self.fault(
                    f'there is no list "{texts[0][:60]}"', inner.args[0], nearest(texts[0], self.work.lists), "P014"
                )
            return Given("list", tuple(texts))
        raise self.fault("given takes a label or a value on a list", inner, f"write {shape}", "P017")
