"""Appeals: whoever is concerned asks to look again, another person hears it, and what was wrong is undone.

received -> upheld, partly, reversed; or withdrawn. One for each decision and account, ever. ``docs/operations.md``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from trustward.base.errors import ActionError, NotFoundError, StaleError, StepError, UsageError
from trustward.base.units import format_time
from trustward.model.appeal import Appeal, AppealPage, AppealTally, Finding, State, appeal_id
from trustward.model.case import TEXT_LIMIT, Batch, Case
from trustward.model.duty import Evidence
from trustward.model.effect import INVERSES
from trustward.model.enforcement import Measure
from trustward.model.errand import change_errand
from trustward.model.letter import told
from trustward.model.report import Report
from trustward.operations.cases import News
from trustward.operations.closing import Closing
from trustward.operations.delivering import MAX_REASON
from trustward.operations.duties import Owed
from trustward.operations.enforcing import Enforcing
from trustward.operations.filing import Filing, needed, take_step, until_written
from trustward.operations.independence import independent
from trustward.operations.reading import pages_of
from trustward.ports import Write

MINUTE_US = 60_000_000
LEASE_US = 30 * MINUTE_US
"""How long a hearer has an appeal alone, after it was taken."""
_LOOKED_AT = 500
_AT_ONCE = 20


class Appealing(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody appeals against. ``about`` is what was acted on, if that was not the account itself: a listing.

    ``exception`` is why an appeal is accepted although its time is over.
    """

    decision: str
    account: str
    text: str
    about: tuple[str, str] | None = None
    refs: tuple[str, ...] = ()
    market: str = ""
    exception: str = ""


class Hearing(msgspec.Struct, frozen=True, kw_only=True):
    """What was found; of a decision that stands in part, which measures are lifted, and whether strikes go too."""

    finding: Finding
    reasons: str
    lift: tuple[str, ...] = ()
    refund: bool = True


class _About(msgspec.Struct, frozen=True, kw_only=True):
    """The decision that an appeal is about."""

    decided_us: int
    until_us: int | None
    measures: tuple[str, ...]
    deciders: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    market: str = ""


