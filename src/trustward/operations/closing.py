"""How a case ends: one outcome, a second reviewer where needed, what is done, who is told, and taking it back."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from trustward.base.errors import StaleError, StepError, UsageError
from trustward.base.units import format_time, parse_duration
from trustward.model.case import Barred, Case, Decided, HeldLease, Outcome, Reviewer
from trustward.model.decision import VERDICT_OF_ACTION
from trustward.model.dossier import Pair
from trustward.model.duty import Evidence
from trustward.model.enforcement import ANSWERING, HARSH, Measure
from trustward.model.errand import Errand
from trustward.model.hold import Hold
from trustward.model.letter import Letter, told
from trustward.model.report import Abuse, Report, Reporter, Result, clock_of, judged, unjudged
from trustward.operations.cases import Cases
from trustward.operations.duties import Owed
from trustward.operations.enforcing import Enforcing, Judging, Taking, appeal_words
from trustward.operations.filing import Filing, needed, until_written
from trustward.operations.holds import HoldWanted
from trustward.operations.independence import independent
from trustward.ports import Write

Holding = Callable[[HoldWanted], tuple[Hold, list[Write]]]
"""A preservation hold, and what is to be written so that it is in force."""
_TELL_AT_ONCE = 50
_MOST_MEASURES = 50


class Preserving(msgspec.Struct, frozen=True, kw_only=True):
    """A preservation hold that is placed with an outcome; without ``entities`` on all that the case names."""

    basis: str
    by: str
    until_us: int | None = None
    clock: str = ""
    linked: bool = False
    secret: bool = False
    entities: tuple[Pair, ...] = ()


class Closing:
    """The story of outcomes. ``draw`` gives 0 to 1, and chooses which cases another reviewer sees too.

    ``owed`` says what is to be written because authorities have to be told of a case that was acted on; ``holding``
    makes holds.
    """

    def __init__(
        self,
        cases: Cases,
        enforcing: Enforcing,
        *,
        draw: Callable[[], float],
        abuse: Abuse | None = None,
        owed: Callable[[Case, str], list[Write]] | None = None,
        holding: Holding | None = None,
    ) -> None:
        self.cases = cases
        self._store = cases.store
        self._enforcing = enforcing
        self._draw = draw
        self._abuse = abuse or Abuse()
        self._owed = owed
        self._holding = holding

    # ------------------------------------------------------------------ closing

    def close(self, id: str, reviewer: str, outcome: Outcome, hold: Preserving | None = None) -> Case:
        """Close a case that the reviewer has to itself, or hand it on to a second one.

        A hold is in force when this returns, also where a second reviewer is wanted first: nothing comes between.

        Raises NotFoundError, StepError, UsageError, RegimeError; StaleError if it is not this reviewer's any more.
        """
        check_outcome(outcome)
        needed(reviewer, "a reviewer")
        second = self._draw()

        def attempt() -> tuple[Case, list[Write]]:
            case = self.cases.get(id)
            _open(case)
            lease = self._store.cases.lease_of(id, self.cases.clock())
            if lease is None or lease.reviewer != reviewer:
                raise StepError(f"the case {id} is not {reviewer}'s", remedy="take it first")
            return self._close(case, reviewer, outcome, second, hold)

        return until_written(self._store, f"the case {id}", attempt)

    def _close(
        self, case: Case, reviewer: str, outcome: Outcome, second: float, hold: Preserving | None
    ) -> tuple[Case, list[Write]]:
        queue = self.cases.queue(case.queue)
        _open(case)
        left = [item for item in queue.checklist if item not in case.ticked]
        if left:
            raise StepError(f"still to be done: {', '.join(left)}", remedy="tick it when it is done")
        self._check_second(case, reviewer)
        now_us = self.cases.clock()
        filing = Filing(case, reviewer, now_us)
        decided = Decided(reviewer=reviewer, at_us=now_us, outcome=outcome)
        writes: list[Write] = [HeldLease(case=case.id, reviewer=reviewer, now_us=now_us, ends=True)]
        agreed: bool | None = None
        if hold is not None:
            writes += self._preserved(filing, hold)
        if case.golden is not None:
            agreed = agree(case.golden, outcome)
            writes += self._checked(filing, decided)
        elif len(case.proposed) == 1 and not agree(case.proposed[0].outcome, outcome):
            agreed = False
            self._dispute(filing, decided)
            writes.append(Barred(case=case.id, reviewer=reviewer))
        elif not case.proposed and second < {"never": 0.0, "sample": queue.second_share, "always": 2.0}[queue.second]:
            filing.change(proposed=(decided,), assigned="")
            filing.page("proposed", outcome.reasons, verdict=outcome.verdict, policy=outcome.policy)
            writes.append(Barred(case=case.id, reviewer=reviewer))
        else:
            agreed = True if len(case.proposed) == 1 else None
            writes += self._final(filing, decided)
        writes += self._counted(case, reviewer, now_us, agreed=agreed)
        return filing.whole(*writes)

    def _preserved(self, filing: Filing[Case], wanted: Preserving) -> list[Write]:
        """The hold of an outcome. The case's file names it, unless it is secret: then only the hold names the case."""
        assert self._holding is not None  # who offers holds has given it
        case = filing.record
        hold, writes = self._holding(
            HoldWanted(
                entities=wanted.entities or case.entities,
                basis=wanted.basis,
                by=wanted.by,
                actor=filing.actor,
                cause=f"case:{case.id}",
                market=case.market,
                until_us=wanted.until_us,
                clock=wanted.clock,
                linked=wanted.linked,
                secret=wanted.secret,
            )
        )
        if case.golden is not None:
            return []  # asked for all the same: what cannot be is refused as anywhere
        if not hold.secret:
            until = {} if hold.until_us is None else {"until": format_time(hold.until_us)}
            filing.page("held", wanted.basis, hold=hold.id, by=wanted.by, **until)
        return writes

    def _check_second(self, case: Case, reviewer: str) -> None:
        """See that whoever ends a case is none of those who have decided on it before, by whatever key."""
        if not independent(reviewer, case.deciders, self._store):
            raise StepError("another reviewer has to look at it", remedy="leave it to somebody else")

    def _dispute(self, filing: Filing[Case], decided: Decided) -> None:
        """Two reviewers do not agree: somebody who decides what is difficult sees both."""
        queue = self.cases.queue(filing.record.queue)
        proposed = (*filing.record.proposed, decided)
        goal = queue.escalates_to or queue.name
        filing.change(proposed=proposed, queue=goal, level=filing.record.level + 1, assigned="")
        filing.page("disputed", decided.outcome.reasons, verdict=decided.outcome.verdict, queue=goal)

    def _checked(self, filing: Filing[Case], decided: Decided) -> list[Write]:
        """What only checks reviewers is closed as any other, and nothing follows from it."""
        filing.change(state="closed", decided=decided)
        filing.page("closed", decided.outcome.reasons, verdict=decided.outcome.verdict, policy=decided.outcome.policy)
        return self._decided(filing.record, decided)

    def _decided(self, case: Case, decided: Decided) -> list[Write]:
        """The end of a case's own clock."""
        if not case.duty:
            return []
        shown = Evidence(said=f"closed: {decided.outcome.verdict}", refs=(f"case:{case.id}",))
        return self.cases.duties.to_end(case.duty, decided.reviewer, shown)

    def _final(self, filing: Filing[Case], decided: Decided) -> list[Write]:
        """What follows from an outcome: measures on their way, the duty done, reporters to be told."""
        case, outcome = filing.record, decided.outcome
        filing.change(state="closed", decided=decided, untold=bool(case.reports), assigned="")
        filing.page("closed", outcome.reasons, verdict=outcome.verdict, policy=outcome.policy)
        writes = [*self._enforced(filing, decided), *self._decided(case, decided)]
        if self._owed is not None and outcome.verdict == "act":
            writes += self._owed(case, decided.reviewer)
        return writes

    def _enforced(self, filing: Filing[Case], decided: Decided) -> list[Write]:
        """The measures of an outcome, and what its policy adds to them: strikes, and what the ladder asks for."""
        case, outcome = filing.record, decided.outcome
        cause = f"case:{case.id}"
        takings = tuple(
            Taking(
                do=measure.do,
                kind=measure.kind,
                entity=measure.entity,
                cause=cause,
                policy=outcome.policy,
                reasons=outcome.reasons,
                actor=decided.reviewer,
                lasts_us=parse_duration(measure.lasts) if measure.lasts else None,
                note=measure.note,
                market=case.market,
                step="case.closed",
                automated=bool(case.decisions),
            )
            for measure in outcome.measures
        )
        policy = self._enforcing.tree.get(outcome.policy)
        if policy is None or outcome.verdict != "act":
            return [write for taking in takings for write in self._enforcing.to_take(taking)[1]]
        judging = Judging(
            policy=policy,
            cause=cause,
            reasons=outcome.reasons,
            actor=decided.reviewer,
            struck=struck(case, outcome),
            takings=takings,
            market=case.market,
            step="case.closed",
            automated=bool(case.decisions),
        )
        measures, writes = self._enforcing.to_judge(judging)
        for measure in measures:
            if measure.strike:
                filing.page(
                    "struck",
                    outcome.policy,
                    kind=measure.kind,
                    entity=measure.entity,
                    strikes=measure.strikes,
                    measure=measure.id,
                    do=measure.do,
                )
        return writes

    def _counted(self, case: Case, name: str, now_us: int, *, agreed: bool | None) -> list[Write]:
        """What it says about the reviewers."""
        who = self._store.records.get(Reviewer, name) or Reviewer(id=name, version=0)
        day = format_time(now_us)[:10]
        seen = who.seen if who.day == day else {}
        category = case.category or "other"
        pair = case.golden is None and agreed is not None
        writes: list[Write] = [
            msgspec.structs.replace(
                who,
                version=who.version + 1,
                day=day,
                seen={**seen, category: seen.get(category, 0) + 1},
                closed=who.closed + 1,
                golden=who.golden + (case.golden is not None),
                golden_right=who.golden_right + bool(case.golden is not None and agreed),
                pairs=who.pairs + pair,
                pairs_agreed=who.pairs_agreed + bool(pair and agreed),
            )
        ]
        if pair:
            first = self._store.records.get(Reviewer, case.proposed[0].reviewer)
            if first is not None:
                counted = msgspec.structs.replace(
                    first,
                    version=first.version + 1,
                    pairs=first.pairs + 1,
                    pairs_agreed=first.pairs_agreed + bool(agreed),
                )
                writes.append(counted)
        return writes

    def close_at_once(self, id: str, actor: str, outcome: Outcome, batch: str) -> list[Write]:
        """What is to be written if a case is closed as one of many. Raises NotFoundError, StepError."""
        case = self.cases.get(id)
        if case.state not in {"open", "parked"}:
            raise StepError(f"the case {id} is {case.state}", remedy="only an open one can be closed")
        self._check_second(case, actor)
        queue = self.cases.queue(case.queue)
        left = [item for item in queue.checklist if item not in case.ticked]
        if left:
            raise StepError(f"still to be done: {', '.join(left)}", remedy="leave it out, or tick it when it is done")
        if queue.second == "always" and not case.proposed:
            raise StepError(f"the queue {queue.name} wants two reviewers for each case", remedy="leave it out")
        now_us = self.cases.clock()
        lease = self._store.cases.lease_of(id, now_us)
        if lease is not None and lease.reviewer != actor:
            raise StepError(f"{lease.reviewer} is working on the case {id}", remedy="leave it out")
        filing = Filing(case, actor, now_us)
        filing.change(batch=batch)
        decided = Decided(reviewer=actor, at_us=now_us, outcome=outcome)
        if case.golden is None:
            writes = self._final(filing, decided)
        else:
            writes = self._checked(filing, decided)
            writes += self._counted(case, actor, now_us, agreed=agree(case.golden, outcome))
        return [*filing.end(), *writes]

    # ------------------------------------------------------------------ taking it back

    def reverse(self, id: str, actor: str, reason: str) -> Case:
        """Take an outcome back: whatever it has put in force is undone. Asking again gives the same answer.

        Raises NotFoundError, StepError for a case that has none.
        """
        needed(reason, "a reason")

        def attempt() -> tuple[tuple[Case, list[Measure]], list[Write]]:
            measures = self._enforcing.of(f"case:{id}")
            case, writes = self.to_reverse(self.cases.get(id), measures, actor, reason)
            return (case, measures), writes

        case, measures = until_written(self._store, f"the case {id}", attempt)
        for measure in measures:
            self._enforcing.settle(measure.id)
        return case

    def to_reverse(
        self, case: Case, measures: Sequence[Measure], actor: str, reason: str, *, quiet: bool = False
    ) -> tuple[Case, list[Write]]:
        """What is to be written if an outcome is taken back: its measures are lifted, its strikes refunded.

        Nothing if it has been. Raises StepError for a case that has none.
        """
        if case.decided is None or case.golden is not None:
            raise StepError(f"the case {case.id} has no outcome to take back", remedy="only a closed one has")
        if case.reversed is not None:
            return case, []
        filing = Filing(case, actor, self.cases.clock())
        outcome = Outcome(verdict="no_action", policy=case_policy(case), reasons=reason)
        filing.change(reversed=Decided(reviewer=actor, at_us=filing.now_us, outcome=outcome))
        undone = sum(measure.state == "in_force" for measure in measures)
        filing.page("reversed", reason, undone=undone)
        lifts = self._enforcing.to_lift(measures, actor, reason, quiet=quiet)
        return filing.whole(*lifts)

    # ------------------------------------------------------------------ telling reporters

    def tell(self) -> int:
        """Tell the senders of reports what came of them; how many were told. For the worker's rounds."""
        count = 0
        for case in self._store.cases.untold(20):
            try:
                while part := self._untold(case):
                    self._store.records.write(self._told(case, part))
                    count += len(part)
                done = msgspec.structs.replace(case, version=case.version + 1, untold=False)
                self._store.records.write([done])
            except StaleError:
                continue  # somebody else is at it
        return count

    def _untold(self, case: Case) -> list[Report]:
        for name in (case.id, *case.merged):
            if found := list(self._store.reports.undecided(name, _TELL_AT_ONCE)):
                return found
        return []

    def _told(self, case: Case, reports: list[Report]) -> list[Write]:
        assert case.decided is not None  # or nobody would have to be told
        now_us = self.cases.clock()
        # What has been taken back before anybody was told is not told as what was done.
        outcome = (case.reversed or case.decided).outcome
        result: Result = "acted" if outcome.verdict == "act" else "no_action"
        senders: dict[str, Reporter] = {}
        writes: list[Write] = []
        for report in reports:
            writes.append(
                msgspec.structs.replace(
                    report, version=report.version + 1, state="decided", result=result, told_us=now_us
                )
            )
            says: dict[str, object] = {"result": result, "policy": outcome.policy}
            until_us = self._enforcing.window(case.market, now_us)
            if result == "no_action" and report.channel == "user" and report.reporter and until_us is not None:
                says["appeal"] = appeal_words(until_us, f"case:{case.id}")
            writes.append(answer(report, "report.decided", now_us, **says))
            if report.duty:
                shown = Evidence(said=f"told: {result}", refs=(f"case:{case.id}",))
                writes += self.cases.duties.to_end(report.duty, "trustward", shown)
            writes.append(resolved(report, result, now_us))
            if report.reporter and report.weight:
                who = senders.get(report.reporter) or self._store.records.get(Reporter, report.reporter)
                if who is not None:
                    version = who.version if report.reporter in senders else who.version + 1
                    after, said = judged(who, result, now_us, self._abuse)
                    senders[report.reporter] = msgspec.structs.replace(after, version=version)
                    if said:
                        writes.append(answer(report, f"reporter.{said}", now_us))
        return [*writes, *senders.values()]

    def to_reopen(self, report: Report, case: str, actor: str) -> list[Write]:
        """What is to be written if a report waits for the outcome of another case.

        It counts for its sender once, and its sender is owed an answer anew.
        """
        clock, about = clock_of(report.channel), f"report:{report.id}"
        (duty,), writes = self.cases.duties.to_open(Owed(clock=clock, subject=about, actor=actor, market=report.market))
        after = msgspec.structs.replace(
            report, version=report.version + 1, case=case, state="received", result=None, told_us=None, duty=duty.id
        )
        writes.append(after)
        who = self._store.records.get(Reporter, report.reporter) if report.reporter and report.weight else None
        return writes if who is None else [*writes, unjudged(who, report.result, self._abuse)]


