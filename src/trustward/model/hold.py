"""A preservation hold: while it is in force, nothing of some entities may be removed."""

from __future__ import annotations

from typing import Literal, get_args

import msgspec

from trustward.model.dossier import Pair

State = Literal["in_force", "released", "expired"]
STATES: tuple[State, ...] = get_args(State)


class Hold(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One hold. It is in force until somebody releases it, or its time is over and :meth:`Holds.expire` has said so.

    ``cause`` is what asked for it, such as ``order:17`` or ``case:4f1c``; ``by`` who did, ``basis`` on which law.
    """

    id: str
    version: int
    state: State
    at_us: int
    entities: tuple[Pair, ...]
    basis: str
    by: str
    actor: str
    cause: str = ""
    market: str = ""
    until_us: int | None = None
    """When it ends by itself; None: when it is released."""
    linked: bool = False
    """Whether entities that took part in the same events are held too."""
    secret: bool = False
    duty: str = ""
    extended: int = 0
    ended_us: int | None = None
    why: str = ""
    """Why it was released, and on whose word."""
    pages: int = 0

    @property
    def subject(self) -> str:
        """The first entity that it names, as one text."""
        return ":".join(self.entities[0]) if self.entities else ""

    @property
    def party(self) -> str:
        """Who asked for it."""
        return self.by
