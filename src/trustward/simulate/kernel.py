"""The compiled loop that turns rows of whole numbers into NDJSON bytes.

Every value of an event is one 64-bit whole number; its *kind* says how it is written. An event is first taken apart
into pieces (a string, a number in some base, a time), then the pieces are written, so that each sort of piece is
compiled once. Floats never occur: the bytes depend on nothing but the numbers.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trustward.base.jit import kernel as compiled
from trustward.base.jit import part

# How a value is written.
WHOLE, MILLI, FLAG, POOL, ID, HEX, IP, PHONE, EMAIL, URL, TIME, TEXT = range(12)
# What a text template is made of: fixed text; one of some words; a number between two; a value of the same event.
LITERAL, WORD, NUMBER, REFERENCE = range(4)
# What a text may refer to in its own event.
REFERENCES = ("url", "phone")
# The strings that the kernel itself needs, in this order.
FIXED = (
    '{"id":"e',
    '"',
    '","',
    '"]',
    "}\n",
    ".",
    "@",
    "https://",
    "/",
    "2001:db8:",
    ":",
    "::1",
    "-",
    "",
    "0000-00-00T00:00:00.000Z",
)
TEMPLATE_BITS = 24
"""A text's number: its template in the low bits, the seed of its words above (at most 2**31)."""
LARGEST_EVENT = 16_384
"""No event is longer than this many bytes; templates are short enough for it."""
IPV6 = 1 << 40
"""An address number from here on is written in the documentation range 2001:db8::/32."""
URL_PATHS = 1 << 32
"""A link's number: the string of its domain times this, plus the number of its path."""
EMAIL_DOMAINS = 1 << 16
"""A mail address's number: its owner times this, plus the string of its domain."""
PHONE_NUMBERS = 10**9
"""A telephone's number: the string of its country's prefix times this, plus the subscriber."""
NOTHING = -(2**63)
"""The value that is not written: the field is absent."""

# The sorts of piece: a string; a decimal number of at least so many digits; so many digits in base 16 or 36; a time.
_STRING, _DECIMAL, _HEX, _BASE36, _MOMENT = range(5)
PIECES = 3 * 1_024
"""Three numbers for each piece of an event."""

Bytes = NDArray[np.uint8]
Column = NDArray[np.int64]


# Where the tables of ``Tables.numbers`` begin: its first numbers say it. A *string* is a position in START.
START, FIXED_STRING, TYPE, FIELD, REFERS, TRUTH, TEMPLATE, SEGMENT, WORDS = range(9)
HEADER = 9


class Tables(NamedTuple):
    """All that the kernel reads: the bytes of all strings, and one array that holds all tables, one after the other.

    START: where each string begins in ``blob``; the next entry is its end. FIXED_STRING: the strings of ``FIXED``.
    TYPE: for each type its string and its first field; the next entry is the end. FIELD: for each field its key with
    all that stands before the value, its kind, its argument, its slot, and 0 or the slots that its list takes.
    REFERS: for each type and reference its slot, or -1. TRUTH: strings. TEMPLATE: the first segment of each text
    template; the next entry is the end. SEGMENT: for each what it is, and two arguments. WORDS: first and number of
    the words of links, then of the names in mail addresses.

    One array and not many: what the machine does for each array that is passed around costs more than the writing.
    """

    blob: Bytes
    numbers: Column


@part
def _scramble(value: int) -> int:
    """A well-mixed number of 31 bits."""
    x = np.uint64(value) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(29))) * np.uint64(0x94D049BB133111EB)
    return int((x ^ (x >> np.uint64(32))) >> np.uint64(33))