def case_policy(case: Case) -> str:
    """The policy of a case's outcome."""
    assert case.decided is not None  # asked of closed ones only
    return case.decided.outcome.policy


def struck(case: Case, outcome: Outcome) -> tuple[tuple[str, str], ...]:
    """Whom an outcome counts against: those it names; else the subject, or else the accounts that measures concern."""
    if outcome.struck:
        return outcome.struck
    if case.kind in ANSWERING:
        return ((case.kind, case.entity),)
    named = ((measure.kind, measure.entity) for measure in outcome.measures if measure.do in HARSH)
    return tuple(dict.fromkeys(one for one in named if one[0] in ANSWERING))


def agree(one: Outcome, other: Outcome) -> bool:
    """Whether two outcomes come to the same: the verdict, and what is done.

    >>> act = Outcome(verdict="act", policy="p", reasons="r")
    >>> (
    ...     agree(act, Outcome(verdict="act", policy="q", reasons="s")),
    ...     agree(act, Outcome(verdict="no_action", policy="p", reasons="r")),
    ... )
    (True, False)
    """
    done = [{(measure.do, measure.kind, measure.entity) for measure in each.measures} for each in (one, other)]
    return one.verdict == other.verdict and done[0] == done[1]


def check_outcome(outcome: Outcome) -> None:
    """Raise UsageError for an outcome that cannot be carried out."""
    if outcome.verdict == "no_action" and outcome.measures:
        raise UsageError("no action, and measures", remedy="leave the measures out, or act")
    if outcome.verdict == "no_action" and outcome.struck:
        raise UsageError("no action, and strikes", remedy="leave out whom it counts against, or act")
    if any(kind not in ANSWERING for kind, _ in outcome.struck):
        raise UsageError(f"strikes count against {' or '.join(sorted(ANSWERING))}", remedy="name whose it was")
    if len(outcome.measures) > _MOST_MEASURES:
        raise UsageError(f"more than {_MOST_MEASURES} measures", remedy="close several cases at once instead")
    for measure in outcome.measures:
        if measure.do not in VERDICT_OF_ACTION or measure.do == "review":
            raise UsageError(f"no such measure: {measure.do}", remedy=f"one of: {', '.join(VERDICT_OF_ACTION)}")
        if measure.do == "label" and not measure.note:
            raise UsageError("which label?", remedy="name it in note")
        if measure.lasts:
            try:
                parse_duration(measure.lasts)
            except ValueError as fault:
                raise UsageError(f"lasts: {fault}", remedy="write it like 7d") from fault


