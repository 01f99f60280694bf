"""The compiled look for contact points: which texts surely hold none, and which hold plain links only.

Most messages name nobody, or have one link that stands by itself. One pass over all characters of a batch says so;
whatever it is not sure of, the readers of :mod:`trustward.screening.contacts` read. It asks what they ask, a little
looser: who widens a reader widens the look.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from trustward.base.jit import kernel, part, pointer, shared
from trustward.screening.texts.hashes import START, find, step
from trustward.screening.texts.signs import (
    COLON,
    DIGIT,
    EASTERN,
    FEWEST,
    GAP,
    LATIN,
    LETTER,
    NUMERAL,
    READ,
    SOLID,
    SPACE,
    STARTS,
    TOKEN,
    WHOLE,
    WORD,
    blank_links,
    numbered,
    signed,
)

SURE, SHORT, EVERYDAY, WALLET = 1, 2, 4, 8
"""Names: of messengers, sure and short ones, everyday words, and of payment services."""
SIGNED, INVITES, FILLS = 1, 2, 4
"""What may stand between a messenger and a name: a sign, an invitation, anything else."""
LONGEST = 8_192
"""Longer texts are left to the readers."""
BEGINNINGS = 4_096
"""Places of the table that says which characters a name may begin with."""
MORE, TWO, THREE = 1, 2, 4
"""The first two characters of a name that is longer, of one that may be no longer, and the first three."""
_FIRST_SOLID = 0x0E00


@part
def _plain(codes: Any, start: Any, stop: Any, table: Any, low: Any, flags: Any) -> Any:
    """Lower case and what each character is; gives all flags together, READ among them if the readers have to read.

    The number of digits comes with them.
    """
    every = 0
    digits = 0
    before = 0
    n = 0
    for i in range(start, stop):
        code = codes[i]
        now: Any = GAP
        if code < np.uint32(65536):
            word = table[code]
            low[n] = word & np.uint32(65535)
            now = np.int64(word >> np.uint32(16))
        elif np.uint32(0x1F300) <= code <= np.uint32(0x1FBEF):
            low[n] = code
        else:
            return READ, 0
        if (before & LATIN and now & EASTERN) or (before & EASTERN and now & LATIN):
            return READ, 0
        every |= now
        digits += int(now & (DIGIT | NUMERAL) > 0)
        if every & READ:
            return every, 0
        flags[n] = now
        before = now
        n += 1
    # What is looked at beyond the end is nothing.
    for i in range(n, n + 16):
        low[i] = 0
        flags[i] = 0
    return every, digits


@part
def _word_ends(low: Any, flags: Any, first: Any, at: Any) -> Any:
    """Whether a listed word that begins at ``first`` may end before ``at``."""
    if flags[first] & SOLID:
        return True
    if low[first] < 0x250:
        c = low[at]
        return not (97 <= c <= 122 or 0xDF <= c <= 0xFF)
    return not flags[at] & LETTER


@shared
def _filler(low: Any, flags: Any, n: Any, i: Any, table: Any, mask: Any) -> Any:
    """What fills the place between a messenger and a name here, and where it ends: -1 if there are several."""
    state = START
    at = i
    kind = 0
    end = i
    while at < n:
        state = step(state, np.uint32(32) if flags[at] & SPACE else low[at])
        value = find(table, mask, state)
        if value < 0:
            break
        at += 1
        if value > 0 and _word_ends(low, flags, i, at):
            if kind:
                return kind, -1
            kind = value - 1
            end = at
    return kind, end


@shared
def _named(low: Any, flags: Any, p: Any, announced: Any, invited: Any, stops: Any, mask: Any) -> Any:
    """Whether what begins here could be a name at a messenger."""
    odd = False
    end = p
    while flags[end] & TOKEN or low[end] == 46:
        odd = odd or flags[end] & DIGIT > 0 or low[end] == 95
        end += 1
        if end - p > 32:
            return True
    while low[end - 1] == 46 or low[end - 1] == 45:
        end -= 1
    length = end - p
    if length == 4 and low[end] == 58 and low[p] == 108:
        return True
    if length < 3 or odd:
        return length >= 4
    state = START
    for at in range(p, end):
        state = step(state, low[at])
    if find(stops, mask, state) >= 0:
        return False
    if announced:
        return True
    after = low[end]
    if length < 5:
        return False
    if low[p - 1] > _FIRST_SOLID or after > _FIRST_SOLID:
        return True
    # Wide signs are plain here: after 0 comes the end, then . , ; ! ? ) and a new line.
    return invited and (
        after == 0
        or after == 46
        or after == 44
        or after == 59
        or after == 33
        or after == 63
        or after == 41
        or after == 10
    )


@shared
def _named_before(low: Any, flags: Any, start: Any, words: Any, mask: Any) -> Any:
    """Whether a name with a digit or a line could stand before a messenger's name: "maria_88 on Telegram"."""
    least = max(start - 45, 0)
    q = start - 1
    while q >= least and (flags[q] & SPACE or low[q] == 58):
        q -= 1
    if q < least:
        return False
    c = low[q]
    if not (c == 40 or c == 91 or c == 47 or c == 124 or c == 45):
        first = q
        while first >= least and flags[first] & WORD:
            first -= 1
        state = START
        for at in range(first + 1, q + 1):
            state = step(state, low[at])
        if find(words, mask, state) < 0:
            return False
    odd = False
    for at in range(least, start):
        odd = odd or flags[at] & DIGIT > 0 or low[at] == 95
    return odd


