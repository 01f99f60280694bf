"""From folded characters to tokens: links, addresses and numbers become stand-ins, and leave their shapes."""

from __future__ import annotations

from typing import Any

import numpy as np

from trustward.base.jit import part, shared
from trustward.screening.texts.hashes import START, find, place, step

SPACE, LATIN, DIGIT, DENSE, LETTER, SIGN, PICTURE, MONEY, MARK = 1, 2, 3, 4, 5, 7, 8, 9, 10
NUMBER_CODE, LINK_CODE, MAIL_CODE, HANDLE_CODE, MONEY_CODE = 0xE000, 0xE020, 0xE021, 0xE022, 0xE023  # private use
"""Private characters that stand for a number (by length), a link, a mail address, a handle, a sign of money."""
CHAR_BITS = 19
"""Places of the first table: 2 to this power."""
MOST_CHARS = 24_576
"""The most pieces of words and of links that are kept of one text."""
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


@part
def _is_link_sign(code: Any) -> Any:
    """Signs that may stand within a link: - . / : ? # & = % _ ~ + @."""
    c = np.int64(code)
    if 45 <= c <= 47 or c == 58 or c == 63 or c == 64 or c == 95:
        return True
    return c == 35 or c == 38 or c == 61 or c == 37 or c == 126 or c == 43


@shared
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
    state = START
    for j in range(dot + 1, last):
        if kinds[j] != LATIN:
            return 0, i, i, i
        state = step(state, read[j])
    common = find(endings[0], endings[1], state)
    path = stop < end and (read[stop] == 47 or read[stop] == 63)
    www = host + 4 < end and read[host] == 119 and read[host + 1] == 119 and read[host + 2] == 119
    # Any ending with a path or www in front; without them only endings that are no words of their own.
    if common >= 1 and (path or www or common == 2):
        return 1, host, stop, dot
    return 0, i, i, i


@part
def bucket(value: Any, a: Any, b: Any, c: Any, d: Any, e: Any) -> Any:
    """How many of five rising bounds a value is above."""
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


@shared
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
    state = START
    for j in range(begin, last):
        state = step(state, read[j])
        letters += int(kinds[j] == LATIN)
        digits += int(kinds[j] == DIGIT)
        dashes += int(read[j] == 45)
        dots += int(read[j] == 46)
    if find(short[0], short[1], state) >= 0:
        shapes[S_SHORTENED] = np.uint8(1)
    if letters == 0 and digits >= 4:
        shapes[S_NUMERIC_HOST] = np.uint8(1)
    state = START
    for j in range(max(dot + 1, begin), last):
        state = step(state, read[j])
    shapes[S_ENDING + np.int64(place(state, 8))] = np.uint8(1)
    shapes[S_HOST + min(dashes, 3)] = np.uint8(1)
    shapes[S_HOST + 4 + bucket(last - begin, 6, 10, 15, 22, 30)] = np.uint8(1)
    shapes[S_HOST + 10 + min(digits, 3)] = np.uint8(1)
    shapes[S_HOST + 14 + min(dots, 3)] = np.uint8(1)
    shapes[S_HOST + 18 + bucket(end - stop, 1, 6, 12, 25, 60)] = np.uint8(1)
    for j in range(begin - 1, last - 1):
        if chars + 2 > MOST_CHARS:
            break
        state = START ^ np.uint64(0x51)
        for length in range(4):
            if j + length > last:
                break
            state = step(state, read[j + length] if begin <= j + length < last else np.uint32(32))
            if length >= 2 and chars < MOST_CHARS:
                out[chars] = place(state, CHAR_BITS)
                chars += 1
    return chars


@part
def _put(seq: Any, dense: Any, m: Any, code: Any, belongs: Any) -> Any:
    """Write one character; ``belongs``: to an alphabet without spaces between words."""
    seq[m] = np.uint32(code)
    dense[m] = np.uint8(belongs)
    return m + 1


@part
def _part_words(seq: Any, dense: Any, m: Any) -> Any:
    """A space, where none stands yet."""
    if m > 0 and seq[m - 1] != 32:
        m = _put(seq, dense, m, 32, 0)
    return m


@shared
def _number_end(read: Any, kinds: Any, n: Any, i: Any) -> Any:
    """Where a number ends, how many digits it has, and whether some are masked by x.

    Points, commas, dashes and, after two digits, spaces within are passed over.
    """
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
            and kinds[end + 1] == DIGIT
            and (read[end] == 46 or read[end] == 44 or read[end] == 45 or (kinds[end] == SPACE and length >= 2))
        ):
            end += 1
        else:
            break
    return end, length, masked


