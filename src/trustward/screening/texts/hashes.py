"""Running hashes of characters, and the table that finds what begins with them."""

from __future__ import annotations

from typing import Any

import numpy as np

from trustward.base.jit import kernel, part

_PRIME = np.uint64(0x9E3779B97F4A7C15)
START = np.uint64(0x2545F4914F6CDD1D)
"""The hash of no characters."""
_M1 = np.uint64(0xFF51AFD7ED558CCD)
_U29 = np.uint64(29)
_U32 = np.uint64(32)
_ONE = np.uint64(1)
_ZERO = np.uint64(0)
_VALUE_BITS = np.uint64(10)
_VALUE = np.uint64(1023)


@part
def step(state: Any, code: Any) -> Any:
    """Take one more character into a running hash."""
    return (state ^ np.uint64(code)) * _PRIME + (state >> _U29)


@part
def place(state: Any, bits: Any) -> Any:
    """Where a hash falls in a table of ``2 ** bits`` places."""
    state ^= state >> _U32
    state *= _M1
    return np.uint32(state >> np.uint64(64 - bits))


@part
def mixed(state: Any) -> Any:
    """A hash with all its bits stirred."""
    state ^= state >> _U32
    state *= _M1
    return state ^ (state >> _U29)


@part
def find(table: Any, mask: Any, state: Any) -> Any:
    """The value of a key in a table (see :func:`packed`): -1 if it is not there."""
    key = state | _ONE
    at = (key * _M1) >> _U32 & mask
    while table[at] != _ZERO:
        if (table[at] ^ key) >> _VALUE_BITS == _ZERO:
            return np.int64(table[at] & _VALUE) - 2
        at = (at + _ONE) & mask
    return np.int64(-1)


def packed(keys: Any, values: Any) -> Any:
    """The table that kernels read: key and value (-1 to 1,020) in one word, so that a look costs one line of memory."""
    words = (keys & ~_VALUE) | (values.astype(np.int64) + 2).astype(np.uint64)
    return np.where(keys == _ZERO, _ZERO, words)


BEGUN, WHOLE = np.uint64(64 - 19), np.uint64(64 - 17)
"""How far a hash is shifted to be a bit of the hints of beginnings and of whole entries."""
_THREE, _SEVEN = np.uint64(3), np.uint64(7)


@part
def hinted(hints: Any, state: Any, shift: Any) -> Any:
    """Whether a hash may be a key of a table (see :func:`hints_of`); a no is certain."""
    bit = state >> shift
    return np.uint64(hints[bit >> _THREE]) >> (bit & _SEVEN) & _ONE != _ZERO


def hints_of(table: Any) -> tuple[Any, Any]:
    """Bits that say which keys a packed table may have, of beginnings and of whole entries.

    The table of the lexicon is too large to stay near the processor, these are not, and most looks find nothing.
    """
    filled = table[table != _ZERO]
    entries = filled[(filled & _VALUE) > np.uint64(2)]
    made = []
    for keys, shift in ((filled, BEGUN), (entries, WHOLE)):
        bits = np.zeros(1 << 64 - int(shift), np.uint8)
        bits[(keys >> shift).astype(np.int64)] = 1
        made.append(np.packbits(bits, bitorder="little"))
    return made[0], made[1]


@kernel
def build_table(codes: Any, starts: Any, words: Any, keys: Any, values: Any) -> int:
    """Fill the tree of the lexicon: each beginning of an entry is a key, a whole entry has ``concept + 1``.

    ``codes[starts[i]:starts[i + 1]]`` is entry i, ``words[i]`` its concept. Returns how many keys there are, or -1 if
    the table would be more than two thirds full.
    """
    mask = np.uint64(keys.size - 1)
    used = 0
    for entry in range(words.size):
        state = START
        for i in range(starts[entry], starts[entry + 1]):
            state = step(state, codes[i])
            key = state | _ONE
            at = (key * _M1) >> _U32 & mask
            while keys[at] != _ZERO and keys[at] != key:
                at = (at + _ONE) & mask
            if keys[at] == _ZERO:
                keys[at] = key
                used += 1
                if used * 3 > keys.size * 2:
                    return -1
            if i == starts[entry + 1] - 1 and values[at] == 0:
                values[at] = np.int16(words[entry] + 1)
    return used
