"""The journal over the database: segments, the fence, and the way from an event's id to its entry."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from itertools import islice
from threading import Lock
from typing import Any

import msgspec
from sqlalchemy import Connection

from trustward.adapters.store.changed import follow
from trustward.adapters.store.database import Database
from trustward.adapters.store.elsewhere import Elsewhere
from trustward.adapters.store.queries import named, statements
from trustward.base.errors import WriterError
from trustward.model.changes import decode_change
from trustward.model.journal import SEGMENT_EVENTS, Commit, Found, Segment, found_in
from trustward.model.stored import Lease

IDS_EVERY = 65_536
"""How many ids are gathered in memory before they are sorted and written: random places cost a page each."""


def key_of(id: str) -> int:
    """Where an event id stands in the table of ids. Two ids may share a place: what is found there is compared.

    >>> key_of("e1") == key_of("e1"), key_of("e1") == key_of("e2")
    (True, False)
    """
    return int.from_bytes(blake2b(id.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big", signed=True)


class DatabaseJournal:
    """The port ``Journal``.

    The ids of the latest entries are held in memory and written to their table now and then, in order; the row of the
    writer says how far the table goes. Whoever opens the journal reads the rest from the segments.
    """

    def __init__(self, database: Database, elsewhere: Elsewhere) -> None:
        self._database = database
        self._elsewhere = elsewhere
        self._recent: dict[str, int] = {}
        self._keys: dict[str, int] = {}
        self._known = -1
        self._ids_seq = 0
        self._lock = Lock()

    # ------------------------------------------------------------------ writing

    def append(self, lease: Lease, commit: Commit) -> None:
        """See :class:`trustward.ports.Journal`."""
        with self._lock:
            written = False
            with self._database.write() as connection:
                step = {"epoch": lease.epoch, "before": commit.first - 1, "last": commit.last}
                if connection.execute(named("advance"), step).rowcount != 1:
                    raise _fenced(connection, lease, commit)
                connection.execute(named("add_segment"), [msgspec.structs.asdict(one) for one in commit.segments])
                if commit.actions:
                    rows = [(row.seq, row.number, row.at_us, row.body) for row in commit.actions]
                    _many(connection, "add_action", ("seq", "number", "at_us", "body"), rows)
                for segment in commit.segments:
                    if segment.kind == "change":
                        follow(connection, segment, decode_change(segment.body))
                if len(self._recent) >= IDS_EVERY:
                    self._catch_up(connection, commit.first - 1)
                    self._write_ids(connection, lease)
                    written = True
            # Only now, that it is on disk.
            if written:
                self._ids_seq = self._known
                self._recent.clear()
                self._keys.clear()
            if self._known == commit.first - 1:
                self._remember(commit.segments, commit.ids)
                self._known = commit.last

    def _write_ids(self, connection: Connection, lease: Lease) -> None:
        add_ids(connection, self._recent, self._keys)
        connection.execute(named("advance_ids"), {"epoch": lease.epoch, "seq": self._known})

    # ------------------------------------------------------------------ reading

    def head(self) -> int:
        """See :class:`trustward.ports.Journal`."""
        with self._database.read() as connection:
            return int(connection.execute(named("head")).scalar_one())

    def read(self, after: int, limit: int) -> Sequence[Segment]:
        """See :class:`trustward.ports.Journal`."""
        moved = self._elsewhere.read(after, limit)
        if moved is not None:
            return moved
        with self._database.read() as connection:
            found = list(_segments(connection, after, after + max(limit, 1)))
        if found and found[0].first > after + 1:
            # The day has moved, and was removed, since it was looked for.
            moved = self._elsewhere.read(after, limit)
        return found if moved is None else moved

    def entry(self, seq: int) -> Found | None:
        """See :class:`trustward.ports.Journal`."""
        found = self.entries([seq])
        return found[0] if found else None

    def entries(self, seqs: Sequence[int]) -> Sequence[Found]:
        """See :class:`trustward.ports.Journal`."""
        found: list[Found] = []
        gone: list[int] = []
        with self._database.read() as connection:
            for segment, chosen in _placed(connection, seqs, gone):
                found += found_in(segment, chosen)
        # What is missing here has moved; everything that has moved is older than everything that has not.
        return [*self._elsewhere.entries(gone), *found] if gone else found

    def since(self, at_us: int) -> int:
        """See :class:`trustward.ports.Journal`."""
        moved = self._elsewhere.since(at_us)
        if moved is not None:
            return moved
        with self._database.read() as connection:
            low, high = 0, int(connection.execute(named("head")).scalar_one())
            # Entries are written in order of time: whatever lies at or below low is earlier, above high it is not.
            while low < high:
                middle = (low + high + 1) // 2
                row = connection.execute(named("time_of"), {"seq": middle}).one_or_none()
                if row is None or row.at_us < at_us:
                    low = middle if row is None else max(row.last, middle)
                else:
                    high = row.first - 1
        return low + 1

    def find(self, ids: Sequence[str]) -> Mapping[str, Found]:
        """See :class:`trustward.ports.Journal`."""
        with self._lock, self._database.read() as connection:
            if len(self._keys) > 2 * IDS_EVERY:
                self._keys.clear()
            row = connection.execute(named("writer")).one()
            self._catch_up(connection, row.last_seq, row.ids_seq)
            places: dict[int, None] = {}
            keys: dict[int, None] = {}
            for name in ids:
                seq = self._recent.get(name)
                if seq is None:
                    # Most are new, and will want their key again when they go to the table.
                    key = self._keys[name] = key_of(name)
                    keys[key] = None
                else:
                    places[seq] = None
            # With nothing in the table there is nothing to look for.
            if row.ids_seq and keys:
                dialect = connection.dialect.name
                asked = json.dumps(list(keys)) if dialect == "sqlite" else list(keys)
                rows = connection.execute(named(f"event_id_keys_{dialect}"), {"keys": asked})
                places.update((seq, None) for _, seq in rows)
            if not places:
                return {}
            gone: list[int] = []
            wanted = set(ids)
            found = _found(connection, places, wanted, gone)
        for one in self._elsewhere.entries(gone) if gone else ():
            if one.decision.event_id in wanted:
                found[one.decision.event_id] = one
        return found

    def _catch_up(self, connection: Connection, last: int, ids_seq: int | None = None) -> None:
        """Know the ids of all entries that are not in the table yet."""
        if ids_seq is None:
            ids_seq = int(connection.execute(named("writer")).one().ids_seq)
        if self._known < ids_seq:
            self._recent.clear()
            self._known = ids_seq
        elif self._ids_seq != ids_seq:
            # Another process, or a commit that was believed to have failed, has moved these to the table.
            self._recent = {name: seq for name, seq in self._recent.items() if seq > ids_seq}
        self._ids_seq = ids_seq
        for segment in segments_between(connection, self._known, last):
            self._remember((segment,), segment.ids())
            self._known = segment.last

    def _remember(self, segments: Iterable[Segment], ids: Sequence[str]) -> None:
        names = iter(ids)
        for segment in segments:
            if segment.kind == "events":
                self._recent.update(
                    zip(islice(names, segment.count), range(segment.first, segment.last + 1), strict=True)
                )


def _fenced(connection: Connection, lease: Lease, commit: Commit) -> WriterError:
    row = connection.execute(named("writer")).one()
    if row.epoch != lease.epoch:
        return WriterError(
            f"{row.owner or 'another process'} has taken over the journal",
            remedy="leave the data to it; this process must start again to read what it wrote",
        )
    return WriterError(
        f"the entries {commit.first} to {commit.last} do not follow the last one, {row.last_seq}",
        remedy="read the journal again from the last snapshot",
    )


def _many(connection: Connection, name: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Insert many rows, on the short way of the driver at hand: the columns are those of the named statement."""
    if connection.dialect.name == "postgresql" and len(rows) > 100 and name == "add_event_id":
        cursor = connection.connection.cursor()
        try:
            with cursor.copy("COPY event_ids (key, seq) FROM STDIN") as copy:
                copy.write("".join(f"{key}\t{seq}\n" for key, seq in rows))
        finally:
            cursor.close()
        return
    if connection.dialect.name == "sqlite":
        statement = statements()[name]
        for column in columns:
            statement = statement.replace(f":{column}", "?", 1)
        connection.exec_driver_sql(statement, list(map(tuple, rows)))
        return
    connection.execute(named(name), [dict(zip(columns, row, strict=True)) for row in rows])


