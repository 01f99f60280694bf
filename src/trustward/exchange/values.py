"""Checks of single field values, with causes that people understand. Slow and exact; only faulty records come here."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from math import isfinite
from typing import Any, NamedTuple

from trustward.base.units import parse_time
from trustward.exchange.records import safe_text
from trustward.model.catalogue import WHOLE_LIMIT, Field
from trustward.model.event import DURATION_LIMIT_S, ENTITY_LIMIT, LIST_LIMIT

SURROGATE = re.compile("[\ud800-\udfff]")


class Oddity(NamedTuple):
    """A JSON value that no field can hold, by the name that people know it under."""

    name: str

    def __str__(self) -> str:
        return self.name


class Wrong(NamedTuple):
    """A value that its field cannot hold: the place under the field (empty for the field itself), and why."""

    where: str
    cause: str


class CellError(ValueError):
    """A cell of a table that its field cannot hold; the message is the cause, ``where`` the place under the field."""

    def __init__(self, cause: str, where: str = "") -> None:
        super().__init__(cause)
        self.where = where


NOT_A_NUMBER = Oddity("NaN")
TOO_LARGE = Oddity("a number too large for this format")


def check(field: Field, value: Any) -> Any:
    """The value as the field's record holds it, or a ``Wrong``."""
    if field.type == "list":
        return _list(field, value)
    return _CHECKS[field.type](field, value)


def describe(value: Any) -> str:
    """A JSON value for people: its kind, and the value where it is short."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() if abs(value) > 10**30:
            return f"a number of {len(str(abs(value)))} digits"
        case int() | float():
            return repr(value)
        case Decimal():
            return f"{value:f}" if value.is_finite() and abs(value) < 10**30 else "a number out of range"
        case str():
            return f"text {safe_text(value, 40)!r}"
        case Oddity():
            return value.name
        case list() | tuple():
            return "a list"
        case Mapping():
            return "an object"
    return type(value).__name__


def _text(_field: Field, value: Any) -> Any:
    if not isinstance(value, str):
        return Wrong("", f"expected text, got {describe(value)}")
    if not value.isascii() and SURROGATE.search(value):
        return Wrong("", "half of a surrogate pair, which is no character")
    return value


def _entity(field: Field, value: Any) -> Any:
    value = _text(field, value)
    if isinstance(value, str) and len(value) > ENTITY_LIMIT:
        return Wrong("", f"the id of an entity has at most {ENTITY_LIMIT:,} characters, this one {len(value):,}")
    return value


def _whole(_field: Field, value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int):
        if value is TOO_LARGE:
            return Wrong("", "out of range: a whole number here is at most 2**53 in size")
        return Wrong("", f"expected a whole number, got {describe(value)}")
    if not -WHOLE_LIMIT <= value <= WHOLE_LIMIT:
        return Wrong("", f"out of range: a whole number here is at most 2**53 in size, this is {describe(value)}")
    return value


def _money(field: Field, value: Any) -> Any:
    checked = _whole(field, value)
    if isinstance(value, float) and isfinite(value):
        return Wrong("", f"expected whole minor units of the currency, got {value!r}")
    return checked


def _number(_field: Field, value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        if value is TOO_LARGE:
            return Wrong("", "out of range: too large for a number")
        return Wrong("", f"expected a number, got {describe(value)}")
    try:
        number = float(value)
    except OverflowError:
        return Wrong("", "out of range: too large for a number")
    return number if isfinite(number) else Wrong("", f"expected a number, got {value!r}")


def _duration(field: Field, value: Any) -> Any:
    number = _number(field, value)
    if isinstance(number, float) and abs(number) > DURATION_LIMIT_S:
        return Wrong("", "out of range: a duration here is at most 2**53 microseconds")
    return number


def _flag(_field: Field, value: Any) -> Any:
    return value if isinstance(value, bool) else Wrong("", f"expected true or false, got {describe(value)}")


def _list(field: Field, value: Any) -> Any:
    if not isinstance(value, list | tuple):
        return Wrong("", f"expected a list, got {describe(value)}")
    if len(value) > LIST_LIMIT:
        return Wrong("", f"a list has at most {LIST_LIMIT:,} values, this one {len(value):,}")
    one = _entity if field.of == "entity" else _text
    for at, item in enumerate(value):
        checked = one(field, item)
        if isinstance(checked, Wrong):
            return Wrong(f"[{at}]", checked.cause)
    return tuple(value)


def time_fault(text: str) -> str | None:
    """What is wrong with an RFC 3339 time, or None.

    >>> time_fault("2026-01-31T12:00:00Z") is None
    True
    >>> time_fault("2026-01-31T12:00:00")
    "no zone in the time '2026-01-31T12:00:00' (end it with Z or an offset such as +08:00)"
    """
    try:
        parse_time(text, far=True)
    except (ValueError, OverflowError) as fault:
        return safe_text(str(fault), 200)
    return None


_CHECKS: dict[str, Callable[[Field, Any], Any]] = {
    "text": _text,
    "number": _number,
    "whole": _whole,
    "flag": _flag,
    "time": _text,
    "duration": _duration,
    "money": _money,
    "entity": _entity,
}
