"""The types of the rule language."""

from __future__ import annotations

from hashlib import sha256
from typing import Literal, NamedTuple

Base = Literal["number", "whole", "text", "flag", "money", "time", "duration", "entity", "list", "signal"]


class Type(NamedTuple):
    """A type: its base, for an entity its kind, for a list what it holds, for money where its currency is found.

    ``currency`` is the canonical text of the currency (``'SGD'`` in quotes for a fixed one, ``event.currency`` for a
    field), or "" for an amount table written with ``money(...)``.
    """

    base: Base
    kind: str = ""
    of: str = ""
    currency: str = ""

    def __str__(self) -> str:
        if self.base == "entity":
            return f"entity of kind {self.kind}"
        if self.base == "list":
            return f"list of {self.kind or self.of}" if self.of == "entity" else f"list of {self.of}"
        if self.base == "flag":
            return "yes or no"
        if self.base == "whole":
            return "whole number"
        return self.base

    @property
    def a(self) -> str:
        """The type with its article, for messages."""
        if self.base == "money":
            return "an amount of money"
        return f"an {self}" if str(self)[0] in "aeiou" else f"a {self}"

    @property
    def element(self) -> Type:
        """What a list holds."""
        return Type("entity", kind=self.kind) if self.of == "entity" else TEXT


NUMBER = Type("number")
WHOLE = Type("whole")
TEXT = Type("text")
FLAG = Type("flag")
TIME = Type("time")
DURATION = Type("duration")


def entity(kind: str) -> Type:
    """The type of an entity of a kind."""
    return Type("entity", kind=kind)


def literal_key(values: object) -> str:
    """The canonical text of literals: as written, or a digest where that would be long."""
    text = repr(values)
    return text if len(text) <= 400 else f"literals {sha256(text.encode('utf-8', 'backslashreplace')).hexdigest()}"


def is_number(kind: Type) -> bool:
    """Whether plain arithmetic works on it."""
    return kind.base in ("number", "whole")


def parse_type(text: str) -> Type:
    """A type as the function registry writes it: ``text``, ``entity:url``, ``list:text``, ``list:entity:url``.

    >>> parse_type("list:entity:url")
    Type(base='list', kind='url', of='entity', currency='')
    """
    base, _, rest = text.partition(":")
    if base == "entity":
        return entity(rest)
    if base == "list":
        of, _, kind = rest.partition(":")
        return Type("list", kind=kind, of=of)
    if base not in ("number", "whole", "text", "flag", "time", "duration", "signal"):
        raise ValueError(f"not a type: {text!r}")
    return Type(base)  # type: ignore[arg-type]
