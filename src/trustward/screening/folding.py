"""Reading a text as people read it: case, accents, styles, look-alikes and hidden characters undone.

One table says for each character what it is and what it is read as; one compiled pass applies it and undoes the tricks
that hide words: invisible characters, letters of another alphabet within a word, letters apart (``f r e e``), and
digits for letters (``acc0unt``). The table is data (``data/folding``), made by ``models/folding.py``.
"""

from __future__ import annotations

import html
import unicodedata
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from trustward.base.jit import kernel, part, pointer, shared

GONE, SPACE, LATIN, DIGIT, DENSE, LETTER, SIGN, PICTURE, MONEY, MARK = 0, 1, 2, 3, 4, 5, 7, 8, 9, 10
"""Kinds of character. DENSE: an alphabet without spaces between words; LETTER: another one than Latin; MARK: a vowel or
tone sign that belongs to the letter before it."""
HIDDEN, MIXED, APART, LEET, STYLED = 1, 2, 4, 8, 16
"""Tricks found: invisible characters, mixed alphabets, letters apart, digits for letters, styled letters."""
TRICKS = {
    HIDDEN: "invisible characters within words",
    MIXED: "letters of several alphabets within a word",
    APART: "words written with their letters apart",
    LEET: "digits or signs for letters",
    STYLED: "styled letters",
}
LONGEST = 4_096
"""Characters of a text that are looked at: three quarters from its beginning, the rest from its end."""
_HEAD = 3_072
_CODE = np.uint32((1 << 21) - 1)
_UPPER_AT, _ODD_AT, _BIT = np.uint32(28), np.uint32(29), np.uint32(1)
_KIND = np.uint32(24)
_FIFTEEN = np.uint32(15)
_EIGHT = np.uint32(8)
_LOW = np.uint32(255)
_SIXTEEN, _THIRTY_TWO, _FORTY_EIGHT = np.uint64(16), np.uint64(32), np.uint64(48)
_COUNT = np.uint64(0xFFFF)
_COUNTED = np.zeros(16, np.uint64)
"""What a character adds to counts of sixteen bits each: Latin letters, digits, dense letters, other letters."""
_COUNTED[[LATIN, DIGIT, DENSE, LETTER]] = [1, 1 << 16, 1 << 32, 1 << 48]
_ALONE, _BETWEEN = 0b010101, 0b101
"""Three letters apart; one character between two Latin letters."""
_DATA = Path(__file__).resolve().parent / "data" / "folding"


class Folded(NamedTuple):
    """A text as it is read, and the tricks that were undone (a sum of the constants above)."""

    text: str
    tricks: int


class Tables(NamedTuple):
    """The arrays of the table: page of each block, words of the pages, Latin look-alikes."""

    index: Any
    pages: Any
    looks: Any


@cache
def tables() -> Tables:
    """The table of characters, loaded once."""
    return Tables(*(np.load(_DATA / f"{name}.npy", allow_pickle=False) for name in Tables._fields))


def composed(text: str) -> str:
    """The text in Unicode's compatibility composition, entities of HTML resolved, and cut to what is looked at.

    >>> composed("Ａ&amp;B")
    'A&B'
    """
    if len(text) > LONGEST:
        text = text[:_HEAD] + " " + text[_HEAD - LONGEST + 1 :]
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    if "&" in text and ";" in text:
        text = unicodedata.normalize("NFKC", html.unescape(text))
    # Composing can make a text longer: one character stands for up to eighteen.
    return text if len(text) <= LONGEST else text[:LONGEST]


