"""Kernels for the state of one key in one stream: its shared log, its windows' tails and sums, its deques.

Every function takes the arena ``mem``, the program ``prog`` and, where distinct values are counted, the table ``last``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from trustward.base.jit import float_of, part, prefetch, shared
from trustward.base.units import MISSING
from trustward.windows.exact import add_float, add_whole
from trustward.windows.hashing import distinct_entry, distinct_find, distinct_remove, distinct_slot, distinct_word
from trustward.windows.layout import (
    A_DISTINCT,
    A_ENTRIES,
    A_HEADERS,
    A_LAST_SLOTS,
    A_MADE,
    A_NEWEST,
    A_NEXT,
    A_PAIRS,
    C_END,
    C_FREE,
    C_POS,
    C_WORDS,
    D_FLOAT,
    D_LENGTH_AT,
    D_OFFSET,
    D_SIGN,
    D_SIZE,
    D_VALUE,
    D_WINDOWS,
    DEQUE_CLASS,
    H_CLOCK,
    H_COUNT,
    H_END,
    H_SEEN,
    ITEM_DISTINCT,
    ITEM_FLOAT,
    ITEM_WHOLE,
    P_ITEM_AT,
    P_ITEMS,
    P_LENGTH,
    P_LONGEST,
    P_OFFSET,
    P_PLAIN,
    P_SIZE,
    P_SUM,
    P_WORD,
    S_AGE,
    S_CHUNK,
    S_CLASS,
    S_DEQUE_AT,
    S_DEQUES,
    S_DISTINCT,
    S_DISTINCT_AT,
    S_INLINE,
    S_LOGGED,
    S_LOGGED_AT,
    S_MASK,
    S_PREVIOUS,
    S_PREVIOUS_AT,
    S_SINCE,
    S_STRIDE,
    S_SUM_AT,
    S_SUMS,
    S_WINDOW_AT,
    S_WINDOWS,
    S_WORDS,
    SLAB,
    U_SIZE,
    U_WINDOW_AT,
    U_WINDOWS,
    U_WORD,
    W_COUNT,
    W_TAIL,
    W_TIME,
)

_PREVIOUS_CHUNK = 6
_LAST_PAIR = 4
_CHUNK = 8


@part
def allocate(mem: Any, at: Any) -> Any:
    """A free object of the class at ``at``, its words as they were. The caller has made sure of the room."""
    address = mem[at + C_FREE]
    if address != 0:
        following = mem[address]
        mem[at + C_FREE] = following
        # Given back long ago, and far away: by the time that it is wanted it has come.
        prefetch(mem, following)
        return address
    words = mem[at + C_WORDS]
    address = mem[at + C_POS]
    if address + words > mem[at + C_END]:
        size = (words + SLAB - 1) // SLAB * SLAB
        address = mem[A_NEXT]
        mem[A_NEXT] = address + size
        mem[at + C_END] = address + size
    mem[at + C_POS] = address + words
    return address


@part
def release(mem: Any, at: Any, address: Any) -> None:
    """Give an object back to its class."""
    mem[address] = mem[at + C_FREE]
    mem[at + C_FREE] = address


@shared
def new_header(mem: Any, prog: Any, stream: Any, slot: Any, time: Any) -> Any:
    """A fresh header for a key first seen at ``time``; ``slot`` is the entity's word for it."""
    header = slot + 1 if prog[stream + S_INLINE] != 0 else allocate(mem, prog[stream + S_CLASS])
    for i in range(header, header + prog[stream + S_WORDS]):
        mem[i] = 0
    mem[slot] = header
    mem[A_HEADERS] += 1
    mem[A_MADE] += 1
    mem[header + H_CLOCK] = time
    mem[header + H_SEEN] = mem[A_NEWEST]
    if prog[stream + S_AGE] != 0:
        mem[header + prog[stream + S_AGE]] = time
    if prog[stream + S_SINCE] != 0:
        mem[header + prog[stream + S_SINCE]] = MISSING
    windows = prog[stream + S_WINDOW_AT]
    for _ in range(prog[stream + S_WINDOWS]):
        mem[header + prog[windows + P_OFFSET] + W_TIME] = MISSING
        windows += P_SIZE
    at = prog[stream + S_PREVIOUS_AT]
    for i in range(prog[stream + S_PREVIOUS]):
        mem[header + prog[at + 2 * i + 1]] = MISSING
    return header


