"""Kernels that read one number from a header whose windows stand at the reading event's time."""

from __future__ import annotations

import math
from typing import Any

from trustward.base.jit import bits_of, float_of, part, shared
from trustward.base.units import MISSING
from trustward.windows.exact import float_total, whole_as_float, whole_total
from trustward.windows.layout import (
    DEFAULT_FLOAT,
    DEFAULT_WHOLE,
    H_COUNT,
    R_A,
    R_B,
    R_C,
    R_CODE,
    R_D,
    R_DEFAULT,
    R_FLOAT,
    R_SMALLEST,
    READ_AGE,
    READ_COUNT,
    READ_DEQUE,
    READ_DISTINCT,
    READ_MEAN_FLOAT,
    READ_MEAN_WHOLE,
    READ_PREVIOUS,
    READ_SINCE,
    READ_SURGE,
    READ_TOTAL_FLOAT,
    READ_TOTAL_WHOLE,
)

_LN10 = math.log(10.0)
_SERIES_UP_TO = 1000.0
_MOST_TERMS = 4000


@shared
def read_one(mem: Any, prog: Any, read: Any, header: Any, time: Any, fed: bool) -> Any:
    """One read as a word: a whole number, or a float's bits; MISSING for none."""
    code = prog[read + R_CODE]
    at = header + prog[read + R_A]
    other = header + prog[read + R_B]
    if code == READ_COUNT:
        return mem[other] - mem[at]
    if code == READ_TOTAL_WHOLE:
        return whole_total(mem, other, at)
    if code == READ_DISTINCT:
        return mem[at]
    if code == READ_TOTAL_FLOAT:
        return bits_of(float_total(mem, other, at))
    if code == READ_MEAN_WHOLE or code == READ_MEAN_FLOAT:
        present = mem[header + prog[read + R_D]] - mem[header + prog[read + R_C]]
        if present == 0:
            return MISSING
        total = whole_as_float(mem, other, at) if code == READ_MEAN_WHOLE else float_total(mem, other, at)
        return bits_of(total / present)
    if code == READ_AGE:
        return time - mem[at]
    if code == READ_SINCE:
        before = mem[at + 1] if fed else mem[at]
        return time - before if before != MISSING else MISSING
    if code == READ_PREVIOUS:
        return mem[at + 1] if fed else mem[at]
    if code == READ_DEQUE:
        pair = mem[at]
        return mem[pair + 1] if pair != 0 else MISSING
    window = float(prog[read + R_C])
    rest = float(prog[read + R_D]) - window
    count = mem[header + H_COUNT] - mem[at]
    earlier = float(mem[at] - mem[other]) + 0.5
    if code == READ_SURGE:
        return bits_of((float(count) / window) / (earlier / rest))
    return bits_of(significance(float(count), earlier * window / rest))


@part
def read_default(prog: Any, read: Any) -> Any:
    """A read of a key that nothing has fed yet."""
    default = prog[read + R_DEFAULT]
    if default == DEFAULT_WHOLE:
        return 0
    if default == DEFAULT_FLOAT:
        return bits_of(0.0)
    return MISSING


@part
def put_read(prog: Any, read: Any, out: Any, place: Any, word: Any, several: bool) -> None:
    """Write a result; of ``several`` (the values of a list) the largest, or the smallest, stays."""
    real = prog[read + R_FLOAT] != 0
    if several:
        before = out[place]
        if real:
            if math.isnan(float_of(before)):
                before = MISSING
            if before != MISSING and word != MISSING:
                less = float_of(word) < float_of(before)
                if less != (prog[read + R_SMALLEST] != 0):
                    word = before
        elif before != MISSING and word != MISSING and (word < before) != (prog[read + R_SMALLEST] != 0):
            word = before
        if word == MISSING:
            word = before
    out[place] = word if word != MISSING or not real else bits_of(math.nan)


@shared
def significance(count: Any, mean: Any) -> Any:
    """-log10 of the chance that a Poisson number with this mean is at least ``count``.

    That chance is the regularised lower incomplete gamma function P(count, mean): by its series and its continued
    fraction (DLMF 8.11.4, 8.9.2), from 1,000 on by the uniform expansion (DLMF 8.12.3), so its cost is bounded.
    """
    if count <= 0.0:
        return 0.0
    if count > _SERIES_UP_TO:
        return _large(count, mean)
    factor = count * math.log(mean) - mean - math.lgamma(count + 1.0)
    if mean < count + 1.0:
        term = 1.0
        total = 1.0
        n = count
        for _ in range(_MOST_TERMS):
            n += 1.0
            term *= mean / n
            total += term
            if term < total * 1e-16:
                break
        return max(0.0, -(factor + math.log(total)) / _LN10)
    return -math.log1p(-min(_upper(count, mean, factor), 1.0 - 1e-16)) / _LN10


@shared
def _upper(count: Any, mean: Any, factor: Any) -> Any:
    """Q(count, mean) by Lentz's method."""
    b = mean + 1.0 - count
    c = 1e300
    d = 1.0 / b
    h = d
    for i in range(1, _MOST_TERMS):
        a = -i * (i - count)
        b += 2.0
        d = a * d + b
        if abs(d) < 1e-300:
            d = 1e-300
        c = b + a / c
        if abs(c) < 1e-300:
            c = 1e-300
        d = 1.0 / d
        h *= d * c
        if abs(d * c - 1.0) < 1e-15:
            break
    # mean**count e**-mean / gamma(count) = e**factor * count
    return math.exp(factor) * count * h


@shared
def _large(count: Any, mean: Any) -> Any:
    ratio = mean / count
    excess = ratio - 1.0
    # eta**2 / 2 = excess - log(ratio), and eta has the sign of excess
    half = excess - math.log(ratio)
    if abs(excess) < 1e-3:
        half = excess * excess * (0.5 - excess * (1.0 / 3.0 - excess * (0.25 - excess * 0.2)))
    eta = math.copysign(math.sqrt(2.0 * half), excess)
    y = eta * math.sqrt(0.5 * count)
    if abs(excess) < 1e-3:
        first = -1.0 / 3.0 + eta / 12.0 - 2.0 * eta * eta / 135.0
    else:
        first = 1.0 / excess - 1.0 / eta
    rest = first / math.sqrt(2.0 * math.pi * count)
    if y >= -5.0:
        chance = 0.5 * math.erfc(-y) - rest * math.exp(-y * y)
        return -math.log(min(max(chance, 1e-300), 1.0)) / _LN10
    # erfc(x) e**(x*x), by its continued fraction
    x = -y
    tail = x
    for k in range(60, 0, -1):
        tail = x + 0.5 * k / tail
    scaled = 1.0 / (tail * math.sqrt(math.pi))
    return (y * y - math.log(0.5 * scaled - rest)) / _LN10
