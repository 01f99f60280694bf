"""The compiled reading of listings: from characters to the places where words of the taxonomy stand.

A folded text becomes a stream of characters in which nothing stands between what belongs together: signs and spaces
within an alphabet without spaces are dropped, other signs become one space, and spelling tricks (a homophone, a
character split in two) are put right. One walk through a tree of all words then gives every match.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from trustward.base.jit import kernel, part, pointer
from trustward.screening.folding import fold_codes

SPACE, LATIN, DIGIT, DENSE, LETTER, SIGN, PICTURE, MARK = 1, 2, 3, 4, 5, 7, 8, 10
T_SPACE, T_WORD, T_DENSE, T_PICTURE, T_MARK = 0, 1, 2, 3, 4
"""Kinds of character in the stream. T_MARK belongs to the character of an alphabet without spaces before it."""
SPELLED, PARTED = 1, 2
"""Found within a match: a spelling trick put right, signs put between characters."""
MOST_MATCHES = 512
"""Matches of one text that are told; a text with more is no honest listing, and the first say enough."""
GROWS = 4
"""How much longer a stream may be than its text at most: one sign can stand for several characters."""
_PRIME = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(21)
_HIGH = np.uint64(32)
_ONE = np.uint64(1)
_ZERO = np.uint64(0)


@part
def _child(keys: Any, nexts: Any, node: Any, code: Any) -> Any:
    """The node that follows ``node`` by one character, or -1."""
    mask = np.uint64(keys.size - 1)
    key = ((np.uint64(node) << _SHIFT) | np.uint64(code)) + _ONE
    at = (key * _PRIME) >> _HIGH & mask
    while keys[at] != _ZERO:
        if keys[at] == key:
            return np.int64(nexts[at])
        at = (at + _ONE) & mask
    return np.int64(-1)


@kernel
def build_tree(codes: Any, starts: Any, keys: Any, nexts: Any, values: Any, firsts: Any) -> int:
    """Fill the tree: word i is ``codes[starts[i]:starts[i + 1]]`` and its last node has the value ``i + 1``.

    ``keys`` and ``nexts`` are a table of open addressing (a power of two, at least twice the characters), ``values``
    has a place for each node, ``firsts`` marks the low 16 bits of first characters. Returns the number of nodes.
    """
    mask = np.uint64(keys.size - 1)
    nodes = 1
    for word in range(starts.size - 1):
        node: Any = np.int64(0)
        for i in range(starts[word], starts[word + 1]):
            if i == starts[word]:
                firsts[codes[i] & np.uint32(0xFFFF)] = np.uint8(1)
            key = ((np.uint64(node) << _SHIFT) | np.uint64(codes[i])) + _ONE
            at = (key * _PRIME) >> _HIGH & mask
            while keys[at] != _ZERO and keys[at] != key:
                at = (at + _ONE) & mask
            if keys[at] == _ZERO:
                keys[at] = key
                nexts[at] = np.int32(nodes)
                nodes += 1
            node = np.int64(nexts[at])
        if node > 0:
            values[node] = np.int32(word + 1)
    return nodes


@part
def _is_break(code: Any) -> Any:
    """Signs that end a phrase: , ; ! ? ( ) [ ] and their Chinese twins."""
    c = np.int64(code)
    if c == 44 or c == 59 or c == 33 or c == 63 or c == 40 or c == 41 or c == 91 or c == 93:
        return True
    return 0x3001 <= c <= 0x3002 or 0x3008 <= c <= 0x3011


@part
def _stream(read: Any, kinds: Any, n: Any, seq: Any, typ: Any, alt: Any) -> Any:
    """Write the stream of a folded text; returns its length."""
    m = 0
    pending = 0
    signs = 0
    lone = False
    for i in range(n):
        kind = kinds[i]
        code = read[i]
        if kind == LATIN or kind == DIGIT or kind == LETTER:
            t = T_WORD
        elif kind == DENSE:
            t = T_DENSE
        elif kind == PICTURE:
            t = T_PICTURE
        elif kind == MARK:
            t = T_MARK if m > 0 and pending == 0 and (typ[m - 1] == T_DENSE or typ[m - 1] == T_MARK) else T_WORD
        else:
            inside = i > 0 and i + 1 < n
            if code == 39 or code == 0x2019:
                if inside and kinds[i - 1] == LATIN and kinds[i + 1] == LATIN:
                    continue
            elif code == 58 and inside and kinds[i - 1] == DIGIT and kinds[i + 1] == DIGIT and pending == 0:
                seq[m] = code
                typ[m] = np.uint8(T_WORD)
                alt[m] = np.uint8(0)
                m += 1
                continue
            if kind == SPACE:
                pending = max(pending, 1)
            else:
                # A full stop ends a phrase where a space follows it.
                stop = _is_break(code) or (code == 46 and i + 1 < n and kinds[i + 1] == SPACE)
                pending = max(pending, 3 if stop else 2)
            signs += 1
            continue
        flag = 0
        # A letter by itself; such letters with one sign between each two of them are one word (s.i.m).
        single = kind == LATIN and (
            i + 1 == n or (kinds[i + 1] != LATIN and kinds[i + 1] != DIGIT and kinds[i + 1] != MARK)
        )
        joined = lone and single and pending == 2 and signs == 1
        if joined:
            flag = PARTED
        elif pending > 0 and m > 0:
            before = typ[m - 1]
            if pending < 3 and (t != T_WORD or before != T_WORD):
                if pending == 2 and before != T_WORD and t != T_WORD:
                    flag = PARTED
            else:
                seq[m] = np.uint32(32)
                typ[m] = np.uint8(T_SPACE)
                alt[m] = np.uint8(0)
                m += 1
        lone = joined or (single and (m == 0 or typ[m - 1] != T_WORD))
        pending = 0
        signs = 0
        seq[m] = code
        typ[m] = np.uint8(t)
        alt[m] = np.uint8(flag)
        m += 1
    _letters(seq, typ, m)
    return m


@part
def _letter(code: Any) -> Any:
    """The letter that a digit is taken for, or 0."""
    c = np.int64(code)
    if c == 48:
        return 111
    if c == 49:
        return 105
    if c == 51:
        return 101
    if c == 52:
        return 97
    if c == 53:
        return 115
    return 116 if c == 55 else 0


@part
def _letters(seq: Any, typ: Any, m: Any) -> Any:
    """Digits of words that are mostly small letters become letters: words of the taxonomy are read so too."""
    i = 0
    while i < m:
        if typ[i] != T_WORD:
            i += 1
            continue
        end = i
        letters = 0
        digits = 0
        other = 0
        while end < m and typ[end] == T_WORD:
            c = np.int64(seq[end])
            if 97 <= c <= 122:
                letters += 1
            elif _letter(seq[end]) != 0:
                digits += 1
            else:
                other += 1
            end += 1
        if other == 0 and letters >= 2 and 0 < digits <= letters:
            for j in range(i, end):
                letter = _letter(seq[j])
                if letter != 0:
                    seq[j] = np.uint32(letter)
        i = end


@part
def _starts(typ: Any, i: Any) -> Any:
    """Whether a word may start here."""
    t = typ[i]
    if t == T_DENSE or t == T_PICTURE:
        return True
    return t == T_WORD and (i == 0 or typ[i - 1] != T_WORD)


@part
def _ends(seq: Any, typ: Any, m: Any, end: Any) -> Any:
    """Whether a word may end before ``end``; an English plural is the same word, and Korean endings hang on."""
    last = typ[end - 1]
    if end == m:
        return True
    if last != T_WORD:
        return typ[end] != T_MARK
    if typ[end] != T_WORD:
        return True
    c = np.int64(seq[end - 1])
    if 0xAC00 <= c <= 0xD7A3:
        return True
    return seq[end] == 115 and 97 <= c <= 122 and (end + 1 == m or typ[end + 1] != T_WORD)


@part
def _spell(seq: Any, typ: Any, alt: Any, m: Any, tree: Any, right: Any, out: Any, out_typ: Any, out_alt: Any) -> Any:
    """Put spelling tricks right: ``right`` holds the characters that each word of the tree stands for."""
    keys, nexts, values, firsts = tree
    codes, starts = right
    k = 0
    i = 0
    while i < m:
        best: Any = -1
        stop = i
        if firsts[seq[i] & np.uint32(0xFFFF)] != 0 and _starts(typ, i):
            node: Any = np.int64(0)
            j = i
            while j < m:
                node = _child(keys, nexts, node, seq[j])
                if node < 0:
                    break
                j += 1
                if values[node] > 0 and _ends(seq, typ, m, j):
                    best = np.int64(values[node]) - 1
                    stop = j
        if best >= 0 and k + starts[best + 1] - starts[best] <= out.size:
            kind = T_DENSE if np.int64(codes[starts[best]]) > 0x0DFF else T_WORD
            for j in range(starts[best], starts[best + 1]):
                out[k] = codes[j]
                out_typ[k] = np.uint8(kind)
                out_alt[k] = np.uint8(SPELLED)
                k += 1
            i = stop
            continue
        if k >= out.size:
            break
        out[k] = seq[i]
        out_typ[k] = typ[i]
        out_alt[k] = alt[i]
        k += 1
        i += 1
    return k


@part
def _read(codes: Any, start: Any, stop: Any, folding: Any, spelling: Any, right: Any, scratch: Any, facts: Any) -> Any:
    """The stream of one text, in the last three arrays of ``scratch``; returns its length."""
    read, kinds, seq, typ, alt, out, out_typ, out_alt = scratch
    n = fold_codes(
        pointer(codes),
        start,
        stop,
        pointer(folding[0]),
        pointer(folding[1]),
        folding[2],
        pointer(read),
        pointer(kinds),
        pointer(facts),
    )
    m = _stream(read, kinds, n, seq, typ, alt)
    return _spell(seq, typ, alt, m, spelling, right, out, out_typ, out_alt)


@kernel
def streams(codes: Any, starts: Any, folding: Any, spelling: Any, right: Any, scratch: Any, out: Any, ends: Any) -> int:
    """The streams of many texts, one after the other in ``out``; text i ends at ``ends[i]``. Returns their length."""
    facts = np.zeros(8, np.int64)
    total = 0
    for i in range(starts.size - 1):
        m = _read(codes, starts[i], starts[i + 1], folding, spelling, right, scratch, facts)
        for j in range(min(m, out.size - total)):
            out[total + j] = scratch[5][j]
        total = min(total + m, out.size)
        ends[i] = total
    return total


@kernel
def find(
    codes: Any,
    starts: Any,
    folding: Any,
    spelling: Any,
    right: Any,
    tree: Any,
    needs: Any,
    scratch: Any,
    matches: Any,
    ends: Any,
    tricks: Any,
) -> int:
    """All matches of many texts: rows of word, first character, end, flags. Text i's end at row ``ends[i]``.

    ``needs`` has two words of bits for each word of the tree. Where no bit of the first that any match has is a bit of
    the second that any match has, nothing speaks for any category, and the text has no rows. ``tricks[i]`` gets what
    folding undid. Returns how many texts fitted in.
    """
    keys, nexts, values, firsts = tree
    facts = np.zeros(8, np.int64)
    row = 0
    for i in range(starts.size - 1):
        if row + MOST_MATCHES > matches.shape[0]:
            return i
        m = _read(codes, starts[i], starts[i + 1], folding, spelling, right, scratch, facts)
        seq, typ, alt = scratch[5], scratch[6], scratch[7]
        first = row
        limit = row + MOST_MATCHES
        one = np.int64(0)
        other = np.int64(0)
        for at in range(m):
            if row >= limit:
                break
            if firsts[seq[at] & np.uint32(0xFFFF)] == 0 or not _starts(typ, at):
                continue
            node: Any = np.int64(0)
            j = at
            flags: Any = 0
            while j < m:
                node = _child(keys, nexts, node, seq[j])
                if node < 0:
                    break
                # What stands before the first character is no part of the word.
                flags |= np.int64(alt[j]) & (3 if j > at else SPELLED)
                j += 1
                if values[node] > 0 and row < limit and _ends(seq, typ, m, j):
                    word = np.int64(values[node]) - 1
                    one |= needs[word, 0]
                    other |= needs[word, 1]
                    matches[row, 0] = word
                    matches[row, 1] = at
                    matches[row, 2] = j
                    matches[row, 3] = flags
                    row += 1
        if one & other == 0:
            row = first
        ends[i] = row
        tricks[i] = facts[0]
    return int(starts.size - 1)
