"""What is done about what was found: measures, strikes and the tree of policies that says what follows from what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, get_args

import msgspec
from msgspec import Meta

from trustward.base.units import parse_duration
from trustward.model.decision import VERDICT_OF_ACTION
from trustward.model.spans import parse_span

State = Literal["in_force", "ended", "lifted"]
"""``ended``: its time is over, or it only said something. ``lifted``: somebody has taken it back."""
STATES: tuple[State, ...] = get_args(State)
Notice = Literal["none", "sent", "withheld"]
"""Whether the user has been told why: ``none`` where there is nobody to tell."""
Work = Literal["", "sweep", "remember", "undo"]
"""What a worker has still to do for a measure: find copies, remember what an account used, take it back."""
Name = Annotated[str, Meta(pattern="^[A-Za-z0-9][A-Za-z0-9_./-]{0,99}$")]
Words = Annotated[str, Meta(max_length=500)]

ANSWERING = frozenset({"account", "merchant"})
"""Who can have strikes."""
QUIET = frozenset({"label", "unlabel", "review"})
"""What is not told to the user: it takes nothing from anybody."""
VERBS = tuple(verb for verb in VERDICT_OF_ACTION if verb != "review")
"""Every verb that a measure may have."""
HARSH: Mapping[str, int] = {
    verb: at
    for at, verb in enumerate(("warn", "challenge", "limit", "hold", "block", "remove", "delist", "suspend", "close"))
}
"""How harsh a measure is, mildest first; a label takes nothing away."""
BLOCKED_KINDS = frozenset({"device", "payment_account", "phone", "email", "ip", "card", "handle", "document"})
"""What nobody owns on the service's pages: it is blocked by a list that rules read."""
LINK_KINDS = frozenset({"url", "domain"})
COPIES: Mapping[str, tuple[str, ...]] = {
    "message.sent": ("message",),
    "group.posted": ("post",),
    "group.created": ("group",),
    "post.created": ("post",),
    "comment.posted": ("comment",),
    "stream.comment_posted": ("comment",),
    "listing.created": ("listing",),
    "listing.updated": ("listing",),
    "ad.submitted": ("ad",),
    "review.posted": ("review",),
}
"""What is removed when a link that an event names is blocked: by the event's type, the kind of what was posted."""


