"""Which days of the journal have moved to the archive, over the database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec
from sqlalchemy import Connection

from trustward.adapters.store.database import Database
from trustward.adapters.store.journal import add_ids, segments_between
from trustward.adapters.store.queries import named
from trustward.base.errors import StateError
from trustward.model.archived import ArchivedDay
from trustward.model.journal import ActionRow

_ROWS = 5_000


class DatabaseArchived:
    """The port ``Archived``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def days(self) -> Sequence[ArchivedDay]:
        """See :class:`trustward.ports.Archived`."""
        with self._database.read() as connection:
            return [ArchivedDay(**row) for row in connection.execute(named("archived_days")).mappings()]

    def upto(self) -> int:
        """See :class:`trustward.ports.Archived`."""
        with self._database.read() as connection:
            return int(connection.execute(named("archived_to")).scalar_one())

    def stamp(self) -> tuple[int, int]:
        """See :class:`trustward.ports.Archived`."""
        with self._database.read() as connection:
            found = connection.execute(named("archived_stamp")).one()
        return int(found.last), int(found.revisions)

    def keep(self, day: ArchivedDay) -> None:
        """See :class:`trustward.ports.Archived`."""
        with self._database.write() as connection:
            # From here on the service's commits wait, on PostgreSQL too: it is short.
            connection.execute(named("hold_writer"))
            before = connection.execute(named("archived_to")).scalar_one()
            if day.first != before + 1:
                raise StateError(
                    f"the day {day.day} begins with entry {day.first:,}, but the archive ends with {before:,}",
                    remedy="archive the days in their order, one process at a time",
                )
            move_ids(connection, day.last)
            connection.execute(named("add_archived_day"), msgspec.structs.asdict(day))

    def tidy(self, limit: int) -> int:
        """See :class:`trustward.ports.Archived`."""
        with self._database.read() as connection:
            to = connection.execute(named("archived_to")).scalar_one()
            found = connection.execute(named("first_segments"), {"to": to, "limit": limit}).scalars().all()
        if not found:
            return 0
        with self._database.write() as connection:
            connection.execute(named("drop_segment_marks"), {"to": found[-1]})
            return int(connection.execute(named("drop_segments"), {"to": found[-1]}).rowcount)

    def actions(self, first: int, last: int, *, inverses: bool = False) -> Iterator[ActionRow]:
        """See :class:`trustward.ports.Archived`."""
        span = {"low": -(2**31), "high": -1} if inverses else {"low": 0, "high": 2**31 - 1}
        place = {"after": first, "after_number": span["low"] - 1, "last": last, "limit": _ROWS}
        while True:
            with self._database.read() as connection:
                rows = connection.execute(named("actions_between"), {**place, **span}).all()
            for row in rows:
                yield ActionRow(seq=row.seq, number=row.number, at_us=row.at_us, body=bytes(row.body))
            if len(rows) < _ROWS:
                return
            place |= {"after": rows[-1].seq, "after_number": rows[-1].number}


def move_ids(connection: Connection, last: int) -> None:
    """See that the ids of all entries up to one are in their table: their segments will be gone."""
    held = connection.execute(named("writer")).one()
    if held.ids_seq >= last:
        return
    names: dict[str, int] = {}
    for segment in segments_between(connection, held.ids_seq, last):
        names.update(zip(segment.ids(), range(segment.first, segment.last + 1), strict=False))
    add_ids(connection, names)
    connection.execute(named("set_ids_seq"), {"seq": last})
