"""The compiled search for doubled keys in large chunks."""

from __future__ import annotations

from typing import Any

import numpy as np

from trustward.base.jit import kernel, load64, part, pointer, trailing_zeros

_QUOTE, _NEWLINE, _COLON, _BLANK, _TAB, _RETURN = 34, 10, 58, 32, 9, 13
_MOST_KEYS = 128
_TAIL, _MARGIN = 2**16, 32
_ONES = np.uint64(0x0101010101010101)
_TOPS = np.uint64(0x8080808080808080)
_QUOTES = np.uint64(0x2222222222222222)
_NEWLINES = np.uint64(0x0A0A0A0A0A0A0A0A)
_ESCAPES = np.uint64(0x5C5C5C5C5C5C5C5C)


def scan(chunk: bytes | bytearray | memoryview) -> list[int]:
    """The numbers (from 0) of the lines that may give a key twice; ``chunk`` is JSON, one value a line."""
    data = np.frombuffer(chunk, np.uint8)
    # Keys are read 8 bytes at a time, so what ends shortly before the end is looked at in a longer copy.
    safe = max(len(data) - _MARGIN, 0)
    cut = int(np.max(np.flatnonzero(data[max(safe - _TAIL, 0) : safe] == _NEWLINE), initial=-1))
    cut = 0 if cut < 0 else max(safe - _TAIL, 0) + cut + 1
    rest = np.full(len(data) - cut + _MARGIN, _NEWLINE, np.uint8)
    rest[:-_MARGIN] = data[cut:]
    keys, stamps, found = np.zeros(256, np.uint64), np.full(256, -1, np.int64), np.empty(256, np.int64)
    lines: list[int] = []
    line = 0
    for part_of, size in ((data, cut), (rest, len(data) - cut)):
        at = 0
        while at < size:
            count, at, line = _scan(part_of, at, line, size, found, keys, stamps)
            lines.extend(found[:count].tolist())
    return lines


@part
def _text_end(text: Any, at: Any, size: Any) -> Any:
    """The place of the quote (or line break) that ends the text from ``at`` on; whether it holds an escape."""
    escaped = False
    while at < size:
        word = load64(text, at)
        # Eight bytes at once: the lowest set bit marks the first byte that is a quote or an escape.
        quotes, escapes, ends = word ^ _QUOTES, word ^ _ESCAPES, word ^ _NEWLINES
        marks = ((quotes - _ONES) & ~quotes | (escapes - _ONES) & ~escapes | (ends - _ONES) & ~ends) & _TOPS
        if marks == 0:
            at += 8
            continue
        at += trailing_zeros(marks) >> 3
        if text[at] == _QUOTE or text[at] == _NEWLINE:
            break
        escaped = True
        at += 1 + (text[at + 1] != _NEWLINE)
    return at, escaped


@kernel
def _scan(data: Any, at: int, line: int, size: int, found: Any, keys: Any, stamps: Any) -> tuple[int, int, int]:
    """Look at whole lines until ``found`` is full: how many were found, where to go on, and at which line."""
    text = pointer(data)
    prints, seen = pointer(keys), pointer(stamps)
    count = 0
    held = 0
    suspicious = False
    while at < size:
        byte = text[at]
        if byte == _QUOTE:
            begin = at + 1
            at, escaped = _text_end(text, begin, size)
            if text[at] == _NEWLINE:
                continue
            after = at + 1
            while text[after] == _BLANK or text[after] == _TAB or text[after] == _RETURN:
                after += 1
            if text[after] == _COLON:
                length = at - begin
                # First and last bytes and the length: equal keys are equal in it, and few others are.
                print_ = load64(text, begin)
                if length < 8:
                    print_ &= (np.uint64(1) << np.uint64(8 * length)) - np.uint64(1)
                else:
                    print_ ^= load64(text, at - 8) * np.uint64(0x9E3779B97F4A7C15)
                print_ = (print_ ^ np.uint64(length)) * np.uint64(0xD6E8FEB86659FD93)
                slot = np.int64(print_ >> np.uint64(56))
                while seen[slot] == line and prints[slot] != print_:
                    slot = (slot + 1) & 255
                held += 1
                suspicious = suspicious or escaped or seen[slot] == line or held > _MOST_KEYS
                if held <= _MOST_KEYS:
                    prints[slot] = print_
                    seen[slot] = line
                at = after
        elif byte == _NEWLINE:
            if suspicious:
                found[count] = line
                count += 1
            line += 1
            held = 0
            suspicious = False
            if count == found.size:
                return count, at + 1, line
        at += 1
    if suspicious:
        found[count] = line
        count += 1
    return count, size, line
