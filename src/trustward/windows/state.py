"""``Windows``: the state behind all windowed features of one policy, and the one way to move it on."""

from __future__ import annotations

import hashlib
import struct
from array import array
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import numpy as np

from trustward.base.units import MISSING
from trustward.windows import kernel as kernels
from trustward.windows.batch import Batch, Rows, Words
from trustward.windows.hashing import hash_numbers, rehash
from trustward.windows.layout import (
    A_DISTINCT,
    A_ENTRIES,
    A_HEADERS,
    A_KEYS,
    A_NEXT,
    A_LAST_SLOTS,
    A_PAIRS,
    A_SLOTS,
    A_WORDS,
    C_WORDS,
    class_at,
    lay_out,
    slab_words,
)
from trustward.windows.plan import Plan

_NO_WORDS = np.zeros(0, np.int64)
_NO_BYTES = np.zeros(0, np.uint8)
_PAD = "\0" * 7


class Windows:
    """All windows of a plan over one stream of events, in one process.

    ``seed`` (16 bytes, secret) keys the fingerprints of all values; the same seed is needed to use a snapshot again.

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

    def __init__(
        self, plan: Plan, seed: bytes, *, slots: int = 1024, words: int = 1 << 16, growth: float = 1.3
    ) -> None:
        """``slots`` (of each hash table), ``words`` (of the arena) and ``growth`` set the first sizes only."""
        self.plan = plan
        self._layout = layout = lay_out(plan)
        self._growth = growth
        self._program = np.array(layout.program, np.int64)
        self._secret = _secrets(seed, layout.spaces)
        self._mem = np.zeros(max(words, layout.start), np.int64)
        self._mem[A_NEXT] = layout.start
        for index, size in enumerate(layout.classes):
            self._mem[class_at(index) + C_WORDS] = size
        self._table = np.zeros(2 * max(slots, 4), np.uint64)
        self._last = np.zeros(2 * max(slots, 4), np.uint64)
        self._sized()
        self._note = np.zeros(kernels.N_SIZE, np.int64)
        self._keys_of = [_keys(layout.program, number) for number in range(len(plan.types))]
        self._record = max(
            (layout.program[layout.program[layout.program[2] + i] + 1] for i in range(len(layout.spaces))), default=1
        )
        self._reads = [len(floats) for floats in layout.float_reads]

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
        packed = _Packed(self, batch.rows)
        return self._run(packed, batch.rows, batch.order_type, batch.order_pos, batch.times)

    def step_one(
        self, type_index: int, time: int, texts: Sequence[Any], numbers: Sequence[Any], flags: Sequence[bool]
    ) -> list[Any]:
        """One event: its texts (str, or a list of str), numbers and flags as in its ``TypePlan``; its results."""
        columns: list[Any] = [(t, [len(t)]) if isinstance(t, list) else [t] for t in texts]
        rows = [Rows(type_index, 1, columns, [[n] for n in numbers], [[f] for f in flags])]
        one = np.array([type_index, 0, time], np.int64)
        result = self._run(_Packed(self, rows), rows, one[0:1], one[1:2], one[2:3])[type_index]
        return [column[0] for column in self.to_lists(type_index, result)]

    def step_keys(
        self, type_index: int, times: Words, keys: Sequence[Words], numbers: Sequence[Any] = (), flags: Any = None
    ) -> Words:
        """Rows of one type whose keys are whole numbers, given as arrays: [reads of the type, rows].

        ``numbers`` are int64 or float64 arrays, one for each number column; ``flags`` a bool array [flags, rows].
        """
        count = len(times)
        rows = [Rows(type_index, count, [()] * len(keys), (), ())]  # type: ignore[list-item]
        packed = _Packed(self, ())
        packed.strings_count = count * len(keys)
        packed.prints = np.empty(2 * packed.strings_count, np.uint64)
        for place, column in enumerate(keys):
            hash_numbers(column, place * count, self._secret, packed.prints)
        packed.nums = (
            np.concatenate([np.ascontiguousarray(n).view(np.int64) for n in numbers]) if numbers else _NO_WORDS
        )
        packed.flags = _NO_BYTES if flags is None else np.ascontiguousarray(flags).view(np.uint8).reshape(-1)
        packed.place(self, type_index, count, [(place * count, -1, count) for place in range(len(keys))], 0, 0)
        order = np.full(count, type_index, np.int64)
        return self._run(packed, rows, order, np.arange(count), times)[type_index]

    def retained(self) -> dict[str, int]:
        """How much is held: keys, key-and-stream pairs, log entries, distinct values, extremes."""
        mem = self._mem
        return {
            "keys": int(mem[A_KEYS]),
            "headers": int(mem[A_HEADERS]),
            "entries": int(mem[A_ENTRIES]),
            "distinct": int(mem[A_DISTINCT]),
            "extremes": int(mem[A_PAIRS]),
        }

    def bytes_used(self) -> int:
        """Bytes of all arrays."""
        return int(self._mem.nbytes + self._table.nbytes + self._last.nbytes)

    def _run(
        self, packed: _Packed, rows: Sequence[Rows], order_type: Words, order_pos: Words, times: Words
    ) -> list[Words]:
        note = self._note
        note[:] = (1, 0, 0, 0, packed.strings_count, len(self.plan.types), self._layout.values)
        self._make_room_for_keys(packed.entities)
        out = np.empty(packed.out, np.int64)
        ent = np.empty(max(packed.entities, 2 * packed.longest_list), np.int64)
        while True:
            status = kernels.run(
                packed.text, packed.lay, packed.lists, packed.flags, packed.nums, order_type, order_pos, times,
                self._program, self._secret, self._mem, self._table, self._last, packed.prints, ent, out, note,
            )  # fmt: skip
            if status == kernels.DONE:
                break
            if status == kernels.BAD_TEXT:
                packed.text = _escaped(packed.strings)
                continue
            note[kernels.N_FRESH] = 0
            if status == kernels.ARENA_FULL:
                self._grow_arena(1 << 14)
            else:
                self._last = _grown(self._last)
                self._sized()
        results = [_NO_WORDS] * len(self.plan.types)
        for group, at in zip(rows, packed.outs, strict=True):
            reads = self._reads[group.type]
            results[group.type] = out[at : at + reads * group.count].reshape(reads, group.count)
        return results

    def _make_room_for_keys(self, elements: int) -> None:
        mem = self._mem
        need = int(mem[A_KEYS]) + elements
        while need > self._table.size * 5 // 16:
            self._table = _grown(self._table)
            self._sized()
        spaces = len(self._layout.spaces)
        words = elements * self._record + spaces * slab_words(self._record)
        if int(mem[A_NEXT]) + words > mem.size:
            self._grow_arena(words)

    def _grow_arena(self, words: int) -> None:
        """In place where the system can; no view of the arena outlives a call."""
        self._mem.resize(max(int(self._mem.size * self._growth), self._mem.size + words), refcheck=False)
        self._sized()

    def _sized(self) -> None:
        self._mem[A_WORDS] = self._mem.size
        self._mem[A_SLOTS] = self._table.size // 2
        self._mem[A_LAST_SLOTS] = self._last.size // 2


class _Packed:
    """A batch as flat arrays, as the kernel takes it."""

    def __init__(self, windows: Windows, groups: Sequence[Rows]) -> None:
        self.lay_words = [0] * len(windows.plan.types)
        self.list_words: list[int] = []
        self.entities = self.out = self.longest_list = self.strings_count = 0
        self.outs: list[int] = []
        self.strings: list[str] = []
        strings = self.strings
        numbers = array("q")
        flags = bytearray()
        for group in groups:
            columns: list[tuple[int, int, int]] = []
            for column in group.texts:
                start = len(strings)
                if isinstance(column, tuple):
                    flat, counts = column
                    columns.append((start, len(self.list_words), len(flat)))
                    self.list_words.extend(accumulate(counts, initial=0))
                    self.longest_list = max(self.longest_list, max(counts, default=0))
                    strings += flat
                else:
                    columns.append((start, -1, group.count))
                    strings += column
            self.place(windows, group.type, group.count, columns, len(numbers), len(flags))
            kinds = windows.plan.types[group.type].numbers
            for kind, values in zip(kinds, group.numbers, strict=True):
                numbers.frombytes(_number_bytes(kind, values))
            for flag in group.flags:
                flags += bytes(flag)
        self.strings_count = len(strings)
        self.prints = np.empty(2 * len(strings), np.uint64)
        self.nums = np.frombuffer(numbers, np.int64) if numbers else _NO_WORDS
        self.flags = np.frombuffer(flags, np.uint8) if flags else _NO_BYTES
        self.text = _joined(strings) if strings else _NO_BYTES

    def place(
        self,
        windows: Windows,
        type_index: int,
        count: int,
        columns: list[tuple[int, int, int]],
        numbers: int,
        flags: int,
    ) -> None:
        """Lay out one type's rows; ``columns``: first string, list offsets or -1, strings."""
        words = self.lay_words
        words[type_index] = len(words)
        words += [count, numbers, flags, self.out]
        for start, offsets, _size in columns:
            words += [start, offsets]
        for key in windows._keys_of[type_index]:
            size = count
            for column in key:
                if columns[column][1] >= 0:
                    size = columns[column][2]
            words.append(self.entities)
            self.entities += size
        self.outs.append(self.out)
        self.out += windows._reads[type_index] * count

    @property
    def lay(self) -> Words:
        return np.array(self.lay_words, np.int64)

    @property
    def lists(self) -> Words:
        return np.array(self.list_words, np.int64) if self.list_words else _NO_WORDS


