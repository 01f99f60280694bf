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

from trustward.base.jit import kernel, part
from trustward.screening.folding import fold_codes

SPACE, LATIN, DIGIT, DENSE, LETTER, SIGN, PICTURE, MONEY, MARK = 1, 2, 3, 4, 5, 7, 8, 9, 10
NUMBER_CODE, LINK_CODE, MAIL_CODE, HANDLE_CODE, MONEY_CODE = 0xE000, 0xE020, 0xE021, 0xE022, 0xE023  # private use
"""Private characters that stand for a number (by length), a link, a mail address, a handle, a sign of money."""
CHAR_BITS, WORD_BITS, MEANING_BITS = 19, 18, 15
MOST_CHARS, MOST_WORDS, MOST_MEANINGS = 24_576, 8_448, 2_048
MOST_CONCEPTS = 24
"""Distinct concepts of a text that are paired with each other."""
CONCEPTS = 256
"""Places for concepts; the lexicon has fewer."""
# Shapes: facts about a text that need no word. Those below PAIRED_SHAPES are also paired with each concept.
(
    S_LINK,
    S_SHORTENED,
    S_PHONE,
    S_CODE,
    S_AMOUNT,
    S_MAIL,
    S_HANDLE,
    S_QUESTION,
    S_SHORT,
    S_TRICK,
    PAIRED_SHAPES,
) = range(11)
(
    S_LINKS,
    S_NUMERIC_HOST,
    S_UNSAFE_SCHEME,
    S_LINK_LAST,
    S_PERCENT,
    S_NO_LINK,
    S_MASKED,
) = range(11, 18)
S_LENGTH, S_UPPER, S_SHOUTS, S_PICTURES, S_DIGITS, S_TRICKS, S_HOST, S_ENDING = 18, 28, 36, 41, 47, 53, 58, 82
SHAPES = 338
"""Ranges of shapes: length of the text, share of capitals, exclamation marks, pictures, digits, tricks, what the host
of a link looks like, and its ending by hash."""
FLOOR, REACH = -2.0, 4.0
"""Two judgements become one score: harm counts from FLOOR up, mass mailing between -REACH and REACH, so that an
advertisement is above what people write to each other and below a scam."""
FLAGS = 8
FL_SHAPES, FL_CONCEPTS, FL_TRICKS, FL_CHARS, FL_WORDS, FL_MEANINGS, FL_LETTERS, FL_NUMBERS = range(FLAGS)

_PRIME = np.uint64(0x9E3779B97F4A7C15)
_START = np.uint64(0x2545F4914F6CDD1D)
_M1 = np.uint64(0xFF51AFD7ED558CCD)
_U29 = np.uint64(29)
_U32 = np.uint64(32)
_ONE = np.uint64(1)
_ZERO = np.uint64(0)


@part
def _step(state: Any, code: Any) -> Any:
    """Take one more character into a running hash."""
    return (state ^ np.uint64(code)) * _PRIME + (state >> _U29)


@part
def _place(state: Any, bits: Any) -> Any:
    """Where a hash falls in a table of ``2 ** bits`` places."""
    state ^= state >> _U32
    state *= _M1
    return np.uint32(state >> np.uint64(64 - bits))


@part
def _find(keys: Any, values: Any, state: Any) -> Any:
    """The value of a key in a table of open addressing: -1 if it is not there."""
    mask = np.uint64(keys.size - 1)
    key = state | _ONE
    at = (key * _M1) >> _U32 & mask
    while keys[at] != _ZERO:
        if keys[at] == key:
            return np.int64(values[at])
        at = (at + _ONE) & mask
    return np.int64(-1)


@kernel
def build_table(codes: Any, starts: Any, words: Any, keys: Any, values: Any) -> int:
    """Fill the tree of the lexicon: each beginning of an entry is a key, a whole entry has ``concept + 1``.

    ``codes[starts[i]:starts[i + 1]]`` is entry i, ``words[i]`` its concept. Returns how many keys there are, or -1 if
    the table is more than half full.
    """
    mask = np.uint64(keys.size - 1)
    used = 0
    for entry in range(words.size):
        state = _START
        for i in range(starts[entry], starts[entry + 1]):
            state = _step(state, codes[i])
            key = state | _ONE
            at = (key * _M1) >> _U32 & mask
            while keys[at] != _ZERO and keys[at] != key:
                at = (at + _ONE) & mask
            if keys[at] == _ZERO:
                keys[at] = key
                used += 1
                if used * 2 > keys.size:
                    return -1
            if i == starts[entry + 1] - 1 and values[at] == 0:
                values[at] = np.int16(words[entry] + 1)
    return used


