"""Duties over the database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Table, and_, or_, select

from trustward.adapters.store.database import Database
from trustward.adapters.store.queries import named
from trustward.adapters.store.tables_operations import DUE_LATER, DUTIES
from trustward.model.duty import STATES, Duty, DutyQuery, DutyStep

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
                (table.subject, query.subject),
                (table.owner, query.owner),
                (table.market, query.market),
            )
            if value
        ]
        if query.states:
            wanted.append(table.state.in_([STATES.index(state) for state in query.states]))
        if query.due_before_us is not None:
            wanted.append(table.due_us < query.due_before_us)
        if query.breached is not None:
            wanted.append(table.breached == int(query.breached))
        if not query.secret:
            wanted.append(table.secret == 0)
        with self._database.read() as connection:
            if after:
                place = connection.execute(named("duty_place"), {"id": after}).scalar()
                wanted.append(behind(DUTIES, "due_us", DUE_LATER if place is None else place, after))
            found = select(table.body).where(*wanted).order_by(table.due_us, table.id).limit(limit)
            return [_DUTY.decode(body) for body in connection.execute(found).scalars()]


def behind(table: Table, column: str, value: int, id: str) -> Any:
    """Whatever comes after a place, in the order of a column and the id."""
    return or_(table.c[column] > value, and_(table.c[column] == value, table.c.id > id))
