# ruff: noqa: C901, FBT001, FBT002, PLR0911, PLR0912, PLR0913, PLR0915, PLR0917, PLR1714, SIM108, SIM109, ERA001
# (A compiled loop is one piece, or it is slow; compiled functions take arrays one by one and by position.)
"""The compiled part, continued: what is measured of one link, and the score."""

from __future__ import annotations

from typing import Any

import numpy as np

from trustward.base.jit import kernel, shared
from trustward.screening.links import kernel as k
from trustward.screening.links import words as w
from trustward.screening.links.kernel import (
    _hex,
    _letter,
    _low,
    find,
    in_filter,
    look_alike,
    pieces,
    scan_words,
    surprise,
    take_apart,
)

_OFFSET = k._OFFSET  # noqa: SLF001
_PRIME = k._PRIME  # noqa: SLF001
_HOST_SEED = np.uint64(0x9AE16A3B2F90404F)
_PATH_SEED = np.uint64(0xC3A5C85C97CB3127)
_U0 = np.uint64(0)
_SYMBOLS = w.SYMBOLS
_RULE, _WILD, _EXCEPTION, _PRIVATE = w.RULE, w.WILD, w.EXCEPTION, w.PRIVATE
_PLACED = w.SHORTENER | w.HOSTING | w.DYNAMIC | w.BIO | w.IPFS | w.TUNNEL | w.STORAGE | w.FORMS
_HOSTING, _DYNAMIC, _SHORTENER, _BIO = w.HOSTING, w.DYNAMIC, w.SHORTENER, w.BIO
_IPFS, _TUNNEL, _STORAGE, _FORMS = w.IPFS, w.TUNNEL, w.STORAGE, w.FORMS
_CHEAP, _FREE, _GENERIC, _HONEST = w.CHEAP, w.FREE, w.GENERIC, w.HONEST
_SHIFT = w.BRAND_SHIFT
_HIDDEN = w.HIDDEN_POPULAR
_CONFUSED = w.CONFUSED
_HOST_WORDS, _PATH_WORDS = w.HOST_WORDS, w.PATH_WORDS
_NF = w.N_FEATURES
_REST = 600
_MOST = 2048
_PROBES = 7
_FORCED = w.FORCED
_BRAND_COLUMNS = (
    k.F_B_SUFFIX,
    k.F_B_TOKEN,
    k.F_B_WITHIN,
    k.F_B_NEAR,
    k.F_B_SKELETON,
    k.F_B_SUB,
    k.F_B_PATH,
    k.F_B_OFFICIAL,
)
_KIND_COLUMNS = (
    k.F_NUMERIC,
    k.F_HOSTING,
    k.F_PRIVATE,
    k.F_DYNAMIC,
    k.F_SHORTENER,
    k.F_BIO,
    k.F_IPFS,
    k.F_TUNNEL,
    k.F_STORAGE,
    k.F_FORMS,
    k.F_PROGRAM,
    k.F_MAIL,
)
_IN_SUB, _WITHIN, _TOKEN, _SUFFIX, _NEAR, _SKELETON = w.IN_SUB, w.WITHIN, w.TOKEN, w.SUFFIX, w.NEAR, w.SKELETON


