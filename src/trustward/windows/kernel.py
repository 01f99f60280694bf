"""The kernel: one call interns a batch's keys and moves all its events through their windows, in order of arrival."""

from __future__ import annotations

from typing import Any

import numpy as np

from trustward.base.jit import bits_of, float_of, kernel, part, pointer, prefetch, shared
from trustward.base.units import MISSING
from trustward.windows.exact import LARGEST_FLOAT, whole_total
from trustward.windows.forgetting import drop, keep_up, stale
from trustward.windows.hashing import (
    ADDRESS_BITS,
    ADDRESS_MASK,
    combine_add,
    combine_end,
    combine_start,
    drop_repeats,
    find,
    hash_strings,
    home,
)
from trustward.windows.layout import (
    A_DISTINCT,
    A_KEYS,
    A_LAST_SLOTS,
    A_MADE,
    A_NEWEST,
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
    H_SEEN,
    INSERT_ALWAYS,
    INSERT_IF,
    K_COLUMN_AT,
    K_COLUMNS,
    K_FLAG_AT,
    K_FLAGS,
    K_INSERT,
    K_SIZE,
    K_SPACE,
    L_COLUMN_SIZE,
    L_COLUMNS,
    L_ENTITY,
    L_FIRST,
    L_FLAGS,
    L_KEY_SIZE,
    L_LISTS,
    L_NUMBERS,
    L_OUT,
    L_ROWS,
    O_FEEDS,
    O_KEY,
    O_OUT,
    O_PLAIN,
    O_READ_AT,
    O_READS,
    O_SIZE,
    O_STREAM,
    O_VALUE_AT,
    O_WHERE,
    R_A,
    R_B,
    R_CODE,
    R_SIZE,
    READ_COUNT,
    READ_TOTAL_WHOLE,
    S_AGE,
    S_DISTINCT,
    S_LOGGED_AT,
    S_PLAIN,
    S_ROOM,
    S_SLOT,
    S_VALUES,
    T_KEY_AT,
    T_KEYS,
    T_OPERATION_AT,
    T_OPERATIONS,
    T_TEXTS,
)
from trustward.windows.log import allocate, move, new_header, remember, warm_log
from trustward.windows.plain import feed_plain, step_plain, warm_next, warm_plain
from trustward.windows.reading import put_read, read_default, read_one

DONE, BAD_TEXT, KEYS_FULL, ARENA_FULL, DISTINCT_FULL = 0, 1, 2, 3, 4
# What a call is told and, after growth, goes on from.
N_FRESH, N_ROW, N_OPERATION, N_ELEMENT, N_JOB, N_JOBS, N_STRINGS, N_TYPES, N_VALUES, N_KEYS = range(10)
N_KEY_WORDS, N_NEWEST, N_SIZE = 10, 11, 12
UNKNOWN = -1
_FARTHEST_US = 1 << 61
"""Times beyond it (73,000 years from 1970) count as missing: nothing here can overflow then."""
# How many keys ahead of their use table slots and entities are asked for.
_SLOT_AHEAD, _FOUND_AHEAD = 32, 16
JOBS = 64
"""So many jobs are planned ahead: enough to wait for their cache lines together, few enough for the lines to stay."""
# A job: the entity's word for the header (0: not known), operation, its type's layout, row, time, feeds, of several;
# the newest time of all events up to this one.
J_SLOT, J_OPERATION, J_AT, J_ROW, J_TIME, J_FEEDS, J_SEVERAL, J_NEWEST, J_SIZE = 0, 1, 2, 3, 4, 5, 6, 7, 8
_EMPTY = np.uint64(0)
_ONE = np.uint64(1)


