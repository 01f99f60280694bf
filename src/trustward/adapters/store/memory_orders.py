"""Orders and programmes in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from trustward.adapters.store.memory_records import Held
from trustward.model.directive import Copy, Directive, OrderPage, OrderQuery, Target, TargetState
from trustward.model.programme import Kind, Programme


class MemoryOrders:
    """The port ``Orders``."""

    def __init__(self, held: Held) -> None:
        self._held = held

    def _orders(self) -> list[Directive]:
        with self._held.lock:
            return sorted(self._held.of(Directive).values(), key=lambda order: order.id)

    def _targets(self) -> list[Target]:
        with self._held.lock:
            return list(self._held.of(Target).values())

    def _copies(self) -> list[Copy]:
        with self._held.lock:
            return sorted(self._held.of(Copy).values(), key=lambda copy: copy.id)

    def get(self, id: str) -> Directive | None:
        """See :class:`trustward.ports.Orders`."""
        return self._held.of(Directive).get(id)

    def known(self, known_as: str) -> Directive | None:
        """See :class:`trustward.ports.Orders`."""
        return next((order for order in self._orders() if order.known_as == known_as), None)

    def find(self, query: OrderQuery, after: str = "", limit: int = 100) -> Sequence[Directive]:
        """See :class:`trustward.ports.Orders`."""
        found = [
            order
            for order in self._orders()
            if order.id > after
            and query.state in {None, order.state}
            and not (query.live and order.ended)
            and query.issuer in {"", order.issuer}
            and (query.secret or not order.secret)
        ]
        return found[:limit]

    def working(self, limit: int) -> Sequence[Directive]:
        """See :class:`trustward.ports.Orders`."""
        return [order for order in self._orders() if order.work][:limit]

    def ending(self, now_us: int, limit: int) -> Sequence[Directive]:
        """See :class:`trustward.ports.Orders`."""
        found = [(order.until_us, order) for order in self._orders() if order.until_us is not None and not order.ended]
        return [order for at_us, order in sorted(found, key=lambda one: one[0]) if at_us <= now_us][:limit]

    def targets(
        self, order: str, states: Sequence[TargetState] = (), after: int = 0, limit: int = 100
    ) -> Sequence[Target]:
        """See :class:`trustward.ports.Orders`."""
        found = [
            target
            for target in self._targets()
            if target.order == order and target.number > after and (not states or target.state in states)
        ]
        return sorted(found, key=lambda target: target.number)[:limit]

    def counts(self, order: str) -> Mapping[TargetState, int]:
        """See :class:`trustward.ports.Orders`."""
        return dict(Counter(target.state for target in self._targets() if target.order == order))

    def on(self, kind: str, entity: str, limit: int = 100) -> Sequence[Target]:
        """See :class:`trustward.ports.Orders`."""
        found = [target for target in self._targets() if (target.kind, target.entity) == (kind, entity)]
        return sorted(found, key=lambda target: target.id)[:limit]

    def copies_of(self, list: str, value: str) -> Sequence[Copy]:
        """See :class:`trustward.ports.Orders`."""
        return [copy for copy in self._copies() if copy.active and (copy.list, copy.value) == (list, value)]

    def copies(self, order: str, after: str = "", limit: int = 100, *, active: bool = False) -> Sequence[Copy]:
        """See :class:`trustward.ports.Orders`."""
        found = [
            copy for copy in self._copies() if copy.order == order and copy.id > after and (copy.active or not active)
        ]
        return found[:limit]

    def pages(self, id: str, after: int = 0, limit: int = 1000) -> Sequence[OrderPage]:
        """See :class:`trustward.ports.Orders`."""
        with self._held.lock:
            found = sorted(self._held.order_pages.get(id, ()), key=lambda page: page.number)
        return [page for page in found if page.number > after][:limit]

    def programme(self, id: str) -> Programme | None:
        """See :class:`trustward.ports.Orders`."""
        return self._held.of(Programme).get(id)

    def known_programme(self, known_as: str) -> Programme | None:
        """See :class:`trustward.ports.Orders`."""
        with self._held.lock:
            return next((one for one in self._held.of(Programme).values() if one.known_as == known_as), None)

    def programmes(
        self, kind: Kind | None = None, after: str = "", limit: int = 100, *, secret: bool = False
    ) -> Sequence[Programme]:
        """See :class:`trustward.ports.Orders`."""
        with self._held.lock:
            every = sorted(self._held.of(Programme).values(), key=lambda one: one.id)
        found = [one for one in every if one.id > after and kind in {None, one.kind} and (secret or not one.secret)]
        return found[:limit]
