"""Orders carried out: target by target, some at a time, each with its measure and its proof; and lifted again.

What is written for some targets is written with the order itself, and only if that is still as it was read: an order
that is withdrawn meanwhile has nothing more done on it. Any number of workers may do this, and be killed.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from trustward.base.errors import ActionError, NotFoundError, StaleError, StepError, UsageError
from trustward.model.directive import ALLOWED, Copy, Directive, Proof, Target, TargetState, verb_for
from trustward.model.errand import Mark
from trustward.operations.copies import LISTS, Kept, target_copy
from trustward.operations.directives import Directives
from trustward.operations.enforcing import Enforcing, Taking
from trustward.operations.filing import Filing, check_step
from trustward.operations.lifting import WORKER, taken_back
from trustward.operations.matching import Match, matches_in
from trustward.operations.reading import copies_of
from trustward.ports import Write

AT_ONCE = 50
_ORDERS = 20
_ENTRIES = 2048
_NAMED = 20
_UNDONE: tuple[TargetState, ...] = ("waiting", "by_hand", "unclear", "unable")
MARK = "orders"
QUIETLY = "decided by the service"
"""What a secret order's measures give as their reason."""


class Executing:
    """The story, for the worker's rounds."""

    def __init__(self, directives: Directives, enforcing: Enforcing) -> None:
        self._directives = directives
        self._enforcing = enforcing
        self._store = directives.store
        self._kept = Kept(directives.store)

    # ------------------------------------------------------------------ rounds

    def work(self) -> int:
        """Carry out, lift, end what has had its time; how many targets and orders that moved."""
        done = self.expire()
        for order in self._store.orders.working(_ORDERS):
            try:
                done += self._some(order, AT_ONCE)
            except StaleError:
                # Somebody else was first; or one target is in somebody else's hands: then one by one.
                done += self._one_by_one(order.id)
        return done

    def _one_by_one(self, id: str) -> int:
        try:
            return self._some(self._directives.get(id), 1)
        except StaleError:
            return 0

    def expire(self) -> int:
        """End orders whose time is over: their measures are lifted; how many."""
        now_us = self._directives.clock()
        count = 0
        for order in self._store.orders.ending(now_us, _ORDERS):
            filing = Filing(order, WORKER, now_us)
            filing.change(state="expired", work=order.authentic is not None, question="")
            filing.page("expired", "its time is over")
            self._directives.cancel(filing, "the order has ended")
            try:
                self._store.records.write(filing.end())
            except StaleError:
                continue
            count += 1
        return count

    def _some(self, order: Directive, most: int) -> int:
        if order.ended:
            return self._lift(order, most)
        filing = Filing(order, WORKER, self._directives.clock())
        falling = self._store.orders.targets(order.id, ("lifting",), 0, most)
        if falling:
            self._lifted(filing, falling, "the issuer has varied the order")
            self._write(filing, falling)
            return len(falling)
        if order.state != "executing":
            return self._rest(filing)
        waiting = self._store.orders.targets(order.id, ("waiting",), 0, most)
        if not waiting:
            return self._finish(filing)
        self._executed(filing, waiting)
        self._write(filing, ())
        return len(waiting)

    def _rest(self, filing: Filing[Directive]) -> int:
        """There is nothing to do for now."""
        filing.change(work=False)
        self._store.records.write(filing.end())
        return 0

    def _write(self, filing: Filing[Directive], lifted: Sequence[Target]) -> None:
        self._store.records.write(filing.end())
        for name in _measures(lifted):
            self._enforcing.settle(name)

    # ------------------------------------------------------------------ doing

    def _executed(self, filing: Filing[Directive], targets: Sequence[Target]) -> None:
        done: list[int] = []
        unable: list[int] = []
        for one in targets:
            proof, writes = self._taken(filing.record, one, filing.now_us)
            filing.writes += writes
            state = "done" if proof.measure else "unable"
            (done if proof.measure else unable).append(one.number)
            filing.writes.append(
                msgspec.structs.replace(one, version=one.version + 1, state=state, proof=(*one.proof, proof))
            )
            if proof.measure and filing.record.similar != "none" and not one.measure:
                copy = target_copy(filing.record, one, proof.said)
                filing.writes += [copy] if copy is not None else []
        filing.page("executed", done=done, unable=unable)

    def _taken(self, order: Directive, one: Target, now_us: int) -> tuple[Proof, list[Write]]:
        verb = one.do or verb_for(order.type, one.kind)
        # What is done anew lasts from when it was done first.
        begun_us = next((proof.at_us for proof in one.proof if proof.measure), now_us)
        lasts = [one.lasts_us - (now_us - begun_us)] if one.lasts_us is not None else []
        if order.until_us is not None:
            lasts.append(order.until_us - now_us)
        note = one.note
        # Of a label and a challenge the note says which.
        if order.territory and not note and verb not in {"label", "challenge"}:
            note = f"only in {', '.join(order.territory)}"
        try:
            measure, writes = self._enforcing.to_take(
                Taking(
                    do=verb,
                    kind=one.kind,
                    entity=one.entity,
                    cause=order.cause,
                    policy="service" if order.secret else order.basis[:200],
                    reasons=QUIETLY if order.secret else f"an order of {order.issuer}, {order.reference}"[:1000],
                    actor=WORKER,
                    lasts_us=min(lasts, default=None),
                    note=note[:200],
                    withhold=order.withheld,
                    secret=order.secret,
                    market=order.market,
                    step="order.executed",
                )
            )
        except (UsageError, ActionError, NotFoundError, StepError) as fault:
            return Proof(at_us=now_us, actor=WORKER, said=f"not possible: {fault.message}"[:1000]), []
        return Proof(at_us=now_us, actor=WORKER, said=verb, measure=measure.id, refs=(f"measure:{measure.id}",)), writes

    def _finish(self, filing: Filing[Directive]) -> int:
        """All targets are done, or somebody has to say something about the rest."""
        order = filing.record
        counts = self._store.orders.counts(order.id)
        if any(counts.get(state) for state in ("waiting", "by_hand", "unclear", "lifting")):
            return self._rest(filing)
        filing.change(state="executed", work=False)
        filing.page("carried_out", targets=dict(counts))
        # Where no measure is taken and nothing kept out, a person says what was done, and what is not: by the outcome.
        whole = not counts.get("unable") and not taken_back(self._store, order.id)
        if whole and (counts.get("done") or order.copies):
            filing.writes += self._directives.to_end(order, "comply", WORKER, "carried out")
        self._store.records.write(filing.end())
        return 1

    # ------------------------------------------------------------------ users

    def tell_users(self, id: str, actor: str, reason: str) -> Directive:
        """What was kept from users may be told: they are, and may appeal from now on. Asking again tells who is left.

        Raises NotFoundError, StepError if nothing is kept from anybody.
        """
        order = self._directives.get(id)
        check_step("order", order.state, "tell_users", ALLOWED["tell_users"])
        told = self._enforcing.release(order.cause, actor, reason, order.market)
        if not told and not order.withheld:
            raise StepError("nothing is kept from users", remedy="they were told when it was carried out")

        def step(filing: Filing[Directive]) -> None:
            filing.change(withhold=False)
            filing.page("users_told", reason, measures=told)

        return self._directives.step(id, actor, "tell_users", step)

    # ------------------------------------------------------------------ lifting

    def _lift(self, order: Directive, most: int) -> int:
        """Everything that an order has put in force is undone, some at a time."""
        filing = Filing(order, WORKER, self._directives.clock())
        targets = self._store.orders.targets(order.id, ("done", "lifting"), 0, most) or self._anew(order, most)
        if targets:
            self._lifted(filing, targets, f"the order is {order.state}")
            self._write(filing, targets)
            return len(targets)
        copies = self._store.orders.copies(order.id, "", 500, active=True)
        if copies:
            filing.writes += self._kept.to_drop(order, copies, filing.now_us)
            filing.page("copies_let_in", copies=len(copies))
            self._store.records.write(filing.end())
            if again := self._kept.again(copies, self._directives.clock()):
                self._store.records.write(again)
            return len(copies)
        return self._rest(filing)

    def _anew(self, order: Directive, most: int) -> list[Target]:
        """Targets that were to be done anew, and may not have been: what was done before is still in force."""
        found: list[Target] = []
        past = 0
        while len(found) < most and (part := self._store.orders.targets(order.id, _UNDONE, past, 1_000)):
            found += [one for one in part if one.measure]
            past = part[-1].number
        return found[:most]

    def _lifted(self, filing: Filing[Directive], targets: Sequence[Target], why: str) -> None:
        order = filing.record
        found = [self._enforcing.get(name) for name in _measures(targets)]
        reason = "taken back" if order.secret else why
        filing.writes += self._enforcing.to_lift(found, WORKER, reason)
        for one in targets:
            proof = Proof(at_us=filing.now_us, actor=WORKER, said=why)
            by_hand = "" if one.measure else "; what was done by hand is to be undone by hand"
            proof = msgspec.structs.replace(proof, said=why + by_hand)
            filing.writes.append(
                msgspec.structs.replace(one, version=one.version + 1, state="lifted", proof=(*one.proof, proof))
            )
        gone = {f"{order.id}.t{one.number}" for one in targets if one.kind in LISTS}
        if gone and not order.ended:
            active = [copy for copy in copies_of(self._store, order.id, active=True) if copy.id in gone]
            filing.writes += self._kept.to_drop(order, active, filing.now_us)
        filing.page("lifted", why, targets=[one.number for one in targets])

    # ------------------------------------------------------------------ copies that came

    def follow(self) -> int:
        """Read on in the journal: events that were stopped as copies are on record with their orders; how many."""
        mark = self._store.records.get(Mark, MARK) or Mark(id=MARK, version=0, seq=0)
        found: list[Match] = []
        seq = mark.seq
        for segment in self._store.journal.read(mark.seq, _ENTRIES):
            found += matches_in(segment, mark.seq)
            seq = segment.last
        if seq == mark.seq:
            return 0
        writes, count = self._matched(found)
        try:
            self._store.records.write([Mark(id=MARK, version=mark.version + 1, seq=seq), *writes])
        except StaleError:
            return 0  # another worker was first, or an order has just changed: the next round sees
        return count

    def _matched(self, found: Sequence[Match]) -> tuple[list[Write], int]:
        copies: dict[str, Copy] = {}
        events: dict[str, dict[str, None]] = {}
        for match in found:
            for name, value in match.values:
                for copy in self._store.orders.copies_of(name, value):
                    held = copies.get(copy.id) or msgspec.structs.replace(copy, version=copy.version + 1)
                    copies[copy.id] = msgspec.structs.replace(
                        held, hits=held.hits + 1, last_us=match.at_us, last=match.event
                    )
                    events.setdefault(copy.order, {})[match.event] = None
        writes: list[Write] = list(copies.values())
        count = 0
        for name, ids in events.items():
            order = self._directives.get(name)
            filing = Filing(order, WORKER, self._directives.clock())
            filing.page("copy_kept_out", events=list(ids)[:_NAMED], count=len(ids))
            writes += filing.end()
            count += len(ids)
        return writes, count


def _measures(targets: Sequence[Target]) -> list[str]:
    """Every measure that was taken of some targets."""
    return [proof.measure for one in targets for proof in one.proof if proof.measure]
