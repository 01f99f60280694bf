"""Numbers with check digits: businesses, accounts, cards, documents."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any
from unicodedata import normalize

from stdnum.exceptions import InvalidChecksum, ValidationError

from trustward.model.signal import Signal
from trustward.screening.contacts.checks import brand_of, iban_ok, luhn_ok, masked
from trustward.screening.contacts.view import view
from trustward.screening.identities.machine import DATA
from trustward.screening.identities.verdicts import signal

LONGEST = 80
"""Characters of a number that are read."""
CATEGORIES = ("valid", "well-formed", "wrong check digit", "wrong form", "unknown country")
_SIGNS = re.compile(r"[\s.\-/_·]+")


@cache
def _registers() -> dict[str, Any]:
    return tomllib.loads((DATA / "registers.toml").read_text("utf-8"))


@cache
def _module(name: str) -> ModuleType:
    return import_module(f"stdnum.{name}")


def _plain(value: str) -> str:
    return view(normalize("NFKC", value[:LONGEST])).plain.strip()


def merchant(value: str | Mapping[str, object]) -> Signal:
    """What a business registration number says: a text ``SG:201912345R``, or fields value, country, and kind.

    >>> merchant("SG:201912345R").category, merchant({"value": "201912345K", "country": "SG"}).category
    ('valid', 'wrong check digit')
    """
    number, country, kind = _parts(value)
    table = _registers()
    country = table["aliases"].get(country, country)
    kinds: dict[str, str] = dict(table["countries"].get(country, {}))
    if kind in table["global"] or (not kind and len(number) == 20 and re.fullmatch(r"[A-Z0-9]{18}[0-9]{2}", number)):
        kinds = {"lei": "lei"}
    elif kind and kind in kinds:
        kinds = {kind: kinds[kind]}
    if not kinds:
        return signal([(0.3, "the country's numbers are not known")], "unknown country")
    outcomes = [_outcome(country, name, module, number) for name, module in kinds.items()]
    best = min(outcomes, key=CATEGORIES.index)
    names = " or ".join(f"{country or 'global'} {name}" for name in kinds)
    if best == "valid":
        return signal([(0.05, "")], best)
    if best == "well-formed":
        return signal([(0.15, f"the form of {names}, which has no public check digit")], best)
    if best == "wrong check digit":
        return signal([(0.8, f"the check digit of {names} is wrong")], best)
    return signal([(0.7, f"not the form of {names}")], best)


def _parts(value: str | Mapping[str, object]) -> tuple[str, str, str]:
    if isinstance(value, str):
        country, colon, number = _plain(value).partition(":")
        if not colon:
            country, number = "", country
        kind = ""
    else:
        number, country, kind = (_plain(str(value.get(name) or "")) for name in ("value", "country", "kind"))
    return number.upper().strip(), country.upper().strip(), kind.lower().strip()


def _outcome(country: str, kind: str, module: str, number: str) -> str:
    if module == "form":
        form = _registers()["forms"][f"{country}_{kind}"]
        return "well-formed" if re.fullmatch(form, _SIGNS.sub("", number)) else "wrong form"
    if not number.isascii():
        return "wrong form"
    try:
        _module(module).validate(number)
    except InvalidChecksum:
        return "wrong check digit"
    except (ValidationError, ValueError, KeyError, IndexError, TypeError):  # The library trips over some odd inputs.
        return "wrong form"
    return "well-formed" if module in _registers()["unchecked"]["modules"] else "valid"


def merchant_many(values: Sequence[str | Mapping[str, object]]) -> list[Signal]:
    """The signals of many numbers."""
    return [merchant(value) for value in values]


def card_ok(number: str) -> bool:
    """Whether a text is a payment card number of a known brand with the right check digit (ISO/IEC 7812-1).

    >>> card_ok("4111 1111 1111 1111"), card_ok("4111 1111 1111 1112")
    (True, False)
    """
    digits = _card(number)
    return 12 <= len(digits) <= 19 and brand_of(digits) != "" and luhn_ok(digits)


def _card(number: str) -> str:
    digits = re.sub(r"[\s-]", "", _plain(number))
    return digits if digits.isascii() and digits.isdigit() else ""


def bin_of(number: str) -> str | None:
    """The first six digits of a card number, which name its issuer, or None if it is too short for one.

    >>> bin_of("4111 1111 1111 1111"), bin_of("411111******1111"), bin_of("41")
    ('411111', '411111', None)
    """
    digits = re.sub(r"[\s-]", "", _plain(number))[:6]
    return digits if len(digits) == 6 and digits.isascii() and digits.isdigit() else None


def card_brand(number: str) -> str | None:
    """The brand of a card number, or None.

    >>> card_brand("4111 1111 1111 1111")
    'visa'
    """
    return brand_of(_card(number)) or None


def card_mask(number: str) -> str | None:
    """A card number as it may be kept, or None if it is none.

    >>> card_mask("4111 1111 1111 1111")
    '411111******1111'
    """
    return masked(_card(number)) if card_ok(number) else None


def iban(number: str) -> bool:
    """Whether a text is an IBAN with its country's form and the right check digits (ISO 13616).

    >>> iban("GB29 NWBK 6016 1331 9268 19")
    True
    """
    return iban_ok(_plain(number))


def document_key(number: str) -> str | None:
    """The number of a document or account as all its spellings share it, or None if nothing is left of it.

    Letters and digits only, in capitals. It is no fingerprint: it serves as a key of windows, which live in the
    engine's memory. What is stored outside gets the service's own keyed fingerprint.

    >>> document_key("s 1234567-d") == document_key("S1234567D")
    True
    """
    kept = "".join(letter for letter in _plain(number).upper() if letter.isalnum())
    return kept or None
