"""What is left of an event whose time was over: a line in its place, so that the journal has no gap.

The line says when the event was and which class it had; of its id there is a fingerprint, so that the same event is
known if it comes again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import blake2b

import msgspec

from trustward.model.journal import Found, Segment, decisions_unread

REMOVED = "record.removed"
"""The type of such a line. Only retention writes it."""


class Line(msgspec.Struct, frozen=True):
    """What every line of the journal has, and what one has that stands for a removed event."""

    id: str
    type: str
    time: str
    was: str = ""


class _Left(msgspec.Struct, frozen=True):
    type: str
    id: str
    time: str
    was: str


_BEGIN = b'{"type":"record.removed",'
_LINES = msgspec.json.Decoder(Line)
_RAW_FAULTS = msgspec.json.Decoder(dict[int, msgspec.Raw])


def removed_id(event_id: str) -> str:
    """What stands for the id of a removed event.

    >>> removed_id("m1")
    'removed-7431160d65c1010c5e92d398569d1266'
    """
    return f"removed-{blake2b(event_id.encode('utf-8', 'surrogatepass'), digest_size=16).hexdigest()}"


def lines_of(segment: Segment) -> list[Line]:
    """What is said of each event of a segment, whatever its type has else."""
    return _LINES.decode_lines(segment.body)


def removed_in(segment: Segment) -> list[int]:
    """The entries of a segment whose events have been removed."""
    if segment.kind != "events" or _BEGIN not in segment.body:
        return []
    return [at for at, line in enumerate(segment.lines(), segment.first) if line.startswith(_BEGIN)]


def is_removed(found: Found) -> bool:
    """Whether an entry's event has been removed."""
    return found.decision.type == REMOVED


def by_name(ids: Iterable[str], found: Iterable[Found]) -> dict[str, Found]:
    """Entries by the id that was asked for: what has been removed is known by its fingerprint."""
    entries = {one.decision.event_id: one for one in found}
    if not any(is_removed(one) for one in entries.values()):
        wanted = set(ids)
        return {name: one for name, one in entries.items() if name in wanted}
    named = {}
    for name in ids:
        one = entries.get(name) or entries.get(removed_id(name))
        if one is not None:
            named[name] = one
    return named


def thinned(segment: Segment, gone: Mapping[int, str]) -> Segment:
    """A segment without some events, with their positions and classes: neither lines nor decisions nor faults."""
    if not gone:
        return segment
    rows, lines = segment.lines(), lines_of(segment)
    for at, was in gone.items():
        line = lines[at]
        rows[at] = msgspec.json.encode(_Left(type=REMOVED, id=removed_id(line.id), time=line.time, was=was))
    decided = [pair for pair in decisions_unread(segment.decisions or b"[]") if pair[0] not in gone]
    faults = {at: raw for at, raw in _RAW_FAULTS.decode(segment.faults or b"{}").items() if at not in gone}
    return msgspec.structs.replace(
        segment,
        body=b"".join([row + b"\n" for row in rows]),
        decisions=msgspec.json.encode(decided) if decided else None,
        faults=msgspec.json.encode(faults) if faults else None,
    )
