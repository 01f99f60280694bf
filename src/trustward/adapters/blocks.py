"""Files in blocks of whole lines, with as little copying as there can be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from trustward.adapters.compressed import Source
from trustward.base.errors import InputError


class LongLine(NamedTuple):
    """A line over the limit: how it begins, and its size in bytes. The rest of it was skipped."""

    start: bytes
    size: int


def blocks(source: Source, size: int, line_limit: int) -> Iterator[memoryview | LongLine]:
    """Whole lines of a source in blocks of about ``size`` bytes; the last line may have no newline.

    A block is good until the next one is asked for. An ``InputError`` of the source is raised only after every whole
    line before it was given out.
    """
    buffer = bytearray(size)
    filled = searched = 0
    ended = False
    trouble: InputError | None = None
    while True:
        while filled < len(buffer) and not ended:
            count = 0
            try:
                count = source.readinto(memoryview(buffer)[filled:])
            except InputError as fault:
                trouble = fault
            filled += count
            ended = not count
        cut = buffer.rfind(b"\n", searched, filled) + 1
        searched = filled
        if ended:
            end = cut if trouble else filled
            if end:
                yield memoryview(buffer)[:end]
            if trouble:
                raise trouble
            return
        if cut:
            yield memoryview(buffer)[:cut]
            buffer = _moved(buffer, cut, filled, size)
            filled = searched = filled - cut
        elif len(buffer) <= line_limit:
            buffer = _moved(buffer, 0, filled, min(2 * len(buffer), line_limit + 1))
        else:
            start = bytes(buffer[:8192])
            skipped, rest = _skip_line(source, buffer)
            yield LongLine(start, filled + skipped)
            buffer = _moved(bytearray(rest), 0, len(rest), size)
            filled, searched = len(rest), 0


def _moved(buffer: bytearray, start: int, end: int, size: int) -> bytearray:
    """The bytes from start to end at the front of a buffer of the wanted size (the same one where it fits)."""
    kept = end - start
    if len(buffer) == size and start:
        # Slices of a memoryview copy as memmove does, without an object in between.
        view = memoryview(buffer)
        view[:kept] = view[start:end]
        return buffer
    made = bytearray(max(size, kept))
    made[:kept] = memoryview(buffer)[start:end]
    return made


def _skip_line(source: Source, buffer: bytearray) -> tuple[int, bytes]:
    """Read on to the end of an overlong line: the bytes skipped (without the newline), and what came after it."""
    skipped = 0
    while True:
        count = source.readinto(memoryview(buffer))
        if not count:
            return skipped, b""
        at = buffer.find(b"\n", 0, count)
        if at >= 0:
            return skipped + at, bytes(buffer[at + 1 : count])
        skipped += count