@part
def _civil(value: int) -> int:
    """Milliseconds since 1970 as the digits YYYYMMDDhhmmssmmm (days to a date as in Howard Hinnant's algorithms)."""
    days = value // 86_400_000
    rest = value % 86_400_000
    shifted = days + 719_468
    era = shifted // 146_097
    day = shifted - era * 146_097
    year = (day - day // 1_460 + day // 36_524 - day // 146_096) // 365
    day -= 365 * year + year // 4 - year // 100
    month = (5 * day + 2) // 153
    day = day - (153 * month + 2) // 5 + 1
    year += era * 400
    if month >= 10:
        year += 1
        month -= 9
    else:
        month += 3
    clock = rest // 3_600_000 * 10_000_000 + rest // 60_000 % 60 * 100_000 + rest % 60_000
    return ((year * 100 + month) * 100 + day) * 1_000_000_000 + clock


@part
def _link(pieces: Column, n: int, m: Column, value: int) -> int:
    """The pieces of a link: its domain, a word and six letters."""
    path = value & 0xFFFFFFFF
    word = m[m[WORDS]] + path % m[m[WORDS] + 1]
    for string in (m[m[FIXED_STRING] + 7], value >> 32, m[m[FIXED_STRING] + 8], word, m[m[FIXED_STRING] + 8]):
        pieces[n] = _STRING
        pieces[n + 1] = string
        n += 3
    pieces[n] = _BASE36
    pieces[n + 1] = _scramble(path)
    pieces[n + 2] = 6
    return n + 3


@part
def _address(pieces: Column, n: int, m: Column, value: int) -> int:
    """The pieces of a network address."""
    wide = value >= 1 << 40
    for i in range(2 if wide else 4):
        pieces[n] = _STRING
        pieces[n + 1] = m[m[FIXED_STRING] + ((9 + i if wide else 5) if i or wide else 13)]
        pieces[n + 3] = _HEX if wide else _DECIMAL
        pieces[n + 4] = (value >> (16 - 16 * i)) & 0xFFFF if wide else (value >> (24 - 8 * i)) & 0xFF
        pieces[n + 5] = 4 if wide else 1
        n += 6
    if wide:
        pieces[n] = _STRING
        pieces[n + 1] = m[m[FIXED_STRING] + 11]
        n += 3
    return n


@part
def _text(pieces: Column, n: int, m: Column, value: int, rows: Column, row: int, kind: int) -> int:
    """The pieces of a message: its template, the seed of its words and the values of its event of type ``kind``."""
    template = value & ((1 << TEMPLATE_BITS) - 1)
    seed = value >> TEMPLATE_BITS
    for s in range(m[m[TEMPLATE] + template], m[m[TEMPLATE] + template + 1]):
        what = m[m[SEGMENT] + 3 * s]
        a = m[m[SEGMENT] + 3 * s + 1]
        b = m[m[SEGMENT] + 3 * s + 2]
        pieces[n] = _STRING
        pieces[n + 1] = a
        pieces[n + 2] = 1
        if what == 1:
            pieces[n + 1] = a + _scramble(seed * 131 + s) % b
        elif what == 2:
            pieces[n] = _DECIMAL
            pieces[n + 1] = a + _scramble(seed * 137 + s) % (b - a + 1)
        elif what == 3:
            slot = m[m[REFERS] + kind * 2 + a]
            if slot < 0 or rows[row + slot] == NOTHING:
                continue
            if a == 0:
                n = _link(pieces, n, m, rows[row + slot])
                continue
            pieces[n + 1] = rows[row + slot] // 1_000_000_000
            pieces[n + 3] = _DECIMAL
            pieces[n + 4] = rows[row + slot] % 1_000_000_000
            pieces[n + 5] = 7
            n += 3
        n += 3
    return n


@part
def _value(pieces: Column, n: int, m: Column, kind: int, arg: int, value: int) -> int:
    """The pieces of a value without its quotes; ``kind`` is any but TEXT, IP and URL."""
    # Most kinds are a string and a number; what is not wanted stays an empty string.
    pieces[n] = _STRING
    pieces[n + 1] = arg
    pieces[n + 3] = _DECIMAL
    pieces[n + 4] = value
    pieces[n + 5] = 1
    if kind == 1:
        pieces[n + 4] = value // 1_000
        pieces[n + 6] = _STRING
        pieces[n + 7] = m[m[FIXED_STRING] + 5]
        pieces[n + 9] = _DECIMAL
        pieces[n + 10] = value % 1_000
        pieces[n + 11] = 3
        return n + 12
    if kind == 2:
        pieces[n + 1] = arg + (1 if value else 0)
        return n + 3
    if kind == 3:
        pieces[n + 1] = value
        return n + 3
    if kind == 4:
        # One to one on 0..10**9-1, so that neighbours do not look like neighbours.
        pieces[n + 4] = (value * 618_033_989 + 271_828_183) % 1_000_000_000
        pieces[n + 5] = 9
    elif kind == 5:
        # One to one on 48 bits.
        mixed = (value * 0x5851F42D4C95) & 0xFFFFFFFFFFFF
        pieces[n + 3] = _HEX
        pieces[n + 4] = ((mixed ^ (mixed >> 25)) * 0x14057B7EF767) & 0xFFFFFFFFFFFF
        pieces[n + 5] = 12
    elif kind == 7:
        pieces[n + 1] = value // 1_000_000_000
        pieces[n + 4] = value % 1_000_000_000
        pieces[n + 5] = 7
    elif kind == 8:
        owner = value >> 16
        pieces[n + 1] = m[m[WORDS] + 2] + _scramble(owner) % m[m[WORDS] + 3]
        pieces[n + 4] = owner
        pieces[n + 6] = _STRING
        pieces[n + 7] = m[m[FIXED_STRING] + 6]
        pieces[n + 9] = _STRING
        pieces[n + 10] = value & 0xFFFF
        return n + 12
    elif kind == 10:
        pieces[n + 3] = _MOMENT
        pieces[n + 4] = value
    return n + 6


@part
def _event(pieces: Column, m: Column, kind: int, rows: Column, row: int, number: int) -> int:
    """The pieces of one whole line; how many numbers they take."""
    pieces[0] = _STRING
    pieces[1] = m[m[FIXED_STRING]]
    pieces[3] = _DECIMAL
    pieces[4] = number
    pieces[5] = 10
    pieces[6] = _STRING
    pieces[7] = m[m[TYPE] + 2 * kind]
    pieces[9] = _MOMENT
    pieces[10] = rows[row]
    pieces[12] = _STRING
    pieces[13] = m[m[TRUTH] + rows[row + 1]]
    n = 15
    for f in range(m[m[TYPE] + 2 * kind + 1], m[m[TYPE] + 2 * kind + 3]):
        field = m[FIELD] + 5 * f
        slot = m[field + 3]
        if rows[row + slot] == NOTHING:
            continue
        how = m[field + 1]
        width = m[field + 4]
        pieces[n] = _STRING
        pieces[n + 1] = m[field]
        n += 3
        for i in range(max(1, width)):
            value = rows[row + slot + i]
            if value == NOTHING:
                break
            if i:
                pieces[n] = _STRING
                pieces[n + 1] = m[m[FIXED_STRING] + 2]
                n += 3
            if how == 11:
                n = _text(pieces, n, m, value, rows, row, kind)
            elif how == 9:
                n = _link(pieces, n, m, value)
            elif how == 6:
                n = _address(pieces, n, m, value)
            else:
                n = _value(pieces, n, m, how, m[field + 2], value)
        if how > 2:
            pieces[n] = _STRING
            pieces[n + 1] = m[m[FIXED_STRING] + (3 if width else 1)]
            n += 3
    pieces[n] = _STRING
    pieces[n + 1] = m[m[FIXED_STRING] + 4]
    return n + 3


@part
def _write(out: Bytes, at: int, blob: Bytes, m: Column, pieces: Column, n: int) -> int:
    """Write pieces; where the next byte goes."""
    for p in range(0, n, 3):
        sort = pieces[p]
        value = pieces[p + 1]
        if sort == 0:
            begin = m[m[START] + value]
            size = m[m[START] + value + 1] - begin
            for i in range(size):
                out[at + i] = blob[begin + i]
            at += size
        elif sort == 1:
            if value < 0:
                out[at] = 45
                at += 1
                value = -value
            width = pieces[p + 2]
            size = 1
            limit = 10
            while value >= limit and size < 18:
                size += 1
                limit *= 10
            size = max(size, width)
            # Unsigned: no correction for the sign at each digit.
            rest = np.uint64(value)
            for i in range(at + size - 1, at - 1, -1):
                out[i] = np.uint64(48) + rest % np.uint64(10)
                rest //= np.uint64(10)
            at += size
        elif sort == 4:
            rest = np.uint64(_civil(value))
            begin = m[m[START] + m[m[FIXED_STRING] + 14]]
            size = m[m[START] + m[m[FIXED_STRING] + 14] + 1] - begin
            for i in range(size - 1, -1, -1):
                mark = blob[begin + i]
                if mark == 48:
                    out[at + i] = np.uint64(48) + rest % np.uint64(10)
                    rest //= np.uint64(10)
                else:
                    out[at + i] = mark
            at += size
        else:
            width = pieces[p + 2]
            rest = np.uint64(value)
            for i in range(at + width - 1, at - 1, -1):
                # Two branches, so that neither divides by a number unknown to the compiler.
                if sort == 2:
                    digit = rest & np.uint64(15)
                    rest >>= np.uint64(4)
                else:
                    digit = rest % np.uint64(36)
                    rest //= np.uint64(36)
                out[i] = np.uint64(48) + digit if digit < np.uint64(10) else np.uint64(87) + digit
            at += width
    return at


@compiled
def write_events(
    out: Bytes,
    pieces: Column,
    blob: Bytes,
    m: Column,
    kinds: Column,
    rows: Column,
    begins: Column,
    first: int,
    number: int,
) -> tuple[int, int]:
    """Write events until ``out`` has no room for one more.

    Args:
        out: the buffer, at least ``LARGEST_EVENT`` bytes.
        pieces: room for the pieces of one event, ``PIECES`` numbers.
        blob: the bytes of all strings.
        m: all tables, as in ``Tables.numbers``.
        kinds: the type of each event, in the order to write.
        rows: the values of all events, flat.
        begins: where each event's values begin in ``rows``.
        first: the event to begin with.
        number: the number of event 0 of ``kinds``, for its id.

    Returns:
        How many bytes were written, and the first event not written.
    """
    at = 0
    room = len(out) - LARGEST_EVENT
    event = first
    while event < len(kinds) and at <= room:
        n = _event(pieces, m, kinds[event], rows, begins[event], number + event)
        at = _write(out, at, blob, m, pieces, n)
        event += 1
    return at, event