class Appeals:
    """The story, for any number of threads and processes over one store."""

    def __init__(self, enforcing: Enforcing, closing: Closing) -> None:
        self.store = enforcing.store
        self._enforcing = enforcing
        self._closing = closing
        self._duties = enforcing.duties
        self.clock = enforcing.clock

    # ------------------------------------------------------------------ filing

    def file(self, wanted: Appealing, actor: str) -> Appeal:
        """Take an appeal in; on disk when this returns, with its duty and its receipt on the way.

        The same again gives the first answer. Raises NotFoundError where nothing was decided against the account,
        StepError for a second appeal, or one that comes too late, UsageError.
        """
        needed(wanted.text, "a text")
        needed(wanted.account, "an account")
        id = appeal_id(wanted.decision, wanted.account)  # noqa: A001 - it is the record's

        def attempt() -> tuple[Appeal, Sequence[Write]]:
            before = self.store.appeals.get(id)
            return self._filed(id, wanted, actor) if before is None else (self._again(before, wanted), ())

        return until_written(self.store, "the appeal", attempt)

    @staticmethod
    def _again(before: Appeal, wanted: Appealing) -> Appeal:
        if before.text == wanted.text and before.state == "received":
            return before
        raise StepError(
            f"there has been an appeal against this decision: {before.id}, {before.state}",
            remedy="a decision is looked at again once",
        )

    def _filed(self, id: str, wanted: Appealing, actor: str) -> tuple[Appeal, list[Write]]:
        about = self._automated(wanted) if wanted.decision.startswith("event:") else self._taken(wanted)
        now_us = self.clock()
        if about.until_us is None or now_us > about.until_us:
            if not wanted.exception:
                till = "at all" if about.until_us is None else f"after {format_time(about.until_us)}"
                raise StepError(
                    f"this decision cannot be appealed against {till}",
                    remedy="accept it as an exception, with a reason",
                )
            needed(wanted.exception, "a reason for the exception")
        terms = self._enforcing.tree.terms(about.market)
        owed = Owed(
            clock=terms.clock if terms is not None else "appeal-decide",
            subject=f"appeal:{id}",
            actor=actor,
            id=f"appeal-{id}",
            market=about.market,
        )
        (duty,), owing = self._duties.to_open(owed)
        appeal = Appeal(
            id=id,
            version=0,
            at_us=now_us,
            decision=wanted.decision,
            account=wanted.account,
            text=wanted.text,
            refs=wanted.refs,
            market=about.market,
            decided_us=about.decided_us,
            deciders=about.deciders,
            rules=about.rules,
            measures=about.measures,
            late=wanted.exception,
            duty=duty.id,
            due_us=duty.due_us,
        )
        filing = Filing(appeal, actor, now_us)
        filing.page("received", wanted.exception)
        filing.add(owing)
        _tell(filing, "received", {} if duty.due_us is None else {"answer_by": format_time(duty.due_us)})
        filing.add(self._tallied(appeal, "received"))
        return filing.whole()

    def _taken(self, wanted: Appealing) -> _About:
        """What people decided. What is kept from the user cannot be appealed against before it is told."""
        mine = _mine(wanted)
        found = [
            measure
            for measure in self._because_of(wanted)
            if ((measure.kind, measure.entity) in mine or measure.party in mine) and measure.notice != "withheld"
        ]
        case = self._case(wanted.decision)
        if not any(measure.notice == "sent" for measure in found):
            report = self._reported(case, wanted.account)
            if case is not None and report is not None:
                return self._refused(case, report)
            raise NotFoundError(
                f"nothing was decided against this account by {wanted.decision[:80]}",
                remedy="name the decision as its notice does, and what it was about",
            )
        if all(measure.state == "lifted" for measure in found):
            raise StepError("the decision has been taken back already", remedy="there is nothing left to undo")
        windows = [measure.appeal_until_us for measure in found if measure.appeal_until_us is not None]
        deciders = [measure.actor for measure in found]
        market = case.market if case is not None else ""
        if wanted.decision.startswith("order:"):
            order = self.store.orders.get(wanted.decision.removeprefix("order:"))
            market = order.market if order is not None else ""
            # A worker takes an order's measures: who found it authentic, and had it carried out, has decided.
            file = pages_of(self.store, wanted.decision.removeprefix("order:"))
            deciders += [page.actor for page in file if page.what in {"authentic", "executing", "varied"}]
        rules: tuple[str, ...] = ()
        if case is not None:
            others, rules = self._behind(case)
            deciders += others
        return _About(
            decided_us=max(measure.at_us for measure in found),
            until_us=max(windows, default=None),
            measures=tuple(measure.id for measure in found),
            deciders=tuple(dict.fromkeys(deciders)),
            rules=rules,
            market=wanted.market or market,
        )

    def _because_of(self, wanted: Appealing) -> list[Measure]:
        """All measures of a decision; of those that followed from it, such as copies of a link, what is named."""
        found = self._enforcing.of(wanted.decision)
        if wanted.about is not None:
            on = self._enforcing.on(*wanted.about, _LOOKED_AT)
            found += [one for one in on if one.parent and one.cause == wanted.decision]
        return found

    def _behind(self, case: Case) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Who has decided a case, and the rules that had brought it up."""
        who = [*case.deciders, *([case.decided.reviewer] if case.decided is not None else [])]
        batch = self.store.records.get(Batch, case.batch) if case.batch else None
        who += [batch.actor] if batch is not None else []
        rules: list[str] = []
        for entry in self.store.journal.entries(list(case.decisions[-50:])):
            rules += [hit.id for hit in entry.decision.rules if hit.mode in {"live", "proposed"}]
        return tuple(dict.fromkeys(who)), tuple(dict.fromkeys(rules))

    # ------------------------------------------------------------------ what was reported, and nothing done

    def _reported(self, case: Case | None, account: str) -> Report | None:
        """What an account has reported, if it has been told that nothing is done about it."""
        if case is None or case.decided is None or case.decided.outcome.verdict != "no_action":
            return None
        if case.reversed is not None:
            raise StepError("the decision has been taken back already", remedy="another case looks at it anew")
        names = {case.id, *case.merged}
        sent = self.store.reports.by(f"user:{account}", _LOOKED_AT)
        return next((one for one in sent if one.case in names and one.result == "no_action"), None)

    def _refused(self, case: Case, report: Report) -> _About:
        """Whoever has reported something may ask to look again, as whom a measure concerns may."""
        deciders, rules = self._behind(case)
        decided_us = report.told_us or 0
        until_us = self._enforcing.window(case.market, decided_us)
        return _About(
            decided_us=decided_us, until_us=until_us, measures=(), deciders=deciders, rules=rules, market=case.market
        )

    def _anew(self, appeal: Appeal, hearer: str, reasons: str) -> list[Write]:
        """A case that was closed without anything done is looked at anew, by others: its reporter hears what comes."""
        case = self._case(appeal.decision)
        report = self._reported(case, appeal.account)
        if case is None or report is None:
            raise StepError("what was reported is not there any more", remedy="say upheld, with the reason")
        why = f"appeal {appeal.id}: {reasons}"[:TEXT_LIMIT]
        news = News(
            kind=case.kind,
            entity=case.entity,
            actor=hearer,
            what="reported",
            said=why,
            category=case.category,
            market=case.market,
            entities=case.entities,
            harm=case.harm,
            reach=case.reach,
            reports=1,
            weight=report.weight,
            closed_to=appeal.deciders,
        )
        again, writes = self._closing.cases.to_join(news)
        waits = self._closing.to_reopen(report, again.id, hearer)
        return [*self._closing.to_reverse(case, (), hearer, why)[1], *writes, *waits]

    def _automated(self, wanted: Appealing) -> _About:
        """What a rule decided on an event, without anybody."""
        name = wanted.decision.removeprefix("event:")
        found = self.store.journal.find([name]).get(name)
        mine = _mine(wanted)
        keys = []
        rules = []
        for number, action in enumerate(found.decision.actions if found is not None else ()):
            assert found is not None  # or it would have no actions
            if (action.kind, action.entity) in mine and not action.proposed and action.do in INVERSES:
                row = self.store.outbox.action(found.seq, number)
                if row is not None:
                    keys.append(row[0].key)
                    rules.append(action.rule)
        if found is None or not keys:
            raise NotFoundError(
                f"no rule has acted on this account because of the event {name[:80]}",
                remedy="name the event of the decision, and what was acted on",
            )
        return _About(
            decided_us=found.at_us,
            until_us=self._enforcing.window(wanted.market, found.at_us),
            measures=tuple(keys),
            rules=tuple(dict.fromkeys(rules)),
            market=wanted.market,
        )

    def _case(self, decision: str) -> Case | None:
        return self.store.cases.get(decision.removeprefix("case:")) if decision.startswith("case:") else None

    # ------------------------------------------------------------------ hearing

    def next(self, hearer: str) -> Appeal | None:
        """The appeal that is due first, and that this person may hear: for it alone, for a while."""
        after = ""
        looked = 0
        while looked < _LOOKED_AT and (some := self.store.appeals.find("received", after=after, limit=100)):
            for appeal in some:
                if self._free(appeal, hearer) and independent(hearer, appeal.deciders, self.store):
                    try:
                        return self.take(appeal.id, hearer)
                    except StepError:
                        continue  # somebody else was first
            after, looked = some[-1].id, looked + len(some)
        return None

    def take(self, id: str, hearer: str) -> Appeal:
        """Have this appeal alone, or go on having it. Raises NotFoundError, StepError."""

        def step(filing: Filing[Appeal]) -> None:
            appeal = filing.record
            self._may(appeal, hearer)
            filing.change(hearer=hearer, until_us=filing.now_us + LEASE_US)
            if appeal.hearer != hearer or appeal.until_us <= filing.now_us:
                filing.page("taken")

        return self._step(id, hearer, step)

    def give_back(self, id: str, hearer: str) -> Appeal:
        """Somebody else may hear it. Raises NotFoundError, StepError."""

        def step(filing: Filing[Appeal]) -> None:
            self._has(filing.record, hearer)
            filing.change(hearer="", until_us=0)
            filing.page("given_back")

        return self._step(id, hearer, step)

    def decide(self, id: str, hearer: str, hearing: Hearing) -> Appeal:
        """Say what was found: what is wrong is undone, strikes are refunded, whoever appealed is told.

        Raises NotFoundError, StepError for somebody who has not taken it, UsageError.
        """
        needed(hearing.reasons, "a reason")

        def step(filing: Filing[Appeal]) -> None:
            self._has(filing.record, hearer)
            self._may(filing.record, hearer)
            self._decided(filing, hearing)

        appeal = self._step(id, hearer, step)
        self._undo(appeal)
        return self.get(id)

    def _decided(self, filing: Filing[Appeal], hearing: Hearing) -> None:
        appeal, hearer = filing.record, filing.actor
        chosen = _chosen(appeal, hearing)
        automated = appeal.decision.startswith("event:")
        if hearing.finding != "reversed" and not automated and self._gone(appeal):
            raise StepError("the decision has been taken back meanwhile: it does not stand", remedy="say reversed")
        filing.change(
            state=hearing.finding,
            until_us=0,
            heard_us=filing.now_us,
            reasons=hearing.reasons,
            undone=chosen,
            work=bool(chosen) and automated,
        )
        filing.page(hearing.finding, hearing.reasons)
        if chosen and not automated:
            filing.add(self._lifted(appeal, hearer, hearing, chosen))
        if hearing.finding == "reversed" and not appeal.measures:
            filing.add(self._anew(appeal, hearer, hearing.reasons))
        filing.add(self._duties.to_end(appeal.duty, hearer, Evidence(said=hearing.finding, refs=(filing.name,))))
        _tell(filing, "decided", {"finding": hearing.finding, "reasons": hearing.reasons, "undone": list(chosen)})
        filing.add(self._tallied(appeal, hearing.finding))

    def _gone(self, appeal: Appeal) -> bool:
        """Whether somebody has taken back all that an appeal is about."""
        found = [self._enforcing.get(name) for name in appeal.measures]
        return bool(found) and all(one.state == "lifted" for one in found)

    def _lifted(self, appeal: Appeal, hearer: str, hearing: Hearing, chosen: tuple[str, ...]) -> list[Write]:
        """The measures taken back; and the case with them, if nothing of its outcome is left."""
        measures = [self._enforcing.get(name) for name in chosen]
        reason = f"appeal {appeal.id}: {hearing.reasons}"[:TEXT_LIMIT]
        case = self._case(appeal.decision)
        if case is not None and hearing.finding == "reversed":
            every = self._enforcing.of(appeal.decision)
            if all(one.id in chosen or one.state == "lifted" for one in every) and case.reversed is None:
                return self._closing.to_reverse(case, every, hearer, reason, quiet=True)[1]
        refund = hearing.refund or hearing.finding == "reversed"
        return self._enforcing.to_take_back(measures, hearer, reason, refund=refund, quiet=True)

    def withdraw(self, id: str, actor: str, reason: str) -> Appeal:
        """Whoever appealed does not want it any more. Raises NotFoundError, StepError."""
        needed(reason, "a reason")

        def step(filing: Filing[Appeal]) -> None:
            appeal = filing.record
            _open(appeal)
            filing.change(state="withdrawn", heard_us=filing.now_us, until_us=0)
            filing.page("withdrawn", reason)
            filing.add(self._duties.to_cancel(appeal.duty, actor, f"withdrawn: {reason}"[:1000]))
            _tell(filing, "withdrawn", {})
            filing.add(self._tallied(appeal, "withdrawn"))

        return self._step(id, actor, step)

    # ------------------------------------------------------------------ undoing

    def settle(self) -> int:
        """Undo what automated decisions have put in force and an appeal has reversed. For the worker's rounds."""
        return sum(self._undo(appeal) for appeal in self.store.appeals.working(_AT_ONCE))

    def _undo(self, appeal: Appeal) -> bool:
        """Undo the rest; again after a kill, until it is done."""
        for name in appeal.undone if not appeal.decision.startswith("event:") else ():
            self._enforcing.settle(name)
        if not appeal.work:
            return False
        delivering = self._enforcing.delivering
        reason = f"appeal {appeal.id}: {appeal.reasons}"[:MAX_REASON]
        for key in appeal.undone:
            try:
                # The engine is told first, so that a kill in between loses nothing.
                change = delivering.unlabelling(key, appeal.hearer, reason)
                if change is not None:
                    self.store.records.write([change_errand(f"appeal:{appeal.id}:{key}", change, self.clock())])
                delivering.reverse(key, appeal.hearer, reason)
            except ActionError:
                continue  # it has ended by itself
        done = msgspec.structs.replace(appeal, version=appeal.version + 1, work=False)
        try:
            self.store.records.write([done])
        except StaleError:
            return False  # another worker was first
        return True

    # ------------------------------------------------------------------ looking

    def get(self, id: str) -> Appeal:
        """The appeal with this id. Raises NotFoundError."""
        found = self.store.appeals.get(id)
        if found is None:
            raise NotFoundError(f"there is no appeal {id[:80]}", remedy="GET /v1/appeals lists all")
        return found

    def pages(self, id: str) -> Sequence[AppealPage]:
        """Its file. Raises NotFoundError."""
        self.get(id)
        return self.store.appeals.pages(id)

    def find(
        self, state: State | None = None, decision: str = "", account: str = "", after: str = "", limit: int = 100
    ) -> Sequence[Appeal]:
        """Appeals, what is due first before the rest, page by page."""
        return self.store.appeals.find(state, decision, account, after, limit)

    def rates(self, after: str = "", limit: int = 100) -> Sequence[AppealTally]:
        """How appeals have ended, for each reviewer and each rule, page by page."""
        return self.store.records.every(AppealTally, after, limit)

    # ------------------------------------------------------------------ how

    def _step(self, id: str, actor: str, step: Callable[[Filing[Appeal]], None]) -> Appeal:
        return take_step(self.store, f"the appeal {id}", lambda: Filing(self.get(id), actor, self.clock()), step)

    def _free(self, appeal: Appeal, hearer: str) -> bool:
        return appeal.hearer in {"", hearer} or appeal.until_us <= self.clock()

    def _may(self, appeal: Appeal, hearer: str) -> None:
        _open(appeal)
        if not independent(hearer, appeal.deciders, self.store):
            raise StepError("who decided does not hear the appeal", remedy="leave it to somebody else")
        if not self._free(appeal, hearer):
            raise StepError(f"{appeal.hearer} hears the appeal {appeal.id}", remedy="wait until it is given back")

    def _has(self, appeal: Appeal, hearer: str) -> None:
        _open(appeal)
        if appeal.hearer != hearer or appeal.until_us <= self.clock():
            raise StepError(f"the appeal {appeal.id} is not {hearer}'s", remedy="take it first")

    def _tallied(self, appeal: Appeal, what: str) -> list[Write]:
        """What it says about the rules and the reviewers behind the decision."""
        names = (*(f"rule:{rule}" for rule in appeal.rules), *(f"reviewer:{who}" for who in appeal.deciders))
        writes: list[Write] = []
        for name in dict.fromkeys(names):
            tally = self.store.records.get(AppealTally, name) or AppealTally(id=name, version=0)
            counted = {what: getattr(tally, what) + 1, "version": tally.version + 1}
            writes.append(msgspec.structs.replace(tally, **counted))
        return writes