@part
def _is_link_sign(code: Any) -> Any:
    """Signs that may stand within a link: - . / : ? # & = % _ ~ + @."""
    c = np.int64(code)
    if 45 <= c <= 47 or c == 58 or c == 63 or c == 64 or c == 95:
        return True
    return c == 35 or c == 38 or c == 61 or c == 37 or c == 126 or c == 43


@part
def _link_of(read: Any, kinds: Any, i: Any, end: Any, endings: Any) -> Any:
    """Whether ``read[i:end]`` is a link (1), a mail address (2), a handle (3) or none (0), and where its host lies."""
    at = -1
    host = i
    slashes = False
    for j in range(i, end):
        if read[j] == 64 and at < 0:
            at = j
        if j + 2 < end and read[j] == 58 and read[j + 1] == 47 and read[j + 2] == 47:
            host = j + 3
            slashes = True
            break
        if read[j] == 47:
            break
    if at == i and end - i > 3 and not slashes:
        return 3, i, i, i
    stop = host
    dot = -1
    while stop < end and (
        kinds[stop] == LATIN or kinds[stop] == DIGIT or read[stop] == 46 or read[stop] == 45 or read[stop] == 95
    ):
        if read[stop] == 46 and stop + 1 < end and (kinds[stop + 1] == LATIN or kinds[stop + 1] == DIGIT):
            dot = stop
        stop += 1
    if slashes:
        return 1, host, stop, dot
    if at > i:
        if at + 3 < end and kinds[at + 1] == LATIN:
            return 2, i, i, i
        return 0, i, i, i
    if dot <= host or stop - dot < 3:
        return 0, i, i, i
    last = stop
    while last > dot + 1 and kinds[last - 1] != LATIN:
        last -= 1
    if last - dot < 3:
        return 0, i, i, i
    state = _START
    for j in range(dot + 1, last):
        if kinds[j] != LATIN:
            return 0, i, i, i
        state = _step(state, read[j])
    common = _find(endings[0], endings[1], state)
    path = stop < end and (read[stop] == 47 or read[stop] == 63)
    www = host + 4 < end and read[host] == 119 and read[host + 1] == 119 and read[host + 2] == 119
    # Any ending with a path or www in front; without them only endings that are no words of their own.
    if common >= 1 and (path or www or common == 2):
        return 1, host, stop, dot
    return 0, i, i, i


@part
def _bucket(value: Any, a: Any, b: Any, c: Any, d: Any, e: Any) -> Any:
    return int(value > a) + int(value > b) + int(value > c) + int(value > d) + int(value > e)


@part
def _number(length: Any) -> Any:
    """Numbers by length: 1, 2, 3, 4 to 5, 6, 7 to 9, 10 to 12, more."""
    if length <= 3:
        return length
    if length <= 5:
        return 4
    if length == 6:
        return 5
    return 6 if length <= 9 else 7 if length <= 12 else 8


