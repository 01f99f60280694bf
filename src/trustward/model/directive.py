"""An order from an authority: its record, its targets, what is kept out because of it, the pages of its file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args

import msgspec
from msgspec import Meta

State = Literal[
    "received", "accepted", "unclear", "executing", "executed", "reported", "rejected", "withdrawn", "expired"
]
STATES: tuple[State, ...] = get_args(State)
LIVE: tuple[State, ...] = ("received", "accepted", "unclear", "executing", "executed", "reported")
"""The states in which it is in force, or may come to be."""
Type = Literal[
    "stop_communication",
    "disable",
    "account_restriction",
    "access_block",
    "app_removal",
    "information",
    "preservation",
    "implementation",
]
TargetState = Literal["waiting", "by_hand", "unclear", "done", "unable", "lifting", "lifted", "dropped"]
"""``by_hand``: no measure does it, a person has to. ``dropped``: the issuer took it back before anything was done."""
TARGET_STATES: tuple[TargetState, ...] = get_args(TargetState)
Role = Literal["acknowledge", "plan", "progress", "comply", "completion", "by_hand"]
"""What ends a clock of an order: the letter of that name; ``comply``: all targets are done."""
ROLES: tuple[Role, ...] = get_args(Role)
How = Literal["signature", "channel", "call_back"]
Similar = Literal["none", "identical", "similar"]
CopyKind = Literal["domain", "url", "text", "image", "phone", "email", "device", "payment_account", "card"]
Said = Literal["acknowledgement", "plan", "progress", "question", "outcome", "challenge", "message"]

ALLOWED: Mapping[str, tuple[State, ...]] = {
    "acknowledge": ("received", "accepted", "unclear", "executing", "executed", "reported"),
    "signature": ("received",),
    "call_back": ("received",),
    "reject": ("received",),
    "execute": ("accepted",),
    "mark": ("accepted", "executing", "unclear"),
    "ask": ("accepted", "executing", "executed"),
    "clarified": ("unclear",),
    "tell": ("accepted", "unclear", "executing", "executed", "reported"),
    "report": ("executed",),
    "vary": ("accepted", "unclear", "executing", "executed", "reported"),
    "extend": LIVE,
    "withdraw": LIVE,
    "tell_users": tuple(state for state in STATES if state != "rejected"),
    "challenge": ("accepted", "unclear", "executing", "executed", "reported"),
    "decided": STATES,
    "note": STATES,
}
"""In which states each step can be taken."""

_CONTENT = ("message", "post", "comment", "event", "image", "review", "stream", "ad")
_LINKS = ("url", "domain")
MEASURES: Mapping[Type, Mapping[str, str]] = {
    "stop_communication": {
        **dict.fromkeys(_CONTENT, "remove"),
        **dict.fromkeys(_LINKS, "block_link"),
        "listing": "delist",
        "account": "limit",
        "group": "suspend",
    },
    "disable": {
        **dict.fromkeys(_CONTENT, "remove"),
        **dict.fromkeys(_LINKS, "block_link"),
        "listing": "delist",
        "account": "suspend",
        "group": "suspend",
    },
    "account_restriction": {"account": "suspend", "merchant": "suspend"},
    "access_block": dict.fromkeys(_LINKS, "block_link"),
    "app_removal": {"listing": "delist"},
    "information": {},
    "preservation": {},
    "implementation": {},
}
"""What each type of order asks to be done to each kind of entity. What is not in it is done by hand."""

TEXT_LIMIT = 4_000
MOST_TARGETS = 20_000
MOST_COPIES = 2_000
Text = Annotated[str, Meta(max_length=TEXT_LIMIT)]


class Clocked(msgspec.Struct, frozen=True, kw_only=True):
    """One of an order's clocks: the duty, and what ends it."""

    duty: str
    clock: str
    role: Role


