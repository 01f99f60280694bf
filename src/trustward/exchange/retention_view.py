"""What is kept for how long, as callers and commands read it."""

from __future__ import annotations

import msgspec

from trustward.base.units import format_time
from trustward.model.retention import Account, Standing, Sure, Term, shown


class TermView(msgspec.Struct, frozen=True, kw_only=True):
    """What a market asks of a class: spans, empty for none."""

    market: str
    least: str
    most: str
    starts: str
    obligation: str
    source: str
    sure: Sure


class OverdueView(msgspec.Struct, frozen=True, kw_only=True):
    """A day whose term is over, and how many of its records are kept: something that is held or open names them.

    ``by`` tells by what: ``hold``, ``case``, ``order``, ``clue``, ``request``, ``appeal``; ``secret`` for what is kept
    secret, and is told to who may see it.
    """

    day: str
    kept: int
    by: dict[str, int]


class NextView(msgspec.Struct, frozen=True, kw_only=True):
    """The day whose term is over next, and when."""

    day: str
    at: str


class ClassView(msgspec.Struct, frozen=True, kw_only=True):
    """How a class of records stands.

    It is removed when ``lasts`` is over if its ``standing`` is ``set``; if not, ``why`` says why nothing of it is.
    ``least`` is the longest minimum of the markets that are served, ``most`` the shortest maximum. ``pending`` is the
    oldest day whose term is over and that the worker has not gone through; ``needed`` by a restart: no snapshot is as
    late as its end.
    """

    name: str = msgspec.field(name="class")
    about: str
    standing: Standing
    lasts: str
    reason: str
    least: str
    most: str
    why: str
    terms: tuple[TermView, ...]
    removed: int
    overdue: tuple[OverdueView, ...]
    pending: str | None
    needed: bool
    next: NextView | None


def class_view(one: Account, *, secret: bool) -> ClassView:
    """A class as it is told."""
    plan = one.plan
    return ClassView(
        name=plan.of,
        about=one.about,
        standing=plan.standing,
        lasts=plan.lasts,
        reason=plan.reason,
        least=plan.least,
        most=plan.most,
        why=plan.why,
        terms=tuple(_term(term) for term in plan.terms),
        removed=one.removed,
        overdue=tuple(
            OverdueView(day=held.day, kept=sum(by.values()), by=by)
            for held in one.overdue
            if (by := shown(held.kept, secret=secret))
        ),
        pending=one.pending or None,
        needed=one.needed,
        next=None if one.next_us is None else NextView(day=one.next, at=format_time(one.next_us)),
    )


def _term(term: Term) -> TermView:
    return TermView(
        market=term.market,
        least=term.least,
        most=term.most,
        starts=term.starts,
        obligation=term.obligation,
        source=term.source,
        sure=term.sure,
    )
