"""Kernels that forget: what a silent key is worth, and the sweep that takes back its memory bit by bit.

A key for which nothing has come in a stream, while the newest time of all events moved on by more than the stream
keeps, begins anew: it counts as never seen. Every look at a header asks for that first, unless all that the look could
tell has run out anyway, so whether the sweep has been by makes no difference to any result. That is why it may go at
its own pace: a few slots for each key that is made.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from trustward.base.jit import kernel, part, pointer, prefetch, shared
from trustward.windows.hashing import ADDRESS_BITS, ADDRESS_MASK, home
from trustward.windows.layout import (
    A_ENTRIES,
    A_HEADERS,
    A_KEYS,
    A_MADE,
    A_NEWEST,
    A_SLOTS,
    A_SWEPT,
    E_CLASS,
    E_STREAM_AT,
    E_STREAMS,
    FOREVER_US,
    G_SPACES,
    H_COUNT,
    H_END,
    H_SEEN,
    LINE,
    P_LONGEST,
    P_OFFSET,
    P_SIZE,
    S_CHUNK,
    S_CLASS,
    S_DEQUES,
    S_DISTINCT,
    S_INLINE,
    S_KEEP,
    S_MASK,
    S_SLOT,
    S_STRIDE,
    S_WINDOW_AT,
    S_WINDOWS,
    W_COUNT,
    W_TAIL,
)
from trustward.windows.log import advance, release

SLOTS_FOR_EACH = 8
"""So many slots are looked at for each key and header made: what is silent is at most an eighth of the table then."""
_END_OF_TIME = 2**63 - 1
_EMPTY = np.uint64(0)
_AHEAD = 8


@part
def stale(mem: Any, prog: Any, stream: Any, header: Any, newest: Any) -> Any:
    """Whether nothing has come for a header for so long that its key begins anew."""
    return newest - mem[header + H_SEEN] > prog[stream + S_KEEP]


@shared
def drop(mem: Any, prog: Any, last: Any, stream: Any, slot: Any) -> None:
    """Give a header back with all that it holds; ``slot`` is the entity's word for it."""
    header = mem[slot]
    if prog[stream + S_DISTINCT] != 0 or prog[stream + S_DEQUES] != 0:
        advance(mem, prog, last, stream, header, np.int64(_END_OF_TIME), False)
    else:
        _drop_log(mem, prog, stream, header)
    if prog[stream + S_INLINE] == 0:
        release(mem, prog[stream + S_CLASS], header)
    mem[slot] = 0
    mem[A_HEADERS] -= 1


@part
def _drop_log(mem: Any, prog: Any, stream: Any, header: Any) -> None:
    """Give back the chunks of a log whose entries nobody has to read again: no sum is asked for any more."""
    window = prog[stream + S_WINDOW_AT]
    for _ in range(prog[stream + S_WINDOWS]):
        at = header + prog[window + P_OFFSET]
        if prog[window + P_LONGEST] != 0 and mem[at + W_TAIL] != 0:
            mask = prog[stream + S_MASK]
            chunk = mem[at + W_TAIL] & ~mask
            end = (mem[header + H_END] - prog[stream + S_STRIDE]) & ~mask
            while chunk != end:
                following = mem[chunk | mask]
                release(mem, prog[stream + S_CHUNK], chunk)
                chunk = following
            release(mem, prog[stream + S_CHUNK], chunk)
            mem[A_ENTRIES] -= mem[header + H_COUNT] - mem[at + W_COUNT]
        window += P_SIZE


@shared
def sweep(prog: Any, mem: Any, table: Any, last: Any, count: Any) -> Any:
    """Look at the next ``count`` slots and give back what is stale; how many headers went."""
    newest = mem[A_NEWEST]
    slots = mem[A_SLOTS]
    slot = mem[A_SWEPT]
    gone = 0
    for _ in range(min(count, 2 * slots)):
        if slot >= slots:
            slot = np.int64(0)
        if slot + _AHEAD < slots:
            ahead = np.int64(table[2 * (slot + _AHEAD) + 1]) & ADDRESS_MASK
            prefetch(mem, ahead)
            prefetch(mem, ahead + LINE)
        word = np.int64(table[2 * slot + 1])
        if word != 0:
            entity = word & ADDRESS_MASK
            space = prog[prog[G_SPACES] + (word >> ADDRESS_BITS)]
            kept = 0
            for s in range(prog[space + E_STREAMS]):
                stream = prog[prog[space + E_STREAM_AT] + s]
                place = entity + prog[stream + S_SLOT]
                if mem[place] == 0:
                    continue
                if prog[stream + S_KEEP] >= FOREVER_US or not stale(mem, prog, stream, mem[place], newest):
                    kept += 1
                    continue
                drop(mem, prog, last, stream, place)
                gone += 1
            if kept == 0:
                release(mem, prog[space + E_CLASS], entity)
                mem[A_KEYS] -= 1
                # What has moved into this slot is looked at next.
                _close(table, slots, slot)
                continue
        slot += 1
    mem[A_SWEPT] = slot
    return gone


@part
def _close(table: Any, slots: Any, gap: Any) -> None:
    """Empty a slot of the table of entities, and move up what was put behind it for want of room."""
    slot = gap
    while True:
        slot += 1
        if slot == slots:
            slot = np.int64(0)
        if table[2 * slot + 1] == _EMPTY:
            break
        from_gap = home(table[2 * slot], slots) - gap
        if from_gap <= 0:
            from_gap += slots
        here = slot - gap
        if here < 0:
            here += slots
        # A slot may move into the gap unless its home lies (going round) after the gap, up to the slot itself.
        if from_gap > here:
            table[2 * gap] = table[2 * slot]
            table[2 * gap + 1] = table[2 * slot + 1]
            gap = slot
    table[2 * gap] = _EMPTY
    table[2 * gap + 1] = _EMPTY


@shared
def keep_up(prog: Any, mem: Any, table: Any, last: Any) -> None:
    """Sweep as far as what was made since the last time asks for."""
    owed = SLOTS_FOR_EACH * mem[A_MADE]
    mem[A_MADE] = 0
    sweep(prog, mem, table, last, owed)


@kernel
def sweep_all(prog: Any, mem: Any, table: Any, last: Any) -> int:
    """Sweep the whole table (twice, for slots move up meanwhile); how many headers went."""
    return _sweep_all(pointer(prog), pointer(mem), pointer(table), pointer(last))


@part
def _sweep_all(prog: Any, mem: Any, table: Any, last: Any) -> int:
    return sweep(prog, mem, table, last, 2 * mem[A_SLOTS])  # type: ignore[no-any-return]
