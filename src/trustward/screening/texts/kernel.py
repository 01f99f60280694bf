"""The compiled reading of texts: from characters to the numbers of features, and to scores.

A text becomes three families of features, each a list of places in a table of weights:

- *characters*: pieces of three to five characters within words; in alphabets without spaces, of one to four;
- *words*: single words and pairs of neighbours;
- *meanings*: concepts of the lexicon in any language (``account``, ``suspend``, ``click``), pairs of them, and the
  shape of the text (a link, an amount, a code, shouting), so that what is learned in one language holds in another.

Numbers are read by their length only, links and addresses as such, never by their characters alone.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from trustward.base.jit import kernel, part, shared
from trustward.screening.folding import fold_codes
from trustward.screening.texts.hashes import START, find, mixed, place, step
from trustward.screening.texts.tokens import (
    CHAR_BITS,
    PAIRED_SHAPES,
    S_DIGITS,
    S_LENGTH,
    S_LINKS,
    S_NO_LINK,
    S_PICTURES,
    S_SHORT,
    S_SHOUTS,
    S_TRICK,
    S_TRICKS,
    S_UPPER,
    bucket,
    tokens,
)

WORD_BITS, MEANING_BITS = 18, 15
MOST_CHARS, MOST_WORDS, MOST_MEANINGS = 24_576, 8_448, 2_048
MOST_CONCEPTS = 24
"""Distinct concepts of a text that are paired with each other."""
CONCEPTS = 256
"""Places for concepts; the lexicon has fewer."""
_PRIME = np.uint64(0x9E3779B97F4A7C15)
FLOOR, REACH, SLOPE = -2.0, 4.0, 0.02
"""Two judgements become one score: harm counts from FLOOR up, mass mailing between -REACH and REACH, so that an
advertisement is above what people write to each other and below a scam. Beyond, both count by SLOPE only."""
FLAGS = 9
FL_SHAPES, FL_CONCEPTS, FL_TRICKS, FL_CHARS, FL_WORDS, FL_MEANINGS, FL_LETTERS, FL_NUMBERS, FL_TOKENS = range(FLAGS)
BANDS, ROWS, SHINGLE, DENSE_SHINGLE = 3, 2, 3, 6
"""Fingerprints of near-duplicates: pairs of the least hashes of three neighbouring words (six characters of an alphabet
without spaces). Texts that share four fifths of these share a fingerprint 95 times of 100, those that share a fifth of
them 12 times."""


@shared
def _chars(seq: Any, dense: Any, m: Any, out: Any, chars: Any) -> Any:
    """Pieces of words; a word's beginning and end count as a space."""
    start = -1
    while start < m:
        here = np.uint32(32) if start < 0 else seq[start]
        if start >= 0 and dense[start] == 1:
            state = START
            for length in range(4):
                at = start + length
                if at >= m or dense[at] == 0:
                    break
                state = step(state, seq[at])
                if chars < out.size:
                    out[chars] = place(state, CHAR_BITS)
                    chars += 1
            start += 1
            continue
        state = step(START, here)
        at = start + 1
        length = 1
        while length < 5 and at <= m:
            code = np.uint32(32) if at == m else seq[at]
            if at < m and dense[at] == 1:
                break
            state = step(state, code)
            length += 1
            if length >= 3 and chars < out.size:
                out[chars] = place(state, CHAR_BITS)
                chars += 1
            if code == 32:
                break
            at += 1
        start += 1
    return chars


@shared
def _words(seq: Any, dense: Any, m: Any, out: Any) -> Any:
    """Words and pairs of neighbours."""
    words = 0
    count = 0
    before = np.uint64(0)
    i = 0
    while i < m:
        if seq[i] == 32:
            i += 1
            continue
        if dense[i] == 1:
            before = np.uint64(0)
            i += 1
            count += 1
            continue
        state = START
        while i < m and seq[i] != 32 and dense[i] == 0:
            state = step(state, seq[i])
            i += 1
        count += 1
        if words + 2 <= out.size:
            out[words] = place(state, WORD_BITS)
            words += 1
            if before != np.uint64(0):
                out[words] = place(before * _PRIME ^ state, WORD_BITS)
                words += 1
        before = state
    return words, count