@part
def _tokens(
    read: Any, kinds: Any, n: Any, seq: Any, dense: Any, shapes: Any, counts: Any, out: Any, endings: Any, short: Any
) -> Any:
    """The text as single characters and stand-ins with single spaces between words, and what its links look like.

    Writes ``seq`` and ``dense`` (whether a character belongs to an alphabet without spaces), sets ``shapes``, and adds
    pieces of links to ``out``. Returns the length, the number of pieces, and the number of links.
    """
    m = 0
    chars = 0
    links = 0
    i = 0
    last_link = -1
    while i < n:
        kind = kinds[i]
        if kind == LATIN or kind == DIGIT or read[i] == 64 or (read[i] == 120):
            end = i
            signs = 0
            while end < n and (kinds[end] == LATIN or kinds[end] == DIGIT or _is_link_sign(read[end])):
                signs += int(kinds[end] == SIGN)
                end += 1
            while end > i and kinds[end - 1] == SIGN and read[end - 1] != 47:
                end -= 1
                signs -= 1
            what = 0
            host = i
            stop = i
            dot = i
            if signs > 0 and end - i > 3:
                what, host, stop, dot = _link_of(read, kinds, i, end, endings)
            if what > 0:
                if what == 1:
                    links += 1
                    last_link = end
                    chars = _link_shapes(read, kinds, i, host, stop, dot, end, shapes, out, chars, short)
                    seq[m] = np.uint32(LINK_CODE)
                elif what == 2:
                    shapes[S_MAIL] = np.uint8(1)
                    seq[m] = np.uint32(MAIL_CODE)
                else:
                    shapes[S_HANDLE] = np.uint8(1)
                    seq[m] = np.uint32(HANDLE_CODE)
                if m > 0 and seq[m - 1] != 32:
                    seq[m + 1] = seq[m]
                    seq[m] = np.uint32(32)
                    dense[m] = np.uint8(0)
                    m += 1
                dense[m] = np.uint8(0)
                m += 1
                seq[m] = np.uint32(32)
                dense[m] = np.uint8(0)
                m += 1
                i = end
                continue
        if kind == DIGIT or (read[i] == 120 and i + 1 < n and read[i + 1] == 120):
            # A number, or one that was masked with x. Points, commas, spaces and dashes within are passed over.
            end = i
            length = 0
            masked = False
            while end < n:
                if kinds[end] == DIGIT or read[end] == 120:
                    masked = masked or read[end] == 120
                    length += 1
                    end += 1
                elif (
                    end + 1 < n
                    and (kinds[end + 1] == DIGIT)
                    and (read[end] == 46 or read[end] == 44 or read[end] == 45 or (kinds[end] == SPACE and length >= 2))
                ):
                    end += 1
                else:
                    break
            if masked and end < n and kinds[end] == LATIN and length < 4:
                # A word that begins with two x is no number.
                pass
            else:
                if masked:
                    shapes[S_MASKED] = np.uint8(1)
                seq[m] = np.uint32(NUMBER_CODE + _number(length))
                dense[m] = np.uint8(0)
                m += 1
                if 7 <= length <= 15:
                    shapes[S_PHONE] = np.uint8(1)
                if 4 <= length <= 8:
                    shapes[S_CODE] = np.uint8(1)
                before = i > 0 and (
                    kinds[i - 1] == MONEY or (i > 1 and kinds[i - 1] == SPACE and kinds[i - 2] == MONEY)
                )
                after = end < n and (
                    kinds[end] == MONEY or (end + 1 < n and kinds[end] == SPACE and kinds[end + 1] == MONEY)
                )
                if before or after:
                    shapes[S_AMOUNT] = np.uint8(1)
                if end < n and read[end] == 37:
                    shapes[S_PERCENT] = np.uint8(1)
                counts[0] += 1
                i = end
                continue
        if kind == LATIN or kind == LETTER or kind == DENSE or kind == MARK:
            seq[m] = read[i]
            dense[m] = np.uint8(kind == DENSE or (kind == MARK and m > 0 and dense[m - 1] == 1))
            m += 1
        elif kind == PICTURE:
            if m > 0 and seq[m - 1] != 32:
                seq[m] = np.uint32(32)
                dense[m] = np.uint8(0)
                m += 1
            seq[m] = read[i]
            dense[m] = np.uint8(0)
            m += 1
            seq[m] = np.uint32(32)
            dense[m] = np.uint8(0)
            m += 1
        elif kind == MONEY:
            seq[m] = np.uint32(MONEY_CODE)
            dense[m] = np.uint8(0)
            m += 1
        else:
            if read[i] == 33:
                counts[1] += 1
            elif read[i] == 63:
                shapes[S_QUESTION] = np.uint8(1)
            if m > 0 and seq[m - 1] != 32:
                seq[m] = np.uint32(32)
                dense[m] = np.uint8(0)
                m += 1
        i += 1
    if m > 0 and seq[m - 1] == 32:
        m -= 1
    if links > 0 and last_link >= n - 2:
        shapes[S_LINK_LAST] = np.uint8(1)
    return m, chars, links


