"""The steps of a duty, as pure functions: each gives the duty as it is afterwards, and what goes into its file.

Every step first lets happen what is due by then (:func:`catch_up`), so a breach is on record whoever comes first.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, NamedTuple

import msgspec

from trustward.base.errors import StepError, UsageError
from trustward.base.units import format_time
from trustward.model.clocks import Clock
from trustward.model.duty import ALLOWED, BACK, Alarm, Breach, Duty, DutyStep, Evidence, first_period
from trustward.model.spans import Calendar, Span, Unit, add_span, after, before, midnight_us, parse_span, shifted

_WAITS = frozenset({"gate", "simultaneous", "release"})
_RANK = {"ripe": 0, "reminded": 1, "breached": 2, "escalated": 3}
_ATOM = 1
"""A duty that is done at the very moment at which it is due is done in time."""


class Moved(NamedTuple):
    """What a step has led to: the duty, new pages of its file, duties that follow from it."""

    duty: Duty
    steps: tuple[DutyStep, ...]
    opened: tuple[Moved, ...] = ()


class Opening(msgspec.Struct, frozen=True, kw_only=True):
    """What a duty is opened with. ``due_us`` is for an order's clock, or for a gate whose event has a date."""

    id: str
    clock: Clock
    subject: str
    actor: str
    now_us: int
    starts_us: int | None = None
    due_us: int | None = None
    title: str = ""
    owner: str = ""
    market: str = ""
    secret: bool = False
    reason: str = ""


def open_duty(opening: Opening, calendar: Calendar) -> list[Moved]:
    """A new duty, with the first page of its file; several for phased dates.

    Raises UsageError if the clock needs a due time that is not there, or has one that it cannot have.
    """
    clock = opening.clock
    if clock.kind == "order" and opening.due_us is None:
        raise UsageError(f"the clock {clock.id} is set by the order", remedy="say when it is due")
    if clock.kind not in {"order", "gate"} and opening.due_us is not None:
        raise UsageError(f"the clock {clock.id} says itself when it is due", remedy="leave the due time out")
    starts_us = opening.now_us if opening.starts_us is None else opening.starts_us
    if clock.kind == "dates":
        days = [(phase.name, midnight_us(phase.by + timedelta(days=1), calendar.zone)) for phase in clock.dates]
        many = len(days) > 1
        return [
            _opened(opening, f"{opening.id}.{at}" if many else opening.id, starts_us, due_us, name, calendar)
            for at, (name, due_us) in enumerate(days, 1)
        ]
    phase = "1" if clock.kind == "periodic" else ""
    return [_opened(opening, opening.id, starts_us, _due(opening, starts_us, calendar), phase, calendar)]


def _due(opening: Opening, starts_us: int, calendar: Calendar) -> int | None:
    clock = opening.clock
    if clock.kind in {"order", "gate"}:
        return opening.due_us
    if clock.kind in {"duration", "promptly"}:
        return add_span(starts_us, parse_span(clock.within), calendar, rolls=clock.rolls)
    if clock.kind == "periodic":
        return add_span(starts_us, parse_span(clock.every), calendar, rolls=clock.rolls)
    if clock.kind == "hold" and clock.most:
        return add_span(starts_us, parse_span(clock.most), calendar)
    return None


def _opened(opening: Opening, id: str, starts_us: int, due_us: int | None, phase: str, calendar: Calendar) -> Moved:
    clock = opening.clock
    earliest_us = add_span(starts_us, parse_span(clock.least), calendar) if clock.least else None
    title = opening.title or clock.title
    duty = Duty(
        id=id,
        version=1,
        clock=clock,
        title=f"{title}: {phase}" if clock.kind == "dates" else title,
        subject=opening.subject,
        market=opening.market or clock.market,
        owner=opening.owner or clock.owner,
        state="waiting" if clock.kind in _WAITS and due_us is None else "open",
        opened_us=opening.now_us,
        starts_us=starts_us,
        due_us=due_us,
        earliest_us=earliest_us,
        phase=phase,
        secret=opening.secret,
        pages=1,
    )
    duty = msgspec.structs.replace(duty, alarms=_alarms(duty, calendar, opening.now_us))
    step = DutyStep(
        duty=id,
        number=1,
        at_us=opening.now_us,
        what="opened",
        actor=opening.actor,
        reason=opening.reason,
        due_us=due_us,
    )
    return Moved(duty, (step,))


