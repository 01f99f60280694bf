"""Mapping files: how a row of any table becomes one or several events.

A mapping is a TOML file; ``docs/events.md`` has the reference. It is read into frozen records here and put to work by
``exchange.rows``.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

from trustward.base.errors import MappingError
from trustward.base.units import parse_duration
from trustward.exchange.times import zone_of
from trustward.exchange.values import Wrong, check
from trustward.model.catalogue import Catalogue, EventType, Field
from trustward.model.nearest import nearest

DecimalSign = Literal[".", ","]
"""The sign before a fraction."""
NUMBERS = ("money", "number", "whole", "duration")
"""The types of fields that ``decimal`` is for."""


class Take(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where one field's value comes from, and what is done to it on the way.

    One of ``column`` (a column's cell), ``template`` (text with ``{column}`` in it) and ``value`` (the same for
    every row). ``values`` replaces cells by others (``other`` stands for those it does not name; without it they are
    missing). ``prefix`` goes before a text. ``format`` (strptime), ``unit`` and ``zone`` say how times are written, and
    ``add`` puts a duration on top; ``unit`` is also the unit of a duration, and ``"major"`` for money that is
    written in whole units with a decimal point; ``exponent`` says the same by the number of decimal digits.
    ``separator`` splits a text into a list. ``convert`` applies one of the named conversions. ``decimal`` is the sign
    before the fraction of numbers and amounts; the other of point and comma may then part thousands.
    """

    column: str | None = None
    template: str | None = None
    value: str | int | float | bool | list[str] | None = None
    values: dict[str, str | int | float | bool] | None = None
    other: str | int | float | bool | None = None
    prefix: str = ""
    format: str | None = None
    unit: Literal["", "s", "ms", "us", "m", "h", "d", "major"] = ""
    zone: str | None = None
    add: str = ""
    exponent: int | None = None
    separator: str | None = None
    convert: Literal["", "ipv4", "lower", "upper", "strip"] = ""
    decimal: DecimalSign | None = None


class When(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"among": "in"}):
    """The rows that an event is made from: those whose cell is one of ``in``, or is ``present`` (or is not)."""

    column: str
    among: list[str | int | float | bool] | None = None
    present: bool | None = None


class EventMapping(msgspec.Struct, frozen=True, kw_only=True):
    """One event made from each row."""

    type: str
    id: Take
    time: Take
    fields: dict[str, Take]
    truth: Take | None = None
    when: When | None = None


class RowMapping(msgspec.Struct, frozen=True, kw_only=True):
    """A whole mapping file. ``sort`` puts all events of all files in order of time, in memory."""

    name: str
    events: tuple[EventMapping, ...]
    about: str = ""
    source: str | None = None
    zone: str | None = None
    sort: bool = False
    delimiter: str | None = None
    encoding: str = "utf-8"
    decimal: DecimalSign | None = None
    missing: tuple[str, ...] = ("",)

    def columns(self) -> list[str]:
        """Every column that is used, each once, in order of first use."""
        used: dict[str, None] = {}
        for event in self.events:
            for take in (event.id, event.time, *event.fields.values(), *([event.truth] if event.truth else [])):
                used.update(dict.fromkeys(columns_of(take)))
            if event.when:
                used[event.when.column] = None
        return list(used)


