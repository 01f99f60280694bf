"""What retention removes, over the database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

import msgspec
from sqlalchemy import Connection

from trustward.adapters.store.archived import move_ids
from trustward.adapters.store.database import Database
from trustward.adapters.store.kept import add_audit
from trustward.adapters.store.keyed import keyed
from trustward.adapters.store.outbox import in_turn
from trustward.adapters.store.queries import named
from trustward.adapters.store.retained_cases import (
    Letters,
    bundle_of,
    closed_of,
    drop,
    drop_bundle,
    heard_of,
    reporters,
    waits,
)
from trustward.model.archived import ArchivedDay, day_of
from trustward.model.dossier import Pair
from trustward.model.journal import Segment
from trustward.model.marks import marks_of
from trustward.model.retention import Closed, ClosedClass, Done
from trustward.model.stored import AuditRow

_AT_ONCE = 5_000


class DatabaseRetained:
    """The port ``Retained``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def done(self) -> Sequence[Done]:
        """See :class:`trustward.ports.Retained`."""
        with self._database.read() as connection:
            rows = connection.execute(named("retained")).all()
        return [
            Done(
                day=row.day,
                of=row[1],
                removed=row.removed,
                kept=msgspec.json.decode(row.kept, type=dict[str, int]),
                at_us=row.at_us,
                entries=msgspec.json.decode(row.entries, type=tuple[int, ...]),
            )
            for row in rows
        ]

    def note(self, done: Sequence[Done], audit: Sequence[AuditRow]) -> None:
        """See :class:`trustward.ports.Retained`."""
        with self._database.write() as connection:
            _note(connection, done, audit)

    def kept(self, pairs: Collection[Pair]) -> Mapping[Pair, str]:
        """See :class:`trustward.ports.Retained`."""
        found: dict[Pair, str] = {}
        for some in _parts(pairs):
            with self._database.read() as connection:
                found.update(_kept(connection, some))
        return found

    def thin(
        self, pairs: Collection[Pair], cut: Callable[[Mapping[Pair, str]], Sequence[tuple[Segment, Segment]]]
    ) -> int:
        """See :class:`trustward.ports.Retained`."""
        with self._database.write() as connection:
            found: dict[Pair, str] = {}
            for some in _parts(pairs):
                found.update(_kept(connection, some))
            segments = cut(found)
            if not segments:
                return 0
            last = max(segment.last for _, segment in segments)
            if connection.execute(named("writer")).one().ids_seq < last:
                # What is left of an event has another id. The service's commits wait for this, and only for this.
                connection.execute(named("hold_writer"))
                move_ids(connection, last)
            return sum(_put(connection, before, segment) for before, segment in segments)

    def held(self) -> frozenset[str]:
        """See :class:`trustward.ports.Retained`."""
        with self._database.read() as connection:
            return frozenset(connection.execute(named("held_pairs")).scalars())

    def replace(self, day: ArchivedDay, held: AbstractSet[str]) -> bool:
        """See :class:`trustward.ports.Retained`."""
        with self._database.write() as connection:
            if not held >= set(connection.execute(named("held_pairs")).scalars()):
                return False
            return connection.execute(named("replace_archived_day"), msgspec.structs.asdict(day)).rowcount == 1

    def closed(self, of: ClosedClass, before_us: int, after: str, limit: int) -> Sequence[Closed]:
        """See :class:`trustward.ports.Retained`."""
        asked = {"before": before_us, "past": after, "limit": limit}
        with self._database.read() as connection:
            if of == "cases":
                return [closed_of(row) for row in connection.execute(named("closed_cases"), asked)]
            del asked["before"]
            if of == "appeals":
                return [heard_of(row) for row in connection.execute(named("closed_appeals"), asked)]
            bodies = connection.execute(named("bundles_after"), asked).scalars().all()
            return [bundle_of(connection, body) for body in bodies]

    def keeps(self, of: ClosedClass, some: Sequence[Closed]) -> Mapping[str, str]:
        """See :class:`trustward.ports.Retained`."""
        with self._database.read() as connection:
            return {one.id: _keeps(connection, of, one)[0] for one in some}

    def drop(
        self,
        of: ClosedClass,
        some: Sequence[Closed],
        note: Callable[[Mapping[str, str]], tuple[Sequence[Done], Sequence[AuditRow]]],
    ) -> Mapping[str, str]:
        """See :class:`trustward.ports.Retained`."""
        with self._database.write() as connection:
            in_turn(connection)
            found = {}
            for one in some:
                why, letters = _keeps(connection, of, one)
                if not why:
                    bundle = of == "bundles"
                    why = drop_bundle(connection, one) if bundle else drop(connection, of, one, letters)
                found[one.id] = why
            _note(connection, *note(found))
        return found

    def keeps_audit(self, before_us: int) -> dict[str, int]:
        """See :class:`trustward.ports.Retained`."""
        with self._database.read() as connection:
            secret = connection.execute(named("any_hold")).scalar()
            if secret is None:
                return {}
            count = connection.execute(named("count_old_audit"), {"before": before_us}).scalar_one()
        return {"secret" if secret else "hold": int(count)} if count else {}

    def drop_audit(
        self,
        before_us: int,
        limit: int,
        note: Callable[[Mapping[str, int]], tuple[Sequence[Done], Sequence[AuditRow]]],
        *,
        secret: bool = False,
    ) -> int:
        """See :class:`trustward.ports.Retained`."""
        book = "audit_secret" if secret else "audit"
        with self._database.write() as connection:
            if connection.execute(named("any_hold")).scalar() is not None:
                return 0
            rows = connection.execute(named(f"old_{book}"), {"before": before_us, "limit": limit}).all()
            if rows:
                # First what is new, so that no number comes twice.
                _note(connection, *note(Counter(day_of(row.at_us) for row in rows)))
                connection.execute(named(f"drop_{book}"), [{"number": row.number} for row in rows])
        return len(rows)

    def drop_actions(self, seqs: Sequence[int]) -> int:
        """See :class:`trustward.ports.Retained`."""
        dropped = 0
        for start in range(0, len(seqs), _AT_ONCE):
            some = list(seqs[start : start + _AT_ONCE])
            with self._database.write() as connection:
                in_turn(connection)
                if self._database.is_sqlite:
                    asked = {"seqs": msgspec.json.encode(some).decode()}
                    rows = connection.execute(named("closed_actions_of_sqlite"), asked).all()
                else:
                    rows = connection.execute(named("closed_actions_of_postgresql"), {"seqs": some}).all()
                closed = [{"seq": row.seq, "number": row.number} for row in rows]
                for name in ("receipts", "deliveries", "effect", "action") if closed else ():
                    connection.execute(named(f"prune_{name}"), closed)
            dropped += len(closed)
        return dropped


