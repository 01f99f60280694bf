"""What the texts of a batch name: seen by the compiled look where that is sure, read where it is not."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from trustward.screening.contacts import contacts, quick
from trustward.screening.contacts.trigger import COUNTRIES
from trustward.screening.contacts.view import NUMERALS, is_plain
from trustward.screening.contacts.words import everyday, solid_script, stop_words, tables, tlds
from trustward.screening.folding import codes_of
from trustward.screening.texts import sight, signs
from trustward.screening.texts.reader import table_of

Entities = tuple[tuple[str, str], ...]
_WIDE = dict(zip("，！？；～。", ",!?;~.", strict=True))
"""Wide signs and the plain ones that they are read as."""
_NO_GAP = frozenset("\n,;:%$€£¥₹฿₫₩+#\0")
_BEFORE = "on in via at di en em sur auf su op no na trên sa через в my the meu mi il".split()
"""The last word between a name and a messenger's after it."""


class Named(NamedTuple):
    """What each text names, and its links."""

    entities: list[Entities]
    links: dict[int, tuple[str, ...]]


def named_in(texts: Sequence[str]) -> Named:
    """What each of many texts names, as pairs of kind and id, and the links of those that have any.

    >>> named_in(["see you at eight", "https://a.example and https://b.example"]).links
    {1: ('https://a.example', 'https://b.example')}
    """
    count = len(texts)
    entities: list[Entities] = [()] * count
    links: dict[int, tuple[str, ...]] = {}
    seen, spans = seen_in(texts)
    rows = np.flatnonzero(seen)
    at = 0
    for row, many in zip(rows.tolist(), seen[rows].tolist(), strict=True):
        text = texts[row]
        urls: tuple[str, ...] | None = None
        if many > 0:
            urls = _urls(text, spans[at : at + 3 * many])
            at += 3 * many
        if urls is None:
            found = contacts(text)
            entities[row] = tuple(dict.fromkeys([(contact.kind, contact.id) for contact in found])) if found else ()
            urls = tuple([name for kind, name in entities[row] if kind == "url"])
        else:
            entities[row] = tuple([("url", url) for url in urls])
        if urls:
            links[row] = urls
    return Named(entities, links)


def _urls(text: str, spans: Sequence[int]) -> tuple[str, ...] | None:
    """The links of a text, each once; None if one may be more than a link."""
    urls = []
    for at in range(0, len(spans), 3):
        start = spans[at]
        url = text[start : spans[at + 1]]
        if not quick.is_sure(url[8 if url[4] == "s" else 7 : spans[at + 2] - start]):
            return None
        urls.append(url)
    return tuple(urls) if len(urls) == 1 else tuple(dict.fromkeys(urls))