@shared
def compose(prog: Any, lay: Any, lists: Any, prints: Any, secret: Any, kind: Any) -> None:
    """The fingerprints of composite keys, from those of their columns; (0, 0) where one is missing."""
    at = lay[kind]
    plan = prog[prog[G_TYPES] + kind]
    columns_at = at + L_COLUMNS
    place = columns_at + L_COLUMN_SIZE * prog[plan + T_TEXTS]
    key = prog[plan + T_KEY_AT]
    for _ in range(prog[plan + T_KEYS]):
        columns = prog[key + K_COLUMNS]
        first_column = prog[key + K_COLUMN_AT]
        target = 2 * lay[place + L_FIRST]
        offsets = lay[place + L_LISTS]
        for row in range(lay[at + L_ROWS] if columns > 1 else 0):
            for element in range(
                lists[offsets + row] if offsets >= 0 else row, lists[offsets + row + 1] if offsets >= 0 else row + 1
            ):
                v0, v1, v2, v3 = combine_start(secret)
                missing = False
                for c in range(columns):
                    column = columns_at + L_COLUMN_SIZE * prog[first_column + c]
                    source = 2 * (lay[column + L_FIRST] + (row if lay[column + L_LISTS] < 0 else element))
                    missing = missing or prints[source + 1] == _EMPTY
                    v0, v1, v2, v3 = combine_add(v0, v1, v2, v3, prints[source], prints[source + 1])
                low, high = combine_end(v0, v1, v2, v3)
                prints[target + 2 * element] = _EMPTY if missing else low
                prints[target + 2 * element + 1] = _EMPTY if missing else high | _ONE
        key += K_SIZE
        place += L_KEY_SIZE


@part
def _inserts(prog: Any, lay: Any, at: Any, key: Any, flags: Any, row: Any) -> Any:
    """Does any operation of this row feed under the key?"""
    mode = prog[key + K_INSERT]
    if mode != INSERT_IF:
        return mode == INSERT_ALWAYS
    for f in range(prog[key + K_FLAGS]):
        if flags[lay[at + L_FLAGS] + prog[prog[key + K_FLAG_AT] + f] * lay[at + L_ROWS] + row] != 0:
            return True
    return False


@shared
def intern(
    prog: Any, lay: Any, mem: Any, table: Any, secret: Any, lists: Any, flags: Any, prints: Any, ent: Any, kind: Any,
    only_reading: Any,
) -> None:  # fmt: skip
    """The entity of every key of every row: of those that feed (they may be new), or of those that only read."""
    at = lay[kind]
    plan = prog[prog[G_TYPES] + kind]
    key = prog[plan + T_KEY_AT]
    place = at + L_COLUMNS + L_COLUMN_SIZE * prog[plan + T_TEXTS]
    for _ in range(prog[plan + T_KEYS]):
        mode = prog[key + K_INSERT]
        if mode == INSERT_IF or (mode == INSERT_ALWAYS) != only_reading:
            _intern_key(prog, lay, mem, table, secret, lists, flags, prints, ent, at, key, place, only_reading)
        key += K_SIZE
        place += L_KEY_SIZE


@part
def _intern_key(
    prog: Any, lay: Any, mem: Any, table: Any, secret: Any, lists: Any, flags: Any, prints: Any, ent: Any, at: Any,
    key: Any, place: Any, only_reading: Any,
) -> None:  # fmt: skip
    space = prog[key + K_SPACE]
    number = prog[space + E_NUMBER]
    salt_low = secret[4 + 2 * number]
    salt_high = secret[5 + 2 * number]
    offsets = lay[place + L_LISTS]
    source = 2 * lay[place + L_FIRST]
    target = lay[place + L_ENTITY]
    slots = mem[A_SLOTS]
    rows = lay[at + L_ROWS]
    total = lists[offsets + rows] if offsets >= 0 else rows
    for row in range(rows):
        feeds = _inserts(prog, lay, at, key, flags, row)
        if feeds == only_reading:
            continue
        for element in range(
            lists[offsets + row] if offsets >= 0 else row, lists[offsets + row + 1] if offsets >= 0 else row + 1
        ):
            if element + _SLOT_AHEAD < total:
                prefetch(table, 2 * home(prints[source + 2 * (element + _SLOT_AHEAD)] ^ salt_low, slots))
                # Mostly the right one, and a wrong one costs less than finding out.
                slot = home(prints[source + 2 * (element + _FOUND_AHEAD)] ^ salt_low, slots)
                prefetch(mem, np.int64(table[2 * slot + 1]) & ADDRESS_MASK)
            low = prints[source + 2 * element] ^ salt_low
            high = prints[source + 2 * element + 1]
            if high == _EMPTY:
                ent[target + element] = 0
                continue
            high ^= salt_high
            address, slot = find(table, slots, mem, low, high)
            if address == 0:
                address = np.int64(UNKNOWN)
                if feeds:
                    address = allocate(mem, prog[space + E_CLASS])
                    for i in range(address, address + prog[space + E_WORDS]):
                        mem[i] = 0
                    mem[address] = np.int64(high)
                    table[2 * slot] = low
                    table[2 * slot + 1] = np.uint64(address | (number << ADDRESS_BITS))
                    mem[A_KEYS] += 1
                    mem[A_MADE] += 1
            ent[target + element] = address


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
            word = _text_value(lay, at + L_COLUMNS + L_COLUMN_SIZE * column, row, lists, prints, secret)
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
    secret: Any, mem: Any, table: Any, last: Any, prints: Any, ent: Any, out: Any, note: Any, jobs: Any,
) -> Any:  # fmt: skip
    """Process a batch from where ``note`` stands; DONE, or what must be mended or grown before the next call."""
    return _run(
        pointer(text), text.size, pointer(lay), pointer(lists), pointer(flags), pointer(nums), pointer(order_type),
        pointer(order_pos), pointer(times), times.size, pointer(prog), pointer(secret), pointer(mem), pointer(table),
        pointer(last), pointer(prints), pointer(ent), pointer(out), pointer(note),
        pointer(jobs),
    )  # fmt: skip


