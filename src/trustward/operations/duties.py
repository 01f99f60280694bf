"""Everything that is owed by a time: opened, reminded of, extended, paused, done with evidence, or breached.

Nobody else computes a deadline. Whoever owes something opens a duty by the id of a clock; the worker's rounds
(:meth:`Duties.fire`) let happen what happens by itself, each once, whoever dies meanwhile. ``docs/operations.md``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from threading import Lock
from typing import Any

import msgspec

from trustward.base.errors import NotFoundError, RegimeError, StaleError, StepError, UsageError
from trustward.base.units import format_time
from trustward.exchange.calendars import calendar_of
from trustward.model import duty_steps
from trustward.model.clocks import Clock, Regimes
from trustward.model.duty import TEXT_LIMIT, Duty, DutyQuery, DutyStep, Evidence, State
from trustward.model.duty_steps import Moved, Opening
from trustward.model.letter import Letter, told
from trustward.model.spans import Calendar, plain_calendar
from trustward.model.stored import AuditRow
from trustward.operations.filing import until_written
from trustward.operations.reading import every
from trustward.ports import Store, Write

_AT_ONCE = 200
_VERBS = {"reminded": "remind", "ripe": "remind", "escalated": "escalate", "breached": "breach"}
STILL_OWED: tuple[State, ...] = ("waiting", "open", "paused")
"""The states in which something is still owed."""


class Book:
    """The clocks and calendars in force, by name. Calendars are made when they are first asked for."""

    def __init__(self, regimes: Regimes) -> None:
        self.clocks = {clock.id: clock for clock in regimes.clocks}
        self._sources = {source.market: source for source in regimes.calendars}
        self._calendars: dict[str, Calendar] = {"": plain_calendar()}
        self._lock = Lock()

    def clock(self, id: str) -> Clock:
        """The clock with this id. Raises RegimeError."""
        found = self.clocks.get(id)
        if found is None:
            near = get_close_matches(id, self.clocks, 1)
            remedy = f"did you mean {near[0]}?" if near else "docs/operations.md says where clocks are kept"
            raise RegimeError(f"there is no clock {id[:80]}", remedy=remedy)
        return found

    def calendar(self, market: str) -> Calendar:
        """A market's calendar; without a market one from Monday to Friday, in UTC. Raises RegimeError."""
        with self._lock:
            found = self._calendars.get(market)
            if found is None:
                source = self._sources.get(market)
                if source is None:
                    raise RegimeError(
                        f"there is no calendar of {market[:20]}", remedy=f"one of {', '.join(self._sources)}, or add it"
                    )
                found = self._calendars[market] = calendar_of(source)
        return found