@part
def warm_log(mem: Any, prog: Any, stream: Any, header: Any, time: Any) -> None:
    """Ask for the log's end and for what will expire by ``time``."""
    prefetch(mem, mem[header + H_END])
    window = prog[stream + S_WINDOW_AT]
    for _ in range(prog[stream + S_WINDOWS]):
        place = header + prog[window + P_OFFSET]
        if mem[place + W_TIME] <= time - prog[window + P_LENGTH]:
            prefetch(mem, mem[place + W_TAIL])
        window += P_SIZE


@shared
def expire_plain(mem: Any, prog: Any, stream: Any, header: Any, window: Any, limit: Any, keep: Any, entry: Any) -> None:
    """``expire`` for windows with one whole number to sum up, or none, in streams that count nothing distinct."""
    at = header + prog[window + P_OFFSET]
    tail = mem[at + W_TAIL]
    if tail == 0:
        if entry != 0:
            mem[at + W_TAIL] = entry
            mem[at + W_TIME] = mem[entry]
        return
    stride = prog[stream + S_STRIDE]
    mask = prog[stream + S_MASK]
    gives = prog[window + P_LONGEST] != 0 and not keep
    word_at = prog[window + P_WORD]
    end = mem[header + H_END]
    low = np.uint64(0)
    high = np.int64(0)
    gone = 0
    time = mem[at + W_TIME]
    while time <= limit:
        gone += 1
        word = mem[tail + word_at]
        if word != MISSING:
            low += np.uint64(word)
            high += (word >> 63) + (1 if low < np.uint64(word) else 0)
        following = tail + stride
        if following == end:
            if gives:
                release(mem, prog[stream + S_CHUNK], tail & ~mask)
                mem[header + H_END] = 0
            tail = 0
            time = MISSING
            break
        if (following & mask) + stride > mask:
            following = mem[following | mask]
            if gives:
                release(mem, prog[stream + S_CHUNK], tail & ~mask)
        tail = following
        time = mem[tail]
    if word_at != 0:
        add_whole(mem, header + prog[window + P_SUM], low, high)
    mem[at + W_TAIL] = tail
    mem[at + W_TIME] = time
    mem[at + W_COUNT] += gone
    if gives:
        mem[A_ENTRIES] -= gone


@shared
def expire(
    mem: Any, prog: Any, last: Any, stream: Any, header: Any, window: Any, limit: Any, keep: Any, entry: Any
) -> None:
    """Move a window's tail past all entries up to ``limit``; the longest gives up what no window holds any more.

    ``entry`` is the log's newest if it was just written, else 0: an empty window begins with it. With ``keep`` nothing
    is given up.
    """
    at = header + prog[window + P_OFFSET]
    tail = mem[at + W_TAIL]
    if tail == 0:
        if entry != 0:
            mem[at + W_TAIL] = entry
            mem[at + W_TIME] = mem[entry]
        return
    stride = prog[stream + S_STRIDE]
    mask = prog[stream + S_MASK]
    gives = prog[window + P_LONGEST] != 0 and not keep
    end = mem[header + H_END]
    gone = 0
    time = mem[at + W_TIME]
    while time <= limit:
        gone += 1
        expire_items(mem, prog, header, prog[window + P_ITEM_AT], prog[window + P_ITEMS], tail)
        if gives:
            drop_distinct(mem, prog, last, stream, tail)
        following = tail + stride
        if following == end:
            if gives:
                release(mem, prog[stream + S_CHUNK], tail & ~mask)
                mem[header + H_END] = 0
            tail = 0
            time = MISSING
            break
        if (following & mask) + stride > mask:
            following = mem[following | mask]
            if gives:
                release(mem, prog[stream + S_CHUNK], tail & ~mask)
        tail = following
        time = mem[tail]
    mem[at + W_TAIL] = tail
    mem[at + W_TIME] = time
    mem[at + W_COUNT] += gone
    if gives:
        mem[A_ENTRIES] -= gone