class Measure(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something done to an entity, because of what (``cause``, such as ``case:7`` or ``order:17``), and how it stands.

    Its letter in the outbox is filed under ``measure:ID``.
    """

    id: str
    version: int
    do: str
    kind: str
    entity: str
    cause: str
    policy: str
    reasons: str
    actor: str
    at_us: int
    state: State = "in_force"
    note: str = ""
    ends_us: int | None = None
    strike: str = ""
    """The strike that came with it, or the warning that stands for a first one; empty: none."""
    strikes: int = 0
    """How much that strike counts."""
    notice: Notice = "none"
    party: tuple[str, str] | None = None
    """Who is told."""
    automated: bool = False
    appeal_until_us: int | None = None
    parent: str = ""
    """The measure that this one follows from: a copy of a link, a label on an account that came back."""
    secret: bool = False
    work: Work = ""
    place: int | None = None
    """How far down the journal copies have been looked for."""
    copies: int = 0
    traces: tuple[tuple[str, str], ...] = ()
    """What a closed account is remembered by."""
    lifted_us: int | None = None
    lifted_by: str = ""
    lifted_why: str = ""

    @property
    def same(self) -> str:
        """What makes two measures do the same."""
        return same_of(self.do, self.kind, self.entity, self.note)


def same_of(do: str, kind: str, entity: str, note: str = "") -> str:
    """What makes two measures do the same: of a label and a challenge the note is part of it.

    >>> same_of("suspend", "account", "a1", "seen before")
    '["suspend","account","a1",""]'
    """
    return msgspec.json.encode((do, kind, entity, note if do in {"label", "challenge"} else "")).decode()


class Strike(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What counts against an entity from one decision (``cause``).

    ``count`` is 0 for a warning in the place of a first one.
    """

    id: str
    cause: str
    policy: str
    ladder: str
    at_us: int
    count: int
    expires_us: int | None = None
    refunded_us: int | None = None
    refunded_by: str = ""
    why: str = ""

    def live(self, now_us: int) -> bool:
        """Whether it counts at a time."""
        return self.refunded_us is None and (self.expires_us is None or now_us < self.expires_us)


class StrikeSheet(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All strikes of an entity; ``id`` is its kind and id, as in ``account:a1``."""

    id: str
    version: int
    strikes: tuple[Strike, ...] = ()

    def count(self, ladder: str, now_us: int) -> int:
        """How many strikes count on a ladder at a time."""
        return sum(strike.count for strike in self.strikes if strike.ladder == ladder and strike.live(now_us))

    def clean(self, ladder: str, now_us: int) -> bool:
        """Whether nothing on it counts at a time, not even a warning."""
        return not any(strike.ladder == ladder and strike.live(now_us) for strike in self.strikes)


class ClosedTrace(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a closed account has used, to know it by when it comes back; ``id`` is a kind and an id."""

    id: str
    version: int
    measures: tuple[str, ...] = ()
    """The measures that closed the accounts, while they are in force."""
    until_us: int | None = None


# ---------------------------------------------------------------------- policies as data


class Rung(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From so many strikes on: what is done, for how long (empty: no end)."""

    strikes: Annotated[int, Meta(ge=1, le=1000)]
    do: str
    lasts: str = ""


class Ladder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What follows from strikes. ``takes``: the measure that is due is taken with the outcome, else it is proposed."""

    id: Name
    title: Words = ""
    takes: bool = True
    rungs: Annotated[tuple[Rung, ...], Meta(min_length=1, max_length=50)]


class PolicyNode(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A policy. What it does not say itself is its parent's."""

    id: Name
    title: Annotated[str, Meta(min_length=1, max_length=500)]
    parent: str = ""
    severity: Annotated[int, Meta(ge=0, le=100)] | None = None
    strikes: Annotated[int, Meta(ge=0, le=100)] | None = None
    expires: str = ""
    """How long its strikes count; a span of hours and days such as ``90d``."""
    lenient: bool | None = None
    """Whether a first offence is warned of instead."""
    ladder: str = ""


class AppealTerms(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long what was decided may be appealed against, in a market (empty: in all that have none of their own)."""

    market: Annotated[str, Meta(pattern="^([A-Z0-9][A-Z0-9-]{0,15})?$")] = ""
    within: str
    clock: str = "appeal-decide"
    source: Words = ""


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """A policy, with what it has from its parents."""

    id: str
    title: str
    path: tuple[str, ...]
    severity: int
    strikes: int
    lasts_us: int | None
    lenient: bool
    ladder: Ladder


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """What follows for an entity if a policy is applied now: strikes before and after, and the measure that is due."""

    policy: str
    title: str
    severity: int
    before: int
    after: int
    lenient: bool
    expires_us: int | None
    do: str
    lasts_us: int | None
    takes: bool


class PolicyTree:
    """The policies in force. Raises ValueError for nodes that do not fit together."""

    def __init__(
        self, nodes: Sequence[PolicyNode], ladders: Sequence[Ladder], appeals: Sequence[AppealTerms] = ()
    ) -> None:
        self.nodes = {node.id: node for node in nodes}
        self.ladders = {ladder.id: ladder for ladder in ladders}
        self.appeals = {terms.market: terms for terms in appeals}
        for ladder in ladders:
            _check_ladder(ladder)
        for terms in appeals:
            parse_span(terms.within)
        self.policies = {node.id: self._policy(node) for node in nodes}

    def get(self, id: str) -> Policy | None:
        """The policy with this id; None for free words."""
        return self.policies.get(id)

    def terms(self, market: str) -> AppealTerms | None:
        """How long one may appeal in a market."""
        return self.appeals.get(market) or self.appeals.get("")

    def _policy(self, node: PolicyNode) -> Policy:
        path = [node]
        while path[-1].parent:
            parent = self.nodes.get(path[-1].parent)
            if parent is None:
                raise ValueError(f"the policy {path[-1].id} has no parent {path[-1].parent}")
            if parent in path:
                raise ValueError(f"the policy {node.id} is its own parent, in the end")
            path.append(parent)
        ladder = next((one.ladder for one in path if one.ladder), "")
        if ladder not in self.ladders:
            raise ValueError(f"the policy {node.id} has no ladder {ladder}".rstrip())
        expires = next((one.expires for one in path if one.expires), "")
        try:
            lasts_us = parse_duration(expires) if expires else None
        except ValueError as fault:
            raise ValueError(f"the policy {node.id}: expires: {fault}") from fault
        return Policy(
            id=node.id,
            title=node.title,
            path=tuple(one.id for one in reversed(path)),
            severity=next((one.severity for one in path if one.severity is not None), 0),
            strikes=next((one.strikes for one in path if one.strikes is not None), 1),
            lasts_us=lasts_us,
            lenient=next((one.lenient for one in path if one.lenient is not None), False),
            ladder=self.ladders[ladder],
        )


def _check_ladder(ladder: Ladder) -> None:
    steps = [rung.strikes for rung in ladder.rungs]
    if steps != sorted(set(steps)):
        raise ValueError(f"the ladder {ladder.id}: each rung needs more strikes than the one before")
    for rung in ladder.rungs:
        if rung.do not in HARSH:
            raise ValueError(f"the ladder {ladder.id}: no such measure: {rung.do} (one of {', '.join(HARSH)})")
        if rung.lasts:
            try:
                parse_duration(rung.lasts)
            except ValueError as fault:
                raise ValueError(f"the ladder {ladder.id}: lasts: {fault}") from fault


def follows(policy: Policy, sheet: StrikeSheet, now_us: int) -> Due:
    """What follows from a policy for an entity with these strikes.

    >>> tree = PolicyTree(
    ...     [PolicyNode(id="spam", title="Spam", lenient=True, ladder="plain")],
    ...     [Ladder(id="plain", rungs=(Rung(strikes=1, do="limit", lasts="1d"), Rung(strikes=3, do="close")))],
    ... )
    >>> due = follows(tree.policies["spam"], StrikeSheet(id="account:a", version=0), 0)
    >>> due.do, due.before, due.after, due.lenient
    ('warn', 0, 0, True)
    """
    ladder = policy.ladder
    before = sheet.count(ladder.id, now_us)
    lenient = policy.lenient and policy.strikes > 0 and sheet.clean(ladder.id, now_us)
    after = before + (0 if lenient else policy.strikes)
    rung = next((rung for rung in reversed(ladder.rungs) if rung.strikes <= after), None)
    counts = policy.strikes > 0
    return Due(
        policy=policy.id,
        title=policy.title,
        severity=policy.severity,
        before=before,
        after=after,
        lenient=lenient,
        expires_us=None if policy.lasts_us is None else now_us + policy.lasts_us,
        do="warn" if lenient else (rung.do if rung is not None and counts else ""),
        lasts_us=parse_duration(rung.lasts) if rung is not None and rung.lasts and counts and not lenient else None,
        takes=ladder.takes,
    )