@shared
def _concepts(seq: Any, dense: Any, m: Any, keys: Any, values: Any, seen: Any, found: Any) -> Any:
    """The distinct concepts of a text, in order of their first place."""
    count = 0
    i = 0
    while i < m:
        fresh = i == 0 or seq[i - 1] == 32 or dense[i] == 1 or dense[i - 1] == 1
        if not fresh or seq[i] == 32:
            i += 1
            continue
        state = START
        best = 0
        at = i
        while at < m and at - i < 40:
            state = step(state, seq[at])
            value = find(keys, values, state)
            if value < 0:
                break
            at += 1
            if value > 0:
                rest = 0
                if dense[at - 1] == 0:
                    while at + rest < m and seq[at + rest] != 32 and dense[at + rest] == 0 and rest < 7:
                        rest += 1
                # A longer word may go on for some letters: endings of grammar.
                length = at - i
                if rest == 0 or (length >= 5 and rest <= 3) or (length >= 7 and rest <= 6):
                    best = value
        if best > 0 and seen[best - 1] == 0:
            seen[best - 1] = np.uint8(1)
            found[count] = np.int16(best - 1)
            count += 1
        i += 1
    return count


@shared
def _meanings(found: Any, count: Any, shapes: Any, out: Any) -> Any:
    """Concepts, shapes, pairs of concepts, and pairs of a concept with a shape, as places of the third table."""
    n = 0
    for s in range(shapes.size):
        if shapes[s] != 0 and n < out.size:
            out[n] = place(step(START, np.uint32(0x20000 + s)), MEANING_BITS)
            n += 1
    count = min(count, MOST_CONCEPTS)
    for a in range(count):
        first = np.int64(found[a])
        if n < out.size:
            out[n] = place(step(START, np.uint32(0x30000 + first)), MEANING_BITS)
            n += 1
        for b in range(a + 1, count):
            second = np.int64(found[b])
            pair = min(first, second) * CONCEPTS + max(first, second)
            if n < out.size:
                out[n] = place(step(START, np.uint32(0x40000 + pair)), MEANING_BITS)
                n += 1
        for s in range(PAIRED_SHAPES):
            if shapes[s] != 0 and n < out.size:
                out[n] = place(step(START, np.uint32(0x50000 + s * CONCEPTS + first)), MEANING_BITS)
                n += 1
    return n


@shared
def _read(
    codes: Any,
    start: Any,
    stop: Any,
    folding: Any,
    lexicon: Any,
    scratch: Any,
    out_chars: Any,
    out_words: Any,
    out_meanings: Any,
    flags: Any,
) -> Any:
    """All features of one text. ``flags`` gets the shapes, the number of concepts, the tricks and the three lengths."""
    read, kinds, facts, seq, dense, shapes, seen, found, counts = scratch
    n = fold_codes(codes, start, stop, folding[0], folding[1], folding[2], read, kinds, facts)
    for s in range(shapes.size):
        shapes[s] = 0
    for s in range(seen.size):
        seen[s] = 0
    counts[0] = 0
    counts[1] = 0
    m, chars, links = tokens(
        read, kinds, n, seq, dense, shapes, counts, out_chars, (lexicon[2], lexicon[3]), (lexicon[4], lexicon[5])
    )
    chars = _chars(seq, dense, m, out_chars, chars)
    words, count = _words(seq, dense, m, out_words)
    letters = facts[2]
    if links == 0:
        shapes[S_NO_LINK] = np.uint8(1)
    if links > 1:
        shapes[S_LINKS] = np.uint8(1)
    # One character of an alphabet without spaces says about as much as half a word.
    length = count - facts[5] + facts[5] // 2 if facts[5] > 0 else count
    if length <= 5:
        shapes[S_SHORT] = np.uint8(1)
    shapes[S_LENGTH + bucket(length, 2, 5, 9, 15, 25) + int(length > 40) + int(length > 80) + int(length > 200)] = (
        np.uint8(1)
    )
    cased = facts[6] + facts[7]
    shapes[
        S_UPPER
        + (bucket(facts[1] * 100, 3 * cased, 10 * cased, 25 * cased, 50 * cased, 80 * cased) if cased > 0 else 7)
    ] = np.uint8(1)
    shapes[S_SHOUTS + min(counts[1], 4)] = np.uint8(1)
    shapes[S_PICTURES + bucket(facts[4], 0, 1, 3, 6, 12)] = np.uint8(1)
    shapes[S_DIGITS + bucket(facts[3] * 100, 0, 3 * n, 8 * n, 16 * n, 30 * n)] = np.uint8(1)
    tricks = facts[0]
    for bit in range(5):
        if tricks >> bit & 1:
            shapes[S_TRICKS + bit] = np.uint8(1)
            shapes[S_TRICK] = np.uint8(1)
    concepts = _concepts(seq, dense, m, lexicon[0], lexicon[1], seen, found)
    meanings = _meanings(found, concepts, shapes, out_meanings)
    bits = 0
    for s in range(S_LENGTH):
        bits |= int(shapes[s]) << s
    flags[0] = bits
    flags[1] = concepts
    flags[2] = tricks
    flags[3] = chars
    flags[4] = words
    flags[5] = meanings
    flags[6] = letters
    flags[7] = counts[0]
    flags[8] = m


