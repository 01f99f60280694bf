"""Table cells to field values: what CSV writes as text and Parquet holds as objects."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from math import isfinite
from typing import Any

import msgspec

from trustward.base.units import currency_exponent
from trustward.exchange.mapping import DecimalSign, Take
from trustward.exchange.times import TimeReader
from trustward.exchange.values import CellError, Wrong, check, describe
from trustward.model.catalogue import WHOLE_LIMIT, Field
from trustward.model.event import ENTITY_LIMIT

Reader = Callable[[Any], Any]
"""A cell to a field's value. Raises CellError with the cause."""

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,4})?")
_WHOLE = re.compile(r"([+-]?\d{1,16})(\.0*)?")
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}\.000")
"""What is one thousand to some and one to others."""
_MONEY = re.compile(r"[+-]?\d{1,16}(\.\d{0,30})?")
_SPELLED = {
    sign: re.compile(rf"([+-]?(?:\d+|\d{{1,3}}(?:[{other}\u0020\u00a0\u202f'’]\d{{3}})+))(?:{re.escape(sign)}(\d*))?")
    for sign, other in ((",", "."), (".", ","))
}
_CURRENCY = re.compile(r"[A-Z]{3}")
_YES = frozenset({"true", "t", "yes", "y", "1"})
_NO = frozenset({"false", "f", "no", "n", "0"})
_SECONDS = {"": 1.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "m": 60.0, "h": 3600.0, "d": 86400.0}
_NOISE = Decimal("1e-6")
_DURATION = Field(name="", type="duration")
_FIGURE = Field(name="", type="number")


def reader(field: Field, take: Take, zone: str | None) -> Reader:
    """The reader of a field's cells; ``zone`` is for times that name none."""
    read: Reader
    match field.type:
        case "text" | "entity":
            read = _texts(field, take)
        case "whole":
            read = _whole
        case "money":
            read = _minor if take.exponent is None else money_reader(take.exponent)
        case "number":
            read = _number
        case "duration":
            scale = _SECONDS[take.unit]
            read = lambda cell: _checked(_DURATION, _seconds(cell, scale))  # noqa: E731
        case "flag":
            read = _flag
        case "time":
            times = TimeReader(pattern=take.format, unit=take.unit, zone=take.zone or zone, add=take.add)
            read = times.read
        case "list":
            read = _lists(field, take)
    return read


def plain_number(cell: Any, decimal: DecimalSign) -> Any:
    """A number's text without what parts its thousands and with a point before its fraction. Raises CellError.

    >>> plain_number("1.234,50", ",")
    '1234.50'
    """
    if not isinstance(cell, str):
        return cell
    match = _SPELLED[decimal].fullmatch(cell.strip())
    if match is None:
        raise CellError(f"expected a number with {decimal!r} before its fraction, got {describe(cell)}")
    whole = "".join(sign for sign in match[1] if sign in "+-" or sign.isdigit())
    return f"{whole}.{match[2]}" if match[2] else whole


