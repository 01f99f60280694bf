"""Sums that cannot drift: whole numbers in 128 bits, floats as whole multiples of 2**-96 in 192 bits.

What lies in a window is the difference of two such sums, so nothing that has left it stays behind. A float total is the
exact sum, rounded once (what ``math.fsum`` gives), for every value that is a multiple of 2**-96, which all floats from
2**-43 up are; smaller ones count to the nearest multiple.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from trustward.base.jit import bits_of, leading_zeros, part, shared

LARGEST_FLOAT = 2.0**53
"""Floats beyond it count as missing."""
MOST = 2**63 - 1
_U0 = np.uint64(0)
_U1 = np.uint64(1)
_U64 = np.uint64(64)
_FRACTION = np.uint64((1 << 52) - 1)
_IMPLICIT = np.uint64(1 << 52)


@part
def add_whole(mem: Any, at: Any, low: Any, high: Any) -> None:
    """Add a number of 128 bits to the one at ``mem[at]`` (lower word first)."""
    total = np.uint64(mem[at]) + np.uint64(low)
    mem[at + 1] += high + (1 if total < np.uint64(low) else 0)
    mem[at] = np.int64(total)


@shared
def add_float(mem: Any, at: Any, value: Any) -> None:
    """Add a float, at most 2**53 in size, to the 192 bits at ``mem[at]`` (lowest word first)."""
    bits = np.uint64(bits_of(value))
    exponent = np.int64((bits >> np.uint64(52)) & np.uint64(2047))
    mantissa = bits & _FRACTION
    if exponent != 0:
        mantissa |= _IMPLICIT
    else:
        exponent = np.int64(1)
    # value = mantissa * 2**(exponent - 1075) = (mantissa << shift) * 2**-96
    shift = exponent - 979
    w0, w1, w2 = _U0, _U0, _U0
    if shift < 0:
        if shift >= -53:
            down = np.uint64(-shift)
            w0 = (mantissa + (_U1 << (down - _U1))) >> down
    else:
        up = np.uint64(shift & 63)
        low = mantissa << up
        high = mantissa >> (_U64 - up) if up != _U0 else _U0
        if shift < 64:
            w0, w1 = low, high
        else:
            w1, w2 = low, high
    s0, s1, s2 = np.uint64(mem[at]), np.uint64(mem[at + 1]), np.uint64(mem[at + 2])
    if value < 0.0:
        t0 = s0 - w0
        borrow = _U1 if s0 < w0 else _U0
        t1 = s1 - w1 - borrow
        borrow = _U1 if s1 < w1 or (s1 == w1 and borrow != _U0) else _U0
        t2 = s2 - w2 - borrow
    else:
        t0 = s0 + w0
        carry = _U1 if t0 < w0 else _U0
        t1 = s1 + w1
        over = t1 < w1
        t1 += carry
        over = over or t1 < carry
        t2 = s2 + w2 + (_U1 if over else _U0)
    mem[at], mem[at + 1], mem[at + 2] = np.int64(t0), np.int64(t1), np.int64(t2)


@part
def whole_total(mem: Any, end: Any, begin: Any) -> Any:
    """How much was added from ``begin`` to ``end`` (both 128 bits), as int64; out of range, the nearest one in it."""
    low = mem[end] - mem[begin]
    high = mem[end + 1] - mem[begin + 1] - (1 if np.uint64(mem[end]) < np.uint64(mem[begin]) else 0)
    if high == low >> 63 and low != -MOST - 1:
        return low
    return np.int64(MOST) if high >= 0 else np.int64(-MOST)


@shared
def to_float(w0: Any, w1: Any, w2: Any, scale: Any) -> Any:
    """The float nearest to a signed 192-bit number times 2**scale (ties to even)."""
    negative = np.int64(w2) < 0
    if negative:
        w0, w1, w2 = ~w0, ~w1, ~w2
        w0 += _U1
        if w0 == _U0:
            w1 += _U1
            if w1 == _U0:
                w2 += _U1
    if w2 == _U0:
        if w1 == _U0:
            # Exact up to 53 bits, rounded once beyond.
            return math.ldexp(-float(w0) if negative else float(w0), scale)
        w2, w1, w0, scale = w1, w0, _U0, scale - 64
    # Now w2 is not zero: take its top 64 bits, and let the lowest say whether anything follows.
    up = np.uint64(leading_zeros(w2))
    top = w2
    rest = w1 | w0
    if up != _U0:
        top = (w2 << up) | (w1 >> (_U64 - up))
        rest = (w1 << up) | w0
    if rest != _U0:
        top |= _U1
    number = math.ldexp(float(top), scale + 128 - np.int64(up))
    return -number if negative else number


@part
def float_total(mem: Any, end: Any, begin: Any) -> Any:
    """The float nearest to what was added from ``begin`` to ``end`` (both 192 bits)."""
    e0, e1, e2 = np.uint64(mem[end]), np.uint64(mem[end + 1]), np.uint64(mem[end + 2])
    b0, b1, b2 = np.uint64(mem[begin]), np.uint64(mem[begin + 1]), np.uint64(mem[begin + 2])
    borrow = _U1 if e0 < b0 else _U0
    further = _U1 if e1 < b1 or (e1 == b1 and borrow != _U0) else _U0
    return to_float(e0 - b0, e1 - b1 - borrow, e2 - b2 - further, -96)


@part
def whole_as_float(mem: Any, end: Any, begin: Any) -> Any:
    """The float nearest to what was added from ``begin`` to ``end`` (both 128 bits)."""
    high = mem[end + 1] - mem[begin + 1] - (1 if np.uint64(mem[end]) < np.uint64(mem[begin]) else 0)
    return to_float(np.uint64(mem[end] - mem[begin]), np.uint64(high), np.uint64(high >> 63), 0)
