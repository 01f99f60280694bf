"""What every adapter of the proposals must do, as tests (see ``contracts.py``)."""

from __future__ import annotations

import msgspec

from trustward.model.proposal import Proposal, Ruling
from trustward.model.stored import AuditRow
from trustward.ports import Store
from trustward.testing.contracts import Contract

PROPOSAL = Proposal(id="q1", policy="p2", base="p1", actor="kim", at_us=50, reason="sharper", origin="desk", back=True)
AUDIT = AuditRow(at_us=50, actor="kim", action="proposal.made", subject="proposal:q1")


class ProposalsContract(Contract):
    """What becomes of a proposal, becomes of it once."""

    def test_ruled_on_once(self, store: Store) -> None:
        assert store.proposals.get("q1") is None
        store.proposals.add(PROPOSAL, AUDIT)
        assert store.proposals.get("q1") == PROPOSAL
        yes = Ruling(state="approved", actor="lee", at_us=60, reason="seen")
        audit = AuditRow(at_us=60, actor="lee", action="proposal.approved", subject="proposal:q1")
        assert not store.proposals.rule("q1", "approved", yes, audit)
        assert store.proposals.rule("q1", "open", yes, audit)
        assert not store.proposals.rule("q1", "open", msgspec.structs.replace(yes, state="rejected"), audit)
        assert store.proposals.rule("q1", "approved", msgspec.structs.replace(yes, state="live", entry=7), None)
        assert not store.proposals.rule("none", "open", yes, audit)
        assert store.proposals.get("q1") == msgspec.structs.replace(
            PROPOSAL, state="live", decided_by="lee", decided_us=60, decided_reason="seen", entry=7
        )
        assert [row.action for row in store.audit.read(0, 10)] == ["proposal.made", "proposal.approved"]

    def test_pages_of_proposals(self, store: Store) -> None:
        for number in range(5):
            store.proposals.add(msgspec.structs.replace(PROPOSAL, id=f"q{number}", at_us=50 + number // 2), AUDIT)
        assert [one.id for one in store.proposals.all()] == ["q4", "q3", "q2", "q1", "q0"]
        assert [one.id for one in store.proposals.all("q3", 2)] == ["q2", "q1"]
        assert store.proposals.all("none") == []


CONTRACTS = (ProposalsContract,)
"""One for each port."""