def as_text(cell: Any) -> str:
    """A cell as text: whole floats without their point, flags as ``true`` and ``false``. Raises CellError."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, int):
        return str(cell)
    if isinstance(cell, float):
        if not isfinite(cell):
            # Tables without empty cells write NaN for them: all rows that lack an account would share one called "nan".
            raise CellError(f"expected text, got {describe(cell)}")
        return str(int(cell)) if cell.is_integer() and abs(cell) <= WHOLE_LIMIT else repr(cell)
    if isinstance(cell, Decimal):
        return str(cell)
    if isinstance(cell, bytes):
        try:
            return cell.decode("utf-8")
        except UnicodeDecodeError as fault:
            raise CellError("expected text, got bytes that are not UTF-8") from fault
    if hasattr(cell, "isoformat"):
        return str(cell.isoformat())
    raise CellError(f"expected text, got {describe(cell)}")


def money_reader(exponent: int) -> Reader:
    """Amounts with a decimal point to minor units, exactly.

    >>> money_reader(2)("24.78")
    2478
    """

    def read(cell: Any) -> int:
        text = as_text(cell)
        if not _MONEY.fullmatch(text):
            raise CellError(f"expected an amount, got {describe(cell)}{_commas(cell)}")
        scaled = Decimal(text).scaleb(exponent)
        minor = int(scaled.to_integral_value())
        # Tables that were written from binary floats hold 157.89999999999998 for 157.90.
        if minor != scaled and abs(scaled - minor) > _NOISE:
            raise CellError(f"more than {exponent} decimal digits: {describe(cell)}")
        if abs(minor) > WHOLE_LIMIT:
            raise CellError("out of range: money here is at most 2**53 minor units in size")
        return minor

    return read


def major_reader(currency: object) -> Reader:
    """The same, for the currency that the row names. Raises CellError where it names none."""
    if not isinstance(currency, str):
        raise CellError("the currency is missing, so the minor units are not known")
    if not _CURRENCY.fullmatch(currency):
        # Of "jpy" two digits would be guessed, and every amount be a hundred times too large.
        hint = 'convert = "upper" or "strip" on the currency, or exponent on the amount'
        raise CellError(f"{describe(currency)} is no code of ISO 4217, so the minor units are not known ({hint})")
    return money_reader(currency_exponent(currency))


def _commas(cell: Any) -> str:
    """What to do about a number that is written the other way."""
    spelled = (
        isinstance(cell, str)
        and ("," in cell or _THOUSANDS.fullmatch(cell))
        and any(form.fullmatch(cell.strip()) for form in _SPELLED.values())
    )
    return '; decimal = "," or "." in the mapping says how to read it' if spelled else ""


def _checked(field: Field, value: Any) -> Any:
    checked = check(field, value)
    if isinstance(checked, Wrong):
        raise CellError(checked.cause, checked.where)
    return checked


def _ipv4(text: str) -> str:
    match = _WHOLE.fullmatch(text.partition(".")[0])
    number = int(match[1]) if match else -1
    if not 0 <= number < 2**32:
        raise CellError(f"expected a whole number below 2**32, got {describe(text)}")
    return ".".join(str(number >> shift & 255) for shift in (24, 16, 8, 0))


_CONVERSIONS: dict[str, Callable[[str], str]] = {
    "ipv4": _ipv4,
    "lower": str.lower,
    "upper": str.upper,
    "strip": str.strip,
}


def _texts(field: Field, take: Take) -> Reader:
    convert = _CONVERSIONS.get(take.convert)
    prefix = take.prefix

    def read(cell: Any) -> Any:
        text = prefix + (convert(as_text(cell)) if convert else cell if cell.__class__ is str else as_text(cell))
        # Nearly every cell is short and plain, and needs no closer look.
        return text if len(text) < ENTITY_LIMIT and text.isascii() else _checked(field, text)

    return read


def _lists(field: Field, take: Take) -> Reader:
    def read(cell: Any) -> Any:
        parts: Any = cell
        if isinstance(cell, str):
            if take.separator is not None:
                parts = [part for part in map(str.strip, cell.split(take.separator)) if part]
            else:
                try:
                    parts = msgspec.json.decode(cell, type=list[str])
                except msgspec.DecodeError as fault:
                    raise CellError(f"expected a JSON list of texts, got {describe(cell)}") from fault
        if take.prefix and isinstance(parts, list):
            parts = [take.prefix + as_text(part) for part in parts]
        return _checked(field, parts)

    return read


def _whole(cell: Any) -> int:
    if isinstance(cell, bool):
        raise CellError(f"expected a whole number, got {describe(cell)}")
    if isinstance(cell, float | Decimal) and isfinite(cell) and cell == int(cell):
        cell = int(cell)
    match = _WHOLE.fullmatch(cell) if isinstance(cell, str) else None
    if match and match[2] and _THOUSANDS.fullmatch(match[0]):
        raise CellError(f"a thousand or one: {describe(cell)}{_commas(cell)}")
    number: Any = int(match[1]) if match else cell
    if not isinstance(number, int):
        raise CellError(f"expected a whole number, got {describe(cell)}")
    if abs(number) > WHOLE_LIMIT:
        raise CellError(f"out of range: a whole number here is at most 2**53 in size, this is {describe(number)}")
    return number


def _minor(cell: Any) -> int:
    """Minor units. An amount with the two digits of its cents is none: 24.00 is 2400 of them, and never 24."""
    digits = len(cell.partition(".")[2]) if isinstance(cell, str) else 0
    if isinstance(cell, Decimal) and cell.is_finite():
        digits = -int(cell.as_tuple().exponent)
    if digits > 1:
        hint = 'unit = "major" in a mapping reads amounts'
        raise CellError(f"expected whole minor units of the currency, got {describe(cell)}; {hint}")
    return _whole(cell)


def _seconds(cell: Any, scale: float) -> float:
    return cell.total_seconds() if isinstance(cell, timedelta) else _number(cell) * scale


def _number(cell: Any) -> float:
    if isinstance(cell, str):
        if not _NUMBER.fullmatch(cell):
            raise CellError(f"expected a number, got {describe(cell)}{_commas(cell)}")
        cell = float(cell)
    elif isinstance(cell, Decimal):
        cell = float(cell)
    return float(_checked(_FIGURE, cell))


def _flag(cell: Any) -> bool:
    if isinstance(cell, bool):
        return cell
    text = as_text(cell).lower()
    if text in _YES:
        return True
    if text in _NO:
        return False
    raise CellError(f"expected true or false, got {describe(cell)}")
