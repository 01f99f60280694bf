# ruff: noqa: PLR0913, PLR0917, PLR1714
# (A compiled loop is one piece, or it is slow; compiled functions take arrays one by one and by position.)
"""The compiled part, continued: what is measured of a host."""

from __future__ import annotations

from typing import Any

import numpy as np

from trustward.base.jit import shared
from trustward.screening.links import kernel as k
from trustward.screening.links import words as w
from trustward.screening.links.kernel import _letter, find, in_filter, look_alike, pieces, scan_words, surprise

_OFFSET = k._OFFSET  # noqa: SLF001
_PRIME = k._PRIME  # noqa: SLF001
_HOST_SEED = np.uint64(0x9AE16A3B2F90404F)
_PATH_SEED = np.uint64(0xC3A5C85C97CB3127)
_RULE, _WILD, _EXCEPTION, _PRIVATE = w.RULE, w.WILD, w.EXCEPTION, w.PRIVATE
_PLACED = w.SHORTENER | w.HOSTING | w.DYNAMIC | w.BIO | w.IPFS | w.TUNNEL | w.STORAGE | w.FORMS
_HOSTING, _DYNAMIC, _SHORTENER, _BIO = w.HOSTING, w.DYNAMIC, w.SHORTENER, w.BIO
_IPFS, _TUNNEL, _STORAGE, _FORMS = w.IPFS, w.TUNNEL, w.STORAGE, w.FORMS
_CHEAP, _FREE, _GENERIC, _HONEST = w.CHEAP, w.FREE, w.GENERIC, w.HONEST
_SHIFT = w.BRAND_SHIFT
_HIDDEN = w.HIDDEN_POPULAR
_CONFUSED = w.CONFUSED
_HOST_WORDS = w.HOST_WORDS
_PROBES = 7
_IN_SUB, _WITHIN, _TOKEN, _SUFFIX, _NEAR, _SKELETON = w.IN_SUB, w.WITHIN, w.TOKEN, w.SUFFIX, w.NEAR, w.SKELETON


@shared
def look_up(text: Any, lo: Any, hi: Any, f: Any, tables: Any, found_at: Any) -> Any:
    """Find the public suffix and what is known of a host and its parents; returns the kinds.

    found_at[0:4]: where the suffix begins, where the part begins that others put pages below (else ``hi``), the brand
    whose own domain it is plus one, the bits of the ending.
    """
    keys, values = tables.keys, tables.values
    # From the last label to the first: the public suffix, and what is known of each parent.
    h = _OFFSET
    suffix = hi
    icann = hi
    placed = hi
    kinds = np.uint32(0)
    official = np.uint32(0)
    ending = np.uint32(0)
    labels = 0
    exception = False
    wild = False
    last_start = hi
    i = hi - 1
    seen_suffix_labels = 0
    while i >= lo - 1:
        if i == lo - 1 or text[i] == 46:
            start = i + 1
            labels += 1
            found = find(keys, values, tables.mask, h)
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
    if icann > suffix:
        f[k.F_PRIVATE] = 1
    f[k.F_SUFFIX_LABELS] = seen_suffix_labels
    found_at[0] = suffix
    found_at[1] = placed
    found_at[2] = official
    found_at[3] = ending
    return kinds


@shared
def ending_of(text: Any, lo: Any, hi: Any, known: Any) -> Any:
    """The kind of a host's ending, from the least to the most used for fraud; all countries' endings are one kind."""
    tld = np.uint32(known)
    if (tld & np.uint32(_HONEST)) != 0:
        return 0
    if (tld & np.uint32(_FREE)) != 0:
        return 7
    if (tld & np.uint32(_CHEAP)) != 0:
        return 6
    if (tld & np.uint32(_GENERIC)) != 0:
        return 4
    j = hi - 1
    while j >= lo and text[j] != 46:
        j -= 1
    size = hi - j - 1
    if size == 2:
        return 1
    if size == 3 and text[j + 1] == 111 and text[j + 2] == 114 and text[j + 3] == 103:
        return 2
    if size == 3 and text[j + 1] == 99 and text[j + 2] == 111 and text[j + 3] == 109:
        return 3
    return 5


@shared
def place_name(text: Any, lo: Any, hi: Any, suffix: Any, placed: Any, spans: Any) -> None:
    """Find the registrable domain and the name that somebody chose: spans[3] and spans[4:6]."""
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