@part
def expire_items(mem: Any, prog: Any, header: Any, item: Any, items: Any, tail: Any) -> None:
    """Sum up an entry that leaves a window among what lies before it."""
    for _ in range(items):
        word = mem[tail + prog[item + 1]]
        if word != MISSING:
            if prog[item] == ITEM_DISTINCT:
                mem[header + prog[item + 2]] -= 1 - (word & 1)
            else:
                add_item(mem, prog[item], header + prog[item + 2], word)
        item += 3


@part
def add_item(mem: Any, kind: Any, place: Any, word: Any) -> None:
    """Add a value to a sum of its kind."""
    if kind == ITEM_WHOLE:
        add_whole(mem, place, word, word >> 63)
    elif kind == ITEM_FLOAT:
        add_float(mem, place, float_of(word))
    else:
        mem[place] += 1


@part
def drop_distinct(mem: Any, prog: Any, last: Any, stream: Any, tail: Any) -> None:
    """Forget the values whose last entry leaves the log."""
    distinct = prog[stream + S_DISTINCT_AT]
    for _ in range(prog[stream + S_DISTINCT]):
        word = mem[tail + prog[distinct + U_WORD]]
        if word != MISSING and word & 1 == 0:
            distinct_remove(last, mem[A_LAST_SLOTS], word, tail)
            mem[A_DISTINCT] -= 1
        distinct += U_SIZE


@shared
def expire_deques(mem: Any, prog: Any, stream: Any, header: Any, time: Any, keep: bool) -> None:
    """Move each window's first pair of each deque past what has expired."""
    deque = prog[stream + S_DEQUE_AT]
    for _ in range(prog[stream + S_DEQUES]):
        at = header + prog[deque + D_OFFSET]
        back = mem[at]
        windows = prog[deque + D_WINDOWS]
        for j in range(windows):
            pair = mem[at + 1 + j]
            limit = time - prog[prog[deque + D_LENGTH_AT] + j]
            longest = j == windows - 1 and not keep
            while pair != 0 and mem[pair] <= limit:
                following = pair + 2 if pair != back else 0
                chunk = pair & ~(_CHUNK - 1)
                if following != 0 and following & (_CHUNK - 1) > _LAST_PAIR:
                    following = mem[chunk + _CHUNK - 1]
                if longest:
                    mem[A_PAIRS] -= 1
                    if following & ~(_CHUNK - 1) != chunk:
                        release(mem, DEQUE_CLASS, chunk)
                        if following == 0:
                            mem[at] = 0
                        else:
                            mem[(following & ~(_CHUNK - 1)) + _PREVIOUS_CHUNK] = 0
                pair = following
            mem[at + 1 + j] = pair
        deque += D_SIZE


@part
def advance(mem: Any, prog: Any, last: Any, stream: Any, header: Any, time: Any, keep: bool) -> None:
    """Bring all windows of a key to ``time``. With ``keep`` nothing outside the header is changed (for a look)."""
    advance_windows(mem, prog, last, stream, header, time, keep, 0)
    if prog[stream + S_DEQUES] != 0:
        expire_deques(mem, prog, stream, header, time, keep)