def _mine(wanted: Appealing) -> set[tuple[str, str]]:
    """What an appeal may be about: the account, and what it names of its own."""
    return {("account", wanted.account)} | ({wanted.about} if wanted.about is not None else set())


def _open(appeal: Appeal) -> None:
    if appeal.state != "received":
        raise StepError(f"the appeal {appeal.id} is {appeal.state}", remedy="a decision is looked at again once")


def _chosen(appeal: Appeal, hearing: Hearing) -> tuple[str, ...]:
    """What is taken back. Raises UsageError for what does not go with the finding."""
    if hearing.finding == "reversed":
        if hearing.lift and set(hearing.lift) != set(appeal.measures):
            raise UsageError("reversed takes back everything", remedy="say partly, or leave lift out")
        return appeal.measures
    if hearing.finding == "upheld":
        if hearing.lift:
            raise UsageError("upheld takes nothing back", remedy="say partly, or leave lift out")
        return ()
    chosen = tuple(dict.fromkeys(hearing.lift))
    if not chosen or not set(chosen) <= set(appeal.measures):
        raise UsageError(
            "partly takes back some of what the appeal is about", remedy=f"in lift: {', '.join(appeal.measures)}"
        )
    return chosen


def _tell(filing: Filing[Appeal], what: str, says: dict[str, object]) -> None:
    """A letter to whoever appealed."""
    appeal = filing.record
    action = told("inform", "account", appeal.account, f"appeal.{what}")
    filing.letter(what, action, {"appeal": appeal.id, "decision": appeal.decision, **says})
