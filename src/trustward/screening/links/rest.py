# ruff: noqa: C901, PLR0912, PLR1714, SIM102
# (A compiled loop is one piece, or it is slow; compiled functions take arrays one by one and by position.)
"""The compiled part, continued: what is measured of path, query and fragment."""

from __future__ import annotations

from typing import Any

import numpy as np

from trustward.base.jit import shared
from trustward.screening.links import kernel as k
from trustward.screening.links import words as w
from trustward.screening.links.kernel import _letter, _low, pieces, scan_words, surprise

_OFFSET = k._OFFSET  # noqa: SLF001
_PRIME = k._PRIME  # noqa: SLF001
_HOST_SEED = np.uint64(0x9AE16A3B2F90404F)
_PATH_SEED = np.uint64(0xC3A5C85C97CB3127)
_U0 = np.uint64(0)
_PATH_WORDS = w.PATH_WORDS
_REST = 600


@shared
def spell_rest(text: Any, start: Any, n: Any, low: Any, f: Any) -> None:
    """Measure letters, digits and the words they form."""
    digits = 0
    upper = 0
    letters = 0
    token = 0
    token_letters = 0
    longest = 0
    hex_run = 0
    hex_longest = 0
    hex_digits = 0
    year = 0
    slug = 0
    domain_in = 0
    dot_at = -1
    for j in range(n + 1):
        c = low[j]
        wordy = (97 <= c <= 122) or (48 <= c <= 57)
        if wordy:
            token += 1
            if 48 <= c <= 57:
                digits += 1
            else:
                letters += 1
                token_letters += 1
            if text[start + j] != c:
                upper += 1
        else:
            longest = max(longest, token)
            if token == 4 and token_letters == 0 and j < n:
                if (low[j - 4] == 50 and low[j - 3] == 48) or (low[j - 4] == 49 and low[j - 3] == 57):
                    year = 1
            if token >= 2 and token == token_letters and (c == 45 or c == 95):
                slug += 1
            if dot_at >= 0 and j == dot_at + 4:
                a, b = low[j - 3], low[j - 2]
                if (
                    (a == 99 and b == 111 and low[j - 1] == 109)
                    or (a == 110 and b == 101 and low[j - 1] == 116)
                    or (a == 111 and b == 114 and low[j - 1] == 103)
                ):
                    domain_in = 1
            dot_at = j if c == 46 else -1
            token = 0
            token_letters = 0
        if (48 <= c <= 57) or (97 <= c <= 102):
            hex_run += 1
            hex_digits += c <= 57
        else:
            if hex_digits >= 2 and hex_run > hex_digits:
                hex_longest = max(hex_longest, hex_run)
            hex_run = 0
            hex_digits = 0
    f[k.F_PATH_DIGITS] = digits
    f[k.F_TOKEN_LEN] = longest
    f[k.F_HEX] = hex_longest
    f[k.F_UPPER] = upper
    f[k.F_PATH_LETTERS] = letters
    f[k.F_YEAR] = year
    f[k.F_SLUG] = slug
    f[k.F_DOMAIN_IN] = domain_in


@shared
def count_marks(n: Any, low: Any, f: Any) -> Any:
    """Count folders, parameters and marks; returns where the path ends."""
    query = n
    fragment = n
    depth = 0
    slashes = 0
    parameters = 0
    hyphens = 0
    escapes = 0
    dots = 0
    odd = 0
    short = 0
    folder = 0
    mail = 0
    for j in range(n):
        c = low[j]
        if c == 47:
            if query == n and fragment == n:
                if j > 0:
                    depth += 1
                    if low[j - 1] == 47:
                        slashes = 1
                    if 0 < folder <= 3:
                        short += 1
            folder = 0
        else:
            folder += 1
        if c == 63 and query == n and fragment == n:
            query = j
        elif c == 35 and fragment == n:
            fragment = j
        elif c == 45 or c == 95:
            hyphens += 1
        elif c == 37:
            escapes += 1
        elif c == 46:
            dots += 1
        elif c == 61 and query < n:
            parameters += 1
        elif c == 64:
            if j > 0 and j + 1 < n and _letter(low[j + 1]) and low[j - 1] != 47:
                mail = 1
        elif c == 33 or c == 36 or c == 126 or c == 59 or c == 42 or c == 124:
            odd += 1
    path_end = min(query, fragment)
    f[k.F_DEPTH] = depth
    f[k.F_DOUBLED] = slashes
    f[k.F_QUERY_LEN] = max(fragment - query, 0)
    f[k.F_PARAMETERS] = parameters
    f[k.F_PATH_HYPHENS] = hyphens
    f[k.F_ESCAPES] = escapes
    f[k.F_PATH_DOTS] = dots
    f[k.F_ODD_MARKS] = odd
    f[k.F_SHORT] = short
    f[k.F_MAIL] = mail
    f[k.F_SLASH] = path_end > 1 and low[path_end - 1] == 47
    f[k.F_FRAGMENT] = n - fragment if fragment < n else 0
    return path_end


@shared
def note_kind(path_end: Any, low: Any, f: Any) -> None:
    """What kind of file the path ends with."""
    if path_end >= 4:
        a, b, c = low[path_end - 3], low[path_end - 2], low[path_end - 1]
        dot = low[path_end - 4] == 46
        f[k.F_PHP] = dot and a == 112 and b == 104 and c == 112
        f[k.F_HTML] = (dot and a == 104 and b == 116 and c == 109) or (a == 116 and b == 109 and c == 108)
        if dot:
            f[k.F_PROGRAM] = (
                (a == 101 and b == 120 and c == 101)
                or (a == 97 and b == 112 and c == 107)
                or (a == 115 and b == 99 and c == 114)
                or (a == 109 and b == 115 and c == 105)
                or (a == 106 and b == 97 and c == 114)
                or (a == 118 and b == 98 and c == 115)
                or (a == 98 and b == 97 and c == 116)
                or (a == 104 and b == 116 and c == 97)
                or (a == 105 and b == 115 and c == 111)
                or (a == 108 and b == 110 and c == 107)
                or (a == 112 and b == 115 and c == 49)
            )


@shared
def measure_rest(text: Any, start: Any, end: Any, official: Any, f: Any, work: Any, tables: Any, brands: Any) -> None:
    """Measure what follows the host: path, query and fragment."""
    low = work.low
    end = min(end, start + _REST)
    n = end - start
    for j in range(n):
        low[j] = _low(text[start + j])
    low[n] = 0
    f[k.F_DEEP] = n > 1
    f[k.F_PATH_LEN] = n
    spell_rest(text, start, n, low, f)
    path_end = count_marks(n, low, f)
    note_kind(path_end, low, f)
    if n > 1:
        surprise(low, 0, path_end, tables.chain, tables.alphabet, work.two)
        f[k.F_PATH_SURPRISE] = work.two[0]
        f[k.F_PATH_WORST] = work.two[1]
        seen = work.seen
        seen[0] = 0
        seen[1] = 0
        seen[2] = 0
        scan_words(low, 0, n, 2, f, _PATH_WORDS, tables, brands, seen)
        if official == 0:
            f[k.F_B_PATH] = seen[0] != 0
    amount = work.amounts[0]
    more = 0
    if n > 1:
        more = pieces(low, 0, min(n, 120), _PATH_SEED, work.numbers, amount, 2048) - amount
    work.amounts[1] = more