def seen_in(texts: Sequence[str]) -> tuple[Any, list[int]]:
    """How many plain links each text has (-1: it has to be read), and where they are."""
    starts = np.zeros(len(texts) + 1, np.int64)
    np.cumsum(np.fromiter(map(len, texts), np.int64, len(texts)), out=starts[1:])
    codes = codes_of("".join(texts))
    seen = np.empty(len(texts), np.int64)
    # No plain link is shorter than eleven characters.
    spans = np.empty(3 * (codes.size // 11 + signs.MOST_LINKS + 1), np.int64)
    used = sight.see(codes, starts, characters(), _tables(), *_room(), seen, spans)
    # One flat list: a list for each link would keep the collector of garbage busy.
    return seen, spans[: 3 * used].tolist()


_OWN = threading.local()


def _room() -> tuple[Any, Any]:
    """Arrays that the kernel works in; of each thread its own."""
    found: tuple[Any, Any] | None = getattr(_OWN, "room", None)
    if found is None:
        size = sight.LONGEST + 64
        found = _OWN.room = (np.zeros(size, np.uint32), np.zeros(size, np.int64))
    return found


@cache
def characters() -> Any:
    """What each character of the first plane is: its lower case, and the flags of the kernel above."""
    firsts, whole = _firsts(), _whole()
    return np.array([_character(chr(code), firsts, whole) for code in range(1 << 16)], np.uint32)


def _character(letter: str, firsts: frozenset[str], whole: frozenset[str]) -> int:
    plain = _WIDE.get(letter, letter)
    low = plain.lower()
    # A sigma's lower case depends on what stands after it.
    if letter == "Σ" or len(low) != 1 or not (letter in _WIDE or is_plain(letter)):
        return signs.READ << 16
    if letter == "@" or (low.isdecimal() and not low.isascii()):
        return signs.READ << 16
    word, decimal, plain_ascii = low.isalnum(), low.isdecimal(), low.isascii()
    # A name whose second character is any space is always looked for.
    flags = (
        signs.LETTER * (word and not decimal)
        | signs.WORD * (word or low == "_")
        | signs.SPACE * low.isspace()
        | signs.GAP * (low == "_" or not (word or low in _NO_GAP))
        | signs.DIGIT * decimal
        | signs.NUMERAL * (low in NUMERALS)
        | signs.STARTS * (low in firsts)
        | signs.WHOLE * (low in whole)
        | signs.SOLID * (not word or solid_script(low))
        | signs.SIGN * (low in "./\\[({<*_")
        | signs.LATIN * (plain_ascii and low.isalpha())
        | signs.EASTERN * ("\u0370" <= letter <= "\u04ff")
        | signs.COLON * (low == ":")
        | signs.TOKEN * (plain_ascii and (word or low in "_-"))
    )
    return ord(low) | flags << 16


@cache
def _listed() -> dict[str, int]:
    """Names of messengers and payment services, and which they are."""
    found: dict[str, int] = {}
    for forms in tables()["messengers"].values():
        for kind, flag in (("sure", sight.SURE), ("short", sight.SHORT)):
            for word in forms[kind]:
                found[word] = found.get(word, 0) | flag | (sight.EVERYDAY if word in everyday() else 0)
    for words in tables()["wallets"].values():
        for word in words:
            found[word] = found.get(word, 0) | sight.WALLET
    return found


@cache
def _firsts() -> frozenset[str]:
    return frozenset(word[0] for word in _listed())


@cache
def _whole() -> frozenset[str]:
    return frozenset(word[0] for word in _listed() if len(word) == 1 or word[1] == " ")


def _fillers() -> dict[str, int]:
    found: dict[str, int] = {}
    kinds = (
        (sight.SIGNED, tables()["fillers"]["signs"]),
        (sight.INVITES, tables()["fillers"]["weak"]),
        (sight.INVITES, tables()["invitations"]["words"]),
        (sight.FILLS, tables()["fillers"]["plain"]),
    )
    for flag, words in kinds:
        for word in words:
            found[word] = found.get(word, 0) | flag
    return found


def _spaced(words: dict[str, int]) -> dict[str, int]:
    """Words of several parts also without the spaces between them."""
    found = dict(words)
    for word, flag in words.items():
        forms = [word[:1]]
        for letter in word[1:]:
            forms = [form + tail for form in forms for tail in ((" ", "") if letter == " " else (letter,))]
        for form in forms:
            found[form] = found.get(form, 0) | flag
    return found


def _table(words: dict[str, int], *, whole: bool = False) -> Any:
    return table_of(list(words), list(words.values()), whole=whole)


@cache
def _tables() -> tuple[Any, ...]:
    countries = np.zeros(26 * 26, np.uint8)
    for code in COUNTRIES:
        countries[(ord(code[0]) - 97) * 26 + ord(code[1]) - 97] = 1
    names = _spaced(_listed())
    return (
        _table(names),
        _table(_spaced(_fillers())),
        _table(dict.fromkeys(stop_words(), 0), whole=True),
        _table(dict.fromkeys(tlds(), 0), whole=True),
        _table(dict.fromkeys(_BEFORE, 0), whole=True),
        countries,
        beginnings_of(names),
    )


def beginnings_of(names: Iterable[str]) -> Any:
    """Which two and three characters a name of several may begin with."""
    found = np.zeros(sight.BEGINNINGS, np.uint8)
    for name in names:
        if len(name) == 1:
            continue
        two = ord(name[0]) * 31 + ord(name[1])
        # Any space may stand where a name has one.
        if len(name) == 2 or name[2] == " ":
            found[two & (sight.BEGINNINGS - 1)] |= sight.TWO
        else:
            found[two & (sight.BEGINNINGS - 1)] |= sight.MORE
            found[(two * 31 + ord(name[2])) & (sight.BEGINNINGS - 1)] |= sight.THREE
    return found