def _secrets(seed: bytes, spaces: Sequence[str]) -> Any:
    """Two SipHash keys, then two words of salt for each keyspace, all derived from the seed."""
    digests = [hashlib.blake2b(key=seed, digest_size=32).digest()]
    digests += [
        hashlib.blake2b(name.encode(), key=seed, digest_size=16, person=b"keyspace").digest() for name in spaces
    ]
    return np.frombuffer(b"".join(digests), np.uint64).copy()


def _keys(program: list[int], number: int) -> list[list[int]]:
    """For each key of a type, its text columns."""
    plan = program[program[0] + number]
    first = program[plan + 2]
    return [
        program[program[at + 1] : program[at + 1] + program[at]]
        for at in range(first, first + program[plan + 1] * 6, 6)
    ]


def _joined(strings: list[str]) -> Any:
    try:
        return np.frombuffer("\0".join([*strings, "\0" + _PAD]).encode(), np.uint8)
    except UnicodeEncodeError:
        return _escaped(strings)


def _escaped(strings: list[str]) -> Any:
    """The same for strings with zero bytes or lone surrogates: both get byte sequences that UTF-8 never has."""
    parts = [text.encode("utf-8", "surrogatepass").replace(b"\0", b"\xc0\x80") for text in strings]
    return np.frombuffer(b"\0".join([*parts, bytes(8)]), np.uint8)


def _number_bytes(kind: str, values: Sequence[Any]) -> bytes:
    try:
        return struct.pack(f"{len(values)}{'d' if kind == 'float' else 'q'}", *values)
    except struct.error:
        # A whole number beyond 64 bits, or a float where a whole number belongs: no value.
        fits = [value if isinstance(value, int) and -(2**63) <= value < 2**63 else MISSING for value in values]
        return struct.pack(f"{len(values)}q", *fits)


def _grown(table: Any) -> Any:
    larger = np.zeros(2 * (table.size // 2 + table.size // 4 + 4), np.uint64)
    rehash(table, larger)
    return larger