@part
def _is_mark(c: Any) -> Any:
    """Signs that announce a name: : = > and arrows."""
    return c == 58 or c == 61 or c == 62 or c == 0x2192 or c == 0x27A1 or c == 0x1F449 or c == 0x27A4 or c == 0x25B6


@shared
def _stands(low: Any, flags: Any, n: Any, start: Any, end: Any, what: Any, tables: Any) -> Any:
    """Whether a messenger's name (``low[start:end]``) could have a name of somebody by it."""
    fillers, stops, words = tables[1], tables[2], tables[4]
    if start > 0:
        c = low[start - 1]
        if c == 63 or c == 38 or c == 47 or c == 61 or c == 46 or c == 37 or c == 45 or c == 95:
            return False
    announced = low[end - 1] == 58
    invited = not what & SURE
    p = end
    for _ in range(16):
        if p >= n:
            break
        c = low[p]
        if not flags[p] & WORD:
            if c == 43:
                break
            announced = announced or _is_mark(c)
            p += 1
            continue
        may_be = c < 128 and (announced or not what & EVERYDAY or what & SURE > 0)
        if may_be and _named(low, flags, p, announced, invited, stops[0], stops[1]):
            return True
        kind, p = _filler(low, flags, n, p, fillers[0], fillers[1])
        if kind == 0:
            break
        if p < 0 or c > 127:
            return True
        announced = announced or kind & SIGNED > 0
        invited = invited or kind & INVITES > 0
    return what & SURE > 0 and _named_before(low, flags, start, words[0], words[1])


@part
def _begins(low: Any, i: Any, beginnings: Any) -> Any:
    """Whether the characters here are how a name begins; a no is certain."""
    two = np.int64(low[i]) * 31 + np.int64(low[i + 1])
    known = beginnings[two & (BEGINNINGS - 1)]
    if known & TWO:
        return True
    return known > 0 and beginnings[(two * 31 + np.int64(low[i + 2])) & (BEGINNINGS - 1)] & THREE > 0


@shared
def _names(low: Any, flags: Any, n: Any, tables: Any) -> Any:
    """Which names are there: -1 if somebody could be named at a messenger, else WALLET or 0."""
    table, mask = tables[0]
    beginnings = tables[6]
    found = 0
    before = 0
    for i in range(n):
        now = flags[i]
        begins = now & STARTS and (now & SOLID or not before & LETTER)
        if begins and (now & WHOLE or _begins(low, i, beginnings)):
            state = START
            at = i
            while at < n:
                state = step(state, np.uint32(32) if flags[at] & SPACE else low[at])
                value = find(table, mask, state)
                if value < 0:
                    break
                at += 1
                if value > 0 and _word_ends(low, flags, i, at):
                    found |= (value - 1) & WALLET
                    if (value - 1) & (SURE | SHORT) and _stands(low, flags, n, i, at, value - 1, tables):
                        return -1
        before = now
    return found


@shared
def _see(codes: Any, start: Any, stop: Any, table: Any, tables: Any, low: Any, flags: Any, out: Any, row: Any) -> Any:
    """How many plain links a text has and nothing else, or -1 if it has to be read."""
    n = stop - start
    if n > LONGEST:
        return -1
    every, digits = _plain(codes, start, stop, table, low, flags)
    if every & READ:
        return -1
    links = blank_links(codes, start, stop, low, flags, out, row) if every & COLON else 0
    if links < 0 or signed(low, flags, n, tables):
        return -1
    if digits >= FEWEST and numbered(low, flags, n):
        return -1
    if every & STARTS:
        found = _names(low, flags, n, tables)
        if found < 0:
            return -1
        if found & WALLET:
            for i in range(n):
                if flags[i] & DIGIT or low[i] == 36 or low[i] == 45:
                    return -1
    return links


@kernel
def see(codes: Any, starts: Any, table: Any, tables: Any, low: Any, flags: Any, counts: Any, out: Any) -> int:
    """Look at many texts: ``counts[i]`` is how many plain links text i has and nothing else, -1 if it has to be read.

    ``table`` says for each character of the first plane its lower case and what it is (upper half). ``tables``: names,
    fillers, words that are nobody's name, top-level domains, words before a messenger (of hashes), which pairs of
    letters are countries with IBAN, and which characters a name may begin with. ``out`` gets three numbers for each
    link, in order: where it begins, where it ends, where its host ends. Returns how many links.
    """
    names, fillers, stops, endings, words, countries, beginnings = tables
    places = (
        (pointer(names), np.uint64(names.size - 1)),
        (pointer(fillers), np.uint64(fillers.size - 1)),
        (pointer(stops), np.uint64(stops.size - 1)),
        (pointer(endings), np.uint64(endings.size - 1)),
        (pointer(words), np.uint64(words.size - 1)),
        pointer(countries),
        pointer(beginnings),
    )
    row = 0
    for i in range(starts.size - 1):
        found = _see(
            pointer(codes),
            starts[i],
            starts[i + 1],
            pointer(table),
            places,
            pointer(low),
            pointer(flags),
            pointer(out),
            row,
        )
        counts[i] = found
        row += max(found, 0)
    return row