@shared
def measure_host(text: Any, lo: Any, hi: Any, spans: Any, tricks: Any, f: Any, work: Any, tables: Any, brands: Any) -> Any:
    """Measure the host text[lo:hi] (lower case, no port). Fills features and spans[3:8]; returns its kinds.

    spans[3]: where the registrable domain starts (-1: none); spans[4:6]: the name that someone chose; spans[6]: the
    brand plus one; spans[7]: how it was found.
    """
    keys, values = tables.keys, tables.values
    two = work.two
    f[k.F_HOST_LEN] = hi - lo
    f[k.F_NUMERIC] = spans[2]
    spans[3] = -1
    spans[6] = 0
    spans[7] = 0
    if spans[2] != 0:
        spans[3] = lo
        spans[4] = lo
        spans[5] = lo
        f[k.F_ENDING] = 8
        return np.uint32(0)
    # From the last label to the first: the public suffix, and what is known of each parent.
    h = _OFFSET
    end = hi
    suffix = hi
    icann = hi
    implicit = hi
    placed = hi
    kinds = np.uint32(0)
    official = np.uint32(0)
    ending = np.uint32(0)
    label_end = hi
    labels = 0
    exception = False
    wild = False
    above = lo
    last_start = hi
    domain_hash = _U0
    i = hi - 1
    seen_suffix_labels = 0
    while i >= lo - 1:
        if i == lo - 1 or text[i] == 46:
            start = i + 1
            labels += 1
            found = find(keys, values, h)
            if labels == 1:
                suffix = start
                icann = start
                ending = found
                seen_suffix_labels = 1
            rule = (found & np.uint32(_RULE | _WILD)) != 0 or wild
            if rule and (found & np.uint32(_CHEAP | _FREE | _GENERIC | _HONEST)) != 0:
                ending = found
            if (found & np.uint32(_EXCEPTION)) != 0:
                exception = True
                suffix = last_start
                icann = last_start
                rule = False
            elif rule and not exception:
                suffix = start
                seen_suffix_labels = labels
                if (found & np.uint32(_PRIVATE)) == 0 and not (wild and icann != last_start):
                    icann = start
            wild = (found & np.uint32(_WILD)) != 0
            if (found & np.uint32(_PLACED)) != 0:
                if start > lo and text[start - 1] == 46 and not (start == lo + 4 and text[lo] == 119):
                    kinds |= found & np.uint32(_PLACED)
                    placed = start
                else:
                    kinds |= found & np.uint32(_PLACED & ~(_HOSTING | _DYNAMIC | _TUNNEL))
            if (found >> np.uint32(_SHIFT)) != 0 and official == 0:
                official = found >> np.uint32(_SHIFT)
            last_start = start
        if i >= lo:
            h = (h ^ np.uint64(text[i])) * _PRIME
        i -= 1
    # The registrable domain is the suffix and one label more.
    registrable = -1
    if suffix > lo:
        j = suffix - 2
        while j >= lo and text[j] != 46:
            j -= 1
        registrable = j + 1
    spans[3] = registrable
    name_end = suffix - 1 if suffix > lo else hi
    name_start = registrable if registrable >= 0 else lo
    if placed < suffix and placed > lo:
        # A host of other people's pages: the name that somebody chose is left of it.
        name_end = placed - 1
        j = name_end - 1
        while j >= lo and text[j] != 46:
            j -= 1
        name_start = j + 1
    spans[4] = name_start
    spans[5] = name_end
    popular = 0
    if tricks & (_HIDDEN | _CONFUSED) == 0 and registrable >= 0 and kinds == 0:
        domain_hash = k.hash_back(text, registrable, hi)
        if in_filter(tables.top, domain_hash, _PROBES):
            popular = 2
        elif in_filter(tables.popular, domain_hash, _PROBES):
            popular = 1
    f[k.F_POPULAR] = popular
    # An official name is no shield for what strangers put below it (sites, files, forms).
    if tricks & _CONFUSED != 0 or kinds != 0:
        official = np.uint32(0)
    if icann > suffix:
        f[k.F_PRIVATE] = 1
    f[k.F_SUFFIX_LABELS] = seen_suffix_labels
    tld = ending
    if (tld & np.uint32(_HONEST)) != 0:
        f[k.F_ENDING] = 0
    elif (tld & np.uint32(_FREE)) != 0:
        f[k.F_ENDING] = 7
    elif (tld & np.uint32(_CHEAP)) != 0:
        f[k.F_ENDING] = 6
    elif (tld & np.uint32(_GENERIC)) != 0:
        f[k.F_ENDING] = 4
    else:
        j = hi - 1
        while j >= lo and text[j] != 46:
            j -= 1
        size = hi - j - 1
        if size == 2:
            f[k.F_ENDING] = 1
        elif size == 3 and text[j + 1] == 111 and text[j + 2] == 114 and text[j + 3] == 103:
            f[k.F_ENDING] = 2
        elif size == 3 and text[j + 1] == 99 and text[j + 2] == 111 and text[j + 3] == 109:
            f[k.F_ENDING] = 3
        else:
            f[k.F_ENDING] = 5
    f[k.F_HOSTING] = (kinds & np.uint32(_HOSTING)) != 0
    f[k.F_DYNAMIC] = (kinds & np.uint32(_DYNAMIC)) != 0
    f[k.F_SHORTENER] = (kinds & np.uint32(_SHORTENER)) != 0
    f[k.F_BIO] = (kinds & np.uint32(_BIO)) != 0
    f[k.F_IPFS] = (kinds & np.uint32(_IPFS)) != 0
    f[k.F_TUNNEL] = (kinds & np.uint32(_TUNNEL)) != 0
    f[k.F_STORAGE] = (kinds & np.uint32(_STORAGE)) != 0
    f[k.F_FORMS] = (kinds & np.uint32(_FORMS)) != 0
    # The chosen name.
    n = name_end - name_start
    f[k.F_LABEL_LEN] = n
    inner = 0
    if n > 4 and text[name_start + 3] == 45 and text[name_start] == 99 and text[name_start + 2] == 109:
        # "bank.com-secure.example": an ending at the front of a name.
        inner = 1
    hyphens = 0
    digits = 0
    runs = 0
    vowels = 0
    letters = 0
    longest = 0
    consonants = 0
    kind_before = 0
    for j in range(name_start, name_end):
        c = text[j]
        kind = 0
        if c == 45:
            hyphens += 1
        elif 48 <= c <= 57:
            digits += 1
            kind = 2
        elif _letter(c):
            letters += 1
            kind = 1
            if c == 97 or c == 101 or c == 105 or c == 111 or c == 117 or c == 121:
                vowels += 1
                consonants = 0
            else:
                consonants += 1
                longest = max(longest, consonants)
        if kind != 1:
            consonants = 0
        if kind != kind_before and kind != 0 and kind_before != 0:
            runs += 1
        kind_before = kind
    f[k.F_LABEL_HYPHENS] = hyphens
    f[k.F_LABEL_DIGITS] = digits
    f[k.F_RUNS] = runs
    f[k.F_VOWELS] = vowels / max(letters, 1)
    f[k.F_CONSONANTS] = longest
    surprise(text, name_start, name_end, tables.chain, tables.alphabet, two)
    f[k.F_SURPRISE] = two[0]
    f[k.F_WORST] = two[1]
    # What is left of it.
    hyphens = 0
    digits = 0
    count = 0
    longest = n
    sub_end = name_start - 1
    sub_start = lo
    if sub_end - lo >= 3 and text[lo] == 119 and text[lo + 1] == 119 and text[lo + 2] == 119:
        if sub_end == lo + 3:
            sub_end = lo
            sub_start = lo
        elif text[lo + 3] == 46:
            sub_start = lo + 4
    size = 0
    if sub_end > sub_start:
        for j in range(sub_start, sub_end + 1):
            if j == sub_end or text[j] == 46:
                count += 1
                longest = max(longest, size)
                if (size == 3 and text[j - 3] == 99 and text[j - 2] == 111 and text[j - 1] == 109) or (
                    size == 3 and (text[j - 1] == 116 and text[j - 2] == 101 and text[j - 3] == 110)
                ):
                    inner = 1
                size = 0
            else:
                c = text[j]
                size += 1
                hyphens += c == 45
                digits += 48 <= c <= 57
        surprise(text, sub_start, sub_end, tables.chain, tables.alphabet, two)
        f[k.F_SUB_SURPRISE] = two[0]
    f[k.F_SUB_LABELS] = count
    f[k.F_SUB_LEN] = max(sub_end - sub_start, 0)
    f[k.F_LONGEST] = longest
    f[k.F_SUB_HYPHENS] = hyphens
    f[k.F_SUB_DIGITS] = digits
    f[k.F_ENDING_IN] = inner
    # Words and brands.
    seen = work.seen
    seen[0] = 0
    seen[1] = 0
    seen[2] = 0
    covered = scan_words(text, name_start, name_end, 0, f, _HOST_WORDS, tables, brands, seen)
    f[k.F_COVERED] = covered / max(letters, 1)
    total = np.float32(0)
    for j in range(1, 16):
        total += f[_HOST_WORDS + j]
    f[k.F_LABEL_WORDS] = total
    if seen[0] == 0 and name_end > name_start:
        look_alike(text, name_start, name_end, work.scratch, work.prefix, tables, brands, seen)
    if sub_end > sub_start:
        scan_words(text, sub_start, sub_end, 1, f, _HOST_WORDS, tables, brands, seen)
    if official != 0:
        f[k.F_B_OFFICIAL] = 1
        seen[0] = 0
        seen[1] = 0
    f[k.F_B_SUFFIX] = seen[1] == _SUFFIX
    f[k.F_B_TOKEN] = seen[1] == _TOKEN
    f[k.F_B_WITHIN] = seen[1] == _WITHIN
    f[k.F_B_NEAR] = seen[1] == _NEAR
    f[k.F_B_SKELETON] = seen[1] == _SKELETON
    f[k.F_B_SUB] = seen[1] == _IN_SUB
    spans[6] = seen[0]
    spans[7] = seen[1]
    # Pieces of the chosen name, and of what is left of it.
    numbers = work.numbers
    # A country's ending is no sign by itself, so it is not part of the name that is read.
    piece_end = name_end if f[k.F_ENDING] <= 1 else hi
    amount = pieces(text, name_start, piece_end, tables.alphabet, _HOST_SEED, numbers, 512)
    if sub_end > sub_start:
        more = pieces(text, sub_start, sub_end, tables.alphabet, _HOST_SEED, numbers[amount:], 256)
        amount += more
    work.amounts[0] = amount
    if official != 0:
        kinds |= np.uint32(1 << 31)
    return kinds


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
    query = n
    fragment = n
    depth = 0
    slashes = 0
    parameters = 0
    digits = 0
    hyphens = 0
    upper = 0
    escapes = 0
    dots = 0
    letters = 0
    odd = 0
    token = 0
    token_letters = 0
    longest = 0
    hex_run = 0
    hex_longest = 0
    hex_digits = 0
    short = 0
    folder = 0
    year = 0
    slug = 0
    mail = 0
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
            if dot_at >= 0 and j > dot_at + 1:
                size = j - dot_at - 1
                if size == 3 and low[j - 3] == 99 and low[j - 2] == 111 and low[j - 1] == 109:
                    domain_in = 1
                elif size == 3 and low[j - 3] == 110 and low[j - 2] == 101 and low[j - 1] == 116:
                    domain_in = 1
                elif size == 3 and low[j - 3] == 111 and low[j - 2] == 114 and low[j - 1] == 103:
                    domain_in = 1
            dot_at = -1
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
        if j == n:
            break
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
            dot_at = j
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
    f[k.F_PATH_DIGITS] = digits
    f[k.F_PATH_HYPHENS] = hyphens
    f[k.F_TOKEN_LEN] = longest
    f[k.F_HEX] = hex_longest
    f[k.F_UPPER] = upper
    f[k.F_ESCAPES] = escapes
    f[k.F_PATH_DOTS] = dots
    f[k.F_PATH_LETTERS] = letters
    f[k.F_ODD_MARKS] = odd
    f[k.F_SHORT] = short
    f[k.F_YEAR] = year
    f[k.F_SLUG] = slug
    f[k.F_MAIL] = mail
    f[k.F_DOMAIN_IN] = domain_in
    f[k.F_SLASH] = path_end > 1 and low[path_end - 1] == 47
    f[k.F_FRAGMENT] = n - fragment if fragment < n else 0
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
        more = pieces(low, 0, min(n, 120), tables.alphabet, _PATH_SEED, work.numbers[amount:], 700)
    work.amounts[1] = more