@shared
def _run(
    text: Any, text_size: Any, lay: Any, lists: Any, flags: Any, nums: Any, order_type: Any, order_pos: Any, times: Any,
    rows: Any, prog: Any, secret: Any, mem: Any, table: Any, last: Any, prints: Any, ent: Any, out: Any, note: Any,
    jobs: Any,
) -> Any:  # fmt: skip
    if note[N_FRESH] != 0:
        note[N_NEWEST] = mem[A_NEWEST]
        types = note[N_TYPES]
        if 4 * (mem[A_KEYS] + note[N_KEYS]) > 3 * mem[A_SLOTS] or mem[A_NEXT] + note[N_KEY_WORDS] > mem[A_WORDS]:
            return KEYS_FULL
        # No text at all: the fingerprints were made elsewhere.
        if text_size > 0 and not hash_strings(text, text_size, note[N_STRINGS], secret, prints):
            return BAD_TEXT
        for kind in range(types):
            if lay[kind] != 0:
                _drop_list_repeats(prog, lay, lists, prints, ent, kind)
                compose(prog, lay, lists, prints, secret, kind)
        # Those that feed come first, so that a key is found wherever in the batch it is new.
        for only_reading in (False, True):
            for kind in range(types):
                if lay[kind] != 0:
                    intern(prog, lay, mem, table, secret, lists, flags, prints, ent, kind, only_reading)
    while True:
        if note[N_JOB] == note[N_JOBS]:
            _plan_jobs(lay, lists, flags, order_type, order_pos, times, rows, prog, mem, ent, out, note, jobs)
            if note[N_JOBS] == 0:
                mem[A_NEWEST] = note[N_NEWEST]
                keep_up(prog, mem, table, last)
                return DONE
            _warm_headers(mem, note[N_JOBS], jobs)
            _warm_logs(prog, mem, note[N_JOBS], jobs)
            _warm_nexts(prog, mem, note[N_JOBS], jobs)
        for j in range(note[N_JOB], note[N_JOBS]):
            full = _do_job(lay, lists, nums, prog, secret, mem, last, prints, out, note[N_VALUES], jobs, j * J_SIZE)
            if full != DONE:
                note[N_JOB] = j
                return full
        note[N_JOB] = note[N_JOBS]


