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

LETTER, WORD, SPACE, GAP, DIGIT, NUMERAL, STARTS, SOLID = 1, 2, 4, 8, 16, 32, 64, 128
SIGN, READ, LATIN, EASTERN, COLON, TOKEN = 256, 512, 1024, 2048, 4096, 8192
"""What a character is: a letter, one of a word, a space, one that may stand between digits, a digit, a numeral that
could be one, the first of a listed word, of a script without borders of words, a sign that is looked at, one that only
the readers read, a Latin letter, one of Greek or Cyrillic, a colon, and one of a long key."""
SURE, SHORT, EVERYDAY, WALLET = 1, 2, 4, 8
"""Names: of messengers, sure and short ones, everyday words, and of payment services."""
SIGNED, INVITES, FILLS = 1, 2, 4
"""What may stand between a messenger and a name: a sign, an invitation, anything else."""
LONGEST = 8_192
"""Longer texts are left to the readers."""
MOST_LINKS = 8
_KEY = 25
_FIRST_SOLID = 0x0E00


@part
def _plain(codes: Any, start: Any, stop: Any, table: Any, low: Any, flags: Any) -> Any:
    """Lower case and what each character is; gives all flags together, READ among them if the readers have to read."""
    every = 0
    before = 0
    n = 0
    for i in range(start, stop):
        code = codes[i]
        now = GAP
        if code < np.uint32(65536):
            word = table[code]
            low[n] = word & np.uint32(65535)
            now = np.int64(word >> np.uint32(16))
        elif np.uint32(0x1F300) <= code <= np.uint32(0x1FBEF):
            low[n] = code
        else:
            return READ
        if (before & LATIN and now & EASTERN) or (before & EASTERN and now & LATIN):
            return READ
        every |= now
        if every & READ:
            return every
        flags[n] = now
        before = now
        n += 1
    # What is looked at beyond the end is nothing.
    for i in range(n, n + 16):
        low[i] = 0
        flags[i] = 0
    return every


@part
def _in_path(c: Any) -> Any:
    """Characters of a plain path: ! # to ; = ? to Z _ a to z ~."""
    return c == 33 or 35 <= c <= 59 or c == 61 or 63 <= c <= 90 or c == 95 or 97 <= c <= 122 or c == 126


@part
def _ends_path(c: Any) -> Any:
    return 48 <= c <= 57 or 65 <= c <= 90 or 97 <= c <= 122 or c == 47 or c == 95 or c == 61 or c == 45


@shared
def _host_end(codes: Any, at: Any, stop: Any) -> Any:
    """Where a plain host of two labels and more ends; 0 if there is none."""
    label = at
    dots = 0
    letters = 0
    while at < stop:
        c = codes[at]
        if c == 46:
            if at == label or codes[label] == 45 or codes[at - 1] == 45:
                return 0
            dots += 1
            letters = 0
            label = at + 1
        elif 97 <= c <= 122:
            letters += 1
        elif not (48 <= c <= 57 or c == 45):
            break
        at += 1
    size = at - label
    return at if dots > 0 and 2 <= size <= 24 and letters == size else 0


@shared
def _link(codes: Any, start: Any, stop: Any, at: Any, flags: Any, out: Any, row: Any) -> Any:
    """The plain link whose scheme ends at ``at``: its beginning, its end and the end of its host go to ``out[row]``."""
    s = int(at > start and codes[at - 1] == 115)
    first = at - 4 - s
    if first < start or codes[first] != 104 or codes[first + 1] != 116 or codes[first + 2] != 116:
        return False
    if codes[first + 3] != 112 or (first > start and flags[first - start - 1] & LETTER):
        return False
    host = _host_end(codes, at + 3, stop)
    if host == 0:
        return False
    end = host
    if end < stop and (codes[end] == 47 or codes[end] == 63 or codes[end] == 35):
        end += 1
        while end < stop and _in_path(codes[end]):
            end += 1
        if end > host + 1 and not _ends_path(codes[end - 1]):
            return False
    behind = flags[end - start]
    if end < stop and not behind & SPACE:
        return False
    # Digits at its end could be read together with numerals after it.
    if end - first > 2_000 or (behind | flags[end - start + 1]) & NUMERAL:
        return False
    out[row * 3] = first - start
    out[row * 3 + 1] = end - start
    out[row * 3 + 2] = host - start
    return True


