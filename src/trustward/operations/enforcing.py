"""Measures: taken with reasons and a notice, counted as strikes, taken back with everything that came with them.

Whatever is done to an entity because somebody has decided so goes through here, once: cases, orders and appeals give
what is to be written, and it is written with what asks for it. What a lift has still to undo is written with the lift,
so that nothing of it is lost. ``docs/operations.md``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import msgspec

from trustward.base.errors import ActionError, NotFoundError, StaleError
from trustward.base.units import format_time
from trustward.model.decision import Action
from trustward.model.effect import INVERSES
from trustward.model.enforcement import Due, Measure, Notice, PolicyTree, Strike, StrikeSheet, follows
from trustward.model.errand import Errand
from trustward.model.letter import Letter
from trustward.model.spans import add_span, parse_span
from trustward.model.stored import ListEntry
from trustward.operations.delivering import MAX_REASON, Delivering, Reversal
from trustward.operations.duties import Duties
from trustward.operations.filing import needed, until_written
from trustward.operations.lifting import lifted_targets
from trustward.operations.reading import every
from trustward.operations.taking import (
    UNSAID,
    Judging,
    Taking,
    audit_row,
    changes,
    check_taking,
    errands,
    hang_strike,
    list_of,
    marked,
    party_of,
    telling,
    twins,
    work_of,
)
from trustward.ports import Store, Write

_AT_ONCE = 100


class Enforcing:
    """The story, for any number of threads and processes over one store."""

    def __init__(
        self, store: Store, tree: PolicyTree, duties: Duties, delivering: Delivering, *, ids: Callable[[], str]
    ) -> None:
        self.store = store
        self.tree = tree
        self.duties = duties
        self.clock = duties.clock
        self.delivering = delivering
        self._ids = ids

    # ------------------------------------------------------------------ taking

    def to_take(self, taking: Taking) -> tuple[Measure, list[Write]]:
        """A measure, and what is to be written: together with what asks for it. Raises UsageError."""
        check_taking(taking)
        now_us = self.clock()
        party = party_of(taking)
        quiet: Notice = "withheld" if taking.withhold or taking.secret else "sent"
        measure = Measure(
            id=taking.id or self._ids(),
            version=1,
            do=taking.do,
            kind=taking.kind,
            entity=taking.entity,
            cause=taking.cause,
            policy=taking.policy,
            reasons=taking.reasons,
            actor=taking.actor,
            at_us=now_us,
            state="in_force" if taking.do in INVERSES else "ended",
            note=taking.note,
            ends_us=None if taking.lasts_us is None else now_us + taking.lasts_us,
            strike=taking.strike,
            strikes=taking.strikes,
            notice="none" if party is None else quiet,
            party=party,
            automated=taking.automated,
            appeal_until_us=self.window(taking.market, now_us) if party is not None and quiet == "sent" else None,
            parent=taking.parent,
            secret=taking.secret,
            work=work_of(taking),
        )
        writes: list[Write] = [measure, self._letter(measure, taking)]
        writes += self._said(measure, "", [measure, *self._alike(measure)])
        if measure.notice == "sent":
            writes.append(self._notice(measure, now_us))
        writes.append(audit_row(measure, "measure.taken", taking.actor, now_us, do=taking.do))
        return measure, writes

    def take(self, taking: Taking) -> Measure:
        """The same, written. Raises UsageError; StaleError if the id is taken."""
        measure, writes = self.to_take(taking)
        self.store.records.write(writes)
        return measure

    def to_judge(self, judging: Judging) -> tuple[list[Measure], list[Write]]:
        """What follows from a decision: strikes, what was decided, and what the ladder asks for beyond that.

        A strike is never silent: if nothing else is done to whom it counts against, it comes with a warning. Raises
        UsageError. Somebody else's strike on one of them meanwhile makes the write fail with StaleError: ask again.
        """
        takings = list(judging.takings)
        writes: list[Write] = []
        for kind, entity in dict.fromkeys(judging.struck):
            sheet = self.sheet(kind, entity)
            if (
                judging.policy.strikes == 0
                or judging.secret
                or any(strike.cause == judging.cause for strike in sheet.strikes)
            ):
                continue
            now_us = self.clock()
            due = follows(judging.policy, sheet, now_us)
            strike = Strike(
                id=judging.cause,
                cause=judging.cause,
                policy=judging.policy.id,
                ladder=judging.policy.ladder.id,
                at_us=now_us,
                count=due.after - due.before,
                expires_us=due.expires_us,
            )
            strikes = (*sheet.strikes, strike)
            writes.append(msgspec.structs.replace(sheet, version=sheet.version + 1, strikes=strikes))
            hang_strike(takings, judging, (kind, entity), due)
        measures = []
        for taking in takings:
            measure, taken = self.to_take(taking)
            measures.append(measure)
            writes += taken
        return measures, writes

    def due(self, policy: str, kind: str, entity: str) -> Due:
        """What would follow for an entity from a policy now. Raises NotFoundError."""
        found = self.tree.get(policy)
        if found is None:
            raise NotFoundError(f"there is no policy {policy[:80]}", remedy="GET /v1/policy-tree lists all")
        return follows(found, self.sheet(kind, entity), self.clock())

    def sheet(self, kind: str, entity: str) -> StrikeSheet:
        """An entity's strikes."""
        id = f"{kind}:{entity}"  # noqa: A001 - it is the record's
        return self.store.records.get(StrikeSheet, id) or StrikeSheet(id=id, version=0)

    def window(self, market: str, now_us: int) -> int | None:
        """Until when what is decided now may be appealed against in a market; None: not at all."""
        terms = self.tree.terms(market)
        if terms is None:
            return None
        return add_span(now_us, parse_span(terms.within), self.duties.book.calendar(terms.market))

    # ------------------------------------------------------------------ taking back

    def to_lift(
        self, measures: Iterable[Measure], actor: str, reason: str, *, refund: bool = True, quiet: bool = False
    ) -> list[Write]:
        """What is to be written if measures are taken back, and their strikes refunded: together with what asks for it.

        Nothing for those that are lifted already. Call :meth:`settle` when it is written, or leave that to a worker.
        Raises UsageError.
        """
        needed(actor, "an actor")
        needed(reason, "a reason")
        now_us = self.clock()
        sheets: dict[str, StrikeSheet] = {}
        writes: list[Write] = []
        for measure in measures:
            if refund and measure.strike:
                self._refund(sheets, measure, actor, reason, now_us)
            if measure.state == "lifted":
                continue
            lifted = msgspec.structs.replace(
                measure,
                version=measure.version + 1,
                state="lifted",
                work="undo",
                lifted_us=now_us,
                lifted_by=actor,
                lifted_why=reason,
            )
            writes += [lifted, audit_row(measure, "measure.lifted", actor, now_us, reason=reason)]
            if measure.notice == "sent" and measure.party is not None and not quiet:
                writes.append(telling(lifted, "measure.lifted", now_us, {"facts": reason}))
        return [*sheets.values(), *writes]

    def to_take_back(self, measures: Sequence[Measure], actor: str, reason: str, **how: bool) -> list[Write]:
        """The same, where it is not the order itself that is taken back: its targets are lifted, and say so."""
        lifts = self.to_lift(measures, actor, reason, **how)
        return [*lifts, *lifted_targets(self.store, measures, actor, reason, self.clock())]

    def _refund(self, sheets: dict[str, StrikeSheet], measure: Measure, actor: str, reason: str, now_us: int) -> None:
        key = f"{measure.kind}:{measure.entity}"
        begun = key in sheets
        sheet = sheets.get(key) or self.sheet(measure.kind, measure.entity)
        if all(strike.refunded_us is not None for strike in sheet.strikes if strike.id == measure.strike):
            return
        strikes = tuple(
            msgspec.structs.replace(strike, refunded_us=now_us, refunded_by=actor, why=reason[:1000])
            if strike.id == measure.strike and strike.refunded_us is None
            else strike
            for strike in sheet.strikes
        )
        sheets[key] = msgspec.structs.replace(sheet, version=sheet.version + (not begun), strikes=strikes)

    def lift(self, id: str, actor: str, reason: str, *, refund: bool = True) -> Measure:
        """Take a measure back. Asking again changes nothing. Raises NotFoundError, UsageError."""

        def attempt() -> tuple[None, list[Write]]:
            return None, self.to_take_back([self.get(id)], actor, reason, refund=refund)

        until_written(self.store, f"the measure {id}", attempt)
        self.settle(id)
        return self.get(id)

    def behind(self, key: str) -> Measure | None:
        """The measure in force that an action carries out; None for any other action. Raises NotFoundError."""
        action = self.delivering.standing(key).body.action
        asked = _AT_ONCE
        while True:
            found = self.on(action.kind, action.entity, asked)
            for one in found:
                if one.state == "in_force" and one.do == action.do and self.letter(one) == key:
                    return one
            if len(found) < asked:
                return None
            asked *= 4

    def reverse(self, key: str, actor: str, reason: str) -> Reversal:
        """Take an action back: one that carries out a measure is taken back with it, so that no file says otherwise.

        Raises as :meth:`Delivering.reverse`.
        """
        measure = self.behind(key)
        if measure is None:
            return self.delivering.reverse(key, actor, reason)

        def attempt() -> tuple[None, list[Write]]:
            return None, self.to_take_back([self.get(measure.id)], actor, reason)

        until_written(self.store, f"the measure {measure.id}", attempt)
        # By itself, for its answer: what is settled finds it done.
        reversal = self.delivering.reverse(key, actor, reason)
        self.settle(measure.id)
        return reversal

    def settle(self, id: str, most: int = 0, *, forgotten: bool = False) -> int:
        """Undo what a lifted measure has put in force, and up to ``most`` of what followed from it; how many of these.

        Any number of processes may do this at a time, and be killed: what is left is for the next one. What a closed
        account is remembered by is forgotten by a worker, which says so.
        """
        measure = self.get(id)
        if measure.work != "undo":
            return 0
        reason = "taken back" if measure.secret else measure.lifted_why[:MAX_REASON]
        for key in self.store.records.letters(f"measure:{id}"):
            try:
                self.delivering.reverse(key, measure.lifted_by, reason)
            except ActionError:
                continue  # it only says something, or it has ended by itself
        self._unsay(measure)
        undone = 0
        while undone < most and (some := self.store.measures.unlifted(id, min(_AT_ONCE, most - undone))):
            try:
                self.store.records.write(self.to_lift(some, measure.lifted_by, measure.lifted_why))
            except StaleError:
                return undone  # somebody else is at it
            for one in some:
                self.settle(one.id, most=_AT_ONCE)
            undone += len(some)
        if (forgotten or not measure.traces) and not self.store.measures.unlifted(id, 1):
            self._put(msgspec.structs.replace(measure, version=measure.version + 1, work=""))
        return undone

    def _unsay(self, measure: Measure) -> None:
        """Tell the engine that a label or a list's value is not there any more, unless another measure wants it."""
        left = self._alike(measure)
        if not left and not self._by_hand(measure):
            gone = changes(measure, present=False, until_us=measure.ends_us)
            self.store.records.write(errands(measure, "lifted:", gone, self.clock()))
            # Somebody may have taken the same measure between looking and writing: say it again, behind that.
            left = self._alike(measure)
        if left:
            self.store.records.write(self._said(left[0], f"again:{marked(measure.id)}:", left, behind_us=1))

    def _by_hand(self, measure: Measure) -> ListEntry | None:
        """The entry of a measure's list where somebody else than a measure has put the value there: that one stays."""
        listed = list_of(measure)
        entry = self.store.kept.list_entry(listed, measure.entity) if listed else None
        if entry is None or not entry.present or entry.origin == UNSAID:
            return None
        ours = self.store.measures.on(measure.kind, measure.entity, _AT_ONCE)
        return None if any(one.cause == entry.origin for one in ours) else entry

    def _alike(self, measure: Measure) -> list[Measure]:
        """Other measures that tell the engine the same now."""
        if not changes(measure, present=True, until_us=None):
            return []
        now_us = self.clock()
        found = [one for same in twins(measure) for one in self.store.measures.alike(same, _AT_ONCE)]
        return [one for one in found if one.id != measure.id and (one.ends_us is None or one.ends_us > now_us)]

    def _said(self, measure: Measure, what: str, together: Sequence[Measure], behind_us: int = 0) -> list[Errand]:
        """What the engine is told of a measure: it holds as long as the longest of those that do the same."""
        ends = [one.ends_us for one in together if one.ends_us is not None]
        until_us = max(ends) if len(ends) == len(together) else None
        kept = self._by_hand(measure)
        if kept is not None and (kept.expires_us is None or (until_us is not None and until_us <= kept.expires_us)):
            return []  # it stands there for as long anyway
        said = changes(measure, present=True, until_us=until_us)
        return errands(measure, what, said, self.clock() + behind_us)

    def release(self, cause: str, actor: str, reason: str, market: str = "") -> int:
        """What was kept from users may be told now: they are, and may appeal from now on; how many were told.

        Whom something concerns that followed from it, such as copies of a link, is told too.
        """
        needed(reason, "a reason")
        told = 0
        for measure in self.of(cause):
            told += self._release(measure.id, actor, reason, market)
            after = ""
            while some := self.following(measure.id, after, _AT_ONCE):
                told += sum(self._release(one.id, actor, reason, market) for one in some)
                after = some[-1].id
        return told

    def _release(self, id: str, actor: str, reason: str, market: str) -> bool:
        def attempt() -> tuple[bool, Sequence[Write]]:
            now = self.get(id)
            if now.notice != "withheld":
                return False, ()
            now_us = self.clock()
            until_us = self.window(market, now_us)
            said = msgspec.structs.replace(
                now, version=now.version + 1, notice="sent", secret=False, appeal_until_us=until_us
            )
            audit = audit_row(said, "measure.told", actor, now_us, reason=reason)
            return True, [said, self._notice(said, now_us), audit]

        return until_written(self.store, f"the measure {id}", attempt)

    # ------------------------------------------------------------------ by itself

    def expire(self) -> int:
        """Note which measures have had their time; how many. What they did is undone with their actions."""
        now_us = self.clock()
        count = 0
        while some := self.store.measures.over(now_us, _AT_ONCE):
            for measure in some:
                count += self._ended(measure)
            if len(some) < _AT_ONCE:
                break
        return count

    def _ended(self, measure: Measure) -> bool:
        """Where two were taken at the same time, the engine may know of the shorter one only: it hears of the other."""
        after: Measure = msgspec.structs.replace(measure, version=measure.version + 1, state="ended")
        left = self._alike(measure)
        again = self._said(left[0], f"again:{marked(measure.id)}:", left, behind_us=1) if left else []
        return self._put(after, *again)

    # ------------------------------------------------------------------ looking

    def get(self, id: str) -> Measure:
        """The measure with this id. Raises NotFoundError."""
        found = self.store.measures.get(id)
        if found is None:
            raise NotFoundError(f"there is no measure {id[:80]}", remedy="GET /v1/measures finds them by what for")
        return found

    def of(self, cause: str) -> list[Measure]:
        """Everything that was done because of something; what followed by itself is found by :meth:`following`."""
        return every(lambda after: self.store.measures.of(cause, after, _AT_ONCE), "", lambda one: one.id)

    def on(self, kind: str, entity: str, limit: int = 100) -> Sequence[Measure]:
        """What was done to an entity, the latest first."""
        return self.store.measures.on(kind, entity, limit)

    def following(self, id: str, after: str = "", limit: int = 100) -> Sequence[Measure]:
        """What followed from a measure, page by page: copies that were removed, accounts that came back."""
        return self.store.measures.following(id, after, limit)

    def letter(self, measure: Measure) -> str:
        """The id of a measure's action in the outbox."""
        return next(iter(self.store.records.letters(f"measure:{measure.id}")), "")

    # ------------------------------------------------------------------ how

    def _put(self, *writes: Write) -> bool:
        try:
            self.store.records.write(writes)
        except StaleError:
            return False  # somebody else was first: the next round sees
        return True

    @staticmethod
    def _letter(measure: Measure, taking: Taking) -> Letter:
        action = Action(
            do=measure.do,
            kind=measure.kind,
            entity=measure.entity,
            rule="",
            note=measure.note,
            lasts_us=taking.lasts_us,
        )
        mine = f"measure:{measure.id}"
        return Letter(
            cause=UNSAID if measure.secret else measure.cause,
            step="measure.taken" if measure.secret else taking.step,
            at_us=measure.at_us,
            action=action,
            reason="" if measure.secret else measure.reasons[:MAX_REASON],
            filed=mine,
        )

    def _notice(self, measure: Measure, now_us: int) -> Letter:
        """The statement of reasons: what, why, on which policy, whether a machine found it, how to appeal till when."""
        policy = self.tree.get(measure.policy)
        says: dict[str, object] = {
            "facts": measure.reasons,
            "policy": measure.policy,
            "policy_title": policy.title if policy is not None else measure.policy,
            "automated": measure.automated,
            "strikes": measure.strikes,
        }
        if measure.ends_us is not None:
            says["until"] = format_time(measure.ends_us)
        if measure.state == "lifted":
            says["lifted"] = True
        if measure.appeal_until_us is not None:
            says["appeal"] = appeal_words(measure.appeal_until_us, measure.cause)
        return telling(measure, "measure.taken", now_us, says)


def appeal_words(until_us: int, decision: str) -> dict[str, str]:
    """How and until when one may appeal."""
    return {"until": format_time(until_us), "decision": decision, "route": "POST /v1/appeals"}


__all__ = ["Enforcing", "Judging", "Taking", "appeal_words"]
