"""Records of operations over the database: several in one transaction, each only if it is as it was read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby, pairwise
from typing import Any

import msgspec
from sqlalchemy import Connection, select

from trustward.adapters.store import orders
from trustward.adapters.store.database import Database
from trustward.adapters.store.dossiers import write_dossier, write_page
from trustward.adapters.store.enforcement import appeal_row, measure_row
from trustward.adapters.store.kept import audit_row
from trustward.adapters.store.keyed import BESIDE_BYTES, keyed
from trustward.adapters.store.outbox import in_turn
from trustward.adapters.store.queries import named
from trustward.adapters.store.tables_operations import CASES, DUE_LATER, DUTIES
from trustward.base.errors import StaleError
from trustward.model import case, duty, report, tally
from trustward.model.appeal import Appeal, AppealPage, AppealTally
from trustward.model.case import Barred, Batch, Case, CasePage, HeldLease, Reviewer
from trustward.model.clue import Assessed, Clue, Line
from trustward.model.directive import OrderPage, SignedDocument
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
Handler = Callable[[Connection, Sequence[Any]], None]


class DatabaseRecords:
    """The port ``Records``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def write(self, writes: Sequence[Write]) -> None:
        """See :class:`trustward.ports.Records`."""
        # Always in the same order, so that two transactions cannot wait for each other; all of a kind at once, which is
        # one way there and back to a server, however many they are.
        ordered = sorted(writes, key=_place)
        with self._database.write() as connection:
            if any(isinstance(one, Letter) for one in ordered):
                in_turn(connection)
            counted: Counter[tuple[str, str]] = Counter()
            for kind, some in groupby(ordered, key=type):
                many = list(some)
                tallying = [one for one in many if isinstance(one, Case | Duty)]
                for one in tallying:
                    counted.update(tallied(one))
                _uncount(connection, tallying, counted)
                HANDLERS[kind](connection, many)
            # At the end, and in order: so nobody who waits for one of them is waited for.
            _run(
                connection,
                "add_tally",
                [
                    {"what": what, "name": name, "count": count}
                    for (what, name), count in sorted(counted.items())
                    if count
                ],
            )

    def get(self, kind: type[P], id: str) -> P | None:
        """See :class:`trustward.ports.Records`."""
        with self._database.read() as connection:
            found = connection.execute(named("plain"), {"kind": kind.__name__, "id": keyed(id)}).scalar()
        return None if found is None else msgspec.json.decode(found, type=kind)

    def every(self, kind: type[P], after: str = "", limit: int = 100) -> Sequence[P]:
        """See :class:`trustward.ports.Records`."""
        asked = {"kind": kind.__name__, "past": keyed(after), "limit": limit}
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
    # Letters, pages and the audit keep the order in which they were given, each among its own.
    kind = type(write).__name__
    return (1, f"{kind}:{write.id}") if hasattr(write, "version") else (2, kind)


def _run(connection: Connection, name: str, rows: Sequence[Row]) -> int:
    """A statement for some rows; how many it has touched."""
    if not rows:
        return 0
    return connection.execute(named(name), rows[0] if len(rows) == 1 else rows).rowcount


def _added(row: Callable[[Any], tuple[str, Row]]) -> Handler:
    """Adds what is only ever added: ``row`` gives the statement and its values."""

    def write(connection: Connection, many: Sequence[Any]) -> None:
        by_name: dict[str, list[Row]] = {}
        for name, values in map(row, many):
            by_name.setdefault(name, []).append(values)
        for name, rows in by_name.items():
            _run(connection, name, rows)

    return write


def _each(handler: Callable[[Connection, Any], None]) -> Handler:
    """Writes one after the other."""

    def write(connection: Connection, many: Sequence[Any]) -> None:
        for one in many:
            handler(connection, one)

    return write


def _versioned(name: str, row: Callable[[Any], Row]) -> Handler:
    """Writes records with ``version`` by the statements ``add_NAME`` and ``change_NAME``."""

    def write(connection: Connection, many: Sequence[Any]) -> None:
        for before, one in pairwise(many):  # they come in the order of their ids
            if before.id == one.id:
                raise StaleError(f"the {name} {one.id} changes twice in one write", remedy="look again")
        for how, some in (
            ("add", [one for one in many if one.version == 1]),
            ("change", [one for one in many if one.version != 1]),
        ):
            rows = [
                {"id": one.id, "version": one.version, "body": msgspec.json.encode(one), **row(one)} for one in some
            ]
            if _run(connection, f"{how}_{name}", rows) != len(rows):
                ids = ", ".join(one.id for one in some[:5])
                which = f"the {name}" if len(some) == 1 else f"a {name} among"
                raise StaleError(f"{which} {ids} has been changed meanwhile", remedy="look again")

    return write


def tallied(one: Case | Duty) -> tally.Tallied:
    """What a record counts for."""
    if isinstance(one, Case):
        return tally.of_case(one.state, one.queue)
    return tally.of_duty(one.state, one.clock.id, breached=bool(one.breaches), secret=one.secret)


