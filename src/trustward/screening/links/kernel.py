# ruff: noqa: SIM102
# (Nested tests follow the bytes that are read.)
"""The compiled part: takes links apart, looks hosts up, measures, and adds the models up."""

from __future__ import annotations

from typing import Any

import numpy as np

from trustward.base.jit import kernel, pointer, shared
from trustward.screening.links import words as w

_OFFSET = np.uint64(0xCBF29CE484222325)
_PRIME = np.uint64(0x100000001B3)
_BASE = np.uint64(0x9E3779B97F4A7C15)
_U0 = np.uint64(0)
_U1 = np.uint64(1)
_U29 = np.uint64(29)
_U32 = np.uint64(32)
_MIX = np.uint64(0xBF58476D1CE4E5B9)
_DOT, _SLASH, _HYPHEN, _PERCENT = 46, 47, 45, 37
_LONGEST_HOST = 253
_RULE, _WILD, _EXCEPTION, _PRIVATE = w.RULE, w.WILD, w.EXCEPTION, w.PRIVATE
_SHIFT = w.BRAND_SHIFT
_PLACED = w.SHORTENER | w.HOSTING | w.DYNAMIC | w.BIO | w.IPFS | w.TUNNEL | w.STORAGE | w.FORMS
_NF = w.N_FEATURES
_SYMBOLS = w.SYMBOLS
_PIECE_MASK = np.uint64((1 << w.PIECE_BITS) - 1)
_HOST_WORDS, _PATH_WORDS = w.HOST_WORDS, w.PATH_WORDS
_HIDDEN = w.HIDDEN_POPULAR
_OFFICIAL, _IN_PATH, _IN_SUB, _WITHIN, _TOKEN, _SUFFIX, _NEAR, _SKELETON = (
    w.OFFICIAL,
    w.IN_PATH,
    w.IN_SUB,
    w.WITHIN,
    w.TOKEN,
    w.SUFFIX,
    w.NEAR,
    w.SKELETON,
)
(F_HOST_LEN, F_LABEL_LEN, F_SUB_LABELS, F_SUB_LEN, F_LONGEST, F_LABEL_HYPHENS, F_SUB_HYPHENS, F_LABEL_DIGITS) = range(8)
(F_SUB_DIGITS, F_RUNS, F_ENDING, F_SUFFIX_LABELS, F_PRIVATE, F_HOSTING, F_DYNAMIC, F_SHORTENER) = range(8, 16)
(F_BIO, F_IPFS, F_TUNNEL, F_STORAGE, F_FORMS, F_NUMERIC, F_POPULAR, F_SURPRISE) = range(16, 24)
(F_WORST, F_SUB_SURPRISE, F_VOWELS, F_CONSONANTS, F_COVERED, F_LABEL_WORDS, F_B_OFFICIAL, F_B_SUFFIX) = range(24, 32)
(F_B_TOKEN, F_B_WITHIN, F_B_NEAR, F_B_SKELETON, F_B_SUB, F_B_PATH, F_BRANDS, F_ENDING_IN) = range(32, 40)
(F_DEEP, F_PATH_LEN, F_DEPTH, F_QUERY_LEN, F_PARAMETERS, F_PATH_DIGITS, F_PATH_HYPHENS, F_TOKEN_LEN) = range(40, 48)
(F_HEX, F_UPPER, F_PHP, F_HTML, F_PROGRAM, F_SLASH, F_FRAGMENT, F_MAIL) = range(48, 56)
(F_PATH_DOTS, F_DOMAIN_IN, F_DOUBLED, F_PATH_SURPRISE, F_PATH_WORST, F_SHORT, F_YEAR, F_ESCAPES) = range(56, 64)
(F_PATH_LETTERS, F_SLUG, F_ODD_MARKS, F_HOST_PIECES, F_PATH_PIECES) = range(64, 69)


@shared
def find(keys: Any, values: Any, mask: Any, hashed: Any) -> Any:
    """The value of a 64-bit hash in the open table, or 0."""
    short = np.uint32(hashed >> _U32)
    if short == 0:
        short = np.uint32(1)
    slot = (hashed * _MIX >> _U29) & mask
    while keys[slot] != 0:
        if keys[slot] == short:
            return values[slot]
        slot = (slot + _U1) & mask
    return np.uint32(0)


@shared
def put(keys: Any, values: Any, mask: Any, hashed: Any, value: Any) -> Any:
    """Add bits to the value of a hash; a brand's number is never written over."""
    short = np.uint32(hashed >> _U32)
    if short == 0:
        short = np.uint32(1)
    slot = (hashed * _MIX >> _U29) & mask
    while keys[slot] != 0 and keys[slot] != short:
        slot = (slot + _U1) & mask
    keys[slot] = short
    if (values[slot] >> np.uint32(_SHIFT)) != 0 and (value >> np.uint32(_SHIFT)) != 0:
        value = value & np.uint32((1 << _SHIFT) - 1)
    values[slot] |= value


