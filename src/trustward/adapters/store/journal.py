"""The journal over the database: segments, the fence, and the way from an event's id to its entry."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from threading import Lock
from typing import Any

import msgspec
from sqlalchemy import Connection

from trustward.adapters.store.changed import follow
from trustward.adapters.store.checkpoints import Checkpoints
from trustward.adapters.store.database import Database, Straight
from trustward.adapters.store.elsewhere import Elsewhere
from trustward.adapters.store.ids import Ids, Part, keys_of
from trustward.adapters.store.inserting import batches, insert
from trustward.adapters.store.queries import named, statements
from trustward.adapters.store.slices import entries_in, segment_of
from trustward.base.errors import WriterError
from trustward.model.changes import decode_change
from trustward.model.journal import SEGMENT_EVENTS, Commit, Found, Segment
from trustward.model.marks import marks_of
from trustward.model.removed import by_name
from trustward.model.stored import Lease


class DatabaseJournal:
    """The port ``Journal``.

    The ids of the latest entries are held in memory and go to their table little by little; the row of the writer says
    how far the table goes. Whoever opens the journal reads the rest from the segments.
    """

    def __init__(self, database: Database, elsewhere: Elsewhere) -> None:
        self._database = database
        self._elsewhere = elsewhere
        self._ids = Ids()
        self._asked: tuple[tuple[str, ...], list[int]] = ((), [])
        self._alone = False
        self._lock = Lock()
        self._writing: Straight | None = None
        self._looking: Straight | None = None
        self._looks = Lock()
        self._checkpoints = Checkpoints(database)

    def close(self) -> None:
        """End what goes on in the background."""
        self._checkpoints.close()
        for one in (self._writing, self._looking):
            if one is not None:
                one.close()

    # ------------------------------------------------------------------ writing

    def append(self, lease: Lease, commit: Commit) -> None:
        """See :class:`trustward.ports.Journal`."""
        with self._lock:
            part = self._ids.part(len(commit.ids))
            # Until it is certain that it is on disk, nobody knows what is.
            self._alone = False
            if self._database.is_sqlite and all(segment.kind == "events" for segment in commit.segments):
                self._write_straight(lease, commit, part)
            else:
                self._write(lease, commit, part)
            self._checkpoints.wrote(sum(len(one.body) for one in commit.segments))
            if self._writing is not None:
                self._checkpoints.finish(self._writing)
            ids = self._ids
            if part is not None:
                ids.written(part)
            if ids.known == commit.first - 1:
                asked, keys = self._asked
                ids.add(commit.segments, commit.ids, keys if asked == commit.ids else None)
                # While this process writes, nobody else does, or its next commit fails.
                self._alone = True

    def _write(self, lease: Lease, commit: Commit, part: Part | None) -> None:
        with self._database.write() as connection:
            if connection.execute(named("advance"), _step(lease, commit)).rowcount != 1:
                raise _fenced(connection, lease, commit)
            for name, rows in _segment_rows(commit.segments, sqlite=self._database.is_sqlite).items():
                connection.execute(named(name), rows)
            if commit.actions:
                insert(connection, "add_action", _rows(commit))
            for segment in commit.segments:
                if segment.kind == "change":
                    follow(connection, segment, decode_change(segment.body))
            if part is not None:
                if self._database.is_sqlite:
                    insert(connection, "add_event_id", list(zip(part.keys, part.seqs, strict=True)))
                else:
                    connection.execute(named("add_event_ids_postgresql"), {"keys": part.keys, "seqs": part.seqs})
                if part.upto:
                    connection.execute(named("advance_ids"), {"epoch": lease.epoch, "seq": part.upto})

    def _write_straight(self, lease: Lease, commit: Commit, part: Part | None) -> None:
        """The same for events, with the same statements, on the short way: every request waits for this."""
        if self._writing is None:
            self._writing = self._database.straight()
        said = statements()
        with self._writing.write() as connection:
            if connection.execute(said["advance"], _step(lease, commit)).rowcount == 1:
                for name, rows in _segment_rows(commit.segments, sqlite=True).items():
                    for row in rows:
                        connection.execute(said[name], row)
                for statement, values in batches("add_action", _rows(commit)):
                    connection.execute(statement, values)
                if part is not None:
                    for statement, values in batches("add_event_id", list(zip(part.keys, part.seqs, strict=True))):
                        connection.execute(statement, values)
                    if part.upto:
                        connection.execute(said["advance_ids"], {"epoch": lease.epoch, "seq": part.upto})
                return
        with self._database.read() as reading:
            raise _fenced(reading, lease, commit)

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
        gone: list[int] = []
        with self._database.read() as connection:
            found = entries_in(connection, seqs, gone)
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
        with self._lock:
            if not self._alone:
                self._catch_up()
            places, missing = self._ids.look(ids)
            # With nothing in the table there is nothing to look for.
            keys = keys_of(missing) if self._ids.tabled and missing else []
            # Most are new, and will want their keys again when they are written.
            self._asked = (tuple(missing), keys) if keys else ((), [])
        if keys:
            # In their order, so that one look-up is close to the next.
            places += self._tabled(sorted(keys))
        if not places:
            return {}
        with self._database.read() as connection:
            gone: list[int] = []
            found = entries_in(connection, set(places), gone)
        if gone:
            found += self._elsewhere.entries(gone)
        return by_name(ids, found)

    def _tabled(self, keys: list[int]) -> list[int]:
        """The entries that the table has for some keys."""
        if not self._database.is_sqlite:
            with self._database.read() as connection:
                return [seq for _, seq in connection.execute(named("event_id_keys_postgresql"), {"keys": keys})]
        with self._looks:
            if self._looking is None:
                self._looking = self._database.straight()
            asked = {"keys": msgspec.json.encode(keys).decode()}
            return [seq for _, seq in self._looking.execute(statements()["event_id_keys_sqlite"], asked).fetchall()]

    def _catch_up(self) -> None:
        """Know the ids of all entries that are not in the table yet."""
        with self._database.read() as connection:
            row = connection.execute(named("writer")).one()
            ids = self._ids
            if ids.known < row.ids_seq or ids.tabled != row.ids_seq:
                # Another process, or a commit that was believed to have failed, has moved ids to the table.
                ids.start(row.ids_seq)
            for segment in segments_between(connection, ids.known, row.last_seq):
                ids.add((segment,), segment.ids())


def _step(lease: Lease, commit: Commit) -> dict[str, int]:
    return {"epoch": lease.epoch, "before": commit.first - 1, "last": commit.last}


def _segment_rows(segments: Sequence[Segment], *, sqlite: bool) -> dict[str, list[dict[str, Any]]]:
    """The statements that write segments with their marks, and the rows for each."""
    made: dict[str, list[dict[str, Any]]] = {}
    for segment in segments:
        row, marks = msgspec.structs.asdict(segment), marks_of(segment)
        if marks is None:
            made.setdefault("add_segment", []).append(row)
        elif sqlite:
            made.setdefault("add_segment", []).append(row)
            made.setdefault("add_segment_marks", []).append({"first": segment.first, "marks": marks})
        else:
            # Both in one: there is a way to the server and back for each statement.
            made.setdefault("add_marked_segment_postgresql", []).append({**row, "marks": marks})
    return made


def _rows(commit: Commit) -> list[tuple[int, int, int, bytes]]:
    return [(row.seq, row.number, row.at_us, row.body) for row in commit.actions]


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


def _segments(connection: Connection, after: int, to: int) -> Iterable[Segment]:
    span = {"after": after, "from": after - SEGMENT_EVENTS, "to": to}
    rows = connection.execute(named("segments_after"), span).all()
    if not rows:
        rows = connection.execute(named("next_segment"), {"after": after}).all()
    return map(segment_of, rows)


def add_ids(connection: Connection, names: Mapping[str, int]) -> None:
    """Write ids to their table, in order."""
    order = list(names)
    insert(connection, "add_event_id", sorted(zip(keys_of(order), map(names.__getitem__, order), strict=True)))


def segments_between(connection: Connection, after: int, last: int) -> Iterator[Segment]:
    """The segments in the database after an entry, up to another one."""
    while after < last:
        segments = list(_segments(connection, after, min(after + 8192, last)))
        if not segments or segments[0].first > last:
            return
        yield from segments
        after = segments[-1].last
