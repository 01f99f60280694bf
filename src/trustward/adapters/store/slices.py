"""Single entries out of the journal's segments: what is read is the entry's own line and decision, not the segment."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection

from trustward.adapters.store.queries import named
from trustward.model.journal import Found, Segment, found_in
from trustward.model.marks import SIZE, Mark, found_by, mark_in

_MANY = 24
"""From so many entries of one segment on, it is read as a whole."""


class _Place(NamedTuple):
    """An entry of events in its segment, which has neither body nor decisions here."""

    segment: Segment
    at: int
    mark: Mark | None


def segment_of(row: Any) -> Segment:
    """A segment out of its row."""
    first, count, kind, at_us, policy, body, faults, decisions = row
    return Segment(
        first=first,
        count=count,
        kind=kind,
        at_us=at_us,
        policy=policy,
        body=bytes(body),
        faults=None if faults is None else bytes(faults),
        decisions=None if decisions is None else bytes(decisions),
    )


def entries_in(connection: Connection, seqs: Iterable[int], gone: list[int]) -> list[Found]:
    """The events with these numbers, in order; ``gone`` gets the numbers that are not in the database."""
    by_segment: dict[int, list[_Place]] = {}
    for place in _placed(connection, sorted(set(seqs)), gone):
        by_segment.setdefault(place.segment.first, []).append(place)
    alone: list[tuple[_Place, Mark]] = []
    found: list[Found] = []
    for first, places in by_segment.items():
        marked = [(place, place.mark) for place in places if place.mark is not None]
        if len(marked) == len(places) < _MANY:
            alone += marked
            continue
        row = connection.execute(named("segment_of"), {"seq": first}).one_or_none()
        if row is None or row.first != first:
            gone += [first + place.at for place in places]
        else:
            found += found_in(segment_of(row), [place.at for place in places])
    if alone:
        cut = _cut_sqlite if connection.dialect.name == "sqlite" else _cut_postgresql
        found += cut(connection, alone, gone)
    return sorted(found, key=attrgetter("seq"))


def _placed(connection: Connection, seqs: Sequence[int], gone: list[int]) -> list[_Place]:
    """Where the entries lie, as far as they are events."""
    if not seqs:
        return []
    if connection.dialect.name == "sqlite":
        rows = connection.execute(named("places_sqlite"), {"seqs": msgspec.json.encode(seqs).decode()})
    else:
        rows = connection.execute(named("places_postgresql"), {"seqs": list(seqs)})
    placed: list[_Place] = []
    held: Segment | None = None
    for seq, first, count, kind, at_us, policy, faults, part in rows:
        if first is None or seq >= first + count:
            gone.append(seq)
        elif kind == "events":
            if held is None or held.first != first:
                held = segment_of((first, count, kind, at_us, policy, b"", faults, None))
            mark = mark_in(bytes(part)) if part is not None and len(part) == 2 * SIZE else None
            placed.append(_Place(held, seq - first, mark))
    return placed


def _cut_sqlite(connection: Connection, places: Sequence[tuple[_Place, Mark]], _gone: list[int]) -> list[Found]:
    # A value opened as a file: nothing after the part that is wanted is read. The transaction sees that all is there.
    database = connection.connection.driver_connection
    assert isinstance(database, sqlite3.Connection)
    found = []
    for (segment, at, _), mark in places:
        line, said = _part(database, "body", segment.first, mark.line, mark.line_end), b""
        if mark.said_end > mark.said:
            said = _part(database, "decisions", segment.first, mark.said, mark.said_end)
        found.append(found_by(segment, at, line, said))
    return found


def _part(database: sqlite3.Connection, column: str, first: int, start: int, end: int) -> bytes:
    with database.blobopen("segments", column, first, readonly=True) as value:
        value.seek(start)
        return value.read(end - start)


def _cut_postgresql(connection: Connection, places: Sequence[tuple[_Place, Mark]], gone: list[int]) -> list[Found]:
    by_seq = {place.segment.first + place.at: place for place, _ in places}
    asked = {
        "seqs": list(by_seq),
        "firsts": [place.segment.first for place, _ in places],
        "lines": [mark.line + 1 for _, mark in places],
        "line_sizes": [mark.line_end - mark.line for _, mark in places],
        "saids": [mark.said + 1 for _, mark in places],
        "said_sizes": [mark.said_end - mark.said for _, mark in places],
    }
    found = []
    for seq, line, said in connection.execute(named("slices_postgresql"), asked):
        place = by_seq.pop(seq)
        found.append(found_by(place.segment, place.at, bytes(line), bytes(said or b"")))
    # A day has moved, and was removed, between the two statements.
    gone += by_seq
    return found
