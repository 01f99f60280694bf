"""What an order's file says when somebody else takes a measure of it back: the target is lifted, and not done."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from trustward.model.directive import Proof, Target
from trustward.model.enforcement import Measure
from trustward.operations.filing import Filing
from trustward.operations.reading import targets_of
from trustward.ports import Store, Write

WORKER = "trustward"
"""Who lifts what an order itself does not ask for any more."""


def taken_back(store: Store, order: str) -> list[Target]:
    """The targets of an order that somebody else has taken back: nobody has said that they need not be done."""
    return [one for one in targets_of(store, order, ("lifted",)) if one.proof and one.proof[-1].actor != WORKER]


def lifted_targets(store: Store, measures: Iterable[Measure], actor: str, why: str, now_us: int) -> list[Write]:
    """What is to be written of the targets whose measures are lifted: their state, their proof, a page for each order.

    Together with the lift; nothing for measures that were lifted before, or that are no order's.
    """
    gone: dict[str, set[str]] = {}
    for measure in measures:
        kind, _, order = measure.cause.partition(":")
        if kind == "order" and measure.state != "lifted":
            gone.setdefault(order, set()).add(measure.id)
    writes: list[Write] = []
    for name, lifted in gone.items():
        found = store.orders.get(name)
        targets = [one for one in targets_of(store, name, ("done",)) if one.measure in lifted]
        if found is None or not targets:
            continue
        filing = Filing(found, actor, now_us)
        proof = Proof(at_us=now_us, actor=actor, said=why[:1000])
        for one in targets:
            after = msgspec.structs.replace(one, version=one.version + 1, state="lifted", proof=(*one.proof, proof))
            filing.writes.append(after)
        filing.page("lifted", why, targets=[one.number for one in targets])
        writes += filing.end()
    return writes
