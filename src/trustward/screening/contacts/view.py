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


_PUNCTUATION = str.maketrans("，！？；～", ",!?;~")
"""Wide signs that are read as plain ones; :func:`is_plain` passes over them, because no contact point has them."""
# Blocks in which some character is read as another one or as none. Coarse where hardly anybody writes.
_READ_OTHERWISE = re.compile(
    "[\x0b\x0c\x1c-\x1f\x80-\xa0\xa8\xaa\xad\xaf\xb2-\xb5\xb8-\xba\u0130\u017f\u02b0-\u02ff\u0340-\u034f\u0374\u037a"
    "\u037e\u0384\u0387\u03d0-\u03ff\u0600-\u0605\u061c\u0660-\u0669\u06dd\u06f0-\u06f9\u070f\u07c0-\u07c9\u0890-\u0891"
    "\u08e2\u0966-\u096f\u09e6-\u09ef\u09f4-\u09f9\u0a66-\u0a6f\u0ae6-\u0aef\u0b66-\u0b77\u0be6-\u0bf2\u0c66-\u0c7f"
    "\u0ce6-\u0cef\u0d58-\u0d78\u0de6-\u0def\u0e50-\u0e59\u0ed0-\u0ed9\u0f0c\u0f20-\u0f33\u1040-\u1049\u1090-\u1099\u10fc"
    "\u115f\u1160\u1369-\u137c\u1680\u16ee-\u16f0\u17b4\u17b5\u17e0-\u17f9\u180b-\u1819\u1946-\u1a99\u1b50-\u1b59"
    "\u1bb0-\u1bb9\u1c40-\u1c59\u1d2c-\u1dbf\u1e9b\u1f70-\u2015\u2017\u2024\u2028-\u202f\u203e\u2043\u205f-\u209f\u20e3"
    "\u2100-\u218f\u2212\u2329\u232a\u2460-\u24ff\u2776-\u2793\u2c7c\u2c7d\u2cfd\u2d6f\u2e80-\u2fff\u3000\u3002\u3007"
    "\u3021-\u303c\u309b\u309c\u3130-\u33ff\ua600-\uabff\ud800-\uff00\uff02-\uff0b\uff0d-\uff1a\uff1c-\uff1e\uff20-\uff5d"
    "\uff5f-\uffff\U00010000-\U0001f2ff\U0001fbf0-\U0001fbf9\U0002f800-\U0010ffff]"
)
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


def is_plain(text: str) -> bool:
    """Whether the plain view of a text without mixed words is the text itself, but for wide signs and numerals."""
    return text.isascii() or _READ_OTHERWISE.search(text) is None


def _punctuated(text: str) -> str:
    return text.translate(_PUNCTUATION) if any(sign in text for sign in "，！？；～") else text


def plain_view(text: str) -> View:
    """The view of a text that :func:`is_plain`, without words of two alphabets and :func:`has_numerals`."""
    plain = _punctuated(text)
    return View(plain, plain.lower(), None)


def has_numerals(text: str) -> bool:
    """Whether numerals of a text are read as the digits of one number."""
    return any(not found[0].isascii() for found in _NUMERALS.finditer(text))


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
    places: tuple[int, ...] | None = None
    if _READ_OTHERWISE.search(text) is None:
        plain = _punctuated(text)
    else:
        plain = text.translate(_FORMS)
        if not _ODD.isdisjoint(text):
            places = tuple(at for at, letter in enumerate(text) for _ in _FORMS[ord(letter)] or "")
    if _MIXED.search(plain):
        plain = _WORD.sub(_one_alphabet, plain)
    if _NUMERALS.search(plain):
        plain = _NUMERALS.sub(_digits, plain)
    return View(plain, _lowered(plain), places)
