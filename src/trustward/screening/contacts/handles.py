"""Names on messengers: ``@name``, and what people are asked to add."""

from __future__ import annotations

import re
from typing import NamedTuple

from trustward.screening.contacts import phones, trigger
from trustward.screening.contacts.finding import Finding
from trustward.screening.contacts.words import (
    everyday,
    fillers,
    meaning_of,
    messengers,
    messengers_among,
    stop_words,
)

_AT_NAME = re.compile(r"(?<![\w@./])@([a-z0-9](?:[a-z0-9_.]{1,30}[a-z0-9_]))(?![\w@])")
_NAME = re.compile(r"@?((?:live:\.?)?[a-z0-9_](?:[a-z0-9_.\-]{1,30}[a-z0-9_])?)(?![a-z0-9_@])")
_BEFORE = re.compile(
    r"(?<![\w.])@?([a-z0-9_][a-z0-9_.]{2,30}[a-z0-9_])[\s,]{0,2}"
    r"(?:[(\[/|-]|\b(?:on|in|via|at|di|en|em|sur|auf|su|op|no|na|trên|sa|через|в)\b)[\s:]{0,2}"
    r"(?:my |the |meu |mi |il )?$"
)
_MOST_FILLERS = 7
_FIRST_SOLID = "\u0e00"
_MARKS = frozenset([":", "=", ">", "→", "➡", "->", "👉", "➤", "▶"])
_IN_LINKS = frozenset("?&/=.%-_")
_LIKE_OTHER = re.compile(
    r"\d+(?:st|nd|rd|th|am|pm|k|gb|mb|kg|x|h|hr|hrs|min|usd|sgd|years?|days?|hours?|mins?|/7)|\d+\.\d+\w?|20\d\d"
)
_DIALLED = frozenset("0+")
"""How a number begins that is dialled as it stands: after a short name it is enough by itself."""
_BARE_NUMBERS = {
    "qq": (5, 12),
    "qqgroup": (6, 11),
    "wechat": (6, 12),
    "line": (5, 12),
    "telegram": (6, 12),
    "kakaotalk": (5, 12),
}
_BY_PHONE = frozenset(
    ["whatsapp", "zalo", "viber", "signal", "telegram", "wechat", "imo", "botim", "kakaotalk", "line"]
)


def find_named(finding: Finding) -> None:
    """Handles that stand by a messenger's name."""
    low = finding.low
    for word in messengers_among(low).finditer(low):
        if finding.spent():
            return
        meaning = meaning_of(messengers(), word[0])
        if meaning is not None:
            _around(finding, word, *meaning)


def find_plain(finding: Finding) -> None:
    """Handles written ``@name``, of no named service."""
    for found in _AT_NAME.finditer(finding.low):
        if finding.spent():
            return
        name = found[1]
        if not name.replace(".", "").replace("_", "").isdigit() and not name.endswith((".com", ".net", ".org")):
            finding.add("handle", f"@{name}", found.start(), found.end())


class _Lead(NamedTuple):
    """What stands between a messenger's name and what follows: where it ends, and what it says.

    ``signed``: a sign such as ``:`` or "id"; ``strong``: one that only a name can follow; ``invited``: "add", "is".
    """

    end: int
    signed: bool
    strong: bool
    invited: bool


def _lead(low: str, word: re.Match[str]) -> _Lead:
    at = word.end()
    signed, strong, invited = word[0][-1] in ":@", word[0][-1] == "@", False
    for _ in range(_MOST_FILLERS):
        filler = fillers().match(low, at)
        if filler is None or filler.end() == at:
            break
        if filler.lastgroup == "sign":
            signed = True
            strong = strong or filler[0] not in _MARKS
        invited = invited or filler.lastgroup == "invite"
        at = filler.end()
    return _Lead(at, signed, strong, invited)


def _around(finding: Finding, word: re.Match[str], service: str, sure: bool) -> None:  # noqa: FBT001 - unpacked
    low = finding.low
    if word.start() and low[word.start() - 1] in _IN_LINKS:
        return
    lead = _lead(low, word)
    if word[0] in everyday() and not lead.strong:
        # An everyday word: a colon after it is not enough for any name, only for one with digits.
        if not lead.signed:
            return
        lead = lead._replace(signed=False)
    elif not sure and not lead.signed and not lead.invited:
        if low[lead.end : lead.end + 1] in _DIALLED and _number(finding, service, lead.end):
            return
        if not trigger.invitation()(low[max(0, word.start() - 25) : word.start()]):
            return
        lead = lead._replace(invited=True)
    if _number(finding, service, lead.end):
        return
    name = _NAME.match(low, lead.end)
    if name is not None and low[name.end() : name.end() + 1] not in ("/", "?") and _is_name(low, name, service, lead):
        finding.add("handle", f"{service}:{name[1].removesuffix('.')}", name.start(), name.end())
    elif sure:
        before = _BEFORE.search(low, max(0, word.start() - 45), word.start())
        if before is not None and any(c.isdigit() or c in "_@" for c in before[0][:-1]) and not before[1].isdigit():
            finding.add("handle", f"{service}:{before[1]}", before.start(1), before.end(1))


def _number(finding: Finding, service: str, at: int) -> bool:
    """Read a phone number after a messenger's name: it is the handle and a phone both."""
    start = at - 1 if finding.low[at - 1 : at] == "+" else at
    if service not in _BY_PHONE:
        return False
    found = phones.number_at(finding.low, start, finding.region)
    if found is None:
        return False
    number, end = found
    finding.add("handle", f"{service}:{number}", start, end)
    finding.add("phone", number, start, end)
    return True


def _is_name(low: str, name: re.Match[str], service: str, lead: _Lead) -> bool:
    text = name[1]
    if text in stop_words() or len(text) < 3:
        return False
    if text.replace("-", "").isdigit():  # a code in two halves is no name
        least, most = _BARE_NUMBERS.get(service, (99, 0))
        return least <= len(text) <= most
    digits = any(c.isdigit() for c in text)
    if (digits or "_" in text) and any(c.isalpha() for c in text):
        return len(text) >= 4 and not _LIKE_OTHER.fullmatch(text)
    if lead.signed or lead.strong:
        return True
    before, after = low[name.start() - 1 : name.start()], low[name.end() : name.end() + 1]
    alone = not after or after in ".,;!?)\n，。！；、"
    return len(text) >= 5 and (before > _FIRST_SOLID or after > _FIRST_SOLID or (alone and lead.invited))