@kernel
def features(
    codes: Any, starts: Any, folding: Any, lexicon: Any, scratch: Any, outs: Any, places: Any, ends: Any
) -> int:
    """The features of many texts, for training: family f of text i is ``places[f][ends[i, f]:ends[i + 1, f]]``.

    ``ends`` has one row more than there are texts and begins with zeros. Returns how many texts fitted in.
    """
    flags = np.empty(FLAGS, np.int64)
    for i in range(starts.size - 1):
        _read(codes, starts[i], starts[i + 1], folding, lexicon, scratch, outs[0], outs[1], outs[2], flags)
        for f in range(3):
            size = flags[3 + f]
            first = ends[i, f]
            if first + size > places[f].size:
                return i
            for j in range(size):
                places[f][first + j] = outs[f][j]
            ends[i + 1, f] = first + size
    return int(starts.size - 1)


@part
def _sum(weights: Any, places: Any, size: Any, head: Any) -> Any:
    total = 0
    for j in range(size):
        total += int(weights[places[j], head])
    return total


@kernel
def logits(
    codes: Any,
    starts: Any,
    folding: Any,
    lexicon: Any,
    scratch: Any,
    outs: Any,
    weights: Any,
    scales: Any,
    out: Any,
    facts: Any,
) -> None:
    """The score of each text before calibration, and its flags (``facts``: one row of FLAGS a text).

    ``weights`` are three tables of whole numbers with two columns, harm and mass mailing; ``scales[f]`` is what a unit
    of family f is worth in each, ``scales[3]`` the constants. FLOOR and REACH say how the two become one.
    """
    for i in range(starts.size - 1):
        flags = facts[i]
        _read(codes, starts[i], starts[i + 1], folding, lexicon, scratch, outs[0], outs[1], outs[2], flags)
        harm = scales[3, 0]
        mass = scales[3, 1]
        for f in range(3):
            size = flags[3 + f]
            if size > 0:
                root = np.sqrt(size)
                harm += scales[f, 0] * _sum(weights[f], outs[f], size, 0) / root
                mass += scales[f, 1] * _sum(weights[f], outs[f], size, 1) / root
        held = min(max(mass, -REACH), REACH)
        out[i] = max(harm, FLOOR) + SLOPE * min(harm - FLOOR, 0.0) + held + SLOPE * (mass - held)


@kernel
def concept_place(concept: int) -> int:
    """Where a concept by itself stands in the third table."""
    return int(place(step(START, np.uint32(0x30000 + concept)), MEANING_BITS))


@kernel
def heads(outs: Any, flags: Any, weights: Any, scales: Any, out: Any) -> None:
    """The scores of the categories from the features of the text that was read last.

    ``weights[f][place, category]``, with ``scales[f, category]`` and the constants in ``scales[3]``.
    """
    for c in range(out.size):
        out[c] = scales[3, c]
    for f in range(3):
        size = flags[3 + f]
        table = weights[f]
        if size == 0 or table.shape[0] == 0:
            continue
        mask = np.uint32(table.shape[0] - 1)
        for c in range(out.size):
            total = 0
            for j in range(size):
                total += int(table[outs[f][j] & mask, c])
            out[c] += scales[f, c] * total / np.sqrt(size)


@part
def _end_of_word(seq: Any, dense: Any, m: Any, i: Any) -> Any:
    """Where the word that begins at ``i`` ends; a character of an alphabet without spaces is a word."""
    if dense[i] == 1:
        return i + 1
    while i < m and seq[i] != 32 and dense[i] == 0:
        i += 1
    return i


@kernel
def likeness(seq: Any, dense: Any, m: int, out: Any) -> int:
    """The ``BANDS * ROWS`` least hashes of the text that was read last; returns how many shingles there were."""
    out[:] = np.uint64(0xFFFFFFFFFFFFFFFF)
    shingles = 0
    i = 0
    while i < m:
        if seq[i] == 32:
            i += 1
            continue
        wanted = DENSE_SHINGLE if dense[i] == 1 else SHINGLE
        state = START
        at = i
        words = 0
        while at < m and words < wanted:
            if seq[at] == 32:
                at += 1
                continue
            end = _end_of_word(seq, dense, m, at)
            # Numbers and links are what changes from copy to copy.
            if not (0xE000 <= seq[at] <= 0xE023):
                for j in range(at, end):
                    state = step(state, seq[j])
                state = step(state, np.uint32(32))
                words += 1
            at = end
        if words == wanted:
            shingles += 1
            for k in range(out.size):
                hashed = mixed(state ^ (np.uint64(k + 1) * START))
                out[k] = min(out[k], hashed)
        i = _end_of_word(seq, dense, m, i)
    return shingles