@shared
def weigh(numbers: Any, start: Any, count: Any, weights: Any, scale: Any) -> Any:
    """The sum of the weights of some pieces over the root of their number."""
    total = 0
    for j in range(start, start + count):
        total += weights[numbers[j]]
    return np.float32(total) * scale / np.float32(np.sqrt(np.float32(max(count, 1))))


@shared
def grow(f: Any, trees: Any) -> Any:
    """The sum over all trees."""
    total = np.float32(0)
    for t in range(trees.roots.size):
        node = trees.roots[t]
        while trees.column[node] >= 0:
            if f[trees.column[node]] <= trees.border[node]:
                node += 1
            else:
                node = trees.right[node]
        total += trees.border[node]
    return total


@shared
def measure(text: Any, start: Any, end: Any, tricks: Any, spans: Any, f: Any, work: Any, t: Any, b: Any) -> Any:
    """Measure one link that is known to be plain; returns the kinds of its host."""
    for j in range(_NF):
        f[j] = 0
    lo, hi = spans[0], spans[1]
    low = work.low
    for j in range(lo, hi):
        low[j - lo] = _low(text[j])
    spans[0] = 0
    spans[1] = hi - lo
    kinds = measure_host(low, 0, hi - lo, spans, tricks, f, work, t, b)
    spans[0] = lo
    spans[1] = hi
    if spans[3] >= 0:
        spans[3] += lo
    f[k.F_HOST_PIECES] = weigh(work.numbers, 0, work.amounts[0], t.host_weights, t.scales[0])
    measure_rest(text, hi, end, kinds >> np.uint32(31), f, work, t, b)
    f[k.F_PATH_PIECES] = weigh(work.numbers, work.amounts[0], work.amounts[1], t.path_weights, t.scales[1])
    f[k.F_BRANDS] = f[_HOST_WORDS] + f[_PATH_WORDS]
    return kinds


