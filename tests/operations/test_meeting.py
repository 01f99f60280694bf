"""Where the stories meet: what one of them takes back must not undo another's, and nobody is two people."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.operations.clue_kit import MANY, POLICE, REGULATOR, Telling
from tests.operations.kit import DAY_US
from tests.operations.orders_kit import Bench
from tests.operations.test_cases import ACT, NOTHING, World
from tests.operations.test_enforcing import Court
from trustward.base.errors import StepError
from trustward.model.changes import LabelChange, ListChange, decode_change
from trustward.model.effect import outgoing
from trustward.operations.appeals import Hearing
from trustward.operations.closing import Closing
from trustward.operations.copies import CopyWanted
from trustward.operations.directives import TargetWanted
from trustward.operations.enforcing import Taking
from trustward.ports import Store

LINK: dict[str, Any] = {"kind": "domain", "entity": "bad.example", "policy": "p", "reasons": "r", "actor": "kim"}


def standing(store: Store) -> dict[str, int | None]:
    """What the engine has on its lists and as labels once it has done all errands, and until when."""
    found: dict[str, int | None] = {}
    for errand in store.errands.waiting(1_000):
        if errand.kind != "change":
            continue
        change = decode_change(errand.body)
        if isinstance(change, ListChange):
            found.update(dict.fromkeys((f"{change.list}:{value}" for value in change.put), change.expires_us))
            for value in change.gone:
                found.pop(f"{change.list}:{value}", None)
        elif isinstance(change, LabelChange):
            found.pop(change.label, None)
            if change.present:
                found[change.label] = change.expires_us
    return found


def test_a_shorter_measure_does_not_end_a_longer_one() -> None:
    court = Court()
    court.enforcing.take(Taking(do="block_link", cause="case:1", **LINK))
    court.time.on(1)
    short = court.enforcing.take(Taking(do="block_link", cause="order:1", lasts_us=DAY_US, **LINK))
    assert standing(court.store) == {"blocked-domain:bad.example": None}
    court.time.on(1)
    court.enforcing.lift(short.id, "kim", "withdrawn")
    assert standing(court.store) == {"blocked-domain:bad.example": None}


def test_what_is_left_lasts_no_longer_than_it_was_to() -> None:
    court = Court()
    long = court.enforcing.take(Taking(do="block_link", cause="case:1", **LINK))
    court.time.on(1)
    short = court.enforcing.take(Taking(do="block_link", cause="order:1", lasts_us=DAY_US, **LINK))
    court.time.on(1)
    court.enforcing.lift(long.id, "kim", "a mistake")
    assert standing(court.store) == {"blocked-domain:bad.example": short.ends_us}


def test_two_words_for_one_list_are_one() -> None:
    court = Court()
    case = court.enforcing.take(Taking(do="block", cause="case:1", **LINK))
    order = court.enforcing.take(Taking(do="block_link", cause="order:1", **LINK))
    court.time.on(1)
    court.enforcing.lift(case.id, "kim", "a mistake")
    assert standing(court.store) == {"blocked-domain:bad.example": None}
    court.time.on(1)
    court.enforcing.lift(order.id, "kim", "withdrawn")
    assert standing(court.store) == {}


def test_nothing_that_others_read_leads_to_a_secret_measure() -> None:
    court = Court()
    account: dict[str, Any] = {"kind": "account", "entity": "a1", "policy": "p", "reasons": "r", "actor": "trustward"}
    taken = [
        court.enforcing.take(Taking(do=do, note=note, cause="order:1", secret=True, **account))
        for do, note in (("suspend", ""), ("label", "watched"))
    ]
    taken.append(court.enforcing.take(Taking(do="block_link", cause="order:1", secret=True, **LINK)))
    assert {outgoing(row.body).event_id for row in court.store.outbox.waiting(99)} == {"service"}
    bodies = [row.body for row in court.store.outbox.waiting(99)]
    for measure in taken:
        court.enforcing.lift(measure.id, "kim", "over")
    bodies += [row.body for row in court.store.outbox.waiting(99)]
    bodies += [msgspec.json.encode(errand) + errand.body for errand in court.store.errands.waiting(99)]
    bodies += [msgspec.json.encode(row) for row in court.store.audit.read(0, 99)]
    for measure in taken:
        assert not [body for body in bodies if measure.id.encode() in body]
    assert [row.action for row in court.store.audit.read_secret(0, 99)] == ["measure.taken"] * 3 + [
        "measure.lifted"
    ] * 3


def test_a_clue_is_approved_by_another_person() -> None:
    tell = Telling(World())
    case = tell.world.open("a1").id
    clue = tell.draft(case=case, actor="key:1:kim")
    for same in ("key:2:Kim", "key:1"):
        with pytest.raises(StepError, match="second person"):
            tell.clues.approve(clue.id, same)
    assert tell.clues.approve(clue.id, "key:1:lee").state == "approved"


@pytest.mark.parametrize("second", ["key:2:Kim", "key:1"])
def test_the_second_reviewer_is_another_person(second: str) -> None:
    world = World()
    case = world.open(category="counterfeit")
    world.queues.take(case.id, "key:1:kim")
    world.closing.close(case.id, "key:1:kim", ACT)
    with pytest.raises(StepError, match="does not get this case"):
        world.queues.take(case.id, second)
    assert world.queues.next("twice", second) is None
    batch = world.bulk.plan([case.id], ACT, "key:1:kim")
    assert world.bulk.run(batch.id, "key:1:kim").results[case.id].startswith("left out")
    assert world.cases.get(case.id).state == "open"


def test_a_link_that_was_unclear_is_watched_when_it_is_blocked() -> None:
    bench = Bench()
    order = bench.accepted(
        type="access_block", similar="identical", targets=(TargetWanted(kind="domain", entity="bad.example"),)
    )
    bench.dealing.mark(order.id, "kim", 1, "unclear", "which one?")
    bench.dealing.execute(order.id, "kim")
    bench.dealing.mark(order.id, "kim", 1, "waiting", "this one")
    bench.work()
    assert bench.states(order.id) == ["done"]
    assert [copy.value for copy in bench.store.orders.copies(order.id, "", 9, active=True)] == ["bad.example"]


def test_a_target_that_is_dropped_and_added_anew_is_done_anew() -> None:
    bench = Bench()
    order = bench.executed("a1")
    anew = TargetWanted(kind="account", entity="a1", do="limit")
    bench.dealing.vary(order.id, "kim", "limit it only", drop=[1], add=[anew])
    bench.work()
    assert bench.states(order.id) == ["lifted", "done"]
    assert bench.in_force("a1") == ["limit"]


def test_two_orders_on_one_text_keep_it_out_as_long_as_the_longer_one() -> None:
    bench = Bench()
    text = (CopyWanted(kind="text", value="send money now"),)
    bench.executed("a1", copies=text)
    bench.time.on(1)
    short = bench.executed("a1", reference="R-2", copies=text, until_us=bench.time() + DAY_US)
    (value,) = [copy.value for copy in bench.store.orders.copies(short.id, "", 9)]
    assert standing(bench.store)[f"blocked-text:{value}"] is None


def test_who_had_an_order_carried_out_does_not_hear_the_appeal() -> None:
    court = Court()
    bench = Bench(court.store)
    order = bench.directives.call_back(
        bench.receive("a1").id, "key:1:kim", channel="desk", spoke_to="Sgt Lim", said="it is ours"
    )
    bench.dealing.execute(order.id, "key:2:ann")
    bench.work()
    name = court.appeal(order.cause)
    for who in ("key:3:kim", "key:3:Ann"):
        with pytest.raises(StepError, match="decided"):
            court.appeals.take(name, who)
    assert court.appeals.take(name, "key:3:lee").hearer == "key:3:lee"


def test_two_that_are_taken_at_the_same_time_hold_as_long_as_the_longer_one() -> None:
    court = Court()
    _, long = court.enforcing.to_take(Taking(do="block_link", cause="case:1", **LINK))
    court.time.on(1)
    _, short = court.enforcing.to_take(Taking(do="block_link", cause="order:1", lasts_us=DAY_US, **LINK))
    court.store.records.write(long)
    court.store.records.write(short)
    assert standing(court.store) == {"blocked-domain:bad.example": court.time() + DAY_US}
    court.time.on(DAY_US)
    assert court.enforcing.expire() == 1
    assert standing(court.store) == {"blocked-domain:bad.example": None}


def test_a_target_whose_measure_is_taken_back_is_lifted_and_not_done() -> None:
    court = Court()
    bench = Bench(court.store)
    order = bench.executed("a1", "a2", "a3")
    name = court.appeal(order.cause, "a1")
    court.appeals.take(name, "lee")
    court.appeals.decide(name, "lee", Hearing(finding="reversed", reasons="another person"))
    assert (bench.states(order.id), bench.in_force("a1")) == (["lifted", "done", "done"], [])
    page = bench.directives.file(order.id)[-1]
    assert (page.what, page.actor, page.detail) == ("lifted", "lee", {"targets": [1]})
    assert bench.targets(order.id)[0].proof[-1].said == f"appeal {name}: another person"
    bench.enforcing.lift(bench.targets(order.id)[1].measure, "ann", "the wrong one")
    assert bench.states(order.id) == ["lifted", "lifted", "done"]
    bench.dealing.withdraw(order.id, "kim", "over", "police")
    bench.work()
    assert (bench.states(order.id), bench.in_force("a3")) == (["lifted"] * 3, [])


def test_a_case_that_is_acted_on_is_owed_to_the_authority_at_once() -> None:
    telling = Telling(World(), POLICE, REGULATOR)
    world = telling.world
    closing = Closing(world.cases, world.enforcing, draw=lambda: 0.5, owed=telling.clues.to_owe)
    for entity, outcome in (("a1", NOTHING), ("a2", ACT)):
        case = world.open(entity, market="SG")
        world.queues.take(case.id, "lee")
        closing.close(case.id, "lee", outcome)
        owed = [duty.title for duty in telling.duties.of(f"case:{case.id}") if not duty.ended]
        # The police want to know how many have suffered; the regulator is told of anything.
        assert owed == ([] if outcome is NOTHING else ["Tell an authority: Regulator"])
    clue = telling.draft(authority="regulator", case=case.id)
    assert [duty.id for duty in telling.duties.of(f"case:{case.id}") if not duty.ended and duty.id == clue.duty] != []
    _, duties = telling.clues.assess("kim", MANY, case=case.id)
    assert {duty.title for duty in duties} == {"Tell an authority: Regulator", "Tell an authority: Police"}


def test_what_is_merged_into_a_planted_case_is_decided_all_the_same() -> None:
    world = World()
    report = world.report()
    case = world.cases.get(report.case)
    planted = world.queues.plant("all", "boss", case, ACT, "a call")
    merged = world.cases.merge(case.id, "kim", planted.id, "the same ring")
    world.queues.take(merged.id, "lee")
    world.closing.close(merged.id, "lee", ACT)
    assert world.closing.tell() == 1
    assert [one.do for one in world.enforcing.of(f"case:{merged.id}")] != []


def test_an_order_that_is_made_longer_holds_until_its_new_end() -> None:
    bench = Bench()
    text = (CopyWanted(kind="text", value="send money now"),)
    order = bench.executed("a1", copies=text, until_us=bench.time() + DAY_US)
    bench.time.on(1)
    until_us = bench.time() + 9 * DAY_US
    bench.dealing.vary(order.id, "kim", "a week more", until_us=until_us)
    bench.work()
    assert bench.states(order.id) == ["done"]
    assert set(standing(bench.store).values()) == {until_us}
    bench.time.on(2 * DAY_US)
    bench.work()
    assert bench.in_force("a1") == ["suspend"]
    bench.dealing.withdraw(order.id, "kim", "over", "x")
    bench.work()
    assert (bench.in_force("a1"), bench.states(order.id)) == ([], ["lifted"])


@pytest.mark.parametrize("done", [1, 2])
def test_an_order_that_was_made_longer_leaves_nothing_when_it_is_withdrawn(done: int) -> None:
    bench = Bench()
    order = bench.executed("a1", until_us=bench.time() + DAY_US)
    bench.dealing.vary(order.id, "kim", "a week more", until_us=bench.time() + 9 * DAY_US)
    if done == 2:
        bench.work()
    bench.dealing.withdraw(order.id, "kim", "over", "x")
    bench.work()
    assert bench.in_force("a1") == []
    assert [measure.state for measure in bench.enforcing.of(order.cause)] == ["lifted"] * done
