"""Four eyes: one person proposes that a policy goes live, another one approves, and then it does.

open -> approved -> live; or rejected, or overtaken by another policy that went live meanwhile. The journal's entry that
puts the policy live names the proposal: whatever is killed between two steps, asking again finds how far it came.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator

import msgspec

from trustward.base.errors import NotFoundError, PolicyStateError
from trustward.model.changes import PolicyChange, decode_change
from trustward.model.proposal import Proposal, ProposalState, Ruling
from trustward.model.stored import AuditRow
from trustward.ports import Keys, Store

_PAGE = 1_000


class Proposing:
    """The story over one store. Whoever calls it makes the change that :meth:`approve` asks for."""

    def __init__(self, store: Store, clock: Callable[[], int]) -> None:
        self._store = store
        self._clock = clock

    def propose(self, policy: str, actor: str, reason: str, *, origin: str = "", back: bool = False) -> Proposal:
        """Propose that a stored policy goes live. Raises NotFoundError, PolicyStateError if it is live already."""
        if self._store.policies.get(policy) is None:
            raise NotFoundError(f"no such policy: {policy[:80]}", remedy="GET /v1/policies lists all")
        base = self._live()
        if base == policy:
            raise PolicyStateError("this policy is live already", remedy="there is nothing to propose")
        proposal = Proposal(
            id=secrets.token_hex(8),
            policy=policy,
            base=base,
            actor=actor,
            at_us=self._clock(),
            reason=reason,
            origin=origin,
            back=back,
        )
        detail = {"policy": policy, "base": base, "origin": origin, "reason": reason}
        self._store.proposals.add(proposal, self._row(proposal.id, actor, "proposal.made", detail))
        return proposal

    def approve(self, id: str, actor: str, reason: str) -> tuple[Proposal, PolicyChange | None]:
        """Approve a proposal: the change to make now, which :meth:`done` is told of; None if it is live.

        Asking again goes on where it was broken off. Raises NotFoundError, PolicyStateError if it is not to be
        approved, or not by this person.
        """
        proposal = self.get(id)
        if proposal.state == "open":
            if self.person(actor) == self.person(proposal.actor):
                raise PolicyStateError(
                    "whoever has proposed it cannot approve it", remedy="another person has to approve it"
                )
            self._in_time(proposal, actor)
            if not self._rule(proposal, "approved", actor, reason):
                return self.approve(id, actor, reason)  # somebody was quicker
            proposal = self.get(id)
        elif proposal.state == "approved":
            entry = self._entry(proposal)
            if entry is not None:
                return self.done(id, entry), None
            self._in_time(proposal, actor)
        elif proposal.state == "live":
            return proposal, None
        else:
            raise PolicyStateError(f"the proposal is {proposal.state}", remedy="propose it anew")
        change = PolicyChange(
            actor=proposal.decided_by,
            policy=proposal.policy,
            origin=f"proposal:{id}",
            reason=proposal.reason,
            base=proposal.base,
        )
        return proposal, change

    def done(self, id: str, entry: int) -> Proposal:
        """The policy is live, by an entry of the journal."""
        proposal = self.get(id)
        ruling = Ruling(
            state="live",
            actor=proposal.decided_by,
            at_us=proposal.decided_us or self._clock(),
            reason=proposal.decided_reason,
            entry=entry,
        )
        # The entry has its own row in the audit.
        self._store.proposals.rule(id, "approved", ruling, None)
        return self.get(id)

    def reject(self, id: str, actor: str, reason: str) -> Proposal:
        """Reject a proposal; its own author may. Raises NotFoundError, PolicyStateError if it is not open."""
        proposal = self.get(id)
        if proposal.state == "rejected":
            return proposal
        if proposal.state != "open" or not self._rule(proposal, "rejected", actor, reason):
            raise PolicyStateError(f"the proposal is {self.get(id).state}", remedy="propose another policy instead")
        return self.get(id)

    def get(self, id: str) -> Proposal:
        """The proposal with this id. Raises NotFoundError."""
        found = self._store.proposals.get(id)
        if found is None:
            raise NotFoundError(f"no such proposal: {id[:80]}", remedy="GET /v1/policies/proposals lists all")
        return found

    def person(self, actor: str) -> str:
        """Who stands behind an actor."""
        return person(actor, self._store.keys)

    def _in_time(self, proposal: Proposal, actor: str) -> None:
        """See that what was live when it was proposed still is. Raises PolicyStateError."""
        if self._live() != proposal.base:
            self._rule(proposal, "overtaken", actor, "another policy went live")
            raise PolicyStateError("another policy went live since it was proposed", remedy="propose it anew")

    def _rule(self, proposal: Proposal, state: ProposalState, actor: str, reason: str) -> bool:
        ruling = Ruling(state=state, actor=actor, at_us=self._clock(), reason=reason)
        row = self._row(proposal.id, actor, f"proposal.{state}", {"policy": proposal.policy, "reason": reason})
        return self._store.proposals.rule(proposal.id, proposal.state, ruling, row)

    def _row(self, id: str, actor: str, action: str, detail: dict[str, str]) -> AuditRow:
        return AuditRow(
            at_us=self._clock(),
            actor=actor,
            action=action,
            subject=f"proposal:{id}",
            detail=msgspec.json.encode(detail),
        )

    def _live(self) -> str:
        live = self._store.policies.live()
        return live.hash if live is not None else ""

    def _entry(self, proposal: Proposal) -> int | None:
        """The journal's entry that has put it live, if it came to that."""
        for seq, change in policy_changes(self._store):
            if change.origin == f"proposal:{proposal.id}":
                return seq
        return None


def person(actor: str, keys: Keys) -> str:
    """Who stands behind an actor: of a key that a person has made, that person; else the actor itself.

    >>> from trustward.adapters.store.memory import MemoryStore
    >>> from trustward.operations.keys import make_key
    >>> keys = MemoryStore().keys
    >>> key, _ = make_key("shop", ["policies"], actor="user:kim", now_us=0)
    >>> keys.add(key)
    >>> person(f"key:{key.id}", keys), person("user:lee", keys), person("key:gone", keys)
    ('user:kim', 'user:lee', 'key:gone')
    """
    # A key is made by one that was there before: the chain, however long, has an end.
    while actor.startswith("key:"):
        key = keys.get(actor.removeprefix("key:"))
        if key is None or not key.actor.startswith(("user:", "key:")):
            break
        actor = key.actor
    return actor


def policy_changes(store: Store) -> Iterator[tuple[int, PolicyChange]]:
    """Every change of a policy's mode, the latest first, with its entry."""
    entries: list[int] = []
    after = 0
    while rows := store.audit.read(after, _PAGE):
        after = rows[-1].number
        entries += [row.seq for row in rows if row.action == "policy.changed" and row.seq is not None]
    for seq in reversed(entries):
        change = decode_change(store.journal.read(seq - 1, 1)[0].body)
        if isinstance(change, PolicyChange):
            yield seq, change


def live_before(store: Store) -> str:
    """The policy that was live before the present one, by the journal's own entries. Raises NotFoundError."""
    present = ""
    for _, change in policy_changes(store):
        if change.mode == "live":
            if present and change.policy != present:
                return change.policy
            present = present or change.policy
    raise NotFoundError("no other policy was live before", remedy="put one live by its hash")
