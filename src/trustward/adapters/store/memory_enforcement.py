"""Measures and appeals in memory."""

from __future__ import annotations

from collections.abc import Sequence

from trustward.adapters.store.memory_records import Held
from trustward.adapters.store.tables_operations import DUE_LATER
from trustward.model.appeal import Appeal, AppealPage
from trustward.model.appeal import State as AppealState
from trustward.model.enforcement import Measure


class MemoryMeasures:
    """The port ``Measures``."""

    def __init__(self, held: Held) -> None:
        self._held = held

    def _all(self) -> list[Measure]:
        with self._held.lock:
            return sorted(self._held.of(Measure).values(), key=lambda one: one.id)

    def get(self, id: str) -> Measure | None:
        """See :class:`trustward.ports.Measures`."""
        return self._held.of(Measure).get(id)

    def of(self, cause: str, after: str = "", limit: int = 100) -> Sequence[Measure]:
        """See :class:`trustward.ports.Measures`."""
        return [one for one in self._all() if one.cause == cause and not one.parent and one.id > after][:limit]

    def on(self, kind: str, entity: str, limit: int = 100) -> Sequence[Measure]:
        """See :class:`trustward.ports.Measures`."""
        found = [one for one in self._all() if (one.kind, one.entity) == (kind, entity)]
        return sorted(found, key=lambda one: (-one.at_us, one.id))[:limit]

    def alike(self, same: str, limit: int = 10) -> Sequence[Measure]:
        """See :class:`trustward.ports.Measures`."""
        return [one for one in self._all() if one.state == "in_force" and one.same == same][:limit]

    def following(self, parent: str, after: str = "", limit: int = 100) -> Sequence[Measure]:
        """See :class:`trustward.ports.Measures`."""
        return [one for one in self._all() if one.parent == parent and one.id > after][:limit]

    def unlifted(self, parent: str, limit: int) -> Sequence[Measure]:
        """See :class:`trustward.ports.Measures`."""
        return [one for one in self._all() if one.parent == parent and one.state != "lifted"][:limit]

    def working(self, limit: int) -> Sequence[Measure]:
        """See :class:`trustward.ports.Measures`."""
        found = [one for one in self._all() if one.work]
        return sorted(found, key=lambda one: (one.at_us, one.id))[:limit]

    def over(self, now_us: int, limit: int) -> Sequence[Measure]:
        """See :class:`trustward.ports.Measures`."""
        found = [
            (one.ends_us, one.id, one) for one in self._all() if one.state == "in_force" and one.ends_us is not None
        ]
        return [one for ends_us, _, one in sorted(found, key=lambda each: each[:2]) if ends_us <= now_us][:limit]


class MemoryAppeals:
    """The port ``Appeals``."""

    def __init__(self, held: Held) -> None:
        self._held = held

    def _all(self) -> list[Appeal]:
        with self._held.lock:
            return sorted(self._held.of(Appeal).values(), key=_order)

    def get(self, id: str) -> Appeal | None:
        """See :class:`trustward.ports.Appeals`."""
        return self._held.of(Appeal).get(id)

    def pages(self, id: str) -> Sequence[AppealPage]:
        """See :class:`trustward.ports.Appeals`."""
        with self._held.lock:
            return sorted(self._held.appeal_pages.get(id, ()), key=lambda page: page.number)

    def find(
        self,
        state: AppealState | None = None,
        decision: str = "",
        account: str = "",
        after: str = "",
        limit: int = 100,
    ) -> Sequence[Appeal]:
        """See :class:`trustward.ports.Appeals`."""
        last = self.get(after) if after else None
        place = (DUE_LATER, after) if last is None else _order(last)
        found = [
            one
            for one in self._all()
            if state in {None, one.state}
            and decision in {"", one.decision}
            and account in {"", one.account}
            and (not after or _order(one) > place)
        ]
        return found[:limit]

    def working(self, limit: int) -> Sequence[Appeal]:
        """See :class:`trustward.ports.Appeals`."""
        return sorted((one for one in self._all() if one.work), key=lambda one: one.id)[:limit]


def _order(appeal: Appeal) -> tuple[int, str]:
    return (DUE_LATER if appeal.due_us is None else appeal.due_us, appeal.id)
