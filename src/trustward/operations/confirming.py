"""Whether what was done to an order's targets has arrived: what the receivers of its actions have said."""

from __future__ import annotations

from collections.abc import Iterable

from trustward.model.delivery import State, parse_key
from trustward.model.directive import Target
from trustward.ports import Store

_WHY: dict[State, str] = {
    "waiting": "its receiver has not confirmed it yet",
    "dead": "its receiver could not be reached, or has refused it",
    "withdrawn": "its receiver could not be reached, and it was dropped",
}


def unconfirmed(store: Store, targets: Iterable[Target]) -> list[tuple[Target, str]]:
    """The targets whose measures some receiver has not confirmed, and why: they are wanted, and not seen to be done."""
    found = ((one, _why(store, one)) for one in targets if one.measure)
    return [(one, why) for one, why in found if why]


def _why(store: Store, target: Target) -> str:
    """Why nobody can say that a target's measure has arrived; empty: all its receivers have confirmed it."""
    for key in map(parse_key, store.records.letters(f"measure:{target.measure}")):
        action = store.outbox.action(*key) if key is not None else None
        if key is None or action is None:
            continue  # long confirmed, and dropped with its receipts
        _, waiting = action
        if waiting:
            return "it has not left yet"
        states = {delivery.state for delivery, _ in store.outbox.deliveries(*key)}
        if not states:
            return "no receiver takes it"
        for state, why in _WHY.items():
            if state in states:
                return why
    return ""