@shared
def note_kinds(kinds: Any, f: Any) -> None:
    """Write down the kinds of a host."""
    f[k.F_HOSTING] = (kinds & np.uint32(_HOSTING)) != 0
    f[k.F_DYNAMIC] = (kinds & np.uint32(_DYNAMIC)) != 0
    f[k.F_SHORTENER] = (kinds & np.uint32(_SHORTENER)) != 0
    f[k.F_BIO] = (kinds & np.uint32(_BIO)) != 0
    f[k.F_IPFS] = (kinds & np.uint32(_IPFS)) != 0
    f[k.F_TUNNEL] = (kinds & np.uint32(_TUNNEL)) != 0
    f[k.F_STORAGE] = (kinds & np.uint32(_STORAGE)) != 0
    f[k.F_FORMS] = (kinds & np.uint32(_FORMS)) != 0


@shared
def spell_name(text: Any, name_start: Any, name_end: Any, f: Any, two: Any, tables: Any) -> Any:
    """Measure how the chosen name is spelt; returns its letters."""
    n = name_end - name_start
    f[k.F_LABEL_LEN] = n
    if n > 4 and text[name_start + 3] == 45 and text[name_start] == 99 and text[name_start + 2] == 109:
        # "bank.com-secure.example": an ending at the front of a name.
        f[k.F_ENDING_IN] = 1
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
    return letters


@shared
def spell_front(text: Any, sub_start: Any, sub_end: Any, n: Any, f: Any, two: Any, tables: Any) -> None:
    """Measure what is left of the chosen name, which has ``n`` bytes."""
    hyphens = 0
    digits = 0
    count = 0
    longest = n
    size = 0
    if sub_end > sub_start:
        for j in range(sub_start, sub_end + 1):
            if j == sub_end or text[j] == 46:
                count += 1
                longest = max(longest, size)
                if (size == 3 and text[j - 3] == 99 and text[j - 2] == 111 and text[j - 1] == 109) or (
                    size == 3 and (text[j - 1] == 116 and text[j - 2] == 101 and text[j - 3] == 110)
                ):
                    f[k.F_ENDING_IN] = 1
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


@shared
def find_brands(
    text: Any,
    spans: Any,
    sub_start: Any,
    sub_end: Any,
    official: Any,
    letters: Any,
    f: Any,
    work: Any,
    tables: Any,
    brands: Any,
) -> None:
    """Words and brands of the host: spans[6:8]."""
    name_start, name_end = spans[4], spans[5]
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


@shared
def measure_host(
    text: Any, lo: Any, hi: Any, spans: Any, tricks: Any, f: Any, work: Any, tables: Any, brands: Any
) -> Any:
    """Measure the host text[lo:hi] (lower case, no port). Fills features and spans[3:8]; returns its kinds.

    spans[3]: where the registrable domain starts (-1: none); spans[4:6]: the name that someone chose; spans[6]: the
    brand plus one; spans[7]: how it was found. The top bit of the kinds: a brand's own domain.
    """
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
        work.amounts[0] = 0
        return np.uint32(0)
    found_at = work.found
    kinds = look_up(text, lo, hi, f, tables, found_at)
    official = found_at[2]
    place_name(text, lo, hi, found_at[0], found_at[1], spans)
    registrable, name_start, name_end = spans[3], spans[4], spans[5]
    popular = 0
    if tricks & (_HIDDEN | _CONFUSED) == 0 and registrable >= 0 and kinds == 0:
        domain_hash = k.hash_back(text, registrable, hi)
        if in_filter(tables.top, tables.top_bits, domain_hash, _PROBES):
            popular = 2
        elif in_filter(tables.popular, tables.popular_bits, domain_hash, _PROBES):
            popular = 1
    f[k.F_POPULAR] = popular
    # An official name is no shield for what strangers put below it (sites, files, forms).
    if tricks & _CONFUSED != 0 or kinds != 0:
        official = 0
    f[k.F_ENDING] = ending_of(text, lo, hi, found_at[3])
    note_kinds(kinds, f)
    letters = spell_name(text, name_start, name_end, f, two, tables)
    sub_start, sub_end = lo, name_start - 1
    if sub_end - lo >= 3 and text[lo] == 119 and text[lo + 1] == 119 and text[lo + 2] == 119:
        if sub_end == lo + 3:
            sub_end = lo
        elif text[lo + 3] == 46:
            sub_start = lo + 4
    spell_front(text, sub_start, sub_end, name_end - name_start, f, two, tables)
    find_brands(text, spans, sub_start, sub_end, official, letters, f, work, tables, brands)
    # Pieces of the chosen name, and of what is left of it. A country's ending is no sign by itself, so it is not part
    # of the name that is read.
    piece_end = name_end if f[k.F_ENDING] <= 1 else hi
    amount = pieces(text, name_start, piece_end, _HOST_SEED, work.numbers, 0, 512)
    if sub_end > sub_start:
        amount = pieces(text, sub_start, sub_end, _HOST_SEED, work.numbers, amount, 768)
    work.amounts[0] = amount
    if official != 0:
        kinds |= np.uint32(1 << 31)
    return kinds
