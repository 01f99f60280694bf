"""What is wrong with one record: the slow and exact way, taken only by records that do not decode."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from trustward.exchange.records import safe_text
from trustward.exchange.values import NOT_A_NUMBER, TOO_LARGE, Wrong, check, describe
from trustward.model.catalogue import Catalogue, EventType, Field
from trustward.model.decision import Fault
from trustward.model.event import ID_LIMIT, Event
from trustward.model.nearest import NameIndex

DEPTH_LIMIT = 64
"""Most levels of lists and objects in one another."""
FAULT_LIMIT = 16
"""Most faults that are told of one record."""

ENVELOPE = ("id", "type", "time", "source", "truth")

_SAID_ONCE = frozenset({"id", "type", "time", "specversion", "data"})
TWICE = "given more than once"
_TEXT = Field(name="", type="text")
_OPTIONAL = (Field(name="source", type="text"), Field(name="truth", type="text"))
_BRACKETS = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[\[{]|[\]}]', re.DOTALL)
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,59}")
_LONGEST_WHOLE = 400
"""Digits beyond which a whole number is too large for any field; converting longer ones would be slow."""


class UnusableError(Exception):
    """A record that gives no event: where the fault is, and why."""

    def __init__(self, path: str, cause: str) -> None:
        super().__init__(cause)
        self.path = path
        self.cause = cause


class Diagnosis(NamedTuple):
    """An event without its faulty fields, and what was wrong with them."""

    event: Event
    faults: tuple[Fault, ...]


class _Object(dict[str, Any]):
    """A JSON object that remembers the keys that it was given twice."""

    doubled: tuple[str, ...] = ()


class Diagnoser:
    """Reads one record at a time, tolerating what can be tolerated and naming the rest."""

    def __init__(self, catalogue: Catalogue, classes: Mapping[str, type[Event]]) -> None:
        self._types = catalogue.types
        self._classes = classes
        self._type_index: NameIndex | None = None
        self._field_indexes: dict[str, NameIndex] = {}

    def line(self, line: bytes) -> Diagnosis:
        """The event of one line, with its faults (there may be none). Raises ``UnusableError``."""
        record = parse_object(line)
        for key in record.doubled:
            if key in _SAID_ONCE:
                raise UnusableError(path_of(key), TWICE)
        faults = [Fault(path=path_of(key), cause=TWICE) for key in record.doubled]
        if "specversion" in record:
            record, faults = self._unwrap(record, faults)
        return self.record(record, faults, given=set(record))

    def _unwrap(self, record: _Object, faults: list[Fault]) -> tuple[_Object, list[Fault]]:
        """The flat form of a CloudEvents envelope; attributes beyond the known ones are extensions and drop out."""
        version = record["specversion"]
        if version != "1.0":
            raise UnusableError("$.specversion", f"expected CloudEvents 1.0, got {describe(version)}")
        if "data" not in record:
            raise UnusableError("$.data", "missing: the fields of the event belong in data")
        data = record["data"]
        if not isinstance(data, _Object):
            raise UnusableError("$.data", f"expected an object, got {describe(data)}")
        # Under the names of the flat form, by which rules know the fields.
        faults = faults + [Fault(path=path_of(key), cause=TWICE) for key in data.doubled]
        flat = _Object(data)
        for key in ENVELOPE:
            if key in data:
                faults.append(Fault(path=path_of(key, "$.data"), cause="belongs beside data, not in it"))
                del flat[key]
            if key in record:
                flat[key] = record[key]
        return flat, faults

    def record(self, record: Mapping[str, Any], faults: list[Fault], given: set[str]) -> Diagnosis:
        """The event of one flat record; ``given`` are the names to hold against the catalogue.

        Raises ``UnusableError``.
        """
        event_type = self._type(record)
        values: dict[str, Any] = {"id": _id(record), "time": _time(record)}
        for field in _OPTIONAL:
            self._take(values, faults, field, record.get(field.name))
        for name, field in event_type.fields.items():
            value = record.get(name)
            if value is not None:
                self._take(values, faults, field, value)
            elif field.required:
                values[name] = None
                if not any(fault.path == f"$.{name}" for fault in faults):
                    faults.append(Fault(path=f"$.{name}", cause=f"missing, and {event_type.name} needs it"))
        unknown = [name for name in given if name not in event_type.fields and name not in ENVELOPE]
        for name in sorted(unknown)[: FAULT_LIMIT + 1]:
            self._unknown(faults, event_type, record, name)
        if len(faults) > FAULT_LIMIT:
            faults = _cut(faults, event_type, max(0, len(unknown) - FAULT_LIMIT - 1))
        return Diagnosis(self._classes[event_type.name](**values), tuple(faults))

    def _take(self, values: dict[str, Any], faults: list[Fault], field: Field, value: Any) -> None:
        if value is None:
            return
        checked = check(field, value)
        if isinstance(checked, Wrong):
            values[field.name] = None
            faults.append(Fault(path=f"$.{field.name}{checked.where}", cause=checked.cause))
        else:
            values[field.name] = checked

    def _type(self, record: Mapping[str, Any]) -> EventType:
        name = record.get("type")
        if name is None:
            raise UnusableError("$.type", "missing: say which event this is, such as message.sent")
        if not isinstance(name, str):
            raise UnusableError("$.type", f"expected text, got {describe(name)}")
        event_type = self._types.get(name)
        if event_type is not None:
            return event_type
        if self._type_index is None:
            self._type_index = NameIndex(self._types)
        near = self._type_index.nearest(name)
        hint = f"; did you mean {near!r}?" if near else " (trustward events list shows those there are)"
        raise UnusableError("$.type", f"no such event type: {safe_text(name)!r}{hint}")

    def _unknown(self, faults: list[Fault], event_type: EventType, record: Mapping[str, Any], name: str) -> None:
        index = self._field_indexes.get(event_type.name)
        if index is None:
            index = self._field_indexes[event_type.name] = NameIndex([*event_type.fields, *ENVELOPE])
        near = index.nearest(name)
        hint = f"; did you mean {near!r}?" if near else ""
        faults.append(Fault(path=path_of(name), cause=f"{event_type.name} has no such field{hint}"))
        if near and record.get(near) is None:
            # What was meant for the right field is lost, so rules on that field must not take it for absent.
            faults.append(Fault(path=f"$.{near}", cause=f"missing, but there is {safe_text(name)!r}"))


def _cut(faults: Sequence[Fault], event_type: EventType, untold: int) -> list[Fault]:
    """At most FAULT_LIMIT faults, and how many more there are.

    One of each of the type's own fields stays in any case: of a field whose fault is not told, rules would think that
    it is absent.
    """
    first: dict[str, Fault] = {}
    for fault in faults:
        name = fault.path.removeprefix("$.").partition("[")[0]
        if name in event_type.fields:
            first.setdefault(name, fault)
    own = list(first.values())
    others = [fault for fault in faults if fault not in own]
    told = others[: max(0, FAULT_LIMIT - len(own))]
    more = len(others) - len(told) + untold
    return [*own, *told, Fault(path="$", cause=f"and {more} faults more")] if more else [*own, *told]


def has_doubled_keys(record: _Object) -> bool:
    """Whether the object, or the data in its CloudEvents envelope, gives a key more than once."""
    data = record.get("data")
    return bool(record.doubled) or (isinstance(data, _Object) and bool(data.doubled))


def parse_object(line: bytes) -> _Object:
    """The JSON object on a line, with NaN, oversized numbers and doubled keys still to be seen.

    Raises ``UnusableError``.
    """
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as fault:
        raise UnusableError("$", f"not UTF-8: byte 0x{line[fault.start]:02x} at column {fault.start + 1}") from fault
    if text.count("[") + text.count("{") > DEPTH_LIMIT and _depth(text) > DEPTH_LIMIT:
        raise UnusableError("$", f"lists and objects more than {DEPTH_LIMIT} deep in one another")
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as fault:
        raise UnusableError("$", _malformed(text, fault)) from fault
    except (ValueError, RecursionError) as fault:
        raise UnusableError("$", f"not JSON: {safe_text(str(fault), 100)}") from fault
    if not isinstance(value, _Object):
        raise UnusableError("$", f"expected one JSON object on the line, got {describe(value)}")
    return value


def _malformed(text: str, fault: json.JSONDecodeError) -> str:
    if text.startswith("\ufeff"):
        return "not JSON: a byte order mark in the middle of the file"
    if fault.msg == "Extra data":
        return f"more than one JSON value on the line: the second at column {fault.pos + 1}"
    rest = text[fault.pos :]
    if not rest.strip() or fault.msg.startswith("Unterminated string"):
        return f"not JSON: the line breaks off at column {len(text) + 1}"
    what = fault.msg[0].lower() + fault.msg[1:].removesuffix(" at")
    return f"not JSON: {what} at column {fault.pos + 1}, before {safe_text(rest, 20)!r}"


def _depth(text: str) -> int:
    depth = deepest = 0
    for match in _BRACKETS.finditer(text):
        first = match[0][0]
        if first in "[{":
            depth += 1
            if depth > deepest:
                deepest = depth
                if deepest > DEPTH_LIMIT:
                    return deepest
        elif first in "]}":
            depth -= 1
    return deepest


def _pairs(pairs: list[tuple[str, Any]]) -> _Object:
    made = _Object(pairs)
    if len(made) != len(pairs):
        counts = Counter(key for key, _ in pairs)
        made.doubled = tuple(key for key, count in counts.items() if count > 1)
    return made


def _int(digits: str) -> Any:
    return int(digits) if len(digits) <= _LONGEST_WHOLE else TOO_LARGE


def _float(digits: str) -> Any:
    number = float(digits)
    return number if abs(number) != float("inf") else TOO_LARGE


def _constant(name: str) -> Any:
    return NOT_A_NUMBER if name == "NaN" else TOO_LARGE


_DECODER = json.JSONDecoder(
    object_pairs_hook=_pairs, parse_int=_int, parse_float=_float, parse_constant=_constant, strict=True
)


def _id(record: Mapping[str, Any]) -> str:
    value = record.get("id")
    if value is None:
        raise UnusableError("$.id", "missing: every event needs an id of its own")
    checked = check(_TEXT, value)
    if isinstance(checked, Wrong):
        raise UnusableError("$.id", checked.cause)
    if not checked:
        raise UnusableError("$.id", "empty: every event needs an id of its own")
    if len(checked) > ID_LIMIT:
        raise UnusableError("$.id", f"an id has at most {ID_LIMIT} characters, this one {len(checked):,}")
    return str(checked)


def _time(record: Mapping[str, Any]) -> str:
    value = record.get("time")
    if value is None:
        raise UnusableError("$.time", "missing: write when it happened, like 2026-01-31T12:00:00Z")
    checked = check(_TEXT, value)
    if isinstance(checked, Wrong):
        raise UnusableError("$.time", checked.cause)
    return str(checked)


def path_of(name: str, under: str = "$") -> str:
    """The place of a key in a record, as faults name it."""
    if _PLAIN_NAME.fullmatch(name):
        return f"{under}.{name}"
    return f"{under}[{json.dumps(safe_text(name), ensure_ascii=False)}]"
