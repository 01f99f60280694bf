"""A year of duties, told in advance by other means: day by day, by what the library calls a working day."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from functools import cache
from random import Random
from typing import NamedTuple
from zoneinfo import ZoneInfo

import holidays

from tests.operations.kit import DAY_US, HOUR_US, Time
from trustward.base.errors import StepError
from trustward.base.units import parse_time
from trustward.model.clocks import Clock, Escalation
from trustward.model.duty import Evidence
from trustward.operations.duties import Duties, Owed

BEGIN_US = parse_time("2027-06-01T00:00:00Z")
END_US = parse_time("2028-06-01T00:00:00Z")
ZONES = {"SG": "Asia/Singapore", "GB": "Europe/London", "US": "America/New_York"}
SPANS = ("90m", "24h", "30h", "2 days", "30 days", "2 weeks", "1 working day", "10 working days", "1 month", "6 months")
REMINDERS = ("2h", "1 day", "1 working day", "3 working days")
_MICRO = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Told = tuple[str, str, int]
"""What happened by itself: to which duty, what, when it was planned."""


@cache
def _country(market: str) -> holidays.HolidayBase:
    name, _, part = {"GB": "GB-ENG"}.get(market, market).partition("-")
    return holidays.country_holidays(name, subdiv=part or None)


@cache
def works(market: str, day: date) -> bool:
    return bool(_country(market).is_working_day(day))


def local(at_us: int, market: str) -> datetime:
    return (_EPOCH + at_us * _MICRO).astimezone(ZoneInfo(ZONES[market]))


def first_of(day: date, market: str) -> int:
    """The first microsecond of a day, by halving the time in which it must lie."""
    low = (datetime(day.year, day.month, day.day, tzinfo=UTC) - _EPOCH) // _MICRO - DAY_US
    high = low + 2 * DAY_US
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if local(middle, market).date() >= day else (middle + 1, high)
    return low


def ends(start_us: int, span: str, market: str) -> int:
    """When a span is over, counted day by day."""
    number, _, unit = span.partition(" ")
    if not unit:
        return start_us + int(span[:-1]) * {"h": HOUR_US, "m": HOUR_US // 60}[span[-1]]
    day, left = local(start_us, market).date(), int(number)
    if unit.startswith("month"):
        wanted = day.day
        for _ in range(left):
            day = day.replace(day=1) + timedelta(days=32)
            day = day.replace(day=1)
        while True:
            try:
                day = day.replace(day=wanted)
                break
            except ValueError:
                wanted -= 1
        left = 0
    elif unit.startswith("week"):
        left *= 7
    while left:
        day += timedelta(days=1)
        left -= works(market, day) if unit.startswith("working") else 1
    return first_of(day + timedelta(days=1), market)


def earlier(due_us: int, span: str, market: str) -> int:
    """The same hour so many days before."""
    number, _, unit = span.partition(" ")
    if not unit:
        return due_us - int(span[:-1]) * HOUR_US
    at, left = local(due_us - 1, market), int(number)
    day = at.date()
    while left:
        day -= timedelta(days=1)
        left -= works(market, day) if unit.startswith("working") else 1
    moved = datetime.combine(day, at.time(), tzinfo=ZoneInfo(ZONES[market])).astimezone(UTC)
    return (moved - _EPOCH) // _MICRO + 1


def later(due_us: int, paused_us: int, resumed_us: int, span: str, market: str) -> int:
    """When it is due that stood still: for every day that began meanwhile it is due a day later."""
    unit = span.partition(" ")[2]
    if not unit:
        return due_us + resumed_us - paused_us
    at = local(due_us - 1, market)
    day, begun, last = at.date(), local(paused_us, market).date(), local(resumed_us, market).date()
    while begun < last:
        begun += timedelta(days=1)
        if unit.startswith("working") and not works(market, begun):
            continue
        day += timedelta(days=1)
        while unit.startswith("working") and not works(market, day):
            day += timedelta(days=1)
    moved = datetime.combine(day, at.time(), tzinfo=ZoneInfo(ZONES[market])).astimezone(UTC)
    return (moved - _EPOCH) // _MICRO + 1


class Plan(NamedTuple):
    """What will be done to one duty, and when."""

    id: str
    clock: Clock
    start_us: int
    steps: tuple[tuple[int, str], ...]


def plans(draw: Random, number: int) -> list[Plan]:
    """Duties of random clocks that begin in the course of the year."""
    made = []
    for at in range(number):
        span = draw.choice(SPANS)
        periodic = at % 10 == 0
        market = draw.choice(list(ZONES))
        clock = Clock(
            id=f"c{at}",
            kind="periodic" if periodic else "duration",
            title="t",
            within="" if periodic else span,
            every="1 month" if periodic else "",
            market=market,
            extendable=True,
            pausable=not periodic,
            remind=tuple(draw.sample(REMINDERS, draw.randint(0, 3))),
            escalate=(Escalation(to="boss", after="0h"), Escalation(to="team", before="4h"))[: draw.randint(0, 2)],
        )
        start_us = draw.randrange(BEGIN_US, END_US - 20 * DAY_US)
        steps, when = [], start_us
        for _ in range(0 if periodic else draw.randint(0, 3)):
            when += int(draw.expovariate(1) * 4 * DAY_US) + 1
            steps.append((when, draw.choice(["extend", "pause", "done"])))
        made.append(Plan(f"p{at}", clock, start_us, tuple(steps)))
    return made


class Foretold:
    """What is to happen by itself, kept beside the story by its own rules."""

    def __init__(self) -> None:
        self.told: list[Told] = []
        self.coming: dict[str, list[tuple[int, str]]] = {}

    def plan(self, id: str, clock: Clock, due_us: int, now_us: int) -> None:
        coming = [(earlier(due_us, text, clock.market), "reminded") for text in clock.remind]
        coming += [(earlier(due_us, one.before, clock.market), "escalated") for one in clock.escalate if one.before]
        coming = [one for one in coming if one[0] > now_us]
        coming += [(due_us + 1, "escalated") for one in clock.escalate if one.after]
        self.coming[id] = [*coming, (due_us + 1, "breached")]

    def until(self, id: str, now_us: int) -> None:
        """Let the time run for one duty."""
        coming = self.coming.get(id, [])
        self.told += [(id, what, at_us) for at_us, what in coming if at_us <= now_us]
        self.coming[id] = [one for one in coming if one[0] > now_us]


class Year:
    """The year itself: the story's time and steps, and beside them what is foretold."""

    def __init__(self, seed: int, number: int, time: Time) -> None:
        self.draw = Random(seed)
        self.time = time
        self.foretold = Foretold()
        self.plans = plans(self.draw, number)
        self.clocks = tuple(plan.clock for plan in self.plans)
        self.agenda = sorted(
            (at_us, order, plan, what)
            for order, plan in enumerate(self.plans)
            for at_us, what in ((plan.start_us, "open"), *plan.steps)
        )
        self.due: dict[str, int] = {}
        self.resume: list[tuple[int, Plan, int]] = []
        self.taken: Counter[str] = Counter()

    def moments(self) -> list[int]:
        """When somebody looks: in random steps from minutes to days."""
        found, at_us = [], BEGIN_US
        while at_us < END_US:
            at_us += int(10 ** self.draw.uniform(8.5, 11.2))
            found.append(at_us)
        return found

    def act(self, duties: Duties, until_us: int) -> None:
        """Everything that people do until then, each at its own time."""
        while True:
            ahead = [(one[0], 1) for one in self.agenda[:1]] + [(one[0], 0) for one in self.resume[:1]]
            if not ahead or min(ahead)[0] > until_us:
                return
            if min(ahead)[1]:
                at_us, _, plan, what = self.agenda.pop(0)
                self.time.now_us = at_us
                self._step(duties, plan, what)
            else:
                at_us, plan, paused_us = self.resume.pop(0)
                self.time.now_us = at_us
                self._resume(duties, plan, paused_us)

    def _open(self, duties: Duties, plan: Plan) -> None:
        now_us, market = self.time.now_us, plan.clock.market
        duties.open(Owed(clock=plan.clock.id, subject="s", actor="kim", id=plan.id, owner="desk"))
        if plan.clock.every:
            since_us, period = now_us, 1
            while since_us < END_US + 40 * DAY_US:
                name = plan.id if period == 1 else f"{plan.id}~{period}"
                due_us = ends(now_us, f"{period} months", market)
                self.foretold.plan(name, plan.clock, due_us, since_us)
                since_us, period = due_us + 1, period + 1
            return
        self.due[plan.id] = ends(now_us, plan.clock.within, market)
        self.foretold.plan(plan.id, plan.clock, self.due[plan.id], now_us)

    def _step(self, duties: Duties, plan: Plan, what: str) -> None:
        now_us = self.time.now_us
        if what == "open":
            self._open(duties, plan)
            return
        self.foretold.until(plan.id, now_us)
        due_us = self.due[plan.id]
        try:
            if what == "extend":
                still = [one for one in self.resume if one[1].id == plan.id]
                for _, _, paused_us in still:
                    due_us = later(due_us, paused_us, now_us, self._span(duties, plan), plan.clock.market)
                moved_us = max(due_us, now_us) + self.draw.randrange(HOUR_US, 5 * DAY_US)
                duties.extend(plan.id, "kim", until_us=moved_us, authority="police", reason="asked")
                self.due[plan.id] = moved_us
                # What is granted is a time: how long the clock stood still before that does not count.
                self.resume = [(one[0], one[1], now_us) if one in still else one for one in self.resume]
                if not still:
                    self.foretold.plan(plan.id, plan.clock, moved_us, now_us)
            elif what == "pause":
                duties.pause(plan.id, "kim", authority="police", reason="unclear")
                self.foretold.coming[plan.id] = []
                self.resume.append((now_us + self.draw.randrange(HOUR_US, 20 * DAY_US), plan, now_us))
                self.resume.sort(key=lambda one: one[0])
            else:
                duties.done(plan.id, "kim", Evidence(said="done"))
                self.foretold.coming[plan.id] = []
                self.resume = [one for one in self.resume if one[1].id != plan.id]
            self.taken[what] += 1
        except StepError:
            self.taken["refused"] += 1

    @staticmethod
    def _span(duties: Duties, plan: Plan) -> str:
        """How its time is counted: what was extended, exactly."""
        return "1h" if duties.get(plan.id).extended else plan.clock.within

    def _resume(self, duties: Duties, plan: Plan, paused_us: int) -> None:
        now_us = self.time.now_us
        duties.resume(plan.id, "kim")
        span = self._span(duties, plan)
        self.due[plan.id] = later(self.due[plan.id], paused_us, now_us, span, plan.clock.market)
        self.foretold.plan(plan.id, plan.clock, self.due[plan.id], now_us)
        self.taken["resume"] += 1

    def end(self) -> list[Told]:
        """Everything that was to happen by now."""
        for name in list(self.foretold.coming):
            self.foretold.until(name, self.time.now_us)
        return sorted(self.foretold.told)
