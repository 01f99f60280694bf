"""Any steps in any order: none that is not allowed, nothing forgotten, no page of a file lost."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from tests.operations.kit import DAY_US, HOUR_US, START_US, Time, duties_over
from trustward.adapters.store.memory import MemoryStore
from trustward.base.errors import StepError, UsageError
from trustward.model.clocks import Clock, Escalation
from trustward.model.duty import ALLOWED, Duty, Evidence
from trustward.model.effect import outgoing
from trustward.operations.duties import Duties, Owed

PLAIN: dict[str, Any] = {
    "title": "t",
    "market": "GB",
    "remind": ("1 working day", "3h"),
    "escalate": (Escalation(to="boss", after="1h"), Escalation(to="team", before="2h")),
    "extendable": True,
    "pausable": True,
}
CLOCKS = (
    Clock(id="m-order", kind="order", **PLAIN),
    Clock(id="m-hours", kind="duration", within="30h", **PLAIN),
    Clock(id="m-days", kind="duration", within="3 working days", **PLAIN),
    Clock(id="m-fixed", kind="promptly", within="4h", title="t"),
    Clock(id="m-period", kind="periodic", every="1 week", **PLAIN),
    Clock(id="m-again", kind="periodic", every="1 week", counts_from="done", **PLAIN),
    Clock(id="m-gate", kind="gate", event="go", **PLAIN),
    Clock(id="m-same", kind="simultaneous", event="go", **PLAIN),
    Clock(id="m-hold", kind="hold", least="2 days", most="5 days", **PLAIN),
    Clock(id="m-least", kind="hold", least="2 days", **PLAIN),
    Clock(id="m-release", kind="release", event="go", within="2 days", **PLAIN),
)
SHOWN = Evidence(said="done")
GRANTED = {"authority": "police", "reason": "asked"}


class Owing(RuleBasedStateMachine):
    """Duties of every kind, in the hands of two stories over one store."""

    ids = Bundle("ids")

    def __init__(self) -> None:
        super().__init__()
        self.store = MemoryStore()
        self.time = Time()
        self.stories = [duties_over(self.store, self.time, *CLOCKS) for _ in range(2)]
        self.seen: dict[str, Duty] = {}
        self.count = 0

    def story(self) -> Duties:
        self.count += 1
        return self.stories[self.count % 2]

    def all(self) -> list[Duty]:
        return list(self.stories[0].of("s"))

    @rule(target=ids, clock=st.sampled_from(CLOCKS), hours=st.integers(1, 99), dated=st.booleans())
    def open(self, clock: Clock, hours: int, *, dated: bool) -> str:
        due_us = (
            self.time.now_us + hours * HOUR_US if clock.kind == "order" or (clock.kind == "gate" and dated) else None
        )
        self.count += 1
        owed = Owed(clock=clock.id, subject="s", actor="kim", id=f"x{self.count}", due_us=due_us, owner="desk")
        (duty,) = self.story().open(owed)
        return duty.id

    @rule(hours=st.integers(0, 80), us=st.integers(0, 3))
    def wait(self, hours: int, us: int) -> None:
        self.time.on(hours * HOUR_US + us)

    @rule()
    def fire(self) -> None:
        while self.story().fire():
            pass
        for duty in self.all():
            assert duty.next_us is None or duty.next_us > self.time.now_us
            if duty.state == "open" and duty.due_us is not None and duty.due_us < self.time.now_us:
                assert duty.breaches[-1].due_us == duty.due_us
        assert not self.story().fire()

    @rule(id=ids, later=st.integers(-5, 90))
    def extend(self, id: str, later: int) -> None:
        duty = self.stories[0].get(id)
        until_us = max(duty.due_us or duty.earliest_us or 0, START_US) + later * HOUR_US
        if duty.paused_us is not None and later > 0:
            # Beyond what it is with the days for which it has stood still.
            until_us += 7 * DAY_US + 2 * (self.time.now_us - duty.paused_us)
        self._try(id, "extend", later > 0, lambda: self.story().extend(id, "kim", until_us=until_us, **GRANTED))

    @rule(id=ids)
    def pause(self, id: str) -> None:
        duty = self.stories[0].get(id)
        fine = duty.clock.pausable and (duty.due_us is None or duty.due_us >= self.time.now_us)
        self._try(id, "pause", fine, lambda: self.story().pause(id, "kim", **GRANTED))

    @rule(id=ids)
    def resume(self, id: str) -> None:
        before = self.stories[0].get(id)
        self._try(id, "resume", True, lambda: self.story().resume(id, "kim"))
        if before.state == "paused" and before.due_us is not None:
            assert (self.stories[0].get(id).due_us or 0) >= before.due_us

    @rule(id=ids)
    def done(self, id: str) -> None:
        duty = self.stories[0].get(id)
        fine = duty.state != "waiting" or duty.clock.kind == "gate"
        fine = fine and not (duty.state == "paused" and duty.clock.kind in {"hold", "release"})
        fine = fine and (duty.earliest_us is None or duty.earliest_us <= self.time.now_us)
        self._try(id, "done", fine, lambda: self.story().done(id, "kim", SHOWN))

    @rule(id=ids)
    def cancel(self, id: str) -> None:
        self._try(id, "cancel", True, lambda: self.story().cancel(id, "kim", reason="not owed"))

    @rule(id=ids)
    def note(self, id: str) -> None:
        self._try(id, "note", True, lambda: self.story().note(id, "kim", reason="tried"))

    @rule(back=st.integers(0, 2))
    def go(self, back: int) -> None:
        self.story().happened("s", "go", "kim", at_us=self.time.now_us - back * HOUR_US)
        assert all(duty.state != "waiting" for duty in self.all())

    def _try(self, id: str, step: str, fine: bool, take: Any) -> None:  # noqa: FBT001 - said in each call
        before = self.stories[0].get(id)
        allowed = before.state in ALLOWED[step] and (
            step != "extend" or before.clock.extendable or before.clock.kind == "order"
        )
        allowed = allowed and not (step == "extend" and before.due_us is None and before.clock.kind != "hold")
        try:
            take()
        except (StepError, UsageError):
            assert not (allowed and fine), (step, before)
            assert self.stories[0].get(id) == before
        else:
            assert allowed, (step, before)
            assert fine, (step, before)

    @invariant()
    def nothing_is_lost(self) -> None:
        letters = Counter(
            (outgoing(row.body).action.entity, outgoing(row.body).action.note)
            for row in self.store.outbox.waiting(10_000)
        )
        by_itself: Counter[tuple[str, str]] = Counter()
        for duty in self.all():
            file = self.stories[0].file(duty.id)
            assert [step.number for step in file] == list(range(1, duty.pages + 1))
            assert [step.at_us for step in file] == sorted(step.at_us for step in file)
            what = [step.what for step in file]
            assert what.count("breached") == len(duty.breaches)
            assert what.count("opened") == 1
            assert (duty.state == "done") == (what.count("done") == 1)
            assert (duty.state == "cancelled") == (what.count("cancelled") == 1)
            assert duty.ended <= (not duty.alarms)
            assert (duty.state == "paused") <= (not duty.alarms)
            if duty.state == "open" and duty.due_us is not None:
                planned = any(alarm.what == "breached" for alarm in duty.alarms)
                assert planned != (bool(duty.breaches) and duty.breaches[-1].due_us == duty.due_us)
            before = self.seen.get(duty.id)
            if before is not None:
                assert duty.breaches[: len(before.breaches)] == before.breaches
                assert before.version <= duty.version
                assert not before.ended or (before.state, before.done_us) == (duty.state, duty.done_us)
            self.seen[duty.id] = duty
            if duty.clock.kind == "periodic" and duty.state != "cancelled":
                ended = duty.state == "done" or (duty.clock.counts_from == "due" and duty.breaches)
                assert bool(duty.next) == bool(ended)
            by_itself.update((duty.id, step.what) for step in file if step.planned_us is not None)
        assert letters == by_itself

    @invariant()
    def time_runs(self) -> None:
        assert self.time.now_us >= START_US
        assert self.time.now_us < START_US + 3000 * DAY_US


Owing.TestCase.settings = settings(
    max_examples=60, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
TestOwing = Owing.TestCase
