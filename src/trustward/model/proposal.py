"""A proposal to put a policy live, which another person has to approve."""

from __future__ import annotations

from typing import Literal

import msgspec

ProposalState = Literal["open", "approved", "live", "rejected", "overtaken"]
"""``approved`` is on its way to be ``live``; ``overtaken``: another policy went live meanwhile."""


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """Who wants which policy live instead of ``base``, and why; who decided on that, and the entry that put it live.

    ``back`` says that it is the policy that was live before.
    """

    id: str
    policy: str
    base: str
    actor: str
    at_us: int
    reason: str
    origin: str = ""
    back: bool = False
    state: ProposalState = "open"
    decided_by: str = ""
    decided_us: int | None = None
    decided_reason: str = ""
    entry: int | None = None


class Ruling(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of a proposal: its next ``state``, by whom and why."""

    state: ProposalState
    actor: str
    at_us: int
    reason: str
    entry: int | None = None
