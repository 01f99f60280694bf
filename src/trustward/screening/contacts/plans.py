"""Numbering plans, read faster: the same answers as the phonenumbers library, from its data, for bare digits.

The library reads anything that people write; here the digits are known already, and a number in running text must cost
microseconds. A test compares the answers.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any, NamedTuple

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata

_KINDS = (
    "fixed_line",
    "mobile",
    "toll_free",
    "premium_rate",
    "shared_cost",
    "voip",
    "personal_number",
    "pager",
    "uan",
    "voicemail",
)


class Plan(NamedTuple):
    """What one region's plan says: which national numbers there are, and what is dialled before them."""

    code: str
    valid: re.Pattern[str]
    general: re.Pattern[str]
    trunk: re.Pattern[str] | None
    transform: str
    abroad: re.Pattern[str] | None


def _pattern(desc: Any) -> str:
    return "" if desc is None or not desc.national_number_pattern else desc.national_number_pattern


@cache
def plan_of(region: str) -> Plan | None:
    """The plan of a region (ISO 3166), or of a code that belongs to no country (given as its digits)."""
    data = (
        PhoneMetadata.metadata_for_nongeo_region(int(region), None)
        if region.isdigit()
        else PhoneMetadata.metadata_for_region(region, None)
    )
    if data is None:
        return None
    general = _pattern(data.general_desc)
    kinds = "|".join(f"(?:{source})" for name in _KINDS if (source := _pattern(getattr(data, name))))
    trunk = data.national_prefix_for_parsing
    transform = data.national_prefix_transform_rule or ""
    return Plan(
        code=str(data.country_code),
        valid=re.compile(kinds or "(?!)"),
        general=re.compile(general),
        trunk=re.compile(trunk) if trunk else None,
        transform=re.sub(r"\$(\d)", r"\\\1", transform),
        abroad=re.compile(data.international_prefix) if data.international_prefix else None,
    )


def _is_valid(plan: Plan, number: str) -> bool:
    return plan.general.fullmatch(number) is not None and plan.valid.fullmatch(number) is not None


def _national(plan: Plan, number: str) -> str:
    """The number without what is dialled before it at home, as the library strips it."""
    if plan.trunk is None or (found := plan.trunk.match(number)) is None:
        return number
    groups = found.re.groups
    viable = plan.general.fullmatch(number) is not None
    if not plan.transform or (groups and found[groups] is None):
        rest = number[found.end() :]
    else:
        rest = found.expand(plan.transform) + number[found.end() :]
    if not rest or (viable and plan.general.fullmatch(rest) is None):
        return number
    return rest


def international(digits: str) -> str:
    """The E.164 form of digits that begin with a country's code, or "" if no plan has that number."""
    for length in (1, 2, 3):
        regions = COUNTRY_CODE_TO_REGION_CODE.get(int(digits[:length] or "0")) if digits[:1] != "0" else None
        if regions is None:
            continue
        code, rest = digits[:length], digits[length:]
        main = plan_of(regions[0] if regions[0] != "001" else code)
        if main is None:
            return ""
        rest = _national(main, rest)
        for region in regions:
            plan = plan_of(region if region != "001" else code)
            if plan is not None and _is_valid(plan, rest):
                return f"+{code}{rest}"
        return ""
    return ""


def national(digits: str, region: str) -> str:
    """The E.164 form of digits as they are dialled within a region, or "" if no plan has that number.

    >>> national("91234567", "SG"), national("07400123456", "GB"), national("123", "SG")
    ('+6591234567', '+447400123456', '')
    """
    plan = plan_of(region)
    if plan is None:
        return ""
    if plan.abroad is not None and (found := plan.abroad.match(digits)) is not None:
        rest = digits[found.end() :]
        if rest[:1] not in ("", "0") and (number := international(rest)):
            return number
    number = _national(plan, digits)
    regions = COUNTRY_CODE_TO_REGION_CODE[int(plan.code)]
    for other in regions if len(regions) > 1 else (region,):
        its = plan_of(other)
        if its is not None and _is_valid(its, number):
            return f"+{plan.code}{number}"
    if digits.startswith(plan.code):
        return international(digits)
    return ""
