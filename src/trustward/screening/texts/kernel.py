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

from trustward.base.jit import kernel, part, pointer, prefetch, shared
from trustward.screening.folding import fold_codes
from trustward.screening.texts.hashes import BEGUN, START, WHOLE, find, hinted, mixed, place, step
from trustward.screening.texts.registers import COMMENT, NONE, likeness_to_comments, local_judgement, register_of
from trustward.screening.texts.tokens import (
    CHAR_BITS,
    MOST_CHARS,
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
    SHAPES,
    bucket,
    tokens,
)

WORD_BITS, MEANING_BITS = 18, 15
MOST_WORDS, MOST_MEANINGS = 8_448, 2_048
MOST_CONCEPTS = 24
"""Distinct concepts of a text that are paired with each other."""
TOLD = 5
"""What is told of a text: its category, and the concepts that speak most for harm."""
CONCEPTS = 256
"""Places for concepts; the lexicon has fewer."""
UNTOLD = CONCEPTS - 1
"""The place of what is no concept: as if it had been seen already, it is never counted."""
_PRIME = np.uint64(0x9E3779B97F4A7C15)
FLOOR, REACH, SLOPE = -2.0, 4.0, 0.02
"""Two judgements become one score: harm counts from FLOOR up, mass mailing between -REACH and REACH, so that an
advertisement is above what people write to each other and below a scam. Beyond, both count by SLOPE only."""
FLAGS = 10
(
    FL_SHAPES,
    FL_CONCEPTS,
    FL_TRICKS,
    FL_CHARS,
    FL_WORDS,
    FL_MEANINGS,
    FL_LETTERS,
    FL_NUMBERS,
    FL_TOKENS,
    FL_REGISTER,
) = range(FLAGS)
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
                if chars < MOST_CHARS:
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
            if length >= 3 and chars < MOST_CHARS:
                out[chars] = place(state, CHAR_BITS)
                chars += 1
            if code == 32:
                break
            at += 1
        start += 1
    return chars


@shared
def _words(seq: Any, dense: Any, m: Any, out: Any, weights: Any) -> Any:
    """Words and pairs of neighbours; their weights are asked for."""
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
        if words + 2 <= MOST_WORDS:
            out[words] = place(state, WORD_BITS)
            prefetch(weights, np.int64(out[words]) * 2)
            words += 1
            if before != np.uint64(0):
                out[words] = place(before * _PRIME ^ state, WORD_BITS)
                prefetch(weights, np.int64(out[words]) * 2)
                words += 1
        before = state
    return words, count


@shared
def _concepts(seq: Any, dense: Any, m: Any, lexicon: Any, seen: Any, found: Any) -> Any:
    """The distinct concepts of a text, in order of their first place."""
    table, mask, begun, whole = lexicon
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
            if not hinted(begun, state, BEGUN):
                break
            at += 1
            # A whole entry is there only with all its beginnings: a hint that errs leads to none.
            value = find(table, mask, state) if hinted(whole, state, WHOLE) else 0
            if value > 0:
                rest = 0
                if dense[at - 1] == 0:
                    while at + rest < m and seq[at + rest] != 32 and dense[at + rest] == 0 and rest < 7:
                        rest += 1
                # A longer word may go on for some letters: endings of grammar. What is no concept is whole.
                length = at - i
                goes_on = (length >= 5 and rest <= 3) or (length >= 7 and rest <= 6)
                if rest == 0 or (goes_on and value <= UNTOLD):
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
    for s in range(SHAPES):
        if shapes[s] != 0 and n < MOST_MEANINGS:
            out[n] = place(step(START, np.uint32(0x20000 + s)), MEANING_BITS)
            n += 1
    count = min(count, MOST_CONCEPTS)
    for a in range(count):
        first = np.int64(found[a])
        if n < MOST_MEANINGS:
            out[n] = place(step(START, np.uint32(0x30000 + first)), MEANING_BITS)
            n += 1
        for b in range(a + 1, count):
            second = np.int64(found[b])
            pair = min(first, second) * CONCEPTS + max(first, second)
            if n < MOST_MEANINGS:
                out[n] = place(step(START, np.uint32(0x40000 + pair)), MEANING_BITS)
                n += 1
        for s in range(PAIRED_SHAPES):
            if shapes[s] != 0 and n < MOST_MEANINGS:
                out[n] = place(step(START, np.uint32(0x50000 + s * CONCEPTS + first)), MEANING_BITS)
                n += 1
    return n