@shared
def calibrated(x: Any, xs: Any, ys: Any) -> Any:
    """The score of log-odds, by straight lines between points."""
    last = xs.size - 1
    if x <= xs[0]:
        return ys[0]
    if x >= xs[last]:
        return ys[last]
    n = 1
    while xs[n] < x:
        n += 1
    return ys[n - 1] + (ys[n] - ys[n - 1]) * ((x - xs[n - 1]) / (xs[n] - xs[n - 1]))


@shared
def facts_of(f: Any) -> Any:
    """What is to be said of a link, as bits: see reasons.py."""
    facts = _U0
    for n in range(1, 21):
        if n < 9:
            value = f[_BRAND_COLUMNS[n - 1]] != 0
        else:
            value = f[_KIND_COLUMNS[n - 9]] != 0
        if value:
            facts |= np.uint64(1) << np.uint64(n)
    if f[k.F_ENDING] == 6:
        facts |= np.uint64(1 << 21)
    if f[k.F_ENDING] == 7:
        facts |= np.uint64(1 << 22)
    if f[k.F_LABEL_LEN] >= 6 and (f[k.F_SURPRISE] > 5.6 or f[k.F_CONSONANTS] >= 6) and f[k.F_POPULAR] == 0:
        facts |= np.uint64(1 << 23)
    if f[k.F_LABEL_HYPHENS] >= 2 and f[k.F_POPULAR] == 0:
        facts |= np.uint64(1 << 24)
    if f[k.F_LABEL_DIGITS] >= 3 and f[k.F_POPULAR] == 0:
        facts |= np.uint64(1 << 25)
    if f[k.F_SUB_LABELS] >= 3 or f[k.F_SUB_LEN] >= 25:
        facts |= np.uint64(1 << 26)
    if f[k.F_ENDING_IN] != 0:
        facts |= np.uint64(1 << 27)
    if f[k.F_HEX] >= 16:
        facts |= np.uint64(1 << 28)
    if f[k.F_PHP] != 0 and f[_PATH_WORDS + 12] != 0:
        facts |= np.uint64(1 << 29)
    if f[_PATH_WORDS + 12] >= 1 and (f[_PATH_WORDS + 1] >= 1 or f[k.F_B_PATH] != 0):
        facts |= np.uint64(1 << 30)
    if f[k.F_HOST_PIECES] > 1.5:
        facts |= np.uint64(1 << 31)
    if f[k.F_PATH_PIECES] > 1.5:
        facts |= np.uint64(1 << 32)
    if f[k.F_POPULAR] != 0:
        facts |= np.uint64(1 << 33)
    if f[_PATH_WORDS + 1] >= 2:
        facts |= np.uint64(1 << 34)
    for n in range(1, 16):
        if f[_HOST_WORDS + n] != 0:
            facts |= np.uint64(1) << np.uint64(35 + n)
    return facts