@part
def advance_windows(
    mem: Any, prog: Any, last: Any, stream: Any, header: Any, time: Any, keep: bool, entry: Any
) -> None:
    """``advance`` for all but the deques; ``entry`` is the newest if it was just written, else 0."""
    window = prog[stream + S_WINDOW_AT]
    for _ in range(prog[stream + S_WINDOWS]):
        limit = time - prog[window + P_LENGTH]
        # The time of an empty window is MISSING, which is before every other.
        if mem[header + prog[window + P_OFFSET] + W_TIME] <= limit:
            if prog[window + P_PLAIN] != 0:
                expire_plain(mem, prog, stream, header, window, limit, keep, entry)
            else:
                expire(mem, prog, last, stream, header, window, limit, keep, entry)
        window += P_SIZE


@shared
def push_deques(mem: Any, prog: Any, stream: Any, header: Any, time: Any, values: Any) -> None:
    """Add this event's values to the deques: what they outdo can never be an extreme again."""
    deque = prog[stream + S_DEQUE_AT]
    for _ in range(prog[stream + S_DEQUES]):
        word = mem[values + prog[deque + D_VALUE]]
        if word != MISSING:
            at = header + prog[deque + D_OFFSET]
            push_pair(
                mem, at, time, word, prog[deque + D_SIGN] > 0, prog[deque + D_FLOAT] != 0, prog[deque + D_WINDOWS]
            )
        deque += D_SIZE


@part
def push_pair(mem: Any, at: Any, time: Any, word: Any, larger: bool, real: bool, windows: Any) -> None:
    """Take out the pairs that ``word`` outdoes, then put it at the end."""
    back = mem[at]
    while back != 0:
        old = mem[back + 1]
        if real:
            keeps = float_of(old) > float_of(word) if larger else float_of(old) < float_of(word)
        else:
            keeps = old > word if larger else old < word
        if keeps:
            break
        for j in range(windows):
            if mem[at + 1 + j] == back:
                mem[at + 1 + j] = 0
        mem[A_PAIRS] -= 1
        chunk = back & ~(_CHUNK - 1)
        if mem[at + windows] == 0:
            # The longest window's first pair is the first of all, so nothing is left.
            release(mem, DEQUE_CLASS, chunk)
            back = 0
        elif back != chunk:
            back -= 2
        else:
            back = mem[chunk + _PREVIOUS_CHUNK] + _LAST_PAIR
            release(mem, DEQUE_CLASS, chunk)
    if back == 0:
        pair = allocate(mem, DEQUE_CLASS)
        mem[pair + _PREVIOUS_CHUNK] = 0
    else:
        pair = back + 2
        if pair & (_CHUNK - 1) > _LAST_PAIR:
            before = back & ~(_CHUNK - 1)
            pair = allocate(mem, DEQUE_CLASS)
            mem[pair + _PREVIOUS_CHUNK] = before
            mem[before + _CHUNK - 1] = pair
    mem[pair] = time
    mem[pair + 1] = word
    mem[at] = pair
    mem[A_PAIRS] += 1
    for j in range(windows):
        if mem[at + 1 + j] == 0:
            mem[at + 1 + j] = pair


@part
def append(mem: Any, prog: Any, stream: Any, header: Any, time: Any, values: Any, secret: Any) -> Any:
    """Write the event at hand to the end of the shared log; its entry's address."""
    stride = prog[stream + S_STRIDE]
    mask = prog[stream + S_MASK]
    entry = mem[header + H_END]
    if entry == 0:
        entry = allocate(mem, prog[stream + S_CHUNK])
    elif (entry & mask) + stride > mask:
        chunk = allocate(mem, prog[stream + S_CHUNK])
        mem[entry | mask] = chunk
        entry = chunk
    mem[header + H_END] = entry + stride
    mem[entry] = time
    logged = prog[stream + S_LOGGED_AT]
    for i in range(prog[stream + S_LOGGED]):
        word = mem[values + prog[logged + 2 * i]]
        if prog[logged + 2 * i + 1] != 0 and word != MISSING:
            word = distinct_word(header + i, np.uint64(word) ^ secret[0])
        mem[entry + 1 + i] = word
    mem[A_ENTRIES] += 1
    return entry


