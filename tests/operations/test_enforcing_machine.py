"""Outcomes, lifts, appeals in any order: strikes conserved, no action without its inverse, nobody hears oneself."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.operations.kit import DAY_US
from tests.operations.test_enforcing import Court
from trustward.base.errors import NotFoundError, StepError
from trustward.model.appeal import Appeal, appeal_id
from trustward.model.case import Measure as Wish
from trustward.model.case import Outcome
from trustward.model.effect import outgoing
from trustward.model.enforcement import Measure, Strike, StrikeSheet
from trustward.operations.appeals import Appealing, Hearing
from trustward.operations.independence import same_person

ACCOUNTS = st.sampled_from(["a1", "a2"])
PEOPLE = st.sampled_from(["key:k:kim", "key:k:lee", "key:j:kim", "key:k"])
POLICIES = st.sampled_from(["conduct/spam", "fraud/mule", "goods/banned", "free words"])
VERBS = st.sampled_from(["", "limit", "suspend", "label"])
PICK = st.integers(0, 30)


class Enforcement(RuleBasedStateMachine):
    """Two accounts, four policies; people who come by several keys."""

    def __init__(self) -> None:
        super().__init__()
        self.court = Court()
        self.causes: list[str] = []
        self.decider: dict[str, str] = {}
        self.ended: dict[str, Appeal] = {}

    def measures(self) -> list[Measure]:
        return [measure for cause in self.causes for measure in self.court.enforcing.of(cause)]

    def strikes(self) -> list[tuple[str, Strike]]:
        return [(sheet.id, one) for sheet in self.court.store.records.every(StrikeSheet) for one in sheet.strikes]

    @rule(entity=ACCOUNTS, policy=POLICIES, who=PEOPLE, verb=VERBS, lasts=st.sampled_from(["", "2d"]))
    def decide(self, entity: str, policy: str, who: str, verb: str, lasts: str) -> None:
        wishes = (Wish(do=verb, kind="account", entity=entity, lasts=lasts, note="n" if verb == "label" else ""),)
        outcome = Outcome(verdict="act", policy=policy, reasons="r", measures=wishes if verb else ())
        before = self.court.enforcing.sheet("account", entity)
        due = None if policy == "free words" else self.court.enforcing.due(policy, "account", entity)
        cause = self.court.close(outcome, entity, who)
        self.causes.append(cause)
        self.decider[cause] = who
        after = self.court.enforcing.sheet("account", entity)
        assert len(after.strikes) - len(before.strikes) == (due is not None)
        done = {one.do for one in self.court.enforcing.of(cause)}
        if due is not None:
            now_us = self.court.time()
            ladder = after.strikes[-1].ladder
            assert after.count(ladder, now_us) - before.count(ladder, now_us) == due.after - due.before
            harsher = due.do in {"warn", "limit"} and verb in {"limit", "suspend"}
            assert due.do in done or harsher or verb == due.do or (due.do == "suspend" and "suspend" in done)
        assert verb in done or not verb

    @rule(days=st.integers(0, 60))
    def wait(self, days: int) -> None:
        self.court.time.on(days * DAY_US)
        self.court.duties.fire()
        self.court.delivering.tidy()
        self.court.enforcing.expire()

    @rule(at=PICK, refund=st.booleans())
    def lift(self, at: int, *, refund: bool) -> None:
        measures = self.measures()
        if measures:
            measure = measures[at % len(measures)]
            lifted = self.court.enforcing.lift(measure.id, "boss", "mistaken", refund=refund)
            assert (lifted.state, lifted.work) == ("lifted", "")
            assert self.court.enforcing.lift(measure.id, "boss", "again", refund=refund) == lifted

    @rule(at=PICK)
    def reverse(self, at: int) -> None:
        if self.causes:
            cause = self.causes[at % len(self.causes)]
            self.court.closing.reverse(cause.removeprefix("case:"), "boss", "mistaken")
            if self.court.cases.get(cause.removeprefix("case:")).reversed is not None:
                self._try(lambda: self.court.appeals.take(appeal_id(cause, "a1"), "nobody"), may=None)

    @rule(at=PICK, entity=ACCOUNTS, exception=st.sampled_from(["", "ill"]))
    def appeal(self, at: int, entity: str, exception: str) -> None:
        if not self.causes:
            return
        cause = self.causes[at % len(self.causes)]
        mine = [one for one in self.court.enforcing.of(cause) if one.entity == entity]
        until = [one.appeal_until_us for one in mine if one.appeal_until_us is not None]
        text = f"not me {self.court.time()} {at}"
        filing = Appealing(decision=cause, account=entity, text=text, exception=exception)
        before = self.court.store.appeals.get(appeal_id(cause, entity))
        if before is not None and (before.text, before.state) == (text, "received"):
            assert self.court.appeals.file(filing, "key:app") == before
            return
        may = (
            any(one.notice == "sent" for one in mine)
            and any(one.state != "lifted" for one in mine)
            and before is None
            and (bool(exception) or self.court.time() <= max(until))
        )
        self._try(lambda: self.court.appeals.file(filing, "key:app"), may=may)

    @rule(who=PEOPLE)
    def hear(self, who: str) -> None:
        found = self.court.appeals.next(who)
        if found is not None:
            assert not same_person(who, self.decider[found.decision], self.court.store)

    @rule(
        at=PICK, who=PEOPLE, finding=st.sampled_from(["upheld", "partly", "reversed", "withdraw"]), keep=st.booleans()
    )
    def find(self, at: int, who: str, finding: Any, *, keep: bool) -> None:
        appeals = self.court.appeals.find()
        if not appeals:
            return
        appeal = appeals[at % len(appeals)]
        story = self.court.appeals
        if finding == "withdraw":
            self._try(lambda: story.withdraw(appeal.id, "key:app", "r"), may=appeal.state == "received")
            return
        lift = appeal.measures[:1] if finding == "partly" else ()
        mine = appeal.hearer == who and appeal.until_us > self.court.time()
        may = appeal.state == "received" and mine
        hearing = Hearing(finding=finding, reasons="r", lift=lift, refund=keep)
        self._try(lambda: story.decide(appeal.id, who, hearing), may=may)
        if may:
            assert not same_person(who, self.decider[appeal.decision], self.court.store)
            for name in story.get(appeal.id).undone:
                assert self.court.enforcing.get(name).state == "lifted"

    @staticmethod
    def _try(take: Any, *, may: bool | None) -> None:
        try:
            take()
        except (StepError, NotFoundError):
            assert not may
        else:
            assert may is not False

    @invariant()
    def strikes_are_conserved(self) -> None:
        measures = self.measures()
        struck = Counter((f"{one.kind}:{one.entity}", one.strike) for one in measures if one.strike)
        strikes = self.strikes()
        assert struck == Counter((sheet, one.id) for sheet, one in strikes)
        counts = {(f"{one.kind}:{one.entity}", one.strike): one for one in measures if one.strike}
        for sheet, strike in strikes:
            measure = counts[sheet, strike.id]
            assert (measure.strikes, measure.cause) == (strike.count, strike.cause)
            assert strike.refunded_us is None or measure.state == "lifted"
            if self.court.cases.get(strike.cause.removeprefix("case:")).reversed is not None:
                assert strike.refunded_us is not None

    @invariant()
    def what_is_in_force_is_what_the_outbox_does(self) -> None:
        self.court.delivering.tidy()
        now_us = self.court.time()
        for measure in self.measures():
            (key,) = self.court.store.records.letters(f"measure:{measure.id}")
            held = {effect.key for effect in self.court.delivering.in_force("account", measure.entity)}
            over = measure.ends_us is not None and measure.ends_us <= now_us
            assert (key in held) == (measure.state == "in_force" and not over), measure
        told = Counter(
            body.event_id
            for body in (outgoing(row.body) for row in self.court.store.tables.sent.actions.values())  # type: ignore[attr-defined]
            if body.action.note == "measure.taken" and body.action.do == "inform"
        )
        assert told == Counter(f"measure:{one.id}" for one in self.measures() if one.notice == "sent")

    @invariant()
    def no_duty_is_lost(self) -> None:
        appeals = self.court.appeals.find(limit=1000)
        for appeal in appeals:
            duty = self.court.duties.get(appeal.duty)
            states = {"received": "open", "withdrawn": "cancelled"}
            assert duty.state == states.get(appeal.state, "done")
            assert [page.number for page in self.court.appeals.pages(appeal.id)] == list(range(1, appeal.pages + 1))
            before = self.ended.get(appeal.id)
            assert before in (None, appeal)
            if appeal.state != "received":
                self.ended[appeal.id] = appeal
        rates = {one.id: one for one in self.court.appeals.rates()}
        assert sum(one.received for one in rates.values()) == len(appeals)
        assert sum(one.heard + one.withdrawn for one in rates.values()) == len(self.ended)


Enforcement.TestCase.settings = settings(
    max_examples=40, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
TestEnforcement = Enforcement.TestCase
