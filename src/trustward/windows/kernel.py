"""The kernel: one call interns a batch's keys and moves all its events through their windows, in order of arrival."""

from __future__ import annotations

from typing import Any

import numpy as np

from trustward.base.units import MISSING
from trustward.windows.exact import LARGEST_FLOAT
from trustward.windows.hashing import (
    ADDRESS_BITS,
    combine_add,
    combine_end,
    combine_start,
    drop_repeats,
    find,
    hash_strings,
)
from trustward.windows.jit import bits_of, float_of, kernel, part, pointer, shared
from trustward.windows.layout import (
    A_DISTINCT,
    A_KEYS,
    A_LAST_SLOTS,
    A_NEXT,
    A_SLOTS,
    A_WORDS,
    E_CLASS,
    E_NUMBER,
    E_WORDS,
    FROM_FLOAT,
    FROM_NOTHING,
    FROM_TEXT,
    FROM_WHOLE,
    G_TYPES,
    H_CLOCK,
    INSERT_ALWAYS,
    INSERT_NEVER,
    K_COLUMN_AT,
    K_COLUMNS,
    K_FLAG_AT,
    K_FLAGS,
    K_INSERT,
    K_SIZE,
    K_SPACE,
    L_COLUMNS,
    L_FLAGS,
    L_NUMBERS,
    L_OUT,
    L_ROWS,
    O_FEEDS,
    O_KEY,
    O_OUT,
    O_READ_AT,
    O_READS,
    O_SIZE,
    O_STREAM,
    O_VALUE_AT,
    O_WHERE,
    S_DISTINCT,
    S_ROOM,
    S_SLOT,
    S_VALUES,
    T_KEY_AT,
    T_KEYS,
    T_OPERATION_AT,
    T_OPERATIONS,
    T_TEXTS,
)
from trustward.windows.log import advance, allocate, feed, new_header
from trustward.windows.reading import put_read, read_default, read_one

DONE, BAD_TEXT, ARENA_FULL, DISTINCT_FULL = 0, 1, 2, 3
# What a call says and, after growth, goes on from.
N_FRESH, N_ROW, N_OPERATION, N_ELEMENT, N_STRINGS, N_TYPES, N_VALUES, N_SIZE = 0, 1, 2, 3, 4, 5, 6, 7
UNKNOWN = -1
_EMPTY = np.uint64(0)


@part
def _composite(
    prog: Any, lay: Any, at: Any, key: Any, lists: Any, prints: Any, secret: Any, row: Any, element: Any
) -> Any:
    """The fingerprint of a key: of its column, or of several together. (0, 0) if one is missing."""
    columns = prog[key + K_COLUMNS]
    first = prog[key + K_COLUMN_AT]
    if columns == 1:
        place = 2 * (lay[at + L_COLUMNS + 2 * prog[first]] + element)
        return prints[place], prints[place + 1]
    v0, v1, v2, v3 = combine_start(secret)
    for c in range(columns):
        column = at + L_COLUMNS + 2 * prog[first + c]
        place = 2 * (lay[column] + (row if lay[column + 1] < 0 else element))
        low = prints[place]
        high = prints[place + 1]
        if high == _EMPTY:
            return _EMPTY, _EMPTY
        v0, v1, v2, v3 = combine_add(v0, v1, v2, v3, low, high)
    return combine_end(v0, v1, v2, v3)


@part
def _list_of(prog: Any, lay: Any, at: Any, key: Any) -> Any:
    """Where the list offsets of a key's list-valued column are, or -1."""
    found = np.int64(-1)
    first = prog[key + K_COLUMN_AT]
    for c in range(prog[key + K_COLUMNS]):
        offsets = lay[at + L_COLUMNS + 2 * prog[first + c] + 1]
        if offsets >= 0:
            found = offsets
    return found


@part
def _inserts(prog: Any, lay: Any, at: Any, key: Any, flags: Any, row: Any) -> bool:
    """Does any operation of this row feed under the key?"""
    mode = prog[key + K_INSERT]
    if mode == INSERT_NEVER or mode == INSERT_ALWAYS:
        return mode == INSERT_ALWAYS
    for f in range(prog[key + K_FLAGS]):
        if flags[lay[at + L_FLAGS] + prog[prog[key + K_FLAG_AT] + f] * lay[at + L_ROWS] + row] != 0:
            return True
    return False


@shared
def intern(
    prog: Any, lay: Any, mem: Any, table: Any, secret: Any, lists: Any, flags: Any, prints: Any, ent: Any, types: Any
) -> None:
    """The entity of every key of every row: all that feed first (they may be new), then those that only read."""
    for only_reading in (False, True):
        for kind in range(types):
            at = lay[kind]
            if at == 0:
                continue
            plan = prog[prog[0] + kind]
            for k in range(prog[plan + T_KEYS]):
                key = prog[plan + T_KEY_AT] + k * K_SIZE
                mode = prog[key + K_INSERT]
                if (mode == INSERT_ALWAYS and only_reading) or (mode == INSERT_NEVER and not only_reading):
                    continue
                _intern_key(
                    prog, lay, mem, table, secret, lists, flags, prints, ent, at, key,
                    lay[at + L_COLUMNS + 2 * prog[plan + T_TEXTS] + k], only_reading,
                )  # fmt: skip


