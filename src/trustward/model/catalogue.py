"""The event catalogue: every event type and its fields, as data.

The shipped files lie in ``trustward/catalogue/*.toml``; a service adds files of its own with more types, and more
fields for the shipped types, without touching code. Times are text, money is whole minor units, durations are
seconds.
"""

from __future__ import annotations

import keyword
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, get_args

import msgspec

from trustward.base.errors import CatalogueError
from trustward.model.nearest import nearest

FieldType = Literal["text", "number", "whole", "flag", "time", "duration", "money", "entity", "list"]
RESERVED = frozenset({"id", "type", "time", "source", "truth", "specversion", "data"})
"""Names of the envelope, which no field may take."""
WHOLE_LIMIT = 2**53
"""Largest size of a whole number or an amount of money: what JSON carries exactly everywhere."""

_TYPE_NAME = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")
_FIELD_NAME = re.compile(r"[a-z][a-z0-9_]*")


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """One field of an event type.

    ``kind`` is the entity kind of an ``entity`` field and of a ``list`` of entities. ``of`` is ``"text"`` or
    ``"entity"`` for a list. ``currency`` names the text field beside it that holds the currency of a ``money`` field.
    ``personal`` and ``retention`` are classes of ``classes.toml``. ``known_later`` marks a fact that is not known
    when the event happens (a confirmed fraud): only a feature with ``delay=`` may use it.
    """

    name: str
    type: FieldType
    kind: str = ""
    of: str = ""
    required: bool = False
    personal: str = "none"
    retention: str = ""
    currency: str = ""
    known_later: bool = False
    about: str = ""


class EventType(msgspec.Struct, frozen=True, kw_only=True):
    """One event type: its name, what it means, its retention class and its fields by name."""

    name: str
    about: str
    retention: str
    fields: dict[str, Field]


class Catalogue(msgspec.Struct, frozen=True, kw_only=True):
    """All event types, and the classes and kinds that they use (name and meaning each)."""

    types: dict[str, EventType]
    kinds: dict[str, str]
    personal: dict[str, str]
    retention: dict[str, str]

    def nearest_type(self, name: str) -> str | None:
        """The type name most like ``name``, or None when none is near.

        >>> load_catalogue().nearest_type("message.send")
        'message.sent'
        """
        return nearest(name, self.types)

    def types_with(self, fields: Iterable[str]) -> list[str]:
        """Names of the types that have all of these fields.

        >>> load_catalogue().types_with(["terminal", "known_nowhere"])
        []
        """
        wanted = set(fields)
        return [name for name, event_type in self.types.items() if wanted <= event_type.fields.keys()]


class _Groups(msgspec.Struct):
    """What the files have said so far."""

    fields: dict[str, dict[str, Field]]
    types: dict[str, EventType]
    kinds: dict[str, str]
    personal: dict[str, str]
    retention: dict[str, str]


def load_catalogue(extra: Sequence[Path] = ()) -> Catalogue:
    """The shipped catalogue, and the files in ``extra`` read after it in their order.

    Raises ``CatalogueError`` with the file, the table and what to write instead.

    >>> load_catalogue().types["message.sent"].fields["sender"].kind
    'account'
    """
    shipped = files("trustward") / "catalogue"
    sources = [(entry.name, entry.read_bytes()) for entry in shipped.iterdir() if entry.name.endswith(".toml")]
    sources.sort()
    for path in extra:
        try:
            sources.append((str(path), path.read_bytes()))
        except OSError as fault:
            raise CatalogueError(
                f"cannot read the catalogue file {path}: {fault.strerror or fault}",
                remedy="name a file with event types as docs/events.md shows",
            ) from fault
    return parse_catalogue(sources)


