"""A case: work for a person. Its record, its pages, who has it, what was decided."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

import msgspec
from msgspec import Meta

State = Literal["open", "parked", "closed", "merged"]
STATES: tuple[State, ...] = get_args(State)
What = Literal[
    "opened",
    "reported",
    "decided_on",
    "leased",
    "released",
    "skipped",
    "assigned",
    "routed",
    "escalated",
    "parked",
    "resumed",
    "noted",
    "ticked",
    "linked",
    "merged",
    "split",
    "proposed",
    "confirmed",
    "disputed",
    "closed",
    "reversed",
    "struck",
    "held",
    "told",
]
Verdict = Literal["act", "no_action"]
BatchState = Literal["planned", "running", "done", "reversing", "reversed"]
TEXT_LIMIT = 4_000
ALIKE = 50
"""Of how many of a case's entities other cases are looked for."""
MOST_SEEN = 200
"""How many decisions of the engine a case names at most: the latest."""


class Measure(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something to do to an entity: a verb of the actions, for how long (empty: no end)."""

    do: Annotated[str, Meta(min_length=1, max_length=40)]
    kind: Annotated[str, Meta(min_length=1, max_length=40)]
    entity: Annotated[str, Meta(min_length=1, max_length=512)]
    lasts: str = ""
    note: Annotated[str, Meta(max_length=200)] = ""


class Outcome(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was decided: whether something was wrong, by which policy, why, and what is done about it."""

    verdict: Verdict
    policy: Annotated[str, Meta(min_length=1, max_length=200)]
    reasons: Annotated[str, Meta(min_length=1, max_length=TEXT_LIMIT)]
    measures: tuple[Measure, ...] = ()
    struck: Annotated[tuple[tuple[str, str], ...], Meta(max_length=20)] = ()
    """Whom it counts against (kind and id), if that is not the subject, and not whom the measures concern."""


class Decided(msgspec.Struct, frozen=True, kw_only=True):
    """An outcome, by whom, when."""

    reviewer: str
    at_us: int
    outcome: Outcome


class Case(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One case. Many reports and decisions about one subject are one case, for as long as it is open."""

    id: str
    version: int
    state: State
    queue: str
    kind: str
    entity: str
    opened_us: int
    category: str = ""
    market: str = ""
    entities: tuple[tuple[str, str], ...] = ()
    """Every entity that it is about, the subject first."""
    due_us: int | None = None
    harm: int = 0
    """How bad it would be: 0 to 100."""
    reach: int = 0
    """How many it concerns."""
    reports: int = 0
    weight: float = 0.0
    """What its reports count together."""
    decisions: tuple[int, ...] = ()
    """Entries of the journal."""
    assigned: str = ""
    level: int = 0
    """How often it was escalated."""
    ticked: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    merged: tuple[str, ...] = ()
    """The cases that have been merged into this one."""
    into: str = ""
    """The case that this one was merged into."""
    proposed: tuple[Decided, ...] = ()
    """Outcomes that wait for a second reviewer, or have not been agreed on."""
    closed_to: tuple[str, ...] = ()
    """Who has decided on it before, where it is looked at anew, or on a part of it: none of them ends it."""
    decided: Decided | None = None
    reversed: Decided | None = None
    untold: bool = False
    """Whether reporters are still to be told."""
    golden: Outcome | None = None
    """The known answer, for a case that only checks reviewers."""
    batch: str = ""
    duty: str = ""
    pages: int = 0

    @property
    def subject(self) -> str:
        """What it is about, as one text."""
        return f"{self.kind}:{self.entity}"

    @property
    def deciders(self) -> tuple[str, ...]:
        """Who has said something on it that somebody else has to agree to, or to look at anew."""
        return (*(one.reviewer for one in self.proposed), *self.closed_to)

    @property
    def open_on(self) -> str | None:
        """The subject, for as long as the case has not ended: what is new about it joins this one."""
        return self.subject if self.state in {"open", "parked"} and self.golden is None else None

    @property
    def score(self) -> float:
        """Its place among cases that are not at risk of their deadline: harm first, then what is reported and reach.

        >>> low, wide = (
        ...     Case(id="", version=1, state="open", queue="", kind="", entity="", opened_us=0, harm=h, reach=r)
        ...     for h, r in ((40, 0), (30, 10_000))
        ... )
        >>> low.score > wide.score
        True
        """
        reported = min(self.weight, 1e5) / 1e5
        reach = min(self.reach, 10**6) / 1e6
        return round(self.harm + self.level * 100 + (reported + reach) * 0.5, 9)


class CasePage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that happened to a case. ``party``: a note that the parties may read."""

    case: str
    number: int
    at_us: int
    what: What
    actor: str
    said: str = ""
    party: bool = False
    detail: dict[str, Any] = {}


class CaseLease(msgspec.Struct, frozen=True, kw_only=True):
    """Who has a case to itself, until when. A later ``epoch`` ends all earlier ones."""

    case: str
    reviewer: str
    until_us: int
    epoch: int


class HeldLease(msgspec.Struct, frozen=True, kw_only=True):
    """A condition of a write: the case is still this reviewer's; ``ends``: and not any more afterwards."""

    case: str
    reviewer: str
    now_us: int
    ends: bool = False


class Barred(msgspec.Struct, frozen=True, kw_only=True):
    """A reviewer who does not get a case: it has decided on it, or skipped it."""

    case: str
    reviewer: str


class Reviewer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a reviewer has seen, and how well it agrees with others."""

    id: str
    version: int
    day: str = ""
    seen: dict[str, int] = {}
    """How many cases of each category it closed on that day."""
    since_break: int = 0
    """What it has been exposed to since its last break."""
    break_us: int | None = None
    skips: int = 0
    closed: int = 0
    golden: int = 0
    golden_right: int = 0
    pairs: int = 0
    pairs_agreed: int = 0


class Batch(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Many cases closed at once: planned, run, reversed; by whom, when. By their ids the latest comes first."""

    id: str
    version: int
    actor: str
    at_us: int
    outcome: Outcome
    cases: tuple[str, ...]
    results: dict[str, str] = {}
    """What came of each case."""
    state: BatchState = "planned"
    run_by: str = ""
    run_us: int | None = None
    reversed_by: str = ""
    reversed_us: int | None = None
    why: str = ""
    """Why it was taken back."""

    @property
    def closed(self) -> int:
        """How many cases it has closed."""
        return sum(said == "closed" for said in self.results.values())


class CaseQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which cases are wanted; what is empty asks for nothing."""

    queue: str = ""
    state: State | None = None
    assigned: str = ""
    kind: str = ""
    entity: str = ""
