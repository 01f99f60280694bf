"""A text made plain for reading contact points: forms of letters and digits undone, places kept.

This is what the extraction needs and no more: full-width, circled, mathematical and other digits and letters become
plain, invisible characters go, numerals that stand among digits become digits. Every character of the view knows where
it stood in the text.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

LONGEST = 100_000
"""Characters of a text that are read."""

NUMERALS = {
    **dict(zip("零一二三四五六七八九", "0123456789", strict=True)),
    **dict(zip("〇壹贰叁肆伍陆柒捌玖", "0123456789", strict=True)),
    **dict(zip("○弌貳參肆伍陸柒扒玐", "0123456789", strict=True)),
    "幺": "1",
    "两": "2",
    "叄": "3",
}
_IGNORED = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0\u20e3")
_DASHES = frozenset("‐‑‒–—―−⁃﹣－")


class View(NamedTuple):
    """``plain`` keeps capitals, ``low`` does not; both have one character for each of ``places``.

    ``places`` gives each character's place in the text, or is None where all places are the same.
    """

    plain: str
    low: str
    places: tuple[int, ...] | None

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where in the text a part of the view stood, the end exclusive."""
        if self.places is None or end <= start:
            return start, end
        return self.places[start], self.places[end - 1] + 1


class _Forms(dict[int, "str | None"]):
    """What each character is read as; filled as characters come up."""

    def __missing__(self, code: int) -> str | None:
        self[code] = made = _form(chr(code))
        if made is None or len(made) != 1:
            _ODD.add(chr(code))
        return made


def _form(letter: str) -> str | None:
    category = unicodedata.category(letter)
    if category == "Cf" or letter in _IGNORED or "\ufe00" <= letter <= "\ufe0f":
        return None
    if category == "Cs":
        return "\ufffd"
    if letter in _DASHES:
        return "-"
    if letter in "。｡．":
        return "."
    digit = unicodedata.digit(letter, None)
    if digit is not None:
        return str(digit)
    if category in ("No", "Nl") and (number := unicodedata.numeric(letter, None)) is not None:
        return str(int(number)) if 0 <= number <= 20 and number == int(number) else letter
    made = unicodedata.normalize("NFKC", letter)
    if len(made) != 1:
        made = made.strip("()[]. ")
        return made if len(made) == 1 else letter
    return " " if made.isspace() and made not in "\n\r\t" else made


_FORMS = _Forms()
_ODD: set[str] = set()
"""The letters met so far that become none or several."""
_MIXED = re.compile("[A-Za-z][Ͱ-ӿ]|[Ͱ-ӿ][A-Za-z]")
_WORD = re.compile(r"[^\W\d_]+")
_LOOKS = str.maketrans(
    "аеорсухіјѕԁһӏкмтвнгАЕОРСУХІЈЅКМТВНΑΒΕΖΗΙΚΜΝΟΡΤΥΧαορνυικτ",
    "aeopcyxijsdhlkmtbhrAEOPCYXIJSKMTBHABEZHIKMNOPTYXaopvuikt",
)
"""Letters of Cyrillic and Greek that look like Latin ones: read so in words that hold both."""
_RUN = "0-9" + "".join(NUMERALS)
_NUMERALS = re.compile(rf"[{_RUN}](?:[ .·-]?[{_RUN}]){{5,}}")
_TO_DIGITS = str.maketrans(NUMERALS)


def _lowered(text: str) -> str:
    """Lower case, character for character (some letters would become two)."""
    low = text.lower()
    if len(low) == len(text):
        return low
    return "".join(c.lower() if len(c.lower()) == 1 else c for c in text)


def _one_alphabet(found: re.Match[str]) -> str:
    word = found[0]
    return word.translate(_LOOKS) if _MIXED.search(word) else word


def _digits(found: re.Match[str]) -> str:
    return found[0].translate(_TO_DIGITS)


@lru_cache(maxsize=16)
def view(text: str) -> View:
    """The plain view of a text's first :data:`LONGEST` characters.

    >>> view("Ｃall ９①2\u200b3").plain
    'Call 9123'
    """
    text = text[:LONGEST]
    if text.isascii():
        return View(text, text.lower(), None)
    plain = text.translate(_FORMS)
    places: tuple[int, ...] | None = None
    if not _ODD.isdisjoint(text):
        places = tuple(at for at, letter in enumerate(text) for _ in _FORMS[ord(letter)] or "")
    if _MIXED.search(plain):
        plain = _WORD.sub(_one_alphabet, plain)
    if _NUMERALS.search(plain):
        plain = _NUMERALS.sub(_digits, plain)
    return View(plain, _lowered(plain), places)