def parse_catalogue(sources: Sequence[tuple[str, bytes]]) -> Catalogue:
    """A catalogue from (file name, TOML bytes) pairs; kinds, classes and groups may come from any of them."""
    tables = [(name, _parse(name, content)) for name, content in sources]
    seen = _Groups({}, {}, {}, {}, {})
    for file, table in tables:
        for section, known in (("kinds", seen.kinds), ("personal", seen.personal), ("retention", seen.retention)):
            _add_names(file, section, table.pop(section, {}), known)
    for file, table in tables:
        for group, rows in _table(file, "groups", table.pop("groups", {})).items():
            where = f"groups.{group}"
            if group in seen.fields:
                raise CatalogueError(f"{file}: [{where}] is defined twice", remedy="give the group another name")
            seen.fields[group] = _fields(file, where, rows, seen)
    for file, table in tables:
        for name, row in table.items():
            seen.types[name] = _event_type(file, name, row, seen)
    return Catalogue(types=seen.types, kinds=seen.kinds, personal=seen.personal, retention=seen.retention)


def _parse(file: str, content: bytes) -> dict[str, Any]:
    try:
        return tomllib.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as fault:
        raise CatalogueError(f"{file}: not a TOML file: {fault}", remedy="write it as docs/events.md shows") from fault


