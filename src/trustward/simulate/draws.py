"""Numbers that look random and are the same everywhere.

Only raw 64-bit integers of PCG64 are used, whose stream NumPy never changes, and only whole-number
arithmetic, division and square roots, which IEEE 754 fixes to the last bit. So one seed gives the same world on every
machine and every version of Python and NumPy.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trustward.base.jit import kernel as compiled
from trustward.base.jit import part

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

_ODD = 0x9E3779B97F4A7C15


@part
def scramble(value: int, salt: int) -> int:
    """A fixed scramble of one whole number, for compiled code (splitmix64's finish), 0 to 2**31 - 1."""
    x = np.uint64(value) + np.uint64(salt) * np.uint64(_ODD)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return int((x ^ (x >> np.uint64(31))) >> np.uint64(33))


@compiled
def _mix(values: Ints, salt: int, out: Ints) -> None:
    for i in range(len(values)):
        out[i] = scramble(values[i], salt)


def mix(values: Ints, salt: int) -> Ints:
    """A fixed scramble of whole numbers, 0 to 2**31 - 1: attributes that need no storage.

    >>> mix(np.array([1, 2]), 7).tolist() == mix(np.array([1, 2]), 7).tolist()
    True
    """
    values = np.ascontiguousarray(values, dtype=np.int64)
    out = np.empty(len(values), dtype=np.int64)
    _mix(values, salt, out)
    return out


class Draws:
    """A named stream of draws. ``child`` gives an independent one, so parts of the world never disturb each other.

    >>> Draws(1).child("hour", 3).below(2, 10).tolist() == Draws(1).child("hour", 3).below(2, 10).tolist()
    True
    """

    def __init__(self, seed: int, *names: str | int) -> None:
        self._names: tuple[str | int, ...] = (seed, *names)
        digest = blake2b("\x1f".join(str(name) for name in self._names).encode(), digest_size=16).digest()
        self._source = np.random.PCG64(int.from_bytes(digest, "little"))

    def child(self, *names: str | int) -> Draws:
        """The stream of these names under this one, wherever this one stands."""
        seed, *rest = self._names
        assert isinstance(seed, int)
        return Draws(seed, *rest, *names)

    def raw(self, n: int) -> NDArray[np.uint64]:
        """``n`` numbers of 64 bits."""
        numbers: Any = self._source.random_raw(n)
        return np.asarray(numbers, dtype=np.uint64)

    def below(self, n: int, limit: int | Ints) -> Ints:
        """``n`` whole numbers from 0 to ``limit`` - 1 (at most 2**31; one limit or one for each)."""
        high = (self.raw(n) >> np.uint64(32)).astype(np.int64)
        # 32 bits times at most 31 bits stays below 2**63.
        result: Ints = (high * limit) >> 32
        return result

    def between(self, n: int, low: int | Ints, high: int | Ints) -> Ints:
        """``n`` whole numbers from ``low`` to ``high``, both included."""
        return low + self.below(n, high - low + 1)

    def unit(self, n: int) -> Floats:
        """``n`` floats in [0, 1) with 53 bits."""
        return (self.raw(n) >> np.uint64(11)).astype(np.float64) * 2.0**-53

    def chance(self, n: int, share: float) -> Flags:
        """``n`` flags, each true with probability ``share``."""
        result: Flags = (self.raw(n) >> np.uint64(32)) < np.uint64(int(share * 2**32))
        return result

    def choose(self, n: int, weights: Sequence[int]) -> Ints:
        """``n`` positions in ``weights``, each as likely as its weight."""
        edges = np.cumsum(np.asarray(weights, dtype=np.int64))
        if len(weights) <= _TABLE and int(edges[-1]) <= _TABLE:
            table = np.repeat(np.arange(len(weights), dtype=np.int64), weights)
            return table[self.below(n, len(table))]
        return np.searchsorted(edges, self.below(n, int(edges[-1])), side="right").astype(np.int64)

    def one(self, low: int, high: int) -> int:
        """One whole number from ``low`` to ``high``, both included."""
        return int(self.between(1, low, high)[0])

    def maybe(self, share: float) -> bool:
        """True with probability ``share``."""
        return bool(self.chance(1, share)[0])

    def waits(self, n: int, mean: int) -> Ints:
        """``n`` waits with about this mean and a heavy tail (at most 12 times the mean), by u / (1 - u)."""
        u = self.unit(n)
        result: Ints = (u / (1.0 - u * 0.97) * (mean / 2.7)).astype(np.int64)
        return result

    def around(self, mean: float) -> int:
        """A count that scatters about ``mean`` as rare happenings do (variance about the mean)."""
        if mean < 12:
            # The number of n = 64 trials that succeed.
            return int(self.chance(64, mean / 64).sum())
        # Twelve uniforms less six have mean 0 and variance 1; whole numbers add up the same in any order.
        scatter = int(self.below(12, 1 << 20).sum()) / (1 << 20) - 6.0
        return max(0, int(mean + scatter * sqrt(mean) + 0.5))


_TABLE = 4096
