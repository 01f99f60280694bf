"""A batch as flat arrays, the way the kernel takes it."""

from __future__ import annotations

import hashlib
import operator
import struct
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import numpy as np

from trustward.base.errors import UsageError
from trustward.base.units import MISSING
from trustward.windows.batch import Rows, Words
from trustward.windows.layout import G_TYPES, K_COLUMN_AT, K_COLUMNS, K_SIZE, T_KEY_AT, T_KEYS, Layout
from trustward.windows.objects import hash_list, whole_list
from trustward.windows.plan import Plan

NO_WORDS = np.zeros(0, np.int64)
NO_BYTES = np.zeros(0, np.uint8)
_END = "\0" * 8
_NOT_TEXT = np.zeros(8, np.uint8)
"""What no strings can be: the kernel answers that the texts must be escaped."""


class Shape:
    """What packing needs to know of one event type."""

    def __init__(self, plan: Plan, layout: Layout, number: int) -> None:
        program = layout.program
        at = program[program[G_TYPES] + number]
        first = program[at + T_KEY_AT]
        self.keys = [
            program[program[key + K_COLUMN_AT] : program[key + K_COLUMN_AT] + program[key + K_COLUMNS]]
            for key in range(first, first + program[at + T_KEYS] * K_SIZE, K_SIZE)
        ]
        self.texts = len(plan.types[number].texts)
        self.numbers = plan.types[number].numbers
        self.flags = plan.types[number].flags
        self.reads = len(layout.float_reads[number])


class Packed:
    """The arrays of one batch; ``prints`` and ``ent`` are room for fingerprints and entities."""

    def __init__(self, shapes: Sequence[Shape]) -> None:
        self.shapes = shapes
        self.text = NO_BYTES
        self.nums = NO_WORDS
        self.flags = NO_BYTES
        self._columns: list[Sequence[str]] = []
        self.string_count = 0
        self.entities = self.out = self.longest_list = self.composites = 0
        self.outs: list[tuple[int, int, int]] = []
        self._lay = [0] * len(shapes)
        self._lists: list[int] = []

    def add_rows(self, groups: Sequence[Rows]) -> None:
        """Take in all rows of a batch."""
        numbers: list[tuple[str, Sequence[Any]]] = []
        number_count = 0
        flags = bytearray()
        placed = []
        for group in groups:
            columns: list[tuple[int, int, int]] = []
            for column in group.texts:
                if isinstance(column, tuple):
                    flat, counts = column
                    columns.append((self.string_count, len(self._lists), len(flat)))
                    self._lists.extend(accumulate(counts, initial=0))
                    self.longest_list = max(self.longest_list, max(counts, default=0))
                else:
                    flat = column
                    columns.append((self.string_count, -1, group.count))
                if len(flat) != columns[-1][2] or (isinstance(column, tuple) and self._lists[-1] != len(flat)):
                    raise UsageError(
                        f"a text column holds {len(flat)} strings", remedy="one a row, or as its counts say"
                    )
                if flat:
                    self._columns.append(flat)
                    self.string_count += len(flat)
            placed.append((group, columns, number_count, len(flags)))
            for kind, values in zip(self.shapes[group.type].numbers, group.numbers, strict=True):
                _check_length(values, group.count)
                numbers.append((kind, values))
                number_count += group.count
            for flag in group.flags:
                _check_length(flag, group.count)
                flags += bytes(flag)
        for group, columns, number_at, flag_at in placed:
            self.place(group.type, group.count, columns, number_at, flag_at)
        if numbers:
            self.nums = _words_of(numbers, number_count)
        if flags:
            self.flags = np.frombuffer(flags, np.uint8)

    def hash_texts(self, secret: Any, prints: Any) -> None:
        """Fingerprint all texts; those of lists are read where they lie, unless one of them must be escaped."""
        at = 0
        for column in self._columns:
            if not (isinstance(column, list) and hash_list(column, at, secret, prints)):
                # Column by column: long lists of strings are not copied. The kernel hashes what it is given.
                self.text = joined(["\0".join(column) for column in self._columns])
                return
            at += len(column)

    def place(
        self, number: int, count: int, columns: Sequence[tuple[int, int, int]], number_at: int, flag_at: int
    ) -> None:
        """Lay out one type's rows. ``columns``: first string, list offsets (or -1), strings."""
        shape = self.shapes[number]
        words = self._lay
        words[number] = len(words)
        words += [count, number_at, flag_at, self.out]
        for start, offsets, _size in columns:
            words += [start, offsets]
        for key in shape.keys:
            start, offsets, size = columns[key[0]]
            if len(key) > 1:
                for column in key:
                    if columns[column][1] >= 0:
                        _, offsets, size = columns[column]
                start = self.string_count + self.composites
                self.composites += size
            words += [start, offsets, self.entities]
            self.entities += size
        self.outs.append((number, self.out, count))
        self.out += shape.reads * count

    def escape(self) -> None:
        """Join the texts again, for some hold zero bytes."""
        self.text = escaped([text for column in self._columns for text in column])

    def lay(self) -> Words:
        """Where everything is, for each type."""
        return np.array(self._lay, np.int64)

    def lists(self) -> Words:
        """The offsets of all list-valued columns."""
        return np.array(self._lists, np.int64) if self._lists else NO_WORDS

    def prints(self) -> Any:
        """Room for the fingerprints of all texts and composite keys."""
        return np.empty(2 * (self.string_count + self.composites), np.uint64)

    def ent(self) -> Words:
        """Room for the entities of all keys (and, before that, for the search for repeats in a list)."""
        return np.empty(max(self.entities, 2 * self.longest_list), np.int64)


