"""Registers of texts: letters of several lines, Thai, Chinese, Korean, comments; each has a judgement of its own.

What the same words mean hangs on where they stand: "click here" is everyday in a newsletter and alarming in a short
message. A text of a register is judged by the tables of all texts and by those of its register; any other text by the
tables of all texts alone, to which nothing is added.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from trustward.base.jit import part, shared

REGISTERS = ("letter", "thai", "chinese", "korean", "comment")
LETTER, THAI, CHINESE, KOREAN, COMMENT = range(len(REGISTERS))
NONE = -1
LETTER_LINES = 3
"""From so many lines on a text is a letter."""
LOCAL_BITS = (17, 16, 15)
"""Places of a register's tables for pieces of words, words, and meanings: 2 to these powers."""
GATE_BITS = (14, 15)
"""Places of the tables that tell a comment, for words and meanings."""
UNLIKE, LIKE = -2.0, 2.0
"""Below the first a text is no comment, from the second on it is one, and between them a part of one."""


@shared
def register_of(codes: Any, start: Any, stop: Any) -> Any:
    """The register that a text's lines and alphabet show, or NONE. ``codes`` is a pointer."""
    lines = 0
    fresh = True
    latin = 0
    thai = 0
    hangul = 0
    kana = 0
    han = 0
    for i in range(start, stop):
        code = np.int64(codes[i])
        if code < 128:
            if code > 32:
                latin += int(97 <= (code | 32) <= 122)
                lines += int(fresh)
                fresh = False
            elif code == 10:
                fresh = True
            continue
        lines += int(fresh)
        fresh = False
        thai += int(0x0E00 <= code <= 0x0E7F)
        hangul += int(0xAC00 <= code <= 0xD7AF)
        kana += int(0x3040 <= code <= 0x30FF)
        han += int(0x4E00 <= code <= 0x9FFF)
    if lines >= LETTER_LINES:
        return LETTER
    most = max(thai, hangul, han + kana)
    if most == 0 or 2 * most < latin:
        return NONE
    if thai == most:
        return THAI
    if hangul == most:
        return KOREAN
    return NONE if 5 * kana > han else CHINESE


@part
def _gate_sum(weights: Any, places: Any, size: Any, mask: Any) -> Any:
    total = np.int64(0)
    for j in range(size):
        total += np.int64(weights[places[j] & mask])
    return total


@part
def likeness_to_comments(gate: Any, words: Any, many_words: Any, meanings: Any, many_meanings: Any) -> Any:
    """How far a text is a comment, from 0 to 1. ``gate``: two tables, their scales with the constant."""
    of_words, of_meanings, scales = gate
    odds = scales[2]
    if many_words > 0:
        odds += (
            scales[0] * _gate_sum(of_words, words, many_words, np.uint32((1 << GATE_BITS[0]) - 1)) / np.sqrt(many_words)
        )
    if many_meanings > 0:
        total = _gate_sum(of_meanings, meanings, many_meanings, np.uint32((1 << GATE_BITS[1]) - 1))
        odds += scales[1] * total / np.sqrt(many_meanings)
    return min(max((odds - UNLIKE) / (LIKE - UNLIKE), 0.0), 1.0)


@part
def _local_sums(weights: Any, first: Any, mask: Any, places: Any, size: Any) -> Any:
    harm = np.int64(0)
    mass = np.int64(0)
    for j in range(size):
        at = first + np.int64(places[j] & mask) * 2
        harm += np.int64(weights[at])
        mass += np.int64(weights[at + 1])
    return harm, mass


@shared
def local_judgement(register: Any, local: Any, chars: Any, words: Any, meanings: Any, flags: Any, at: Any) -> Any:
    """What a register's own tables come to for harm and for mass mailing.

    ``local``: a table ``[register, place, judgement]`` for each family, and their scales
    ``[register, family, judgement]`` with the constants; ``flags[at + f]`` is how many places family f has.
    """
    one, two, three, scales = local
    harm = scales[register, 3, 0]
    mass = scales[register, 3, 1]
    for f in range(3):
        size = flags[at + f]
        if size > 0:
            table = one if f == 0 else two if f == 1 else three
            found = chars if f == 0 else words if f == 1 else meanings
            bits = LOCAL_BITS[0] if f == 0 else LOCAL_BITS[1] if f == 1 else LOCAL_BITS[2]
            mask = np.uint32((1 << bits) - 1)
            first, second = _local_sums(table, np.int64(register) << (bits + 1), mask, found, size)
            root = np.sqrt(size)
            harm += scales[register, f, 0] * first / root
            mass += scales[register, f, 1] * second / root
    return harm, mass