class Owed(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is owed from now on: by which clock (its id, or one made for the purpose), and about what.

    ``starts_us`` is when its clock began, if not now; ``due_us`` the time that an order has set. What is empty is taken
    from the clock.
    """

    clock: str | Clock
    subject: str
    actor: str
    id: str = ""
    starts_us: int | None = None
    due_us: int | None = None
    title: str = ""
    owner: str = ""
    market: str = ""
    secret: bool = False
    reason: str = ""


class Duties:
    """The story, for any number of threads and processes over one store. ``clock`` must not run back."""

    def __init__(self, store: Store, book: Book, *, clock: Callable[[], int], ids: Callable[[], str]) -> None:
        self.book = book
        self.clock = clock
        self._store = store
        self._ids = ids

    # ------------------------------------------------------------------ what is owed

    def to_open(self, owed: Owed) -> tuple[list[Duty], list[Write]]:
        """New duties (one, but for phased dates), and what is to be written: together with what owes them.

        Raises RegimeError for an unknown clock or market, UsageError for a due time that is missing, or one too much.
        """
        chosen = self.book.clock(owed.clock) if isinstance(owed.clock, str) else owed.clock
        opening = Opening(
            id=owed.id or self._ids(),
            clock=chosen,
            subject=owed.subject,
            actor=_said(owed.actor, "an actor"),
            now_us=self.clock(),
            starts_us=owed.starts_us,
            due_us=owed.due_us,
            title=owed.title,
            owner=owed.owner,
            market=owed.market,
            secret=owed.secret,
            reason=owed.reason,
        )
        calendar = self.book.calendar(owed.market or chosen.market)
        with _reachable(chosen.id):
            moved = duty_steps.open_duty(opening, calendar)
        return [one.duty for one in moved], [write for one in moved for write in _writes(one, owed.actor)]

    def open(self, owed: Owed) -> list[Duty]:
        """The same, written. Raises StaleError if the id is taken."""
        duties, writes = self.to_open(owed)
        self._store.records.write(writes)
        return duties

    def to_end(self, id: str, actor: str, evidence: Evidence) -> list[Write]:
        """What is to be written if a duty is done: together with what shows it. Nothing if it has ended.

        Raises NotFoundError, StepError.
        """
        duty = self.get(id)
        if duty.ended:
            return []
        return _writes(self._moved(duty, "done", actor=actor, evidence=evidence), actor)

    def to_extend(self, id: str, actor: str, *, until_us: int, authority: str, reason: str) -> list[Write]:
        """What is to be written if a duty is due later. Raises NotFoundError, StepError, UsageError."""
        how = {"actor": actor, "until_us": until_us, "authority": authority, "reason": reason}
        return _writes(self._moved(self.get(id), "extend", **how), actor)

    def to_cancel(self, id: str, actor: str, reason: str) -> list[Write]:
        """What is to be written if a duty is not owed any more. Nothing if it has ended. Raises NotFoundError."""
        duty = self.get(id)
        return [] if duty.ended else _writes(self._moved(duty, "cancel", actor=actor, reason=reason), actor)

    def to_move(self, id: str, step: str, actor: str, **how: Any) -> tuple[Duty, list[Write]]:
        """A duty after a step (``extend``, ``pause``, ``resume``, ``done`` ...), and what is to be written.

        Raises as the step itself does.
        """
        _check_texts(how)
        moved = self._moved(self.get(id), step, actor=actor, **how)
        return moved.duty, _writes(moved, actor)

    def happened(self, subject: str, event: str, actor: str, *, at_us: int | None = None) -> list[Duty]:
        """Start what waits for an event: all duties about a subject that hang on it; how they stand now.

        What stands before a gate and is not done is breached by this.
        """
        waiting = [duty for duty in self.of(subject) if duty.state == "waiting" and duty.clock.event == event]
        at_us = self.clock() if at_us is None else at_us
        return [self._step(duty.id, "happened", actor=actor, at_us=at_us) for duty in waiting]

    def unmet(self, subject: str, event: str, *, secret: bool = True) -> list[Duty]:
        """The duties that keep the gate before an event shut; empty: go ahead. Secret ones only if wanted."""
        gates = [duty for duty in self.of(subject) if duty.clock.kind == "gate" and duty.clock.event == event]
        return [duty for duty in gates if not duty.ended and (secret or not duty.secret)]

    def check_gate(self, subject: str, event: str) -> None:
        """Raise StepError unless everything is done that has to be done before an event."""
        left = self.unmet(subject, event)
        if left:
            raise StepError(
                f"{event} has to wait for: {', '.join(duty.title for duty in left)}",
                remedy=f"that comes first: {', '.join(duty.id for duty in left)}",
            )

    def extend(self, id: str, actor: str, *, until_us: int, authority: str, reason: str) -> Duty:
        """It is due later, because somebody granted it. Raises NotFoundError, StepError, UsageError."""
        return self._step(id, "extend", actor=actor, until_us=until_us, authority=authority, reason=reason)

    def pause(self, id: str, actor: str, *, authority: str, reason: str) -> Duty:
        """The clock stands still: while an order is unclear, while a hold is in force. Raises as :meth:`extend`."""
        return self._step(id, "pause", actor=actor, authority=authority, reason=reason)

    def resume(self, id: str, actor: str, *, reason: str = "") -> Duty:
        """The clock goes on. Raises NotFoundError, StepError."""
        return self._step(id, "resume", actor=actor, reason=reason)

    def assign(self, id: str, actor: str, *, to: str, reason: str = "") -> Duty:
        """It falls to somebody else. Raises NotFoundError, StepError."""
        return self._step(id, "assign", actor=actor, to=_said(to, "an owner"), reason=reason)

    def note(self, id: str, actor: str, *, reason: str, evidence: Evidence | None = None) -> Duty:
        """A page for the effort file. Raises NotFoundError."""
        return self._step(id, "note", actor=actor, reason=_said(reason, "a note"), evidence=evidence)

    def done(self, id: str, actor: str, evidence: Evidence) -> Duty:
        """It is done, and this shows it. Raises NotFoundError, StepError, UsageError."""
        return self._step(id, "done", actor=actor, evidence=evidence)

    def cancel(self, id: str, actor: str, *, reason: str) -> Duty:
        """It is not owed any more. Raises NotFoundError, StepError, UsageError."""
        return self._step(id, "cancel", actor=actor, reason=reason)

    # ------------------------------------------------------------------ looking

    def get(self, id: str) -> Duty:
        """The duty with this id. Raises NotFoundError."""
        found = self._store.duties.get(id)
        if found is None:
            raise NotFoundError(f"there is no duty {id[:80]}", remedy="GET /v1/duties lists all")
        return found

    def periods(self, id: str) -> list[Duty]:
        """A duty, and those of the periods that have followed it. Raises NotFoundError."""
        found = [self.get(id)]
        while found[-1].next:
            found.append(self.get(found[-1].next))
        return found

    def file(self, id: str) -> Sequence[DutyStep]:
        """All that was done about a duty, in order. Raises NotFoundError."""
        self.get(id)
        return self._store.duties.steps(id)

    def of(self, subject: str) -> Sequence[Duty]:
        """Every duty about a subject, secret ones included, what is due first."""
        query = DutyQuery(subject=subject, secret=True)
        return every(lambda after: self._store.duties.find(query, after, _AT_ONCE), "", lambda one: one.id)

    def find(self, query: DutyQuery, after: str = "", limit: int = 100) -> Sequence[Duty]:
        """Duties by what is due first, page by page."""
        return self._store.duties.find(query, after, limit)

    # ------------------------------------------------------------------ by itself

    def fire(self) -> int:
        """Let happen what is to have happened by now: reminders, escalations, breaches; how many duties that moved.

        Any number of processes may do this at a time, and be killed: what happens to a duty is written together with
        the letter that says so, once.
        """
        moved = 0
        while part := self._store.duties.due(self.clock(), _AT_ONCE):
            moved += self._fire(part)
            if len(part) < _AT_ONCE:
                break
        return moved

    def _fire(self, part: Sequence[Duty]) -> int:
        now_us = self.clock()
        each = [_writes(duty_steps.catch_up(duty, self._known(duty.market), now_us), "") for duty in part]
        try:
            self._store.records.write([write for writes in each for write in writes])
        except StaleError:
            if len(part) == 1:
                return 0  # somebody else has just done it
            return sum(self._fire([duty]) for duty in part)
        return len(part)

    def _known(self, market: str) -> Calendar:
        """A market's calendar, or the plain one: what is due stays due though its market's calendar is gone."""
        try:
            return self.book.calendar(market)
        except RegimeError:
            return self.book.calendar("")

    # ------------------------------------------------------------------ steps

    def _step(self, id: str, step: str, **how: Any) -> Duty:
        _check_texts(how)

        def attempt() -> tuple[Duty, list[Write]]:
            moved = self._moved(self.get(id), step, **how)
            return moved.duty, _writes(moved, how["actor"])

        return until_written(self._store, f"the duty {id}", attempt)

    def _moved(self, duty: Duty, step: str, **how: Any) -> Moved:
        _said(how["actor"], "an actor")
        calendar = self.book.calendar(duty.market)
        with _reachable(duty.clock.id):
            moved: Moved = getattr(duty_steps, step)(duty, calendar, now_us=self.clock(), **how)
        return moved


@contextmanager
def _reachable(clock: str) -> Iterator[None]:
    """Raises UsageError for times beyond all calendars."""
    try:
        yield
    except (ValueError, OverflowError) as fault:
        raise UsageError(f"the clock {clock} ends too far away: {fault}", remedy="see when it starts") from fault


def _said(text: str, what: str) -> str:
    if not text.strip():
        raise UsageError(f"{what} is needed", remedy="say it")
    return text


def _check_texts(how: dict[str, Any]) -> None:
    for name, value in how.items():
        if isinstance(value, str) and len(value) > TEXT_LIMIT:
            raise UsageError(
                f"{name}: more than {TEXT_LIMIT} characters", remedy="put the rest into a file, and name it"
            )


def _writes(moved: Moved, actor: str) -> list[Write]:
    """What a step writes: the duty, its pages, the letters that tell of it, the audit of what a person did."""
    duty = moved.duty
    writes: list[Write] = [duty, *moved.steps]
    for step in moved.steps:
        if step.what in _VERBS:
            writes.append(_letter(duty, step))
        elif actor:
            detail = msgspec.json.encode({"reason": step.reason, "due_us": step.due_us})
            subject = f"duty:{duty.id}"
            writes.append(
                AuditRow(
                    at_us=step.at_us,
                    actor=actor,
                    action=f"duty.{step.what}",
                    subject=subject,
                    detail=detail,
                    secret=duty.secret,
                )
            )
    for other in moved.opened:
        writes += _writes(other, actor)
    return writes


def _letter(duty: Duty, step: DutyStep) -> Letter:
    """Who is to hear that something is due, or has been missed. A secret one says nothing of what it is about."""
    says: dict[str, Any] = {"clock": duty.clock.id, "state": duty.state}
    if step.to:
        says["to"] = step.to
    if step.due_us is not None:
        says["due"] = format_time(step.due_us)
    if duty.internal:
        says["internal"] = True
    if not duty.secret:
        says |= {"title": duty.title, "subject": duty.subject}
    else:
        del says["clock"]
    return Letter(
        cause=f"duty:{duty.id}",
        step=f"duty.{step.what}",
        at_us=step.at_us,
        action=told(_VERBS[step.what], "duty", duty.id, step.what),
        says=says,
        secret=duty.secret,
    )