@shared
def hash_back(text: Any, start: Any, end: Any) -> Any:
    """The hash of a host, from its last byte to its first, so that it grows label by label."""
    h = _OFFSET
    for i in range(end - 1, start - 1, -1):
        h = (h ^ np.uint64(text[i])) * _PRIME
    return h


@kernel
def fill(text: Any, ends: Any, given: Any, keys: Any, values: Any) -> None:
    """Put hosts, joined in ``text`` and ended at ``ends``, into the table with their bits."""
    start = 0
    mask = np.uint64(keys.size - 1)
    for n in range(ends.size):
        put(pointer(keys), pointer(values), mask, hash_back(pointer(text), start, ends[n]), given[n])
        start = ends[n]


@kernel
def hash_all(text: Any, ends: Any, out: Any) -> None:
    """The hash of each host."""
    start = 0
    for n in range(ends.size):
        out[n] = hash_back(pointer(text), start, ends[n])
        start = ends[n]


@shared
def in_filter(bits: Any, size: Any, hashed: Any, probes: Any) -> Any:
    """Whether a hash is in a Bloom filter of ``size`` bits (no false "no"; a few in a thousand false "yes")."""
    step = (hashed * _MIX) | _U1
    place = hashed
    for _ in range(probes):
        place = place + step
        at = ((place >> _U32) * size) >> _U32
        if (bits[at >> np.uint64(3)] >> np.uint8(at & np.uint64(7))) & 1 == 0:
            return False
    return True


@kernel
def fill_filter(bits: Any, hashes: Any, probes: Any) -> None:
    """Put hashes into a Bloom filter."""
    size = np.uint64(bits.size * 8)
    for n in range(hashes.size):
        step = (hashes[n] * _MIX) | _U1
        place = hashes[n]
        for _ in range(probes):
            place = place + step
            at = ((place >> _U32) * size) >> _U32
            bits[at >> np.uint64(3)] |= np.uint8(1) << np.uint8(at & np.uint64(7))


@shared
def _word_byte(c: Any) -> Any:
    return (97 <= c <= 122) or (48 <= c <= 57)


@shared
def _letter(c: Any) -> Any:
    return 97 <= c <= 122


@shared
def _low(c: Any) -> Any:
    if 65 <= c <= 90:
        return c + 32
    return c


@shared
def _hex(c: Any) -> Any:
    if 48 <= c <= 57:
        return c - 48
    c = _low(c)
    if 97 <= c <= 102:
        return c - 87
    return -1


@shared
def take_apart(text: Any, start: Any, end: Any, spans: Any, forced: Any) -> Any:
    """Find the host. Returns 0 if it is a plain link whose host lies at spans[0]:spans[1], else 1.

    ``forced``: it has been made plain, only the host is to be found.
    """
    i = start
    if end - start < 4:
        return 1
    c = text[end - 1]
    if not forced and (c == 34 or c == 39 or c == 44 or c == 59 or c == 60 or c == 62 or c == 96 or c == 63 or c == 35):
        return 1
    if end - start > 7 and _low(text[i]) == 104 and _low(text[i + 1]) == 116 and _low(text[i + 2]) == 116:
        if _low(text[i + 3]) == 112:
            j = i + 4
            if _low(text[j]) == 115:
                j += 1
            if end - j > 3 and text[j] == 58 and text[j + 1] == _SLASH and text[j + 2] == _SLASH:
                i = j + 3
    spans[0] = i
    label = i
    dots = 0
    numeric = True
    number = 0
    while i < end:
        c = _low(text[i])
        if c == _DOT:
            if i == label or i - label > 63:
                return 1
            if numeric and (number > 255 or (i - label > 1 and text[label] == 48)):
                return 1
            label = i + 1
            number = 0
            dots += 1
        elif c == _SLASH or c == 63 or c == 35:
            break
        elif 48 <= c <= 57:
            number = min(number * 10 + c - 48, 1000)
        elif (97 <= c <= 122) or c == _HYPHEN or c == 95:
            numeric = False
            if c == _HYPHEN and i == label + 3 and text[i - 1] == _HYPHEN and not forced:
                return 1
        else:
            return 1
        i += 1
    if dots == 0 or i == label or i - label > 63 or i - spans[0] > _LONGEST_HOST:
        return 1
    if numeric and (dots != 3 or number > 255 or (i - label > 1 and text[label] == 48)):
        return 1
    if not numeric and 48 <= text[label] <= 57:
        return 1
    spans[1] = i
    spans[2] = 1 if numeric else 0
    if forced:
        return 0
    before = 0
    while i < end:
        c = text[i]
        if c <= 32 or c >= 127 or c == 92:
            return 1
        if c == _PERCENT:
            if i + 2 >= end:
                return 1
            high, low = _hex(text[i + 1]), _hex(text[i + 2])
            if high < 0 or low < 0:
                return 1
            code = high * 16 + low
            # An escaped letter, digit, mark of a link's own, or percent sign hides something.
            if code == 37 or code == 58 or (45 <= code <= 57) or (65 <= code <= 90) or (97 <= code <= 122):
                return 1
        elif c == 58:
            if i + 1 < end and text[i + 1] == _SLASH:
                return 1
        elif c == _SLASH:
            if i + 1 < end and text[i + 1] == _SLASH:
                if before == 61 or before == 63 or before == 38 or before == 35 or before == 124 or before == _SLASH:
                    return 1
        elif c == 35:
            if before == 63:
                return 1
        elif c == 119 or c == 87:
            if before == 61 and i + 3 < end and _low(text[i + 1]) == 119:
                return 1
        before = c
        i += 1
    return 0


