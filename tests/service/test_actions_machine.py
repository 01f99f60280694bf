"""Actions as a state machine: in whatever order things happen, none is lost, none counts twice, each has its inverse.

A receiver that does as the page says is part of the machine: it takes each key once, keeps what is in force by id, and
drops what an inverse undoes. At the end it is compared with what the actions ask for.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.service.outgoing import RETRIES, START, Hand, S, Writing, action, story_over
from trustward.adapters.store.memory import MemoryStore
from trustward.adapters.store.opened import open_store
from trustward.base.errors import ActionError, NotFoundError
from trustward.exchange.webhooks import document
from trustward.model.delivery import Delivery, Handed, Receipt, Target
from trustward.model.effect import INVERSES
from trustward.ports import Store

TARGETS = (
    Target(name="all"),
    Target(name="wide", lanes=3),
    Target(name="holds", actions=("hold",)),
)
NAMES = st.sampled_from(["all", "wide", "holds"])
ENDS = ["ok", "ok", "ok", "lost", "failed", "failed", "refused", "dies"]
VERBS = st.sampled_from(["hold", "hold", "limit", "label", "warn"])
DECIDED = st.lists(st.tuples(VERBS, st.sampled_from("ab"), st.sampled_from([None, 5, 40])), min_size=1, max_size=3)


class Receiving:
    """A receiver that knows keys, as the page asks."""

    def __init__(self) -> None:
        self.bodies: dict[str, object] = {}
        self.order: list[str] = []
        self.force: set[str] = set()

    def take(self, delivery: Delivery) -> None:
        """Take an action; again under the same key is no news."""
        said = document(delivery)
        key = delivery.idempotency_key
        if key in self.bodies:
            assert self.bodies[key] == said, "another content under one key"
            return
        self.bodies[key] = said
        data = said["data"]
        self.order.append(data["id"])
        if data.get("undoes"):
            self.force -= set(data["undoes"])
        elif data["do"] in INVERSES:
            self.force.add(data["id"])


class Actions(RuleBasedStateMachine):
    """Two workers, three targets, a clock that jumps, receivers that fail, and people who change their minds."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Hand()
        self.store = self.open()
        self.other = self.open()
        self.writing = Writing(self.store)
        self.stories = [story_over(store, *TARGETS, clock=self.clock, batch=3) for store in (self.store, self.other)]
        self.receivers = {target.name: Receiving() for target in TARGETS}
        self.held: list[tuple[int, Handed]] = []
        self.written: dict[str, tuple[str, int | None]] = {}
        self.reversed: set[str] = set()
        self.withdrawn: set[str] = set()

    def open(self) -> Store:
        """One more store over the same data."""
        if not hasattr(self, "tables"):
            self.tables = MemoryStore().tables
        return MemoryStore(self.tables)

    # ------------------------------------------------------------------ what may happen

    @initialize()
    def begin(self) -> None:
        self.decide([("hold", "a", 5)])

    @rule(
        some=st.lists(st.tuples(VERBS, st.sampled_from("ab"), st.sampled_from([None, 5, 40])), min_size=1, max_size=3)
    )
    def decide(self, some: list[tuple[str, str, int | None]]) -> None:
        made = [
            action(do, entity, None if lasts is None else lasts * S, note="x" if do == "label" else "")
            for do, entity, lasts in some
        ]
        for key, one in zip(self.writing.add(*made, at_us=self.clock.at_us), made, strict=True):
            ends = None if one.lasts_us is None else self.clock.at_us + one.lasts_us
            self.written[key] = (one.do, ends)

    @rule(which=st.integers(0, 1))
    def tidy(self, which: int) -> None:
        self.stories[which].tidy()

    @rule(which=st.integers(0, 1), name=NAMES)
    def lease(self, which: int, name: str) -> None:
        handed = self.stories[which].lease([name], f"w{which}")
        if handed is not None:
            for _, other in self.held:
                same = (other.target, other.lane) == (handed.target, handed.lane)
                assert not same or other.until_us <= self.clock.at_us, "one lane, two workers"
            self.held.append((which, handed))

    @precondition(lambda self: self.held)
    @rule(
        at=st.integers(0, 9),
        how=st.lists(
            st.sampled_from(["ok", "ok", "ok", "lost", "failed", "failed", "refused", "dies"]), min_size=3, max_size=3
        ),
    )
    def work(self, at: int, how: list[str]) -> None:
        """Go through a lane that is held, perhaps long after somebody else has taken it over."""
        which, handed = self.held.pop(at % len(self.held))
        story = self.stories[which]
        for delivery, outcome in zip(handed.deliveries, how, strict=False):
            if handed.until_us <= self.clock.at_us and not story.keep(handed):
                return
            if outcome in ("ok", "lost", "dies"):
                self.receivers[handed.target].take(delivery)
            if outcome == "dies":
                return  # the worker is gone before it could say so
            ok = outcome == "ok"
            receipt = Receipt(ok=ok, at_us=self.clock.at_us, refused=outcome == "refused")
            if not story.settle(handed, delivery, receipt, last=delivery is handed.deliveries[-1]):
                return
        story.free(handed)

    @rule(which=st.integers(0, 1), name=NAMES, how=st.lists(st.sampled_from(ENDS), min_size=3, max_size=3))
    def go_round(self, which: int, name: str, how: list[str]) -> None:
        """What a worker does in one go, with its notes made up after the time of some effect is over."""
        self.stories[which].pass_on()
        before = len(self.held)
        self.lease(which, name)
        self.clock.at_us += 6 * S
        self.stories[1 - which].undo()
        if len(self.held) > before:
            self.work(-1, how)

    @rule(seconds=st.sampled_from([1, 3, 11, 61, 200]))
    def time_passes(self, seconds: int) -> None:
        self.clock.at_us += seconds * S

    @rule(seconds=st.sampled_from([1, 30, 5000]))
    def the_clock_steps_back(self, seconds: int) -> None:
        """While a worker runs it does not notice; so all of them have been killed."""
        self.held.clear()
        self.clock.at_us -= seconds * S

    @rule(at=st.integers(0, 50), which=st.integers(0, 1))
    def reverse(self, at: int, which: int) -> None:
        key = sorted(self.written)[at % len(self.written)]
        try:
            reversal = self.stories[which].reverse(key, "kim", "mistaken")
        except ActionError:
            return
        self.reversed.add(key)
        if reversal.withdrawn:
            self.withdrawn.add(key)

    @rule(which=st.integers(0, 1), name=NAMES)
    def replay(self, which: int, name: str) -> None:
        self.stories[which].replay(name, "kim")

    @rule()
    def nonsense(self) -> None:
        try:
            self.stories[0].reverse("999-0", "kim", "mistaken")
        except NotFoundError:
            return
        raise AssertionError

    # ------------------------------------------------------------------ what must hold

    @invariant()
    def an_entity_is_told_in_order(self) -> None:
        """No inverse ever comes before its action, nor an action after the inverse that undoes it."""
        for receiver in self.receivers.values():
            for place, key in enumerate(receiver.order):
                if key.endswith("-undo"):
                    assert key.removesuffix("-undo") not in receiver.order[place:]

    def teardown(self) -> None:
        """Let everything come to its end with receivers that are well again, and compare."""
        self.finish()
        now_us = self.clock.at_us
        for target in TARGETS:
            receiver = self.receivers[target.name]
            wanted = {key for key, (do, _) in self.written.items() if target.wants(do) and key not in self.withdrawn}
            got = set(receiver.order)
            # None lost: what is missing had ended while it was dead.
            for key in wanted - got:
                effect = self.stories[0].standing(key).effect
                assert effect is not None
                assert effect.state != "in_force", key
            assert {key for key in got if not key.endswith("-undo")} <= wanted
            # Each inverse: what should be over is over, what should hold holds.
            lasting = {
                key
                for key in wanted
                if self.written[key][0] in INVERSES
                and key not in self.reversed
                and (self.written[key][1] is None or (self.written[key][1] or 0) > now_us)
            }
            same: dict[str, set[str]] = defaultdict(set)
            for key in wanted:
                effect = self.stories[0].standing(key).effect
                if effect is not None:
                    same[effect.same].add(key)
            for keys in same.values():
                # While one of them lasts, those that have ended are not undone one by one.
                assert bool(receiver.force & keys) == bool(lasting & keys), (keys, receiver.force, lasting)
                assert lasting & keys <= receiver.force
        self.store.close()
        self.other.close()

    def finish(self) -> None:
        story = self.stories[0]
        self.clock.at_us = max(self.clock.at_us, START) + 6000 * S
        for _ in range(60):
            moved = story.tidy()
            for target in TARGETS:
                moved += story.replay(target.name, "kim")
                while (handed := story.lease([target.name], "last")) is not None:
                    moved += 1
                    for delivery in handed.deliveries:
                        self.receivers[target.name].take(delivery)
                        receipt = Receipt(ok=True, at_us=self.clock.at_us)
                        story.settle(handed, delivery, receipt, last=delivery is handed.deliveries[-1])
            if not moved and not any(one.waiting or one.dead for one in story.backlog()):
                return
            self.clock.at_us += RETRIES.rests_us[-1]
        raise AssertionError(story.backlog())


class ActionsInSqlite(Actions):
    """The same over SQLite, by two stores as two processes have them."""

    def open(self) -> Store:
        """One more store over the same folder."""
        if not hasattr(self, "folder"):
            self.folder = TemporaryDirectory(prefix="tw-")
        return open_store("", Path(self.folder.name))

    def teardown(self) -> None:
        """See above; then the folder goes."""
        try:
            super().teardown()
        finally:
            self.folder.cleanup()


TestActions = Actions.TestCase
TestActions.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestActionsInSqlite = ActionsInSqlite.TestCase
TestActionsInSqlite.settings = settings(max_examples=12, stateful_step_count=30, deadline=None)
