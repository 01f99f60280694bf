"""Orders, their targets, pages and programmes as callers and commands read them: times in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from trustward.base.units import format_time
from trustward.exchange.shown import each_shown, shown
from trustward.model.directive import Directive, OrderPage, Target
from trustward.model.issuer import Issuer
from trustward.model.programme import Item, Programme, Shown


class AuthenticView(msgspec.Struct, frozen=True, kw_only=True):
    """How it is known that the order is its issuer's."""

    how: str
    at: str
    actor: str
    channel: str
    said: str
    key: str


class ClockedView(msgspec.Struct, frozen=True, kw_only=True):
    """A clock of an order: its duty, and what ends it."""

    duty: str
    clock: str
    role: str


class ChallengeView(msgspec.Struct, frozen=True, kw_only=True):
    """An objection, and what came of it."""

    number: int
    kind: str
    at: str
    actor: str
    grounds: str
    to: str
    result: str
    decided: str | None


class OrderView(msgspec.Struct, frozen=True, kw_only=True):
    """An order as it stands. ``counts`` says how many targets are in which state, where it was asked for."""

    id: str
    state: str
    issuer: str
    reference: str
    basis: str
    type: str
    title: str
    text: str
    market: str
    territory: tuple[str, ...]
    secret: bool
    withhold: bool
    received: str
    served: str
    until: str | None
    similar: str
    channel: str
    digest: str
    authentic: AuthenticView | None
    clocks: tuple[ClockedView, ...]
    question: str
    challenges: tuple[ChallengeView, ...]
    told: dict[str, str]
    targets: int
    copies: int
    pages: int
    counts: dict[str, int] = {}


class ProofView(msgspec.Struct, frozen=True, kw_only=True):
    """What was done about a target, or why not."""

    at: str
    actor: str
    said: str
    measure: str
    refs: tuple[str, ...]


class TargetView(msgspec.Struct, frozen=True, kw_only=True):
    """A target with its proof."""

    number: int
    kind: str
    entity: str
    state: str
    do: str
    note: str
    proof: tuple[ProofView, ...]


class OrderPageView(msgspec.Struct, frozen=True, kw_only=True):
    """A page of a file."""

    number: int
    at: str
    what: str
    actor: str
    said: str
    detail: dict[str, Any]


class IssuerView(msgspec.Struct, frozen=True, kw_only=True):
    """An authority that may send orders, and the ways that are known to be its own; ``signs``: its key is known."""

    id: str
    name: str
    market: str
    channels: tuple[str, ...]
    signs: bool
    source: str


class ShownView(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody did, or has checked."""

    actor: str
    at: str
    said: str
    refs: tuple[str, ...]


class ItemView(msgspec.Struct, frozen=True, kw_only=True):
    """An item of a programme."""

    number: int
    title: str
    state: str
    obligation: str
    stage: str
    duty: str
    text: str
    remedy: ShownView | None
    attested: ShownView | None
    closed: ShownView | None


class ProgrammeView(msgspec.Struct, frozen=True, kw_only=True):
    """A programme as it stands. ``progress`` are the duties of its progress reports, with what was sent."""

    id: str
    kind: str
    state: str
    issuer: str
    reference: str
    basis: str
    title: str
    market: str
    scope: str
    secret: bool
    received: str
    items: tuple[ItemView, ...]
    progress: tuple[tuple[str, ShownView | None], ...]
    result: ShownView | None


def order_view(order: Directive, counts: Mapping[Any, int] | None = None) -> OrderView:
    """An order as it stands."""
    return shown(
        OrderView,
        order,
        authentic=None if order.authentic is None else shown(AuthenticView, order.authentic),
        clocks=each_shown(ClockedView, order.duties),
        challenges=each_shown(ChallengeView, order.challenges),
        told={what: format_time(at_us) for what, at_us in order.told.items()},
        counts={str(state): count for state, count in (counts or {}).items()},
    )


def target_view(target: Target) -> TargetView:
    """A target."""
    return shown(TargetView, target, proof=each_shown(ProofView, target.proof))


def order_pages_view(pages: Sequence[OrderPage]) -> tuple[OrderPageView, ...]:
    """The pages of a file."""
    return each_shown(OrderPageView, pages)


def issuer_view(issuer: Issuer) -> IssuerView:
    """An issuer, without addresses: whoever calls back looks them up in the file."""
    return shown(
        IssuerView,
        issuer,
        channels=tuple(f"{channel.name} ({channel.kind})" for channel in issuer.channels),
        signs=bool(issuer.public_key),
    )


def _shown(one: Shown | None) -> ShownView | None:
    return None if one is None else shown(ShownView, one)


def _item(item: Item) -> ItemView:
    return shown(ItemView, item, remedy=_shown(item.remedy), attested=_shown(item.attested), closed=_shown(item.closed))


def programme_view(one: Programme) -> ProgrammeView:
    """A programme."""
    return shown(
        ProgrammeView,
        one,
        items=tuple(map(_item, one.items)),
        progress=tuple((each.duty, _shown(each.sent)) for each in one.progress),
        result=_shown(one.result),
    )