def answer(report: Report, step: str, now_us: int, **says: object) -> Letter:
    """A letter to whoever sent a report."""
    kind = "account" if report.channel == "user" else report.channel
    said = {"receipt": report.id, "category": report.category, **says}
    if report.notice is not None and report.notice.mail:
        said["mail"] = report.notice.mail
    action = told("inform", kind, report.reporter or report.id, step)
    return Letter(cause=f"report:{report.id}", step=step, at_us=now_us, action=action, says=said)


def _open(case: Case) -> None:
    if case.state != "open":
        raise StepError(f"the case {case.id} is {case.state}", remedy="only an open one can be closed")


def resolved(report: Report, result: Result, now_us: int) -> Errand:
    """The event that a report was decided, for rules; one that was looked at anew is decided by another event."""
    anew = "" if report.duty in {"", f"report-{report.id}"} else f":{report.duty}"
    event = {
        "type": "report.resolved",
        "id": f"report:{report.id}:resolved{anew}",
        "time": format_time(now_us),
        "report": report.id,
        "outcome": {"acted": "upheld", "no_action": "refused"}.get(result, result),
    }
    if report.channel == "user" and report.reporter:
        event["account"] = report.reporter
    if report.kind == "account":
        event["subject"] = report.entity
    return Errand(id=event["id"], at_us=now_us, kind="event", body=msgspec.json.encode(event))