def _alarms(duty: Duty, calendar: Calendar, now_us: int) -> tuple[Alarm, ...]:
    """What is to come by itself, in order. What should have come before now, but for the breach, is left out."""
    found: list[Alarm] = []
    if duty.earliest_us is not None and duty.earliest_us > now_us:
        found.append(Alarm(at_us=duty.earliest_us, what="ripe"))
    due_us = duty.due_us
    if due_us is not None:
        early = [
            (before(due_us, parse_span(text), calendar), Alarm(at_us=0, what="reminded")) for text in _unique(duty)
        ]
        for one in duty.clock.escalate:
            if one.before:
                at_us = before(due_us, parse_span(one.before), calendar)
                early.append((at_us, Alarm(at_us=0, what="escalated", to=one.to)))
            else:
                at_us = after(due_us, parse_span(one.after), calendar) + _ATOM
                found.append(Alarm(at_us=at_us, what="escalated", to=one.to))
        found += [msgspec.structs.replace(alarm, at_us=at_us) for at_us, alarm in early if at_us > now_us]
        found.append(Alarm(at_us=due_us + _ATOM, what="breached"))
    return tuple(sorted(found, key=lambda alarm: (alarm.at_us, _RANK[alarm.what], alarm.to)))


def _unique(duty: Duty) -> list[str]:
    return list(dict.fromkeys(duty.clock.remind))


class _Writing:
    """A duty while it changes: pages are added to its file one after the other."""

    def __init__(self, duty: Duty, now_us: int) -> None:
        self.duty = duty
        self.steps: list[DutyStep] = []
        self.opened: list[Moved] = []
        self._now_us = now_us

    def change(self, **fields: Any) -> None:
        self.duty = msgspec.structs.replace(self.duty, **fields)

    def add(self, what: str, *, due_us: int | None = None, **fields: Any) -> None:
        self.change(pages=self.duty.pages + 1)
        said = {"duty": self.duty.id, "number": self.duty.pages, "at_us": self._now_us, "what": what}
        due_us = self.duty.due_us if due_us is None else due_us
        self.steps.append(msgspec.convert({**said, "due_us": due_us, **fields}, DutyStep))

    def end(self) -> Moved:
        if self.steps:
            self.change(version=self.duty.version + 1)
        return Moved(self.duty, tuple(self.steps), tuple(self.opened))


def catch_up(duty: Duty, calendar: Calendar, now_us: int) -> Moved:
    """Let happen what is to have happened by now."""
    writing = _Writing(duty, now_us)
    _catch_up(writing, calendar, now_us)
    return writing.end()


def _catch_up(writing: _Writing, calendar: Calendar, now_us: int) -> None:
    while writing.duty.alarms and writing.duty.alarms[0].at_us <= now_us:
        alarm, rest = writing.duty.alarms[0], writing.duty.alarms[1:]
        writing.change(alarms=rest)
        writing.add(alarm.what, planned_us=alarm.at_us, to=alarm.to or writing.duty.owner)
        if alarm.what == "breached":
            due_us = writing.duty.due_us
            assert due_us is not None  # or there would have been no such alarm
            breach = Breach(due_us=due_us, found_us=now_us)
            writing.change(breaches=(*writing.duty.breaches, breach))
            if writing.duty.clock.kind == "periodic" and writing.duty.clock.counts_from == "due":
                # As if it had been noticed at once: no reminder of the next period is lost while nobody looks.
                _follow(writing, calendar, alarm.at_us, now_us)


def _begin(duty: Duty, step: str, calendar: Calendar, now_us: int) -> _Writing:
    """The duty with all that is due by now, if a step can be taken. Raises StepError."""
    if duty.state not in ALLOWED[step]:
        raise StepError(
            f"the duty {duty.id} is {duty.state}: not a step for it: {step}",
            remedy=f"only what is {' or '.join(ALLOWED[step])} can be",
        )
    writing = _Writing(duty, now_us)
    _catch_up(writing, calendar, now_us)
    return writing


