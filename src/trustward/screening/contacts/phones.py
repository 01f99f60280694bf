"""Telephone numbers in running text, in national and international form."""

from __future__ import annotations

import re
from functools import lru_cache

from trustward.screening.contacts import trigger
from trustward.screening.contacts.finding import Finding
from trustward.screening.contacts.plans import international, national

_LETTERS = str.maketrans("oOIilLzZsSbB", "001111225588")
_GAP = r"[^\w\n,;:%$€£¥₹฿₫₩+#\0]|_"
# The first character in front: the engine then looks for it quickly.
_FIRST = "[0-9+(]"
_THEN = r"(?:(?<=[0-9])|(?<=[+(])\+?[0-9])"
_NUMBER = re.compile(
    rf"{_FIRST}(?<![\w#]{_FIRST}){_THEN}(?:(?:{_GAP}){{0,3}}+(?:[0-9]|[oilszb](?=[oilszb]{{0,4}}[0-9]))){{5,}}+"
)
_GLUED = re.compile(rf"{_FIRST}(?<![0-9#]{_FIRST}){_THEN}(?:(?:{_GAP}){{0,3}}+[0-9]){{5,}}+")
_GROUP = re.compile(r"[\doilszb]+")
_DATE = re.compile(
    r"(?:(?:19|20)\d\d/\d{3,5}|(?:19|20)\d\d([-/. ])\d{1,2}\1\d{1,2}|\d{1,2}([-/.])\d{1,2}\2(?:19|20)?\d\d"
    r"|\d{1,2}([:.])\d\d\s?-\s?\d{1,2}\3\d\d)"
    r"(?:[\s_-]{1,3}\d{1,2}(?:[.:]?\d\d){0,2})?"
)
_NETWORK = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")
_SUM = re.compile(r"(?:[$€£¥₹฿₫₩]|\b(?:rs|rp|usd|sgd|myr|rm|idr|vnd|thb|php|eur|gbp|cny|hkd|twd|jpy|inr))[.\s]{0,2}$")
_UNIT = re.compile(r"\s?(?:usd|sgd|vnd|vnđ|đ|idr|rp|thb|php|baht|บาท|元|块|万|円|원|eur|€|%|₫|kg|km|mb|gb)(?![a-z])")
_AMERICAN = re.compile(r"(?:1[\s.-]?)?(?:\([2-9]\d\d\)\s?|[2-9]\d\d[-.])[2-9]\d\d[-.\s]\d{4}")
_CHINESE = re.compile(r"(?:86)?(1[3-9]\d{9})")
_SCRIPTS = (
    ("TH", re.compile("[\u0e00-\u0e7f]")),
    ("KR", re.compile("[\uac00-\ud7a3]")),
    ("JP", re.compile("[\u3041-\u30ff]")),
    ("CN", re.compile("[\u3400-\u9fff]")),
    ("VN", re.compile("[ăđơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ]")),
    ("RU", re.compile("[а-яё]")),
    ("IN", re.compile("[\u0900-\u097f\u0980-\u0dff]")),
)
_MOST_GROUPS = 40


@lru_cache(maxsize=4096)
def e164(digits: str, region: str) -> str:
    """A number in E.164 form if it is one that its country's plan gives out, else "".

    ``digits`` may begin with ``+``; otherwise ``region`` (ISO 3166) says whose national form it is.

    >>> e164("91234567", "SG"), e164("+442071838750", ""), e164("123", "SG")
    ('+6591234567', '+442071838750', '')
    """
    if digits.startswith("+"):
        return international(digits[1:])
    return national(digits, region) if region else ""


def guessed_region(text: str) -> str:
    """The country that a text's script speaks for, or "" (Latin letters say nothing)."""
    for region, script in _SCRIPTS:
        if script.search(text):
            return region
    return ""


def number_at(low: str, at: int, region: str) -> tuple[str, int] | None:
    """The telephone number that starts exactly at a place, announced by what stands before it, and where it ends."""
    candidate = _NUMBER.match(low, at)
    if candidate is None:
        return None
    groups = _groups(candidate)
    for last in range(min(len(groups), 16), 0, -1):
        raw = _joined(candidate, groups[:last])
        if 7 <= len(raw.lstrip("+")) <= 15:
            found = _read(raw, region or guessed_region(low[max(0, at - 80) : at + 40]), sure=True)
            if found:
                return found, groups[last - 1][1]
    return None


