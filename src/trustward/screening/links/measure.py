# ruff: noqa: C901, PLR0912, PLR0913, PLR0917, SIM108
# (A compiled loop is one piece, or it is slow; compiled functions take arrays one by one and by position.)
"""The compiled part, continued: the score of one link and of many."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numba import types

from trustward.base.jit import instruction, kernel, part, pointer, shared
from trustward.screening.links import kernel as k
from trustward.screening.links import words as w
from trustward.screening.links.host import measure_host
from trustward.screening.links.kernel import _low, take_apart
from trustward.screening.links.rest import measure_rest

_OFFSET = k._OFFSET  # noqa: SLF001
_PRIME = k._PRIME  # noqa: SLF001
_HOST_SEED = np.uint64(0x9AE16A3B2F90404F)
_PATH_SEED = np.uint64(0xC3A5C85C97CB3127)
_U0 = np.uint64(0)
_HOST_WORDS, _PATH_WORDS = w.HOST_WORDS, w.PATH_WORDS
_NF = w.N_FEATURES
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


@shared
def weigh(numbers: Any, start: Any, count: Any, weights: Any, scale: Any) -> Any:
    """The sum of the weights of some pieces over the root of their number."""
    total = 0
    for j in range(start, start + count):
        total += weights[numbers[j]]
    return np.float32(total) * scale / np.float32(np.sqrt(np.float32(max(count, 1))))


@part
def grow(f: Any, trees: Any) -> Any:
    """The sum over all trees, each complete and of depth 5: no branch to guess wrongly."""
    total = trees.border[trees.count * 63]
    for t in range(trees.count):
        base = t * 63
        node = base
        for _ in range(5):
            node = 2 * node - base + 1 + (f[trees.column[node]] > trees.border[node])
        total += trees.border[node]
    return total


@shared
def measure(text: Any, end: Any, tricks: Any, spans: Any, f: Any, work: Any, t: Any, b: Any) -> Any:
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
    if f[k.F_PHP] != 0 and f[_PATH_WORDS + 12] >= 2:
        facts |= np.uint64(1 << 29)
    if f[_PATH_WORDS + 12] >= 2 and (f[_PATH_WORDS + 1] >= 1 or f[k.F_B_PATH] != 0):
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


def _at(kind: Any) -> Callable[..., Any]:
    """What takes an address for a pointer to items of a kind: handing on one array is quicker than many."""

    def place(typingctx: Any, address: Any) -> Any:  # noqa: ARG001 - the compiler's hooks have fixed parameters
        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return builder.inttoptr(args[0], context.get_value_type(signature.return_type))

        pointer_to: Any = types.CPointer
        return pointer_to(kind)(types.uint64), code

    return instruction(place)


at8 = _at(types.uint8)
at32 = _at(types.uint32)
at64 = _at(types.uint64)
at_int8 = _at(types.int8)
at_int16 = _at(types.int16)
at_int32 = _at(types.int32)
at_int64 = _at(types.int64)
at_float = _at(types.float32)


class _Tables(NamedTuple):
    """:class:`tables.Tables` within kernels: where the arrays begin, which costs nothing to hand on."""

    alphabet: Any
    skeleton: Any
    power: Any
    keys: Any
    values: Any
    mask: Any
    step: Any
    last: Any
    group: Any
    chain: Any
    popular: Any
    popular_bits: Any
    top: Any
    top_bits: Any
    host_weights: Any
    path_weights: Any
    scales: Any


class _Brands(NamedTuple):
    """:class:`tables.BrandTables` within kernels."""

    step: Any
    last: Any
    owner: Any
    strong: Any
    skeleton_step: Any
    skeleton_last: Any
    near_keys: Any
    near_values: Any
    near_mask: Any
    longest: Any


class _Trees(NamedTuple):
    """:class:`tables.Trees` within kernels."""

    count: Any
    column: Any
    border: Any


class _Work(NamedTuple):
    """:class:`tables.Work` within kernels."""

    two: Any
    seen: Any
    low: Any
    scratch: Any
    prefix: Any
    numbers: Any
    amounts: Any
    found: Any


@part
def _tables(a: Any) -> Any:
    return _Tables(
        at8(a[0]),
        at8(a[1]),
        at64(a[2]),
        at32(a[3]),
        at32(a[4]),
        a[5],
        at_int32(a[6]),
        at_int32(a[7]),
        at_int32(a[8]),
        at8(a[9]),
        at8(a[10]),
        a[11],
        at8(a[12]),
        a[13],
        at_int8(a[14]),
        at_int8(a[15]),
        at_float(a[16]),
    )


@part
def _brands(a: Any) -> Any:
    return _Brands(
        at_int32(a[17]),
        at_int32(a[18]),
        at_int32(a[19]),
        at8(a[20]),
        at_int32(a[21]),
        at_int32(a[22]),
        at32(a[23]),
        at32(a[24]),
        a[25],
        at_int32(a[26]),
    )


@part
def _trees(a: Any) -> Any:
    return _Trees(np.int64(a[27]), at_int16(a[28]), at_float(a[29]))


@part
def _work(a: Any) -> Any:
    return _Work(
        at_float(a[0]), at_int64(a[1]), at8(a[2]), at8(a[3]), at64(a[4]), at_int32(a[5]), at_int64(a[6]), at_int64(a[7])
    )


@kernel
def screen_rows(
    text: Any,
    ends: Any,
    tricks: Any,
    extra: Any,
    room: Any,
    known: Any,
    curve: Any,
    odds: Any,
    scores: Any,
    spans: Any,
    facts: Any,
    features: Any,
    keep: Any,
) -> None:
    """Screen links that are joined in ``text`` and ended at ``ends`` (each with a zero byte behind).

    ``room`` and ``known`` are addresses: see tables.py. ``odds`` are log-odds with ``extra`` added, ``scores`` what
    they come to by the two rows of ``curve``; scores are NaN where a link is not plain (or, with the bit FORCED in
    ``tricks``, has no host). With ``keep`` the features of each row are kept. Spans are counted from the link's first
    byte.
    """
    start = 0
    bytes_ = pointer(text)
    work, tables, brands, forest = _work(room), _tables(known), _brands(known), _trees(known)
    for n in range(ends.size):
        end = ends[n]
        row = spans[n]
        place = pointer(row)
        if take_apart(bytes_, start, end, place, tricks[n] & _FORCED != 0) != 0:
            scores[n] = np.nan
            odds[n] = 0
            facts[n] = 0
        else:
            values = features[n] if keep else features[0]
            f = pointer(values)
            measure(bytes_, end, tricks[n], place, f, work, tables, brands)
            odds[n] = grow(f, forest) + extra[n]
            if f[k.F_B_OFFICIAL] != 0:
                # A brand's own domain: its pages are full of what phishing pages imitate.
                odds[n] = min(odds[n] - np.float32(5), np.float32(-2))
            scores[n] = calibrated(odds[n], curve[0], curve[1])
            facts[n] = facts_of(f)
            place[0] -= start
            place[1] -= start
            if place[3] >= 0:
                place[3] -= start
        start = end + 1


@kernel
def piece_rows(
    text: Any, ends: Any, room: Any, known: Any, spans: Any, features: Any, indptr: Any, indices: Any
) -> Any:
    """The numbers of the pieces of each row, for training: host and path in turn. Returns how many there are."""
    start = 0
    total = 0
    work, tables, brands = _work(room), _tables(known), _brands(known)
    for n in range(ends.size):
        end = ends[n]
        row = spans[n]
        a, b = 0, 0
        if take_apart(pointer(text), start, end, pointer(row), True) == 0:
            measure(pointer(text), end, 0, pointer(row), pointer(features), work, tables, brands)
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