@shared
def feed_distinct(mem: Any, prog: Any, last: Any, stream: Any, header: Any, time: Any, entry: Any) -> None:
    """Count this event's values where they are new to a window, and mark their former occurrences superseded."""
    distinct = prog[stream + S_DISTINCT_AT]
    for _ in range(prog[stream + S_DISTINCT]):
        offset = prog[distinct + U_WORD]
        word = mem[entry + offset]
        if word != MISSING:
            slot = distinct_find(last, mem[A_LAST_SLOTS], mem, word, offset)
            former = distinct_entry(last[slot])
            window = prog[distinct + U_WINDOW_AT]
            for j in range(prog[distinct + U_WINDOWS]):
                if former == 0 or mem[former] <= time - prog[window + 2 * j]:
                    mem[header + prog[window + 2 * j + 1]] += 1
            if former == 0:
                mem[A_DISTINCT] += 1
            else:
                mem[former + offset] |= 1
            last[slot] = distinct_slot(word, entry)
        distinct += U_SIZE


@part
def add(mem: Any, prog: Any, stream: Any, header: Any, time: Any, values: Any, secret: Any) -> Any:
    """Write the event at hand to the log and add it to the sums of all that ever came; its entry."""
    entry = append(mem, prog, stream, header, time, values, secret)
    mem[header + H_COUNT] += 1
    item = prog[stream + S_SUM_AT]
    for _ in range(prog[stream + S_SUMS]):
        word = mem[entry + prog[item + 1]]
        if word != MISSING:
            add_item(mem, prog[item], header + prog[item + 2], word)
        item += 3
    return entry


@part
def remember(mem: Any, prog: Any, stream: Any, header: Any, time: Any, values: Any) -> None:
    """Keep this event's time and values for those that ask for the last one."""
    if prog[stream + S_SINCE] != 0:
        place = header + prog[stream + S_SINCE]
        mem[place + 1] = mem[place]
        mem[place] = time
    at = prog[stream + S_PREVIOUS_AT]
    for i in range(prog[stream + S_PREVIOUS]):
        place = header + prog[at + 2 * i + 1]
        mem[place + 1] = mem[place]
        mem[place] = mem[values + prog[at + 2 * i]]


@part
def move(
    mem: Any, prog: Any, last: Any, stream: Any, header: Any, time: Any, values: Any, secret: Any, feeds: Any
) -> None:
    """Bring a key's windows to ``time``; if it feeds, with the event at hand (its values lie at ``values``)."""
    entry = np.int64(0)
    distinct = prog[stream + S_DISTINCT] != 0
    if feeds:
        remember(mem, prog, stream, header, time, values)
        if not distinct and prog[stream + S_WINDOWS] != 0:
            entry = add(mem, prog, stream, header, time, values, secret)
    advance_windows(mem, prog, last, stream, header, time, False, entry)
    if feeds and distinct:
        # Only now, for what has expired must be gone before the rest can be superseded.
        entry = add(mem, prog, stream, header, time, values, secret)
        feed_distinct(mem, prog, last, stream, header, time, entry)
        begin(mem, prog, stream, header, time, entry)
    if prog[stream + S_DEQUES] != 0:
        expire_deques(mem, prog, stream, header, time, False)
        if feeds:
            push_deques(mem, prog, stream, header, time, values)


@part
def begin(mem: Any, prog: Any, stream: Any, header: Any, time: Any, entry: Any) -> None:
    """Let all empty windows begin with ``entry``."""
    window = prog[stream + S_WINDOW_AT]
    for _ in range(prog[stream + S_WINDOWS]):
        at = header + prog[window + P_OFFSET]
        if mem[at + W_TAIL] == 0:
            mem[at + W_TAIL] = entry
            mem[at + W_TIME] = time
        window += P_SIZE
