"""Which fields of which event types the synthetic world fills in (``data/layouts.toml``), and how they are written.

What each value looks like follows from the catalogue.
"""

from __future__ import annotations

import tomllib
from importlib.resources import files
from typing import NamedTuple

from trustward.base.errors import CatalogueError
from trustward.model.catalogue import Catalogue, Field
from trustward.simulate import kernel

_ENTITIES = {
    "account": (kernel.ID, "a"),
    "device": (kernel.HEX, "d"),
    "session": (kernel.HEX, "s"),
    "ip": (kernel.IP, ""),
    "phone": (kernel.PHONE, ""),
    "email": (kernel.EMAIL, ""),
    "url": (kernel.URL, ""),
    "domain": (kernel.POOL, ""),
    "card": (kernel.HEX, "c"),
    "payment_account": (kernel.HEX, "k"),
    "address": (kernel.HEX, "h"),
    "document": (kernel.HEX, "n"),
    "image": (kernel.HEX, "i"),
    "promotion": (kernel.POOL, ""),
}
_PREFIXES = {
    "message": "m",
    "post": "p",
    "comment": "t",
    "group": "g",
    "listing": "l",
    "order": "o",
    "payment": "y",
    "payout": "x",
    "transfer": "f",
    "dispute": "q",
    "merchant": "b",
    "review": "v",
    "stream": "w",
    "report": "r",
    "challenge": "j",
    "ad": "z",
}
_TEXTS = frozenset({"text", "title", "username", "display_name", "name", "tracking"})


class Slot(NamedTuple):
    """One field of a layout: its place in a row, and how its value is written."""

    name: str
    slot: int
    kind: int
    prefix: str
    width: int


class Layout(NamedTuple):
    """One type's fields. Slot 0 of a row is its time, slot 1 its truth."""

    type: str
    number: int
    slots: tuple[Slot, ...]
    places: dict[str, int]
    width: int


def how(field: Field) -> tuple[int, str]:
    """How a field's values are written, and what stands before the number of an entity."""
    if field.type == "entity" or field.of == "entity":
        kind = field.kind or ""
        return _ENTITIES[kind] if kind in _ENTITIES else (kernel.ID, _PREFIXES[kind])
    if field.type in ("whole", "money"):
        return kernel.WHOLE, ""
    if field.type in ("number", "duration"):
        return kernel.MILLI, ""
    if field.type == "flag":
        return kernel.FLAG, ""
    if field.type == "time":
        return kernel.TIME, ""
    return (kernel.TEXT if field.name in _TEXTS else kernel.POOL), ""


def layouts(catalogue: Catalogue) -> dict[str, Layout]:
    """The layouts by type, checked against the catalogue.

    Raises:
        CatalogueError: the catalogue lacks a type or field that the world writes.
    """
    result: dict[str, Layout] = {}
    source = tomllib.loads((files("trustward.simulate") / "data" / "layouts.toml").read_text(encoding="utf-8"))
    for number, (event, names) in enumerate(source.items()):
        if event not in catalogue.types:
            raise CatalogueError(f"no event type {event}", remedy="the synthetic world needs the shipped catalogue")
        fields = catalogue.types[event].fields
        slots: list[Slot] = []
        places: dict[str, int] = {}
        width = 2
        for word in names.split():
            name, _, most = word.partition("*")
            if name.startswith("_"):
                kind, prefix = kernel.PHONE, ""
            elif name not in fields:
                raise CatalogueError(
                    f"{event} has no field {name}", remedy="the synthetic world needs the shipped catalogue"
                )
            else:
                kind, prefix = how(fields[name])
            slots.append(Slot(name, width, kind, prefix, int(most or 0)))
            places[name] = width
            for extra in range(1, int(most or 0)):
                places[f"{name}_{extra}"] = width + extra
            width += max(1, int(most or 0))
        result[event] = Layout(event, number, tuple(slots), places, width)
    return result
