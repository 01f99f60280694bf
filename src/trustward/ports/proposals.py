"""Proposals to put a policy live."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from trustward.model.proposal import Proposal, ProposalState, Ruling
from trustward.model.stored import AuditRow


class Proposals(Protocol):
    """Who proposed what, and what became of it."""

    def add(self, proposal: Proposal, audit: AuditRow) -> None:
        """Keep a new proposal."""

    def get(self, id: str) -> Proposal | None:
        """The proposal with this id."""

    def all(self, after: str = "", limit: int = 100) -> Sequence[Proposal]:
        """Proposals, the latest first, after the one with the id ``after``."""

    def rule(self, id: str, before: ProposalState, ruling: Ruling, audit: AuditRow | None) -> bool:
        """Give a proposal its next state, once; False if it is not in the state ``before``."""
