"""A plan, spelled out as the flat words ("program") that the kernels walk, and the layout of every record.

All state lies in one array of 64-bit words, the arena, cut into slabs; each slab holds objects of one size (a
*class*), and freed objects wait in their class's list. Objects are addressed by their first word's index.

- *Entity*: the upper fingerprint, then for each stream of its keyspace the address of its header, or 0. If there is but
  one stream, its header is part of the entity.
- *Header* (one key in one stream): see the ``H_`` constants; then, as far as the stream's reads need them: the first
  feeding time, the last two, previous values, windows, deques.
- *Window*: address of its oldest entry (0 when it is empty), that entry's time, how many entries came before it and
  their sums, and distinct counts. A header sums up all entries that ever came, so what lies in a window is a
  difference, and an event is added once and not for each window.
- *Chunk*: entries of the shared log, oldest first; its last word links to the next chunk. An entry is its time and
  the values that windows sum or count. A chunk's size is a power of two and its address a multiple of it.
- *Deque* (for largest and smallest): address of the last pair, then each window's first; pairs (time, value) lie in
  chunks of 8 words: three pairs, the previous chunk, the next.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from trustward.base.errors import UsageError
from trustward.windows.plan import Carried, Operation, Plan, Stream, TypePlan

SLAB = 512
LINE = 8
"""Words of a cache line."""
DEQUE_CHUNK = 8
# The arena's first words: the next slab; how long the arena and the two hash tables are; counters; the newest time of
# all events, how many keys and headers were made since the last sweep, and the slot where the next one begins.
(
    A_NEXT, A_WORDS, A_SLOTS, A_LAST_SLOTS, A_KEYS, A_HEADERS, A_ENTRIES, A_DISTINCT, A_PAIRS, A_NEWEST, A_MADE,
    A_SWEPT, A_SIZE,
) = range(13)  # fmt: skip
DEQUE_CLASS = A_SIZE
"""Deque chunks are always the first class, so that every kernel knows where it is."""
# One class in the arena: words of an object, first freed object, next unused, end of the current slab.
C_WORDS, C_FREE, C_POS, C_END, C_SIZE = 0, 1, 2, 3, 4
# A header: latest time (reads included), where the next entry goes, entries so far; the newest time of all events when
# something last came for it.
H_CLOCK, H_END, H_COUNT, H_SEEN, H_SIZE = 0, 1, 2, 3, 4
# A window within a header; the count and the sums are of what lies before it.
W_TAIL, W_TIME, W_COUNT, W_SIZE = 0, 1, 2, 3
# In a stream of plain windows (see ``plain``) each has room for a sum right behind.
PLAIN_WINDOW = W_SIZE + 2
# A stream in the program.
(
    S_CLASS, S_WORDS, S_SLOT, S_AGE, S_SINCE, S_WINDOWS, S_WINDOW_AT, S_STRIDE, S_MASK, S_CHUNK, S_LOGGED, S_LOGGED_AT,
    S_PREVIOUS, S_PREVIOUS_AT, S_DEQUES, S_DEQUE_AT, S_DISTINCT, S_DISTINCT_AT, S_ROOM, S_VALUES, S_READS, S_READ_AT,
    S_SUMS, S_SUM_AT, S_INLINE, S_PLAIN, S_KEEP, S_SIZE,
) = range(28)  # fmt: skip
# A window of a stream: length, offset in the header, items, longest or not, plain or not; for plain ones the word of
# the entry to sum up (0: none) and the sum's offset in the header. An item: kind, word of the entry, offset in the
# header.
P_LENGTH, P_OFFSET, P_ITEMS, P_ITEM_AT, P_LONGEST, P_PLAIN, P_WORD, P_SUM, P_SIZE = 0, 1, 2, 3, 4, 5, 6, 7, 8
ITEM_WHOLE, ITEM_FLOAT, ITEM_PRESENT, ITEM_DISTINCT = 0, 1, 2, 3
# A deque: value, offset, sign (1 largest, -1 smallest), float or not, windows (lengths follow at D_LENGTH_AT).
D_VALUE, D_OFFSET, D_SIGN, D_FLOAT, D_WINDOWS, D_LENGTH_AT, D_SIZE = 0, 1, 2, 3, 4, 5, 6
# A distinct value: word of the entry, windows (length, offset) that count it.
U_WORD, U_WINDOWS, U_WINDOW_AT, U_SIZE = 0, 1, 2, 3
# A read: code, offsets (R_C and R_D are the lengths for surges), result when nothing is known, float or not, smallest
# of a list or largest.
R_CODE, R_A, R_B, R_C, R_D, R_DEFAULT, R_FLOAT, R_SMALLEST, R_SIZE = 0, 1, 2, 3, 4, 5, 6, 7, 8
(
    READ_COUNT, READ_DISTINCT, READ_TOTAL_WHOLE, READ_TOTAL_FLOAT, READ_MEAN_WHOLE, READ_MEAN_FLOAT, READ_AGE,
    READ_SINCE, READ_PREVIOUS, READ_DEQUE, READ_SURGE, READ_SIGNIFICANCE,
) = range(12)  # fmt: skip
DEFAULT_MISSING, DEFAULT_WHOLE, DEFAULT_FLOAT = 0, 1, 2
# An event type: its keys and its operations.
T_TEXTS, T_KEYS, T_KEY_AT, T_OPERATIONS, T_OPERATION_AT, T_SIZE = 0, 1, 2, 3, 4, 5
# A key of an event type; K_INSERT: never, always, or if one of the flags is set.
K_COLUMNS, K_COLUMN_AT, K_SPACE, K_INSERT, K_FLAGS, K_FLAG_AT, K_SIZE = 0, 1, 2, 3, 4, 5, 6
INSERT_NEVER, INSERT_ALWAYS, INSERT_IF = 0, 1, 2
# A keyspace: its entities' class and words, its streams, its number.
E_CLASS, E_WORDS, E_STREAMS, E_STREAM_AT, E_NUMBER, E_SIZE = 0, 1, 2, 3, 4, 5
# An operation, and the source of each value it feeds (kind, column). O_PLAIN: all it does is to feed a plain stream and
# to read its counts and totals.
O_STREAM, O_KEY, O_FEEDS, O_WHERE, O_VALUE_AT, O_READS, O_READ_AT, O_OUT, O_PLAIN, O_SIZE = range(10)
FROM_NOTHING, FROM_WHOLE, FROM_FLOAT, FROM_TEXT, FROM_WHOLE_AS_FLOAT = 0, 1, 2, 3, 4
# The program's start: tables of types, streams, keyspaces, and their sizes.
G_TYPES, G_STREAMS, G_SPACES, G_SIZE = 0, 1, 2, 3
# The layout of a batch, for each type present.
L_ROWS, L_NUMBERS, L_FLAGS, L_OUT, L_COLUMNS = 0, 1, 2, 3, 4
# ... then for each text column its first string and its list offsets (or -1), then for each key the same two (composite
# keys lie behind all strings) and its first entity.
L_FIRST, L_LISTS, L_ENTITY, L_COLUMN_SIZE, L_KEY_SIZE = 0, 1, 2, 2, 3

LONGEST_US = 1 << 61
"""No window is longer than this (73,000 years); longer ones are cut to it."""
FOREVER_US = 1 << 62
"""How long a key is kept that is never forgotten: no two times lie further apart."""
LATE_US = 600_000_000
"""A silent key is kept for twice its longest window and this (see :func:`keep_us`)."""
_FLOAT_READS = ("mean", "surge", "significance")


@dataclass
class Layout:
    """The program of a plan, and what the outside needs to know of it."""

    program: list[int] = field(default_factory=list)
    classes: list[int] = field(default_factory=lambda: [DEQUE_CHUNK])
    """Words of each class; class ``i`` lies in the arena at ``class_at(i)``."""
    values: int = 0
    """Where the values of the event at hand are put."""
    copy: int = 0
    """Where a header can be copied to."""
    entity: int = 0
    """At most so many words are taken for an entity."""
    start: int = 0
    """Where the first slab begins."""
    streams: list[int] = field(default_factory=list)
    """Where each stream's part of the program begins."""
    spaces: list[str] = field(default_factory=list)
    float_reads: list[tuple[bool, ...]] = field(default_factory=list)
    """By type and read, in output order: is the result a float?"""

    def put(self, words: list[int]) -> int:
        """Append words to the program; where they are."""
        at = len(self.program)
        self.program.extend(words)
        return at

    def read_words(self, at: int) -> list[int]:
        """A read's words, to be put where an operation finds all its reads in a row."""
        return self.program[at : at + R_SIZE]

    def size_class(self, words: int) -> int:
        """Where in the arena the class of objects of so many words is."""
        whole_lines = -(-words // LINE) * LINE
        if 8 * (whole_lines - words) <= words:
            # Little is lost, and no object lies across one more cache line than it must.
            words = whole_lines
        if words not in self.classes:
            self.classes.append(words)
        return class_at(self.classes.index(words))


def class_at(index: int) -> int:
    """Where a class's words are in the arena."""
    return A_SIZE + index * C_SIZE


def is_float(stream: Stream, read: int) -> bool:
    """Whether a read's result is a float (its bits travel as int64)."""
    wanted = stream.reads[read]
    if wanted.aggregate in _FLOAT_READS:
        return True
    value = wanted.value
    return (
        wanted.aggregate in ("total", "largest", "smallest", "previous")
        and value >= 0
        and stream.values[value] == "float"
    )


def lay_out(plan: Plan) -> Layout:
    """Spell a plan out. UsageError if it contradicts itself."""
    layout = Layout()
    layout.put([0] * G_SIZE)
    layout.spaces = sorted({stream.keyspace for stream in plan.streams})
    members: dict[str, list[int]] = {name: [] for name in layout.spaces}
    for number, stream in enumerate(plan.streams):
        members[stream.keyspace].append(number)
    streams = layout.streams
    reads: list[list[int]] = []
    for number, stream in enumerate(plan.streams):
        _check_stream(stream)
        builder = _StreamLayout(
            layout, stream, 1 + members[stream.keyspace].index(number), len(members[stream.keyspace])
        )
        streams.append(builder.at)
        reads.append(builder.reads)
    stream_table = layout.put(streams)
    spaces: list[int] = []
    for number, name in enumerate(layout.spaces):
        own = layout.put([streams[i] for i in members[name]])
        words = size = 1 + len(members[name])
        if len(members[name]) == 1:
            size += layout.program[streams[members[name][0]] + S_WORDS]
        layout.entity = max(layout.entity, 2 * size)
        spaces.append(layout.put([layout.size_class(size), words, len(members[name]), own, number]))
    types: list[int] = []
    for kind in plan.types:
        types.append(_lay_out_type(layout, plan, kind, streams, reads, spaces))
        layout.float_reads.append(
            tuple(is_float(plan.streams[o.stream], read) for o in kind.operations for read in o.reads)
        )
    layout.program[G_TYPES] = layout.put(types)
    layout.program[G_STREAMS] = stream_table
    layout.program[G_SPACES] = layout.put(spaces)
    values = max([len(stream.values) for stream in plan.streams], default=0)
    headers = max([layout.program[at + S_WORDS] for at in streams], default=0)
    layout.values = class_at(len(layout.classes))
    layout.copy = layout.values + values
    layout.start = slab_words(layout.copy + headers)
    return layout


def _check_stream(stream: Stream) -> None:
    for read in stream.reads:
        known = -1 <= read.value < len(stream.values)
        needs = read.aggregate in ("total", "mean", "distinct", "largest", "smallest", "previous")
        kind = stream.values[read.value] if known and read.value >= 0 else None
        if not known or (needs and kind is None):
            raise UsageError(f"stream {stream.id!r}: {read.aggregate} needs one of the stream's values")
        if needs and kind == "hash" and read.aggregate != "distinct":
            raise UsageError(f"stream {stream.id!r}: {read.aggregate} of a text")
        windowed = read.aggregate not in ("age", "since", "previous")
        if windowed and read.window <= 0:
            raise UsageError(f"stream {stream.id!r}: {read.aggregate} needs a window longer than 0")
        if read.aggregate in ("surge", "significance") and read.baseline <= read.window:
            raise UsageError(f"stream {stream.id!r}: the baseline of {read.aggregate} must be longer than its window")


class _StreamLayout:
    """One stream: assigns header offsets and writes its part of the program."""

    def __init__(self, layout: Layout, stream: Stream, slot: int, neighbours: int) -> None:
        self.layout, self.stream = layout, stream
        self.words = H_SIZE
        wanted = {read.aggregate for read in stream.reads}
        # The first feeding time; the last one and the one before it.
        self.age = self._take(1) if "age" in wanted else 0
        self.since = self._take(2) if "since" in wanted else 0
        self.previous = {
            value: self._take(2) for value in sorted({r.value for r in stream.reads if r.aggregate == "previous"})
        }
        self._lay_windows()
        deques = self._lay_deques()
        self._lay_distinct()
        logged = layout.put([word for value, hashed in self.logged for word in (value, int(hashed))])
        stride = 1 + len(self.logged) if self.lengths else 0
        chunk = 8
        while stride and (chunk - 1) // stride < 3:
            chunk *= 2
        chunk_class = layout.size_class(chunk)
        header_class = layout.size_class(self.words)
        # Each allocation of one feed may open a new slab.
        room = slab_words(self.words) + slab_words(chunk) + len(deques) * SLAB
        windows = layout.put([word for part in self.window_parts for word in part])
        deque_at = layout.put([word for part in deques for word in part])
        sums = [word for (kind, value), at in self.sum_at.items() for word in (kind, self._word(kind, value), at)]
        sum_at = layout.put(sums)
        distinct_at = layout.put([word for part in self.distinct for word in part])
        previous_at = layout.put([word for item in self.previous.items() for word in item])
        self.reads = [layout.put(self._read(number)) for number in range(len(stream.reads))]
        self.at = layout.put([
            header_class, self.words, slot, self.age, self.since, len(self.lengths), windows, stride, chunk - 1,
            chunk_class, len(self.logged), logged, len(self.previous), previous_at, len(deques), deque_at,
            len(self.distinct), distinct_at, room, len(stream.values), len(stream.reads),
            self.reads[0] if self.reads else 0, len(self.sum_at), sum_at,
            int(neighbours == 1), self.plain, keep_us(stream),
        ])  # fmt: skip

    def _is_plain(self, items: dict[int, dict[tuple[int, int], int]]) -> bool:
        """Whether the shorter way of ``plain`` is open: nothing is kept but windows over one whole number."""
        kinds = {kind for window in items.values() for kind, _ in window}
        extremes = any(read.aggregate in ("largest", "smallest") for read in self.stream.reads)
        return kinds == {ITEM_WHOLE} and len(self.logged) == 1 and not extremes

    def _take(self, words: int) -> int:
        at = self.words
        self.words += words
        return at

    def _word(self, kind: int, value: int) -> int:
        """Which word of an entry holds a value (its hash, for distinct counts)."""
        return 1 + self.logged.index((value, kind == ITEM_DISTINCT))

    def _lay_windows(self) -> None:
        """Windows by length, each with the sums and counts that some read wants of it."""
        items: dict[int, dict[tuple[int, int], int]] = {}
        logged: set[tuple[int, bool]] = set()
        for read in self.stream.reads:
            length, wanted = cut(read.window), items.setdefault
            if read.aggregate in ("surge", "significance"):
                wanted(length, {})
                wanted(cut(read.baseline), {})
            elif read.aggregate in ("total", "mean", "distinct") or (read.aggregate == "count" and read.value >= 0):
                logged.add((read.value, read.aggregate == "distinct"))
                window = wanted(length, {})
                if read.aggregate == "distinct":
                    window[ITEM_DISTINCT, read.value] = 1
                if read.aggregate in ("total", "mean"):
                    whole = self.stream.values[read.value] == "whole"
                    window[ITEM_WHOLE if whole else ITEM_FLOAT, read.value] = 2 if whole else 3
                if read.aggregate in ("mean", "count"):
                    window[ITEM_PRESENT, read.value] = 1
            elif read.aggregate == "count":
                wanted(length, {})
        self.lengths = sorted(items)
        self.logged = sorted(logged)
        sizes = {key: size for window in items.values() for key, size in window.items() if key[0] != ITEM_DISTINCT}
        hashed = any(hashed for _, hashed in logged)
        self.sum_at = {key: self._take(size) for key, size in sorted(sizes.items())}
        plain = self._is_plain(items)
        self.plain = next(iter(self.sum_at.values())) if plain else 0
        self.window_at: dict[int, int] = {}
        self.item_at: dict[tuple[int, int, int], int] = {}
        self.window_parts: list[list[int]] = []
        for length in self.lengths:
            offset = self.window_at[length] = self._take(W_SIZE)
            words: list[int] = []
            for (kind, value), size in items[length].items():
                at = self.item_at[length, kind, value] = self._take(size)
                words += [kind, self._word(kind, value), at]
            if plain:
                self.words = offset + PLAIN_WINDOW
            # Nothing but one whole number to sum up is the most usual case, and has its own shorter loop.
            single = not words or (len(words) == 3 and words[0] == ITEM_WHOLE)
            longest = int(length == self.lengths[-1])
            self.window_parts.append([
                length, offset, len(items[length]), self.layout.put(words), longest, int(single and not hashed),
                *(words[1:] if words and single else (0, 0)),
            ])  # fmt: skip

    def _lay_deques(self) -> list[list[int]]:
        wanted: dict[tuple[int, int], set[int]] = {}
        for read in self.stream.reads:
            if read.aggregate in ("largest", "smallest"):
                sign = 1 if read.aggregate == "largest" else -1
                wanted.setdefault((read.value, sign), set()).add(cut(read.window))
        self.deque_at: dict[tuple[int, int, int], int] = {}
        parts: list[list[int]] = []
        for (value, sign), lengths in sorted(wanted.items()):
            at = self._take(1 + len(lengths))
            for place, length in enumerate(sorted(lengths)):
                self.deque_at[value, sign, length] = at + 1 + place
            is_real = int(self.stream.values[value] == "float")
            parts.append([value, at, sign, is_real, len(lengths), self.layout.put(sorted(lengths))])
        return parts

    def _lay_distinct(self) -> None:
        self.distinct: list[list[int]] = []
        for value in [value for value, hashed in self.logged if hashed]:
            words = [
                word
                for (length, kind, which), at in self.item_at.items()
                if kind == ITEM_DISTINCT and which == value
                for word in (length, at)
            ]
            if words:
                self.distinct.append([1 + self.logged.index((value, True)), len(words) // 2, self.layout.put(words)])

    def _read(self, number: int) -> list[int]:
        read = self.stream.reads[number]
        kind, value = read.aggregate, read.value
        length, baseline = cut(read.window), cut(read.baseline)
        whole = value >= 0 and self.stream.values[value] == "whole"
        code, a, b, c, d, default, smallest = READ_COUNT, 0, 0, 0, 0, DEFAULT_MISSING, 0
        if kind == "count":
            a = self.item_at[length, ITEM_PRESENT, value] if value >= 0 else self.window_at[length] + W_COUNT
            b, default = self.sum_at[ITEM_PRESENT, value] if value >= 0 else H_COUNT, DEFAULT_WHOLE
        elif kind == "distinct":
            code, a, default = READ_DISTINCT, self.item_at[length, ITEM_DISTINCT, value], DEFAULT_WHOLE
        elif kind in ("total", "mean"):
            sum_kind = ITEM_WHOLE if whole else ITEM_FLOAT
            a, b = self.item_at[length, sum_kind, value], self.sum_at[sum_kind, value]
            code = READ_TOTAL_WHOLE if whole else READ_TOTAL_FLOAT
            default = DEFAULT_WHOLE if whole else DEFAULT_FLOAT
            if kind == "mean":
                code = READ_MEAN_WHOLE if whole else READ_MEAN_FLOAT
                c, d = self.item_at[length, ITEM_PRESENT, value], self.sum_at[ITEM_PRESENT, value]
                default = DEFAULT_MISSING
        elif kind in ("largest", "smallest"):
            sign = 1 if kind == "largest" else -1
            code, a, smallest = READ_DEQUE, self.deque_at[value, sign, length], int(sign < 0)
        elif kind == "age":
            code, a, smallest = READ_AGE, self.age, 1
        elif kind == "since":
            code, a, smallest = READ_SINCE, self.since, 1
        elif kind == "previous":
            code, a = READ_PREVIOUS, self.previous[value]
        else:
            code = READ_SURGE if kind == "surge" else READ_SIGNIFICANCE
            a, b = self.window_at[length] + W_COUNT, self.window_at[baseline] + W_COUNT
            c, d, default = length, baseline, DEFAULT_FLOAT
        return [code, a, b, c, d, default, int(is_float(self.stream, number)), smallest]


def cut(length: int) -> int:
    """A window's length, at most ``LONGEST_US``."""
    return min(length, LONGEST_US)


def keep_us(stream: Stream) -> int:
    """How long a silent key is kept in a stream, in microseconds by the newest time of all events.

    Then all its windows have long been empty for any event that is no later than the longest of them and ten minutes.
    What only ``age``, ``since`` and ``previous`` know is kept as long as they say, or for ever.

    >>> from trustward.windows.plan import Read
    >>> keep_us(Stream(id="sent", keyspace="account", reads=(Read(aggregate="count", window=3_600_000_000),)))
    7800000000
    """
    keep = 0
    for read in stream.reads:
        if read.aggregate in ("age", "since", "previous"):
            keep = max(keep, read.window or FOREVER_US)
        else:
            keep = max(keep, 2 * cut(max(read.window, read.baseline)) + LATE_US)
    return min(keep, FOREVER_US) if stream.reads else FOREVER_US


def slab_words(words: int) -> int:
    """The size of a slab for objects of so many words."""
    return -(-words // SLAB) * SLAB


def _lay_out_type(
    layout: Layout, plan: Plan, kind: TypePlan, streams: list[int], reads: list[list[int]], spaces: list[int]
) -> int:
    keys: dict[tuple[tuple[int, ...], str], list[Operation]] = {}
    for operation in kind.operations:
        space = plan.streams[operation.stream].keyspace
        if not operation.key or not all(0 <= column < len(kind.texts) for column in operation.key):
            raise UsageError(f"type {kind.type!r}: a key needs text columns of the type")
        keys.setdefault((operation.key, space), []).append(operation)
    key_words: list[int] = []
    for (columns, space), users in keys.items():
        feeding = [operation for operation in users if operation.feeds]
        flags = sorted({operation.where for operation in feeding if operation.where >= 0})
        always = any(operation.where < 0 for operation in feeding)
        insert = INSERT_ALWAYS if always else INSERT_IF if flags else INSERT_NEVER
        key_words += [
            len(columns), layout.put(list(columns)), spaces[layout.spaces.index(space)], insert, len(flags),
            layout.put(flags),
        ]  # fmt: skip
    order = list(keys)
    operation_words: list[int] = []
    out = 0
    for operation in kind.operations:
        stream = plan.streams[operation.stream]
        sources: list[int] = []
        for place, carried in enumerate(stream.values):
            column = operation.values[place] if operation.feeds and place < len(operation.values) else -1
            sources += _source(kind, carried, column)
        if operation.feeds and len(operation.values) != len(stream.values):
            raise UsageError(f"type {kind.type!r}: an operation must name a column for each value of its stream")
        operation_words += [
            streams[operation.stream], order.index((operation.key, stream.keyspace)), int(operation.feeds),
            operation.where, layout.put(sources), len(operation.reads),
            layout.put([word for read in operation.reads for word in layout.read_words(reads[operation.stream][read])]),
            out, int(_is_plain(layout.program, streams[operation.stream], operation, reads[operation.stream], sources)),
        ]  # fmt: skip
        out += len(operation.reads)
    key_at, operation_at = layout.put(key_words), layout.put(operation_words)
    return layout.put([len(kind.texts), len(keys), key_at, len(kind.operations), operation_at])


def _is_plain(program: list[int], stream: int, operation: Operation, reads: list[int], sources: list[int]) -> bool:
    """Whether an operation may go the shortest way: see ``O_PLAIN``."""
    alone = program[stream + S_PLAIN] != 0 and program[stream + S_SINCE] == 0 and program[stream + S_PREVIOUS] == 0
    plain_reads = all(program[reads[read] + R_CODE] in (READ_COUNT, READ_TOTAL_WHOLE) for read in operation.reads)
    return operation.feeds and alone and plain_reads and len(sources) == 2 and sources[0] == FROM_WHOLE


def _source(kind: TypePlan, carried: Carried, column: int) -> list[int]:
    if column < 0:
        return [FROM_NOTHING, 0]
    if carried == "hash":
        if column >= len(kind.texts):
            raise UsageError(f"type {kind.type!r}: no text column {column}")
        return [FROM_TEXT, column]
    if column >= len(kind.numbers):
        raise UsageError(f"type {kind.type!r}: no number column {column}")
    given = kind.numbers[column]
    if carried == "whole" and given != "whole":
        raise UsageError(f"type {kind.type!r}: column {column} is not whole, but the stream's value is")
    if carried == "whole":
        return [FROM_WHOLE, column]
    return [FROM_FLOAT if given == "float" else FROM_WHOLE_AS_FLOAT, column]
