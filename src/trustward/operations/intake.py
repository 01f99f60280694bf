"""An order as it was sent in, made ready for the story."""

from __future__ import annotations

from collections.abc import Sequence

from trustward.exchange.order_in import ClockIn, CopyIn, OrderIn, TargetIn, lasts_in, time_in
from trustward.operations.authenticity import decoded
from trustward.operations.copies import CopyWanted
from trustward.operations.directives import ClockWanted, Served, TargetWanted


def served(order: OrderIn) -> Served:
    """The same for the story. Raises RecordError, UsageError."""
    return Served(
        issuer=order.issuer,
        reference=order.reference,
        basis=order.basis,
        type=order.type,
        targets=targets(order.targets, "$.targets"),
        copies=copies(order.copies),
        clocks=clocks(order.clocks, "$.clocks"),
        similar=order.similar,
        title=order.title,
        text=order.text,
        market=order.market,
        territory=order.territory,
        secret=order.secret,
        withhold=order.withhold,
        served_us=time_in(order.served, "$.served"),
        until_us=time_in(order.until, "$.until"),
        channel=order.channel,
        document=decoded(order.document, "document"),
        signature=decoded(order.signature, "signature"),
    )


def targets(found: Sequence[TargetIn], path: str) -> tuple[TargetWanted, ...]:
    """Targets. Raises RecordError."""
    return tuple(
        TargetWanted(
            kind=one.kind,
            entity=one.entity,
            do=one.do,
            lasts_us=lasts_in(one.lasts, f"{path}[{at}].lasts"),
            note=one.note,
        )
        for at, one in enumerate(found)
    )


def copies(found: Sequence[CopyIn]) -> tuple[CopyWanted, ...]:
    """What is to be kept out."""
    return tuple(CopyWanted(kind=one.kind, value=one.value) for one in found)


def clocks(found: Sequence[ClockIn], path: str) -> tuple[ClockWanted, ...]:
    """Clocks. Raises RecordError."""
    return tuple(
        ClockWanted(clock=one.clock, due_us=time_in(one.due, f"{path}[{at}].due"), role=one.role, title=one.title)
        for at, one in enumerate(found)
    )