@part
def _link_shapes(
    read: Any,
    kinds: Any,
    first: Any,
    host: Any,
    stop: Any,
    dot: Any,
    end: Any,
    shapes: Any,
    out: Any,
    chars: Any,
    short: Any,
) -> Any:
    """What a link looks like; pieces of its host join the characters. Returns how many pieces there are now."""
    shapes[S_LINK] = np.uint8(1)
    begin = host
    if (
        stop - host > 4
        and read[host] == 119
        and read[host + 1] == 119
        and read[host + 2] == 119
        and read[host + 3] == 46
    ):
        begin = host + 4
    if host - first == 7 and read[first] == 104:
        shapes[S_UNSAFE_SCHEME] = np.uint8(1)
    last = stop
    while last > begin and (read[last - 1] == 46 or read[last - 1] == 45):
        last -= 1
    letters = 0
    digits = 0
    dashes = 0
    dots = 0
    state = _START
    for j in range(begin, last):
        state = _step(state, read[j])
        letters += int(kinds[j] == LATIN)
        digits += int(kinds[j] == DIGIT)
        dashes += int(read[j] == 45)
        dots += int(read[j] == 46)
    if _find(short[0], short[1], state) >= 0:
        shapes[S_SHORTENED] = np.uint8(1)
    if letters == 0 and digits >= 4:
        shapes[S_NUMERIC_HOST] = np.uint8(1)
    state = _START
    for j in range(max(dot + 1, begin), last):
        state = _step(state, read[j])
    shapes[S_ENDING + np.int64(_place(state, 8))] = np.uint8(1)
    shapes[S_HOST + min(dashes, 3)] = np.uint8(1)
    shapes[S_HOST + 4 + _bucket(last - begin, 6, 10, 15, 22, 30)] = np.uint8(1)
    shapes[S_HOST + 10 + min(digits, 3)] = np.uint8(1)
    shapes[S_HOST + 14 + min(dots, 3)] = np.uint8(1)
    shapes[S_HOST + 18 + _bucket(end - stop, 1, 6, 12, 25, 60)] = np.uint8(1)
    for j in range(begin - 1, last - 1):
        if chars + 2 > out.size:
            break
        state = _START ^ np.uint64(0x51)
        for length in range(4):
            if j + length > last:
                break
            state = _step(state, read[j + length] if begin <= j + length < last else np.uint32(32))
            if length >= 2 and chars < out.size:
                out[chars] = _place(state, CHAR_BITS)
                chars += 1
    return chars


@part
def _chars(seq: Any, dense: Any, m: Any, out: Any, chars: Any) -> Any:
    """Pieces of words; a word's beginning and end count as a space."""
    start = -1
    while start < m:
        here = np.uint32(32) if start < 0 else seq[start]
        if start >= 0 and dense[start] == 1:
            state = _START
            for length in range(4):
                at = start + length
                if at >= m or dense[at] == 0:
                    break
                state = _step(state, seq[at])
                if chars < out.size:
                    out[chars] = _place(state, CHAR_BITS)
                    chars += 1
            start += 1
            continue
        state = _step(_START, here)
        at = start + 1
        length = 1
        while length < 5 and at <= m:
            code = np.uint32(32) if at == m else seq[at]
            if at < m and dense[at] == 1:
                break
            state = _step(state, code)
            length += 1
            if length >= 3 and chars < out.size:
                out[chars] = _place(state, CHAR_BITS)
                chars += 1
            if code == 32:
                break
            at += 1
        start += 1
    return chars


@part
def _words(seq: Any, dense: Any, m: Any, out: Any) -> Any:
    """Words and pairs of neighbours."""
    words = 0
    tokens = 0
    before = _ZERO
    i = 0
    while i < m:
        if seq[i] == 32:
            i += 1
            continue
        if dense[i] == 1:
            before = _ZERO
            i += 1
            tokens += 1
            continue
        state = _START
        while i < m and seq[i] != 32 and dense[i] == 0:
            state = _step(state, seq[i])
            i += 1
        tokens += 1
        if words + 2 <= out.size:
            out[words] = _place(state, WORD_BITS)
            words += 1
            if before != _ZERO:
                out[words] = _place(before * _PRIME ^ state, WORD_BITS)
                words += 1
        before = state
    return words, tokens