def happened(duty: Duty, calendar: Calendar, *, actor: str, at_us: int, now_us: int) -> Moved:
    """The event or condition that it waits for has come; what stands before a gate is late now. Raises StepError."""
    writing = _begin(duty, "happened", calendar, now_us)
    span = parse_span(duty.clock.within) if duty.clock.within else Span(0, "exact")
    due_us = at_us if duty.clock.kind == "gate" else add_span(at_us, span, calendar, rolls=duty.clock.rolls)
    if duty.clock.kind == "gate":
        # Nothing that should have been there before can be in time now.
        due_us = min(due_us, now_us - _ATOM)
    starts_us = duty.starts_us if duty.clock.kind == "gate" else at_us
    writing.change(state="open", due_us=due_us, starts_us=starts_us)
    writing.add("happened", actor=actor, reason=duty.clock.event)
    writing.change(alarms=_alarms(writing.duty, calendar, now_us))
    _catch_up(writing, calendar, now_us)
    return writing.end()


def extend(
    duty: Duty, calendar: Calendar, *, actor: str, until_us: int, authority: str, reason: str, now_us: int
) -> Moved:
    """It is due later, or (a hold without a maximum) may be done later only. Raises StepError, UsageError.

    What has been breached stays breached.
    """
    writing = _begin(duty, "extend", calendar, now_us)
    if not duty.clock.extendable and duty.clock.kind != "order":
        raise StepError(f"the clock {duty.clock.id} cannot be extended", remedy="do it in time, or record why not")
    if not authority.strip() or not reason.strip():
        raise UsageError("an extension needs who granted it, and why", remedy="say both")
    held = duty.due_us is None and duty.clock.kind == "hold"
    before_us = duty.earliest_us if held else duty.due_us
    if duty.paused_us is not None and before_us is not None and not held:
        # It is due at the time that was granted: for how long the clock stood still before that is not added to it.
        before_us = shifted(before_us, duty.paused_us, max(now_us, duty.paused_us), _unit(duty), calendar)
        writing.change(paused_us=now_us)
    if before_us is None or until_us <= before_us:
        had = "nothing" if before_us is None else format_time(before_us)
        raise UsageError(f"an extension goes beyond what there was: {had}", remedy="name a later time")
    writing.change(extended=duty.extended + 1, **{"earliest_us" if held else "due_us": until_us})
    writing.add("extended", actor=actor, authority=authority, reason=reason, due_us=until_us)
    if duty.state == "open":
        writing.change(alarms=_alarms(writing.duty, calendar, now_us))
        _catch_up(writing, calendar, now_us)
    return writing.end()


def pause(duty: Duty, calendar: Calendar, *, actor: str, authority: str, reason: str, now_us: int) -> Moved:
    """The clock stands still, until it is resumed. Raises StepError, UsageError."""
    writing = _begin(duty, "pause", calendar, now_us)
    if not duty.clock.pausable:
        raise StepError(f"the clock {duty.clock.id} cannot be paused", remedy="an extension may be what is meant")
    if not authority.strip() or not reason.strip():
        raise UsageError("a pause needs on whose word, and why", remedy="say both")
    if writing.duty.breaches and writing.duty.due_us is not None and writing.duty.due_us < now_us:
        raise StepError(f"the duty {duty.id} is overdue: there is no time left to stop", remedy="do it, or extend it")
    writing.change(state="paused", paused_us=now_us, alarms=())
    writing.add("paused", actor=actor, authority=authority, reason=reason)
    return writing.end()


def resume(duty: Duty, calendar: Calendar, *, actor: str, reason: str, now_us: int) -> Moved:
    """The clock goes on; what is due moves by the time that it stood still. Raises StepError."""
    writing = _begin(duty, "resume", calendar, now_us)
    assert duty.paused_us is not None  # or it would not be paused
    paused_us, unit = duty.paused_us, _unit(duty)
    moved = {
        name: None if at_us is None else shifted(at_us, paused_us, max(now_us, paused_us), unit, calendar)
        for name, at_us in (("due_us", duty.due_us), ("earliest_us", duty.earliest_us))
    }
    writing.change(state="open", paused_us=None, **moved)
    writing.add("resumed", actor=actor, reason=reason)
    writing.change(alarms=_alarms(writing.duty, calendar, now_us))
    _catch_up(writing, calendar, now_us)
    return writing.end()