def _table(file: str, where: str, value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise CatalogueError(f"{file}: [{where[:60]}] is not a table", remedy=f'write it as a table: ["{where[:60]}"]')
    return value


def _add_names(file: str, section: str, rows: object, known: dict[str, str]) -> None:
    for name, about in _table(file, section, rows).items():
        if not _FIELD_NAME.fullmatch(name) or not isinstance(about, str) or not about:
            raise CatalogueError(
                f"{file}: [{section}] {name[:60]} is not a name with its meaning",
                remedy=f'write it like: {section} = {{ wallet = "An electronic purse." }}',
            )
        known.setdefault(name, about)


def _event_type(file: str, name: str, value: object, seen: _Groups) -> EventType:
    row = _table(file, name, value)
    if not _TYPE_NAME.fullmatch(name):
        raise CatalogueError(
            f"{file}: [{name[:60]}] is not the name of an event type",
            remedy='write "area.happened" in lower case and in quotes, such as ["ticket.bought"]',
        )
    _expect_keys(file, name, row, ("about", "retention", "include", "fields"))
    fields = _fields(file, f"{name}.fields", row.get("fields", {}), seen)
    for group in _included(file, name, row, seen):
        fields = {**fields, **{key: value for key, value in seen.fields[group].items() if key not in fields}}
    before = seen.types.get(name)
    if before is not None:
        return _extended(file, before, row, fields)
    about, retention = row.get("about"), row.get("retention")
    if not isinstance(about, str) or not about:
        raise CatalogueError(f"{file}: [{name}] has no about", remedy="say in one sentence what has happened")
    if not isinstance(retention, str) or retention not in seen.retention:
        raise CatalogueError(
            f"{file}: [{name}] retention = {retention!r} is no retention class{_meant(retention, seen.retention)}",
            remedy="use one of " + ", ".join(seen.retention),
        )
    _check_currencies(file, name, fields)
    return EventType(name=name, about=about, retention=retention, fields=fields)


def _extended(file: str, before: EventType, row: Mapping[str, Any], fields: dict[str, Field]) -> EventType:
    """A type that an earlier file defined, with more fields."""
    if "about" in row or "retention" in row:
        raise CatalogueError(
            f"{file}: [{before.name}] is already defined",
            remedy="leave out about and retention to add fields to it, or give the new type another name",
        )
    for name, field in fields.items():
        if name in before.fields and before.fields[name] != field:
            raise CatalogueError(
                f"{file}: [{before.name}.fields] {name} is already defined otherwise",
                remedy="give the field another name",
            )
        if field.required:
            raise CatalogueError(
                f"{file}: [{before.name}.fields] {name} cannot be required",
                remedy="a field that is added to an existing type must be optional",
            )
    merged = {**before.fields, **fields}
    _check_currencies(file, before.name, merged)
    return EventType(name=before.name, about=before.about, retention=before.retention, fields=merged)


def _included(file: str, name: str, row: Mapping[str, Any], seen: _Groups) -> list[str]:
    groups = row.get("include", [])
    if not isinstance(groups, list) or not all(isinstance(group, str) for group in groups):
        raise CatalogueError(f"{file}: [{name}] include is not a list of names", remedy='write include = ["client"]')
    for group in groups:
        if group not in seen.fields:
            raise CatalogueError(
                f"{file}: [{name}] include names no group {group!r}{_meant(group, seen.fields)}",
                remedy="use one of " + ", ".join(seen.fields),
            )
    return groups


def _fields(file: str, where: str, rows: object, seen: _Groups) -> dict[str, Field]:
    return {name: _field(file, where, name, row, seen) for name, row in _table(file, where, rows).items()}


def _field(file: str, where: str, name: str, row: object, seen: _Groups) -> Field:
    place = f"{where}] {name[:60]}"
    if not isinstance(row, dict):
        raise CatalogueError(
            f"{file}: [{place} is not a field", remedy='write it like: note = { type = "text", about = "..." }'
        )
    if not _FIELD_NAME.fullmatch(name) or keyword.iskeyword(name):
        raise CatalogueError(f"{file}: [{place} is not a field name", remedy="use lower case letters, digits and _")
    if name in RESERVED:
        raise CatalogueError(
            f"{file}: [{place} is a name of the envelope",
            remedy=f"take another name than {', '.join(sorted(RESERVED))}",
        )
    _expect_keys(file, f"{where}] {name}", row, Field.__struct_fields__[1:])
    try:
        field = msgspec.convert({"personal": "none", **row, "name": name}, Field)
    except msgspec.ValidationError as fault:
        raise CatalogueError(
            f"{file}: [{place}: {fault}", remedy="types are " + ", ".join(get_args(FieldType))
        ) from fault
    _check_field(file, place, field, seen)
    return field if field.type != "money" or field.currency else msgspec.structs.replace(field, currency="currency")


def _check_field(file: str, place: str, field: Field, seen: _Groups) -> None:
    names_entity = field.type == "entity" or (field.type == "list" and field.of == "entity")
    if field.type == "list" and field.of not in ("text", "entity"):
        raise CatalogueError(f"{file}: [{place} is a list of what?", remedy='write of = "text" or of = "entity"')
    for wrong, used, sense in (
        (field.type != "list" and field.of, "of", "lists"),
        (field.type != "money" and field.currency, "currency", "money"),
        (not names_entity and field.kind, "kind", "entities"),
    ):
        if wrong:
            raise CatalogueError(f"{file}: [{place} has {used}, which only {sense} have", remedy=f"leave out {used}")
    for value, known, label in (
        (field.kind, seen.kinds, "kind") if names_entity else ("none", seen.personal, "kind"),
        (field.personal, seen.personal, "personal"),
        (field.retention, seen.retention, "retention") if field.retention else ("none", seen.personal, "retention"),
    ):
        if value not in known:
            raise CatalogueError(
                f"{file}: [{place} {label} = {value!r} is not known{_meant(value, known)}",
                remedy="use one of " + ", ".join(known),
            )


def _check_currencies(file: str, name: str, fields: Mapping[str, Field]) -> None:
    for field in fields.values():
        if field.type == "money":
            other = fields.get(field.currency)
            if other is None or other.type != "text":
                raise CatalogueError(
                    f"{file}: [{name}.fields] {field.name} has no currency beside it",
                    remedy=f'add a text field {field.currency}, or name another with currency = "..."',
                )


def _expect_keys(file: str, where: str, row: Mapping[str, Any], known: Sequence[str]) -> None:
    for key in row:
        if key not in known:
            raise CatalogueError(
                f"{file}: [{where}] has {key[:60]!r}, which is not known{_meant(key, known)}",
                remedy="use " + ", ".join(known),
            )


def _meant(name: object, known: Iterable[str]) -> str:
    near = nearest(name, known) if isinstance(name, str) else None
    return f"; did you mean {near!r}?" if near else ""