@shared
def _number_shapes(read: Any, kinds: Any, n: Any, i: Any, end: Any, length: Any, shapes: Any) -> None:
    """What a number looks like: a telephone's, a code, a sum of money, a percentage."""
    if 7 <= length <= 15:
        shapes[S_PHONE] = np.uint8(1)
    if 4 <= length <= 8:
        shapes[S_CODE] = np.uint8(1)
    before = i > 0 and (kinds[i - 1] == MONEY or (i > 1 and kinds[i - 1] == SPACE and kinds[i - 2] == MONEY))
    after = end < n and (kinds[end] == MONEY or (end + 1 < n and kinds[end] == SPACE and kinds[end + 1] == MONEY))
    if before or after:
        shapes[S_AMOUNT] = np.uint8(1)
    if end < n and read[end] == 37:
        shapes[S_PERCENT] = np.uint8(1)


@part
def _address_end(read: Any, kinds: Any, n: Any, i: Any) -> Any:
    """Where a run of characters that may be a link ends, and how many signs it holds."""
    end = i
    signs = 0
    while end < n and (kinds[end] == LATIN or kinds[end] == DIGIT or _is_link_sign(read[end])):
        signs += int(kinds[end] == SIGN)
        end += 1
    while end > i and kinds[end - 1] == SIGN and read[end - 1] != 47:
        end -= 1
        signs -= 1
    return end, signs


@shared
def tokens(
    read: Any,
    kinds: Any,
    n: Any,
    seq: Any,
    dense: Any,
    shapes: Any,
    counts: Any,
    out: Any,
    endings: Any,
    short: Any,
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
    # Up to here no address begins: a run without signs is looked at once, not at each of its letters.
    plain = 0
    while i < n:
        kind = kinds[i]
        if i >= plain and (kind == LATIN or kind == DIGIT or read[i] == 64):
            end, signs = _address_end(read, kinds, n, i)
            what = 0
            host = i
            stop = i
            dot = i
            if signs == 0:
                plain = end
            elif end - i > 3:
                what, host, stop, dot = _link_of(read, kinds, i, end, endings)
            if what > 0:
                m = _part_words(seq, dense, m)
                if what == 1:
                    links += 1
                    last_link = end
                    chars = _link_shapes(read, kinds, i, host, stop, dot, end, shapes, out, chars, short)
                    m = _put(seq, dense, m, LINK_CODE, 0)
                elif what == 2:
                    shapes[S_MAIL] = np.uint8(1)
                    m = _put(seq, dense, m, MAIL_CODE, 0)
                else:
                    shapes[S_HANDLE] = np.uint8(1)
                    m = _put(seq, dense, m, HANDLE_CODE, 0)
                m = _put(seq, dense, m, 32, 0)
                i = end
                continue
        if kind == DIGIT or (read[i] == 120 and i + 1 < n and read[i + 1] == 120):
            end, length, masked = _number_end(read, kinds, n, i)
            # A word that begins with two x is no number.
            if not (masked and end < n and kinds[end] == LATIN and length < 4):
                if masked:
                    shapes[S_MASKED] = np.uint8(1)
                m = _put(seq, dense, m, NUMBER_CODE + _number(length), 0)
                _number_shapes(read, kinds, n, i, end, length, shapes)
                counts[0] += 1
                i = end
                continue
        if kind == LATIN or kind == LETTER or kind == DENSE or kind == MARK:
            belongs = kind == DENSE or (kind == MARK and m > 0 and dense[m - 1] == 1)
            m = _put(seq, dense, m, read[i], belongs)
        elif kind == PICTURE:
            m = _part_words(seq, dense, m)
            m = _put(seq, dense, m, read[i], 0)
            m = _put(seq, dense, m, 32, 0)
        elif kind == MONEY:
            m = _put(seq, dense, m, MONEY_CODE, 0)
        else:
            if read[i] == 33:
                counts[1] += 1
            elif read[i] == 63:
                shapes[S_QUESTION] = np.uint8(1)
            m = _part_words(seq, dense, m)
        i += 1
    if m > 0 and seq[m - 1] == 32:
        m -= 1
    if links > 0 and last_link >= n - 2:
        shapes[S_LINK_LAST] = np.uint8(1)
    return m, chars, links
