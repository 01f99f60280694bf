"""A clue: what we tell an authority. Its record, and what of it may follow what."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

import msgspec
from msgspec import Meta

from trustward.model.authority import Authority, Facts
from trustward.model.dossier import TEXT_LIMIT, Pair

State = Literal["drafted", "approved", "sent", "received", "answered", "withdrawn"]
STATES: tuple[State, ...] = get_args(State)
Feedback = Literal["taken_up", "closed", "more_wanted"]
OUT: tuple[State, ...] = ("sent", "received", "answered")
"""The states of a clue that has left."""
ALLOWED: dict[str, tuple[State, ...]] = {
    "amend": ("drafted",),
    "approve": ("drafted",),
    "reopen": ("approved",),
    "send": ("approved",),
    "receipt": OUT,
    "feedback": OUT,
    "withdraw": ("drafted", "approved"),
    "note": STATES,
}
"""In which states each step can be taken."""
MOST_DECISIONS = 1_000


class Clue(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One clue. The authority is kept as it was when the clue was drafted.

    ``decisions`` are entries of the journal; ``bundle`` is the evidence as it was approved, and as it is sent.
    """

    id: str
    version: int
    state: State
    at_us: int
    authority: Authority
    kind: str
    entity: str
    actor: str
    facts: Facts
    summary: Annotated[str, Meta(max_length=TEXT_LIMIT)]
    why: tuple[str, ...] = ()
    """Why this authority is told."""
    case: str = ""
    entities: tuple[Pair, ...] = ()
    decisions: tuple[int, ...] = ()
    fields: dict[str, str] = {}
    writers: tuple[str, ...] = ()
    """Who has written it: a second person is none of them."""
    of: str = ""
    """The clue that it supplements."""
    duty: str = ""
    more: str = ""
    """The duty to tell more, once the authority has asked for it."""
    bundle: str = ""
    approved_by: str = ""
    sent_us: int | None = None
    sent_as: str = ""
    """How it was handed over, where that was done by hand."""
    receipt: str = ""
    received_us: int | None = None
    feedback: Feedback | None = None
    feedback_us: int | None = None
    ended_why: str = ""
    pages: int = 0

    @property
    def subject(self) -> str:
        """What it is about, as one text."""
        return f"{self.kind}:{self.entity}"

    @property
    def party(self) -> str:
        """The authority."""
        return self.authority.id

    @property
    def cause(self) -> str:
        """The case that it comes from."""
        return f"case:{self.case}" if self.case else ""

    @property
    def secret(self) -> bool:
        """Clues are for all who work on cases."""
        return False


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """The clues about one subject to one authority, in order: nobody can add one unseen."""

    id: str
    version: int
    clues: tuple[str, ...]


class Assessed(msgspec.Struct, frozen=True, kw_only=True):
    """Whom a matter has to be told to: the duties that are owed, by authority. ``id`` is the case or the subject."""

    id: str
    version: int
    at_us: int
    facts: Facts
    duties: dict[str, str]


def overlap(one: Clue, *, case: str, decisions: tuple[int, ...]) -> bool:
    """Whether a clue rests on the same evidence as a new one about the same subject would.

    Those that name no evidence at all are taken to.
    """
    if one.case and one.case == case:
        return True
    if not (one.decisions or one.case) or not (decisions or case):
        return True
    return not set(one.decisions).isdisjoint(decisions)
