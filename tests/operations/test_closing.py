"""Many cases closed at once, and cases that are closed and held in one step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import msgspec
import pytest

from tests.operations.kit import DAY_US, HOUR_US, START_US
from tests.operations.test_cases import ACT, World
from trustward.base.errors import NotFoundError, StepError, UsageError
from trustward.base.units import format_time
from trustward.exchange.case_view import batch_view, pages_view
from trustward.operations.closing import Preserving
from trustward.ports import Store


def test_a_batch_goes_round_no_checklist_and_no_second_reviewer() -> None:
    world = World()
    twice, listed = (world.open(name, category=name).id for name in ("counterfeit", "spam"))
    results = world.bulk.plan([twice, listed], ACT, "kim").results
    assert "two reviewers" in results[twice]
    assert "looked, asked" in results[listed]
    for item in ("looked", "asked"):
        world.cases.tick(listed, "kim", item)
    assert world.bulk.plan([twice, listed], ACT, "kim").results[listed] == "would be closed"


def test_many_at_once_and_all_taken_back() -> None:
    world = World()
    ids = [world.open(f"b{number}").id for number in range(10)]
    world.queues.take(ids[3], "lee")
    plan = world.bulk.plan([*ids, "nothing"], ACT, "kim")
    assert Counter(plan.results.values())["would be closed"] == 9
    assert "lee is working" in plan.results[ids[3]]
    assert world.letters() == {}
    done = world.bulk.run(plan.id, "kim")
    assert Counter(said == "closed" for said in done.results.values()) == {True: 9, False: 2}
    assert world.letters()["suspend", "case.closed"] == 9
    with pytest.raises(StepError, match="done"):
        world.bulk.run(plan.id, "kim")
    world.delivering.tidy()
    assert world.bulk.reverse(plan.id, "kim", "the wrong list").state == "reversed"
    assert world.delivering.in_force("account", "a1") == []
    with pytest.raises(UsageError):
        world.bulk.plan([], ACT, "kim")
    with pytest.raises(NotFoundError):
        world.bulk.get("none")


def test_who_has_closed_many_at_once_when_and_who_took_it_back(opened: Callable[[], Store]) -> None:
    world = World(opened())
    ids = [world.open(f"b{number}").id for number in range(6)]
    plans = []
    for at in range(3):
        world.time.now_us += HOUR_US
        plans.append(world.bulk.plan(ids[at * 2 : at * 2 + 2], ACT, "kim"))
    first, second, third = plans
    world.bulk.run(first.id, "lee")
    world.time.now_us += HOUR_US
    world.bulk.reverse(first.id, "boss", "the wrong list")
    world.bulk.run(third.id, "kim")
    assert [one.id for one in world.bulk.find()] == [third.id, second.id, first.id]
    assert [one.id for one in world.bulk.find(limit=2)] == [third.id, second.id]
    assert [one.id for one in world.bulk.find(second.id)] == [first.id]
    shown = [
        (one.state, one.actor, one.run_by, one.run, one.cases, one.closed, one.reversed_by, one.reversed, one.why)
        for one in map(batch_view, world.bulk.find())
    ]
    times = [format_time(START_US + hours * HOUR_US) for hours in (3, 4)]
    assert shown == [
        ("done", "kim", "kim", times[1], 2, 2, "", None, ""),
        ("planned", "kim", "", None, 2, 0, "", None, ""),
        ("reversed", "kim", "lee", times[0], 2, 2, "boss", times[1], "the wrong list"),
    ]


POLICE = Preserving(basis="s 20", by="police", until_us=START_US + 90 * DAY_US)


def test_a_case_is_closed_and_held_in_one_step(opened: Callable[[], Store]) -> None:
    world = World(opened())
    case = world.open(entities=(("url", "https://x.example/1"),), market="SG")
    world.queues.take(case.id, "kim")
    with pytest.raises(UsageError, match="over already"):
        world.closing.close(case.id, "kim", ACT, msgspec.structs.replace(POLICE, until_us=START_US))
    with pytest.raises(StepError):
        world.closing.close(case.id, "lee", ACT, POLICE)
    assert world.cases.get(case.id).state == "open"
    assert list(world.keeping.held_entities()) == []
    assert world.closing.close(case.id, "kim", ACT, POLICE).state == "closed"
    assert set(world.keeping.held_entities()) == {("account", "a1"), ("url", "https://x.example/1")}
    (hold,) = world.keeping.on("account", "a1")
    assert (hold.cause, hold.basis, hold.by, hold.actor, hold.market) == (
        f"case:{case.id}",
        "s 20",
        "police",
        "kim",
        "SG",
    )
    assert (hold.until_us, world.duties.get(hold.duty).subject) == (POLICE.until_us, f"hold:{hold.id}")
    page = next(page for page in world.cases.file(case.id) if page.what == "held")
    until = format_time(START_US + 90 * DAY_US)
    assert (page.said, page.detail) == ("s 20", {"hold": hold.id, "by": "police", "until": until})
    world.closing.reverse(case.id, "boss", "mistaken")
    assert world.keeping.held("account", "a1")


def test_a_hold_stands_before_the_second_reviewer_and_not_in_a_check() -> None:
    world = World()
    case = world.open(category="counterfeit")
    world.queues.take(case.id, "kim")
    some = msgspec.structs.replace(POLICE, entities=(("account", "a9"),), linked=True)
    assert world.closing.close(case.id, "kim", ACT, some).state == "open"
    assert set(world.keeping.held_entities()) == {("account", "a9"), ("device", "d1")}
    (page,) = [page for page in pages_view(world.cases.get(case.id), world.cases.file(case.id)) if page.what == "held"]
    assert (page.actor, page.said, page.detail) == ("", "", {})
    planted = world.queues.plant("all", "boss", world.open("a7"), ACT, "as ever")
    world.queues.take(planted.id, "lee")
    with pytest.raises(UsageError, match="over already"):
        world.closing.close(planted.id, "lee", ACT, msgspec.structs.replace(POLICE, until_us=START_US))
    assert world.closing.close(planted.id, "lee", ACT, POLICE).state == "closed"
    assert not world.keeping.held("account", "a7")


def test_a_secret_hold_is_in_no_cases_file() -> None:
    world = World()
    case = world.open()
    world.queues.take(case.id, "kim")
    world.closing.close(case.id, "kim", ACT, msgspec.structs.replace(POLICE, secret=True))
    assert world.keeping.held("account", "a1")
    assert "held" not in world.whats(case.id)
    rows = world.store.audit.read(0, 99)
    assert not any("hold" in row.subject or "hold" in row.action for row in rows if not row.secret)
