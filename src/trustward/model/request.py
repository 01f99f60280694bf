"""A request for information: who asks for what, on which basis, whether it is genuine, what was answered."""

from __future__ import annotations

from typing import Literal, get_args

import msgspec

from trustward.model.dossier import Pair

State = Literal["received", "verified", "answered", "refused", "nothing_found", "rejected", "withdrawn"]
STATES: tuple[State, ...] = get_args(State)
OPEN: tuple[State, ...] = ("received", "verified")
ALLOWED: dict[str, tuple[State, ...]] = {
    "verify": ("received",),
    "answer": ("verified",),
    "refuse": ("verified",),
    "nothing_found": ("verified",),
    "withdraw": OPEN,
    "note": STATES,
}
"""In which states each step can be taken."""
Data = Literal["events", "decisions", "cases", "reports", "labels"]
DATA: tuple[Data, ...] = get_args(Data)


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """That a request is genuine, or not: who has found out, how, when."""

    genuine: bool
    actor: str
    at_us: int
    how: str


class Withheld(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that was asked for and is not given, and why."""

    what: str
    reason: str


class Scope(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a bundle was made of: entities, kinds of data, a period, up to an entry of the journal."""

    entities: tuple[Pair, ...]
    data: tuple[Data, ...]
    from_us: int | None = None
    to_us: int | None = None
    upto: int = 0


class Asked(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One request. ``reference`` is the sender's own number, ``cause`` what it comes from, such as ``order:17``."""

    id: str
    version: int
    state: State
    at_us: int
    by: str
    contact: str
    basis: str
    reference: str
    actor: str
    entities: tuple[Pair, ...]
    data: tuple[Data, ...]
    text: str = ""
    from_us: int | None = None
    to_us: int | None = None
    market: str = ""
    cause: str = ""
    emergency: bool = False
    secret: bool = False
    target: str = ""
    """Where the answer goes by the outbox; empty: by hand."""
    duties: tuple[str, ...] = ()
    verified: Verified | None = None
    scope: Scope | None = None
    """What was given."""
    bundle: str = ""
    withheld: tuple[Withheld, ...] = ()
    answered_us: int | None = None
    reasons: str = ""
    handed: str = ""
    """How the answer was handed over, where that was done by hand."""
    pages: int = 0

    @property
    def subject(self) -> str:
        """The first entity that it asks about, as one text."""
        return ":".join(self.entities[0]) if self.entities else ""

    @property
    def party(self) -> str:
        """Who asks."""
        return self.by


class Disclosure(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """That something was given away: what, to whom, on which basis, by whom. Never changed."""

    id: str
    version: int
    at_us: int
    by: str
    """Who has it now."""
    basis: str
    actor: str
    cause: str
    """The clue or request that it answers."""
    entities: tuple[Pair, ...]
    what: str
    bundle: str = ""
    secret: bool = False

    @property
    def state(self) -> str:
        """It has no other one."""
        return "made"

    @property
    def subject(self) -> str:
        """The first entity, as one text."""
        return ":".join(self.entities[0]) if self.entities else ""

    @property
    def party(self) -> str:
        """Who has it now."""
        return self.by
