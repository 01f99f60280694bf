"""A duty and its file as callers and commands read them: times in words, nothing hidden that has gone wrong."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from trustward.exchange.shown import each_shown, in_words, shown
from trustward.model.clocks import Clock
from trustward.model.duty import Duty, DutyStep, Evidence, State


class BreachView(msgspec.Struct, frozen=True, kw_only=True):
    """When it should have been done, and when it was found out that it was not."""

    due: str
    found: str


class DutyView(msgspec.Struct, frozen=True, kw_only=True):
    """A duty as it stands now. ``overdue``: its time is over, and it is not done.

    ``internal`` says that its time is the service's own target. ``latency_s`` is how long it took.
    """

    id: str
    title: str
    clock: str
    kind: str
    obligation: str
    subject: str
    market: str
    owner: str
    state: State
    starts: str
    due: str | None
    earliest: str | None
    event: str
    phase: str
    overdue: bool
    internal: bool
    secret: bool
    extended: int
    breaches: tuple[BreachView, ...]
    next_alarm: str | None
    done: str | None
    latency_s: float | None
    evidence: Evidence | None
    next: str
    version: int


class StepView(msgspec.Struct, frozen=True, kw_only=True):
    """A page of a duty's file. ``planned`` is when it was to happen, for what happens by itself."""

    number: int
    at: str
    what: str
    actor: str
    reason: str
    due: str | None
    planned: str | None
    to: str
    authority: str
    evidence: Evidence | None


class ClockView(msgspec.Struct, frozen=True, kw_only=True):
    """A clock that duties can be opened with."""

    id: str
    kind: str
    title: str
    obligation: str
    market: str
    starts: str
    length: str
    event: str
    extendable: bool
    pausable: bool
    owner: str
    source: str
    sure: str


def duty_view(duty: Duty, now_us: int) -> DutyView:
    """A duty as it stands at a time."""
    latency_us = duty.latency_us
    return shown(
        DutyView,
        duty,
        clock=duty.clock.id,
        kind=duty.clock.kind,
        obligation=duty.clock.obligation,
        event=duty.clock.event,
        overdue=duty.state == "open" and duty.due_us is not None and duty.due_us < now_us,
        breaches=each_shown(BreachView, duty.breaches),
        next_alarm=in_words(duty.next_us),
        latency_s=None if latency_us is None else latency_us / 1e6,
    )


def file_view(steps: Sequence[DutyStep]) -> tuple[StepView, ...]:
    """A duty's file."""
    return each_shown(StepView, steps)


def clock_view(clock: Clock) -> ClockView:
    """A clock."""
    return shown(
        ClockView,
        clock,
        length=clock.within or clock.every or " to ".join(span for span in (clock.least, clock.most) if span),
        extendable=clock.extendable or clock.kind == "order",
    )