class _Head(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    about: str = ""
    source: str | None = None
    zone: str | None = None
    sort: bool = False
    delimiter: str | None = None
    encoding: str = "utf-8"
    decimal: DecimalSign | None = None
    missing: tuple[str, ...] = ("",)
    event: list[dict[str, Any]] = []


class _EventTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    type: str
    id: str | Take
    time: str | Take
    fields: dict[str, str | Take] = {}
    truth: str | Take | None = None
    when: When | None = None


def load_mapping(path: Path, catalogue: Catalogue) -> RowMapping:
    """The mapping in a file. Raises ``MappingError`` naming the table and the key."""
    try:
        content = path.read_bytes()
    except OSError as fault:
        raise MappingError(
            f"cannot read the mapping file {path}: {fault.strerror or fault}",
            remedy="name a TOML file as docs/events.md shows",
        ) from fault
    return parse_mapping(str(path), content, catalogue)


def parse_mapping(name: str, content: bytes, catalogue: Catalogue) -> RowMapping:
    r"""The mapping in TOML bytes; ``name`` is the file's name for messages.

    >>> from trustward.model.catalogue import load_catalogue
    >>> text = b'[[event]]\ntype = "password.changed"\nid = "{no}"\ntime = "at"\nfields.account = "who"'
    >>> parse_mapping("m.toml", text, load_catalogue()).columns()
    ['no', 'at', 'who']
    """
    try:
        table = tomllib.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as fault:
        raise MappingError(f"{name}: not a TOML file: {fault}", remedy="write it as docs/events.md shows") from fault
    head = _convert(table, _Head, name, "the top of the file")
    if not head.event:
        raise MappingError(
            f"{name}: no [[event]] table", remedy="say which event each row becomes, as docs/events.md shows"
        )
    if head.delimiter is not None and len(head.delimiter) != 1:
        raise MappingError(f"{name}: delimiter is not one character", remedy='write delimiter = ";" or leave it out')
    _check_zone(name, "zone", head.zone)
    _check_encoding(name, head.encoding)
    return RowMapping(
        name=name,
        events=tuple(_event(name, f"[[event]] number {n}", row, catalogue) for n, row in enumerate(head.event, 1)),
        about=head.about,
        source=head.source,
        zone=head.zone,
        sort=head.sort,
        delimiter=head.delimiter,
        encoding=head.encoding,
        decimal=head.decimal,
        missing=head.missing,
    )


def columns_of(take: Take) -> list[str]:
    """The columns that a value is taken from."""
    if take.column is not None:
        return [take.column]
    return [column for _, column in template_parts(take.template or "") if column is not None]


def template_parts(template: str) -> list[tuple[str, str | None]]:
    """A template as (text, column after it) pairs. Raises ValueError where braces do not match.

    >>> template_parts("reg-{user}!")
    [('reg-', 'user'), ('!', None)]
    """
    parts: list[tuple[str, str | None]] = []
    rest = template
    while "{" in rest:
        text, _, rest = rest.partition("{")
        column, brace, rest = rest.partition("}")
        if not brace or not column or "}" in text:
            raise ValueError("braces do not match")
        parts.append((text, column))
    if "}" in rest:
        raise ValueError("braces do not match")
    return [*parts, (rest, None)] if rest or not parts else parts


def _convert(value: Any, into: type[Any], name: str, where: str) -> Any:
    known = [field.encode_name for field in msgspec.structs.fields(into)]
    if isinstance(value, dict):
        for key in value:
            if key not in known:
                near = nearest(key, known)
                meant = f"; did you mean {near!r}?" if near else ""
                raise MappingError(
                    f"{name}: {where} has {key[:60]!r}, which is not known{meant}", remedy="use " + ", ".join(known)
                )
    try:
        return msgspec.convert(value, into)
    except msgspec.ValidationError as fault:
        raise MappingError(f"{name}: {where}: {fault}", remedy="write it as docs/events.md shows") from fault


def _event(name: str, where: str, row: dict[str, Any], catalogue: Catalogue) -> EventMapping:
    table = _convert(row, _EventTable, name, where)
    event_type = catalogue.types.get(table.type)
    if event_type is None:
        near = catalogue.nearest_type(table.type)
        meant = f"; did you mean {near!r}?" if near else ""
        raise MappingError(
            f"{name}: {where}: type = {table.type!r} is no event type{meant}", remedy="see trustward events list"
        )
    takes: dict[str, Take] = {}
    for key, value in table.fields.items():
        field = event_type.fields.get(key)
        if field is None:
            raise _unknown_field(name, where, event_type, key)
        takes[key] = _take(name, f"{where}: fields.{key}", value, field)
    for field in event_type.fields.values():
        if field.required and field.name not in takes:
            raise MappingError(
                f"{name}: {where}: {event_type.name} needs {field.name}, which is not mapped",
                remedy=f"add fields.{field.name}: {field.about}",
            )
        if field.name in takes and takes[field.name].unit == "major" and field.currency not in takes:
            raise MappingError(
                f'{name}: {where}: fields.{field.name} has unit = "major", but no currency',
                remedy=f"map fields.{field.currency} too, or give exponent instead",
            )
    text = Field(name="id", type="text")
    return EventMapping(
        type=table.type,
        id=_take(name, f"{where}: id", table.id, text),
        time=_take(name, f"{where}: time", table.time, Field(name="time", type="time")),
        fields=takes,
        truth=None if table.truth is None else _take(name, f"{where}: truth", table.truth, text),
        when=table.when,
    )


def _unknown_field(name: str, where: str, event_type: EventType, key: str) -> MappingError:
    near = nearest(key, event_type.fields)
    meant = f"; did you mean {near!r}?" if near else ""
    return MappingError(
        f"{name}: {where}: {event_type.name} has no field {key[:60]!r}{meant}",
        remedy=f"see trustward events show {event_type.name}",
    )


def _take(name: str, where: str, value: str | Take, field: Field) -> Take:
    take = value if isinstance(value, Take) else Take(template=value) if "{" in value else Take(column=value)
    if sum(source is not None for source in (take.column, take.template, take.value)) != 1:
        raise MappingError(
            f"{name}: {where} does not say where its value comes from",
            remedy="give one of column, template and value",
        )
    try:
        template_parts(take.template or "")
    except ValueError as fault:
        raise MappingError(f"{name}: {where}: template: {fault}", remedy='write it like "a-{column}"') from fault
    try:
        parse_duration(take.add or "0s")
    except ValueError as fault:
        raise MappingError(f"{name}: {where}: add: {fault}", remedy='write it like add = "7d"') from fault
    _check_zone(name, f"{where}: zone", take.zone)
    for key, given, types in (
        ("prefix", take.prefix, ("text", "entity", "list")),
        ("template", take.template, ("text", "entity", "time")),
        ("format", take.format, ("time",)),
        ("zone", take.zone, ("time",)),
        ("add", take.add, ("time",)),
        ("exponent", take.exponent, ("money",)),
        ("separator", take.separator, ("list",)),
        ("convert", take.convert, ("text", "entity")),
        ("decimal", take.decimal, NUMBERS),
        ("unit", take.unit, ("money",) if take.unit == "major" else ("time", "duration")),
    ):
        if given not in (None, "") and field.type not in types:
            raise MappingError(
                f"{name}: {where}: {key} does not go with a field of type {field.type}", remedy=f"leave out {key}"
            )
    constants = [take.value, take.other, *(take.values or {}).values()]
    for constant in constants:
        checked = None if constant is None else check(field, constant)
        if isinstance(checked, Wrong):
            raise MappingError(f"{name}: {where}: {checked.cause}", remedy=f"write a value of type {field.type}")
    if take.exponent is not None and not 0 <= take.exponent <= 9:
        raise MappingError(f"{name}: {where}: exponent is not 0 to 9", remedy="give the currency's decimal digits")
    return take


def _check_zone(name: str, where: str, zone: str | None) -> None:
    if zone is not None:
        try:
            zone_of(zone)
        except ValueError as fault:
            raise MappingError(
                f"{name}: {where}: {fault}",
                remedy='write "UTC", an offset such as "+08:00" or a name such as "Asia/Singapore"',
            ) from fault


def _check_encoding(name: str, encoding: str) -> None:
    try:
        "".encode(encoding)
    except LookupError as fault:
        raise MappingError(f"{name}: encoding: {fault}", remedy='write one such as "utf-8" or "latin-1"') from fault


def missing_columns(mapping: RowMapping, header: Sequence[str]) -> str | None:
    """What to say about columns that the mapping uses and the table does not have, or None."""
    absent = [column for column in mapping.columns() if column not in header]
    if not absent:
        return None
    near = nearest(absent[0], header)
    meant = f"; did you mean {near!r}?" if near else ""
    return f"no column {', '.join(repr(column[:60]) for column in absent[:5])}{meant}"
