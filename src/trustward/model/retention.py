"""How long records are kept: terms of regimes, the service's own choice among them, and what follows for each class.

Terms are counted in days of UTC: the day of a record does not count, and the last day ends at its midnight. Whatever
is removed is removed after it: never before a minimum is over, and on the day after a maximum at the latest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from trustward.model.archived import start_of
from trustward.model.nearest import nearest
from trustward.model.spans import Span, add_span, parse_span, plain_calendar

Sure = Literal["verified in text", "secondary report", "from general knowledge", "the service's own"]
Words = Annotated[str, Meta(max_length=500)]
Class = Annotated[str, Meta(pattern="^[a-z][a-z0-9_]{0,63}$")]
Market = Annotated[str, Meta(pattern="^[A-Z0-9][A-Z0-9-]{0,15}$")]
Standing = Literal["set", "no choice", "collision", "refused", "not removed"]

OPERATIONAL: Mapping[str, str] = {
    "actions": "Actions as they were delivered, with their receipts.",
    "changes": "What people said of labels, lists, rules and policies, as entries of the journal.",
    "cases": "Cases, their files, and the reports in them.",
    "appeals": "Appeals, and their files.",
    "measures": "Measures, and strikes.",
    "orders": "Orders of authorities, their effort files, and programmes.",
    "bundles": "Evidence as it was given away: the bytes, not that it was.",
    "clues": "Clues, requests for information, disclosures; holds that are over.",
    "duties": "What was owed, and how it was done.",
    "audit": "Who did what.",
    "sessions": "Who was signed in, and links that may be used once.",
}
"""The classes of what is not an event; the others are those of the catalogue."""


NOT_REMOVED: Mapping[str, str] = {
    "identity": "it counts from the end of an account, which is not followed yet: remove it by hand",
    "aggregate": "it names nobody, and stays",
    "actions": "closed ones go with their event, and at the age of delivery_keep (docs/actions.md)",
    "changes": "the engine is made of them: they stay",
    "measures": "not built yet: they stay",
    "orders": "not built yet: they stay",
    "clues": "not built yet: they stay",
    "duties": "not built yet: they stay",
    "sessions": "they go by themselves when they are over, whatever is chosen here",
}
"""Classes of which retention itself removes nothing, whatever is chosen, and why."""


class Term(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a market asks of a class: kept for at least, for at most, or both (spans)."""

    market: Market
    of: Class = msgspec.field(name="class")
    least: str = ""
    most: str = ""
    starts: Words = ""
    """What it counts from, in words."""
    obligation: str = ""
    source: Words = ""
    sure: Sure = "the service's own"


