"""Preservation holds: in force until released or over, whoever looks; their duties with them."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.operations.kit import DAY_US, HOUR_US, Time, duties_over
from tests.service.outgoing import Writing, action, story_over
from tests.service.test_delivering import drain
from trustward.adapters.store.memory import MemoryStore
from trustward.base.errors import NotFoundError, StepError, UsageError
from trustward.model.delivery import Target
from trustward.model.dossier import DossierQuery, Pair
from trustward.model.duty import Evidence
from trustward.model.hold import Hold
from trustward.operations.holds import Holds, HoldWanted
from trustward.ports import Store

MET = {("account", "a1"): [("device", "d1"), ("account", "a2")]}


class Keeping:
    """Holds over one store."""

    def __init__(self, store: Store | None = None) -> None:
        self.store = store or MemoryStore()
        self.time = Time()
        self.duties = duties_over(self.store, self.time)
        numbers = count(1)
        self.holds = Holds(
            self.store,
            self.duties,
            clock=self.time,
            ids=lambda: f"h{next(numbers):04}",
            links=lambda kind, entity: MET.get((kind, entity), []),
        )

    def place(self, *entities: str, **fields: object) -> Hold:
        said = {"basis": "s 20", "by": "police", "actor": "kim"}
        pairs = tuple(("account", entity) for entity in entities or ("a1",))
        return self.holds.place(HoldWanted(**{"entities": pairs, **said, **fields}))  # type: ignore[arg-type]

    def after(self, us: int) -> int:
        return self.time() + us


def test_from_placing_to_release(opened: Callable[[], Store]) -> None:
    keeping = Keeping(opened())
    holds = keeping.holds
    hold = keeping.place("a1", "a3", cause="order:17", until_us=keeping.after(10 * DAY_US))
    assert holds.held("account", "a1")
    assert set(holds.held_entities()) == {("account", "a1"), ("account", "a3")}
    assert not holds.held("account", "a2")
    duty = keeping.duties.get(hold.duty)
    assert (duty.state, duty.earliest_us, duty.clock.kind) == ("open", hold.until_us, "hold")
    longer = holds.extend(hold.id, "lee", until_us=keeping.after(20 * DAY_US), by="police", reason="still looking")
    assert keeping.duties.get(hold.duty).earliest_us == longer.until_us
    holds.add(hold.id, "lee", [("ip", "1.2.3.4")], "his address")
    assert holds.held("ip", "1.2.3.4")
    keeping.time.on(11 * DAY_US)
    assert holds.expire() == 0
    released = holds.release(hold.id, "lee", by="court", reason="case closed")
    assert (released.state, keeping.duties.get(hold.duty).state) == ("released", "cancelled")
    assert not holds.held("account", "a1")
    assert list(holds.held_entities()) == []
    assert [page.what for page in holds.file(hold.id)] == ["placed", "extended", "widened", "released"]
    assert [row.action for row in keeping.store.audit.read(0, 99) if row.subject == f"hold:{hold.id}"] == [
        "hold.placed",
        "hold.extended",
        "hold.widened",
        "hold.released",
    ]
    assert [one.id for one in holds.on("account", "a1")] == [hold.id]
    with pytest.raises(StepError, match="released"):
        holds.extend(hold.id, "lee", until_us=keeping.after(90 * DAY_US), by="police", reason="more")
    with pytest.raises(NotFoundError):
        holds.release("none", "lee", by="court", reason="r")


def test_an_entity_with_many_holds_shows_them_all() -> None:
    keeping = Keeping()
    for _ in range(101):
        keeping.place("a1")
    assert len(keeping.holds.on("account", "a1")) == 101


def test_ninety_days_by_the_code() -> None:
    keeping = Keeping()
    hold = keeping.place(clock="SG-OCC-5", market="SG", cause="case:9")
    assert hold.until_us == keeping.duties.get(hold.duty).earliest_us
    assert hold.until_us is not None
    keeping.time.now_us = hold.until_us - 1
    assert keeping.holds.expire() == 0
    assert keeping.holds.held("account", "a1")
    keeping.time.now_us = hold.until_us
    # Over, but nobody has said so: until then it is held.
    assert keeping.holds.held("account", "a1")
    assert keeping.holds.expire() == 1
    assert not keeping.holds.held("account", "a1")
    assert keeping.duties.get(hold.duty).state == "done"
    assert keeping.holds.get(hold.id).state == "expired"


def test_a_duty_that_was_extended_keeps_its_hold() -> None:
    keeping = Keeping()
    hold = keeping.place(clock="SG-OCC-5", market="SG")
    assert hold.until_us is not None
    later_us = hold.until_us + 30 * DAY_US
    keeping.duties.extend(hold.duty, "kim", until_us=later_us, authority="police", reason="more")
    keeping.time.now_us = hold.until_us + 1
    assert keeping.holds.expire() == 0
    assert keeping.holds.get(hold.id).until_us == later_us
    keeping.duties.pause(hold.duty, "kim", authority="court", reason="unclear")
    keeping.time.now_us = later_us + 1
    assert keeping.holds.expire() == 0
    assert keeping.holds.held("account", "a1")
    keeping.duties.resume(hold.duty, "kim")
    keeping.holds.expire()
    assert keeping.holds.held("account", "a1")


def test_the_worker_looks_once_a_minute() -> None:
    keeping = Keeping()
    assert keeping.holds.tend() == 0
    keeping.place(until_us=keeping.after(1_000_000))
    keeping.time.on(2_000_000)
    assert keeping.holds.tend() == 0
    assert keeping.holds.held("account", "a1")
    keeping.time.on(60_000_000)
    assert keeping.holds.tend() == 1
    assert not keeping.holds.held("account", "a1")


def test_what_is_linked_is_held_too() -> None:
    keeping = Keeping()
    hold = keeping.place(linked=True, until_us=keeping.after(DAY_US))
    assert hold.entities == (("account", "a1"), ("device", "d1"), ("account", "a2"))
    MET["account", "a1"].append(("ip", "9"))
    try:
        keeping.holds.extend(hold.id, "kim", until_us=keeping.after(2 * DAY_US), by="police", reason="r")
    finally:
        MET["account", "a1"].pop()
    assert keeping.holds.held("ip", "9")


def test_without_an_end_it_is_looked_at_again() -> None:
    keeping = Keeping()
    hold = keeping.place()
    assert hold.until_us is None
    keeping.time.on(200 * DAY_US)
    keeping.duties.fire()
    keeping.duties.done(hold.duty, "kim", Evidence(said="still needed"))
    assert keeping.holds.expire() == 0
    assert len(keeping.duties.of(f"hold:{hold.id}")) > 1
    with pytest.raises(StepError, match="no end"):
        keeping.holds.extend(hold.id, "kim", until_us=keeping.after(DAY_US), by="x", reason="r")
    keeping.holds.release(hold.id, "kim", by="court", reason="over")
    assert all(duty.ended for duty in keeping.duties.of(f"hold:{hold.id}"))


def test_a_secret_one_leaves_no_trace() -> None:
    keeping = Keeping()
    hold = keeping.place(secret=True, until_us=keeping.after(DAY_US), cause="order:8")
    keeping.holds.extend(hold.id, "kim", until_us=keeping.after(2 * DAY_US), by="police", reason="terror")
    assert keeping.holds.held("account", "a1")
    assert list(keeping.holds.find(DossierQuery())) == []
    assert [one.id for one in keeping.holds.find(DossierQuery(secret=True))] == [hold.id]
    assert list(keeping.store.audit.read(0, 99)) == []
    later_us = keeping.after(9 * DAY_US)
    keeping.duties.extend(hold.duty, "kim", until_us=later_us, authority="police", reason="terror")
    keeping.holds.release(hold.id, "kim", by="court", reason="over")
    assert list(keeping.store.audit.read(0, 99)) == []
    assert hold.id not in hold.duty
    assert keeping.duties.get(hold.duty).secret
    assert len(keeping.holds.file(hold.id)) == 3


def test_what_cannot_be_placed() -> None:
    keeping = Keeping()
    for wrong in (
        {"basis": " "},
        {"by": ""},
        {"entities": ()},
        {"until_us": keeping.time()},
        {"clock": "order"},
        {"clock": "SG-OCC-5", "until_us": keeping.after(DAY_US)},
    ):
        with pytest.raises(UsageError):
            keeping.place(**wrong)
    first = keeping.place(id="mine")
    assert keeping.place(id="mine") == first
    with pytest.raises(StepError, match="another"):
        keeping.place("a9", id="mine")


class Holding(RuleBasedStateMachine):
    """Holds in any order of steps: none is lost, whatever is held is known, no duty outlives its hold."""

    def __init__(self) -> None:
        super().__init__()
        self.keeping = Keeping()
        self.live: dict[str, tuple[set[Pair], int | None]] = {}
        self.ended: set[str] = set()

    def _any(self, at: int) -> str | None:
        known = sorted([*self.live, *self.ended])
        return known[at % len(known)] if known else None

    @rule(names=st.sets(st.sampled_from("abc"), min_size=1), days=st.integers(0, 3), secret=st.booleans())
    def place(self, names: set[str], days: int, *, secret: bool) -> None:
        until_us = self.keeping.after(days * DAY_US) if days else None
        hold = self.keeping.place(*sorted(names), until_us=until_us, secret=secret)
        self.live[hold.id] = (set(hold.entities), hold.until_us)

    @rule(at=st.integers(0, 9), days=st.integers(1, 5))
    def extend(self, at: int, days: int) -> None:
        id = self._any(at)  # noqa: A001 - it is the record's
        if id is None:
            return
        until_us = self.keeping.after(days * DAY_US)
        had = self.live.get(id, (set(), None))[1]
        try:
            self.keeping.holds.extend(id, "kim", until_us=until_us, by="x", reason="r")
        except (StepError, UsageError):
            assert had is None or until_us <= had
        else:
            assert had is not None
            assert until_us > had
            self.live[id] = (self.live[id][0], until_us)

    @rule(at=st.integers(0, 9), name=st.sampled_from("abc"))
    def add(self, at: int, name: str) -> None:
        id = self._any(at)  # noqa: A001 - the same
        if id in self.live:
            self.keeping.holds.add(id, "kim", [("account", name)], "r")
            self.live[id][0].add(("account", name))

    @rule(at=st.integers(0, 9))
    def release(self, at: int) -> None:
        id = self._any(at)  # noqa: A001 - the same
        if id is None:
            return
        try:
            self.keeping.holds.release(id, "kim", by="court", reason="r")
        except StepError:
            assert id in self.ended
        else:
            del self.live[id]
            self.ended.add(id)

    @rule(hours=st.integers(1, 40))
    def wait(self, hours: int) -> None:
        self.keeping.time.on(hours * HOUR_US)
        self.keeping.duties.fire()
        ends = {name: until for name, (_, until) in self.live.items() if until is not None}
        over = {name for name, until in ends.items() if until <= self.keeping.time()}
        assert self.keeping.holds.expire() == len(over)
        for name in over:
            del self.live[name]
            self.ended.add(name)

    @invariant()
    def held(self) -> None:
        holds = self.keeping.holds
        wanted = {pair for pairs, _ in self.live.values() for pair in pairs}
        assert set(holds.held_entities()) == wanted
        assert {("account", name) for name in "abc" if holds.held("account", name)} == wanted
        for id in self.live:  # noqa: A001 - the same
            assert any(not duty.ended for duty in self.keeping.duties.of(f"hold:{id}"))
        for id in self.ended:  # noqa: A001 - the same
            assert all(duty.ended for duty in self.keeping.duties.of(f"hold:{id}"))


Holding.TestCase.settings = settings(
    max_examples=40, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
TestHolding = Holding.TestCase


def test_nothing_leaves_the_outbox_while_anything_is_held() -> None:
    keeping = Keeping()
    story = story_over(keeping.store, Target(name="shop"), clock=keeping.time)
    (key,) = Writing(keeping.store).add(action("warn"), at_us=keeping.time())
    assert story.pass_on() == 1
    assert drain(story) == [key]
    hold = keeping.place("somebody else", until_us=keeping.after(800 * DAY_US))
    keeping.time.on(400 * DAY_US)
    assert story.prune() == 0
    keeping.holds.release(hold.id, "kim", by="police", reason="not needed any more")
    keeping.time.on(DAY_US)
    assert story.prune() == 1