@shared
def _blank_links(codes: Any, start: Any, stop: Any, low: Any, flags: Any, out: Any, row: Any) -> Any:
    """Blank all links and count them; -1 if one is not plain, or something else could be one."""
    count = 0
    n = stop - start
    i = 0
    while i < n:
        if low[i] == 58 and low[i + 1] == 47 and low[i + 2] == 47:
            if count == MOST_LINKS or not _link(codes, start, stop, start + i, flags, out, row + count):
                return -1
            end = np.int64(out[(row + count) * 3 + 1])
            for j in range(out[(row + count) * 3], end):
                low[j] = 0
                flags[j] = 0
            count += 1
            i = end
            continue
        i += 1
    if count > 0:
        for i in range(n):
            if low[i] == 112 and _scheme(low, i):
                return -1
    return count


@part
def _scheme(low: Any, i: Any) -> Any:
    """Whether http, hxxp, htxp, hxtp or ftp ends here."""
    if i >= 2 and low[i - 1] == 116 and low[i - 2] == 102:
        return True
    return (
        i >= 3
        and low[i - 3] == 104
        and (low[i - 1] == 116 or low[i - 1] == 120)
        and (low[i - 2] == 116 or low[i - 2] == 120)
    )


@shared
def _ending_at(low: Any, flags: Any, i: Any, endings: Any, mask: Any) -> Any:
    """Whether the label that begins here is, or begins with, a top-level domain."""
    state = START
    at = i
    lead = True
    while flags[at] & WORD or low[at] == 45:
        c = low[at]
        if lead and not (97 <= c <= 122 or (c == 45 and at > i)):
            if c > 127 and at > i and find(endings, mask, state) >= 0:
                return True
            lead = False
        state = step(state, c)
        at += 1
        if at - i > 70:
            return True
    return find(endings, mask, state) >= 0


@shared
def _around_bracket(low: Any, flags: Any, i: Any) -> Any:
    """Whether a word for a point or for "at" follows an opening sign."""
    at = i + 1 + int(flags[i + 1] & SPACE > 0)
    c = low[at]
    after = low[at + 1]
    if c == 97 and after == 116:
        return _closes(low[at + 2 + int(flags[at + 2] & SPACE > 0)])
    if c == 97:
        return (after == 114 and low[at + 2] == 114) or (flags[at + 1] & SPACE > 0 and low[at + 2] == 116)
    if c == 100:
        return after == 111 and low[at + 2] == 116
    if c == 112:
        return (after == 117 or after == 111) and low[at + 2] == 110
    if c == 0x441:
        return after == 0x43E
    return c == 46 or c == 0x70B9 or c == 0x9EDE or c == 0xE4 or c == 0x827E or c == 0x5708


@part
def _closes(c: Any) -> Any:
    """Signs that close what stands for "at": ] ) } > * _."""
    return c == 93 or c == 41 or c == 125 or c == 62 or c == 42 or c == 95


@shared
def _sign(low: Any, flags: Any, i: Any, endings: Any, mask: Any) -> Any:
    """Whether a sign is one of a link or an address that is written out."""
    c = low[i]
    if c == 46:
        before = i > 0 and (flags[i - 1] & WORD or low[i - 1] == 45)
        return before and flags[i + 1] & LETTER and _ending_at(low, flags, i + 1, endings, mask)
    if c == 47:
        return low[i + 1] == 47 or (flags[i + 1] & SPACE and low[i + 2] == 47)
    if c == 92:
        return low[i + 1] == 92
    return _around_bracket(low, flags, i)


@part
def _said(low: Any, flags: Any, i: Any) -> Any:
    """Words after a space: 4 for "dot", 1 for "at", 2 for other words for a point; 0 for all others."""
    a = low[i + 1]
    if a != 97 and a != 100 and a != 112:
        return 0
    b = low[i + 2]
    c = low[i + 3]
    if a == 97:
        if b == 116:
            return int(flags[i + 3] & SPACE > 0)
        return int(b == 114 and c == 114 and low[i + 4] == 111)
    if a == 100:
        return 6 if (b == 111 or b == 48) and c == 116 and flags[i + 4] & SPACE else 0
    return 2 if (b == 117 or b == 111) and (c == 110 or c == 105) else 0


@shared
def _checked(low: Any, flags: Any, i: Any, countries: Any) -> Any:
    """Whether an IBAN or an address of a crypto currency with a prefix could begin here, where a word begins."""
    a = np.int64(low[i])
    b = np.int64(low[i + 1])
    if not (97 <= b <= 122):
        return False
    if a == 98 and b == 99 and low[i + 2] == 49:
        return True
    if a == 108 and b == 116 and low[i + 2] == 99 and low[i + 3] == 49:
        return True
    at = i + 2 + int(flags[i + 2] & SPACE > 0)
    if not (flags[at] & DIGIT and flags[at + 1] & DIGIT and countries[(a - 97) * 26 + b - 97]):
        return False
    at += 2
    for _ in range(11):
        c = low[at]
        at += int(c == 32 or c == 45 or c == 46)
        if not (flags[at] & DIGIT or flags[at] & LATIN):
            return False
        at += 1
    return True


