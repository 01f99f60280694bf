"""``Windows``: the state behind all windowed features of one policy, and the one way to move it on."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from trustward.base.errors import StateError, UsageError
from trustward.windows import forgetting, memory, snapshot, upkeep
from trustward.windows import kernel as kernels
from trustward.windows.batch import Batch, Rows, TextColumn, Words
from trustward.windows.hashing import MOST_WORDS, hash_numbers, rehash, rehash_distinct
from trustward.windows.layout import (
    A_DISTINCT,
    A_ENTRIES,
    A_HEADERS,
    A_KEYS,
    A_LAST_SLOTS,
    A_NEWEST,
    A_NEXT,
    A_PAIRS,
    A_SLOTS,
    A_WORDS,
    C_WORDS,
    G_SPACES,
    LONGEST_US,
    S_ROOM,
    class_at,
    is_float,
    lay_out,
    slab_words,
)
from trustward.windows.packing import NO_BYTES, NO_WORDS, Packed, Shape, Single, escaped, joined, secrets_of
from trustward.windows.plan import Plan

_STEP_WORDS = 1 << 20
_SHORT = 16
"""Most texts of an event for which arrays are kept: the next one like it is laid out already."""
_SHAPES = 1024
"""How many such arrays are kept."""


class Windows:
    """All windows of a plan over one stream of events, in one process.

    ``seed`` (16 bytes, secret) keys the fingerprints of all values; the same seed is needed to use a snapshot again.
    One thread at a time may use it.

    >>> from trustward.windows.plan import Operation, Plan, Read, Stream, TypePlan
    >>> hour = Read(aggregate="count", window=3_600_000_000)
    >>> plan = Plan(
    ...     streams=(Stream(id="messages", keyspace="account", reads=(hour,)),),
    ...     types=(
    ...         TypePlan(
    ...             type="message.sent",
    ...             texts=("account",),
    ...             operations=(Operation(stream=0, key=(0,), feeds=True, reads=(0,)),),
    ...         ),
    ...     ),
    ... )
    >>> windows = Windows(plan, bytes(16))
    >>> [windows.step_one(0, time, ["a1"], [], []) for time in (0, 1_000_000, 3_600_000_000)]
    [[1], [2], [2]]
    """

    def __init__(self, plan: Plan, seed: bytes, *, slots: int = 1024, words: int = 0) -> None:
        """First sizes: ``slots`` of each hash table, ``words`` of the arena (0: all that can be reserved)."""
        self.plan = plan
        self._seed = seed
        self._layout = layout = lay_out(plan)
        self._shapes = [Shape(plan, layout, number) for number in range(len(plan.types))]
        self._program = np.array(layout.program, np.int64)
        self._secret = secrets_of(seed, layout.spaces)
        self._mem = memory.words(max(words, layout.start)) if words else memory.reserve()
        self._mem[A_NEXT] = layout.start
        self._mem[A_NEWEST] = -LONGEST_US
        for index, size in enumerate(layout.classes):
            self._mem[class_at(index) + C_WORDS] = size
        self._table = memory.table(max(slots, 4))
        self._last = memory.table(max(slots, 8), 1)
        self._sized()
        self._note = np.zeros(kernels.N_SIZE, np.int64)
        self._blank = np.zeros(kernels.N_SIZE, np.int64)
        self._blank[[kernels.N_FRESH, kernels.N_TYPES, kernels.N_VALUES]] = (1, len(plan.types), layout.values)
        # Each keyspace may open a new slab.
        self._blank[kernels.N_KEY_WORDS] = len(layout.spaces) * slab_words(layout.entity)
        self._singles: dict[tuple[int, ...], Single] = {}
        self._jobs = np.zeros(kernels.JOBS * kernels.J_SIZE, np.int64)
        room = max((layout.program[at + S_ROOM] for at in layout.streams), default=0)
        self._step = room + (words or _STEP_WORDS)

    def float_reads(self, type_index: int) -> tuple[bool, ...]:
        """For each read of a type, in output order: is its result a float (bits in an int64)?"""
        return self._layout.float_reads[type_index]

    def to_lists(self, type_index: int, results: Words) -> list[list[Any]]:
        """The results of one type as Python lists, one a read: ints with ``MISSING``, floats with NaN."""
        return [
            (results[i].view(np.float64) if real else results[i]).tolist()
            for i, real in enumerate(self._layout.float_reads[type_index])
        ]

    def step(self, batch: Batch) -> list[Words]:
        """Move the windows through a batch; by type index, the results as [reads of the type, rows of the batch]."""
        packed = Packed(self._shapes)
        packed.add_rows(batch.rows)
        prints = packed.prints()
        packed.hash_texts(self._secret, prints)
        return self._run(packed, prints, batch.order_type, batch.order_pos, batch.times)

    def step_one(
        self, type_index: int, time: int, texts: Sequence[Any], numbers: Sequence[Any], flags: Sequence[bool]
    ) -> list[Any]:
        """One event: its texts (str, or a list of str), numbers and flags as in its ``TypePlan``; its results."""
        columns: list[Any] = [(t, [len(t)]) if isinstance(t, list) else [t] for t in texts]
        return self.step_row(type_index, time, columns, [[n] for n in numbers], [[f] for f in flags])

    def step_row(
        self,
        type_index: int,
        time: int,
        texts: Sequence[TextColumn],
        numbers: Sequence[Sequence[Any]],
        flags: Sequence[Sequence[bool]],
    ) -> list[Any]:
        """One event, given as columns of one row (what a ``Rows`` of it would hold); its results.

        The same kernel as for a batch, without the cost of laying out a batch.
        """
        strings: list[str] = []
        shape = [type_index]
        for column in texts:
            if isinstance(column, tuple):
                strings += column[0]
                shape.append(len(column[0]))
                if column[1] != shape[-1:]:
                    return self._step_long(type_index, time, texts, numbers, flags)
            else:
                strings.append(str(column[0]))
                shape.append(-1)
        if len(strings) > _SHORT:
            return self._step_long(type_index, time, texts, numbers, flags)
        single = self._singles.get(tuple(shape)) or self._single(tuple(shape))
        single.put(time, numbers, flags)
        self._note[:] = single.note
        text = joined(strings) if strings else NO_BYTES
        while True:
            status = kernels.run(
                text, single.lay, single.lists, single.flags, single.nums, single.order_type, single.order_pos,
                single.times, self._program, self._secret, self._mem, self._table, self._last, single.prints,
                single.ent, single.out, self._note, self._jobs,
            )  # fmt: skip
            if status == kernels.DONE:
                return single.results()
            if status == kernels.BAD_TEXT:
                text = escaped(strings)
            else:
                self._grow(status)

    def _single(self, shape: tuple[int, ...]) -> Single:
        """The arrays for rows of a shape: the type, and how many texts each list has (-1: no list)."""
        if len(self._singles) >= _SHAPES:
            self._singles.clear()
        single = Single(self._shapes, shape[0], shape[1:], self.float_reads(shape[0]))
        self._start(single.entities, single.strings)
        single.note = self._note.copy()
        self._singles[shape] = single
        return single

    def _step_long(
        self,
        type_index: int,
        time: int,
        texts: Sequence[TextColumn],
        numbers: Sequence[Sequence[Any]],
        flags: Sequence[Sequence[bool]],
    ) -> list[Any]:
        """One event with long lists, laid out as a batch of one."""
        packed = Packed(self._shapes)
        packed.add_rows([Rows(type_index, 1, texts, numbers, flags)])
        prints = packed.prints()
        packed.hash_texts(self._secret, prints)
        one = np.array([type_index, 0, time], np.int64)
        result = self._run(packed, prints, one[0:1], one[1:2], one[2:3])[type_index]
        return [column[0] for column in self.to_lists(type_index, result)]

    def step_keys(
        self, type_index: int, times: Words, keys: Sequence[Words], numbers: Sequence[Any] = (), flags: Any = None
    ) -> Words:
        """Rows of one type whose keys are whole numbers, given as arrays: [reads of the type, rows].

        ``keys`` and ``numbers`` (int64 or float64) have an array for each text and number column; ``flags`` is a bool
        array [flags, rows].
        """
        count = len(times)
        if any(len(column) != count for column in (*keys, *numbers, *([] if flags is None else flags))):
            raise UsageError(f"all columns must have {count} rows, as the times have", remedy="cut them alike")
        packed = Packed(self._shapes)
        packed.string_count = count * len(keys)
        if numbers:
            packed.nums = np.concatenate([_as_words(column) for column in numbers])
        if flags is not None:
            packed.flags = np.ascontiguousarray(flags).view(np.uint8).reshape(-1)
        packed.place(type_index, count, [(place * count, -1, count) for place in range(len(keys))], 0, 0)
        prints = packed.prints()
        for place, column in enumerate(keys):
            hash_numbers(np.ascontiguousarray(column, np.int64), place * count, self._secret, prints)
        return self._run(packed, prints, np.full(count, type_index, np.int64), np.arange(count), times)[type_index]

    def lookup(self, keyspace: str, value: str | Sequence[str], at: int) -> dict[str, list[Any]]:
        """What each stream of a keyspace would read for one key at a time, by stream id; nothing is moved.

        ``value`` is the key's text, or one text for each part of a composite key. At a time before the key's latest
        the latest counts, as always.
        """
        parts = [value] if isinstance(value, str) else list(value)
        layout = self._layout
        if keyspace not in layout.spaces:
            raise UsageError(f"no windows are kept by {keyspace!r}", remedy=f"one of: {', '.join(layout.spaces)}")
        space = int(self._program[self._program[G_SPACES] + layout.spaces.index(keyspace)])
        members = [stream for stream in self.plan.streams if stream.keyspace == keyspace]
        out = np.empty(sum(len(stream.reads) for stream in members), np.int64)
        prints = np.empty(2 * len(parts), np.uint64)
        for text in (joined(parts), escaped(parts)):
            if upkeep.look(
                text,
                prints,
                self._program,
                self._secret,
                self._mem,
                self._table,
                self._last,
                space,
                at,
                layout.copy,
                out,
            ):
                break
        results: dict[str, list[Any]] = {}
        place = 0
        for stream in members:
            words = out[place : place + len(stream.reads)]
            reals = words.view(np.float64)
            results[stream.id] = [
                float(reals[i]) if is_float(stream, i) else int(words[i]) for i in range(len(stream.reads))
            ]
            place += len(stream.reads)
        return results

    def sweep(self) -> int:
        """Give back the memory of all keys that begin anew when next they come; how many key-and-stream pairs.

        No result depends on it: batches do the same, a few slots of the table for each new key.
        """
        return int(forgetting.sweep_all(self._program, self._mem, self._table, self._last))

    def retained(self) -> dict[str, int]:
        """How much is held: keys, key-and-stream pairs, log entries, distinct values, extremes."""
        names = {
            "keys": A_KEYS,
            "headers": A_HEADERS,
            "entries": A_ENTRIES,
            "distinct": A_DISTINCT,
            "extremes": A_PAIRS,
        }
        return {name: int(self._mem[at]) for name, at in names.items()}

    def bytes_used(self) -> int:
        """Bytes of all that is kept between batches."""
        return int(8 * self._mem[A_NEXT] + self._table.nbytes + self._last.nbytes)

    def frozen(self) -> Windows:
        """A copy of what is held, to be saved by another thread while this one goes on. It can do nothing else."""
        held = copy(self)
        held._mem = self._mem[: int(self._mem[A_NEXT])].copy()  # noqa: SLF001 - of its own kind
        held._table, held._last = self._table.copy(), self._last.copy()  # noqa: SLF001 - the same
        return held

    def save(self, target: Path | BinaryIO) -> None:
        """Write a snapshot to a file (there whole or not at all) or to an open binary file."""
        layout = self._layout
        # What differs from process to process, or belongs to no key, is not part of the state.
        head = self._mem[: layout.start].copy()
        head[[A_WORDS, A_SLOTS, A_LAST_SLOTS]] = 0
        head[layout.values :] = 0
        used = int(self._mem[A_NEXT])
        header = snapshot.header_of(self.plan.streams, self._seed, [used, self._table.size, self._last.size])
        arrays = [head, self._mem[layout.start : used], self._table, self._last]
        if isinstance(target, Path):
            snapshot.save_file(target, header, arrays)
        else:
            snapshot.save(target, header, arrays)

    @classmethod
    def restore(cls, source: Path | BinaryIO, plan: Plan, seed: bytes) -> Windows:
        """The windows of a snapshot, bit for bit. StateError if it is damaged, or was made for other streams."""
        if isinstance(source, Path):
            try:
                with source.open("rb") as file:
                    return cls.restore(file, plan, seed)
            except OSError as fault:
                raise StateError(f"cannot read {source.name}: {fault.strerror}", remedy="check the path") from fault
        reader = snapshot.Reader(source)
        reader.check(plan.streams, seed)
        if len(reader.words) != 3 or min(reader.words) < 8 or max(reader.words) > 1 << 40:
            raise StateError("the snapshot is damaged: impossible sizes", remedy="take a new snapshot")
        windows = cls(plan, seed)
        used, slots, last_slots = reader.words
        if used > windows._mem.size:
            windows._mem = memory.words(used)
        windows._table, windows._last = memory.table(slots // 2), memory.table(last_slots, 1)
        for array in (windows._mem[:used], windows._table, windows._last):
            reader.fill(array)
        reader.finish()
        windows._sized()
        return windows

    def _run(self, packed: Packed, prints: Any, order_type: Words, order_pos: Words, times: Words) -> list[Words]:
        self._start(packed.entities, packed.string_count)
        out = np.empty(packed.out, np.int64)
        ent, lay, lists = packed.ent(), packed.lay(), packed.lists()
        order_type, order_pos, times = _flat(order_type), _flat(order_pos), _flat(times)
        if not len(order_type) == len(order_pos) == len(times):
            raise UsageError(
                "the orders and times of a batch differ in length", remedy="give one of each for each event"
            )
        while True:
            status = kernels.run(
                packed.text, lay, lists, packed.flags, packed.nums, order_type, order_pos, times, self._program,
                self._secret, self._mem, self._table, self._last, prints, ent, out, self._note,
                self._jobs,
            )  # fmt: skip
            if status == kernels.DONE:
                break
            if status == kernels.BAD_TEXT:
                packed.escape()
            else:
                self._grow(status)
        results = [NO_WORDS] * len(self._shapes)
        for number, at, count in packed.outs:
            reads = self._shapes[number].reads
            results[number] = out[at : at + reads * count].reshape(reads, count)  # type: ignore[assignment]
        return results

    def _start(self, elements: int, strings: int) -> None:
        """Set the kernel's note for a new batch with so many strings and so many keys, new ones perhaps."""
        note = self._note
        note[:] = self._blank
        note[kernels.N_STRINGS] = strings
        note[kernels.N_KEYS] = elements
        note[kernels.N_KEY_WORDS] += elements * self._layout.entity

    def _grow(self, status: int) -> None:
        """Make room for what the kernel stopped at; it goes on from there."""
        note = self._note
        if status == kernels.KEYS_FULL:
            while int(self._mem[A_KEYS] + note[kernels.N_KEYS]) * 8 > self._table.size * 3:
                # Slots lie in the order of their fingerprints, so moving them is one sequential pass.
                larger = memory.table(self._table.size)
                rehash(self._table, larger)
                self._table = larger
            self._grow_arena(int(note[kernels.N_KEY_WORDS]))
            return
        note[kernels.N_FRESH] = 0
        if status == kernels.ARENA_FULL:
            self._grow_arena(self._step)
        else:
            larger = memory.table(self._last.size // 4 * 5 + 4, 1)
            rehash_distinct(self._last, larger)
            self._last = larger
            self._sized()

    def _grow_arena(self, words: int) -> None:
        """Make sure of so many words behind what is used."""
        if int(self._mem[A_NEXT]) + words > self._mem.size:
            if int(self._mem[A_NEXT]) + words > MOST_WORDS:
                raise StateError(
                    "the windows are full: they hold 512 GiB",
                    remedy="shorten windows, or say how long `age` is kept",
                )
            larger = memory.words(min(self._mem.size * 5 // 4 + words, MOST_WORDS))
            larger[: self._mem.size] = self._mem
            self._mem = larger
        self._sized()

    def _sized(self) -> None:
        self._mem[A_WORDS] = self._mem.size
        self._mem[A_SLOTS] = self._table.size // 2
        self._mem[A_LAST_SLOTS] = self._last.size


def _as_words(column: Any) -> Words:
    """A column of numbers as 64-bit words."""
    real = np.asarray(column).dtype.kind == "f"
    return np.ascontiguousarray(column, np.float64 if real else np.int64).view(np.int64)


def _flat(words: Words) -> Words:
    return np.ascontiguousarray(words, np.int64)
