"""Clocks as data: what kind of time something is owed by, how long it is, who is reminded, where it is written.

They lie in ``regimes/*.toml``, never in code. ``docs/operations.md`` explains the nine kinds.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Annotated, Literal, get_args

import msgspec
from msgspec import Meta

from trustward.base.errors import RegimeError
from trustward.model.authority import Authority, check_authority
from trustward.model.enforcement import AppealTerms, Ladder, PolicyNode, PolicyTree
from trustward.model.issuer import Issuer, check_issuer
from trustward.model.queue import Fraud, Queue
from trustward.model.retention import Choice, Term, check_span, check_term
from trustward.model.shapes import remedy_for
from trustward.model.spans import parse_span

Kind = Literal["order", "duration", "dates", "periodic", "promptly", "gate", "simultaneous", "hold", "release"]
KINDS: tuple[Kind, ...] = get_args(Kind)
Sure = Literal["verified in text", "secondary report", "from general knowledge", "the service's own"]
Id = Annotated[str, Meta(pattern="^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
Words = Annotated[str, Meta(max_length=500)]


class Escalation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who hears of a duty that is not done, ``before`` its due time or ``after`` it."""

    to: Annotated[str, Meta(min_length=1, max_length=100)]
    before: str = ""
    after: str = ""


class Phase(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One date of several: what has to be there at its end."""

    name: Annotated[str, Meta(min_length=1, max_length=200)]
    by: date


class Clock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One clock. Which fields a kind needs, and may have, the table ``NEEDS`` says."""

    id: Id
    kind: Kind
    title: Words
    obligation: str = ""
    """The obligation that it belongs to; empty for one of the service's own."""
    market: str = ""
    """The market whose calendar it is counted on, such as ``SG``; empty: the service's own."""
    starts: Words = ""
    """What starts it, in words."""
    within: str = ""
    """How long it is: a span."""
    every: str = ""
    """How long a period is: a span."""
    counts_from: Literal["due", "done"] = "due"
    """Whether the next period begins when this one is due, or when it was done."""
    least: str = ""
    """The minimum hold: a span."""
    most: str = ""
    """The maximum hold: a span."""
    event: str = ""
    """The event or condition that it hangs on."""
    dates: tuple[Phase, ...] = ()
    rolls: bool = False
    """Whether a last day that is no working day moves to the next one that is."""
    extendable: bool = False
    pausable: bool = False
    remind: tuple[str, ...] = ()
    """How long before the due time its owner is reminded: spans."""
    escalate: tuple[Escalation, ...] = ()
    owner: str = ""
    """Who it falls to, if nobody says."""
    source: Words = ""
    sure: Sure = "the service's own"


NEEDS: dict[Kind, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "order": ((), ()),
    "duration": (("within",), ("rolls",)),
    "dates": (("dates",), ()),
    "periodic": (("every",), ("rolls", "counts_from")),
    "promptly": (("within",), ()),
    "gate": (("event",), ()),
    "simultaneous": (("event",), ("within",)),
    "hold": (("least|most",), ()),
    "release": (("event", "within"), ("rolls",)),
}
"""For each kind the fields that it needs, and those that it may have beside the common ones."""
_PARTICULAR = ("within", "every", "counts_from", "least", "most", "event", "dates", "rolls")


class CalendarSource(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A market's calendar: its zone, whose holidays it keeps, and what the service adds to that.

    ``holidays`` is a country of the library holidays (ISO 3166, a subdivision after a hyphen); empty: none.
    """

    market: Annotated[str, Meta(pattern="^[A-Z0-9][A-Z0-9-]{0,15}$")]
    zone: str
    holidays: str = ""
    weekend: tuple[Literal["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"], ...] = ("Sat", "Sun")
    closed: tuple[date, ...] = ()
    """Days on which the market does not work, beside those of the library."""
    worked: tuple[date, ...] = ()
    """Days on which it works, whatever the library and the weekend say."""
    source: Words = ""


class Regimes(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one file of ``regimes/`` may hold: of time, of queues, of policies."""

    clocks: tuple[Clock, ...] = ()
    calendars: tuple[CalendarSource, ...] = ()
    queues: tuple[Queue, ...] = ()
    frauds: tuple[Fraud, ...] = ()
    authorities: tuple[Authority, ...] = ()
    issuers: tuple[Issuer, ...] = ()
    policies: tuple[PolicyNode, ...] = ()
    ladders: tuple[Ladder, ...] = ()
    appeals: tuple[AppealTerms, ...] = ()
    terms: tuple[Term, ...] = ()
    keeps: tuple[Choice, ...] = ()
    serves: tuple[Annotated[str, Meta(pattern="^[A-Z0-9][A-Z0-9-]{0,15}$")], ...] = ()
    """The markets whose terms of retention count."""


def decode_regimes(text: str, name: str) -> Regimes:
    r"""A file of clocks and calendars. Raises RegimeError with the file, the place and what to do.

    >>> decode_regimes('[[clocks]]\nid = "x"\nkind = "duration"\ntitle = "X"', "mine.toml")
    Traceback (most recent call last):
    ...
    trustward.base.errors.RegimeError: TW-340: mine.toml: the clock x: a duration needs within (docs/operations.md ...)
    """
    try:
        found = msgspec.toml.decode(text, type=Regimes)
    except msgspec.ValidationError as fault:
        raise RegimeError(f"{name}: {fault}", remedy=remedy_for(Regimes, msgspec.toml.decode(text), fault)) from fault
    except (msgspec.DecodeError, ValueError) as fault:
        raise RegimeError(f"{name}: not TOML: {fault}", remedy="mend the place that it names") from fault
    for clock in found.clocks:
        try:
            check_clock(clock)
        except ValueError as fault:
            raise RegimeError(f"{name}: the clock {clock.id}: {fault}", remedy=_REMEDY) from fault
    for authority in found.authorities:
        try:
            check_authority(authority)
        except ValueError as fault:
            raise RegimeError(
                f"{name}: the authority {authority.id}: {fault}", remedy="docs/clues.md says what one takes"
            ) from fault
    known: dict[str, Issuer] = {}
    for issuer in found.issuers:
        try:
            check_issuer(issuer, known)
        except ValueError as fault:
            raise RegimeError(f"{name}: {fault}", remedy="docs/orders.md says what an issuer has") from fault
        known[issuer.id] = issuer
    for term in found.terms:
        try:
            check_term(term)
        except ValueError as fault:
            raise RegimeError(f"{name}: the term of {term.of} in {term.market}: {fault}", remedy=_KEPT) from fault
    for choice in found.keeps:
        try:
            check_span(choice.lasts)
        except ValueError as fault:
            raise RegimeError(f"{name}: how long {choice.of} is kept: {fault}", remedy=_KEPT) from fault
    return found


_REMEDY = "docs/operations.md says what each kind of clock takes"
_KEPT = "docs/retention.md says how terms and choices are written"


def check_clock(clock: Clock) -> None:
    """Raise ValueError for a clock that cannot be."""
    needed, allowed = NEEDS[clock.kind]
    article = "an" if clock.kind[0] in "aeiou" else "a"
    for names in needed:
        if not any(getattr(clock, name) for name in names.split("|")):
            raise ValueError(f"{article} {clock.kind} needs {names.replace('|', ' or ')}")
    known = {name for names in (*needed, *allowed) for name in names.split("|")}
    for name in _PARTICULAR:
        value = getattr(clock, name)
        if name not in known and value not in ("", (), False, "due"):
            raise ValueError(f"{article} {clock.kind} has no {name}")
    for name in ("within", "every", "least", "most"):
        if getattr(clock, name):
            parse_span(getattr(clock, name))
    if clock.every and parse_span(clock.every).length == 0:
        raise ValueError("a period of no length never ends")
    for text in clock.remind:
        parse_span(text)
    for one in clock.escalate:
        if bool(one.before) == bool(one.after):
            raise ValueError(f"the escalation to {one.to} needs before or after, one of them")
        parse_span(one.before or one.after)
    phases = [phase.name for phase in clock.dates]
    if len(set(phases)) < len(phases):
        raise ValueError("two of its dates have the same name")


@cache
def shipped_regimes() -> Regimes:
    """The clocks and calendars that come with the program.

    >>> {clock.kind for clock in shipped_regimes().clocks} == set(KINDS)
    True
    """
    folder = files("trustward") / "regimes"
    return merged([decode_regimes((folder / name).read_text(encoding="utf-8"), name) for name in _SHIPPED])


_SHIPPED = (
    "authorities.toml",
    "calendars.toml",
    "clocks.toml",
    "queues.toml",
    "policies.toml",
    "issuers.toml",
    "retention.toml",
)


def merged(parts: Sequence[Regimes]) -> Regimes:
    """Several files as one; a clock, calendar or issuer of a later one replaces an earlier one of the same name."""
    clocks = {clock.id: clock for part in parts for clock in part.clocks}
    calendars = {one.market: one for part in parts for one in part.calendars}
    # What a later file adds comes first: a queue that takes everything stands at the end.
    queues: dict[str, Queue] = {}
    for part in parts:
        own = {queue.name: queue for queue in part.queues}
        queues = {**{name: own[name] for name in own if name not in queues}, **queues, **own}
    frauds = {one.fraud: one for part in parts for one in part.frauds}
    authorities = {one.id: one for part in parts for one in part.authorities}
    issuers = {issuer.id: issuer for part in parts for issuer in part.issuers}
    policies = {node.id: node for part in parts for node in part.policies}
    ladders = {ladder.id: ladder for part in parts for ladder in part.ladders}
    appeals = {one.market: one for part in parts for one in part.appeals}
    terms = {(term.market, term.of, term.obligation): term for part in parts for term in part.terms}
    keeps = {choice.of: choice for part in parts for choice in part.keeps}
    return Regimes(
        clocks=tuple(clocks.values()),
        calendars=tuple(calendars.values()),
        queues=tuple(queues.values()),
        frauds=tuple(frauds.values()),
        authorities=tuple(authorities.values()),
        issuers=tuple(issuers.values()),
        policies=tuple(policies.values()),
        ladders=tuple(ladders.values()),
        appeals=tuple(appeals.values()),
        terms=tuple(terms.values()),
        keeps=tuple(keeps.values()),
        serves=tuple(dict.fromkeys(market for part in parts for market in part.serves)),
    )


def policy_tree(regimes: Regimes) -> PolicyTree:
    """The policies of all files. Raises RegimeError for what does not fit together.

    >>> policy_tree(shipped_regimes()).policies["fraud/phishing"].ladder.id
    'fraud'
    """
    try:
        return PolicyTree(regimes.policies, regimes.ladders, regimes.appeals)
    except ValueError as fault:
        raise RegimeError(f"policies: {fault}", remedy="docs/operations.md says how policies are written") from fault
