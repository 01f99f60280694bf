"""What an auditor has tried once more: what is left behind, taken back by side doors, or loses its clock on the way."""

from __future__ import annotations

from typing import Literal

import pytest

from tests.operations.kit import DAY_US, HOUR_US, START_US
from tests.operations.orders_kit import Bench
from tests.operations.test_cases import NOTHING, World
from tests.operations.test_enforcing import Court, outcome
from trustward.model.case import Measure


@pytest.mark.parametrize("state", ["unable", "unclear"])
@pytest.mark.parametrize("how", ["withdrawn", "expired"])
def test_nothing_is_left_of_what_was_to_be_done_anew_and_could_not(
    how: str, state: Literal["unable", "unclear"]
) -> None:
    bench = Bench()
    order = bench.executed("a1", until_us=START_US + DAY_US)
    bench.dealing.ask(order.id, "kim", "for how long?")
    bench.dealing.vary(order.id, "kim", "for a week", until_us=START_US + 7 * DAY_US)
    bench.dealing.mark(order.id, "kim", 1, state, "the account is being moved")
    assert bench.in_force("a1") == ["suspend"]
    if how == "withdrawn":
        bench.dealing.withdraw(order.id, "kim", "a mistake", "Sgt Lim")
    else:
        bench.dealing.vary(order.id, "kim", "at once", until_us=START_US + HOUR_US)
        bench.time.on(2 * HOUR_US)
    bench.work()
    assert bench.in_force("a1") == []
    assert [one.state for one in bench.enforcing.of(order.cause)] == ["lifted"]
    assert bench.states(order.id) == ["lifted"]


@pytest.mark.parametrize("secret", [False, True])
def test_what_carries_out_an_order_is_not_taken_back_behind_its_back(*, secret: bool) -> None:
    bench = Bench()
    first, second = (bench.executed("a1", reference=name, secret=secret) for name in ("R-1", "R-2"))
    one, other = (bench.enforcing.letter(bench.enforcing.of(order.cause)[0]) for order in (first, second))
    done = bench.enforcing.reverse(one, "lee", "seen by an analyst")
    assert (done.still, done.inverse, done.again) == ((other,), "", False)
    assert (bench.states(first.id), bench.states(second.id)) == (["lifted"], ["done"])
    page = bench.directives.file(first.id)[-1]
    assert (page.what, page.actor, page.said) == ("lifted", "lee", "seen by an analyst")
    assert bench.in_force("a1") == ["suspend"]
    done = bench.enforcing.reverse(other, "lee", "this one too")
    assert (bool(done.inverse), bench.states(second.id), bench.in_force("a1")) == (True, ["lifted"], [])
    assert bench.enforcing.reverse(other, "lee", "again").again
    assert [one.state for one in bench.enforcing.on("account", "a1")] == ["lifted", "lifted"]


def test_an_action_of_a_measure_is_taken_back_with_its_strike_and_its_label_and_is_told() -> None:
    court = Court(engine=True)
    mark = Measure(do="label", kind="account", entity="a1", note="watched")
    cause = court.close(outcome("fraud/mule", mark))
    court.rounds()
    label, suspended = (
        court.enforcing.letter(next(one for one in court.enforcing.of(cause) if one.do == do))
        for do in ("label", "suspend")
    )
    assert court.enforcing.sheet("account", "a1").count("fraud", court.time()) == 1
    court.enforcing.reverse(suspended, "lee", "the wrong one")
    court.enforcing.reverse(label, "lee", "the wrong one")
    assert [says["do"] for says in court.said("measure.lifted")] == ["suspend"]
    court.rounds()
    assert court.enforcing.sheet("account", "a1").count("fraud", court.time()) == 0
    assert {state for *_, state in court.does(cause)} == {"lifted"}
    assert [(one.label, one.present) for one in court.store.kept.labels("account", "a1")] == [("watched", False)]
    court.host.close()


def test_no_time_is_won_by_merging_a_case_into_a_younger_one() -> None:
    world = World()
    old = world.open("a1")
    world.time.on(2 * DAY_US)
    new, newest = world.open("a2"), world.open("a3")
    goal = world.cases.merge(old.id, "kim", new.id, "one ring")
    goal = world.cases.merge(goal.id, "kim", newest.id, "one ring")
    assert (goal.duty, goal.due_us) == (old.duty, old.due_us)
    assert world.duties.get(new.duty).state == "cancelled"
    assert world.duties.get(newest.duty).state == "cancelled"
    world.time.on(2 * DAY_US)
    world.queues.take(goal.id, "kim")
    world.closing.close(goal.id, "kim", NOTHING)
    late = world.duties.get(old.duty)
    assert (late.state, len(late.breaches)) == ("done", 1)
    younger = world.open("a4")
    world.time.on(DAY_US)
    merged = world.cases.merge(world.open("a5").id, "kim", younger.id, "one ring")
    assert merged.duty == younger.duty


def test_no_time_is_won_by_parting_a_case() -> None:
    world = World()
    old = world.open("a1", entities=(("account", "a2"),))
    world.time.on(2 * DAY_US)
    part = world.cases.split(old.id, "kim", [("account", "a2")], "another matter")
    assert (part.due_us, world.duties.get(part.duty).due_us) == (old.due_us, old.due_us)
