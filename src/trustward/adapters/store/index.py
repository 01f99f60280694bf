"""The index behind the journal, over the database: a row for each run, and one for each page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from trustward.adapters.store.database import Database
from trustward.adapters.store.queries import named
from trustward.base.errors import StateError, StoreError
from trustward.model.indexed import Page, Run


class DatabaseIndex:
    """The port ``Index``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def runs(self) -> Sequence[Run]:
        """See :class:`trustward.ports.Index`."""
        with self._database.read() as connection:
            return [_run(row) for row in connection.execute(named("index_runs"))]

    def add(self, run: Run, pages: Sequence[Page], olds: Sequence[Run] = ()) -> bool:
        """See :class:`trustward.ports.Index`."""
        try:
            with self._database.write() as connection:
                _replace(connection, run, olds)
                connection.execute(named("add_index_run"), msgspec.structs.asdict(run))
                rows = [{"run": run.first, "low": page.low, "body": page.body} for page in pages]
                if rows:
                    connection.execute(named("add_index_page"), rows)
        except _OtherError:
            return False
        except StoreError as fault:
            # Two that began at the same moment: the key keeps the later one out.
            if isinstance(fault.__cause__, IntegrityError):
                return False
            raise
        return True

    def page(self, run: Run, below: int) -> Page | None:
        """See :class:`trustward.ports.Index`."""
        with self._database.read() as connection:
            row = connection.execute(named("index_page"), {"run": run.first, "below": below}).one_or_none()
            _see(connection, run)
        return None if row is None else Page(low=row.low, body=bytes(row.body))

    def tops(self, asked: Sequence[tuple[Run, int]]) -> Sequence[Page | None]:
        """See :class:`trustward.ports.Index`."""
        each = [(run.first, run.last, below) for run, below in asked]
        with self._database.read() as connection:
            if self._database.is_sqlite:
                said = {"asked": msgspec.json.encode(each).decode()}
                rows = connection.execute(named("index_tops_sqlite"), said).all()
            else:
                firsts, lasts, belows = ([one[at] for one in each] for at in range(3))
                arrays = {"runs": firsts, "lasts": lasts, "belows": belows}
                rows = connection.execute(named("index_tops_postgresql"), arrays).all()
        if any(row.there is None for row in rows):
            raise _merged()
        found = {row.place: Page(low=row.low, body=bytes(row.body)) for row in rows if row.low is not None}
        return [found.get(place) for place in range(len(asked))]

    def pages(self, run: Run) -> Sequence[Page]:
        """See :class:`trustward.ports.Index`."""
        with self._database.read() as connection:
            rows = connection.execute(named("index_pages"), {"run": run.first}).all()
            _see(connection, run)
        return [Page(low=row.low, body=bytes(row.body)) for row in rows]

    def clear(self) -> None:
        """See :class:`trustward.ports.Index`."""
        with self._database.write() as connection:
            connection.execute(named("clear_index_runs"))
            connection.execute(named("clear_index_pages"))


class _OtherError(Exception):
    """Somebody else was first: the transaction is given up."""


def _replace(connection: Connection, run: Run, olds: Sequence[Run]) -> None:
    """Make room for a run: see that it follows the last one, or take away those that it stands for."""
    if not olds and connection.execute(named("index_end")).scalar_one() != run.first - 1:
        raise _OtherError
    for old in olds:
        if connection.execute(named("drop_index_run"), {"first": old.first, "last": old.last}).rowcount != 1:
            raise _OtherError
        connection.execute(named("drop_index_pages"), {"run": old.first})


def _see(connection: Connection, run: Run) -> None:
    """See that a run is still there, after reading: then what was read was its own."""
    if connection.execute(named("index_run"), {"first": run.first, "last": run.last}).one_or_none() is None:
        raise _merged()


def _merged() -> StateError:
    return StateError("the run has been merged", remedy="look at the runs again")


def _run(row: Any) -> Run:
    return Run(first=row.first, last=row.last, level=row.level, pages=row.pages, postings=row.postings)
