"""Memory for the arena and the tables, in large pages where the system has them.

The arena's address space is reserved at once and pages come as they are first written, so it hardly ever moves, and
nothing is copied as it grows.
"""

from __future__ import annotations

import mmap
import sys

import numpy as np
import numpy.typing as npt

from trustward.windows.batch import Words

_RESERVE_BYTES = 1 << 36
_SMALLEST_BYTES = 1 << 26
_LARGE_PAGE_BYTES = 1 << 22


def reserve() -> Words:
    """As many zero words as the system lets us reserve, at most 64 GiB of address space."""
    size = _RESERVE_BYTES
    while size > _SMALLEST_BYTES:
        try:
            # Where space is short, half of it is left to others.
            return words(size // 8 if size == _RESERVE_BYTES else size // 16)
        except (OSError, ValueError):
            # Limits on address space, or no overcommitting: ask for less, the arena can still grow by copying.
            size //= 2
    return words(_SMALLEST_BYTES // 8)


def words(count: int) -> Words:
    """``count`` zero words; pages that are never written take no memory."""
    size = -(-count * 8 // mmap.PAGESIZE) * mmap.PAGESIZE
    if sys.platform == "linux":
        # MAP_NORESERVE; Python has had a name for it only since 3.13.
        mapped = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000)
        if size >= _LARGE_PAGE_BYTES:
            mapped.madvise(mmap.MADV_HUGEPAGE)
    else:
        mapped = mmap.mmap(-1, size)
    return np.frombuffer(mapped, np.int64)[:count]


def table(slots: int, wide: int = 2) -> npt.NDArray[np.uint64]:
    """An empty hash table, ``wide`` words to a slot."""
    return words(wide * slots).view(np.uint64)
