"""Orders in any order of steps: none that is not allowed, nothing done before it is authentic, nothing left behind."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.operations.kit import DAY_US, HOUR_US
from tests.operations.orders_kit import KEY, Bench
from trustward.base.errors import StepError, UsageError
from trustward.model.directive import ALLOWED, Directive
from trustward.operations.copies import CopyWanted
from trustward.operations.directives import ClockWanted, TargetWanted

PICK = st.integers(0, 30)
ENTITIES = st.lists(st.sampled_from(["a1", "a2", "a3", "a4"]), min_size=1, max_size=3, unique=True)
STEPS = st.sampled_from(["report", "clarified", "ask", "tell", "note", "acknowledge", "challenge", "decided"])
_ENDED = ("rejected", "withdrawn", "expired")


class Ordering(RuleBasedStateMachine):
    """Two issuers, four accounts, any number of orders about the same of them."""

    def __init__(self) -> None:
        super().__init__()
        self.bench = Bench()
        self.ids: list[str] = []
        self.pages: dict[str, list[object]] = {}
        self.authentic: set[str] = set()

    def pick(self, at: int) -> Directive | None:
        return self.bench.directives.get(self.ids[at % len(self.ids)]) if self.ids else None

    def may(self, order: Directive, step: str) -> bool:
        return order.state in ALLOWED[step]

    @rule(
        entities=ENTITIES,
        signed=st.sampled_from(["", "well", "badly"]),
        secret=st.booleans(),
        lasts=st.sampled_from([0, 5]),
        copies=st.booleans(),
    )
    def receive(self, entities: list[str], signed: str, lasts: int, *, secret: bool, copies: bool) -> None:
        now_us = self.bench.time()
        document = f"order {len(self.ids)}".encode()
        order = self.bench.receive(
            *entities,
            reference=f"R-{len(self.ids)}",
            secret=secret,
            document=document if signed else b"",
            signature={"": b"", "well": KEY.sign(document), "badly": KEY.sign(b"x")}[signed],
            until_us=now_us + lasts * HOUR_US if lasts else None,
            copies=(CopyWanted(kind="image", value="ffee"),) if copies else (),
            clocks=(
                ClockWanted(clock="SG-ACT-comply", due_us=now_us + HOUR_US),
                ClockWanted(clock="SG-ACT-completion", due_us=now_us + DAY_US),
            ),
        )
        assert order.state == ("accepted" if signed == "well" else "received")
        self.ids.append(order.id)
        if order.authentic is not None:
            self.authentic.add(order.id)

    @rule(at=PICK)
    def call_back(self, at: int) -> None:
        order = self.pick(at)
        if order is not None:
            calling = self.bench.directives.call_back
            how = {"channel": "desk", "spoke_to": "Sgt Lim", "said": "yes"}
            if self.attempt(lambda: calling(order.id, "kim", **how), may=self.may(order, "call_back")):
                self.authentic.add(order.id)

    @rule(at=PICK)
    def reject(self, at: int) -> None:
        order = self.pick(at)
        if order is not None:
            self.attempt(lambda: self.bench.directives.reject(order.id, "kim", "no"), may=self.may(order, "reject"))

    @rule(at=PICK)
    def execute(self, at: int) -> None:
        order = self.pick(at)
        if order is not None:
            self.attempt(lambda: self.bench.dealing.execute(order.id, "kim"), may=self.may(order, "execute"))

    @rule(at=PICK, authority=st.just("Sgt Lim"))
    def withdraw(self, at: int, authority: str) -> None:
        order = self.pick(at)
        if order is not None:
            dealing = self.bench.dealing
            self.attempt(lambda: dealing.withdraw(order.id, "kim", "over", authority), may=self.may(order, "withdraw"))

    @rule(at=PICK, entities=ENTITIES, drop=st.lists(st.integers(1, 3), max_size=2), longer=st.booleans())
    def vary(self, at: int, entities: list[str], drop: list[int], *, longer: bool) -> None:
        order = self.pick(at)
        if order is not None:
            drop = [number for number in drop if number <= order.targets]
            add = tuple(TargetWanted(kind="account", entity=entity) for entity in entities)
            until_us = order.until_us + 5 * HOUR_US if longer and order.until_us is not None else None
            dealing = self.bench.dealing
            self.attempt(
                lambda: dealing.vary(order.id, "kim", "other ones", add=add, drop=drop, until_us=until_us),
                may=self.may(order, "vary"),
            )

    @rule(at=PICK, step=STEPS)
    def other(self, at: int, step: str) -> None:
        order = self.pick(at)
        if order is None:
            return
        dealing, may = self.bench.dealing, self.may(order, step)
        if step == "decided":
            may = may and bool(order.challenges) and not order.challenges[0].result
            if not order.challenges:
                return
        steps: dict[str, Callable[[], object]] = {
            "report": lambda: dealing.report(order.id, "kim"),
            "clarified": lambda: dealing.clarified(order.id, "kim", "this one"),
            "ask": lambda: dealing.ask(order.id, "kim", "which one?"),
            "tell": lambda: dealing.tell(order.id, "kim", "progress", "half"),
            "note": lambda: dealing.note(order.id, "kim", "seen"),
            "acknowledge": lambda: self.bench.directives.acknowledge(order.id, "kim"),
            "challenge": lambda: dealing.challenge(order.id, "kim", "reconsideration", "wrong"),
            "decided": lambda: dealing.decided(order.id, "kim", 1, "upheld", "right"),
        }
        self.attempt(steps[step], may=may)

    @rule(at=PICK, number=st.integers(1, 3), state=st.sampled_from(["unable", "unclear", "waiting", "done"]))
    def mark(self, at: int, number: int, state: str) -> None:
        order = self.pick(at)
        if order is None or number > order.targets:
            return
        target = self.bench.directives.target(order.id, number)
        may = self.may(order, "mark") and target.state in {"waiting", "by_hand", "unclear", "unable"}
        may = may and (state != "done" or order.state == "executing")
        dealing = self.bench.dealing
        self.attempt(lambda: dealing.mark(order.id, "kim", number, state, "so"), may=may)  # type: ignore[arg-type]

    @rule(hours=st.integers(0, 30))
    def wait(self, hours: int) -> None:
        self.bench.time.on(hours * HOUR_US + 1)
        self.bench.duties.fire()

    @rule(rounds=st.integers(1, 3))
    def work(self, rounds: int) -> None:
        for _ in range(rounds):
            self.bench.executing.work()

    def attempt(self, step: Callable[[], object], *, may: bool) -> bool:
        before = {name: len(self.bench.directives.file(name)) for name in self.ids}
        try:
            step()
        except StepError:
            assert not may
            assert before == {name: len(self.bench.directives.file(name)) for name in self.ids}
            return False
        except UsageError as fault:
            raise AssertionError(str(fault)) from fault
        assert may
        return True

    @invariant()
    def nothing_is_done_before_it_is_authentic(self) -> None:
        for name in self.ids:
            order = self.bench.directives.get(name)
            assert (order.authentic is not None) == (name in self.authentic)
            if order.authentic is None:
                assert self.bench.enforcing.of(order.cause) == []
                assert all(not target.measure for target in self.bench.targets(name))
                assert not any(copy.active for copy in self.bench.store.orders.copies(name))

    @invariant()
    def no_page_is_lost_or_rewritten(self) -> None:
        for name in self.ids:
            pages: list[object] = list(self.bench.directives.file(name))
            assert [page.number for page in self.bench.directives.file(name)] == list(range(1, len(pages) + 1))
            had = self.pages.get(name, [])
            assert pages[: len(had)] == had
            self.pages[name] = pages

    @invariant()
    def no_duty_is_lost(self) -> None:
        for name in self.ids:
            order = self.bench.directives.get(name)
            duties = [self.bench.duties.get(clocked.duty) for clocked in order.duties]
            assert len(duties) >= 2
            assert all(duty.secret == order.secret for duty in duties)
            if order.state in _ENDED:
                assert all(duty.ended for duty in duties)
            elif order.state != "reported":
                assert not duties[1].ended or "outcome" in order.told

    def teardown(self) -> None:
        """When the workers have done what there is, no measure is left of an order that has ended."""
        self.bench.work()
        wanted: set[str] = set()
        for name in self.ids:
            order = self.bench.directives.get(name)
            measures = self.bench.enforcing.of(order.cause)
            targets = self.bench.targets(name)
            if order.ended:
                assert {one.state for one in measures} <= {"lifted"}
                assert not {target.state for target in targets} & {"done", "lifting"}
                assert not any(copy.active for copy in self.bench.store.orders.copies(name))
            else:
                wanted |= {target.entity for target in targets if target.state == "done" and target.measure}
                assert not {target.state for target in targets} & {"lifting"} or order.state == "unclear"
        for entity in ("a1", "a2", "a3", "a4"):
            left = bool(self.bench.in_force(entity))
            unclear = any(self.bench.directives.get(name).state == "unclear" for name in self.ids)
            assert left == (entity in wanted) or unclear, (entity, wanted)


TestOrdering = Ordering.TestCase
TestOrdering.settings = settings(
    max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
