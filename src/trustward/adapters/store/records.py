"""Records of operations over the database: several in one transaction, each only if it is as it was read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection

from trustward.adapters.store import orders
from trustward.adapters.store.database import Database
from trustward.adapters.store.dossiers import write_dossier, write_page
from trustward.adapters.store.enforcement import appeal_row, measure_row
from trustward.adapters.store.kept import add_audit
from trustward.adapters.store.outbox import in_turn
from trustward.adapters.store.queries import named
from trustward.adapters.store.tables_operations import DUE_LATER
from trustward.base.errors import StaleError
from trustward.model import case, duty, report, tally
from trustward.model.appeal import Appeal, AppealPage, AppealTally
from trustward.model.case import Barred, Batch, Case, CasePage, HeldLease, Reviewer
from trustward.model.clue import Assessed, Clue, Line
from trustward.model.directive import OrderPage
from trustward.model.dossier import FilePage
from trustward.model.duty import Duty, DutyStep
from trustward.model.enforcement import ClosedTrace, Measure, StrikeSheet
from trustward.model.errand import Errand, Mark
from trustward.model.hold import Hold
from trustward.model.journal import HIDDEN, MADE, ActionRow
from trustward.model.letter import Letter
from trustward.model.report import Report, Reporter
from trustward.model.request import Asked, Disclosure
from trustward.model.stored import AuditRow
from trustward.ports import Write
from trustward.ports.operations import P

Row = dict[str, Any]
_BEYOND = (1 << 63) - 1
Handler = Callable[[Connection, Any], None]


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
            counted: Counter[tuple[str, str]] = Counter()
            for one in ordered:
                if isinstance(one, Case | Duty):
                    counted.update(tallied(one))
                    counted.subtract(_before(connection, one))
                HANDLERS[type(one)](connection, one)
            # At the end, and in order: so nobody who waits for one of them is waited for.
            for (what, name), count in sorted(counted.items()):
                if count:
                    connection.execute(named("add_tally"), {"what": what, "name": name, "count": count})

    def get(self, kind: type[P], id: str) -> P | None:
        """See :class:`trustward.ports.Records`."""
        with self._database.read() as connection:
            found = connection.execute(named("plain"), {"kind": kind.__name__, "id": id}).scalar()
        return None if found is None else msgspec.json.decode(found, type=kind)

    def every(self, kind: type[P], after: str = "", limit: int = 100) -> Sequence[P]:
        """See :class:`trustward.ports.Records`."""
        asked = {"kind": kind.__name__, "past": after, "limit": limit}
        with self._database.read() as connection:
            return [
                msgspec.json.decode(body, type=kind) for body in connection.execute(named("plain_of"), asked).scalars()
            ]

    def letters(self, cause: str) -> Sequence[str]:
        """See :class:`trustward.ports.Records`."""
        with self._database.read() as connection:
            seqs = connection.execute(named("letters"), {"cause": cause}).scalars()
            return [ActionRow(seq=seq, number=0, at_us=0, body=b"").key for seq in seqs]


def _place(write: Any) -> tuple[int, str]:
    if isinstance(write, HeldLease):
        # After the cases: handing one out locks the case first, and its lease then.
        return (1, f"~{write.case}")
    # Letters, pages and the audit keep the order in which they were given.
    return (1, f"{type(write).__name__}:{write.id}") if hasattr(write, "version") else (2, "")


def _versioned(name: str, row: Callable[[Any], Row]) -> Handler:
    """Writes a record with ``version`` by the statements ``add_NAME`` and ``change_NAME``."""

    def write(connection: Connection, record: Any) -> None:
        statement = named(f"{'add' if record.version == 1 else 'change'}_{name}")
        fields = {"id": record.id, "version": record.version, "body": msgspec.json.encode(record), **row(record)}
        if connection.execute(statement, fields).rowcount != 1:
            raise StaleError(f"the {name} {record.id} has been changed meanwhile", remedy="look again")

    return write


def tallied(one: Case | Duty) -> tally.Tallied:
    """What a record counts for."""
    if isinstance(one, Case):
        return tally.of_case(one.state, one.queue)
    return tally.of_duty(one.state, one.clock.id, breached=bool(one.breaches), secret=one.secret)


def _before(connection: Connection, one: Case | Duty) -> tally.Tallied:
    """What its version before has counted for. Whoever has written another one meanwhile is noticed afterwards."""
    if one.version == 1:
        return ()
    row = connection.execute(named("case_before" if isinstance(one, Case) else "duty_before"), {"id": one.id}).first()
    if row is None:
        return ()
    if isinstance(one, Case):
        return tally.of_case(case.STATES[row.state], row.queue)
    return tally.of_duty(duty.STATES[row.state], one.clock.id, breached=bool(row.breached), secret=one.secret)


def _letter(connection: Connection, letter: Letter) -> None:
    above, below = (HIDDEN, _BEYOND) if letter.secret else (MADE, HIDDEN)
    last = connection.execute(named("last_made"), {"above": above, "below": below}).scalar() or above
    row = letter.row(last + 1)
    connection.execute(named("add_made"), {"seq": row.seq, "at_us": row.at_us, "body": row.body})
    connection.execute(named("add_letter"), {"seq": row.seq, "cause": letter.filed or letter.cause})


def _duty(one: Duty) -> Row:
    return {
        "state": duty.STATES.index(one.state),
        "next_us": one.next_us,
        "due_us": DUE_LATER if one.due_us is None else one.due_us,
        "subject": one.subject,
        "owner": one.owner,
        "market": one.market,
        "breached": int(bool(one.breaches)),
        "secret": int(one.secret),
    }


def _duty_step(connection: Connection, step: DutyStep) -> None:
    fields = {"duty": step.duty, "number": step.number, "at_us": step.at_us, "what": step.what}
    connection.execute(named("add_duty_step"), {**fields, "body": msgspec.json.encode(step)})


def _report(one: Report) -> Row:
    return {
        "state": report.STATES.index(one.state),
        "case_id": one.case,
        "reporter": one.reporter,
        "subject": one.subject,
        "at_us": one.at_us,
        "untold": int(one.told_us is None),
    }


def _case(one: Case) -> Row:
    return {
        "state": case.STATES.index(one.state),
        "queue": one.queue,
        "open_on": one.open_on,
        "due_us": DUE_LATER if one.due_us is None else one.due_us,
        "rank": -one.score,
        "opened_us": one.opened_us,
        "assigned": one.assigned,
        "untold": int(one.untold),
    }


_plain_case = _versioned("case", _case)


def _whole_case(connection: Connection, one: Case) -> None:
    _plain_case(connection, one)
    rows = [
        {"kind": kind, "entity": entity, "case_id": one.id, "opened_us": one.opened_us} for kind, entity in one.entities
    ]
    if rows:
        connection.execute(named("add_case_entity"), rows)


def _case_page(connection: Connection, page: CasePage) -> None:
    fields = {"case_id": page.case, "number": page.number, "at_us": page.at_us, "what": page.what}
    connection.execute(named("add_case_page"), {**fields, "body": msgspec.json.encode(page)})


def _appeal_page(connection: Connection, page: AppealPage) -> None:
    fields = {"appeal": page.appeal, "number": page.number, "at_us": page.at_us, "what": page.what}
    connection.execute(named("add_appeal_page"), {**fields, "body": msgspec.json.encode(page)})


def _held(connection: Connection, held: HeldLease) -> None:
    asked = {"case_id": held.case, "reviewer": held.reviewer, "now": held.now_us}
    if connection.execute(named("leave_case" if held.ends else "hold_case"), asked).rowcount != 1:
        raise StaleError(f"the case {held.case} is not {held.reviewer}'s any more", remedy="take it again")


def _barred(connection: Connection, barred: Barred) -> None:
    connection.execute(named("add_barred"), {"case_id": barred.case, "reviewer": barred.reviewer})


def _errand(connection: Connection, errand: Errand) -> None:
    connection.execute(named("add_errand"), msgspec.structs.asdict(errand))


_plain = _versioned("plain", lambda record: {"kind": type(record).__name__})

HANDLERS: Mapping[type, Handler] = {
    AuditRow: add_audit,
    Letter: _letter,
    Duty: _versioned("duty", _duty),
    DutyStep: _duty_step,
    Report: _versioned("report", _report),
    Case: _whole_case,
    CasePage: _case_page,
    HeldLease: _held,
    Barred: _barred,
    Errand: _errand,
    FilePage: write_page,
    **dict.fromkeys((Clue, Hold, Asked, Disclosure), write_dossier),
    OrderPage: orders.add_page,
    **{kind: _versioned(name, row) for kind, (name, row) in orders.ROWS.items()},
    Measure: _versioned("measure", measure_row),
    Appeal: _versioned("appeal", appeal_row),
    AppealPage: _appeal_page,
    **dict.fromkeys((Reporter, Reviewer, Batch, Mark, StrikeSheet, ClosedTrace, AppealTally, Line, Assessed), _plain),
}
"""How each kind of record is written."""