@part
def _pointers(scratch: Any, outs: Any) -> Any:
    """Where the room to work in lies."""
    read, kinds, facts, seq, dense, shapes, seen, found, counts = scratch
    return (
        pointer(read),
        pointer(kinds),
        pointer(facts),
        pointer(seq),
        pointer(dense),
        pointer(shapes),
        pointer(seen),
        pointer(found),
        pointer(counts),
        pointer(outs[0]),
        pointer(outs[1]),
        pointer(outs[2]),
    )


@part
def _tables(folding: Any, lexicon: Any) -> Any:
    """Where the tables lie: of folding, concepts with their hints, endings, hosts that shorten; each with its mask."""
    concepts, endings, short, begun, whole = lexicon
    return (
        pointer(folding[0]),
        pointer(folding[1]),
        folding[2],
        (pointer(concepts), np.uint64(concepts.size - 1), pointer(begun), pointer(whole)),
        (pointer(endings), np.uint64(endings.size - 1)),
        (pointer(short), np.uint64(short.size - 1)),
    )


@shared
def _read(codes: Any, start: Any, stop: Any, tables: Any, work: Any, words_at: Any, flags: Any) -> Any:
    """All features of one text. ``flags`` gets the shapes, the number of concepts, the tricks and the three lengths.

    ``words_at`` is the table of words' weights, which is asked for early, because it comes from far.
    """
    index, pages, looks, lexicon, endings, short = tables
    read, kinds, facts, seq, dense, shapes, seen, found, counts, out_chars, out_words, out_meanings = work
    n = fold_codes(codes, start, stop, index, pages, looks, read, kinds, facts)
    for s in range(SHAPES):
        shapes[s] = 0
    for s in range(CONCEPTS):
        seen[s] = 0
    seen[UNTOLD] = 1
    counts[0] = 0
    counts[1] = 0
    m, chars, links = tokens(read, kinds, n, seq, dense, shapes, counts, out_chars, endings, short)
    words, count = _words(seq, dense, m, out_words, words_at)
    chars = _chars(seq, dense, m, out_chars, chars)
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
    concepts = _concepts(seq, dense, m, lexicon, seen, found)
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
    flags[9] = register_of(codes, start, stop)


@kernel
def features(
    codes: Any,
    starts: Any,
    folding: Any,
    lexicon: Any,
    scratch: Any,
    outs: Any,
    places: Any,
    ends: Any,
    registers: Any,
) -> int:
    """The features of many texts, for training: family f of text i is ``places[f][ends[i, f]:ends[i + 1, f]]``.

    ``ends`` has one row more than there are texts and begins with zeros; ``registers`` gets the register that each
    text's lines and alphabet show. Returns how many texts fitted in.
    """
    facts = np.empty(FLAGS, np.int64)
    flags = pointer(facts)
    work, tables = _pointers(scratch, outs), _tables(folding, lexicon)
    for i in range(starts.size - 1):
        _read(pointer(codes), starts[i], starts[i + 1], tables, work, work[5], flags)
        for f in range(3):
            size = facts[3 + f]
            first = ends[i, f]
            if first + size > places[f].size:
                return i
            for j in range(size):
                places[f][first + j] = outs[f][j]
            ends[i + 1, f] = first + size
        registers[i] = facts[9]
    return int(starts.size - 1)


@part
def _sums(weights: Any, places: Any, size: Any) -> Any:
    """What a family's weights come to for harm and for mass mailing."""
    harm = np.int64(0)
    mass = np.int64(0)
    for j in range(size):
        at = np.int64(places[j]) * 2
        harm += np.int64(weights[at])
        mass += np.int64(weights[at + 1])
    return harm, mass


@part
def _head_sums(table: Any, mask: Any, places: Any, size: Any, totals: Any, scales: Any, f: Any, out: Any) -> Any:
    """Add one family to the scores of the categories."""
    many = out.size
    for c in range(many):
        totals[c] = 0
    for j in range(size):
        row = np.int64(places[j] & mask) * many
        for c in range(many):
            totals[c] += np.int32(table[row + c])
    for c in range(many):
        out[c] += scales[f, c] * totals[c] / np.sqrt(size)


