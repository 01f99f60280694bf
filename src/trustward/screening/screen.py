"""Many patterns over many texts at once: which texts could match any of them.

All patterns on one field are joined into one automaton, and blocks of texts into one buffer, so that the cost for a
text does not grow with the number of patterns, and no call is made for a text that cannot match. The answer errs on
one side only: a text that is not marked matches none of the patterns.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache
from typing import Any

import numpy as np

import re2
from re2 import _re2
from trustward.screening.patterns import MAX_PROGRAM, MAX_WORK, words_of

_BLOCK = 64
_LONG_BLOCK = 64 * 1024
_PROBE = 2 * _BLOCK
_OFTEN = 0.25
_SEPARATOR = "\0"
_MEMORY = 64 << 20
_UNANCHORED = _re2.RE2.Anchor.UNANCHORED
_ESCAPES = re.compile(r"\\(.)", re.DOTALL)


class Screen:
    """Marks the texts that may match one of some pieces (see :func:`contains_piece` and :func:`pattern_piece`).

    >>> screen = Screen([contains_piece(["telegram"]), pattern_piece("[0-9]{8}")])
    >>> screen(["hello", "on Telegram", "call 91234567"]).tolist()
    [False, True, True]
    """

    def __init__(self, pieces: Iterable[str]) -> None:
        compiled = _compiled("|".join(dict.fromkeys(pieces)))
        if compiled is None:
            raise ValueError("the pieces are too large together")
        self._match = compiled.Match
        self._longest = MAX_WORK // max(compiled.ProgramSize(), 1)

    def __call__(self, texts: Sequence[str]) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """A mark for each text. Time is linear in the length of all texts together."""
        marks = bytearray(len(texts))
        match = self._match
        for start in range(0, len(texts), _BLOCK):
            if start == _PROBE and marks.count(1) > _PROBE * _OFTEN:
                # Where so many match, looking one by one is cheaper.
                marks[start:] = b"\1" * (len(texts) - start)
                break
            block = texts[start : start + _BLOCK]
            data = _bytes(_SEPARATOR.join(block))
            size = len(data)
            if size > _LONG_BLOCK:
                # In a long buffer a search for the end of a match could run over many texts again and again.
                marks[start : start + len(block)] = self._each(block)
                continue
            first, last = match(_UNANCHORED, data, 0, size)[0]
            if first >= 0 and data.count(b"\0") != len(block) - 1:
                # A text that holds a separator would count as two.
                marks[start : start + len(block)] = self._each(block)
                continue
            row, at = start, 0
            while first >= 0:
                # A match may run over the ends of texts: all that it touches are marked.
                last = max(last - 1, first)
                row += data.count(b"\0", at, first)
                end = row + data.count(b"\0", first, last) + 1
                marks[row:end] = b"\1" * (end - row)
                row, at = end, data.find(b"\0", last) + 1
                if not at:
                    break
                first, last = match(_UNANCHORED, data, at, size)[0]
        return np.frombuffer(marks, np.bool_)

    def _each(self, texts: Iterable[str]) -> bytes:
        """The marks, found text by text; what is too long for so large an automaton is marked unseen."""
        match, longest = self._match, self._longest
        return bytes(
            len(data) > longest or match(_UNANCHORED, data, 0, len(data))[0][0] >= 0 for data in map(_bytes, texts)
        )

    def among(self, rows: Sequence[int], texts: Sequence[str], count: int) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """A mark for each of ``count`` texts, where only those of some rows are looked at; the others have none."""
        marks = np.zeros(count, np.bool_)
        marks[rows] = self(texts)
        return marks


def contains_piece(words: Iterable[str]) -> str:
    """The piece for "the lowered text contains one of the lowered words"."""
    quoted = "|".join(quote(word.lower()) for word in words)
    odd = odd_letters()
    return f"(?i:{quoted})|[{odd}]" if odd else f"(?i:{quoted})"


def words_piece(words: Iterable[str]) -> str:
    """The piece for "the text contains one of the words", case as written."""
    return f"(?:{'|'.join(quote(word) for word in words)})"


@lru_cache(maxsize=2_000)
def pattern_piece(pattern: str) -> str | None:
    """The piece for a regular expression, or None if nothing can be said in advance."""
    piece: str | None
    if _anchored(pattern):
        words, _, lowered = words_of(pattern)
        quoted = "|".join(quote(word) for word in words)
        piece = f"(?i:{quoted})" if lowered else f"(?:{quoted})"
        piece = piece if words else None
    else:
        piece = f"(?:{pattern})"
    if piece is None:
        return None
    compiled = _compiled(piece)
    if compiled is None or compiled.Match(_UNANCHORED, b"", 0, 0)[0][0] >= 0:
        return None
    return piece


def fits(pieces: Iterable[str]) -> bool:
    """Whether pieces can be screened for together."""
    return _compiled("|".join(pieces)) is not None


def _anchored(pattern: str) -> bool:
    """Whether a pattern may ask where a text begins or ends, which a buffer of many texts cannot say."""
    if any(escape in "AzZQEC" for escape in _ESCAPES.findall(pattern)):
        return True
    bare = _ESCAPES.sub("", pattern).replace("[^", "[")
    return "^" in bare or "$" in bare


def quote(text: str) -> str:
    r"""The text as a pattern of itself.

    >>> print(quote("a.b"))
    a\.b
    """
    return "".join(_quoted(character) for character in text)


def _quoted(character: str) -> str:
    if character.isalnum() or not character.isascii() or character == " ":
        return character
    return f"\\x{ord(character):02x}" if character < " " or character == "\x7f" else f"\\{character}"


def _bytes(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")


def _compiled(pattern: str) -> _re2.RE2 | None:
    options = re2.Options()
    options.never_capture = True
    options.log_errors = False
    options.max_mem = _MEMORY
    try:
        compiled = _re2.RE2(pattern.encode("utf-8"), options)
    except UnicodeEncodeError:
        return None
    return compiled if compiled.ok() and compiled.ProgramSize() <= MAX_PROGRAM else None


@cache
def odd_letters() -> str:
    """The letters whose lower case, to Python, is not what the engine takes as the same letter.

    They are a dotted capital I, and what one side's edition of Unicode does not know yet.
    """
    pairs = [(chr(code), chr(code).lower()) for code in range(0x80, 0x20000) if chr(code).lower() != chr(code)]
    simple = [(upper, low) for upper, low in pairs if len(low) == 1]
    odd = [upper for upper, low in pairs if len(low) != 1]
    for upper, low in simple:
        compiled = _compiled(f"(?i:{low})")
        data = upper.encode()
        if compiled is None or compiled.Match(_UNANCHORED, data, 0, len(data))[0][0] < 0:
            odd.append(upper)
    return "".join(odd)