@shared
def walk(text: Any, i: Any, end: Any, step: Any, last: Any, alphabet: Any) -> Any:
    """The longest word of the trie that starts at ``i``: its number plus one above, its length in the low 8 bits."""
    node = 0
    found = 0
    j = i
    while j < end:
        symbol = alphabet[text[j]]
        if symbol == 0:
            break
        node = step[node * _SYMBOLS + symbol]
        if node == 0:
            break
        j += 1
        if last[node] != 0:
            found = last[node] * 256 + (j - i)
    return found


@shared
def surprise(text: Any, start: Any, end: Any, chain: Any, alphabet: Any, out: Any) -> None:
    """How unusual a name's letters are: mean and worst run of four, in bits, into out[0] and out[1]."""
    a = 0
    b = 0
    total = 0.0
    count = 0
    run0 = 0.0
    run1 = 0.0
    run2 = 0.0
    worst = 0.0
    for i in range(start, end + 1):
        symbol = 0
        if i < end:
            symbol = alphabet[text[i]]
        cost = chain[(a * _SYMBOLS + b) * _SYMBOLS + symbol] * np.float32(0.0625)
        total += cost
        count += 1
        run = run0 + run1 + run2 + cost
        if count >= 4 and run > worst:
            worst = run
        run0 = run1
        run1 = run2
        run2 = cost
        a = b
        b = symbol
    out[0] = total / max(count, 1)
    out[1] = worst * 0.25


@shared
def pieces(text: Any, start: Any, end: Any, seed: Any, out: Any, count: Any, most: Any) -> Any:
    """Put the numbers of all runs of 3 to 5 bytes, boundaries included, behind ``count`` others; returns how many."""
    for i in range(start - 1, end - 1):
        h = seed
        for n in range(5):
            j = i + n
            if j > end:
                break
            if j < start or j == end:
                c = np.uint64(1)
            else:
                c = np.uint64(text[j])
            h = (h ^ c) * _PRIME
            if n >= 2 and count < most:
                out[count] = ((h * _MIX) >> _U32) & _PIECE_MASK
                count += 1
    return count


@shared
def near_brand(text: Any, start: Any, end: Any, prefix: Any, power: Any, keys: Any, values: Any, mask: Any) -> Any:
    """The brand, plus one, that a run of bytes is one edit away from, else 0."""
    n = end - start
    whole = prefix[end] - prefix[start] * power[n]
    found = find(keys, values, mask, whole * _BASE)
    if found != 0:
        return found
    for k in range(start, end):
        if k > start and text[k] == text[k - 1]:
            continue
        rest = end - k - 1
        head = prefix[k] - prefix[start] * power[k - start]
        tail = prefix[end] - prefix[k + 1] * power[rest]
        found = find(keys, values, mask, (head * power[rest] + tail) * _BASE)
        if found != 0:
            return found
    return np.uint32(0)


@kernel
def fill_near(text: Any, ends: Any, brands: Any, keys: Any, values: Any) -> None:
    """Put each name, and each name with one letter missing, into the table of near names."""
    start = 0
    mask = np.uint64(keys.size - 1)
    for n in range(ends.size):
        end = ends[n]
        for gone in range(start - 1, end):
            h = _U0
            for i in range(start, end):
                if i != gone:
                    h = h * _BASE + np.uint64(text[i])
            h = h * _BASE
            if find(pointer(keys), pointer(values), mask, h) == 0:
                put(pointer(keys), pointer(values), mask, h, np.uint32(brands[n]))
        start = end