def _groups(candidate: re.Match[str]) -> list[tuple[int, int]]:
    base = candidate.start()
    return [(base + group.start(), base + group.end()) for group in _GROUP.finditer(candidate[0])][:_MOST_GROUPS]


def _joined(candidate: re.Match[str], groups: list[tuple[int, int]]) -> str:
    text, base = candidate.string, candidate.start()
    raw = "".join([text[start:end] for start, end in groups])
    if not raw.isdigit():
        real = sum(map(str.isdigit, raw))
        if real * 2 < len(raw):
            return ""
        raw = raw.translate(_LETTERS)
    return "+" + raw if groups[0][0] > base and "+" in text[base : groups[0][0]] else raw


def _read(raw: str, region: str, *, sure: bool) -> str:
    """The number's canonical form; for a sure one of an unknown country, its digits; else ""."""
    if raw.startswith("+"):
        return e164(raw, "")
    if raw.startswith("00") and len(raw) >= 10 and (found := e164("+" + raw[2:], "")):
        return found
    if region and (found := e164(raw, region)):
        return found
    if (chinese := _CHINESE.fullmatch(raw)) is not None and region in ("", "CN"):
        return "+86" + chinese[1]
    if len(raw) >= 10 and raw[0] != "0" and (sure or _famous(raw)) and (found := e164("+" + raw, "")):
        return found
    return raw if sure and 7 <= len(raw) <= 13 and not region else ""


def _famous(raw: str) -> bool:
    """Whether digits begin like a number of a market that is often written without the plus."""
    return raw.startswith(("65", "60", "62", "66", "84", "63", "91", "234", "971", "852", "44"))


def find(finding: Finding) -> None:
    """Telephone numbers of a text."""
    low = finding.low
    region = finding.region
    guessed: str | None = region or None
    pattern = _NUMBER if low.isascii() else _GLUED
    for candidate in pattern.finditer(low):
        if finding.spent():
            return
        whole = candidate[0]
        start, end = candidate.span()
        if is_date(whole.lstrip("(")):
            continue
        before = low[max(0, start - 24) : start]
        if (start and low[start - 1] == "*") or low[end : end + 1] in ("#", "*"):
            continue  # A code to dial for a service of the network.
        plus = "+" in whole[:2]
        if plus and len(groups := _groups(candidate)) == 1:
            # Neither the words before it nor the country of the text change what it is.
            _international(finding, candidate, groups)
            continue
        said = trigger.cues()(before)
        sure = trigger.CUE in said
        if not plus and not sure and (trigger.OTHER in said or _SUM.search(before) or _UNIT.match(low, end)):
            continue
        if guessed is None:
            guessed = guessed_region(low)
        _in_groups(finding, candidate, guessed, sure=sure)


def _international(finding: Finding, candidate: re.Match[str], groups: list[tuple[int, int]]) -> None:
    """A number with a plus and in one piece."""
    raw = _joined(candidate, groups)
    if 7 <= len(raw) - 1 <= 16 and not finding.spent() and (found := e164(raw, "")):
        finding.add("phone", found, candidate.start(), groups[0][1])


def _in_groups(finding: Finding, candidate: re.Match[str], region: str, *, sure: bool) -> None:
    groups = _groups(candidate)
    first = 0
    while first < len(groups):
        for last in range(min(len(groups), first + 16), first, -1):
            chosen = groups[first:last]
            raw = _joined(candidate, chosen) if first == 0 else _joined_inside(candidate, chosen)
            digits = len(raw.lstrip("+"))
            if digits < 7 or digits > 16:
                continue
            if finding.spent():
                return
            part = candidate.string[candidate.start() if first == 0 else chosen[0][0] : chosen[-1][1]]
            american = not region and _AMERICAN.fullmatch(part.lstrip("(+")) is not None
            american = american or (not region and _AMERICAN.fullmatch(part) is not None)
            found = _read(raw, "US" if american else region, sure=sure and len(chosen) == len(groups))
            if found:
                finding.add("phone", found, candidate.start() if first == 0 else chosen[0][0], chosen[-1][1])
                first = last
                break
        else:
            first += 1


def _joined_inside(candidate: re.Match[str], groups: list[tuple[int, int]]) -> str:
    raw = "".join([candidate.string[start:end] for start, end in groups])
    return raw if raw.isdigit() else ""


def is_date(text: str) -> bool:
    """Whether digits are written like a date or a span of hours."""
    return _DATE.fullmatch(text) is not None or _NETWORK.fullmatch(text) is not None