def _segment(row: Any) -> Segment:
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


def _segment_of(connection: Connection, seq: int) -> Segment | None:
    row = connection.execute(named("segment_of"), {"seq": seq}).one_or_none()
    if row is None:
        return None
    segment = _segment(row)
    return segment if segment.first <= seq <= segment.last else None


def _segments(connection: Connection, after: int, to: int) -> Iterable[Segment]:
    span = {"after": after, "from": after - SEGMENT_EVENTS, "to": to}
    rows = connection.execute(named("segments_after"), span).all()
    if not rows:
        rows = connection.execute(named("next_segment"), {"after": after}).all()
    return map(_segment, rows)


def add_ids(connection: Connection, names: Mapping[str, int], keys: Mapping[str, int] = {}) -> None:
    """Write ids to their table, in order; ``keys`` are those that have been made already."""
    rows = sorted((keys.get(name) or key_of(name), seq) for name, seq in names.items())
    _many(connection, "add_event_id", ("key", "seq"), rows)


def segments_between(connection: Connection, after: int, last: int) -> Iterator[Segment]:
    """The segments in the database after an entry, up to another one."""
    while after < last:
        segments = list(_segments(connection, after, min(after + 8192, last)))
        if not segments or segments[0].first > last:
            return
        yield from segments
        after = segments[-1].last


def _found(connection: Connection, places: Iterable[int], wanted: set[str], gone: list[int]) -> dict[str, Found]:
    """The events at these places whose ids are wanted; ``gone`` gets the places that are not in the database."""
    found: dict[str, Found] = {}
    for segment, chosen in _placed(connection, places, gone):
        for one in found_in(segment, chosen):
            if one.decision.event_id in wanted:
                found[one.decision.event_id] = one
    return found


def _placed(connection: Connection, places: Iterable[int], gone: list[int]) -> Iterator[tuple[Segment, list[int]]]:
    """The segments of events in which these places lie, in order, each with the positions in it."""
    held: Segment | None = None
    positions: list[int] = []
    for seq in sorted(places):
        if held is None or not held.first <= seq <= held.last:
            if held is not None and positions:
                yield held, positions
            held, positions = _segment_of(connection, seq), []
        if held is None:
            gone.append(seq)
        elif held.kind == "events":
            positions.append(seq - held.first)
    if held is not None and positions:
        yield held, positions
