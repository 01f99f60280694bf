"""The words that announce contact points, from ``data/contacts``, and patterns made of them."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from trustward.screening.contacts.sets import Test, matcher

# Not followed by a letter. After Latin words, those of scripts without spaces may follow ("line追加"). The class stays
# below 256, because large ones take milliseconds to compile, and there is one for each first letter.
_AFTER_LATIN = r"(?![a-z\xdf-\xff])"
_LATIN_END = "\u0250"
_AFTER = r"(?![^\W\d_])"
_FEW = 3
_DATA = Path(__file__).resolve().parent.parent / "data" / "contacts"


class Named(NamedTuple):
    """A pattern of words, and what each of its words stands for."""

    pattern: re.Pattern[str]
    meaning: dict[str, tuple[str, bool]]


@cache
def tables() -> dict[str, Any]:
    """The word lists as they stand in ``words.toml``."""
    return tomllib.loads((_DATA / "words.toml").read_text("utf-8"))


@cache
def tlds() -> frozenset[str]:
    """Top-level domains, lower case, in punycode and in their own letters."""
    found = set((_DATA / "tlds.txt").read_text("utf-8").split())
    for name in tuple(found):
        if name.startswith("xn--"):
            try:
                found.add(name.encode().decode("idna"))
            except UnicodeError:
                continue
    return frozenset(found)


def any_of(words: Iterable[str]) -> str:
    """The source of a pattern for one of some words, the longest first, with any spacing between parts of a word."""
    chosen = sorted(set(words), key=lambda word: (-len(word), word))
    return "|".join(re.escape(word).replace(r"\ ", r"\s?") for word in chosen)


def bounded(words: Iterable[str]) -> str:
    """Like :func:`any_of`, but a word of Latin, Cyrillic and other spaced scripts must stand alone.

    Scripts without spaces have no such borders: there a word counts wherever it stands. Words are grouped by their
    first character, which stands in front: the engine then passes quickly over all others.
    """
    groups: dict[str, list[str]] = {}
    for word in sorted(set(words)):
        groups.setdefault(word[0], []).append(word[1:])
    parts = []
    for first, rests in groups.items():
        start, rest = re.escape(first), f"(?:{any_of(rests)})"
        solid = solid_script(first) or not first.isalnum()
        parts.append(
            f"{start}{rest}"
            if solid
            else rf"{start}(?<![^\W\d_]{start}){rest}{_AFTER_LATIN if first < _LATIN_END else _AFTER}"
        )
    return "|".join(parts)


def solid_script(letter: str) -> bool:
    """Whether words of the letter's script are written without spaces, or with endings that stick to them."""
    return "\u0e00" <= letter <= "\u0e7f" or "\u3040" <= letter <= "\u9fff" or "\uac00" <= letter <= "\ud7af"


def _key(word: str) -> str:
    return re.sub(r"\s", "", word)


@cache
def messengers() -> Named:
    """Names of messengers; ``meaning`` gives the service and whether the word is sure."""
    meaning: dict[str, tuple[str, bool]] = {}
    words: list[str] = []
    for service, forms in tables()["messengers"].items():
        for kind in ("short", "sure"):
            for word in forms[kind]:
                meaning[_key(word)] = (service, kind == "sure")
                words.append(word)
    return Named(re.compile(bounded(words)), meaning)


def messengers_among(low: str) -> re.Pattern[str]:
    """A pattern that finds what that of :func:`messengers` finds in a text, where few names are there much quicker."""
    every, test = _each_messenger()
    there = tuple(sorted(test(low)))
    return _some_messengers(tuple(every[number] for number in there)) if len(there) <= _FEW else messengers().pattern


@cache
def _each_messenger() -> tuple[tuple[str, ...], Test]:
    every = tuple(
        word for forms in tables()["messengers"].values() for kind in ("short", "sure") for word in forms[kind]
    )
    return every, matcher(re.sub(r"\\? ", lambda _: r"\s?", re.escape(word)) for word in every)


@lru_cache(maxsize=512)
def _some_messengers(words: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(bounded(words) if words else "(?!)")


@cache
def wallets() -> Named:
    """Names of payment services that pay to a name or a number."""
    meaning = {_key(word): (service, True) for service, words in tables()["wallets"].items() for word in words}
    words = [word for forms in tables()["wallets"].values() for word in forms]
    return Named(re.compile(bounded(words)), meaning)


@cache
def banks() -> re.Pattern[str]:
    """Names of banks and words for an account at one."""
    found = tables()["banks"]
    return re.compile(bounded([*found["accounts"], *found["names"]]))


@cache
def everyday() -> frozenset[str]:
    """Names of messengers that are everyday words."""
    return frozenset(tables()["everyday"]["words"])


@cache
def fillers() -> re.Pattern[str]:
    """One thing that may stand between a messenger and a name: groups ``sign`` and ``invite`` announce it."""
    found = tables()["fillers"]
    signs, weak, plain = bounded(found["signs"]), bounded(found["weak"]), bounded(found["plain"])
    invites = bounded(tables()["invitations"]["words"])
    mark = r"[:=@>→➡＝]|->|[👉➤▶]"
    return re.compile(rf"(?P<sign>{mark}|{signs})|(?P<invite>{weak}|{invites})|{plain}|[^\w\n@:=+]|\n")


@cache
def stop_words() -> frozenset[str]:
    """Words that are no account's name."""
    forms = tables()
    return frozenset(
        [
            *forms["stop"]["words"],
            *forms["fillers"]["signs"],
            *forms["fillers"]["plain"],
            *forms["fillers"]["weak"],
            *forms["invitations"]["words"],
            *(word for names in forms["messengers"].values() for word in names["sure"] + names["short"]),
        ]
    )


def meaning_of(named: Named, found: str) -> tuple[str, bool] | None:
    """What a word found by the pattern stands for."""
    return named.meaning.get(_key(found))