class Single:
    """Arrays made once for rows that come one at a time: of one type, with lists of the same lengths.

    ``counts``: for each text column how many texts its list has, or -1 where it holds one text and no list. ``note`` is
    the kernel's note at the beginning of such a row.
    """

    def __init__(self, shapes: Sequence[Shape], number: int, counts: Sequence[int], floats: Sequence[bool]) -> None:
        shape = shapes[number]
        packed = Packed(shapes)
        texts: list[Any] = [[""] if count < 0 else ([""] * count, [count]) for count in counts]
        packed.add_rows([Rows(number, 1, texts, [[0]] * len(shape.numbers), [[False]] * shape.flags)])
        self.lay = packed.lay()
        self.lists = packed.lists()
        self.prints = packed.prints()
        self.ent = packed.ent()
        self.entities = packed.entities
        self.strings = packed.string_count
        self.note = NO_WORDS
        self.order_type = np.array([number], np.int64)
        self.order_pos = np.zeros(1, np.int64)
        self.times = np.zeros(1, np.int64)
        self._kinds = shape.numbers
        self._numbers = struct.Struct("".join("d" if kind == "float" else "q" for kind in shape.numbers))
        self.nums = np.zeros(len(shape.numbers), np.int64)
        self._number_bytes = self.nums.data.cast("B") if shape.numbers else memoryview(b"")
        self.flags = np.zeros(shape.flags, np.uint8)
        self.out = np.zeros(shape.reads, np.int64)
        self._results = struct.Struct("".join("d" if real else "q" for real in floats))

    def put(self, time: int, numbers: Sequence[Sequence[Any]], flags: Sequence[Sequence[bool]]) -> None:
        """Take in one row but for its texts."""
        self.times[0] = time
        if numbers:
            try:
                self._numbers.pack_into(self._number_bytes, 0, *[column[0] for column in numbers])
            except (struct.error, OverflowError):
                for place, (kind, column) in enumerate(zip(self._kinds, numbers, strict=True)):
                    self.nums[place : place + 1] = np.frombuffer(_number_bytes(kind, column), np.int64)
        if flags:
            self.flags[:] = [column[0] for column in flags]

    def results(self) -> list[Any]:
        """The row's results: whole numbers and floats."""
        return list(self._results.unpack(self.out.tobytes()))


def secrets_of(seed: bytes, spaces: Sequence[str]) -> Any:
    """Two SipHash keys, then two words of salt for each keyspace, all derived from the seed."""
    words = [hashlib.blake2b(key=seed, digest_size=32).digest()]
    words += [hashlib.blake2b(s.encode(), key=seed, digest_size=16, person=b"keyspace").digest() for s in spaces]
    return np.frombuffer(b"".join(words), np.uint64)


def joined(strings: list[str]) -> Any:
    """All strings as UTF-8, each with a zero byte behind it, and 8 more at the end (or ``_NOT_TEXT``)."""
    try:
        return np.frombuffer("\0".join([*strings, _END]).encode(), np.uint8)
    except UnicodeEncodeError:
        return _NOT_TEXT


def escaped(strings: list[str]) -> Any:
    """The same for strings with zero bytes or lone surrogates: both get byte sequences that UTF-8 never has."""
    parts = [text.encode("utf-8", "surrogatepass").replace(b"\0", b"\xc0\x80") for text in strings]
    return np.frombuffer(b"\0".join([*parts, bytes(8)]), np.uint8)


def _check_length(column: Sequence[Any], rows: int) -> None:
    # The kernel reads memory by these lengths.
    if len(column) != rows:
        raise UsageError(f"a column holds {len(column)} values for {rows} rows", remedy="give each row one value")


def _number_bytes(kind: str, values: Sequence[Any]) -> bytes:
    try:
        return struct.pack(f"{len(values)}{'d' if kind == 'float' else 'q'}", *values)
    except (struct.error, OverflowError):
        # A number beyond 64 bits, or one that is not whole where it should be: no value.
        if kind == "float":
            return struct.pack(f"{len(values)}d", *[_as_float(value) for value in values])
        return struct.pack(f"{len(values)}q", *[_as_whole(value) for value in values])


def _words_of(columns: Sequence[tuple[str, Sequence[Any]]], count: int) -> Words:
    """All columns of numbers behind each other, as words."""
    words = np.empty(count, np.int64)
    at = 0
    for kind, values in columns:
        end = at + len(values)
        if not (kind == "whole" and isinstance(values, list) and whole_list(values, words[at:end])):
            words[at:end] = np.frombuffer(_number_bytes(kind, values), np.int64)
        at = end
    return words


def _as_whole(value: Any) -> int:
    try:
        whole = operator.index(value)
    except TypeError:
        return MISSING
    return whole if -(2**63) <= whole < 2**63 else MISSING


def _as_float(value: Any) -> float:
    try:
        return float(value)
    except (OverflowError, TypeError, ValueError):
        return float("nan")