@shared
def scan_words(
    text: Any,
    start: Any,
    end: Any,
    where: Any,
    features: Any,
    column: Any,
    tables: Any,
    brands: Any,
    seen: Any,
) -> Any:
    """Count the words of each class in text[start:end] and note brands. Returns the bytes that words cover.

    ``where``: 0 label, 1 left of it, 2 behind the host. ``seen``: brand number plus one, how it was found, distinct
    brands.
    """
    alphabet = tables.alphabet
    covered = 0
    i = start
    while i < end:
        left = i == start or not _letter(text[i - 1])
        found = 0
        length = 0
        brand = walk(text, i, end, brands.step, brands.last, alphabet)
        if brand != 0:
            length = brand & 255
            number = (brand >> 8) - 1
            strong = brands.strong[number]
            right = i + length == end or not _letter(text[i + length])
            token = left and right
            good = token
            if where < 2:
                good = good or (strong != 0 and (length >= 6 or ((left or right) and length >= 5)))
            else:
                good = good or (strong != 0 and length >= 7)
            if good and strong == 0 and where == 2:
                good = False
            if good:
                kind = _IN_PATH
                if where == 1:
                    kind = _IN_SUB
                elif where == 0:
                    kind = _WITHIN
                    if token and strong != 0:
                        kind = _TOKEN
                    if i == start and i + length == end and strong != 0:
                        kind = _SUFFIX
                owner = brands.owner[number] + 1
                if seen[0] != owner:
                    seen[2] += 1
                if kind > seen[1]:
                    seen[0] = owner
                    seen[1] = kind
                features[column] += 1
                found = length
        word = walk(text, i, end, tables.step, tables.last, alphabet)
        if word != 0 and (word & 255) >= found:
            length = word & 255
            number = (word >> 8) - 1
            right = i + length == end or not _letter(text[i + length])
            good = (left and right) or length >= 6 or (length >= 4 and (left or right))
            if where == 2:
                good = (left and right) or length >= 7
            if good:
                features[column + tables.group[number]] += 1
                found = max(found, length)
        if found > 0:
            covered += found
            i += found
        else:
            i += 1
    return covered


@shared
def look_alike(text: Any, start: Any, end: Any, scratch: Any, prefix: Any, tables: Any, brands: Any, seen: Any) -> None:
    """Brands in a name whose letters were swapped for look-alikes, or that is one edit away."""
    n = 0
    changed = False
    i = start
    while i < end:
        c = text[i]
        s = tables.skeleton[c]
        if i + 1 < end and c == 114 and text[i + 1] == 110:
            s = 109
            i += 1
        elif i + 1 < end and c == 118 and text[i + 1] == 118:
            s = 119
            i += 1
        scratch[n] = s
        n += 1
        i += 1
    i = 0
    while i < n:
        found = walk(scratch, i, n, brands.skeleton_step, brands.skeleton_last, tables.alphabet)
        if found != 0:
            length = found & 255
            number = (found >> 8) - 1
            left = i == 0 or not _letter(scratch[i - 1])
            right = i + length == n or not _letter(scratch[i + length])
            if (
                ((left and right) or (left and length >= 6) or length >= 8)
                and length >= 5
                and (brands.strong[number] != 0 or (left and right))
            ):
                if seen[1] < _SKELETON:
                    seen[0] = brands.owner[number] + 1
                    seen[1] = _SKELETON
                    seen[2] += 1
                changed = True
                break
        i += 1
    if changed or end - start < 6:
        return
    prefix[start] = _U0
    for k in range(start, end):
        prefix[k + 1] = prefix[k] * _BASE + np.uint64(text[k])
    # Each part between hyphens, then beginnings and ends of the name.
    token = start
    for k in range(start, end + 1):
        if k == end or text[k] == _HYPHEN:
            if k - token >= 6 and k - token <= 20:
                owner = near_brand(
                    text, token, k, prefix, tables.power, brands.near_keys, brands.near_values, brands.near_mask
                )
                if owner != 0:
                    seen[0] = owner
                    seen[1] = max(seen[1], _NEAR)
                    seen[2] += 1
                    return
            token = k + 1
    for length in range(min(14, end - start - 1), 7, -1):
        for side in range(2):
            a = start if side == 0 else end - length
            owner = near_brand(
                text, a, a + length, prefix, tables.power, brands.near_keys, brands.near_values, brands.near_mask
            )
            if owner != 0 and brands.longest[owner - 1] >= 8:
                seen[0] = owner
                seen[1] = max(seen[1], _NEAR)
                seen[2] += 1
                return


@kernel
def find_one(keys: Any, values: Any, hashed: Any) -> Any:
    """The bits of one host in the table, or 0."""
    return find(pointer(keys), pointer(values), np.uint64(keys.size - 1), hashed)