def codes_of(text: str) -> Any:
    """The characters of a text as an array of their numbers."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)


def fold(text: str) -> Folded:
    """A text as it is read: lower case, no accents, plain letters, simplified Chinese, tricks undone.

    >>> fold("Pаypаl ＡＣＣ0UNT, f r e e  mоney").text
    'paypal account, free money'
    >>> fold("Привет, это Анна").text
    'привет, это анна'
    """
    codes = codes_of(composed(text))
    read = np.empty(codes.size + 2, np.uint32)
    kinds = np.empty(codes.size + 2, np.uint8)
    facts = np.zeros(FACTS, np.int64)
    size = _fold(codes, *tables(), read, kinds, facts)
    return Folded(read[:size].tobytes().decode("utf-32-le", "surrogatepass"), int(facts[F_TRICKS]))


FACTS = 8
F_TRICKS, F_UPPER, F_LETTERS, F_DIGITS, F_PICTURES, F_DENSE, F_LATIN, F_OTHER = range(FACTS)
"""What a pass counts: tricks, capitals, letters, digits, pictures, and letters by kind of alphabet."""


@part
def _looks_like(code: Any, looks: Any) -> Any:
    at = np.int64(code) - 0x0370
    return looks[at] if 0 <= at < looks.size else np.uint8(0)


@part
def _leet(code: Any) -> Any:
    """The letter that a digit or sign stands for within a word, or 0."""
    c = np.int64(code)
    if c == 48:
        return np.uint32(111)
    if c == 49 or c == 33 or c == 124:
        return np.uint32(105)
    if c == 51:
        return np.uint32(101)
    if c == 52 or c == 64:
        return np.uint32(97)
    if c == 53 or c == 36:
        return np.uint32(115)
    if c == 55:
        return np.uint32(116)
    return np.uint32(0)


@shared
def fold_codes(
    codes: Any, start: Any, stop: Any, index: Any, pages: Any, looks: Any, read: Any, kinds: Any, facts: Any
) -> Any:
    """Fold ``codes[start:stop]`` into ``read`` and ``kinds`` (each two longer at least); returns how many were written.

    Runs of spaces become one; none stands at the beginning or the end. All but ``looks`` are pointers.
    """
    n = 0
    hidden = 0
    counts = np.uint64(0)
    pictures = 0
    upper: Any = 0
    odd: Any = 0
    # Which of the last characters were letters, and which were Latin ones, as bits.
    letters = 0
    latins = 0
    apart = False
    leet = False
    was_space = True
    for i in range(start, stop):
        code = codes[i]
        if code > np.uint32(0x10FFFF):
            continue
        word = pages[(np.int64(index[code >> _EIGHT]) << 8) + np.int64(code & _LOW)]
        kind = np.int64(word >> _KIND & _FIFTEEN)
        if kind == GONE:
            hidden += int(n > 0 and not was_space)
            continue
        is_space = kind == SPACE
        if is_space and was_space:
            continue
        was_space = is_space
        read[n] = np.uint32(32) if is_space else (code + word) & _CODE
        kinds[n] = np.uint8(kind)
        n += 1
        counts += _COUNTED[kind]
        pictures += int(kind == PICTURE)
        upper += np.int64(word >> _UPPER_AT & _BIT)
        odd += np.int64(word >> _ODD_AT & _BIT)
        letters = (letters << 1 | int(kind == LATIN or kind == LETTER)) & 63
        latins = (latins << 1 | int(kind == LATIN)) & 7
        apart = apart or letters == _ALONE
        if latins == _BETWEEN and _leet(read[n - 2]) != 0:
            leet = True
    if n > 0 and kinds[n - 1] == SPACE:
        n -= 1
    latin = np.int64(counts & _COUNT)
    digits = np.int64(counts >> _SIXTEEN & _COUNT)
    dense = np.int64(counts >> _THIRTY_TWO & _COUNT)
    other = np.int64(counts >> _FORTY_EIGHT)
    tricks = 0
    if hidden > 0:
        tricks |= HIDDEN
    if odd > 2:
        tricks |= STYLED
    mixed = other > 0 and latin > 0
    if mixed:
        tricks |= _one_alphabet(read, kinds, n, looks, latin > 2 * other)
    if apart:
        n, more = _together(read, kinds, n)
        tricks |= more
    # Letters that have just become Latin, or come together, may have digits between them now.
    if leet or mixed or apart:
        tricks |= _letters_again(read, kinds, n)
    facts[0] = tricks
    facts[1] = upper
    facts[2] = latin + dense + other
    facts[3] = digits
    facts[4] = pictures
    facts[5] = dense
    facts[6] = latin
    facts[7] = other
    return n


@shared
def _one_alphabet(read: Any, kinds: Any, n: Any, looks: Any, mostly_latin: Any) -> Any:
    """Words of Latin letters and look-alikes become Latin; words of look-alikes only, where the text is Latin."""
    found = 0
    i = 0
    while i < n:
        if kinds[i] != LATIN and kinds[i] != LETTER:
            i += 1
            continue
        end = i
        latin = 0
        alike = 0
        foreign = 0
        while end < n and (kinds[end] == LATIN or kinds[end] == LETTER or kinds[end] == DIGIT):
            if kinds[end] == LATIN:
                latin += 1
            elif kinds[end] == LETTER:
                if _looks_like(read[end], looks) != 0:
                    alike += 1
                else:
                    foreign += 1
            end += 1
        if alike > 0 and foreign == 0 and (latin > 0 or mostly_latin):
            for j in range(i, end):
                if kinds[j] == LETTER:
                    read[j] = np.uint32(_looks_like(read[j], looks))
                    kinds[j] = np.uint8(LATIN)
            if latin > 0:
                found = MIXED
        elif latin > 1 and alike + foreign > 1 and latin + alike + foreign > 4:
            found = MIXED
        i = end
    return found


@shared
def _together(read: Any, kinds: Any, n: Any) -> Any:
    """Letters that stand apart, three or more, with the same single separator between them, become a word."""
    found = 0
    out = 0
    i = 0
    while i < n:
        alone = (kinds[i] == LATIN or kinds[i] == LETTER) and (i == 0 or kinds[i - 1] == SPACE)
        if alone and i + 4 < n:
            separator = read[i + 1]
            plain = kinds[i + 1] == SPACE or separator == 46 or separator == 45 or separator == 95 or separator == 42
            end = i
            count = 1
            while (
                plain
                and end + 2 < n
                and read[end + 1] == separator
                and (kinds[end + 2] == LATIN or kinds[end + 2] == LETTER)
                and (end + 3 >= n or (kinds[end + 3] != LATIN and kinds[end + 3] != LETTER and kinds[end + 3] != MARK))
            ):
                end += 2
                count += 1
            if count >= 4 or (count >= 3 and separator != 46 and separator != 32):
                for j in range(i, end + 1, 2):
                    read[out] = read[j]
                    kinds[out] = kinds[j]
                    out += 1
                i = end + 1
                found = APART
                continue
        read[out] = read[i]
        kinds[out] = kinds[i]
        out += 1
        i += 1
    return out, found


@shared
def _letters_again(read: Any, kinds: Any, n: Any) -> Any:
    """Digits and signs between Latin letters of one word, fewer than these, become the letters that they stand for."""
    found = 0
    i = 0
    while i < n:
        if kinds[i] == SPACE:
            i += 1
            continue
        end = i
        latin = 0
        inside = 0
        link = False
        while end < n and kinds[end] != SPACE:
            if kinds[end] == LATIN:
                latin += 1
            elif (
                _leet(read[end]) != 0
                and end > i
                and end + 1 < n
                and kinds[end - 1] == LATIN
                and kinds[end + 1] == LATIN
            ):
                inside += 1
            if (
                read[end] == 47
                or (read[end] == 64 and end > i + 1 and end + 3 < n)
                or (read[end] == 46 and end + 2 < n and kinds[end + 1] == LATIN and kinds[end + 2] == LATIN)
            ):
                # An address is left as it is: its digits are its own.
                link = True
            end += 1
        if inside > 0 and latin >= 3 and inside < latin and not link:
            for j in range(i + 1, end - 1):
                letter = _leet(read[j])
                if letter != 0 and kinds[j - 1] == LATIN and kinds[j + 1] == LATIN:
                    read[j] = letter
                    kinds[j] = np.uint8(LATIN)
                    found = LEET
        i = end
    return found


@kernel
def _fold(codes: Any, index: Any, pages: Any, looks: Any, read: Any, kinds: Any, facts: Any) -> int:
    return int(
        fold_codes(
            pointer(codes),
            0,
            codes.size,
            pointer(index),
            pointer(pages),
            looks,
            pointer(read),
            pointer(kinds),
            pointer(facts),
        )
    )
