"""Orders and programmes over the database."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import select

from trustward.adapters.store.database import Database
from trustward.adapters.store.keyed import keyed
from trustward.adapters.store.queries import named
from trustward.adapters.store.tables_orders import ORDER_TARGETS, ORDERS, PROGRAMMES
from trustward.model.directive import (
    LIVE,
    STATES,
    TARGET_STATES,
    Copy,
    Directive,
    OrderPage,
    OrderQuery,
    Target,
    TargetState,
)
from trustward.model.programme import Kind, Programme

_ORDER = msgspec.json.Decoder(Directive)
_TARGET = msgspec.json.Decoder(Target)
_COPY = msgspec.json.Decoder(Copy)
_PAGE = msgspec.json.Decoder(OrderPage)
_PROGRAMME = msgspec.json.Decoder(Programme)
_STATES = ("open", "closed", "withdrawn")


class DatabaseOrders:
    """The port ``Orders``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def _all(self, name: str, **asked: Any) -> list[bytes]:
        with self._database.read() as connection:
            return list(connection.execute(named(name), asked).scalars())

    def get(self, id: str) -> Directive | None:
        """See :class:`trustward.ports.Orders`."""
        return next(map(_ORDER.decode, self._all("order_by_id", id=id)), None)

    def known(self, known_as: str) -> Directive | None:
        """See :class:`trustward.ports.Orders`."""
        return next(map(_ORDER.decode, self._all("order_by_name", known_as=known_as)), None)

    def find(self, query: OrderQuery, after: str = "", limit: int = 100) -> Sequence[Directive]:
        """See :class:`trustward.ports.Orders`."""
        table = ORDERS.c
        wanted: list[Any] = [table.id > after]
        if query.state is not None:
            wanted.append(table.state == STATES.index(query.state))
        if query.live:
            wanted.append(table.state.in_([STATES.index(state) for state in LIVE]))
        if query.issuer:
            wanted.append(table.issuer == query.issuer)
        if not query.secret:
            wanted.append(table.secret == 0)
        with self._database.read() as connection:
            found = connection.execute(select(table.body).where(*wanted).order_by(table.id).limit(limit)).scalars()
            return [_ORDER.decode(body) for body in found]

    def working(self, limit: int) -> Sequence[Directive]:
        """See :class:`trustward.ports.Orders`."""
        return list(map(_ORDER.decode, self._all("working_orders", limit=limit)))

    def ending(self, now_us: int, limit: int) -> Sequence[Directive]:
        """See :class:`trustward.ports.Orders`."""
        return list(map(_ORDER.decode, self._all("ending_orders", now=now_us, limit=limit)))

    def targets(
        self, order: str, states: Sequence[TargetState] = (), after: int = 0, limit: int = 100
    ) -> Sequence[Target]:
        """See :class:`trustward.ports.Orders`."""
        table = ORDER_TARGETS.c
        wanted: list[Any] = [table.order_id == order, table.number > after]
        if states:
            wanted.append(table.state.in_([TARGET_STATES.index(state) for state in states]))
        with self._database.read() as connection:
            found = connection.execute(select(table.body).where(*wanted).order_by(table.number).limit(limit)).scalars()
            return [_TARGET.decode(body) for body in found]

    def counts(self, order: str) -> Mapping[TargetState, int]:
        """See :class:`trustward.ports.Orders`."""
        with self._database.read() as connection:
            rows = connection.execute(named("order_target_counts"), {"order_id": order})
            return {TARGET_STATES[row.state]: row.many for row in rows}

    def on(self, kind: str, entity: str, limit: int = 100) -> Sequence[Target]:
        """See :class:`trustward.ports.Orders`."""
        return list(map(_TARGET.decode, self._all("orders_on", kind=kind, entity=keyed(entity), limit=limit)))

    def copies_of(self, list: str, value: str) -> Sequence[Copy]:
        """See :class:`trustward.ports.Orders`."""
        return [_COPY.decode(body) for body in self._all("order_copies_of_value", list=list, value=keyed(value))]

    def copies(self, order: str, after: str = "", limit: int = 100, *, active: bool = False) -> Sequence[Copy]:
        """See :class:`trustward.ports.Orders`."""
        name = "order_copies_active" if active else "order_copies_all"
        return [_COPY.decode(body) for body in self._all(name, order_id=order, past=after, limit=limit)]

    def pages(self, id: str, after: int = 0, limit: int = 1000) -> Sequence[OrderPage]:
        """See :class:`trustward.ports.Orders`."""
        return list(map(_PAGE.decode, self._all("order_pages", order_id=id, number=after, limit=limit)))

    def programme(self, id: str) -> Programme | None:
        """See :class:`trustward.ports.Orders`."""
        return next(map(_PROGRAMME.decode, self._all("programme_by_id", id=id)), None)

    def known_programme(self, known_as: str) -> Programme | None:
        """See :class:`trustward.ports.Orders`."""
        return next(map(_PROGRAMME.decode, self._all("programme_by_name", known_as=known_as)), None)

    def programmes(
        self, kind: Kind | None = None, after: str = "", limit: int = 100, *, secret: bool = False
    ) -> Sequence[Programme]:
        """See :class:`trustward.ports.Orders`."""
        table = PROGRAMMES.c
        wanted: list[Any] = [table.id > after]
        if kind is not None:
            wanted.append(table.kind == kind)
        if not secret:
            wanted.append(table.secret == 0)
        with self._database.read() as connection:
            found = connection.execute(select(table.body).where(*wanted).order_by(table.id).limit(limit)).scalars()
            return [_PROGRAMME.decode(body) for body in found]


def order_row(one: Directive) -> dict[str, Any]:
    """What is searched for of an order."""
    return {
        "state": STATES.index(one.state),
        "known_as": one.known_as,
        "issuer": one.issuer,
        "secret": int(one.secret),
        "work": int(one.work),
        "until_us": None if one.ended else one.until_us,
    }


def target_row(one: Target) -> dict[str, Any]:
    """What is searched for of a target."""
    return {
        "order_id": one.order,
        "number": one.number,
        "state": TARGET_STATES.index(one.state),
        "kind": one.kind,
        "entity": keyed(one.entity),
    }


def copy_row(one: Copy) -> dict[str, Any]:
    """What is searched for of a copy."""
    return {"order_id": one.order, "list": one.list, "value": keyed(one.value), "active": int(one.active)}


def programme_row(one: Programme) -> dict[str, Any]:
    """What is searched for of a programme."""
    return {
        "kind": one.kind,
        "state": _STATES.index(one.state),
        "known_as": one.known_as,
        "secret": int(one.secret),
    }


ROWS: Mapping[type, tuple[str, Callable[[Any], dict[str, Any]]]] = {
    Directive: ("order", order_row),
    Target: ("order_target", target_row),
    Copy: ("order_copy", copy_row),
    Programme: ("programme", programme_row),
}
"""For each kind of record the name of its statements, and its columns."""
