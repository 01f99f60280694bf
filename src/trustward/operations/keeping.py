"""What measures and orders keep on a list: nobody takes it off, or lets it end sooner, by the list itself.

A value that a measure has put on a list comes off it when the measure is taken back, so that no file says that
something is blocked which is not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from trustward.base.errors import StepError
from trustward.model.directive import Directive
from trustward.model.enforcement import BLOCKED_KINDS, LINK_KINDS, Measure, same_of
from trustward.operations.copies import OWN
from trustward.operations.directives import Directives
from trustward.operations.filing import Filing

_KINDS = {f"blocked-{kind.replace('_', '-')}": kind for kind in BLOCKED_KINDS | LINK_KINDS}
_NAMED = 20
_AT_ONCE = 100


class Keeping:
    """The story, for whoever changes lists by hand."""

    def __init__(self, directives: Directives) -> None:
        self._directives = directives
        self._store = directives.store

    def check(self, name: str, values: Iterable[str], until_us: int, *, secret: bool) -> None:
        """Raise StepError for a value that is kept on a list for longer than that, 0: than now.

        What is kept in secret is not named to who may not see it.
        """
        kind = _KINDS.get(name)
        for value in values if kind is not None or name in OWN else ():
            by = self._measure(kind, value, until_us) if kind is not None else None
            if by is not None:
                told = secret or not by.secret
                raise StepError(
                    f"{value[:80]} is kept on {name} by " + (f"the measure {by.id}" if told else "the service"),
                    remedy=f"POST /v1/measures/{by.id}/lift" if told else "whoever has blocked it can take that back",
                )
            order = next((one for one in self._orders(name, value) if secret or not one.secret), None)
            if order is not None and (order.until_us is None or order.until_us > until_us):
                raise StepError(
                    f"{value[:80]} is kept on {name} by the order {order.id}", remedy="vary the order, or withdraw it"
                )

    def note(self, name: str, values: Iterable[str], actor: str, reason: str) -> None:
        """Values are taken off that a secret order keeps out, by somebody who may not know of it: its file says so."""
        found: dict[str, list[str]] = {}
        for value in values if name in OWN else ():
            for order in self._orders(name, value):
                found.setdefault(order.id, []).append(value)
        for id, gone in found.items():  # noqa: A001 - it is the record's
            self._directives.step(id, actor, "note", _page(name, gone, reason))

    def _measure(self, kind: str, value: str, until_us: int) -> Measure | None:
        """A measure in force that blocks a value for longer."""
        now_us = self._directives.clock()
        for do in ("block", "block_link") if kind in LINK_KINDS else ("block",):
            for one in self._store.measures.alike(same_of(do, kind, value), _AT_ONCE):
                if one.ends_us is None or one.ends_us > max(until_us, now_us):
                    return one
        return None

    def _orders(self, name: str, value: str) -> list[Directive]:
        """The orders that keep a value out by a list of their own."""
        found = self._store.orders.copies_of(name, value) if name in OWN else ()
        return [order for copy in found if (order := self._store.orders.get(copy.order)) is not None]


def _page(name: str, values: list[str], reason: str) -> Callable[[Filing[Directive]], None]:
    def step(filing: Filing[Directive]) -> None:
        filing.page("let_in_by_hand", reason, list=name, values=values[:_NAMED], count=len(values))

    return step
