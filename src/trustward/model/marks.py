"""Where each event of a segment, and what was decided on it, lies in the segment: so that one can be read alone."""

from __future__ import annotations

import struct

import msgspec
import numpy as np

from trustward.model.journal import Found, Segment, decisions_unread, found_alone

SIZE = 8
"""Bytes that a segment's marks have for each event; its mark is these and those of the one before."""
_MARK = struct.Struct("<IIII")


class Mark(msgspec.Struct, frozen=True):
    """Where an event's line begins in the body, and where it ends; the same of its decision. Equal: there is none."""

    line: int
    line_end: int
    said: int
    said_end: int


def marks_of(segment: Segment) -> bytes | None:
    """The marks of a segment of events: for each event how far its line and the decisions go. None for no such.

    The first two numbers are 0, so that any event's own begin at :data:`SIZE` times its position.
    """
    if segment.kind != "events" or max(len(segment.body), len(segment.decisions or b"")) >= 2**32:
        return None
    # A line has no line end in it: one encoder writes them all.
    ends = np.flatnonzero(np.frombuffer(segment.body, np.uint8) == ord("\n"))
    if len(ends) != segment.count:
        return None
    made = np.zeros((segment.count + 1, 2), "<u4")
    made[1:, 0] = ends + 1
    if segment.decisions:
        sizes = np.zeros(segment.count, np.int64)
        for at, raw in decisions_unread(segment.decisions):
            # What comes before a pair, its brackets, its comma.
            sizes[at] = len(f"{at}") + len(memoryview(raw)) + 4
        if sizes.sum() + 1 != len(segment.decisions):
            return None
        made[1:, 1] = np.cumsum(sizes)
    return made.tobytes()


def mark_in(part: bytes) -> Mark:
    """The mark in the two numbers before an event and the two after it.

    >>> mark_in(bytes([0, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 5, 0, 0, 0]))
    Mark(line=0, line_end=9, said=0, said_end=5)
    """
    line, said, line_end, said_end = _MARK.unpack(part)
    return Mark(line, line_end, said, said_end)


def found_by(segment: Segment, at: int, line: bytes, said: bytes) -> Found:
    """An event by the parts that its mark names; the segment needs no body and no decisions."""
    # A pair has a comma before it, or the bracket that opens them all.
    return found_alone(segment, at, line.removesuffix(b"\n"), said[1:])
