"""Measures and appeals over the database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import select

from trustward.adapters.store.database import Database
from trustward.adapters.store.duties import behind, first_of_each
from trustward.adapters.store.keyed import keyed
from trustward.adapters.store.queries import named
from trustward.adapters.store.tables_enforcement import APPEALS
from trustward.adapters.store.tables_operations import DUE_LATER
from trustward.model.appeal import STATES as APPEAL_STATES
from trustward.model.appeal import Appeal, AppealPage
from trustward.model.appeal import State as AppealState
from trustward.model.enforcement import STATES, Measure

_MEASURE = msgspec.json.Decoder(Measure)
_APPEAL = msgspec.json.Decoder(Appeal)
_PAGE = msgspec.json.Decoder(AppealPage)


def measure_row(one: Measure) -> dict[str, Any]:
    """The columns of a measure."""
    held = one.state == "in_force"
    return {
        "state": STATES.index(one.state),
        "cause": "" if one.parent else one.cause,
        "kind": one.kind,
        "entity": keyed(one.entity),
        "parent": one.parent,
        "same": keyed(one.same) if held else "",
        "at_us": one.at_us,
        "over_us": one.ends_us if held else None,
        "work": int(bool(one.work)),
    }


def appeal_row(one: Appeal) -> dict[str, Any]:
    """The columns of an appeal."""
    return {
        "state": APPEAL_STATES.index(one.state),
        "decision": one.decision,
        "account": keyed(one.account),
        "due_us": DUE_LATER if one.due_us is None else one.due_us,
        "work": int(one.work),
    }


class DatabaseMeasures:
    """The port ``Measures``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def _all(self, name: str, **asked: Any) -> list[Measure]:
        with self._database.read() as connection:
            return [_MEASURE.decode(body) for body in connection.execute(named(name), asked).scalars()]

    def get(self, id: str) -> Measure | None:
        """See :class:`trustward.ports.Measures`."""
        return next(iter(self._all("measure", id=id)), None)

    def of(self, cause: str, after: str = "", limit: int = 100) -> Sequence[Measure]:
        """See :class:`trustward.ports.Measures`."""
        return self._all("measures_of", cause=cause, past=after, limit=limit)

    def on(self, kind: str, entity: str, limit: int = 100) -> Sequence[Measure]:
        """See :class:`trustward.ports.Measures`."""
        return self._all("measures_on", kind=kind, entity=keyed(entity), limit=limit)

    def alike(self, same: str, limit: int = 10) -> Sequence[Measure]:
        """See :class:`trustward.ports.Measures`."""
        return self._all("measures_alike", same=keyed(same), limit=limit)

    def following(self, parent: str, after: str = "", limit: int = 100) -> Sequence[Measure]:
        """See :class:`trustward.ports.Measures`."""
        return self._all("measures_following", parent=parent, past=after, limit=limit)

    def unlifted(self, parent: str, limit: int) -> Sequence[Measure]:
        """See :class:`trustward.ports.Measures`."""
        return self._all("measures_unlifted", parent=parent, limit=limit)

    def working(self, limit: int) -> Sequence[Measure]:
        """See :class:`trustward.ports.Measures`."""
        return self._all("working_measures", limit=limit)

    def over(self, now_us: int, limit: int) -> Sequence[Measure]:
        """See :class:`trustward.ports.Measures`."""
        return self._all("measures_over", now=now_us, limit=limit)


class DatabaseAppeals:
    """The port ``Appeals``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, id: str) -> Appeal | None:
        """See :class:`trustward.ports.Appeals`."""
        with self._database.read() as connection:
            body = connection.execute(named("appeal"), {"id": id}).scalar()
        return None if body is None else _APPEAL.decode(body)

    def pages(self, id: str) -> Sequence[AppealPage]:
        """See :class:`trustward.ports.Appeals`."""
        with self._database.read() as connection:
            return [_PAGE.decode(body) for body in connection.execute(named("appeal_pages"), {"appeal": id}).scalars()]

    def find(
        self,
        state: AppealState | None = None,
        decision: str = "",
        account: str = "",
        after: str = "",
        limit: int = 100,
    ) -> Sequence[Appeal]:
        """See :class:`trustward.ports.Appeals`."""
        table = APPEALS.c
        wanted: list[Any] = []
        if decision:
            wanted.append(table.decision == decision)
        if account:
            wanted.append(table.account == keyed(account))
        states = [APPEAL_STATES.index(one) for one in ([state] if state is not None else APPEAL_STATES)]
        with self._database.read() as connection:
            if after:
                last = connection.execute(named("appeal_place"), {"id": after}).scalar()
                wanted.append(behind(APPEALS, "due_us", DUE_LATER if last is None else last, after))
            if decision or account:
                wanted.append(table.state.in_(states))
                query = select(table.body).where(*wanted).order_by(table.due_us, table.id).limit(limit)
            else:
                query = first_of_each(APPEALS, states, wanted, limit)
            return [_APPEAL.decode(body) for body in connection.execute(query).scalars()]

    def working(self, limit: int) -> Sequence[Appeal]:
        """See :class:`trustward.ports.Appeals`."""
        with self._database.read() as connection:
            found = connection.execute(named("working_appeals"), {"limit": limit}).scalars()
            return [_APPEAL.decode(body) for body in found]
