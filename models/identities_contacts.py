"""How well contact points are found: numbers written with tricks, and what is found in honest messages.

Nothing is trained. The table goes into ``docs/models/identities.md``.
"""

from __future__ import annotations

import gzip
import json
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import phonenumbers

from trustward.screening.contacts import contacts

REGIONS = (
    "SG",
    "CN",
    "MY",
    "TH",
    "VN",
    "ID",
    "PH",
    "IN",
    "JP",
    "KR",
    "GB",
    "US",
    "BR",
    "DE",
    "FR",
    "ES",
    "IT",
    "TR",
    "RU",
)
CHINESE = dict(zip("0123456789", "零一二三四五六七八九", strict=True))
CIRCLED = {digit: chr(0x2460 + at - 1) if at else "⓪" for at, digit in enumerate("0123456789")}
WIDE = {digit: chr(0xFF10 + at) for at, digit in enumerate("0123456789")}
BOLD = {digit: chr(0x1D7CE + at) for at, digit in enumerate("0123456789")}
ARABIC = {digit: chr(0x0660 + at) for at, digit in enumerate("0123456789")}
TRICKS: dict[str, Callable[[str], str]] = {
    "plain digits": lambda digits: digits,
    "groups with hyphens": lambda digits: "-".join(digits[at : at + 3] for at in range(0, len(digits), 3)),
    "spaces between all": " ".join,
    "points between all": ".".join,
    "zero-width characters": "\u200b".join,
    "full width": lambda digits: "".join(WIDE[digit] for digit in digits),
    "circled": lambda digits: "".join(CIRCLED[digit] for digit in digits),
    "mathematical bold": lambda digits: "".join(BOLD[digit] for digit in digits),
    "Arabic-Indic": lambda digits: "".join(ARABIC[digit] for digit in digits),
    "keycaps": lambda digits: "".join(f"{digit}\ufe0f\u20e3" for digit in digits),
    "Chinese numerals": lambda digits: "".join(CHINESE[digit] for digit in digits),
    "letters for 1, 0 and 5": lambda digits: (
        digits[:2] + digits[2:-1].translate(str.maketrans("105", "IOS")) + digits[-1:]
    ),
}
HONEST = {"honest_multi": "", "sms_nus_en_ham": "SG", "sms_uci": "GB", "sms_th": "TH"}


def tricks(count: int = 40) -> dict[str, float]:
    """For each trick the share of valid numbers that are still found, their region being told."""
    draw = random.Random(5)
    numbers: list[tuple[str, str, str]] = []
    for region in REGIONS:
        example = phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE)
        assert example is not None
        national = phonenumbers.national_significant_number(example)
        prefix = {"US": "", "SG": "", "CN": "", "ES": "", "IT": "", "BR": "", "IN": ""}.get(
            region, "8" if region == "RU" else "0"
        )
        while sum(known == region for known, _, _ in numbers) < count:
            digits = national[:-4] + f"{draw.randrange(10_000):04}"
            number = phonenumbers.parse(f"+{example.country_code}{digits}")
            if phonenumbers.is_valid_number(number):
                form = str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
                numbers.append((region, prefix + digits, form))
    found: dict[str, float] = {}
    for name, trick in TRICKS.items():
        hits = sum(
            ("phone", form) in {(one.kind, one.id) for one in contacts(f"hello, {trick(digits)} ok", region)}
            for region, digits, form in numbers
        )
        found[name] = round(hits / len(numbers), 4)
    return found


def in_honest(data: Path) -> dict[str, Any]:
    """For each set of honest messages how many there are, and how many contact points of each kind were found."""
    told: dict[str, Any] = {}
    for name, region in HONEST.items():
        with gzip.open(data / name / "dev.jsonl.gz", "rt", encoding="utf-8") as file:
            texts = [row["text"] for row in map(json.loads, file) if not row["label"]]
        kinds = Counter(one.kind for text in texts for one in contacts(text, region))
        told[name] = {"messages": len(texts), **dict(sorted(kinds.items()))}
    return told


def main(data: Path) -> None:
    """Print both tables."""
    print(json.dumps({"tricks": tricks(), "honest": in_honest(data)}, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    import sys

    main(Path(sys.argv[1] if len(sys.argv) > 1 else "../shared/data"))
