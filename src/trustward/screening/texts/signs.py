"""The compiled look for links, addresses and numbers in a text whose characters are known; see :mod:`.sight`."""

from __future__ import annotations

from typing import Any

import numpy as np

from trustward.base.jit import part, shared
from trustward.screening.texts.hashes import START, find, step

LETTER, WORD, SPACE, GAP, DIGIT, NUMERAL, STARTS, SOLID = 1, 2, 4, 8, 16, 32, 64, 128
SIGN, READ, LATIN, EASTERN, COLON, TOKEN, WHOLE = 256, 512, 1024, 2048, 4096, 8192, 16384
"""What a character is: a letter, one of a word, a space, one that may stand between digits, a digit, a numeral that
could be one, the first of a listed word, of a script without borders of words, a sign that is looked at, one that only
the readers read, a Latin letter, one of Greek or Cyrillic, a colon, one of a long key, and a
whole name by itself."""
MOST_LINKS = 8
_KEY = 25
FEWEST = 4
"""Digits that a number has at least: others may be letters that are written for digits, and they are half at most."""


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
def blank_links(codes: Any, start: Any, stop: Any, low: Any, flags: Any, out: Any, row: Any) -> Any:
    """Blank all links and count them; -1 if one is not plain, or something else could be one."""
    count = 0
    n = stop - start
    i = 0
    while i < n:
        if low[i] == 58 and low[i + 1] == 47 and low[i + 2] == 47:
            if count == MOST_LINKS or not _link(codes, start, stop, start + i, flags, out, row + count):
                return -1
            end: Any = np.int64(out[(row + count) * 3 + 1])
            for j in range(out[(row + count) * 3], end):
                low[j] = 0
                flags[j] = 0
            count += 1
            i = int(end)
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
def _after_spaced(low: Any, flags: Any, i: Any) -> Any:
    """Whether a path could begin here after an ending whose point stands apart: "evil . example/x"."""
    if not flags[i + 1] & (LATIN | DIGIT):
        return False
    at = i - 1
    while at >= 0 and i - at < 25 and flags[at] & LATIN:
        at -= 1
    if at < 1 or i - at < 3:
        return False
    if flags[at] & SPACE:
        return low[at - 1] == 46
    return low[at] == 46 and flags[at - 1] & SPACE > 0


@shared
def _sign(low: Any, flags: Any, i: Any, endings: Any, mask: Any) -> Any:
    """Whether a sign is one of a link or an address that is written out."""
    c = low[i]
    if c == 46:
        before = i > 0 and (flags[i - 1] & WORD or low[i - 1] == 45)
        return before and flags[i + 1] & LETTER and _ending_at(low, flags, i + 1, endings, mask)
    if c == 47:
        return low[i + 1] == 47 or (flags[i + 1] & SPACE and low[i + 2] == 47) or _after_spaced(low, flags, i)
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
def numbered(low: Any, flags: Any, n: Any) -> Any:
    """Whether a run of digits is long enough for a telephone, an account or a card, or numerals make a number."""
    count = 0
    real = 0
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
            real += 1
            gap = 0
            if count >= 7 and real >= FEWEST:
                return True
        elif count > 0:
            if now & GAP:
                gap += 1
                if gap > 3:
                    count = 0
                    real = 0
            elif _like_digit(low[i]) and _digit_follows(low, flags, i):
                count += 1
                gap = 0
            else:
                count = 0
                real = 0
    return False


@shared
def signed(low: Any, flags: Any, n: Any, tables: Any) -> Any:
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
            first = now & LATIN and not before & (LATIN | DIGIT)
            if first and (flags[i + 2] | flags[i + 3]) & DIGIT and _checked(low, flags, i, countries):
                return True
        else:
            run = 0
            if now & SPACE:
                said |= _said(low, flags, i)
        if now & SIGN and _sign(low, flags, i, endings[0], endings[1]):
            return True
        before = now
    return said & 4 > 0 or said & 3 == 3