@part
def _concepts(seq: Any, dense: Any, m: Any, keys: Any, values: Any, seen: Any, found: Any) -> Any:
    """The distinct concepts of a text, in order of their first place."""
    count = 0
    i = 0
    while i < m:
        fresh = i == 0 or seq[i - 1] == 32 or dense[i] == 1 or dense[i - 1] == 1
        if not fresh or seq[i] == 32:
            i += 1
            continue
        state = _START
        best = 0
        at = i
        while at < m and at - i < 40:
            state = _step(state, seq[at])
            value = _find(keys, values, state)
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


@part
def _meanings(found: Any, count: Any, shapes: Any, out: Any) -> Any:
    """Concepts, shapes, pairs of concepts, and pairs of a concept with a shape, as places of the third table."""
    n = 0
    for s in range(shapes.size):
        if shapes[s] != 0 and n < out.size:
            out[n] = _place(_step(_START, np.uint32(0x20000 + s)), MEANING_BITS)
            n += 1
    count = min(count, MOST_CONCEPTS)
    for a in range(count):
        first = np.int64(found[a])
        if n < out.size:
            out[n] = _place(_step(_START, np.uint32(0x30000 + first)), MEANING_BITS)
            n += 1
        for b in range(a + 1, count):
            second = np.int64(found[b])
            pair = min(first, second) * CONCEPTS + max(first, second)
            if n < out.size:
                out[n] = _place(_step(_START, np.uint32(0x40000 + pair)), MEANING_BITS)
                n += 1
        for s in range(PAIRED_SHAPES):
            if shapes[s] != 0 and n < out.size:
                out[n] = _place(_step(_START, np.uint32(0x50000 + s * CONCEPTS + first)), MEANING_BITS)
                n += 1
    return n


@part
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
    m, chars, links = _tokens(
        read, kinds, n, seq, dense, shapes, counts, out_chars, (lexicon[2], lexicon[3]), (lexicon[4], lexicon[5])
    )
    chars = _chars(seq, dense, m, out_chars, chars)
    words, tokens = _words(seq, dense, m, out_words)
    letters = facts[2]
    if links == 0:
        shapes[S_NO_LINK] = np.uint8(1)
    if links > 1:
        shapes[S_LINKS] = np.uint8(1)
    # One character of an alphabet without spaces says about as much as half a word.
    length = tokens - facts[5] + facts[5] // 2 if facts[5] > 0 else tokens
    if length <= 5:
        shapes[S_SHORT] = np.uint8(1)
    shapes[S_LENGTH + _bucket(length, 2, 5, 9, 15, 25) + int(length > 40) + int(length > 80) + int(length > 200)] = (
        np.uint8(1)
    )
    cased = facts[6] + facts[7]
    shapes[
        S_UPPER
        + (_bucket(facts[1] * 100, 3 * cased, 10 * cased, 25 * cased, 50 * cased, 80 * cased) if cased > 0 else 7)
    ] = np.uint8(1)
    shapes[S_SHOUTS + min(counts[1], 4)] = np.uint8(1)
    shapes[S_PICTURES + _bucket(facts[4], 0, 1, 3, 6, 12)] = np.uint8(1)
    shapes[S_DIGITS + _bucket(facts[3] * 100, 0, 3 * n, 8 * n, 16 * n, 30 * n)] = np.uint8(1)
    tricks = facts[0]
    for bit in range(5):
        if tricks >> bit & 1:
            shapes[S_TRICKS + bit] = np.uint8(1)
            shapes[S_TRICK] = np.uint8(1)
    concepts = _concepts(seq, dense, m, lexicon[0], lexicon[1], seen, found)
    meanings = _meanings(found, concepts, shapes, out_meanings)
    bits = 0
    for s in range(18):
        bits |= int(shapes[s]) << s
    flags[0] = bits
    flags[1] = concepts
    flags[2] = tricks
    flags[3] = chars
    flags[4] = words
    flags[5] = meanings
    flags[6] = letters
    flags[7] = counts[0]


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
        out[i] = max(harm, FLOOR) + min(max(mass, -REACH), REACH) + 0.001 * harm


@kernel
def concept_place(concept: int) -> int:
    """Where a concept by itself stands in the third table."""
    return int(_place(_step(_START, np.uint32(0x30000 + concept)), MEANING_BITS))


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