class Choice(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """How long the service keeps a class, and why: the reason is needed where terms collide."""

    of: Class = msgspec.field(name="class")
    lasts: str
    reason: Words = ""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What follows for one class.

    ``set``: it is removed when ``lasts`` is over. In any other standing nothing of it is removed, and ``why`` says so.
    ``least`` is the longest minimum, ``most`` the shortest maximum (spans, empty for none).
    """

    of: str
    standing: Standing
    lasts: str = ""
    reason: str = ""
    least: str = ""
    most: str = ""
    terms: tuple[Term, ...] = ()
    why: str = ""


def check_span(text: str) -> Span:
    """A span that records can be kept for: days, weeks, months or years. Raises ValueError.

    >>> check_span("6 months")
    Span(length=6, unit='months')
    >>> check_span("24h")
    Traceback (most recent call last):
    ...
    ValueError: '24h': records are kept for days, weeks, months or years
    """
    span = parse_span(text)
    if span.unit not in {"days", "months"} or not span.length:
        raise ValueError(f"{text!r}: records are kept for days, weeks, months or years")
    return span


def check_term(term: Term) -> None:
    """Raise ValueError for a term that cannot be."""
    if not (term.least or term.most):
        raise ValueError("it has neither least nor most")
    for text in filter(None, (term.least, term.most)):
        check_span(text)
    if term.least and term.most and not covers(term.most, term.least):
        raise ValueError(f"at least {term.least} is more than at most {term.most}")


def over_us(day: str, lasts: str) -> int:
    """When the term of the records of a day is over, in microseconds since 1970.

    >>> from trustward.base.units import format_time
    >>> format_time(over_us("2026-01-01", "90 days")), format_time(over_us("2025-08-31", "6 months"))
    ('2026-04-02T00:00:00Z', '2026-03-01T00:00:00Z')
    """
    return add_span(start_of(day), check_span(lasts), _UTC)


def latest_over(at_us: int, lasts: str) -> str:
    """The latest day whose term is over at a moment.

    >>> from trustward.base.units import parse_time
    >>> latest_over(parse_time("2026-04-02T00:00:00Z"), "90 days")
    '2026-01-01'
    >>> latest_over(parse_time("2026-04-01T23:59:59Z"), "90 days")
    '2025-12-31'
    """
    length, unit = check_span(lasts)
    today = datetime.fromtimestamp(at_us // 1_000_000, UTC).date()
    # Some days later than it can be, and back from there: a month is not always as long.
    day = today - timedelta(days=length if unit == "days" else length * 28)
    while day > _FIRST and over_us(day.isoformat(), lasts) > at_us:
        day -= timedelta(days=1)
    return day.isoformat()


@lru_cache(maxsize=512)
def covers(one: str, other: str) -> bool:
    """Whether a span is never over before another one, whenever they begin.

    >>> covers("6 months", "180 days"), covers("180 days", "6 months"), covers("1 year", "12 months")
    (True, False, True)
    """
    first, second = check_span(one), check_span(other)
    if first.unit == second.unit:
        return first.length >= second.length
    begin = start_of("2024-01-01")
    # Four years have every month after every other one, and a leap day.
    return all(add_span(at, first, _UTC) >= add_span(at, second, _UTC) for at in range(begin, begin + _FOUR, _DAY_US))


def next_day(day: str) -> str:
    """The day after a day.

    >>> next_day("2028-02-28"), next_day("2026-12-31")
    ('2028-02-29', '2027-01-01')
    """
    return (date.fromisoformat(day) + timedelta(days=1)).isoformat()


def plans(
    terms: Iterable[Term], choices: Iterable[Choice], serves: Sequence[str], classes: Iterable[str]
) -> dict[str, Plan]:
    """What follows for every class, where these markets are served.

    A choice lies between all minimums and all maximums. Where a minimum is longer than a maximum, it lies between the
    two, and has a reason.
    """
    mine = [term for term in terms if term.market in serves]
    chosen = {choice.of: choice for choice in choices}
    known = [*classes, *OPERATIONAL]
    found = {name: _plan(name, [term for term in mine if term.of == name], chosen.get(name), serves) for name in known}
    for name in chosen.keys() - found.keys():
        near = nearest(name, known)
        found[name] = Plan(
            of=name,
            standing="refused",
            why="there is no such class" + (f"; did you mean {near}?" if near else ""),
        )
    return found


def _plan(name: str, terms: Sequence[Term], choice: Choice | None, serves: Sequence[str]) -> Plan:
    leasts = sorted({term.least for term in terms if term.least}, key=_length)
    mosts = sorted({term.most for term in terms if term.most}, key=_length)
    least, most = leasts[-1] if leasts else "", mosts[0] if mosts else ""
    collision = bool(least and most) and not covers(most, least)
    lasts, reason = (choice.lasts, choice.reason) if choice is not None else ("", "")
    standing: Standing = "set"
    why = ""
    if choice is None:
        standing = "collision" if collision else "no choice"
        why = (
            f"at least {least} and at most {most}: choose between them, and say why"
            if collision
            else "the service has not chosen how long it is kept"
        )
    elif not serves:
        standing, why = "refused", "serves does not say which markets are served"
    elif collision:
        if not reason:
            standing, why = "collision", f"at least {least} and at most {most}: the choice of {lasts} needs a reason"
        elif not (covers(lasts, most) and covers(least, lasts)):
            standing, why = "refused", f"{lasts} does not lie between {most} and {least}"
    else:
        short = next((text for text in leasts if not covers(lasts, text)), "")
        long = next((text for text in mosts if not covers(text, lasts)), "")
        if short:
            standing, why = "refused", f"{lasts} is less than {short}, which is asked for at least"
        elif long:
            standing, why = "refused", f"{lasts} is more than {long}, which is allowed at most"
    if name in NOT_REMOVED and standing in {"set", "no choice"}:
        standing, why = "not removed", NOT_REMOVED[name]
    return Plan(
        of=name,
        standing=standing,
        lasts=lasts,
        reason=reason,
        least=least,
        most=most,
        terms=tuple(terms),
        why=why,
    )


def _length(text: str) -> int:
    return over_us("2024-01-01", text)


_UTC = plain_calendar()
_FIRST = date(1970, 1, 1)
_DAY_US = 86_400_000_000
_FOUR = 1461 * _DAY_US


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """What has been removed of a class's records of one day, and what is kept although its term is over, by why."""

    day: str
    of: str
    removed: int
    kept: dict[str, int]
    at_us: int
    entries: tuple[int, ...] = ()
    """What is kept, as entries of the journal, if they are few: so that a run need not look at the whole day again."""


UNTOLD = "secret"
"""Kept by nothing but what an order, or whoever placed a hold, keeps secret."""


def shown(kept: Mapping[str, int], *, secret: bool) -> dict[str, int]:
    """What is kept, by why, for who may see what is secret, or may not.

    >>> shown({"case": 1, "secret": 2}, secret=False)
    {'case': 1}
    """
    return {why: count for why, count in kept.items() if secret or why != UNTOLD}


ClosedClass = Literal["cases", "appeals", "bundles"]
"""Classes of records whose clock starts when they are closed."""


class Closed(msgspec.Struct, frozen=True, kw_only=True):
    """A case that is closed, an appeal that was heard, or evidence that was given away: since when, what it names."""

    id: str
    version: int
    at_us: int
    names: tuple[tuple[str, str], ...]
    secret: bool = False


class Overdue(msgspec.Struct, frozen=True, kw_only=True):
    """A day of a class whose term is over, and what of it is kept, by why."""

    day: str
    kept: dict[str, int]


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """How a class stands: what follows for it, what comes next, what is over and still there.

    ``removed`` were removed so far. ``pending`` is the oldest day whose term is over and which has not been gone
    through; ``needed`` says that a restart needs it. ``next`` is the day whose term is over next, at ``next_us``.
    """

    about: str
    plan: Plan
    removed: int = 0
    overdue: tuple[Overdue, ...] = ()
    pending: str = ""
    needed: bool = False
    next: str = ""
    next_us: int | None = None
