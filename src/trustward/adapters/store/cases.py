"""Reports, cases and errands over the database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import select, union_all

from trustward.adapters.store.database import Database
from trustward.adapters.store.keyed import BESIDE_BYTES, keyed
from trustward.adapters.store.queries import named
from trustward.adapters.store.tables_operations import CASE_ENTITIES, CASES
from trustward.model.case import ALIKE, STATES, Case, CaseLease, CasePage, CaseQuery
from trustward.model.errand import Errand
from trustward.model.report import Report
from trustward.model.tally import WAITING, Backlog

_CASE = msgspec.json.Decoder(Case)
_PAGE = msgspec.json.Decoder(CasePage)
_REPORT = msgspec.json.Decoder(Report)
_ABOUT = CASE_ENTITIES.c
_TRIES = 200
_LATEST_US = 1 << 62


class DatabaseReports:
    """The port ``Reports``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def _all(self, name: str, **asked: Any) -> list[Report]:
        with self._database.read() as connection:
            return [_REPORT.decode(body) for body in connection.execute(named(name), asked).scalars()]

    def get(self, id: str) -> Report | None:
        """See :class:`trustward.ports.Reports`."""
        return next(iter(self._all("report", id=id)), None)

    def before(self, reporter: str, subject: str) -> Report | None:
        """See :class:`trustward.ports.Reports`."""
        return next(
            iter(self._all("report_before", reporter=keyed(reporter, BESIDE_BYTES), subject=keyed(subject))), None
        )

    def of_case(self, case: str, after: str = "", limit: int = 100) -> Sequence[Report]:
        """See :class:`trustward.ports.Reports`."""
        return self._all("case_reports", case_id=case, past=after, limit=limit)

    def undecided(self, case: str, limit: int) -> Sequence[Report]:
        """See :class:`trustward.ports.Reports`."""
        return self._all("untold_reports", case_id=case, limit=limit)

    def by(self, reporter: str, limit: int = 100) -> Sequence[Report]:
        """See :class:`trustward.ports.Reports`."""
        return self._all("reports_by", reporter=keyed(reporter, BESIDE_BYTES), limit=limit)