class Authentic(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How it is known that an order is its issuer's: a signature, a channel that is the issuer's alone, or a call."""

    how: How
    at_us: int
    actor: str
    channel: str = ""
    said: str = ""
    key: str = ""
    """The fingerprint of the key that it was signed with."""


class Challenge(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An objection to the order. It is obeyed meanwhile."""

    number: int
    kind: Literal["reconsideration", "appeal"]
    at_us: int
    actor: str
    grounds: str
    to: str = ""
    result: Literal["", "upheld", "varied", "cancelled"] = ""
    """``upheld``: the order stands."""
    decided_us: int | None = None


class Directive(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One order. ``secret``: nobody may know of it who may not see what an order keeps secret; no user is told."""

    id: str
    version: int
    state: State
    issuer: str
    reference: str
    basis: str
    type: Type
    received_us: int
    served_us: int
    market: str = ""
    title: str = ""
    territory: tuple[str, ...] = ()
    """Where it is to hold; empty: everywhere."""
    secret: bool = False
    withhold: bool = False
    """Users are not told why, or not told at all; a secret one always."""
    until_us: int | None = None
    """When it ends by itself."""
    similar: Similar = "none"
    channel: str = ""
    digest: str = ""
    """SHA-256 of the order as it came."""
    text: str = ""
    authentic: Authentic | None = None
    duties: tuple[Clocked, ...] = ()
    targets: int = 0
    copies: int = 0
    pages: int = 0
    before: State = "received"
    """What it was before it was unclear."""
    question: str = ""
    paused: tuple[str, ...] = ()
    """The duties whose clocks stand still because of a question."""
    challenges: tuple[Challenge, ...] = ()
    told: dict[str, int] = {}
    """What the issuer has been told, and when last."""
    work: bool = False
    """Whether there is something for a worker: targets to do or to lift."""

    @property
    def cause(self) -> str:
        """What measures, duties and letters name."""
        return f"order:{self.id}"

    @property
    def known_as(self) -> str:
        """What makes it one, however often it comes. A secret one never meets one that is not.

        What is not the issuer's has none of its references: its own order may still come.
        """
        if self.state == "rejected":
            return f"rejected:{self.id}"
        return f"{'secret' if self.secret else 'open'}:{self.issuer}:{self.reference}"

    @property
    def ended(self) -> bool:
        """Whether it is not in force, and will not be."""
        return self.state not in LIVE

    @property
    def withheld(self) -> bool:
        """Whether users are not told."""
        return self.secret or self.withhold


class Proof(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was done about a target, or why it could not be: when, by whom; ``refs`` are measures, files, receipts."""

    at_us: int
    actor: str
    said: str = ""
    measure: str = ""
    refs: tuple[str, ...] = ()


class Target(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that an order is about. ``number`` counts from 1. ``do`` is what to do, if the order says it itself."""

    id: str
    version: int
    order: str
    number: int
    kind: str
    entity: str
    state: TargetState
    do: str = ""
    lasts_us: int | None = None
    note: str = ""
    proof: tuple[Proof, ...] = ()

    @property
    def measure(self) -> str:
        """The measure that is in force, or was."""
        return next((proof.measure for proof in reversed(self.proof) if proof.measure), "")


class Copy(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A value that is kept out by an order: it stands on a list that rules read. Each match is one more execution."""

    id: str
    version: int
    order: str
    list: str
    value: str
    kind: CopyKind
    about: str = ""
    """What it was made from, such as a part of the text."""
    active: bool = False
    """Whether it is kept out: from when the order is carried out until it is lifted."""
    hits: int = 0
    last_us: int | None = None
    last: str = ""
    """The last event that matched."""


class OrderPage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One page of the effort file of an order or a programme. ``number`` counts from 1; none is ever rewritten."""

    order: str
    number: int
    at_us: int
    what: str
    actor: str
    said: str = ""
    detail: dict[str, Any] = {}


class SignedDocument(msgspec.Struct, frozen=True, kw_only=True):
    """Which order a signed document has made authentic; ``id`` is the document's SHA-256. It does so for one only."""

    id: str
    version: int
    order: str


class OrderQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which orders are wanted; what is empty asks for nothing."""

    state: State | None = None
    issuer: str = ""
    live: bool = False
    secret: bool = False
    """Whether secret ones are wanted too."""


def target_id(order: str, number: int) -> str:
    """A target's id.

    >>> target_id("o1", 7)
    'o1.7'
    """
    return f"{order}.{number}"


def verb_for(type: Type, kind: str) -> str:
    """What an order of a type asks to be done to a kind of entity; empty: a person has to do it.

    >>> verb_for("account_restriction", "account"), verb_for("information", "account")
    ('suspend', '')
    """
    return MEASURES[type].get(kind, "")
