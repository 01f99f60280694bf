"""Duties over the database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Select, Table, literal, select, text, tuple_, union_all

from trustward.adapters.store.database import Database
from trustward.adapters.store.keyed import keyed
from trustward.adapters.store.queries import named
from trustward.adapters.store.tables_operations import DUE_LATER, DUTIES
from trustward.model.duty import STATES, Duty, DutyQuery, DutyStep
from trustward.model.tally import BREACHED, OVERDUE, OWED, DutyCounts

_DUTY = msgspec.json.Decoder(Duty)
_STEP = msgspec.json.Decoder(DutyStep)


class DatabaseDuties:
    """The port ``Duties``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, id: str) -> Duty | None:
        """See :class:`trustward.ports.Duties`."""
        with self._database.read() as connection:
            found = connection.execute(named("duty"), {"id": id}).scalar()
        return None if found is None else _DUTY.decode(found)

    def steps(self, id: str) -> Sequence[DutyStep]:
        """See :class:`trustward.ports.Duties`."""
        with self._database.read() as connection:
            return [_STEP.decode(body) for body in connection.execute(named("duty_steps"), {"duty": id}).scalars()]

    def due(self, now_us: int, limit: int) -> Sequence[Duty]:
        """See :class:`trustward.ports.Duties`."""
        with self._database.read() as connection:
            found = connection.execute(named("due_duties"), {"now": now_us, "limit": limit}).scalars()
            return [_DUTY.decode(body) for body in found]

    def find(self, query: DutyQuery, after: str = "", limit: int = 100) -> Sequence[Duty]:
        """See :class:`trustward.ports.Duties`."""
        table = DUTIES.c
        wanted: list[Any] = [
            column == value
            for column, value in (
                (table.subject, keyed(query.subject)),
                (table.owner, query.owner),
                (table.market, query.market),
            )
            if value
        ]
        if query.due_before_us is not None:
            wanted.append(table.due_us < query.due_before_us)
        if query.breached is not None:
            # As words: so the index of what was missed serves.
            wanted.append(text(f"breached = {int(query.breached)}"))
        if not query.secret:
            wanted.append(table.secret == 0)
        with self._database.read() as connection:
            if after:
                place = connection.execute(named("duty_place"), {"id": after}).scalar()
                wanted.append(behind(DUTIES, "due_us", DUE_LATER if place is None else place, after))
            states = [STATES.index(state) for state in query.states or STATES]
            if query.subject:
                wanted.append(table.state.in_(states))
                found = select(table.body).where(*wanted).order_by(table.due_us, table.id).limit(limit)
            else:
                found = first_of_each(DUTIES, states, wanted, limit)
            return [_DUTY.decode(body) for body in connection.execute(found).scalars()]

    def counts(self, now_us: int) -> DutyCounts:
        """See :class:`trustward.ports.Duties`."""
        with self._database.read() as connection:

            def tallies(what: str) -> dict[str, int]:
                return {row[0]: row[1] for row in connection.execute(named("tallies"), {"what": what})}

            return DutyCounts(
                owed=tallies(OWED),
                overdue=tallies(OVERDUE),
                breached=tallies(BREACHED),
                alarm_us=connection.execute(named("oldest_alarm"), {"now": now_us}).scalar(),
            )


def first_of_each(table: Table, states: Sequence[int], wanted: Sequence[Any], limit: int) -> Select[Any]:
    """The bodies of the first rows by ``due_us`` that have one of some states.

    Each state is looked for by itself: an index has it in order. In one order of all states a planner believes that
    it meets each of them all the time, and goes through what is done (nearly all, and first) to find what is not.
    """
    columns = (table.c.due_us, table.c.id, table.c.body)
    parts = [
        select(*columns)
        .where(table.c.state == state, *wanted)
        .order_by(table.c.due_us, table.c.id)
        .limit(limit)
        .subquery(f"state{state}")
        for state in states
    ]
    every = union_all(*map(select, parts)).subquery("every")
    return select(every.c.body).order_by(every.c.due_us, every.c.id).limit(limit)


def behind(table: Table, column: str, value: int, id: str) -> Any:
    """Whatever comes after a place, in the order of a column and the id."""
    return tuple_(table.c[column], table.c.id) > tuple_(literal(value), literal(id))
