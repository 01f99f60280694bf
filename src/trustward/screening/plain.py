"""Plain text functions. Each is pure, survives any text, and takes time linear in its length at most."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from hashlib import blake2b

from trustward.screening.folding import LONGEST as FOLDED
from trustward.screening.folding import fold
from trustward.screening.patterns import searcher

LONGEST = 100_000
"""Characters of a text that functions look at, where they look at parts of it."""


def lower(text: str) -> str:
    """The text in lower case."""
    return text.lower()


def length(text: str) -> int:
    """Characters in the text."""
    return len(text)


def contains(needles: Sequence[str]) -> Callable[[str], bool]:
    """A test whether a text contains one of ``needles``, upper and lower case alike.

    >>> contains(["telegram"])("Find me on TELEGRAM")
    True
    """
    lowered = tuple(needle.lower() for needle in needles)

    def test(text: str) -> bool:
        low = text.lower()
        return any(needle in low for needle in lowered)

    return test


def starts(prefixes: Sequence[str]) -> Callable[[str], bool]:
    """A test whether a text starts with one of ``prefixes``; case counts.

    >>> starts(["4111", "5105"])("411122")
    True
    """
    wanted = tuple(prefixes)
    return lambda text: text.startswith(wanted)


def ends(suffixes: Sequence[str]) -> Callable[[str], bool]:
    """A test whether a text ends with one of ``suffixes``; case counts.

    >>> ends(["@example.org"])("a@example.org")
    True
    """
    wanted = tuple(suffixes)
    return lambda text: text.endswith(wanted)


def matches(pattern: str) -> Callable[[str], bool]:
    """A test whether a regular expression (RE2 syntax) matches anywhere in a text, in time linear in its length.

    >>> matches("(?i)whats ?app")("my WhatsApp number")
    True
    """
    return searcher(pattern)


def domain(text: str) -> str | None:
    """The host of a link or of an email address, in lower case, without ``www.`` and port; None if there is none.

    >>> domain("https://www.Example.org:443/a?b"), domain("someone@example.org"), domain("no host here")
    ('example.org', 'example.org', None)
    """
    text = text[:LONGEST].strip().lower()
    scheme, found, after = text.partition("://")
    if found and scheme.replace("+", "").replace("-", "").replace(".", "").isalnum():
        text = after
    for end in "/?#\\":
        text = text.partition(end)[0]
    text = text.rpartition("@")[2]
    if text.startswith("["):
        return text[1:].partition("]")[0] or None
    text = text.partition(":")[0].removeprefix("www.").strip(".")
    if not text or "." not in text or any(c.isspace() for c in text):
        return None
    return text


# What folding could read otherwise in a text of ASCII; spaces between letters do not count in a template anyway.
_TRICKY = re.compile(r"[0-9@$|&\x00-\x08\x0e-\x1f\x7f]|[A-Za-z]![A-Za-z]")


class _Letters(dict[int, "int | None"]):
    """What ``str.translate`` keeps: letters and the marks that belong to them. Filled as characters come up."""

    def __missing__(self, code: int) -> int | None:
        character = chr(code)
        kept = code if character.isalpha() or unicodedata.category(character).startswith("M") else None
        self[code] = kept
        return kept


_LETTERS = _Letters()


def template(text: str) -> str | None:
    """A fingerprint that copies share: case, accents, tricks, digits, links, spaces and punctuation do not count.

    None for a text without letters. Copies in which words differ are what ``likeness`` finds.

    >>> template("Win 500 $ now: http://a.example/x") == template("W\u0456n 9000$  n\u200bow... http://b.example/y")
    True
    >>> template("12 34") is None
    True
    """
    ordinary = len(text) <= FOLDED and text.isascii() and not _TRICKY.search(text)
    low = text.lower() if ordinary else fold(text).text
    if "/" in low or "www." in low or "@" in low:
        low = " ".join(word for word in low.split() if not any(sign in word for sign in ("/", "www.", "@")))
    plain = low.translate(_LETTERS)
    if not plain:
        return None
    return blake2b(plain.encode("utf-8", "replace"), digest_size=10).hexdigest()
