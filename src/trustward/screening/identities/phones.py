"""Telephone numbers: whether there is such a number, what kind of line it is, and ranges known for tricks."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple
from unicodedata import normalize

import phonenumbers as plans
from phonenumbers import PhoneNumberType as Kind

from trustward.model.signal import Signal
from trustward.screening.contacts.phones import e164
from trustward.screening.contacts.view import view
from trustward.screening.identities.machine import DATA
from trustward.screening.identities.verdicts import Finding, signal

LONGEST = 64
"""Characters of a value that are read: no number is longer."""
CATEGORIES = ("mobile", "fixed", "fixed_or_mobile", "toll_free", "premium", "shared_cost", "voip", "personal", "other")
NOT_NUMBERS = ("invalid", "unreadable")
_KINDS = {
    Kind.MOBILE: ("mobile", 0.05, ""),
    Kind.FIXED_LINE: ("fixed", 0.08, ""),
    Kind.FIXED_LINE_OR_MOBILE: ("fixed_or_mobile", 0.06, ""),
    Kind.TOLL_FREE: ("toll_free", 0.4, "a free-phone number: it receives calls, nobody carries it"),
    Kind.PREMIUM_RATE: ("premium", 0.75, "a premium-rate number: whoever calls it pays its owner"),
    Kind.SHARED_COST: ("shared_cost", 0.5, "a number whose callers pay more than for a call"),
    Kind.VOIP: ("voip", 0.35, "an internet telephony number"),
    Kind.PERSONAL_NUMBER: ("personal", 0.65, "a follow-me number, known from call-back tricks"),
    Kind.PAGER: ("other", 0.4, "a pager"),
    Kind.UAN: ("other", 0.3, "a company's central number"),
    Kind.VOICEMAIL: ("other", 0.4, "a voice mailbox"),
    Kind.UNKNOWN: ("other", 0.2, ""),
}
_RANGES = {"fiction": 0.8, "satellite": 0.7, "callback": 0.3, "virtual": 0.3, "iot": 0.75}
"""What a number of each kind of range adds. A country is no sign of fraud, so a callback range alone stays below the
thresholds: it is a reason to put beside others, such as an unanswered call."""


class Range(NamedTuple):
    """A range of numbers beyond the plans: its kind, why it matters, and the digits of a whole number (0: any)."""

    kind: str
    about: str
    digits: int


@cache
def _ranges() -> dict[str, Range]:
    found: dict[str, Range] = {}
    for item in tomllib.loads((DATA / "ranges.toml").read_text("utf-8"))["range"]:
        for start in item["starts"]:
            found[start] = Range(item["kind"], item["about"], item.get("digits", 0))
    return found


def range_of(number: str) -> Range | None:
    """The special range that an E.164 number is in, the most particular one, or None.

    >>> range_of("+447700900123").kind
    'fiction'
    """
    known = _ranges()
    for length in range(min(len(number), 13), 3, -1):
        found = known.get(number[:length])
        if found is not None and found.digits in (0, len(number) - 1):
            return found
    return None


def _parsed(value: str, region: str) -> tuple[Any, str]:
    """The library's number, and the digits as they were read."""
    plain = view(normalize("NFKC", value[:LONGEST])).plain.strip()
    if not region and len(plain) > 3 and plain[2] in ": " and plain[:2].isalpha():
        region, plain = plain[:2].upper(), plain[3:]
    plain = plain.removeprefix("tel:").strip()
    digits = "".join(filter(str.isdecimal, plain))
    if plain.startswith("00") and not region:
        plain = "+" + digits[2:]
    elif not plain.startswith("+") and not region and len(digits) >= 10 and digits[:1] != "0":
        plain = "+" + digits
    if sum(map(str.isalpha, plain)) > 12 or not 3 <= len(digits) <= 20:
        return None, digits
    try:
        return plans.parse(plain, region or None), digits
    except plans.NumberParseException:
        return None, digits


def canonical_phone(value: str, region: str = "") -> str | None:
    """The E.164 form of a number if its country's plan has it, else None: the key for windows and lists.

    >>> canonical_phone("9123 4567", "SG"), canonical_phone("+65 9123-4567"), canonical_phone("911", "US")
    ('+6591234567', '+6591234567', None)
    """
    number, _ = _parsed(value, region.upper() if len(region) == 2 and region.isascii() else "")
    if number is None or not plans.is_valid_number(number):
        return None
    return str(plans.format_number(number, plans.PhoneNumberFormat.E164))


def phone(value: str, region: str = "") -> Signal:
    """What a telephone number by itself says; ``region`` (ISO 3166) or a beginning ``SG:`` reads national numbers.

    >>> phone("+65 9123 4567").category, phone("+65 9123 4567").verdict
    ('mobile', 'ok')
    >>> phone("+1 900 555 0123").verdict
    'suspicious'
    """
    number, digits = _parsed(value, region.upper() if len(region) == 2 and region.isascii() else "")
    if number is None:
        if "+" in normalize("NFKC", value[:LONGEST]):
            return signal([(0.75, "no country has this code")], "unreadable")
        if 7 <= len(digits) <= 13:
            return signal([(0.3, "the number's country is not known")], "unreadable")
        return signal([(0.7, "no telephone number")], "unreadable")
    form = str(plans.format_number(number, plans.PhoneNumberFormat.E164))
    known = range_of(form)
    findings: list[Finding] = []
    if not plans.is_valid_number(number):
        if known is not None and known.kind in ("iot", "fiction"):
            return signal([(_RANGES[known.kind], known.about)], "other", [("phone", form)])
        return signal([_wrong(number)], "invalid")
    category, weight, reason = _KINDS.get(plans.number_type(number), _KINDS[Kind.UNKNOWN])
    findings.append((weight, reason))
    if known is not None:
        findings.append((_RANGES[known.kind], known.about))
    return signal(findings, category, [("phone", form)])


def _wrong(number: Any) -> Finding:
    possible = plans.is_possible_number_with_reason(number)
    if possible == plans.ValidationResult.TOO_LONG:
        return 0.7, "too long for its country's plan"
    if possible == plans.ValidationResult.TOO_SHORT:
        return 0.7, "too short for its country's plan"
    if possible == plans.ValidationResult.INVALID_COUNTRY_CODE:
        return 0.75, "no country has this code"
    return 0.65, "a range that its country's plan does not give out"


def phone_many(values: Sequence[str]) -> list[Signal]:
    """The signals of many numbers."""
    return [phone(value) for value in values]


def country_of(value: str) -> str | None:
    """The region (ISO 3166) of a valid number, or None.

    >>> country_of("+6591234567")
    'SG'
    """
    number, _ = _parsed(value, "")
    if number is None or not plans.is_valid_number(number):
        return None
    region = plans.region_code_for_number(number)
    return str(region) if region and region != "001" else None


__all__ = ["CATEGORIES", "NOT_NUMBERS", "canonical_phone", "country_of", "e164", "phone", "phone_many", "range_of"]