def _unit(duty: Duty) -> Unit:
    """How its time is counted."""
    clock = duty.clock
    said = clock.within or clock.every or clock.most or clock.least
    return parse_span(said).unit if said and not duty.extended else "exact"


def assign(duty: Duty, calendar: Calendar, *, actor: str, to: str, reason: str, now_us: int) -> Moved:
    """It falls to somebody else. Raises StepError."""
    writing = _begin(duty, "assign", calendar, now_us)
    writing.change(owner=to)
    writing.add("assigned", actor=actor, to=to, reason=reason)
    return writing.end()


def note(duty: Duty, calendar: Calendar, *, actor: str, reason: str, evidence: Evidence | None, now_us: int) -> Moved:
    """A page for the file: what was tried, and what was not possible."""
    writing = _begin(duty, "note", calendar, now_us)
    writing.add("noted", actor=actor, reason=reason, evidence=evidence)
    return writing.end()


def done(duty: Duty, calendar: Calendar, *, actor: str, evidence: Evidence, now_us: int) -> Moved:
    """It is done, and this shows it. Raises StepError before a minimum hold or a condition, UsageError."""
    writing = _begin(duty, "done", calendar, now_us)
    if duty.state == "waiting" and duty.clock.kind != "gate":
        raise StepError(f"the duty {duty.id} waits for {duty.clock.event}", remedy="that comes first")
    if duty.state == "paused" and duty.clock.kind in BACK:
        raise StepError(f"the duty {duty.id} is paused: not a step for it: done", remedy="resume its clock first")
    if duty.earliest_us is not None and now_us < duty.earliest_us:
        at = format_time(duty.earliest_us)
        raise StepError(f"the duty {duty.id} must not be done before {at}", remedy="keep it until then")
    if not evidence.said.strip():
        raise UsageError("what is done needs evidence", remedy="say what shows it")
    if duty.clock.kind == "periodic":
        _follow(writing, calendar, now_us, now_us)
    writing.change(state="done", done_us=now_us, evidence=evidence, alarms=())
    writing.add("done", actor=actor, evidence=evidence)
    return writing.end()


def cancel(duty: Duty, calendar: Calendar, *, actor: str, reason: str, now_us: int) -> Moved:
    """It is not owed any more. Raises StepError, UsageError."""
    writing = _begin(duty, "cancel", calendar, now_us)
    if not reason.strip():
        raise UsageError("a duty is not cancelled without a reason", remedy="say why it is not owed any more")
    writing.change(state="cancelled", alarms=())
    writing.add("cancelled", actor=actor, reason=reason)
    return writing.end()


def _follow(writing: _Writing, calendar: Calendar, since_us: int, now_us: int) -> None:
    """The duty of the next period, which begins at ``since_us``, unless there is one."""
    duty = writing.duty
    if duty.next:
        return
    number = int(duty.phase) + 1
    span = parse_span(duty.clock.every)
    if duty.clock.counts_from == "done":
        starts_us, due_us = since_us, add_span(since_us, span, calendar, rolls=duty.clock.rolls)
    else:
        # Counted from the very first start: nothing creeps, and a 31st comes back after a 28th.
        starts_us = duty.starts_us
        due_us = add_span(starts_us, Span(span.length * number, span.unit), calendar, rolls=duty.clock.rolls)
    following = Duty(
        id=f"{first_period(duty.id)}~{number}",
        version=1,
        clock=duty.clock,
        title=duty.title,
        subject=duty.subject,
        market=duty.market,
        owner=duty.owner,
        state="open",
        opened_us=now_us,
        starts_us=starts_us,
        due_us=due_us,
        phase=str(number),
        secret=duty.secret,
        pages=1,
    )
    following = msgspec.structs.replace(following, alarms=_alarms(following, calendar, since_us))
    step = DutyStep(duty=following.id, number=1, at_us=now_us, what="opened", reason=f"after {duty.id}", due_us=due_us)
    writing.change(next=following.id)
    writing.opened.append(Moved(following, (step,)))
