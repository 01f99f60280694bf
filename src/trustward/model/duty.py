"""Something owed by a time, as it is kept: the record, what was done about it, what is to happen by itself."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

import msgspec
from msgspec import Meta

from trustward.model.clocks import Clock

State = Literal["waiting", "open", "paused", "done", "cancelled"]
STATES: tuple[State, ...] = get_args(State)

What = Literal[
    "opened",
    "happened",
    "extended",
    "paused",
    "resumed",
    "assigned",
    "noted",
    "done",
    "cancelled",
    "reminded",
    "ripe",
    "escalated",
    "breached",
]

ALLOWED: dict[str, tuple[State, ...]] = {
    "happened": ("waiting",),
    "extend": ("open", "paused"),
    "pause": ("open",),
    "resume": ("paused",),
    "assign": ("waiting", "open", "paused"),
    "note": STATES,
    "done": ("open", "paused", "waiting"),
    "cancel": ("waiting", "open", "paused"),
}
"""In which states each step can be taken. What waits can be done only if it is a gate; what is paused, unless it keeps
something back (``BACK``)."""
BACK = frozenset({"hold", "release"})
"""Kinds of clock that keep something back: not done while they stand still."""

TEXT_LIMIT = 1_000
Text = Annotated[str, Meta(max_length=TEXT_LIMIT)]


class Alarm(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, array_like=True):
    """Something that happens to a duty by itself: once, at ``at_us``."""

    at_us: int
    what: What
    to: str = ""


class Breach(msgspec.Struct, frozen=True, kw_only=True):
    """The duty was not done when it was due. A breach is never taken back."""

    due_us: int
    found_us: int


class Evidence(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What shows that a duty was done: words, and what they point at (a record, a file with its hash)."""

    said: Text
    refs: tuple[Annotated[str, Meta(max_length=300)], ...] = ()


class Duty(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something owed. ``clock`` is kept as it was when the duty was opened.

    A duty that waits has no due time yet. ``subject`` is what it is about, such as ``order:17``; several duties may be
    about one subject.
    """

    id: str
    version: int
    clock: Clock
    title: str
    subject: str
    market: str
    owner: str
    state: State
    opened_us: int
    starts_us: int
    due_us: int | None = None
    earliest_us: int | None = None
    """Before this it must not be done: a minimum hold."""
    phase: str = ""
    """Which of several dates, or which period (from 1)."""
    secret: bool = False
    """Only who may see secrets may know of it."""
    pages: int = 0
    """How many pages its file has."""
    alarms: tuple[Alarm, ...] = ()
    """What is still to come by itself, in order."""
    paused_us: int | None = None
    extended: int = 0
    """How often it was extended."""
    breaches: tuple[Breach, ...] = ()
    done_us: int | None = None
    evidence: Evidence | None = None
    next: str = ""
    """The duty of the next period, once there is one."""

    @property
    def next_us(self) -> int | None:
        """When something happens by itself next."""
        return self.alarms[0].at_us if self.alarms else None

    @property
    def ended(self) -> bool:
        """Whether nothing is owed any more."""
        return self.state in {"done", "cancelled"}

    @property
    def internal(self) -> bool:
        """Whether its time is the service's own target, not a limit that the law sets."""
        return self.clock.kind == "promptly"

    @property
    def latency_us(self) -> int | None:
        """How long it took; None until it is done."""
        return None if self.done_us is None else self.done_us - self.starts_us


class DutyStep(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that was done to a duty, or happened to it. ``number`` counts from 1: together they are its file."""

    duty: str
    number: int
    at_us: int
    what: What
    actor: str = ""
    """Who; empty for what happens by itself."""
    reason: str = ""
    due_us: int | None = None
    """When it is due from now on, or was when this happened."""
    planned_us: int | None = None
    """When it was to happen, for what happens by itself."""
    to: str = ""
    authority: str = ""
    """Who granted it, for an extension or a pause."""
    evidence: Evidence | None = None


class DutyQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which duties are wanted; what is empty asks for nothing."""

    states: tuple[State, ...] = ()
    subject: str = ""
    owner: str = ""
    market: str = ""
    due_before_us: int | None = None
    breached: bool | None = None
    secret: bool = False
    """Whether secret ones are wanted too."""


def first_period(id: str) -> str:
    """The id of the duty whose later period another one is; its own, if it is of the first period.

    >>> first_period("d1~12"), first_period("d1")
    ('d1', 'd1')
    """
    return id.rpartition("~")[0] or id