@part
def _intern_key(
    prog: Any, lay: Any, mem: Any, table: Any, secret: Any, lists: Any, flags: Any, prints: Any, ent: Any, at: Any,
    key: Any, start: Any, only_reading: bool,
) -> None:  # fmt: skip
    space = prog[key + K_SPACE]
    salt = 4 + 2 * prog[space + E_NUMBER]
    offsets = _list_of(prog, lay, at, key)
    for row in range(lay[at + L_ROWS]):
        first = row
        stop = row + 1
        if offsets >= 0:
            first = lists[offsets + row]
            stop = lists[offsets + row + 1]
        feeds = _inserts(prog, lay, at, key, flags, row)
        if feeds == only_reading:
            continue
        for element in range(first, stop):
            low, high = _composite(prog, lay, at, key, lists, prints, secret, row, element)
            if high == _EMPTY:
                ent[start + element] = 0
                continue
            low ^= secret[salt]
            high ^= secret[salt + 1]
            address, slot = find(table, mem[A_SLOTS], mem, low, high)
            if address == 0:
                address = np.int64(UNKNOWN)
                if feeds:
                    address = allocate(mem, prog[space + E_CLASS])
                    for i in range(address, address + prog[space + E_WORDS]):
                        mem[i] = 0
                    mem[address] = np.int64(high)
                    table[2 * slot] = low
                    table[2 * slot + 1] = np.uint64(address | (prog[space + E_NUMBER] << ADDRESS_BITS))
                    mem[A_KEYS] += 1
            ent[start + element] = address


@part
def gather(
    prog: Any, lay: Any, at: Any, operation: Any, row: Any, nums: Any, lists: Any, prints: Any, secret: Any, mem: Any,
    values: Any,
) -> None:  # fmt: skip
    """Put the values of one row into the arena's scratch words."""
    source = prog[operation + O_VALUE_AT]
    for i in range(prog[prog[operation + O_STREAM] + S_VALUES]):
        kind = prog[source + 2 * i]
        column = prog[source + 2 * i + 1]
        word = np.int64(MISSING)
        if kind == FROM_TEXT:
            word = _text_value(lay, at + L_COLUMNS + 2 * column, row, lists, prints, secret)
        elif kind != FROM_NOTHING:
            word = nums[lay[at + L_NUMBERS] + column * lay[at + L_ROWS] + row]
            if kind != FROM_WHOLE:
                if kind == FROM_FLOAT:
                    number = float_of(word)
                else:
                    number = float(word)
                # NaN fails the comparison too; adding 0.0 makes -0.0 (whose bits say MISSING) a plain 0.0.
                word = bits_of(number + 0.0) if abs(number) <= LARGEST_FLOAT else np.int64(MISSING)
        mem[values + i] = word


@part
def _text_value(lay: Any, column: Any, row: Any, lists: Any, prints: Any, secret: Any) -> Any:
    """64 bits of a text's fingerprint, or of a whole list's; MISSING for none."""
    offsets = lay[column + 1]
    if offsets < 0:
        place = 2 * (lay[column] + row)
        return np.int64(prints[place]) if prints[place + 1] != _EMPTY else np.int64(MISSING)
    v0, v1, v2, v3 = combine_start(secret)
    some = False
    for element in range(lists[offsets + row], lists[offsets + row + 1]):
        place = 2 * (lay[column] + element)
        if prints[place + 1] != _EMPTY:
            some = True
            v0, v1, v2, v3 = combine_add(v0, v1, v2, v3, prints[place], prints[place + 1])
    low, _high = combine_end(v0, v1, v2, v3)
    return np.int64(low) if some else np.int64(MISSING)


@kernel
def run(
    text: Any, lay: Any, lists: Any, flags: Any, nums: Any, order_type: Any, order_pos: Any, times: Any, prog: Any,
    secret: Any, mem: Any, table: Any, last: Any, prints: Any, ent: Any, out: Any, note: Any,
) -> int:  # fmt: skip
    """Process a batch from where ``note`` stands; DONE, or what must be mended or grown before the next call."""
    return _run(
        pointer(text), text.size, pointer(lay), pointer(lists), pointer(flags), pointer(nums), pointer(order_type),
        pointer(order_pos), pointer(times), times.size, pointer(prog), pointer(secret), pointer(mem), pointer(table),
        pointer(last), pointer(prints), pointer(ent), pointer(out), pointer(note),
    )  # fmt: skip


@shared
def _run(
    text: Any, text_size: Any, lay: Any, lists: Any, flags: Any, nums: Any, order_type: Any, order_pos: Any, times: Any,
    rows: Any, prog: Any, secret: Any, mem: Any, table: Any, last: Any, prints: Any, ent: Any, out: Any, note: Any,
) -> Any:  # fmt: skip
    if note[N_FRESH] != 0:
        types = note[N_TYPES]
        # No text at all: the fingerprints were made elsewhere.
        if text_size > 0 and not hash_strings(text, text_size, note[N_STRINGS], secret, prints):
            return BAD_TEXT
        for kind in range(types):
            if lay[kind] != 0:
                _drop_list_repeats(prog, lay, lists, prints, ent, kind)
        intern(prog, lay, mem, table, secret, lists, flags, prints, ent, types)
    return _rows(
        lay, lists, flags, nums, order_type, order_pos, times, rows, prog, secret, mem, last, prints, ent, out, note
    )


