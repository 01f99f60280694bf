"""A kernel beside the main one: to look at a key without moving anything."""

from __future__ import annotations

from typing import Any

import numpy as np

from trustward.base.jit import kernel, part, pointer
from trustward.base.units import MISSING
from trustward.windows.forgetting import stale
from trustward.windows.hashing import (
    combine_add,
    combine_end,
    combine_start,
    find,
    hash_strings,
)
from trustward.windows.layout import (
    A_NEWEST,
    A_SLOTS,
    E_NUMBER,
    E_STREAM_AT,
    E_STREAMS,
    H_CLOCK,
    R_SIZE,
    S_READ_AT,
    S_READS,
    S_SLOT,
    S_WORDS,
)
from trustward.windows.log import advance
from trustward.windows.reading import put_read, read_default, read_one

_ONE = np.uint64(1)


@kernel
def look(
    text: Any, prints: Any, prog: Any, secret: Any, mem: Any, table: Any, last: Any, space: int, time: int, copy: int,
    out: Any,
) -> bool:  # fmt: skip
    """All reads of all streams of one key at ``time``; whether the text could be hashed as it is."""
    return _look(
        pointer(text), text.size, prints.size >> 1, pointer(prints), pointer(prog), pointer(secret), pointer(mem),
        pointer(table), pointer(last), space, time, copy, pointer(out),
    )  # fmt: skip


@part
def _look(
    text: Any, size: Any, count: Any, prints: Any, prog: Any, secret: Any, mem: Any, table: Any, last: Any, space: Any,
    time: Any, copy: Any, out: Any,
) -> bool:  # fmt: skip
    if not hash_strings(text, size, count, secret, prints):
        return False
    entity = _entity(prints, count, prog, secret, mem, table, space)
    place = 0
    for s in range(prog[space + E_STREAMS]):
        stream = prog[prog[space + E_STREAM_AT] + s]
        header = mem[entity + prog[stream + S_SLOT]] if entity != 0 else np.int64(0)
        now = time
        if header != 0 and stale(mem, prog, stream, header, max(time, mem[A_NEWEST])):
            header = np.int64(0)
        if header != 0:
            for i in range(prog[stream + S_WORDS]):
                mem[copy + i] = mem[header + i]
            now = max(time, mem[header + H_CLOCK])
            advance(mem, prog, last, stream, copy, now, True)
        for r in range(prog[stream + S_READS]):
            read = prog[stream + S_READ_AT] + r * R_SIZE
            word = read_one(mem, prog, read, copy, now, False) if header != 0 else read_default(prog, read)
            put_read(prog, read, out, place, word if entity >= 0 else np.int64(MISSING), False)
            place += 1
    return True


@part
def _entity(prints: Any, count: Any, prog: Any, secret: Any, mem: Any, table: Any, space: Any) -> Any:
    """The entity of a key, or 0."""
    low, high = prints[0], prints[1]
    if count > 1:
        v0, v1, v2, v3 = combine_start(secret)
        for i in range(count):
            v0, v1, v2, v3 = combine_add(v0, v1, v2, v3, prints[2 * i], prints[2 * i + 1])
        low, high = combine_end(v0, v1, v2, v3)
        high |= _ONE
    salt = 4 + 2 * prog[space + E_NUMBER]
    address, _slot = find(table, mem[A_SLOTS], mem, low ^ secret[salt], high ^ secret[salt + 1])
    return address
