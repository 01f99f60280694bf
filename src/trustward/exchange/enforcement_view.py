"""Measures, strikes and appeals as callers read them."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from trustward.base.units import format_time
from trustward.exchange.shown import each_shown, in_words, shown
from trustward.model.appeal import Appeal, AppealPage, AppealTally
from trustward.model.enforcement import Due, Measure, Policy, PolicyTree, Rung, StrikeSheet


class MeasureView(msgspec.Struct, frozen=True, kw_only=True):
    """A measure as it stands. ``copies``: how many copies of a link were removed; ``work``: what is left to do."""

    id: str
    do: str
    kind: str
    entity: str
    cause: str
    policy: str
    reasons: str
    actor: str
    at: str
    state: str
    note: str
    ends: str | None
    strikes: int
    notice: str
    automated: bool
    appeal_until: str | None
    parent: str
    secret: bool
    work: str
    copies: int
    lifted: str | None
    lifted_by: str
    lifted_why: str


class StrikeView(msgspec.Struct, frozen=True, kw_only=True):
    """A strike; ``live`` if it counts now."""

    cause: str
    policy: str
    ladder: str
    at: str
    count: int
    expires: str | None
    live: bool
    refunded: str | None
    refunded_by: str
    why: str


class DueView(msgspec.Struct, frozen=True, kw_only=True):
    """What would follow: strikes before and after, the measure that is due (empty: none), whether it is taken."""

    policy: str
    title: str
    severity: int
    before: int
    after: int
    lenient: bool
    strikes_expire: str | None
    do: str
    lasts_s: int | None
    takes: bool


class PolicyView(msgspec.Struct, frozen=True, kw_only=True):
    """A policy with what it has from its parents."""

    id: str
    title: str
    parent: str
    severity: int
    strikes: int
    expires_s: int | None
    lenient: bool
    ladder: str
    rungs: tuple[Rung, ...]


class AppealView(msgspec.Struct, frozen=True, kw_only=True):
    """An appeal as it stands."""

    id: str
    at: str
    decision: str
    account: str
    text: str
    refs: tuple[str, ...]
    market: str
    state: str
    decided: str
    rules: tuple[str, ...]
    measures: tuple[str, ...]
    late: str
    duty: str
    due: str | None
    overdue: bool
    hearer: str
    until: str | None
    heard: str | None
    reasons: str
    undone: tuple[str, ...]


class AppealPageView(msgspec.Struct, frozen=True, kw_only=True):
    """A page of an appeal's file."""

    number: int
    at: str
    what: str
    actor: str
    said: str


class RateView(msgspec.Struct, frozen=True, kw_only=True):
    """How appeals against a rule or a reviewer have ended; ``overturned`` is the share that changed something."""

    about: str
    received: int
    upheld: int
    partly: int
    reversed: int
    withdrawn: int
    overturned: float | None


def measure_view(one: Measure) -> MeasureView:
    """A measure as it stands."""
    return shown(MeasureView, one)


def strikes_view(sheet: StrikeSheet, now_us: int) -> tuple[StrikeView, ...]:
    """An entity's strikes, as they count at a time."""
    return tuple(shown(StrikeView, one, live=one.live(now_us)) for one in sheet.strikes)


def due_view(due: Due) -> DueView:
    """What would follow."""
    lasts_s = None if due.lasts_us is None else due.lasts_us // 1_000_000
    return shown(DueView, due, strikes_expire=in_words(due.expires_us), lasts_s=lasts_s)


def tree_view(tree: PolicyTree) -> tuple[PolicyView, ...]:
    """All policies, parents before their children."""
    return tuple(map(_policy, sorted(tree.policies.values(), key=lambda one: one.path)))


def _policy(one: Policy) -> PolicyView:
    return shown(
        PolicyView,
        one,
        parent=one.path[-2] if len(one.path) > 1 else "",
        expires_s=None if one.lasts_us is None else one.lasts_us // 1_000_000,
        ladder=one.ladder.id,
        rungs=one.ladder.rungs,
    )


def appeal_view(one: Appeal, now_us: int) -> AppealView:
    """An appeal as it stands at a time."""
    held = one.state == "received" and one.until_us > now_us
    return shown(
        AppealView,
        one,
        overdue=one.state == "received" and one.due_us is not None and one.due_us < now_us,
        hearer=one.hearer if held or one.state != "received" else "",
        until=format_time(one.until_us) if held else None,
    )


def appeal_pages(pages: Sequence[AppealPage]) -> tuple[AppealPageView, ...]:
    """An appeal's file."""
    return each_shown(AppealPageView, pages)


def rate_view(one: AppealTally) -> RateView:
    """How appeals have ended."""
    return shown(RateView, one, about=one.id)