@shared
def _drop_list_repeats(prog: Any, lay: Any, lists: Any, prints: Any, seen: Any, kind: Any) -> None:
    at = lay[kind]
    for column in range(prog[prog[prog[0] + kind] + T_TEXTS]):
        place = at + L_COLUMNS + 2 * column
        offsets = lay[place + 1]
        if offsets >= 0:
            for row in range(lay[at + L_ROWS]):
                if lists[offsets + row + 1] - lists[offsets + row] > 1:
                    drop_repeats(prints, lay[place] + lists[offsets + row], lay[place] + lists[offsets + row + 1], seen)


@part
def _rows(
    lay: Any, lists: Any, flags: Any, nums: Any, order_type: Any, order_pos: Any, times: Any, rows: Any, prog: Any,
    secret: Any, mem: Any, last: Any, prints: Any, ent: Any, out: Any, note: Any,
) -> Any:  # fmt: skip
    for i in range(note[N_ROW], rows):
        kind = order_type[i]
        row = order_pos[i]
        at = lay[kind]
        if at == 0:
            continue
        plan = prog[prog[G_TYPES] + kind]
        for o in range(note[N_OPERATION], prog[plan + T_OPERATIONS]):
            full = _operate(
                lay, lists, flags, nums, times[i], prog, secret, mem, last, prints, ent, out, note, at, row,
                prog[plan + T_OPERATION_AT] + o * O_SIZE, at + L_COLUMNS + 2 * prog[plan + T_TEXTS],
                prog[plan + T_KEY_AT],
            )  # fmt: skip
            if full != DONE:
                note[N_ROW] = i
                note[N_OPERATION] = o
                return full
        note[N_OPERATION] = 0
    return DONE


@part
def _operate(
    lay: Any, lists: Any, flags: Any, nums: Any, time: Any, prog: Any, secret: Any, mem: Any, last: Any, prints: Any,
    ent: Any, out: Any, note: Any, at: Any, row: Any, operation: Any, entities: Any, keys: Any,
) -> Any:  # fmt: skip
    """One operation of one row, for each of its keys."""
    stream = prog[operation + O_STREAM]
    number = prog[operation + O_KEY]
    rows = lay[at + L_ROWS]
    where = prog[operation + O_WHERE]
    feeds = prog[operation + O_FEEDS] != 0 and (where < 0 or flags[lay[at + L_FLAGS] + where * rows + row] != 0)
    reads = prog[operation + O_READS]
    read_at = prog[operation + O_READ_AT]
    place = lay[at + L_OUT] + prog[operation + O_OUT] * rows + row
    offsets = _list_of(prog, lay, at, keys + number * K_SIZE)
    first = row
    stop = row + 1
    if offsets >= 0:
        first = lists[offsets + row]
        stop = lists[offsets + row + 1]
    values = note[N_VALUES]
    if note[N_ELEMENT] == 0:
        for r in range(reads):
            put_read(prog, prog[read_at + r], out, place + r * rows, np.int64(MISSING), False)
    if feeds:
        gather(prog, lay, at, operation, row, nums, lists, prints, secret, mem, values)
    for element in range(first + note[N_ELEMENT], stop):
        entity = ent[lay[entities + number] + element]
        if entity == 0 or time == MISSING:
            continue
        header = mem[entity + prog[stream + S_SLOT]] if entity > 0 else np.int64(0)
        if feeds:
            full = _room(prog, stream, mem)
            if full != DONE:
                note[N_ELEMENT] = element - first
                return full
            if header == 0:
                header = new_header(mem, prog, stream, entity + prog[stream + S_SLOT], time)
        now = time
        if header != 0:
            now = max(time, mem[header + H_CLOCK])
            mem[header + H_CLOCK] = now
            advance(mem, prog, last, stream, header, now, False)
            if feeds:
                feed(mem, prog, last, stream, header, now, values, secret)
        for r in range(reads):
            read = prog[read_at + r]
            if header != 0:
                word = read_one(mem, prog, read, header, now, feeds)
            else:
                word = read_default(prog, read)
            put_read(prog, read, out, place + r * rows, word, offsets >= 0)
    note[N_ELEMENT] = 0
    return DONE


@part
def _room(prog: Any, stream: Any, mem: Any) -> Any:
    """Is there room for all that one feed may allocate?"""
    if mem[A_NEXT] + prog[stream + S_ROOM] > mem[A_WORDS]:
        return ARENA_FULL
    if prog[stream + S_DISTINCT] != 0:
        slots = mem[A_LAST_SLOTS]
        if mem[A_DISTINCT] + prog[stream + S_DISTINCT] > slots - (slots >> 2):
            return DISTINCT_FULL
    return DONE