@part
def _like_digit(c: Any) -> Any:
    """Letters that are written for digits: o i l s z b."""
    return c == 111 or c == 105 or c == 108 or c == 115 or c == 122 or c == 98


@part
def _digit_follows(low: Any, flags: Any, i: Any) -> Any:
    """Whether a digit follows after a few letters like digits."""
    at = i + 1
    while at - i < 5 and _like_digit(low[at]):
        at += 1
    return flags[at] & DIGIT


@shared
def _numbered(low: Any, flags: Any, n: Any) -> Any:
    """Whether a run of digits is long enough for a telephone, an account or a card, or numerals make a number."""
    count = 0
    gap = 0
    numerals = 0
    foreign = False
    apart = False
    for i in range(n):
        now = flags[i]
        if now & (DIGIT | NUMERAL):
            numerals += 1
            apart = False
            foreign = foreign or now & NUMERAL > 0
            if numerals >= 6 and foreign:
                return True
        elif numerals > 0:
            c = low[i]
            if apart or not (c == 32 or c == 46 or c == 45 or c == 0xB7):
                numerals = 0
                foreign = False
            apart = True
        if now & DIGIT:
            count += 1
            gap = 0
            if count >= 7:
                return True
        elif count > 0:
            if now & GAP:
                gap += 1
                if gap > 3:
                    count = 0
            elif _like_digit(low[i]) and _digit_follows(low, flags, i):
                count += 1
                gap = 0
            else:
                count = 0
    return False


@shared
def _signs(low: Any, flags: Any, n: Any, tables: Any) -> Any:
    """Whether anything could be a link, a mail address, or an account with a check sum."""
    endings, countries = tables[3], tables[5]
    run = 0
    said = 0
    before = 0
    for i in range(n):
        now = flags[i]
        if now & TOKEN:
            run += 1
            if run == _KEY:
                return True
            if now & LATIN and not before & (LATIN | DIGIT) and _checked(low, flags, i, countries):
                return True
        else:
            run = 0
            if now & SPACE:
                said |= _said(low, flags, i)
        if now & SIGN and _sign(low, flags, i, endings[0], endings[1]):
            return True
        before = now
    return said & 4 > 0 or said & 3 == 3


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
def _named(low: Any, flags: Any, p: Any, signed: Any, invited: Any, stops: Any, mask: Any) -> Any:
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
    if signed:
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
    for at in range(least, start):
        if flags[at] & DIGIT or low[at] == 95:
            return True
    return False


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
    signed = low[end - 1] == 58
    invited = not what & SURE
    p = end
    for _ in range(16):
        if p >= n:
            break
        c = low[p]
        if not flags[p] & WORD:
            if c == 43:
                break
            signed = signed or _is_mark(c)
            p += 1
            continue
        if c < 128 and (signed or not what & EVERYDAY or what & SURE > 0):
            if _named(low, flags, p, signed, invited, stops[0], stops[1]):
                return True
        kind, p = _filler(low, flags, n, p, fillers[0], fillers[1])
        if kind == 0:
            break
        if p < 0 or c > 127:
            return True
        signed = signed or kind & SIGNED > 0
        invited = invited or kind & INVITES > 0
    return what & SURE > 0 and _named_before(low, flags, start, words[0], words[1])


@shared
def _names(low: Any, flags: Any, n: Any, tables: Any) -> Any:
    """Which names are there: -1 if somebody could be named at a messenger, else WALLET or 0."""
    table, mask = tables[0]
    found = 0
    before = 0
    for i in range(n):
        now = flags[i]
        if now & STARTS and (now & SOLID or not before & LETTER):
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
    every = _plain(codes, start, stop, table, low, flags)
    if every & READ:
        return -1
    links = _blank_links(codes, start, stop, low, flags, out, row) if every & COLON else 0
    if links < 0 or _signs(low, flags, n, tables):
        return -1
    if every & (DIGIT | NUMERAL) and _numbered(low, flags, n):
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
    fillers, words that are nobody's name, top-level domains, words before a messenger (of hashes), and which pairs of
    letters are countries with IBAN. ``out`` gets a row for each link, in order: where it begins, where it ends, where
    its host ends. Returns how many rows.
    """
    names, fillers, stops, endings, words, countries = tables
    places = (
        (pointer(names), np.uint64(names.size - 1)),
        (pointer(fillers), np.uint64(fillers.size - 1)),
        (pointer(stops), np.uint64(stops.size - 1)),
        (pointer(endings), np.uint64(endings.size - 1)),
        (pointer(words), np.uint64(words.size - 1)),
        pointer(countries),
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
