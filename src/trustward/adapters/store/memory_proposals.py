"""Proposals, in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import RLock

import msgspec

from trustward.model.proposal import Proposal, ProposalState, Ruling
from trustward.model.stored import AuditRow


class MemoryProposals:
    """The port ``Proposals``; ``held`` is what would be on disk."""

    def __init__(self, held: dict[str, Proposal], record: Callable[[AuditRow], None]) -> None:
        self._held = held
        self._record = record
        self._lock = RLock()

    def add(self, proposal: Proposal, audit: AuditRow) -> None:
        """See :class:`trustward.ports.Proposals`."""
        with self._lock:
            self._held[proposal.id] = proposal
            self._record(audit)

    def get(self, id: str) -> Proposal | None:
        """See :class:`trustward.ports.Proposals`."""
        return self._held.get(id)

    def all(self, after: str = "", limit: int = 100) -> Sequence[Proposal]:
        """See :class:`trustward.ports.Proposals`."""
        with self._lock:
            ordered = sorted(self._held.values(), key=lambda one: (one.at_us, one.id), reverse=True)
        if after:
            before = self._held.get(after)
            ordered = [one for one in ordered if before is not None and (one.at_us, one.id) < (before.at_us, before.id)]
        return ordered[:limit]

    def rule(self, id: str, before: ProposalState, ruling: Ruling, audit: AuditRow | None) -> bool:
        """See :class:`trustward.ports.Proposals`."""
        with self._lock:
            held = self._held.get(id)
            if held is None or held.state != before:
                return False
            self._held[id] = msgspec.structs.replace(
                held,
                state=ruling.state,
                decided_by=ruling.actor,
                decided_us=ruling.at_us,
                decided_reason=ruling.reason,
                entry=ruling.entry,
            )
            if audit is not None:
                self._record(audit)
        return True