def _keeps(connection: Connection, of: ClosedClass, one: Closed) -> tuple[str, Letters]:
    kept: dict[Pair, str] = {}
    names = [*one.names, *(reporters(connection, one.id) if of == "cases" else ())]
    for some in _parts(names):
        kept.update(_kept(connection, some))
    why = next((kept[pair] for pair in names if pair in kept), "")
    return (why, Letters((), ())) if of == "bundles" else waits(connection, of, one, why)


def _note(connection: Connection, done: Sequence[Done], audit: Sequence[AuditRow]) -> None:
    if done:
        connection.execute(named("note_retained"), [_row(one) for one in done])
    for line in audit:
        add_audit(connection, line)


def _row(done: Done) -> dict[str, Any]:
    texts = {name: msgspec.json.encode(getattr(done, name)).decode() for name in ("kept", "entries")}
    return {**msgspec.structs.asdict(done), **texts}


def _parts(pairs: Collection[Pair]) -> Iterator[list[Pair]]:
    """A few thousand at a time."""
    every = list(pairs)
    for start in range(0, len(every), _AT_ONCE):
        yield every[start : start + _AT_ONCE]


def _kept(connection: Connection, pairs: Sequence[Pair]) -> dict[Pair, str]:
    asked = [(kind, keyed(entity), keyed(f"{kind}:{entity}")) for kind, entity in pairs]
    if connection.dialect.name == "sqlite":
        rows = connection.execute(named("kept_sqlite"), {"asked": msgspec.json.encode(asked).decode()})
    else:
        columns = zip(("kinds", "entities", "named"), map(list, zip(*asked, strict=True)), strict=True)
        rows = connection.execute(named("kept_postgresql"), dict(columns))
    found: dict[Pair, str] = {}
    for place, why in rows:
        found.setdefault(pairs[place], why)
    return found


def _put(connection: Connection, before: Segment, segment: Segment) -> int:
    if connection.execute(named("put_segment"), {**msgspec.structs.asdict(segment), "was": before.body}).rowcount != 1:
        return 0
    connection.execute(named("drop_marks"), {"first": segment.first})
    marks = marks_of(segment)
    if marks is not None:
        connection.execute(named("add_segment_marks"), {"first": segment.first, "marks": marks})
    return 1