@kernel
def screen_rows(
    text: Any,
    ends: Any,
    tricks: Any,
    extra: Any,
    work: Any,
    tables: Any,
    brands: Any,
    trees: Any,
    curve: Any,
    odds: Any,
    scores: Any,
    spans: Any,
    facts: Any,
    features: Any,
    keep: Any,
) -> None:
    """Screen links that are joined in ``text`` and ended at ``ends`` (each with a zero byte behind).

    ``odds`` are log-odds with ``extra`` added, ``scores`` what they come to by the two rows of ``curve``; scores are
    NaN where a link is not plain (or, with the bit FORCED in ``tricks``, has no host). With ``keep`` the features of
    each row are kept. Spans are counted from the link's first byte.
    """
    start = 0
    for n in range(ends.size):
        end = ends[n]
        place = spans[n]
        if take_apart(text, start, end, place, tricks[n] & _FORCED != 0) != 0:
            scores[n] = np.nan
            odds[n] = 0
            facts[n] = 0
        else:
            f = features[n] if keep else features[0]
            measure(text, start, end, tricks[n], place, f, work, tables, brands)
            odds[n] = grow(f, trees) + extra[n]
            scores[n] = calibrated(odds[n], curve[0], curve[1])
            facts[n] = facts_of(f)
            place[0] -= start
            place[1] -= start
            if place[3] >= 0:
                place[3] -= start
        start = end + 1


@kernel
def piece_rows(
    text: Any, ends: Any, work: Any, tables: Any, brands: Any, spans: Any, features: Any, indptr: Any, indices: Any
) -> Any:
    """The numbers of the pieces of each row, for training: host and path in turn. Returns how many there are."""
    start = 0
    total = 0
    for n in range(ends.size):
        end = ends[n]
        place = spans[n]
        a, b = 0, 0
        if take_apart(text, start, end, place, True) == 0:
            measure(text, start, end, 0, place, features, work, tables, brands)
            a, b = work.amounts[0], work.amounts[1]
        for j in range(a):
            indices[total] = work.numbers[j]
            total += 1
        indptr[2 * n + 1] = total
        for j in range(b):
            indices[total] = work.numbers[a + j]
            total += 1
        indptr[2 * n + 2] = total
        start = end + 1
    return total