class DatabaseCases:
    """The port ``Cases``."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._dialect = "" if database.is_sqlite else "_postgresql"

    def _all(self, name: str, **asked: Any) -> list[Case]:
        with self._database.read() as connection:
            return [_CASE.decode(body) for body in connection.execute(named(name), asked).scalars()]

    def get(self, id: str) -> Case | None:
        """See :class:`trustward.ports.Cases`."""
        return next(iter(self._all("case", id=id)), None)

    def pages(self, id: str, after: int = 0, limit: int = 1_000) -> Sequence[CasePage]:
        """See :class:`trustward.ports.Cases`."""
        asked = {"case_id": id, "number": after, "limit": limit}
        with self._database.read() as connection:
            return [_PAGE.decode(body) for body in connection.execute(named("case_pages"), asked).scalars()]

    def open_on(self, subject: str) -> Case | None:
        """See :class:`trustward.ports.Cases`."""
        return next(iter(self._all("case_on", subject=keyed(subject))), None)

    def take(self, queue: str, reviewer: str, now_us: int, until_us: int, risk_us: int) -> CaseLease | None:
        """See :class:`trustward.ports.Cases`."""
        asked = {"queue": queue, "reviewer": reviewer, "now": now_us}
        for _ in range(_TRIES):
            with self._database.write() as connection:
                found = connection.execute(named(f"case_at_risk{self._dialect}"), {**asked, "risk": risk_us}).scalar()
                if found is None:
                    found = connection.execute(named(f"case_by_rank{self._dialect}"), asked).scalar()
                if found is None:
                    return None
                taken = {"case_id": found, "reviewer": reviewer, "until_us": until_us, "now": now_us}
                row = connection.execute(named("take_case"), taken).one_or_none()
                if row is not None:
                    return _lease(row)
            # Somebody has taken it between the two statements: what comes next?
        return None

    def lease(self, case: str, reviewer: str, now_us: int, until_us: int) -> CaseLease | None:
        """See :class:`trustward.ports.Cases`."""
        taken = {"case_id": case, "reviewer": reviewer, "until_us": until_us, "now": now_us}
        with self._database.write() as connection:
            row = connection.execute(named("take_case"), taken).one_or_none()
        return None if row is None else _lease(row)

    def release(self, case: str, reviewer: str) -> None:
        """See :class:`trustward.ports.Cases`."""
        with self._database.write() as connection:
            connection.execute(named("leave_case"), {"case_id": case, "reviewer": reviewer, "now": 0})

    def lease_of(self, case: str, now_us: int) -> CaseLease | None:
        """See :class:`trustward.ports.Cases`."""
        with self._database.read() as connection:
            row = connection.execute(named("case_lease"), {"case_id": case}).one_or_none()
        return None if row is None or row.until_us <= now_us else _lease(row)

    def barred(self, case: str, reviewer: str) -> bool:
        """See :class:`trustward.ports.Cases`."""
        with self._database.read() as connection:
            return connection.execute(named("barred"), {"case_id": case, "reviewer": reviewer}).scalar() is not None

    def find(self, query: CaseQuery, after: str = "", limit: int = 100) -> Sequence[Case]:
        """See :class:`trustward.ports.Cases`."""
        table = CASES.c
        wanted: list[Any] = [table.id > after]
        if query.queue:
            wanted.append(table.queue == query.queue)
        if query.state is not None:
            wanted.append(table.state == STATES.index(query.state))
        if query.assigned:
            wanted.append(table.assigned == query.assigned)
        with self._database.read() as connection:
            found = connection.execute(select(table.body).where(*wanted).order_by(table.id).limit(limit)).scalars()
            return [_CASE.decode(body) for body in found]

    def about(self, kind: str, entity: str, after: str = "", limit: int = 100) -> Sequence[Case]:
        """See :class:`trustward.ports.Cases`."""
        behind = self.get(after) if after else None
        place = {"opened_us": _LATEST_US if behind is None else behind.opened_us, "past": after}
        return self._all("cases_about", kind=kind, entity=keyed(entity), limit=limit, **place)

    def untold(self, limit: int) -> Sequence[Case]:
        """See :class:`trustward.ports.Cases`."""
        return self._all("untold_cases", limit=limit)

    def alike(self, case: Case, each: int, limit: int) -> Sequence[tuple[Case, int]]:
        """See :class:`trustward.ports.Cases`."""
        common: Counter[str] = Counter()
        opened: dict[str, int] = {}
        # All entities by one statement, and all cases by another.
        places = [
            select(_ABOUT.case_id, _ABOUT.opened_us)
            .where(_ABOUT.kind == kind, _ABOUT.entity == keyed(entity))
            .order_by(_ABOUT.opened_us.desc(), _ABOUT.case_id.desc())
            .limit(each)
            .subquery(f"entity{number}")
            for number, (kind, entity) in enumerate(case.entities[:ALIKE])
        ]
        if not places:
            return []
        with self._database.read() as connection:
            for row in connection.execute(union_all(*map(select, places))):
                common[row.case_id] += 1
                opened[row.case_id] = row.opened_us
            del common[case.id]
            order = sorted(common, key=lambda name: (-common[name], -opened[name], name))[:limit]
            if not order:
                return []
            some = select(CASES.c.id, CASES.c.body).where(CASES.c.id.in_(order))
            found = {row.id: row.body for row in connection.execute(some)}
        return [(_CASE.decode(found[name]), common[name]) for name in order]

    def waiting(self) -> Mapping[str, tuple[int, int]]:
        """See :class:`trustward.ports.Cases`."""
        with self._database.read() as connection:
            found: dict[str, tuple[int, int]] = {}
            for queue, count in connection.execute(named("tallies"), {"what": WAITING}).all():
                oldest_us = connection.execute(named("oldest_waiting"), {"queue": queue}).scalar()
                if oldest_us is not None:
                    found[queue] = (count, oldest_us)
            return found


def _lease(row: Any) -> CaseLease:
    return CaseLease(case=row.case_id, reviewer=row.reviewer, until_us=row.until_us, epoch=row.epoch)


class DatabaseErrands:
    """The port ``Errands``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def waiting(self, limit: int) -> Sequence[Errand]:
        """See :class:`trustward.ports.Errands`."""
        with self._database.read() as connection:
            rows = connection.execute(named("waiting_errands"), {"limit": limit}).mappings()
            return [Errand(**{**row, "body": bytes(row["body"])}) for row in rows]

    def backlog(self, most: int) -> Backlog:
        """See :class:`trustward.ports.Errands`."""
        with self._database.read() as connection:
            row = connection.execute(named("errand_backlog"), {"most": most}).one()
            return Backlog(waiting=row.waiting, oldest_us=row.oldest_us)

    def done(self, ids: Sequence[str]) -> None:
        """See :class:`trustward.ports.Errands`."""
        if ids:
            with self._database.write() as connection:
                connection.execute(named("end_errand"), [{"id": name} for name in ids])
