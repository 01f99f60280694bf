"""What is said of a link: one short text for each fact, never with anything from the link itself but a brand's name."""

from __future__ import annotations

from functools import lru_cache

from trustward.screening.links import words as w

FACTS: dict[int, tuple[str, str]] = {
    1: ("brand-other-ending", "the name of {brand} under another ending than its own"),
    2: ("brand-in-name", "the name of {brand} is part of somebody else's domain"),
    3: ("brand-within", "the name of {brand} within a longer domain"),
    4: ("brand-misspelt", "a domain that is one letter away from {brand}"),
    5: ("brand-look-alike", "a domain whose letters look like {brand}"),
    6: ("brand-before-domain", "the name of {brand} in front of an unrelated domain"),
    7: ("brand-in-path", "the name of a brand in the path of an unrelated domain"),
    9: ("raw-address", "a number instead of a name as host"),
    10: ("free-hosting", "a site on free hosting or a site builder"),
    12: ("dynamic-dns", "a name of dynamic DNS"),
    13: ("shortener", "a shortened link: where it leads cannot be seen"),
    14: ("link-in-bio", "a page of links"),
    15: ("ipfs", "a gateway to content that nobody can take down"),
    16: ("tunnel", "a tunnel to somebody's own machine"),
    17: ("shared-storage", "a file on storage that anybody can rent"),
    18: ("form-or-note", "a form, note or page that anybody can make"),
    19: ("program", "leads to a program"),
    20: ("mail-in-link", "carries a mail address"),
    21: ("cheap-ending", "an ending that fraud uses much because it is cheap"),
    22: ("free-ending", "an ending that was given away"),
    23: ("made-by-machine", "a name that looks made by a machine"),
    24: ("many-hyphens", "a name of several words with hyphens"),
    25: ("many-digits", "a name with several digits"),
    26: ("long-front", "a long part in front of the domain"),
    27: ("ending-inside", "an ending such as com in the middle of the host"),
    28: ("long-code", "a long code in the path"),
    29: ("script-in-odd-folder", "a page among a site's own program files"),
    30: ("page-on-hacked-site", "a sign-in page or brand among a site's own program files"),
    31: ("name-model", "a name spelt like those of harmful sites"),
    32: ("path-model", "a path spelt like those of harmful pages"),
    34: ("sign-in-path", "a path about signing in or confirming"),
    36: ("words-sign-in", "words of signing in or confirming in the name"),
    37: ("words-service", "words of a help desk in the name"),
    38: ("words-money", "words of banking or paying in the name"),
    39: ("words-crypto", "words of crypto assets in the name"),
    40: ("words-invest", "words of investing in the name"),
    41: ("words-shop", "words of a shop in the name"),
    42: ("words-prize", "words of a prize in the name"),
    43: ("words-delivery", "words of delivery in the name"),
    44: ("words-gaming", "words of games or their goods in the name"),
    45: ("words-adult", "words of dating in the name"),
    46: ("words-gambling", "words of gambling in the name"),
    49: ("words-authority", "words of an authority in the name"),
    50: ("words-file", "words of mail or documents in the name"),
}
"""Facts by their bit: a name that never changes, and the text."""
POPULAR, OFFICIAL, SHORTENED, PROGRAM = 33, 8, 13, 19
LOOK_ALIKE = sum(1 << bit for bit in (1, 2, 3, 4, 5, 6))
WORDS = sum(1 << bit for bit in range(36, 51)) | 1 << 25 | 1 << 31 | 1 << 32
"""What is only said of links that are not plainly harmless: honest links have such words too."""
UNDONE: dict[int, tuple[str, str]] = {
    w.DEFANGED: ("defanged", "written so that it is not a link at first sight"),
    w.USERINFO: ("userinfo", "another name in front of the host, before an @"),
    w.NUMERIC: ("numeric-host", "an address written as an odd number"),
    w.ENCODED: ("encoded-host", "a host written in escapes"),
    w.MIXED: ("mixed-scripts", "letters of several scripts in one name"),
    w.INVISIBLE: ("invisible-marks", "invisible or direction marks"),
    w.PORT: ("odd-port", "an unusual port"),
    w.REDIRECT: ("redirect", "leads on to another link that it carries"),
    w.BACKSLASH: ("backslash", "backslashes for slashes"),
    w.DOUBLED: ("double-encoding", "escaped more than once"),
    w.SCRIPT: ("script", "a script or a page of its own instead of a link"),
    w.CONFUSED: ("confusable-letters", "letters of another script that look like Latin ones"),
}
WEIGHTS = {
    w.USERINFO: 2.0,
    w.NUMERIC: 2.5,
    w.ENCODED: 2.0,
    w.MIXED: 2.0,
    w.INVISIBLE: 1.0,
    w.PORT: 0.3,
    w.DOUBLED: 0.7,
    w.BACKSLASH: 0.7,
    w.CONFUSED: 2.0,
}
"""Log-odds that tricks add, by judgement: they are too rare in the data to be learnt."""

CATEGORIES = (
    "phishing",
    "crypto",
    "investment",
    "scam_shop",
    "prize",
    "gambling",
    "delivery",
    "malware",
    "shortener",
)
"""Categories, as far as a link alone can tell."""


@lru_cache(maxsize=4096)
def reasons_of(facts: int, tricks: int, brand: str, grave: bool) -> tuple[str, ...]:  # noqa: FBT001
    """The texts of facts and tricks. Not ``grave``: without what honest links have as well."""
    if not grave:
        facts &= ~WORDS
    said = [
        text.format(brand=brand) if brand else text.format(brand="a known brand")
        for bit, (_, text) in FACTS.items()
        if facts >> bit & 1
    ]
    said += [text for bit, (_, text) in UNDONE.items() if tricks & bit]
    return tuple(said)


@lru_cache(maxsize=4096)
def category_of(facts: int, grave: bool) -> str:  # noqa: FBT001
    """The category that facts point to; empty for what is not grave, unless it is a shortened link."""
    if not grave:
        return "shortener" if facts >> SHORTENED & 1 else ""
    if facts >> PROGRAM & 1:
        return "malware"

    def told(*names: str) -> bool:
        return any(facts >> (35 + w.CLASSES.index(name)) & 1 for name in names)

    if told("crypto"):
        return "crypto"
    if told("credential") or facts >> 30 & 1 or facts >> 34 & 1:
        return "phishing"
    if told("delivery"):
        return "delivery"
    if told("gambling"):
        return "gambling"
    if told("invest"):
        return "investment"
    if told("shop") and not told("money", "authority", "service"):
        return "scam_shop"
    if told("prize"):
        return "prize"
    if facts >> SHORTENED & 1:
        return "shortener"
    return "phishing"
