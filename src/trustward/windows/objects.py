"""Kernels that read Python's own lists of texts and whole numbers, without a copy in between.

They call CPython's stable interface (``PyList_GetItem``, ``PyUnicode_AsUTF8AndSize``, ``PyLong_AsLongLong``), which
asks of every object what it is. Whatever does not fit makes them answer False; then ``packing`` takes the longer way,
which gives the same fingerprints and numbers.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from trustward.base.jit import (
    bytes_at,
    clear_error,
    held_kernel,
    list_item,
    load64,
    part,
    pointer,
    stack_words,
    text_of,
    whole_of,
)
from trustward.windows.hashing import LANES, STATE_WORDS, absorb, finish_lanes, has_zero, siphash_start

_ALL = np.uint64(0xFFFFFFFFFFFFFFFF)
_U0 = np.uint64(0)


def hash_list(texts: list[str], at: int, secret: Any, prints: Any) -> bool:
    """Fingerprint a list of texts, from place ``at`` of ``prints`` on; False if one is not plain UTF-8."""
    return bool(_hash_list(id(texts), len(texts), at, secret, prints))


def whole_list(numbers: list[int], out: npt.NDArray[np.int64]) -> bool:
    """Copy a list of whole numbers; False if one is no whole number of 64 bits. ``out`` has room for all."""
    return bool(_whole_list(id(numbers), len(numbers), out))


@held_kernel
def _hash_list(texts: int, count: int, at: int, secret: Any, prints: Any) -> bool:
    return bool(_hash_all(texts, count, at, pointer(secret), pointer(prints)))


@part
def _hash_all(texts: Any, count: Any, at: Any, secret: Any, prints: Any) -> Any:
    state = stack_words(STATE_WORDS)
    size_at = stack_words(1)
    zeros = _U0
    for begin in range(0, count, LANES):
        lanes = min(LANES, count - begin)
        for i in range(lanes):
            item = list_item(texts, begin + i)
            address = text_of(item, size_at) if item != 0 else np.int64(0)
            if address == 0:
                clear_error()
                return False
            text = bytes_at(address)
            size = np.int64(size_at[0])
            v0, v1, v2, v3 = siphash_start(secret)
            whole = size & ~7
            for place in range(0, whole, 8):
                word = load64(text, place)
                zeros |= has_zero(word)
                v0, v1, v2, v3 = absorb(v0, v1, v2, v3, word)
            word = _U0
            used = np.uint64(8 * (size & 7))
            if size > whole:
                if size > 8:
                    # The last 8 bytes: some have been taken in already.
                    word = load64(text, size - 8) >> (np.uint64(64) - used)
                else:
                    for place in range(whole, size):
                        word |= np.uint64(text[place]) << np.uint64(8 * (place - whole))
                zeros |= has_zero(word | (_ALL << used))
            word |= np.uint64(size) << np.uint64(56)
            v0, v1, v2, v3 = absorb(v0, v1, v2, v3, word)
            state[i] = v0
            state[LANES + i] = v1
            state[2 * LANES + i] = v2
            state[3 * LANES + i] = v3
            state[4 * LANES + i] = np.uint64(size)
        finish_lanes(state, lanes, prints, 2 * (at + begin))
    return zeros == _U0


@held_kernel
def _whole_list(numbers: int, count: int, out: Any) -> bool:
    return bool(_whole_all(numbers, count, pointer(out)))


@part
def _whole_all(numbers: Any, count: Any, out: Any) -> Any:
    failed = stack_words(1)
    for i in range(count):
        item = list_item(numbers, i)
        if item == 0:
            clear_error()
            return False
        out[i] = whole_of(item, failed)
        if failed[0] != _U0:
            clear_error()
            return False
    return True
