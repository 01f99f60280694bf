"""Records of operations over the database: several in one transaction, each only if it is as it was read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Table, and_, or_, select

from trustward.adapters.store.database import Database
from trustward.adapters.store.kept import add_audit
from trustward.adapters.store.outbox import in_turn
from trustward.adapters.store.queries import named
from trustward.adapters.store.tables_operations import DUTIES
from trustward.base.errors import StaleError
from trustward.model.duty import STATES, Duty, DutyQuery, DutyStep
from trustward.model.journal import MADE
from trustward.model.letter import Letter
from trustward.model.stored import AuditRow
from trustward.ports import Write

LATER_US = 1 << 62
"""Stands for no due time, behind every other one."""
Row = dict[str, Any]
Handler = Callable[[Connection, Any], None]

_DUTY = msgspec.json.Decoder(Duty)
_STEP = msgspec.json.Decoder(DutyStep)


class DatabaseRecords:
    """The port ``Records``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def write(self, writes: Sequence[Write]) -> None:
        """See :class:`trustward.ports.Records`."""
        # Always in the same order, so that two transactions cannot wait for each other.
        ordered = sorted(writes, key=_place)
        with self._database.write() as connection:
            if any(isinstance(one, Letter) for one in ordered):
                in_turn(connection)
            for one in ordered:
                HANDLERS[type(one)](connection, one)


def _place(write: Write) -> tuple[int, str]:
    versioned = hasattr(write, "version")
    # Letters and the audit keep the order in which they were given.
    return (0, f"{type(write).__name__}:{write.id}") if versioned else (1, "")  # type: ignore[union-attr]


def versioned(name: str, row: Callable[[Any], Row]) -> Handler:
    """Writes a record with ``version`` by the statements ``add_NAME`` and ``change_NAME``."""

    def write(connection: Connection, record: Any) -> None:
        statement = named(f"{'add' if record.version == 1 else 'change'}_{name}")
        fields = {"id": record.id, "version": record.version, "body": msgspec.json.encode(record), **row(record)}
        if connection.execute(statement, fields).rowcount != 1:
            raise StaleError(f"the {name} {record.id} has been changed meanwhile", remedy="look again")

    return write


def _letter(connection: Connection, letter: Letter) -> None:
    last = connection.execute(named("last_made")).scalar() or MADE
    row = letter.row(last + 1)
    connection.execute(named("add_made"), {"seq": row.seq, "at_us": row.at_us, "body": row.body})


def _duty(duty: Duty) -> Row:
    return {
        "state": STATES.index(duty.state),
        "next_us": duty.next_us,
        "due_us": LATER_US if duty.due_us is None else duty.due_us,
        "subject": duty.subject,
        "owner": duty.owner,
        "market": duty.market,
        "breached": int(bool(duty.breaches)),
        "secret": int(duty.secret),
    }


def _duty_step(connection: Connection, step: DutyStep) -> None:
    fields = {"duty": step.duty, "number": step.number, "at_us": step.at_us, "what": step.what}
    connection.execute(named("add_duty_step"), {**fields, "body": msgspec.json.encode(step)})


HANDLERS: Mapping[type, Handler] = {
    AuditRow: add_audit,
    Letter: _letter,
    Duty: versioned("duty", _duty),
    DutyStep: _duty_step,
}
"""How each kind of record is written."""


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
                wanted.append(behind(DUTIES, "due_us", LATER_US if place is None else place, after))
            found = select(table.body).where(*wanted).order_by(table.due_us, table.id).limit(limit)
            return [_DUTY.decode(body) for body in connection.execute(found).scalars()]


def behind(table: Table, column: str, value: int, id: str) -> Any:
    """Whatever comes after a place, in the order of a column and the id."""
    return or_(table.c[column] > value, and_(table.c[column] == value, table.c.id > id))
