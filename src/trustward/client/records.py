"""What the service answers, as records. Fields that a newer service adds are passed over."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from trustward.model.decision import Decision, Fault


class Decided(msgspec.Struct, frozen=True, kw_only=True):
    """The decision on one event.

    ``entry`` is its number in the journal; ``again`` says that the event had come before, and this is the first answer.
    ``late``: the deadline passed first; this is the policy's safe answer, and the decision itself is on its way.
    """

    decision: Decision
    entry: int | None
    again: bool
    late: bool


class Rejected(msgspec.Struct, frozen=True, kw_only=True):
    """A fault of one event of many: its number from 1, the place, the cause. ``decided``: it was kept all the same."""

    line: int
    path: str
    cause: str
    id: str = ""
    decided: bool = False


class ManyDecided(msgspec.Struct, frozen=True, kw_only=True):
    """What became of many events: the counts, the decisions that are not ``allow``, every fault."""

    events: int
    decided: int
    again: int
    rejected: int
    verdicts: dict[str, int]
    decisions: tuple[Decision, ...]
    faults: tuple[Rejected, ...]


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of the journal: an event, and the decision on it."""

    entry: int
    decided: str
    event: dict[str, Any]
    faults: tuple[Fault, ...]
    decision: Decision


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """Past decisions, the newest first; ``next`` is the cursor of the page after it."""

    decisions: tuple[Entry, ...]
    next: str | None


class Past(msgspec.Struct, frozen=True, kw_only=True):
    """A past decision with what it was made of; ``explanation`` if it was asked for."""

    entry: int
    decided: str
    event: dict[str, Any]
    faults: tuple[Fault, ...]
    decision: Decision
    explained: tuple[dict[str, Any], ...]
    explanation: dict[str, Any] | None = None


class LabelTold(msgspec.Struct, frozen=True, kw_only=True):
    """A label on an entity, and who put it there."""

    label: str
    present: bool
    by: str
    expires: str | None
    actor: str = ""
    origin: str = ""
    reason: str = ""
    set_at: str | None = None


class Entity(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of an entity now, and what it has taken part in."""

    kind: str
    id: str
    labels: tuple[LabelTold, ...]
    lists: tuple[str, ...]
    features: tuple[dict[str, Any], ...]
    timeline: tuple[Entry, ...] = ()
    next: str | None = None
    linked: tuple[dict[str, Any], ...] = ()


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """A change is on disk: it counts from the journal's entry after ``entry`` on."""

    entry: int


class Changed(msgspec.Struct, frozen=True, kw_only=True):
    """So many values of a list were changed."""

    values: int
    entry: int


class ListTold(msgspec.Struct, frozen=True, kw_only=True):
    """A list, and how many values it has at present."""

    name: str
    kind: str
    values: int


class Lists(msgspec.Struct, frozen=True, kw_only=True):
    """All lists of the live policy."""

    lists: tuple[ListTold, ...]


class ListEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A value on a list."""

    value: str
    expires: str | None
    origin: str
    reason: str
    actor: str
    at: str | None


class Entries(msgspec.Struct, frozen=True, kw_only=True):
    """A page of a list; ``next`` goes into ``after`` for the page after it."""

    entries: tuple[ListEntry, ...]
    next: str | None


class PolicySource(msgspec.Struct, frozen=True, kw_only=True):
    """One file of a policy."""

    name: str
    text: str


class PolicyTold(msgspec.Struct, frozen=True, kw_only=True):
    """A stored policy, and what it is used for now."""

    hash: str
    name: str
    mode: str
    actor: str
    stored: str


class PolicyWhole(PolicyTold, frozen=True, kw_only=True):
    """The same with its sources."""

    sources: tuple[PolicySource, ...]


class Policies(msgspec.Struct, frozen=True, kw_only=True):
    """All stored policies, the latest first."""

    policies: tuple[PolicyTold, ...]


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """What a check of a policy found."""

    fine: bool
    hash: str = ""
    rules: int = 0
    examples: int = 0
    faults: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()


class Switched(msgspec.Struct, frozen=True, kw_only=True):
    """The policy that is live from the journal's entry after ``entry`` on."""

    hash: str
    entry: int


class Leased(msgspec.Struct, frozen=True, kw_only=True):
    """Actions to do, in this order, until ``until``; without a ``lease`` there are none."""

    lease: str | None
    until: str | None
    actions: tuple[dict[str, Any], ...]


class Confirmed(msgspec.Struct, frozen=True, kw_only=True):
    """So many actions are done; ``held`` false: the lease was over."""

    confirmed: int
    held: bool


class Failed(msgspec.Struct, frozen=True, kw_only=True):
    """How an action stands after a try that failed."""

    id: str
    state: Literal["waiting", "delivered", "dead", "withdrawn"]
    tries: int


class Reversed(msgspec.Struct, frozen=True, kw_only=True):
    """What became of taking an action back."""

    action: str
    inverse: str | None
    still: tuple[str, ...]
    withdrawn: bool
    again: bool
    entry: int | None


class Backlog(msgspec.Struct, frozen=True, kw_only=True):
    """How every target is doing."""

    targets: tuple[dict[str, Any], ...]
