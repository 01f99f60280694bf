"""What is done with an order that is known to be its issuer's: carried out, asked about, answered, varied, objected to.

``docs/orders.md`` says which step can be taken when.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from trustward.base.errors import NotFoundError, StepError, UsageError
from trustward.base.units import format_time
from trustward.model.directive import ALLOWED, Challenge, Copy, Directive, Proof, Said, Target, TargetState, verb_for
from trustward.model.duty import first_period
from trustward.operations.confirming import unconfirmed
from trustward.operations.copies import CopyWanted, Kept
from trustward.operations.directives import ClockWanted, Directives, TargetWanted
from trustward.operations.filing import Filing, check_step, needed, tell_issuer
from trustward.operations.lifting import taken_back
from trustward.operations.reading import copies_of, targets_of

_TOLD = 1_000
"""How many targets one letter tells of."""


class Dealing:
    """The story, for any number of threads and processes over one store."""

    def __init__(self, orders: Directives) -> None:
        self.orders = orders

    # ------------------------------------------------------------------ carrying out

    def execute(self, id: str, actor: str, note: str = "") -> Directive:
        """Have it carried out: workers do it from now on. Raises StepError unless it is authentic."""

        def step(filing: Filing[Directive]) -> None:
            if filing.record.authentic is None:
                raise StepError("nobody knows yet whether it is authentic", remedy="check a signature, or call back")
            filing.change(state="executing", work=True)
            filing.page("executing", note)
            filing.writes += Kept(self.orders.store).to_put(
                filing.record, copies_of(self.orders.store, id), filing.now_us
            )

        return self.orders.step(id, actor, "execute", step)

    def mark(
        self,
        id: str,
        actor: str,
        target: int,
        state: Literal["done", "unable", "unclear", "waiting"],
        said: str,
        refs: tuple[str, ...] = (),
    ) -> Directive:
        """Say of one target that a person has done it, that it cannot be done, that it is unclear, or to try again.

        Raises NotFoundError, StepError.
        """

        def step(filing: Filing[Directive]) -> None:
            order = filing.record
            if state == "done" and order.state != "executing":
                raise StepError("it is not being carried out", remedy="have it executed first")
            one = self.orders.target(order.id, target)
            allowed: tuple[TargetState, ...] = ("waiting", "by_hand", "unclear", "unable")
            check_step(f"target {target}", one.state, state, allowed)
            proof = Proof(at_us=filing.now_us, actor=actor, said=needed(said, "what was done, or why not"), refs=refs)
            after: TargetState = state
            if state == "waiting" and not (one.do or verb_for(order.type, one.kind)):
                after = "by_hand"
            filing.writes.append(
                msgspec.structs.replace(one, version=one.version + 1, state=after, proof=(*one.proof, proof))
            )
            filing.change(work=order.state == "executing")
            filing.page(state if state != "waiting" else "again", said, target=target, refs=refs)

        return self.orders.step(id, actor, "mark", step)

    # ------------------------------------------------------------------ talking with the issuer

    def ask(self, id: str, actor: str, question: str, *, pause: bool = True) -> Directive:
        """It is unclear: ask the issuer. Clocks that may stand still do, until it is clarified. Raises StepError."""

        def step(filing: Filing[Directive]) -> None:
            order = filing.record
            filing.change(state="unclear", before=order.state, question=needed(question, "a question"), work=False)
            tell_issuer(filing, "question", text=question)
            filing.change(told={**order.told, "question": filing.now_us})
            paused: list[str] = []
            going: list[str] = []
            for duty in self.orders.open_duties(order) if pause else ():
                try:
                    _, writes = self.orders.duties.to_move(
                        duty.id, "pause", actor, authority=order.issuer, reason="clarification was asked for"
                    )
                except StepError:
                    going.append(duty.id)
                    continue
                filing.writes += writes
                paused.append(duty.id)
            filing.change(paused=tuple(paused))
            filing.page("unclear", question, paused=paused, going_on=going)

        return self.orders.step(id, actor, "ask", step)

    def clarified(self, id: str, actor: str, answer: str) -> Directive:
        """The issuer has answered; clocks go on, and so does what was being done. Raises StepError."""

        def step(filing: Filing[Directive]) -> None:
            order = filing.record
            self._resume(filing, "the issuer has answered")
            filing.change(state=order.before, question="", work=order.before == "executing")
            filing.page("clarified", needed(answer, "the answer"))

        return self.orders.step(id, actor, "clarified", step)

    def _resume(self, filing: Filing[Directive], reason: str) -> None:
        for name in filing.record.paused:
            if self.orders.duties.get(name).state == "paused":
                filing.writes += self.orders.duties.to_move(name, "resume", filing.actor, reason=reason)[1]
        filing.change(paused=())

    def tell(self, id: str, actor: str, what: Said, text: str, refs: tuple[str, ...] = ()) -> Directive:
        """Tell the issuer the plan, the progress, or something else; that ends the clock of that name.

        Raises StepError, UsageError for what has a step of its own.
        """
        if what not in {"plan", "progress", "message"}:
            raise UsageError(f"{what} has a step of its own", remedy="plan, progress or message")

        def step(filing: Filing[Directive]) -> None:
            counts = dict(self.orders.store.orders.counts(id))
            tell_issuer(filing, what, text=needed(text, "what to tell"), refs=list(refs), targets=counts)
            filing.change(told={**filing.record.told, what: filing.now_us})
            filing.page("told", text, letter=what, refs=refs)
            if what in {"plan", "progress"}:
                self.orders.end(
                    filing, "plan" if what == "plan" else "progress", f"{what} told", one=what == "progress"
                )

        return self.orders.step(id, actor, "tell", step)

    def report(self, id: str, actor: str, text: str = "") -> Directive:
        """Tell the issuer the outcome: what was done, what was not possible and why, what nobody has confirmed.

        Raises StepError.
        """
        check_step("order", self.orders.get(id).state, "report", ALLOWED["report"])
        late = unconfirmed(self.orders.store, targets_of(self.orders.store, id, ("done",)))

        def step(filing: Filing[Directive]) -> None:
            order = filing.record
            counts = dict(self.orders.store.orders.counts(id))
            left = [*targets_of(self.orders.store, id, ("unable",)), *taken_back(self.orders.store, id)]
            lines = [("unable", _line(one, one.proof[-1].said if one.proof else "")) for one in left]
            lines += [("unconfirmed", _line(one, why)) for one, why in late]
            # All of them, in as many letters as it takes.
            parts = [lines[start : start + _TOLD] for start in range(0, len(lines), _TOLD)] or [[]]
            for number, part in enumerate(parts, 1):
                says: dict[str, Any] = {"part": number, "parts": len(parts)} if len(parts) > 1 else {}
                says |= {what: [line for which, line in part if which == what] for what in ("unable", "unconfirmed")}
                tell_issuer(filing, "outcome", text=text, targets=counts, **says)
            filing.change(state="reported", told={**order.told, "outcome": filing.now_us})
            filing.page("reported", text, targets=counts, unconfirmed=len(late) or None)
            self.orders.end(filing, "comply", "carried out as far as possible, and reported")
            self.orders.end(filing, "completion", "the outcome was told")

        return self.orders.step(id, actor, "report", step)

    # ------------------------------------------------------------------ what the issuer changes

    def extend(self, id: str, actor: str, duty: str, *, until_us: int, authority: str, reason: str) -> Directive:
        """The issuer has given more time for one of its clocks. Raises NotFoundError, StepError, UsageError."""

        def step(filing: Filing[Directive]) -> None:
            if first_period(duty) not in {one.duty for one in filing.record.duties}:
                raise NotFoundError(f"the order has no clock {duty[:80]}", remedy="its duties are in the order")
            after, writes = self.orders.duties.to_move(
                duty, "extend", actor, until_us=until_us, authority=authority, reason=reason
            )
            filing.writes += writes
            filing.page("extended", reason, duty=duty, until=format_time(after.due_us or until_us), authority=authority)

        return self.orders.step(id, actor, "extend", step)

    def vary(
        self,
        id: str,
        actor: str,
        reason: str,
        *,
        add: Sequence[TargetWanted] = (),
        drop: Sequence[int] = (),
        copies: Sequence[CopyWanted] = (),
        clocks: Sequence[ClockWanted] = (),
        until_us: int | None = None,
    ) -> Directive:
        """The issuer has changed the order: more targets, fewer, other clocks. What falls away is lifted.

        Raises NotFoundError, StepError, UsageError.
        """

        def step(filing: Filing[Directive]) -> None:
            order = filing.record
            begun = order.state in {"executing", "executed", "reported"} or (
                order.state == "unclear" and order.before in {"executing", "executed"}
            )
            dropped = [self._dropped(filing, number, reason) for number in dict.fromkeys(drop)]
            added = self.orders.add_targets(filing, add)
            kept = self.orders.add_copies(filing, copies)
            self.orders.owe(filing, clocks)
            longer = 0
            if until_us is not None:
                filing.change(until_us=until_us)
                if begun and order.until_us is not None and until_us > order.until_us:
                    longer = self._longer(filing, reason, order.until_us)
            if begun:
                new = [one for one in filing.writes if isinstance(one, Copy)]
                filing.writes = [one for one in filing.writes if not isinstance(one, Copy)]
                # They have not been written yet: they begin active.
                fresh = [msgspec.structs.replace(one, version=0) for one in new]
                kept_on = [copy for copy in copies_of(self.orders.store, id, active=True) if until_us is not None]
                filing.writes += Kept(self.orders.store).to_put(filing.record, [*kept_on, *fresh], filing.now_us)
                again = order.state in {"executed", "reported"} and (added or longer or "lifting" in dropped)
                filing.change(work=order.state != "unclear", state="executing" if again else order.state)
                if order.state == "unclear" and order.before == "executed":
                    filing.change(before="executing")
            filing.page("varied", needed(reason, "a reason"), added=added, dropped=list(drop), copies=kept)

        return self.orders.step(id, actor, "vary", step)

    def _longer(self, filing: Filing[Directive], reason: str, before_us: int) -> int:
        """What ends with the order's old end is done anew by workers, until the new one. How many targets.

        What the order itself wants for a shorter time has that time alone.
        """
        changed = {one.id for one in filing.writes if isinstance(one, Target)}
        proof = Proof(at_us=filing.now_us, actor=filing.actor, said=reason[:1000])
        again = []
        for one in targets_of(self.orders.store, filing.record.id, ("done",)):
            measure = self.orders.store.measures.get(one.measure) if one.measure and one.id not in changed else None
            if measure is not None and (measure.ends_us is None or measure.ends_us >= before_us):
                again.append(one)
        filing.add(
            msgspec.structs.replace(one, version=one.version + 1, state="waiting", proof=(*one.proof, proof))
            for one in again
        )
        return len(again)

    def _dropped(self, filing: Filing[Directive], number: int, reason: str) -> TargetState:
        one = self.orders.target(filing.record.id, number)
        if one.state in {"lifting", "lifted", "dropped"}:
            return one.state
        after: TargetState = "lifting" if one.state == "done" or one.measure else "dropped"
        proof = Proof(at_us=filing.now_us, actor=filing.actor, said=reason[:1000])
        filing.writes.append(
            msgspec.structs.replace(one, version=one.version + 1, state=after, proof=(*one.proof, proof))
        )
        return after

    def withdraw(self, id: str, actor: str, reason: str, authority: str) -> Directive:
        """The issuer takes the order back: what was done is lifted, nothing is owed any more. Raises StepError."""

        def step(filing: Filing[Directive]) -> None:
            self._withdrawn(filing, reason, authority)

        return self.orders.step(id, actor, "withdraw", step)

    def _withdrawn(self, filing: Filing[Directive], reason: str, authority: str) -> None:
        begun = filing.record.authentic is not None
        filing.change(state="withdrawn", work=begun, question="")
        filing.page("withdrawn", needed(reason, "a reason"), authority=authority)
        self.orders.cancel(filing, f"withdrawn: {reason}"[:1000])

    # ------------------------------------------------------------------ objecting

    def challenge(
        self,
        id: str,
        actor: str,
        kind: Literal["reconsideration", "appeal"],
        grounds: str,
        *,
        to: str = "",
        clock: str = "",
    ) -> Directive:
        """Ask for reconsideration, or appeal. It is obeyed meanwhile. ``clock``: the time for it, as a duty.

        Raises StepError.
        """

        def step(filing: Filing[Directive]) -> None:
            order = filing.record
            one = Challenge(
                number=len(order.challenges) + 1,
                kind=kind,
                at_us=filing.now_us,
                actor=actor,
                grounds=needed(grounds, "the grounds"),
                to=to or order.issuer,
            )
            filing.change(challenges=(*order.challenges, one))
            tell_issuer(filing, "challenge", kind=kind, grounds=grounds, to=one.to)
            filing.change(told={**order.told, "challenge": filing.now_us})
            filing.page("challenged", grounds, kind=kind, to=one.to, number=one.number)
            if clock:
                self.orders.owe(filing, (ClockWanted(clock=clock, role="by_hand"),))

        return self.orders.step(id, actor, "challenge", step)

    def decided(
        self,
        id: str,
        actor: str,
        number: int,
        result: Literal["upheld", "varied", "cancelled"],
        reason: str,
        clock: str = "",
    ) -> Directive:
        """What came of a challenge. ``cancelled`` ends the order; ``clock``: the time for the next remedy.

        Raises NotFoundError, StepError.
        """

        def step(filing: Filing[Directive]) -> None:
            order = filing.record
            if not 1 <= number <= len(order.challenges):
                raise NotFoundError(f"the order has no challenge {number}", remedy="they count from 1")
            one = order.challenges[number - 1]
            if one.result:
                raise StepError(f"the challenge {number} is decided: {one.result}", remedy="enter another one")
            after = msgspec.structs.replace(one, result=result, decided_us=filing.now_us)
            filing.change(challenges=(*order.challenges[: number - 1], after, *order.challenges[number:]))
            filing.page("decided", needed(reason, "a reason"), number=number, result=result)
            if clock and not order.ended:
                wanted = (ClockWanted(clock=clock, role="by_hand"),)
                served_us = order.served_us
                filing.change(served_us=filing.now_us)
                self.orders.owe(filing, wanted)
                filing.change(served_us=served_us)
            if result == "cancelled" and not order.ended:
                self._withdrawn(filing, reason, one.to)

        return self.orders.step(id, actor, "decided", step)

    def note(self, id: str, actor: str, said: str, refs: tuple[str, ...] = ()) -> Directive:
        """A page for the effort file. Raises NotFoundError."""

        def step(filing: Filing[Directive]) -> None:
            filing.page("noted", needed(said, "a note"), refs=refs)

        return self.orders.step(id, actor, "note", step)


def _line(target: Target, why: str) -> dict[str, str]:
    """What a letter says of a target."""
    return {"kind": target.kind, "entity": target.entity, "why": why}
