"""Four eyes as a state machine: whatever is asked, and wherever it is killed, nothing goes live by one person."""

from __future__ import annotations

from itertools import count

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from trustward.adapters.store.memory import MemoryStore
from trustward.base.errors import NotFoundError, PolicyStateError
from trustward.model.changes import PolicyChange, encode_change
from trustward.model.journal import Commit, Segment
from trustward.model.proposal import Proposal
from trustward.model.stored import ApiKey, StoredPolicy
from trustward.operations.proposing import Proposing, live_before, person, policy_changes

PERSONS = {
    "user:kim": "kim",
    "user:lee": "lee",
    "key:k1": "kim",
    "key:k2": "lee",
    "key:k3": "k3",
    "key:k4": "k4",
    "key:k5": "kim",
}
MAKERS = {"k1": "user:kim", "k2": "user:lee", "k3": "the command line", "k4": "the command line", "k5": "key:k1"}
POLICIES = ("p1", "p2", "p3", "p4")
ACTORS = st.sampled_from(sorted(PERSONS))


class FourEyes(RuleBasedStateMachine):
    """People, their keys, policies, and a service that is killed between any two steps."""

    proposals = Bundle("proposals")

    def __init__(self) -> None:
        super().__init__()
        self.store = MemoryStore()
        self.lease = self.store.writer.acquire("test", 1)
        ticks = count(1)
        self.story = Proposing(self.store, lambda: next(ticks))
        self.alone = 0
        for name, maker in MAKERS.items():
            self.store.keys.add(ApiKey(id=name, name="", hash=b"", scopes=("policies",), created_us=0, actor=maker))
        for name in POLICIES:
            self.store.policies.add(StoredPolicy(hash=name, name=name, sources=(("a.policy", ""),)))

    def put(self, change: PolicyChange) -> int:
        """What the host does with a change."""
        seq = self.store.journal.head() + 1
        segment = Segment(first=seq, count=1, kind="change", at_us=seq, policy="", body=encode_change(change))
        self.store.journal.append(self.lease, Commit(segments=(segment,)))
        return seq

    def live(self) -> str:
        live = self.store.policies.live()
        assert live is not None
        return live.hash

    @initialize()
    def begin(self) -> None:
        self.put(PolicyChange(actor="trustward", policy="p1"))
        self.alone = 1

    @rule(target=proposals, actor=ACTORS, policy=st.sampled_from(POLICIES))
    def propose(self, actor: str, policy: str) -> str:
        if policy == self.live():
            with pytest.raises(PolicyStateError):
                self.story.propose(policy, actor, "why")
            return ""
        return self.story.propose(policy, actor, "why").id

    @rule(target=proposals, actor=ACTORS)
    def propose_back(self, actor: str) -> str:
        try:
            before = live_before(self.store)
        except NotFoundError:
            return ""
        assert before != self.live()
        return self.story.propose(before, actor, "why", back=True).id

    @rule(id=proposals, actor=ACTORS, killed=st.sampled_from(["", "", "before", "after"]))
    def approve(self, id: str, actor: str, killed: str) -> None:
        if not id:
            return
        held = self.story.get(id)
        same = PERSONS[actor] == PERSONS[held.actor]
        moved = self.live() != held.base
        entry = self.entry(held)
        if held.state in {"rejected", "overtaken"} or (held.state == "open" and (same or moved)):
            with pytest.raises(PolicyStateError):
                self.story.approve(id, actor, "seen")
            now = self.story.get(id)
            assert now.state == ("overtaken" if held.state == "open" and moved and not same else held.state)
            return
        if held.state == "approved" and entry is None and moved:
            with pytest.raises(PolicyStateError):
                self.story.approve(id, actor, "seen")
            assert self.story.get(id).state == "overtaken"
            return
        found, change = self.story.approve(id, actor, "seen")
        if held.state == "live" or entry is not None:
            assert change is None
            assert (found.state, found.entry) == ("live", entry)
            return
        assert change is not None
        if killed == "before":
            assert self.story.get(id).state == "approved"
            return
        seq = self.put(change)
        if killed == "after":
            return
        assert (self.story.done(id, seq).state, self.live()) == ("live", held.policy)

    @rule(id=proposals, actor=ACTORS)
    def reject(self, id: str, actor: str) -> None:
        if not id:
            return
        held = self.story.get(id)
        if held.state in {"open", "rejected"}:
            assert self.story.reject(id, actor, "no").state == "rejected"
        else:
            with pytest.raises(PolicyStateError):
                self.story.reject(id, actor, "no")
            assert self.story.get(id) == held

    @rule(policy=st.sampled_from(POLICIES))
    def somebody_puts_it_live_alone(self, policy: str) -> None:
        """Four eyes were off for a moment."""
        self.put(PolicyChange(actor="user:kim", policy=policy))
        self.alone += 1

    def entry(self, proposal: Proposal) -> int | None:
        found = [seq for seq, change in policy_changes(self.store) if change.origin == f"proposal:{proposal.id}"]
        assert len(found) <= 1
        return found[0] if found else None

    @invariant()
    def nothing_goes_live_by_one_person(self) -> None:
        by_proposal = 0
        for proposal in self.store.proposals.all(limit=10_000):
            entry = self.entry(proposal)
            by_proposal += entry is not None
            if entry is not None:
                assert proposal.state in {"approved", "live"}
                assert PERSONS[proposal.actor] != PERSONS[proposal.decided_by]
                assert proposal.entry in {None, entry}
            else:
                assert proposal.state != "live"
        assert len(list(policy_changes(self.store))) == by_proposal + self.alone

    @invariant()
    def every_step_is_in_the_audit(self) -> None:
        rows = [row for row in self.store.audit.read(0, 10_000) if row.subject.startswith("proposal:")]
        for proposal in self.store.proposals.all(limit=10_000):
            mine = [row.action for row in rows if row.subject == f"proposal:{proposal.id}"]
            steps = {
                "open": [],
                "approved": ["proposal.approved"],
                "live": ["proposal.approved"],
                "rejected": ["proposal.rejected"],
                "overtaken": ["proposal.overtaken"],
            }[proposal.state]
            if proposal.state == "overtaken" and "proposal.approved" in mine:
                steps = ["proposal.approved", *steps]
            assert mine == ["proposal.made", *steps]
            assert msgspec.json.decode(rows[0].detail)["reason"] == "why"


TestFourEyes = FourEyes.TestCase
TestFourEyes.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


def test_whom_a_key_stands_for() -> None:
    machine = FourEyes()
    assert {actor: person(actor, machine.store.keys).partition(":")[2] for actor in PERSONS} == PERSONS
