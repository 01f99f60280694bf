"""The usual stream's own, shorter way: every window counts, and sums up at most one whole number.

How many entries leave a window is as good as random, and a processor that guesses a branch wrong loses more time than
the entry's arithmetic takes. So all three entries of a chunk are compared and summed up at once, without a branch; only
from chunk to chunk is there a loop.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from trustward.base.jit import opaque, part, prefetch, shared
from trustward.base.units import MISSING
from trustward.windows.exact import add_whole, whole_total
from trustward.windows.layout import (
    A_ENTRIES,
    A_NEWEST,
    H_CLOCK,
    H_COUNT,
    H_END,
    H_SEEN,
    L_NUMBERS,
    L_OUT,
    L_ROWS,
    O_OUT,
    O_READ_AT,
    O_READS,
    O_STREAM,
    O_VALUE_AT,
    P_LENGTH,
    P_OFFSET,
    P_SIZE,
    PLAIN_WINDOW,
    R_A,
    R_B,
    R_CODE,
    R_SIZE,
    READ_COUNT,
    S_CHUNK,
    S_PLAIN,
    S_WINDOW_AT,
    S_WINDOWS,
    W_COUNT,
    W_SIZE,
    W_TAIL,
    W_TIME,
)
from trustward.windows.log import allocate, new_header, release

_MASK = 7
_LAST = 4


@part
def warm_plain(mem: Any, prog: Any, stream: Any, header: Any) -> None:
    """Ask for the log's end and for every window's tail: asking for too much costs less than guessing."""
    prefetch(mem, mem[header + H_END])
    at = header + prog[prog[stream + S_WINDOW_AT] + P_OFFSET]
    for _ in range(prog[stream + S_WINDOWS]):
        prefetch(mem, mem[at])
        at += PLAIN_WINDOW


@part
def warm_next(mem: Any, prog: Any, stream: Any, header: Any) -> None:
    """Ask for what follows each window's tail; their chunks themselves have been asked for."""
    at = header + prog[prog[stream + S_WINDOW_AT] + P_OFFSET]
    for _ in range(prog[stream + S_WINDOWS]):
        prefetch(mem, mem[mem[at] | _MASK])
        at += PLAIN_WINDOW


@part
def step_plain(
    lay: Any, nums: Any, prog: Any, mem: Any, out: Any, slot: Any, operation: Any, at: Any, row: Any, time: Any
) -> None:
    """Feed and read one key for one event by a plain operation (see ``O_PLAIN``); there is room for what it may add."""
    stream = prog[operation + O_STREAM]
    rows = lay[at + L_ROWS]
    word = nums[lay[at + L_NUMBERS] + prog[prog[operation + O_VALUE_AT] + 1] * rows + row]
    header = mem[slot]
    if header == 0:
        header = new_header(mem, prog, stream, slot, time)
    time = max(time, mem[header + H_CLOCK])
    mem[header + H_CLOCK] = time
    mem[header + H_SEEN] = mem[A_NEWEST]
    feed_plain(mem, prog, stream, header, time, word if word != MISSING else np.int64(0))
    place = lay[at + L_OUT] + prog[operation + O_OUT] * rows + row
    read = prog[operation + O_READ_AT]
    for _ in range(prog[operation + O_READS]):
        before = header + prog[read + R_A]
        ever = header + prog[read + R_B]
        out[place] = mem[ever] - mem[before] if prog[read + R_CODE] == READ_COUNT else whole_total(mem, ever, before)
        place += rows
        read += R_SIZE


@shared
def feed_plain(mem: Any, prog: Any, stream: Any, header: Any, time: Any, word: Any) -> None:
    """Write an event to the log, and bring all windows to its time; ``word`` is its number, 0 if it has none.

    The new entry lies in every window, so no window can run out of entries here.
    """
    entry = mem[header + H_END]
    if entry == 0:
        entry = allocate(mem, prog[stream + S_CHUNK])
    elif (entry & _MASK) > _LAST:
        chunk = allocate(mem, prog[stream + S_CHUNK])
        mem[entry | _MASK] = chunk
        entry = chunk
    mem[header + H_END] = entry + 2
    mem[entry] = time
    mem[entry + 1] = word
    mem[header + H_COUNT] += 1
    add_whole(mem, header + prog[stream + S_PLAIN], word, word >> 63)
    window = prog[stream + S_WINDOW_AT]
    at = header + prog[window + P_OFFSET]
    for _ in range(prog[stream + S_WINDOWS] - 1):
        _expire(mem, at, time - prog[window + P_LENGTH], entry, 0)
        window += P_SIZE
        at += PLAIN_WINDOW
    gone = _expire(mem, at, time - prog[window + P_LENGTH], entry, prog[stream + S_CHUNK])
    mem[A_ENTRIES] += 1 - gone


@part
def _expire(mem: Any, at: Any, limit: Any, entry: Any, chunks: Any) -> Any:
    """Move a window's tail past all entries up to ``limit``; how many.

    An empty window begins with ``entry``. If ``chunks`` is not 0, what the tail has left goes back to that class.
    """
    tail = mem[at + W_TAIL]
    tail = tail if tail != 0 else entry
    base = tail & ~_MASK
    first = (tail & _MASK) >> 1
    low = np.uint64(0)
    high = np.int64(0)
    gone = -first
    # Whatever lies before the tail in its chunk has expired long ago, so those that have expired are the first few.
    skip_one = np.int64(first == 0)
    skip_two = np.int64(first < 2)
    while True:
        one = np.int64(mem[base] <= limit)
        two = one & np.int64(mem[base + 2] <= limit)
        three = two & np.int64(mem[base + 4] <= limit)
        low, high = _take(low, high, mem[base + 1] & opaque(-(one & skip_one)))
        low, high = _take(low, high, mem[base + 3] & opaque(-(two & skip_two)))
        low, high = _take(low, high, mem[base + 5] & opaque(-three))
        expired = one + two + three
        gone += expired
        if three == 0:
            break
        chunk = base
        base = mem[base + _MASK]
        skip_one = skip_two = np.int64(1)
        if chunks != 0:
            release(mem, chunks, chunk)
    tail = base + 2 * expired
    add_whole(mem, at + W_SIZE, low, high)
    mem[at + W_TAIL] = tail
    mem[at + W_TIME] = mem[tail]
    mem[at + W_COUNT] += gone
    return gone


@part
def _take(low: Any, high: Any, word: Any) -> Any:
    """Add a number to a sum of 128 bits."""
    low += np.uint64(word)
    return low, high + (word >> 63) + np.int64(low < np.uint64(word))