def _uncount(connection: Connection, many: Sequence[Case | Duty], counted: Counter[tuple[str, str]]) -> None:
    """Take off what their versions before have counted for. Who has written another one meanwhile is noticed then."""
    known = {one.id: one for one in many if one.version != 1}
    if not known:
        return
    table, also = (CASES.c, CASES.c.queue) if isinstance(many[0], Case) else (DUTIES.c, DUTIES.c.breached)
    for row in connection.execute(select(table.id, table.state, also).where(table.id.in_(list(known)))):
        one = known[row.id]
        if isinstance(one, Case):
            counted.subtract(tally.of_case(case.STATES[row.state], row.queue))
        else:
            state, breached = duty.STATES[row.state], bool(row.breached)
            counted.subtract(tally.of_duty(state, one.clock.id, breached=breached, secret=one.secret))


def _letters(connection: Connection, letters: Sequence[Letter]) -> None:
    for secret, above, below in ((False, MADE, HIDDEN), (True, HIDDEN, _BEYOND)):
        mine = [one for one in letters if one.secret == secret]
        if not mine:
            continue
        last = connection.execute(named("last_made"), {"above": above, "below": below}).scalar() or above
        rows = [letter.row(seq) for seq, letter in enumerate(mine, last + 1)]
        _run(connection, "add_made", [{"seq": row.seq, "at_us": row.at_us, "body": row.body} for row in rows])
        causes = [letter.filed or letter.cause for letter in mine]
        _run(
            connection,
            "add_letter",
            [{"seq": row.seq, "cause": cause} for row, cause in zip(rows, causes, strict=True)],
        )


def _duty(one: Duty) -> Row:
    return {
        "state": duty.STATES.index(one.state),
        "next_us": one.next_us,
        "due_us": DUE_LATER if one.due_us is None else one.due_us,
        "subject": keyed(one.subject),
        "owner": one.owner,
        "market": one.market,
        "breached": int(bool(one.breaches)),
        "secret": int(one.secret),
    }


def _page(name: str, of: str) -> Handler:
    """Adds pages of a file; ``of`` is the field that names what it is about."""

    def row(page: Any) -> tuple[str, Row]:
        fields = {"number": page.number, "at_us": page.at_us, "what": page.what}
        return name, {_COLUMNS.get(of, of): getattr(page, of), **fields, "body": msgspec.json.encode(page)}

    return _added(row)


_COLUMNS = {"case": "case_id", "order": "order_id"}


def _report(one: Report) -> Row:
    return {
        "state": report.STATES.index(one.state),
        "case_id": one.case,
        "reporter": keyed(one.reporter, BESIDE_BYTES),
        "subject": keyed(one.subject),
        "at_us": one.at_us,
        "untold": int(one.told_us is None),
    }


def _case(one: Case) -> Row:
    return {
        "state": case.STATES.index(one.state),
        "queue": one.queue,
        "open_on": keyed(one.open_on) if one.open_on else one.open_on,
        "due_us": DUE_LATER if one.due_us is None else one.due_us,
        "rank": -one.score,
        "opened_us": one.opened_us,
        "assigned": one.assigned,
        "untold": int(one.untold),
    }


_plain_cases = _versioned("case", _case)


def _cases(connection: Connection, many: Sequence[Case]) -> None:
    _plain_cases(connection, many)
    rows = [
        {"kind": kind, "entity": keyed(entity), "case_id": one.id, "opened_us": one.opened_us}
        for one in many
        for kind, entity in one.entities
    ]
    _run(connection, "add_case_entity", rows)


def _held(connection: Connection, held: HeldLease) -> None:
    asked = {"case_id": held.case, "reviewer": held.reviewer, "now": held.now_us}
    if connection.execute(named("leave_case" if held.ends else "hold_case"), asked).rowcount != 1:
        raise StaleError(f"the case {held.case} is not {held.reviewer}'s any more", remedy="take it again")


def _barred(barred: Barred) -> tuple[str, Row]:
    return "add_barred", {"case_id": barred.case, "reviewer": barred.reviewer}


def _errand(errand: Errand) -> tuple[str, Row]:
    return "add_errand", msgspec.structs.asdict(errand)


_plain = _versioned("plain", lambda record: {"kind": type(record).__name__, "id": keyed(record.id)})

HANDLERS: Mapping[type, Handler] = {
    AuditRow: _added(audit_row),
    Letter: _letters,
    Duty: _versioned("duty", _duty),
    DutyStep: _page("add_duty_step", "duty"),
    Report: _versioned("report", _report),
    Case: _cases,
    CasePage: _page("add_case_page", "case"),
    HeldLease: _each(_held),
    Barred: _added(_barred),
    Errand: _added(_errand),
    FilePage: _each(write_page),
    **dict.fromkeys((Clue, Hold, Asked, Disclosure), _each(write_dossier)),
    OrderPage: _page("add_order_page", "order"),
    **{kind: _versioned(name, row) for kind, (name, row) in orders.ROWS.items()},
    Measure: _versioned("measure", measure_row),
    Appeal: _versioned("appeal", appeal_row),
    AppealPage: _page("add_appeal_page", "appeal"),
    **dict.fromkeys(
        (Reporter, Reviewer, Batch, Mark, StrikeSheet, ClosedTrace, AppealTally, Line, Assessed, SignedDocument), _plain
    ),
}
"""How each kind of record is written."""
