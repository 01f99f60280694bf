"""Who gets which case: one reviewer at a time, what is due first, with breaks from what is hard to look at."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from trustward.base.errors import StepError
from trustward.model.case import Barred, Case, CaseLease, HeldLease, Outcome, Reviewer
from trustward.operations.cases import Cases
from trustward.operations.duties import Owed
from trustward.operations.filing import Filing, needed, until_written
from trustward.operations.independence import independent
from trustward.ports import Write

MINUTE_US = 60_000_000


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """How cases are handed out. ``lease_us`` is how long a reviewer may be silent before somebody else gets the case.

    What is due within ``risk_us`` comes before everything else. After ``exposure`` a break is due: ``break_us`` long.
    """

    lease_us: int = 5 * MINUTE_US
    risk_us: int = 24 * 60 * MINUTE_US
    exposure: int = 50
    break_us: int = 10 * MINUTE_US


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """A case in a reviewer's hands. ``break_due`` says that it is time for a break after this one."""

    case: Case
    lease: CaseLease
    break_due: bool


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """How a queue is doing."""

    queue: str
    title: str
    waiting: int
    oldest_us: int | None


class Queues:
    """The story of queues, for any number of reviewers."""

    def __init__(self, cases: Cases, terms: Terms | None = None) -> None:
        self.cases = cases
        self.terms = terms or Terms()
        self._store = cases.store

    def next(self, queue: str, reviewer: str) -> Work | None:
        """The case that comes first, for this reviewer alone until the lease is over; None if nothing waits.

        Raises NotFoundError; StepError while a break is due.
        """
        name = self.cases.queue(queue).name
        needed(reviewer, "a reviewer")
        now_us = self._after_break(reviewer)
        until_us, risk_us = now_us + self.terms.lease_us, now_us + self.terms.risk_us
        while lease := self._store.cases.take(name, reviewer, now_us, until_us, risk_us):
            case = self.cases.get(lease.case)
            if independent(reviewer, case.deciders, self._store):
                return self._begun(case, lease, reviewer)
            # It has decided on it by another key: that one is known from now on.
            held = HeldLease(case=lease.case, reviewer=reviewer, now_us=now_us, ends=True)
            self._store.records.write([held, Barred(case=lease.case, reviewer=reviewer)])
        return None

    def take(self, case: str, reviewer: str) -> Work:
        """This very case. Raises NotFoundError, StepError if it is somebody else's, or not for this reviewer."""
        found = self.cases.get(case)
        now_us = self._after_break(needed(reviewer, "a reviewer"))
        if found.state != "open":
            raise StepError(f"the case {case} is {found.state}", remedy="only an open one can be taken")
        if self.cases.kept_from(found, reviewer) or found.assigned not in {"", reviewer}:
            raise StepError(f"{reviewer} does not get this case", remedy="it is for somebody else")
        lease = self._store.cases.lease(case, reviewer, now_us, now_us + self.terms.lease_us)
        if lease is None:
            raise StepError("somebody is working on this case", remedy="wait until it is given back")
        return self._begun(self.cases.get(case), lease, reviewer)

    def _begun(self, case: Case, lease: CaseLease, reviewer: str) -> Work:
        weight = self.cases.queue(case.queue).exposure
        who = self._change(reviewer, lambda who: {"since_break": who.since_break + weight})
        return Work(case=case, lease=lease, break_due=who.since_break >= self.terms.exposure)

    def keep(self, case: str, reviewer: str) -> CaseLease:
        """Still at it: the lease begins anew. Raises StepError if it is somebody else's by now."""
        now_us = self.cases.clock()
        held = self._store.cases.lease_of(case, now_us)
        if held is None or held.reviewer != reviewer:
            raise StepError(f"the case {case[:80]} is not {reviewer}'s any more", remedy="take it again")
        lease = self._store.cases.lease(case, reviewer, now_us, now_us + self.terms.lease_us)
        if lease is None:
            raise StepError(f"the case {case[:80]} is not {reviewer}'s any more", remedy="take it again")
        return lease

    def release(self, case: str, reviewer: str) -> None:
        """Give it back; nothing happens if it is somebody else's. Raises NotFoundError."""
        self.cases.get(case)
        self._store.cases.release(case, reviewer)

    def skip(self, case: str, reviewer: str, reason: str) -> None:
        """Give it back and do not get it again. It is counted. Raises NotFoundError, StepError."""
        needed(reason, "a reason")
        held = HeldLease(case=case, reviewer=reviewer, now_us=self.cases.clock(), ends=True)

        def step(filing: Filing[Case]) -> None:
            filing.page("skipped", reason)

        self.keep(case, reviewer)
        self.cases.step(case, reviewer, step, states=("open",), held=(held, Barred(case=case, reviewer=reviewer)))
        self._change(reviewer, lambda who: {"skips": who.skips + 1})

    # ------------------------------------------------------------------ pauses from it

    def rest(self, reviewer: str) -> Reviewer:
        """A break begins: what was seen before it counts no more, and no case is handed out until it is over."""
        until_us = self.cases.clock() + self.terms.break_us
        return self._change(reviewer, lambda _: {"since_break": 0, "break_us": until_us})

    def _after_break(self, reviewer: str) -> int:
        """The time, if this reviewer may see another case. Raises StepError."""
        now_us = self.cases.clock()
        who = self.reviewer(reviewer)
        if who.break_us is not None and now_us < who.break_us:
            raise StepError(f"{reviewer} is having a break", remedy="come back when it is over")
        if who.since_break >= 2 * self.terms.exposure:
            raise StepError("a break is due", remedy="begin it: after that there are cases again")
        return now_us

    def reviewer(self, name: str) -> Reviewer:
        """What a reviewer has seen, and how well it agrees with others."""
        return self._store.records.get(Reviewer, name) or Reviewer(id=name, version=0)

    def _change(self, name: str, fields: Callable[[Reviewer], dict[str, int]]) -> Reviewer:
        def attempt() -> tuple[Reviewer, list[Write]]:
            who = self.reviewer(name)
            after: Reviewer = msgspec.structs.replace(who, version=who.version + 1, **fields(who))
            return after, [after]

        return until_written(self._store, name, attempt)

    # ------------------------------------------------------------------ looking, and checking

    def waiting(self) -> Sequence[Waiting]:
        """How every queue is doing."""
        found = self._store.cases.waiting()
        return [
            Waiting(
                queue=queue.name,
                title=queue.title,
                waiting=found.get(queue.name, (0, None))[0],
                oldest_us=found.get(queue.name, (0, None))[1],
            )
            for queue in self.cases.queues.values()
        ]

    def plant(self, queue: str, actor: str, like: Case, answer: Outcome, said: str) -> Case:
        """A case with a known answer, which looks like any other, its clock included: it only checks reviewers.

        ``like`` is what it looks like, ``said`` why it was opened. Nothing is done whatever is decided on it. Raises
        NotFoundError, UsageError.
        """
        chosen = self.cases.queue(queue)
        id = self.cases.ids()  # noqa: A001 - a case's
        owed = Owed(clock=chosen.clock, subject=f"case:{id}", actor=actor, id=f"case-{id}", market=like.market)
        (duty,), owing = self.cases.duties.to_open(owed)
        case = Case(
            id=id,
            version=0,
            state="open",
            queue=chosen.name,
            kind=like.kind,
            entity=like.entity,
            opened_us=self.cases.clock(),
            category=like.category,
            market=like.market,
            entities=like.entities,
            harm=like.harm,
            reach=like.reach,
            due_us=duty.due_us,
            duty=duty.id,
            golden=answer,
        )
        filing = Filing(case, actor, self.cases.clock())
        filing.page("opened", needed(said, "why it was opened"), queue=chosen.name)
        filing.add(owing)
        self._store.records.write(filing.end())
        return filing.record
