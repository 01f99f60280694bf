"""What users, trusted flaggers, authorities and other services have told us, and how often each was right."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

import msgspec
from msgspec import Meta

Channel = Literal["user", "flagger", "authority", "service", "notice"]
"""``notice``: a legal notice, which cites a law and gets a receipt."""
Category = Literal[
    "scam",
    "phishing",
    "compromised_account",
    "impersonation",
    "fake_account",
    "banned_goods",
    "counterfeit",
    "payment_fraud",
    "spam",
    "harmful_content",
    "other",
]
CATEGORIES: tuple[Category, ...] = get_args(Category)
State = Literal["received", "set_aside", "decided"]
STATES: tuple[State, ...] = get_args(State)
Result = Literal["acted", "no_action", "not_looked_into"]

BASE: dict[Channel, float] = {"user": 1.0, "notice": 2.0, "service": 3.0, "flagger": 5.0, "authority": 8.0}
"""What a report counts by whence it comes, before its sender's record."""
PRIORITY = frozenset({"flagger", "authority"})
HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US


def clock_of(channel: Channel) -> str:
    """By which clock a sender is told the outcome."""
    if channel in PRIORITY:
        return "report-outcome-priority"
    return "legal-notice-decision" if channel == "notice" else "report-outcome"


class LegalNotice(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What makes a report a legal notice (Regulation (EU) 2022/2065, Art. 16): law, exact place, sender, good faith."""

    law: Annotated[str, Meta(min_length=1, max_length=500)]
    place: Annotated[str, Meta(min_length=1, max_length=2000)]
    """Where exactly it is: an address, or an id."""
    good_faith: Literal[True]
    """The sender states that it believes what it says to be accurate and complete."""
    name: Annotated[str, Meta(max_length=200)] = ""
    mail: Annotated[str, Meta(max_length=320)] = ""


class Report(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One report. Its id is the receipt number."""

    id: str
    version: int
    at_us: int
    channel: Channel
    reporter: str
    """Who: an account of the service, a flagger's or an office's name; empty for somebody not signed in."""
    category: Category
    kind: str
    entity: str
    text: str = ""
    refs: tuple[str, ...] = ()
    """What it points at: messages, listings, links, files."""
    notice: LegalNotice | None = None
    market: str = ""
    case: str = ""
    weight: float = 0.0
    state: State = "received"
    why: str = ""
    """Why it was set aside."""
    result: Result | None = None
    told_us: int | None = None
    duty: str = ""
    """The duty to tell its sender the outcome."""

    @property
    def subject(self) -> str:
        """What it is about, as one text."""
        return f"{self.kind}:{self.entity}"


class Reporter(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How somebody's reports have turned out."""

    id: str
    version: int
    sent: int = 0
    upheld: int = 0
    rejected: int = 0
    set_aside: int = 0
    recent: tuple[int, ...] = ()
    """When the latest reports came."""
    warned_us: int | None = None
    suspended_until_us: int | None = None

    @property
    def accuracy(self) -> float:
        """The share that was right, drawn to a half while little is known.

        >>> Reporter(id="a", version=1).accuracy, Reporter(id="a", version=1, upheld=8).accuracy
        (0.5, 0.9)
        """
        return (self.upheld + 1) / (self.upheld + self.rejected + 2)

    def weight(self, channel: Channel) -> float:
        """What a report of this sender counts: up to twice its channel's base, down to nothing.

        >>> Reporter(id="a", version=1).weight("user"), Reporter(id="a", version=1, rejected=18).weight("user")
        (1.0, 0.1)
        """
        return round(BASE[channel] * 2 * self.accuracy, 3)


class Abuse(msgspec.Struct, frozen=True, kw_only=True):
    """When a sender's reports are set aside: too many at a time, or nearly never right, after a warning.

    Regulation (EU) 2022/2065, Art. 23(2): who often sends manifestly unfounded notices is suspended for a reasonable
    time, after a warning.
    """

    hourly: int = 20
    warn_at: int = 5
    """This many rejected reports, and an accuracy below ``share``: a warning."""
    suspend_at: int = 10
    share: float = 0.25
    lasts_us: int = 90 * DAY_US


ABUSING = frozenset({"user", "notice"})
"""The channels whose senders are warned and suspended. Of users only what comes is counted by the hour: a notice has to
be decided, and authorities, flaggers and services are heard."""


def _channel(reporter: Reporter) -> str:
    return reporter.id.partition(":")[0]


def set_aside(reporter: Reporter, now_us: int, abuse: Abuse) -> str:
    """Why a further report of this sender does not count; empty if it does.

    >>> set_aside(Reporter(id="user:a", version=1, suspended_until_us=5), 4, Abuse())
    'the sender is suspended'
    """
    if _channel(reporter) not in ABUSING:
        return ""
    if reporter.suspended_until_us is not None and now_us < reporter.suspended_until_us:
        return "the sender is suspended"
    if _channel(reporter) == "user" and sum(at_us > now_us - HOUR_US for at_us in reporter.recent) >= abuse.hourly:
        return "more reports within an hour than anybody can mean"
    return ""


def received(reporter: Reporter, now_us: int, abuse: Abuse, *, aside: bool) -> Reporter:
    """A sender's record after one more report."""
    return msgspec.structs.replace(
        reporter,
        version=reporter.version + 1,
        sent=reporter.sent + 1,
        set_aside=reporter.set_aside + aside,
        recent=(*reporter.recent, now_us)[-abuse.hourly :],
    )


def unjudged(reporter: Reporter, result: Result | None, abuse: Abuse) -> Reporter:
    """A sender's record without an outcome that is looked at anew; and without a suspension that rests on it.

    >>> after = unjudged(Reporter(id="a", version=1, rejected=10, suspended_until_us=9), "no_action", Abuse())
    >>> after.rejected, after.suspended_until_us
    (9, None)
    """
    upheld = max(reporter.upheld - (result == "acted"), 0)
    rejected = max(reporter.rejected - (result == "no_action"), 0)
    until_us = reporter.suspended_until_us if rejected >= abuse.suspend_at else None
    return msgspec.structs.replace(
        reporter, version=reporter.version + 1, upheld=upheld, rejected=rejected, suspended_until_us=until_us
    )


def judged(reporter: Reporter, result: Result, now_us: int, abuse: Abuse) -> tuple[Reporter, str]:
    """A sender's record after an outcome, and what it has to be told: ``warned``, ``suspended`` or nothing."""
    upheld, rejected = reporter.upheld + (result == "acted"), reporter.rejected + (result == "no_action")
    after = msgspec.structs.replace(reporter, version=reporter.version + 1, upheld=upheld, rejected=rejected)
    if result != "no_action" or after.accuracy >= abuse.share or _channel(reporter) not in ABUSING:
        return after, ""
    if after.warned_us is not None and rejected >= abuse.suspend_at:
        if after.suspended_until_us is not None and now_us < after.suspended_until_us:
            return after, ""
        return msgspec.structs.replace(after, suspended_until_us=now_us + abuse.lasts_us), "suspended"
    if after.warned_us is None and rejected >= abuse.warn_at:
        return msgspec.structs.replace(after, warned_us=now_us), "warned"
    return after, ""