@shared
def _plan_jobs(
    lay: Any, lists: Any, flags: Any, order_type: Any, order_pos: Any, times: Any, rows: Any, prog: Any, mem: Any,
    ent: Any, out: Any, note: Any, jobs: Any,
) -> None:  # fmt: skip
    """Spell out what the next events do, key by key, and ask for the entities of these keys.

    A *job* is one operation of one event on one key. Without a key there is no job: the results are missing.
    """
    job = 0
    note[N_JOB] = 0
    i = note[N_ROW]
    while i < rows and job < JOBS:
        kind = order_type[i]
        at = lay[kind]
        row = order_pos[i]
        time = times[i]
        if time < -_FARTHEST_US or time > _FARTHEST_US:
            time = np.int64(MISSING)
        else:
            note[N_NEWEST] = max(note[N_NEWEST], time)
        number = lay[at + L_ROWS]
        plan = prog[prog[G_TYPES] + kind]
        keys = at + L_COLUMNS + L_COLUMN_SIZE * prog[plan + T_TEXTS]
        o = note[N_OPERATION]
        operations = prog[plan + T_OPERATIONS] if at != 0 else 0
        while o < operations and job < JOBS:
            operation = prog[plan + T_OPERATION_AT] + o * O_SIZE
            stream = prog[operation + O_STREAM]
            key = keys + L_KEY_SIZE * prog[operation + O_KEY]
            where = prog[operation + O_WHERE]
            feeds = prog[operation + O_FEEDS] != 0 and (
                where < 0 or flags[lay[at + L_FLAGS] + where * number + row] != 0
            )
            entities = lay[key + L_ENTITY]
            offsets = lay[key + L_LISTS]
            element = row
            stop = row + 1
            if offsets >= 0:
                element = lists[offsets + row] + note[N_ELEMENT]
                stop = lists[offsets + row + 1]
            if note[N_ELEMENT] == 0 and (offsets >= 0 or ent[entities + row] == 0 or time == MISSING):
                _put_missing(prog, lay, at, operation, row, out)
            while element < stop and job < JOBS:
                entity = ent[entities + element]
                if entity != 0 and time != MISSING:
                    place = job * J_SIZE
                    jobs[place + J_SLOT] = entity + prog[stream + S_SLOT] if entity > 0 else 0
                    jobs[place + J_OPERATION] = operation
                    jobs[place + J_AT] = at
                    jobs[place + J_ROW] = row
                    jobs[place + J_TIME] = time
                    jobs[place + J_FEEDS] = feeds
                    jobs[place + J_SEVERAL] = offsets >= 0
                    jobs[place + J_NEWEST] = note[N_NEWEST]
                    prefetch(mem, jobs[place + J_SLOT])
                    job += 1
                element += 1
            if element < stop:
                note[N_ELEMENT] = element - lists[offsets + row]
                break
            note[N_ELEMENT] = 0
            o += 1
        note[N_OPERATION] = o
        if o < operations:
            break
        note[N_OPERATION] = 0
        i += 1
    note[N_ROW] = i
    note[N_JOBS] = job


@part
def _put_missing(prog: Any, lay: Any, at: Any, operation: Any, row: Any, out: Any) -> None:
    rows = lay[at + L_ROWS]
    place = lay[at + L_OUT] + prog[operation + O_OUT] * rows + row
    for r in range(prog[operation + O_READS]):
        put_read(prog, prog[operation + O_READ_AT] + r * R_SIZE, out, place, np.int64(MISSING), False)
        place += rows


@part
def _warm_headers(mem: Any, count: Any, jobs: Any) -> None:
    """Ask for the headers of all jobs (a few lines of each)."""
    for job in range(0, count * J_SIZE, J_SIZE):
        slot = jobs[job + J_SLOT]
        if slot != 0:
            header = mem[slot]
            prefetch(mem, header)
            prefetch(mem, header + 8)
            prefetch(mem, header + 16)


@part
def _warm_logs(prog: Any, mem: Any, count: Any, jobs: Any) -> None:
    """Ask for where the jobs will write and for what will expire."""
    for job in range(0, count * J_SIZE, J_SIZE):
        slot = jobs[job + J_SLOT]
        if slot != 0 and mem[slot] != 0:
            stream = prog[jobs[job + J_OPERATION] + O_STREAM]
            if prog[stream + S_PLAIN] != 0:
                warm_plain(mem, prog, stream, mem[slot])
            else:
                warm_log(mem, prog, stream, mem[slot], jobs[job + J_TIME])


@part
def _warm_nexts(prog: Any, mem: Any, count: Any, jobs: Any) -> None:
    """Ask for where the logs go on."""
    for job in range(0, count * J_SIZE, J_SIZE):
        slot = jobs[job + J_SLOT]
        if slot != 0 and mem[slot] != 0:
            stream = prog[jobs[job + J_OPERATION] + O_STREAM]
            if prog[stream + S_PLAIN] != 0:
                warm_next(mem, prog, stream, mem[slot])