@shared
def _tell(heads: Any, work: Any, flags: Any, weights: Any, phrased: Any, told: Any) -> None:
    """The likeliest category of the text that was read last, and the concepts that speak most for harm.

    ``heads``: three tables ``[place, category]``, their scales with the constants in the last row, and room to count
    in. ``told`` gets the category and up to TOLD - 1 concepts that have a phrase, the strongest first, then -1.
    """
    one, two, three, scales, totals, out = heads
    for c in range(out.size):
        out[c] = scales[3, c]
    for f in range(3):
        table = one if f == 0 else two if f == 1 else three
        if flags[3 + f] > 0 and table.shape[0] > 0:
            places = work[9] if f == 0 else work[10] if f == 1 else work[11]
            mask = np.uint32(table.shape[0] - 1)
            _head_sums(pointer(table), mask, places, flags[3 + f], totals, scales, f, out)
    told[0] = np.int16(np.argmax(out))
    found = work[7]
    count = min(flags[1], MOST_CONCEPTS)
    before = np.int64(1 << 20)
    after = np.int64(-1)
    for k in range(1, TOLD):
        best = np.int64(0)
        chosen = np.int64(-1)
        for a in range(count):
            concept = np.int64(found[a])
            worth = np.int64(weights[np.int64(_concept_place(concept)) * 2])
            later = worth < before or (worth == before and concept > after)
            if later and phrased[concept] and (worth > best or (worth == best and best > 0 and concept < chosen)):
                best = worth
                chosen = concept
        told[k] = np.int16(chosen)
        before = best
        after = chosen
        if chosen < 0:
            before = np.int64(0)


@part
def _concept_place(concept: Any) -> Any:
    """Where a concept by itself stands in the third table."""
    return place(step(START, np.uint32(0x30000 + concept)), MEANING_BITS)


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
    gate: Any,
    local: Any,
    kept: Any,
    heads: Any,
    phrased: Any,
    cut: Any,
    out: Any,
    facts: Any,
    told: Any,
) -> None:
    """The score of each text before calibration, and its flags (``facts``: one row of FLAGS a text).

    ``weights`` are three tables of whole numbers with two columns, harm and mass mailing; ``scales[f]`` is what a unit
    of family f is worth in each, ``scales[3]`` the constants. FLOOR and REACH say how the two become one. A text of a
    register is judged by that register's tables too (``gate``, ``local``: see the module ``registers``), and then
    ``kept`` is the share of the first judgement that stays. Texts whose score is at least ``cut`` get a row of
    ``told``, see :func:`_tell`.
    """
    work, tables = _pointers(scratch, outs), _tables(folding, lexicon)
    chars, words, meanings = pointer(weights[0]), pointer(weights[1]), pointer(weights[2])
    comments = (pointer(gate[0]), pointer(gate[1]), pointer(gate[2]))
    locals_ = (pointer(local[0]), pointer(local[1]), pointer(local[2]), local[3])
    characters = pointer(codes)
    for i in range(starts.size - 1):
        flags = pointer(facts[i])
        _read(characters, starts[i], starts[i + 1], tables, work, words, flags)
        harm = scales[3, 0]
        mass = scales[3, 1]
        for f in range(3):
            size = flags[3 + f]
            if size > 0:
                root = np.sqrt(size)
                places = work[9] if f == 0 else work[10] if f == 1 else work[11]
                table = chars if f == 0 else words if f == 1 else meanings
                first, second = _sums(table, places, size)
                harm += scales[f, 0] * first / root
                mass += scales[f, 1] * second / root
        register = flags[FL_REGISTER]
        share = 1.0
        if register == NONE:
            register = COMMENT
            share = likeness_to_comments(comments, work[10], flags[FL_WORDS], work[11], flags[FL_MEANINGS])
        if share > 0.0:
            first_own, second_own = local_judgement(register, locals_, work[9], work[10], work[11], flags, FL_CHARS)
            keep = 1.0 - share * (1.0 - kept[register])
            harm = keep * harm + share * first_own
            mass = keep * mass + share * second_own
        held = min(max(mass, -REACH), REACH)
        score = max(harm, FLOOR) + SLOPE * min(harm - FLOOR, 0.0) + held + SLOPE * (mass - held)
        out[i] = score
        if score >= cut:
            _tell(heads, work, flags, meanings, phrased, told[i])


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
