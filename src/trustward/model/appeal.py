"""An appeal: somebody concerned asks another person to look again at what was decided. And how often that helped."""

from __future__ import annotations

from hashlib import blake2b
from typing import Literal, get_args

import msgspec

State = Literal["received", "upheld", "partly", "reversed", "withdrawn"]
"""What became of the decision: it stands (``upheld``), in part, or not at all."""
STATES: tuple[State, ...] = get_args(State)
Finding = Literal["upheld", "partly", "reversed"]


class Appeal(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One appeal. ``decision`` is ``case:ID``, ``order:ID`` or the like, or ``event:ID`` for what a rule decided.

    There is one for each decision and account, ever: the id says both.
    """

    id: str
    version: int
    at_us: int
    decision: str
    account: str
    text: str
    state: State = "received"
    refs: tuple[str, ...] = ()
    market: str = ""
    decided_us: int = 0
    """When the decision was made that it is about."""
    deciders: tuple[str, ...] = ()
    """Who decided or seconded it: none of them hears the appeal."""
    rules: tuple[str, ...] = ()
    """The rules behind the decision."""
    measures: tuple[str, ...] = ()
    """The measures that it concerns (of an automated decision: its actions)."""
    late: str = ""
    """Why it was accepted although its time was over."""
    duty: str = ""
    due_us: int | None = None
    hearer: str = ""
    until_us: int = 0
    """Until when the hearer has it alone."""
    heard_us: int | None = None
    reasons: str = ""
    undone: tuple[str, ...] = ()
    """Which of the measures were taken back."""
    work: bool = False
    """Whether a worker has still to take something back."""
    pages: int = 0


class AppealPage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that happened to an appeal."""

    appeal: str
    number: int
    at_us: int
    what: str
    actor: str
    said: str = ""


class AppealTally(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How appeals against a rule (``rule:ID``) or a reviewer (``reviewer:NAME``) have ended."""

    id: str
    version: int
    received: int = 0
    upheld: int = 0
    partly: int = 0
    reversed: int = 0
    withdrawn: int = 0

    @property
    def heard(self) -> int:
        """How many were decided."""
        return self.upheld + self.partly + self.reversed

    @property
    def overturned(self) -> float | None:
        """The share that changed something; None while nothing was decided.

        >>> AppealTally(id="rule:r", version=1, upheld=2, partly=1, reversed=1).overturned
        0.5
        """
        return (self.partly + self.reversed) / self.heard if self.heard else None


def appeal_id(decision: str, account: str) -> str:
    """The id of the appeal of an account against a decision.

    >>> appeal_id("case:7", "a1") == appeal_id("case:7", "a1") != appeal_id("case:7", "a2")
    True
    """
    return blake2b(f"{decision}\0{account}".encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()
