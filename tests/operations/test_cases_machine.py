"""Reports and cases in any order of steps: no report unanswered, no action without its case, nobody twice."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.operations.kit import HOUR_US
from tests.operations.test_cases import World
from trustward.base.errors import StepError
from trustward.model.case import Case, CaseQuery, Measure, Outcome
from trustward.model.effect import outgoing
from trustward.model.report import Report

SUBJECTS = st.sampled_from(["a", "b", "c", "d"])
REVIEWERS = st.sampled_from(["kim", "lee", "max"])
SENDERS = st.sampled_from(["u1", "u2", "u3", ""])
CATEGORIES = st.sampled_from(["scam", "counterfeit"])
PICK = st.integers(0, 50)
ENDED = ("closed", "merged")


class Casework(RuleBasedStateMachine):
    """Three reviewers, four subjects, two queues; one of them wants two opinions."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.reports: list[str] = []
        self.ended: dict[str, Case] = {}

    def cases(self) -> list[Case]:
        return list(self.world.cases.find(CaseQuery(), limit=1000))

    def pick(self, at: int) -> Case | None:
        found = self.cases()
        return found[at % len(found)] if found else None

    @rule(who=SENDERS, subject=SUBJECTS, category=CATEGORIES)
    def report(self, who: str, subject: str, category: str) -> None:
        self.reports.append(self.world.report(who, subject, category=category).id)

    @rule(hours=st.integers(0, 30))
    def wait(self, hours: int) -> None:
        self.world.time.on(hours * HOUR_US // 10)
        self.world.duties.fire()

    @rule(who=REVIEWERS, queue=st.sampled_from(["all", "twice", "leads"]))
    def take(self, who: str, queue: str) -> None:
        held = {case.id: self.holder(case) for case in self.cases()}
        try:
            work = self.world.queues.next(queue, who)
        except StepError:
            self.world.queues.rest(who)
            return
        if work is not None:
            assert held[work.case.id] == ""
            assert work.case.queue == queue
            assert work.case.state == "open"
            assert who not in {before.reviewer for before in work.case.proposed}

    def holder(self, case: Case) -> str:
        lease = self.world.store.cases.lease_of(case.id, self.world.time())
        return lease.reviewer if lease is not None else ""

    @rule(at=PICK, guilty=st.booleans(), lasts=st.sampled_from(["", "1h"]))
    def close_what_one_has(self, at: int, *, guilty: bool, lasts: str) -> None:
        cases = self.cases()
        held = [(number, self.holder(case)) for number, case in enumerate(cases) if self.holder(case)]
        if held:
            number, who = held[at % len(held)]
            self.close(number, who, guilty=guilty, lasts=lasts)

    @initialize(senders=st.lists(st.tuples(SENDERS, SUBJECTS, CATEGORIES), min_size=4, max_size=12))
    def begin(self, senders: list[tuple[str, str, str]]) -> None:
        for who, subject, category in senders:
            self.report(who, subject, category)

    @rule(who=REVIEWERS, queue=st.sampled_from(["all", "twice", "leads"]), guilty=st.booleans())
    def work_off(self, who: str, queue: str, *, guilty: bool) -> None:
        self.take(who, queue)
        for number, case in enumerate(self.cases()):
            if self.holder(case) == who:
                self.close(number, who, guilty=guilty, lasts="")

    @rule(at=PICK, who=REVIEWERS)
    def take_this(self, at: int, who: str) -> None:
        case = self.pick(at)
        if case is not None:
            world = self.world
            may = case.state == "open" and self.holder(case) in {"", who}
            may = may and not world.store.cases.barred(case.id, who) and who not in case.deciders
            if world.queues.reviewer(who).since_break < 100 and world.queues.reviewer(who).break_us is None:
                self._try(lambda: world.queues.take(case.id, who), may=may)

    @rule(at=PICK, who=REVIEWERS, guilty=st.booleans(), lasts=st.sampled_from(["", "1h"]))
    def close(self, at: int, who: str, *, guilty: bool, lasts: str) -> None:
        case = self.pick(at)
        if case is None:
            return
        measures = (Measure(do="hold", kind="account", entity=case.entity, lasts=lasts),) if guilty else ()
        outcome = Outcome(verdict="act" if guilty else "no_action", policy="p", reasons="r", measures=measures)
        may = case.state == "open" and self.holder(case) == who and who not in case.deciders
        self._try(lambda: self.world.closing.close(case.id, who, outcome), may=may)
        if may:
            after = self.world.cases.get(case.id)
            second = len(case.proposed) == 1
            disputed = second and not self._agreed(case, outcome)
            first = case.queue == "twice" and not case.proposed
            assert (after.state == "closed") == (not disputed and not first)

    @staticmethod
    def _agreed(case: Case, outcome: Outcome) -> bool:
        one, two = ((each.verdict, {it.do for it in each.measures}) for each in (case.proposed[0].outcome, outcome))
        return one == two

    @rule(at=PICK, into=PICK, who=REVIEWERS)
    def merge(self, at: int, into: int, who: str) -> None:
        one, two = self.pick(at), self.pick(into)
        if one is None or two is None:
            return
        may = one.id != two.id and one.state not in ENDED and two.state not in ENDED and self.holder(one) in {"", who}
        self._try(lambda: self.world.cases.merge(one.id, who, two.id, "one ring"), may=may)

    @rule(at=PICK, who=REVIEWERS, step=st.sampled_from(["park", "resume", "escalate", "release", "skip"]))
    def other(self, at: int, who: str, step: str) -> None:
        case = self.pick(at)
        if case is None:
            return
        mine = self.holder(case) in {"", who}
        allowed = {"park": ("open",), "resume": ("parked",), "escalate": ("open", "parked"), "skip": ("open",)}
        may = step == "release" or (case.state in allowed[step] and mine)
        if step == "skip":
            may = may and self.holder(case) == who
            self._try(lambda: self.world.queues.skip(case.id, who, "no"), may=may)
        elif step == "release":
            self.world.queues.release(case.id, who)
        elif step == "resume":
            self._try(lambda: self.world.cases.resume(case.id, who), may=may)
        else:
            self._try(lambda: getattr(self.world.cases, step)(case.id, who, "r"), may=may)

    @rule(at=PICK)
    def reverse(self, at: int) -> None:
        case = self.pick(at)
        if case is None:
            return
        self.world.delivering.tidy()
        self._try(lambda: self.world.closing.reverse(case.id, "boss", "mistaken"), may=case.decided is not None)
        if case.decided is not None:
            measures = self.world.enforcing.of(f"case:{case.id}")
            assert {measure.state for measure in measures} <= {"lifted"}
            ours = {self.world.enforcing.letter(measure) for measure in measures}
            assert ours.isdisjoint(effect.key for effect in self.world.delivering.in_force("account", case.entity))

    @rule()
    def tell(self) -> None:
        self.world.closing.tell()
        assert self.world.closing.tell() == 0
        for case in self.cases():
            if case.state == "closed":
                assert not case.untold
        for report in self._reports():
            root = self._root(report)
            if root is not None:
                assert (report.told_us is not None) == (root.state == "closed"), report

    @staticmethod
    def _try(take: Any, *, may: bool) -> None:
        try:
            take()
        except StepError:
            assert not may
        else:
            assert may

    def _reports(self) -> list[Report]:
        return [self.world.reports.get(name) for name in self.reports]

    def _root(self, report: Report) -> Case | None:
        case = self.world.cases.get(report.case) if report.case else None
        while case is not None and case.into:
            case = self.world.cases.get(case.into)
        return case

    @invariant()
    def it_adds_up(self) -> None:
        cases = self.cases()
        assert all(count == 1 for count in Counter(case.subject for case in cases if case.state not in ENDED).values())
        actions = Counter(
            body.event_id
            for body in (outgoing(row.body) for row in self.world.store.tables.sent.actions.values())  # type: ignore[attr-defined]
            if body.type == "case.closed" and not body.undoes
        )
        for case in cases:
            file = self.world.cases.file(case.id)
            assert [page.number for page in file] == list(range(1, case.pages + 1))
            assert (case.state == "closed") == (case.decided is not None)
            wanted = len(case.decided.outcome.measures) if case.decided is not None else 0
            assert actions[f"case:{case.id}"] == wanted
            duty = self.world.duties.get(case.duty)
            assert (duty.state == "done") == (case.state == "closed")
            assert (duty.state == "cancelled") == (case.state == "merged")
            before = self.ended.get(case.id)
            if before is not None:
                assert (case.state, case.decided, case.into) == (before.state, before.decided, before.into)
            if case.state in ENDED:
                self.ended[case.id] = case
        reports = self._reports()
        for report in reports:
            assert (report.state == "set_aside") == (not report.case)
            if report.duty:
                done = self.world.duties.get(report.duty).state == "done"
                assert done == (report.told_us is not None)
        letters = Counter(
            (body.event_id, body.type)
            for body in (outgoing(row.body) for row in self.world.store.tables.sent.actions.values())  # type: ignore[attr-defined]
            if body.action.do == "inform" and body.type.startswith("report.")
        )
        told = Counter((f"report:{one.id}", "report.decided") for one in reports if one.state == "decided")
        receipt = Counter(
            (f"report:{one.id}", "report.set_aside" if one.state == "set_aside" else "report.received")
            for one in reports
        )
        assert letters == told + receipt


Casework.TestCase.settings = settings(
    max_examples=150, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
TestCasework = Casework.TestCase
