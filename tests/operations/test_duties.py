"""The nine kinds of clock, step by step, over every store."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from tests.operations.kit import DAY_US, HOUR_US, START_US, Time, duties_over, said
from trustward.adapters.store.memory import MemoryStore
from trustward.base.errors import NotFoundError, RegimeError, StaleError, StepError, UsageError
from trustward.base.units import format_time, parse_time
from trustward.model.clocks import Clock, Escalation, shipped_regimes
from trustward.model.duty import Duty, DutyQuery, Evidence
from trustward.model.effect import outgoing
from trustward.operations.duties import Book, Duties, Owed
from trustward.ports import Store

SHOWN = Evidence(said="it is done", refs=("m1-0",))
Opened = Callable[[], Store]


class World:
    """A story in memory with a clock to move."""

    def __init__(self, *clocks: Clock, store: Store | None = None) -> None:
        self.time = Time()
        self.store = store or MemoryStore()
        self.duties: Duties = duties_over(self.store, self.time, *clocks)

    def open(self, clock: str, **how: object) -> Duty:
        (duty,) = self.duties.open(Owed(**{"clock": clock, "subject": "s:1", "actor": "kim", **how}))  # type: ignore[arg-type]
        return duty

    def file(self, duty: Duty) -> list[str]:
        return [step.what for step in self.duties.file(duty.id)]


def test_a_calendar_that_is_gone_hides_no_breach() -> None:
    world = World()
    there = world.open("SG-ACT-comply", due_us=START_US + HOUR_US, owner="desk", market="SG")
    elsewhere = world.open("SG-ACT-comply", due_us=START_US + HOUR_US, owner="desk")
    shipped = shipped_regimes()
    left = tuple(source for source in shipped.calendars if source.market != "SG")
    world.duties = duties_over(world.store, world.time, book=Book(msgspec.structs.replace(shipped, calendars=left)))
    with pytest.raises(RegimeError, match="no calendar of SG"):
        world.duties.book.calendar("SG")
    world.time.on(2 * HOUR_US)
    assert world.duties.fire() == 2
    for duty in (there, elsewhere):
        assert "breached" in world.file(duty)


def test_several_clocks_of_one_order_extended(opened: Opened) -> None:
    world = World(store=opened())
    plan = world.open("SG-ACT-plan", due_us=START_US + 30 * HOUR_US, owner="desk")
    comply = world.open("SG-ACT-comply", due_us=START_US + 60 * HOUR_US, owner="desk")
    assert [duty.id for duty in world.duties.of("s:1")] == [plan.id, comply.id]
    with pytest.raises(UsageError, match="set by the order"):
        world.open("SG-ACT-comply")
    world.time.on(7 * HOUR_US)
    assert world.duties.fire() == 1
    assert world.duties.fire() == 0
    assert said(world.store) == [("remind", plan.id, "desk")]
    with pytest.raises(UsageError, match="who granted"):
        world.duties.extend(plan.id, "kim", until_us=START_US + 90 * HOUR_US, authority=" ", reason="r")
    with pytest.raises(UsageError, match="beyond"):
        world.duties.extend(plan.id, "kim", until_us=START_US + 30 * HOUR_US, authority="police", reason="r")
    longer = world.duties.extend(plan.id, "kim", until_us=START_US + 90 * HOUR_US, authority="police", reason="asked")
    assert (longer.due_us, longer.extended) == (START_US + 90 * HOUR_US, 1)
    world.time.on(84 * HOUR_US)
    world.duties.fire()
    assert world.file(plan) == ["opened", "reminded", "extended", "reminded", "reminded", "breached", "escalated"]
    late = world.duties.done(plan.id, "kim", SHOWN)
    assert [breach.due_us for breach in late.breaches] == [START_US + 90 * HOUR_US]
    assert late.latency_us == 91 * HOUR_US
    assert world.duties.fire() == 0
    assert [duty.id for duty in world.duties.find(DutyQuery(breached=True))] == [comply.id, plan.id]


def test_a_breach_is_on_record_whoever_comes_first() -> None:
    world = World()
    duty = world.open("TW-FCHPA-32")
    assert duty.due_us == START_US + DAY_US
    world.time.on(DAY_US)
    in_time = world.open("TW-FCHPA-32", starts_us=START_US)
    assert world.duties.done(in_time.id, "kim", SHOWN).breaches == ()
    world.time.on(1)
    late = world.duties.done(duty.id, "kim", SHOWN)
    assert [breach.found_us for breach in late.breaches] == [START_US + DAY_US + 1]
    assert world.file(duty) == ["opened", "reminded", "reminded", "escalated", "breached", "escalated", "done"]
    assert ("breach", duty.id, "") in said(world.store)
    with pytest.raises(StepError, match="done"):
        world.duties.extend(duty.id, "kim", until_us=START_US + 9 * DAY_US, authority="a", reason="r")


def test_an_extension_does_not_take_a_breach_back() -> None:
    world = World(Clock(id="c", kind="duration", title="t", within="2h", extendable=True))
    duty = world.open("c")
    world.time.on(3 * HOUR_US)
    longer = world.duties.extend(duty.id, "kim", until_us=START_US + 5 * HOUR_US, authority="a", reason="r")
    assert len(longer.breaches) == 1
    world.time.on(3 * HOUR_US)
    world.duties.fire()
    assert len(world.duties.get(duty.id).breaches) == 2


def test_what_a_clock_forbids() -> None:
    world = World()
    duty = world.open("CN-INC-4")
    with pytest.raises(StepError, match="cannot be extended"):
        world.duties.extend(duty.id, "kim", until_us=START_US + DAY_US, authority="a", reason="r")
    with pytest.raises(StepError, match="cannot be paused"):
        world.duties.pause(duty.id, "kim", authority="a", reason="r")
    with pytest.raises(UsageError, match="says itself"):
        world.open("CN-INC-4", due_us=START_US + DAY_US)
    with pytest.raises(UsageError, match="evidence"):
        world.duties.done(duty.id, "kim", Evidence(said=" "))
    with pytest.raises(UsageError, match="actor"):
        world.duties.done(duty.id, "", SHOWN)
    with pytest.raises(UsageError, match="reason"):
        world.duties.cancel(duty.id, "kim", reason="")
    with pytest.raises(UsageError, match="1000"):
        world.duties.cancel(duty.id, "kim", reason="x" * 1001)
    with pytest.raises(UsageError, match="too far away"):
        world.open("CN-OTM-29", starts_us=parse_time("9999-12-31T00:00:00Z"))
    with pytest.raises(RegimeError):
        world.open("CN-INC-5")
    with pytest.raises(NotFoundError):
        world.duties.get("d99")
    with pytest.raises(StaleError):
        world.open("CN-INC-4", id=duty.id)


def test_phased_dates() -> None:
    world = World()
    phases = world.duties.open(Owed(clock="SG-ID-2", subject="s:1", actor="kim", id="x"))
    assert [(duty.id, duty.title.rpartition(": ")[2], format_time(duty.due_us or 0)) for duty in phases] == [
        ("x.1", "first stage", "2026-01-31T16:00:00Z"),
        ("x.2", "second stage", "2026-02-28T16:00:00Z"),
        ("x.3", "full roll-out", "2026-06-30T16:00:00Z"),
    ]


def test_periods_follow_each_other_and_do_not_creep() -> None:
    world = World(Clock(id="monthly", kind="periodic", title="t", every="1 month", remind=("1 day",)))
    world.time.to("2027-10-31T12:00:00Z")
    first = world.open("monthly", owner="kim")
    dues = []
    for month in range(5):
        (duty,) = [one for one in world.duties.of("s:1") if one.state == "open" and not one.breaches]
        assert duty.phase == str(month + 1)
        assert duty.due_us is not None
        dues.append(format_time(duty.due_us - 1)[:10])
        if month % 2:
            world.duties.done(duty.id, "kim", SHOWN)
        else:
            world.time.now_us = duty.due_us + 1
            world.duties.fire()
    assert dues == ["2027-11-30", "2027-12-31", "2028-01-31", "2028-02-29", "2028-03-31"]
    assert [len(one.breaches) for one in sorted(world.duties.of("s:1"), key=lambda one: one.phase)] == [
        1,
        0,
        1,
        0,
        1,
        0,
    ]
    assert world.duties.get(first.id).next == f"{first.id}~2"
    world.time.on(200 * DAY_US)
    while world.duties.fire():
        pass
    reminded = [entity for verb, entity, _ in said(world.store) if verb == "remind"]
    assert len(reminded) == len(set(reminded)) == len(world.duties.of("s:1")) - 3


def test_a_period_counted_from_when_it_was_done() -> None:
    world = World()
    first = world.open("CN-OTM-24")
    world.time.on(10 * DAY_US)
    world.duties.done(first.id, "kim", SHOWN)
    second = world.duties.get(f"{first.id}~2")
    assert format_time(second.due_us or 0) == "2026-07-15T16:00:00Z"
    assert second.starts_us == world.time.now_us
    world.duties.cancel(second.id, "kim", reason="the seller has left")
    assert [duty.state for duty in world.duties.of("s:1")] == ["done", "cancelled"]


def test_promptly_is_a_target_with_its_latency() -> None:
    world = World()
    duty = world.open("report-acknowledge", owner="desk")
    assert duty.internal
    world.time.on(6 * 60_000_000)
    done = world.duties.done(duty.id, "kim", SHOWN)
    assert (done.latency_us, len(done.breaches)) == (360_000_000, 1)
    (row,) = [row for row in world.store.outbox.waiting(9) if outgoing(row.body).action.do == "breach"]
    assert outgoing(row.body).says["internal"] is True


def test_a_gate() -> None:
    world = World()
    duty = world.open("CN-ATOF-6")
    assert duty.state == "waiting"
    with pytest.raises(StepError, match="Assess"):
        world.duties.check_gate("s:1", "launch")
    world.duties.check_gate("s:2", "launch")
    world.duties.done(duty.id, "kim", SHOWN)
    world.duties.check_gate("s:1", "launch")
    assert world.duties.happened("s:1", "launch", "kim") == []
    dared = world.open("CN-ATOF-6")
    (now,) = world.duties.happened("s:1", "launch", "kim")
    assert (now.id, now.state, len(now.breaches)) == (dared.id, "open", 1)
    dated = world.open("CN-ATOF-6", due_us=START_US + 8 * DAY_US)
    world.time.on(2 * DAY_US)
    world.duties.fire()
    assert world.file(dated) == ["opened", "reminded"]
    with pytest.raises(StepError):
        world.duties.check_gate("s:1", "launch")


def test_at_the_same_moment() -> None:
    world = World()
    duty = world.open("EU-DSA-17")
    with pytest.raises(StepError, match="waits for the restriction"):
        world.duties.done(duty.id, "kim", SHOWN)
    world.time.on(DAY_US)
    world.duties.happened("s:1", "the restriction takes effect", "kim")
    assert world.duties.done(duty.id, "kim", SHOWN).breaches == ()
    late = world.open("EU-DSA-17")
    world.duties.happened("s:1", "the restriction takes effect", "kim")
    world.time.on(1)
    assert len(world.duties.done(late.id, "kim", SHOWN).breaches) == 1


def test_minimum_and_maximum_holds() -> None:
    world = World()
    kept = world.open("SG-OCC-5")
    assert (kept.due_us, format_time(kept.earliest_us or 0)) == (None, "2026-04-05T16:00:00Z")
    with pytest.raises(StepError, match="must not be done before 2026-04-05"):
        world.duties.done(kept.id, "kim", SHOWN)
    later = world.duties.extend(kept.id, "kim", until_us=START_US + 200 * DAY_US, authority="police", reason="r")
    assert later.earliest_us == START_US + 200 * DAY_US
    world.time.on(201 * DAY_US)
    world.duties.fire()
    assert world.file(kept) == ["opened", "extended", "ripe"]
    world.duties.done(kept.id, "kim", SHOWN)

    trader = world.open("EU-DSA-30-delete")
    assert (trader.earliest_us or 0) < (trader.due_us or 0)
    world.duties.pause(trader.id, "kim", authority="police", reason="a legal hold")
    world.time.on(400 * DAY_US)
    assert world.duties.fire() == 0
    with pytest.raises(StepError, match="paused"):
        world.duties.done(trader.id, "kim", SHOWN)
    resumed = world.duties.resume(trader.id, "kim")
    assert (resumed.earliest_us or 0) > world.time.now_us
    assert resumed.breaches == ()


def test_released_when_its_condition_holds() -> None:
    world = World()
    duty = world.open("SG-ECC-4")
    with pytest.raises(StepError, match="waits for delivery"):
        world.duties.done(duty.id, "kim", SHOWN)
    world.time.on(30 * DAY_US)
    (released,) = world.duties.happened("s:1", "delivery is verified", "kim")
    assert released.due_us is not None
    assert released.starts_us == world.time.now_us
    assert world.duties.fire() == 0
    world.time.now_us = released.due_us + 1
    world.duties.fire()
    assert [verb for verb, entity, _ in said(world.store)] == ["remind", "breach", "escalate"]


def test_a_pause_moves_what_is_due() -> None:
    world = World(Clock(id="c", kind="duration", title="t", within="10 working days", market="SG", pausable=True))
    duty = world.open("c")
    assert format_time(duty.due_us or 0) == "2026-01-19T16:00:00Z"
    world.time.on(2 * DAY_US)
    world.duties.pause(duty.id, "kim", authority="the issuer", reason="an address is missing")
    with pytest.raises(StepError, match="paused"):
        world.duties.pause(duty.id, "kim", authority="the issuer", reason="again")
    world.time.on(5 * DAY_US)  # from Wednesday to Monday: three working days begin meanwhile
    resumed = world.duties.resume(duty.id, "kim", reason="it has come")
    assert format_time(resumed.due_us or 0) == "2026-01-22T16:00:00Z"
    world.time.now_us = (resumed.due_us or 0) + 1
    with pytest.raises(StepError, match="no time left"):
        world.duties.pause(duty.id, "kim", authority="the issuer", reason="too late")


def test_a_secret_one_says_nothing() -> None:
    world = World()
    duty = world.open("CN-INC-4", secret=True, title="about somebody", owner="desk")
    world.time.on(DAY_US)
    world.duties.fire()
    for row in world.store.outbox.waiting(9):
        assert b"somebody" not in row.body
        assert b"s:1" not in row.body
        assert b"CN-INC" not in row.body
    assert world.duties.find(DutyQuery()) == []
    assert [one.id for one in world.duties.find(DutyQuery(secret=True))] == [duty.id]


def test_its_file_has_everything() -> None:
    world = World(Clock(id="c", kind="duration", title="t", within="2h", escalate=(Escalation(to="x", before="1h"),)))
    duty = world.open("c", reason="they asked", owner="kim")
    world.duties.note(duty.id, "kim", reason="the server is down")
    world.duties.assign(duty.id, "kim", to="lee", reason="on leave")
    world.time.on(90 * 60_000_000)
    world.duties.done(duty.id, "lee", SHOWN)
    world.duties.note(duty.id, "kim", reason="the receipt came", evidence=SHOWN)
    file = world.duties.file(duty.id)
    assert [step.number for step in file] == [1, 2, 3, 4, 5, 6]
    assert [step.what for step in file] == ["opened", "noted", "assigned", "escalated", "done", "noted"]
    assert (file[3].to, file[3].planned_us) == ("x", START_US + HOUR_US)
    assert [row.action for row in world.store.audit.read(0, 99)] == [
        f"duty.{what}" for what in ("opened", "noted", "assigned", "done", "noted")
    ]


def test_whatever_fires_at_the_same_time_fires_once(opened: Opened) -> None:
    from threading import Barrier, Thread

    world = World(store=opened())
    for _ in range(30):
        world.open("CN-INC-4", owner="desk")
    world.time.on(DAY_US)
    start = Barrier(4)

    def fire(duties: Duties) -> None:
        start.wait()
        duties.fire()

    threads = [Thread(target=fire, args=(duties_over(opened(), world.time),)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    world.duties.fire()
    told = said(world.store)
    assert len(told) == 30 * 5
    assert told.count(("breach", "d1", "desk")) == 1
    assert all(len(world.duties.file(f"d{number}")) == 6 for number in range(1, 31))