@shared
def _drop_list_repeats(prog: Any, lay: Any, lists: Any, prints: Any, seen: Any, kind: Any) -> None:
    at = lay[kind]
    for column in range(prog[prog[prog[G_TYPES] + kind] + T_TEXTS]):
        place = at + L_COLUMNS + L_COLUMN_SIZE * column
        offsets = lay[place + 1]
        if offsets >= 0:
            for row in range(lay[at + L_ROWS]):
                if lists[offsets + row + 1] - lists[offsets + row] > 1:
                    drop_repeats(prints, lay[place] + lists[offsets + row], lay[place] + lists[offsets + row + 1], seen)


@part
def _do_job(
    lay: Any, lists: Any, nums: Any, prog: Any, secret: Any, mem: Any, last: Any, prints: Any, out: Any, values: Any,
    jobs: Any, job: Any,
) -> Any:  # fmt: skip
    """Feed and read one key for one event."""
    slot = jobs[job + J_SLOT]
    operation = jobs[job + J_OPERATION]
    stream = prog[operation + O_STREAM]
    header = mem[slot] if slot != 0 else np.int64(0)
    newest = jobs[job + J_NEWEST]
    mem[A_NEWEST] = newest
    plain = prog[operation + O_PLAIN] != 0 and jobs[job + J_FEEDS] > jobs[job + J_SEVERAL]
    # A plain step at the newest time finds all windows of a silent key run out: as good as new.
    goes_on = plain and jobs[job + J_TIME] == newest and prog[stream + S_AGE] == 0
    if header != 0 and not goes_on and stale(mem, prog, stream, header, newest):
        drop(mem, prog, last, stream, slot)
        header = np.int64(0)
    if plain:
        if mem[A_NEXT] + prog[stream + S_ROOM] > mem[A_WORDS]:
            return ARENA_FULL
        step_plain(lay, nums, prog, mem, out, slot, operation, jobs[job + J_AT], jobs[job + J_ROW], jobs[job + J_TIME])
        return DONE
    at = jobs[job + J_AT]
    row = jobs[job + J_ROW]
    now = jobs[job + J_TIME]
    feeds = jobs[job + J_FEEDS] != 0
    if feeds:
        full = _room(prog, stream, mem)
        if full != DONE:
            return full
        gather(prog, lay, at, operation, row, nums, lists, prints, secret, mem, values)
        if header == 0:
            header = new_header(mem, prog, stream, slot, now)
    if header != 0:
        now = max(now, mem[header + H_CLOCK])
        mem[header + H_CLOCK] = now
        mem[header + H_SEEN] = newest
        if feeds and prog[stream + S_PLAIN] != 0:
            remember(mem, prog, stream, header, now, values)
            word = mem[values + prog[prog[stream + S_LOGGED_AT]]]
            feed_plain(mem, prog, stream, header, now, word if word != MISSING else np.int64(0))
        else:
            move(mem, prog, last, stream, header, now, values, secret, feeds)
    rows = lay[at + L_ROWS]
    place = lay[at + L_OUT] + prog[operation + O_OUT] * rows + row
    read = prog[operation + O_READ_AT]
    several = jobs[job + J_SEVERAL] != 0
    for _ in range(prog[operation + O_READS]):
        if header == 0:
            put_read(prog, read, out, place, read_default(prog, read), several)
        elif prog[read + R_CODE] == READ_COUNT and not several:
            # Counts and totals are read most.
            out[place] = mem[header + prog[read + R_B]] - mem[header + prog[read + R_A]]
        elif prog[read + R_CODE] == READ_TOTAL_WHOLE and not several:
            out[place] = whole_total(mem, header + prog[read + R_B], header + prog[read + R_A])
        else:
            put_read(prog, read, out, place, read_one(mem, prog, read, header, now, feeds), several)
        place += rows
        read += R_SIZE
    return DONE


@part
def _room(prog: Any, stream: Any, mem: Any) -> Any:
    """Is there room for all that one feed may allocate?"""
    if mem[A_NEXT] + prog[stream + S_ROOM] > mem[A_WORDS]:
        return ARENA_FULL
    if prog[stream + S_DISTINCT] != 0:
        slots = mem[A_LAST_SLOTS]
        if mem[A_DISTINCT] + prog[stream + S_DISTINCT] >= slots - slots // 4:
            return DISTINCT_FULL
    return DONE
