"""What an auditor has tried: steps at the same time, by side doors, and while a clock stands still."""

from __future__ import annotations

from concurrent.futures import Future
from threading import Event
from typing import cast

import msgspec
import pytest

from tests.operations.clue_kit import MANY, plain
from tests.operations.kit import DAY_US, HOUR_US, START_US, Time, duties_over
from tests.operations.orders_kit import Bench
from tests.operations.test_cases import ACT, NOTHING, World
from tests.operations.test_enforcing import Court, outcome
from tests.operations.test_programmes import NOTICE
from tests.service.kit import DECODER
from trustward.adapters.store.memory import MemoryStore
from trustward.base.errors import NotFoundError, StepError, StoreError, UsageError
from trustward.exchange.case_view import case_view
from trustward.exchange.duty_view import duty_view
from trustward.exchange.masked import masked_case
from trustward.model.case import CaseQuery, Measure
from trustward.model.changes import Change, ListChange
from trustward.model.clocks import Clock
from trustward.model.delivery import Delivery, Receipt, Target
from trustward.model.duty import Evidence
from trustward.model.effect import outgoing
from trustward.model.report import LegalNotice
from trustward.operations.appeals import Hearing
from trustward.operations.copies import CopyWanted
from trustward.operations.deciding import Deciding
from trustward.operations.directives import ClockWanted
from trustward.operations.duties import Owed
from trustward.operations.enforcing import Taking
from trustward.operations.errands import Errands
from trustward.operations.requests import Answering
from trustward.operations.working import Working


class Failing:
    """An engine whose first commit fails, and the one behind it does not."""

    def __init__(self) -> None:
        self.fails = True
        self.done: list[str] = []

    def change(self, change: Change) -> Future[int]:
        future: Future[int] = Future()
        assert isinstance(change, ListChange)
        if self.fails and change.put:
            future.set_exception(StoreError("the disk is full", remedy="make room"))
        else:
            self.done.append("put" if change.put else "gone")
            future.set_result(1)
        return future


GOOD_FAITH = LegalNotice(law="Trade Marks Act, s 28", place="listing l1", good_faith=True)


def test_what_is_granted_while_a_clock_stands_still_is_due_when_it_was_granted() -> None:
    time, store = Time(), MemoryStore()
    duties = duties_over(store, time)
    (duty,) = duties.open(Owed(clock="SG-ACT-comply", subject="s", actor="kim", due_us=START_US + 10 * DAY_US))
    duties.pause(duty.id, "kim", authority="MHA", reason="unclear")
    time.on(4 * DAY_US)
    with pytest.raises(UsageError, match="beyond what there was"):
        # It is due then anyhow, as long as it has stood still by now.
        duties.extend(duty.id, "kim", until_us=START_US + 12 * DAY_US, authority="MHA", reason="asked")
    until_us = START_US + 20 * DAY_US
    duties.extend(duty.id, "kim", until_us=until_us, authority="MHA", reason="asked")
    time.on(DAY_US)
    assert duties.resume(duty.id, "kim").due_us == until_us + DAY_US


def test_a_reporter_is_told_although_the_clock_stands_still() -> None:
    world = World()
    notice = world.report("brand", "l1", channel="notice", category="spam", notice=GOOD_FAITH)
    later = world.report("u1", "a2")
    world.duties.pause(notice.duty, "kim", authority="legal", reason="the sender was asked back")
    world.duties.pause(f"case-{notice.case}", "kim", authority="legal", reason="the sender was asked back")
    for item in ("looked", "asked"):
        world.cases.tick(notice.case, "kim", item)
    for case in (notice.case, later.case):
        world.queues.take(case, "kim")
        world.closing.close(case, "kim", NOTHING)
    assert world.closing.tell() == 2
    ended = [world.duties.get(name) for name in (notice.duty, f"case-{notice.case}", later.duty)]
    assert [(one.state, one.breaches) for one in ended] == [("done", ())] * 3


def test_an_order_is_done_although_its_clock_stands_still() -> None:
    bench = Bench()
    order = bench.accepted("a1")
    comply = order.duties[0].duty
    bench.duties.pause(comply, "kim", authority="Sgt Lim", reason="asked by telephone")
    bench.dealing.execute(order.id, "kim")
    bench.work()
    assert bench.duties.get(comply).state == "done"


@pytest.mark.parametrize("how", ["withdrawn", "expired", "cancelled"])
def test_what_outlives_an_order_goes_on_when_the_order_ends_unanswered(how: str) -> None:
    bench = Bench()
    clocks = (ClockWanted(clock="SG-OCC-5"), ClockWanted(clock="SG-ACT-comply", due_us=START_US + 4 * HOUR_US))
    order = bench.accepted("a1", clocks=clocks, until_us=START_US + DAY_US)
    keep = order.duties[0].duty
    bench.dealing.challenge(order.id, "kim", "reconsideration", "too wide")
    bench.dealing.ask(order.id, "kim", "which a1?")
    assert bench.duties.get(keep).state == "paused"
    bench.time.on(HOUR_US)
    if how == "withdrawn":
        bench.dealing.withdraw(order.id, "kim", "a mistake", "Sgt Lim")
    elif how == "cancelled":
        bench.dealing.decided(order.id, "kim", 1, "cancelled", "too wide indeed")
    else:
        bench.time.on(DAY_US)
        bench.work()
    assert [bench.duties.get(one.duty).state for one in order.duties] == ["open", "cancelled"]
    assert bench.directives.get(order.id).paused == ()


def test_a_hold_that_stands_still_is_not_over_by_a_word() -> None:
    time = Time()
    clock = Clock(id="keep", kind="hold", title="t", most="5 days", pausable=True)
    duties = duties_over(MemoryStore(), time, clock)
    (duty,) = duties.open(Owed(clock="keep", subject="s", actor="kim"))
    duties.pause(duty.id, "kim", authority="court", reason="a legal hold")
    with pytest.raises(StepError, match="resume its clock"):
        duties.done(duty.id, "kim", Evidence(said="deleted"))


def test_two_who_run_a_batch_leave_nothing_that_cannot_be_taken_back() -> None:
    world = World()
    ids = [world.open(f"b{number}").id for number in range(4)]
    plan = world.bulk.plan(ids, ACT, "kim")
    # The other one has read the batch before this one ran it.
    seen = world.bulk.get(plan.id)
    world.bulk.run(plan.id, "kim")
    for name in ids:
        assert world.bulk._one(seen, name, "lee").results[name] == "closed"
    world.bulk.reverse(plan.id, "boss", "the wrong list")
    assert all(world.cases.get(name).reversed is not None for name in ids)


def test_a_batch_that_is_taken_back_closes_no_more() -> None:
    world = World()
    ids = [world.open(f"b{number}").id for number in range(4)]
    plan = world.bulk.plan(ids, ACT, "kim")
    running = world.bulk._one(world.bulk.get(plan.id), ids[0], "kim")
    world.bulk.reverse(plan.id, "boss", "the wrong list")
    with pytest.raises(StepError, match="reversed"):
        world.bulk._one(running, ids[1], "kim")
    assert world.cases.get(ids[1]).state == "open"


def test_a_report_that_is_looked_at_anew_counts_once_for_its_sender() -> None:
    court = Court()
    report = court.report("u1", market="SG")
    court.queues.take(report.case, "key:1:kim")
    court.closing.close(report.case, "key:1:kim", NOTHING)
    court.closing.tell()
    name = court.appeal(f"case:{report.case}", "u1")
    court.appeals.take(name, "ann")
    court.appeals.decide(name, "ann", Hearing(finding="reversed", reasons="not looked at"))
    again, duty = court.reports.get(report.id).case, court.reports.get(report.id).duty
    assert (duty != report.duty, court.duties.get(duty).state) == (True, "open")
    court.queues.take(again, "lee")
    court.closing.close(again, "lee", ACT)
    court.closing.tell()
    who = court.reports.reporter("user", "u1")
    assert (who.sent, who.upheld, who.rejected) == (1, 1, 0)
    assert court.duties.get(duty).state == "done"
    resolved = [one for one in court.store.errands.waiting(9) if ":resolved" in one.id]
    assert [msgspec.json.decode(one.body)["outcome"] for one in resolved] == ["refused", "upheld"]


def looked_at_anew(court: Court) -> str:
    """A case that is looked at anew, because a reporter's appeal against what kim decided was right."""
    report = court.report("u1", market="SG")
    court.queues.take(report.case, "key:1:kim")
    court.closing.close(report.case, "key:1:kim", NOTHING)
    court.closing.tell()
    name = court.appeal(f"case:{report.case}", "u1")
    court.appeals.take(name, "ann")
    court.appeals.decide(name, "ann", Hearing(finding="reversed", reasons="not looked at"))
    return court.reports.get(report.id).case


def test_who_decided_does_not_decide_anew_by_another_key() -> None:
    court = Court()
    case = looked_at_anew(court)
    for kim in ("key:1:kim", "key:2:Kim", "key:1"):
        with pytest.raises(StepError, match="does not get this case"):
            court.queues.take(case, kim)
        with pytest.raises(StepError, match="does not get this case"):
            court.cases.assign(case, "boss", kim)
        assert court.queues.next("all", kim) is None
        assert court.cases.store.cases.lease_of(case, court.time()) is None
    assert court.work("lee").id == case


def test_who_decided_does_not_decide_anew_in_a_batch() -> None:
    court = Court()
    case = looked_at_anew(court)
    plan = court.bulk.plan([case], ACT, "key:2:kim")
    assert "another reviewer" in plan.results[case]
    assert court.bulk.run(plan.id, "key:2:kim").results == plan.results
    assert court.cases.get(case).state == "open"


def test_who_decided_does_not_decide_anew_in_a_case_it_is_merged_into_or_hear_of_it() -> None:
    court = Court()
    case = looked_at_anew(court)
    goal = court.open("a2")
    court.queues.take(goal.id, "key:1:kim")
    court.cases.merge(case, "key:1:kim", goal.id, "one ring")
    with pytest.raises(StepError, match="another reviewer"):
        court.closing.close(goal.id, "key:1:kim", NOTHING)
    court.queues.release(goal.id, "key:1:kim")
    court.queues.take(goal.id, "lee")
    court.closing.close(goal.id, "lee", ACT)
    name = court.appeal(f"case:{goal.id}", "a1")
    with pytest.raises(StepError, match="who decided"):
        court.appeals.take(name, "key:2:kim")


def test_a_first_opinion_is_not_lost_by_merging() -> None:
    world = World()
    first, goal = world.open("a1", category="counterfeit"), world.open("a2")
    world.work("kim", "twice")
    world.closing.close(first.id, "kim", ACT)
    world.cases.merge(first.id, "kim", goal.id, "one shop")
    with pytest.raises(StepError, match="does not get this case"):
        world.queues.take(goal.id, "kim")
    with pytest.raises(StepError, match="does not get this case"):
        world.queues.take(goal.id, "key:9:Kim")


def test_what_only_checks_reviewers_looks_like_any_other_and_reaches_nobody() -> None:
    world = World()
    real = world.open("a1", category="spam", said="a call")
    planted = world.queues.plant("listed", "kim", real, ACT, "a call")
    alike = [
        msgspec.structs.replace(case, id="", duty="", version=0, golden=None)
        for case in (world.cases.get(real.id), planted)
    ]
    assert alike[0] == alike[1]
    views = [duty_view(world.duties.get(f"case-{case.id}"), world.time()) for case in (real, planted)]
    assert msgspec.structs.replace(views[0], id="", subject="") == msgspec.structs.replace(views[1], id="", subject="")
    assert world.whats(real.id) == world.whats(planted.id)
    for case in (real.id, planted.id):
        for item in ("looked", "asked"):
            world.cases.tick(case, "kim", item)
    before = world.letters()
    world.cases.note(planted.id, "kim", "why?", to=("account", "a1"))
    assert world.letters() == before
    plan = world.bulk.plan([real.id, planted.id], NOTHING, "kim")
    assert set(plan.results.values()) == {"would be closed"}
    assert set(world.bulk.run(plan.id, "kim").results.values()) == {"closed"}
    assert world.queues.reviewer("kim").golden == 1
    assert world.duties.get(f"case-{planted.id}").state == "done"
    assert world.bulk.reverse(plan.id, "boss", "the wrong list").state == "reversed"
    assert world.cases.get(real.id).reversed is not None


def test_what_only_checks_reviewers_is_no_evidence() -> None:
    telling = plain()
    case = telling.world.open()
    telling.world.queues.plant("all", "boss", case, ACT, "a call")
    asked = telling.ask()
    telling.requests.verify(asked.id, "kim", "called back", genuine=True)
    answered = telling.requests.answer(asked.id, Answering(actor="kim", handed="by courier"))
    lines = telling.files(answered.bundle)["cases.ndjson"].splitlines()
    assert [msgspec.json.decode(line)["id"] for line in lines] == [case.id]


def test_another_officer_is_another_person() -> None:
    bench = Bench()
    story = bench.programmes
    notice = story.open(NOTICE, "kim")
    story.remedy(notice.id, "key:1:lee", 1, "answered", ("report:7",))
    for lee in ("key:2:Lee", "key:1"):
        with pytest.raises(StepError, match="another officer"):
            story.attest(notice.id, lee, 1, "looked")
    assert story.attest(notice.id, "key:1:kim", 1, "looked").items[0].state == "attested"


def test_the_progress_that_is_due_first_is_told_first() -> None:
    bench = Bench()
    late_us, soon_us = START_US + 40 * DAY_US, START_US + 10 * DAY_US
    wanted = msgspec.structs.replace(NOTICE, progress_us=(late_us, soon_us))
    notice = bench.programmes.open(wanted, "kim")
    told = bench.programmes.progress(notice.id, "kim", "half of it")
    assert [(one.due_us, one.state) for one in (bench.duties.get(one.duty) for one in told.progress)] == [
        (soon_us, "done"),
        (late_us, "open"),
    ]


def test_cases_about_an_entity_page_by_page_and_only_those_asked_for() -> None:
    world = World()
    ids = []
    for _ in range(5):
        ids.append(world.open().id)
        world.queues.take(ids[-1], "kim")
        world.closing.close(ids[-1], "kim", NOTHING)
        world.time.on(HOUR_US)
    ids.append(world.open().id)
    query = CaseQuery(kind="account", entity="a1")
    first = world.cases.find(query, limit=4)
    rest = world.cases.find(query, first[-1].id, 4)
    assert [case.id for case in (*first, *rest)] == ids[::-1]
    assert [case.id for case in world.cases.find(msgspec.structs.replace(query, state="open"), limit=2)] == ids[-1:]


@pytest.mark.parametrize("how", ["secret", "withhold"])
def test_users_are_told_when_what_was_kept_from_them_may_be(how: str) -> None:
    bench = Bench()
    order = bench.executed("a1", market="SG", **{how: True})
    (measure,) = bench.enforcing.of(order.cause)
    assert (measure.notice, measure.appeal_until_us) == ("withheld", None)
    after = bench.executing.tell_users(order.id, "lee", "the trial is public")
    assert bench.whats(order.id)[-1] == "users_told"
    told = bench.enforcing.get(measure.id)
    assert (told.notice, (told.appeal_until_us or 0) > bench.time()) == ("sent", True)
    assert [verb for verb, step, _ in bench.told() if step == "measure.taken" and verb == "inform"] == ["inform"]
    assert not after.withhold
    if how == "withhold":
        with pytest.raises(StepError, match="nothing is kept"):
            bench.executing.tell_users(order.id, "lee", "again")


def test_what_fails_keeps_nothing_else_from_being_done() -> None:
    world = World()
    done: list[str] = []

    def broken() -> int:
        raise StepError("a fault", remedy="none")

    def other() -> int:
        done.append("other")
        return 1

    world.enforcing.take(
        Taking(do="suspend", kind="account", entity="a1", cause="c", policy="p", reasons="r", actor="k")
    )
    sent: list[Delivery] = []

    def send(_target: Target, delivery: Delivery) -> Receipt:
        sent.append(delivery)
        return Receipt(at_us=world.time(), ok=True)

    rounds = Working(world.delivering, send, "w", Event(), timeout_us=1, chores=(broken, other))
    with pytest.raises(StepError, match="a fault"):
        rounds.tidy()
    assert done == ["other"]
    assert world.delivering.in_force("account", "a1") != []


def test_authorities_and_notices_are_heard_however_many_they_are() -> None:
    world = World()
    for channel in ("authority", "flagger", "service", "notice"):
        said: dict[str, object] = {"notice": GOOD_FAITH} if channel == "notice" else {}
        states = {world.report("desk", f"{channel}-{at}", channel=channel, **said).state for at in range(25)}
        assert states == {"received"}, channel
    assert [world.report("u1", f"u-{at}").state for at in range(21)][-1] == "set_aside"


def test_an_authority_is_not_suspended() -> None:
    world = World()
    for at in range(12):
        report = world.report("police", f"p-{at}", channel="authority")
        world.queues.take(report.case, "kim")
        world.closing.close(report.case, "kim", NOTHING)
        world.closing.tell()
        world.time.on(HOUR_US)
        world.queues.rest("kim")
        world.time.on(HOUR_US)
    assert world.reports.reporter("authority", "police").rejected == 12
    assert world.report("police", "p-last", channel="authority").state == "received"
    assert not [step for _, step in world.letters() if step.startswith("reporter.")]


def test_nothing_is_known_or_served_before_its_time() -> None:
    telling, bench = plain(), Bench()
    later_us = telling.time() + DAY_US
    with pytest.raises(UsageError, match="before its time"):
        telling.clues.assess("kim", MANY, subject=("account", "a1"), known_us=later_us)
    with pytest.raises(UsageError, match="not been served"):
        bench.receive("a1", served_us=later_us)


def test_an_order_without_targets_is_not_carried_out_by_having_it_carried_out() -> None:
    bench = Bench()
    clocks = (ClockWanted(clock="SG-ACT-comply", due_us=START_US + 4 * HOUR_US),)
    order = bench.executed(type="information", targets=(), clocks=clocks)
    comply = order.duties[0].duty
    assert (order.state, bench.duties.get(comply).state) == ("executed", "open")
    bench.dealing.report(order.id, "kim", "what was asked for is in the annex")
    assert bench.duties.get(comply).state == "done"
    kept_out = (CopyWanted(kind="text", value="send money now"),)
    copies = bench.executed(type="disable", targets=(), clocks=clocks, copies=kept_out, reference="R-2")
    assert bench.duties.get(copies.duties[0].duty).state == "done"


def test_errands_are_done_in_their_order_when_one_has_to_wait() -> None:
    court = Court()
    measure = court.enforcing.take(
        Taking(do="block", kind="device", entity="d1", cause="c", policy="p", reasons="r", actor="k")
    )
    court.time.on(1)
    court.enforcing.lift(measure.id, "k", "a mistake")
    host = Failing()
    errands = Errands(court.store, cast("Deciding", host), DECODER)
    errands.run()
    host.fails = False
    errands.run()
    assert host.done == ["gone", "put", "gone"]
    assert court.store.errands.waiting(9) == []


def test_an_appeal_undoes_what_was_done_to_who_appeals_and_not_what_is_nobodys() -> None:
    court = Court()
    link = Measure(do="block_link", kind="domain", entity="bad.example")
    device = Measure(do="block", kind="device", entity="d1")
    suspended = Measure(do="suspend", kind="account", entity="a1", lasts="7d")
    cause = court.close(outcome("by hand", link, device, suspended))
    name = court.appeal(cause)
    court.appeals.take(name, "ann")
    court.appeals.decide(name, "ann", Hearing(finding="reversed", reasons="it was somebody else's link"))
    assert court.does(cause) == [
        ("block_link", "bad.example", "in_force"),
        ("block", "d1", "in_force"),
        ("suspend", "a1", "lifted"),
    ]
    assert court.cases.get(cause.removeprefix("case:")).reversed is None
    with pytest.raises(NotFoundError):
        court.appeal(cause, "a2")


def test_an_appeal_against_an_order_is_heard_by_the_clocks_of_its_market() -> None:
    court = Court()
    bench = Bench(court.store)
    order = bench.executed("a1", market="SG")
    assert court.appeals.get(court.appeal(order.cause)).market == "SG"


def test_whom_an_outcome_counts_against_is_behind_a_mask_too() -> None:
    court = Court()
    cause = court.close(outcome("fraud/phishing", struck=(("account", "somebody-known"),)), "other-account")
    case = court.cases.get(cause.removeprefix("case:"))
    told = msgspec.json.encode(masked_case(case_view(case, (), court.time())))
    assert b"somebody-known" not in told
    assert b"other-account" not in told


def test_whose_message_was_removed_with_a_link_may_appeal_as_its_notice_says() -> None:
    court = Court(engine=True)
    for at in range(2):
        court.send("message.sent", f"e{at}", sender=f"s{at}", message=f"m{at}", urls=["http://bad.example/x"])
    cause = court.close(outcome("by hand", Measure(do="block_link", kind="url", entity="http://bad.example/x")), "s9")
    while court.errands.run() + court.following.follow():
        pass
    (says,) = [one for one in court.said("measure.taken") if one["entity"] == "m1"]
    assert says["appeal"]["decision"] == cause
    name = court.appeal(cause, "s1", about=("message", "m1"))
    with pytest.raises(StepError, match="who decided"):
        court.appeals.take(name, "key:2:kim")
    court.appeals.take(name, "ann")
    court.appeals.decide(name, "ann", Hearing(finding="reversed", reasons="it warns of the link"))
    court.rounds()
    assert court.delivering.in_force("message", "m1") == []
    assert court.delivering.in_force("message", "m0") != []
    assert court.does(cause) == [("block_link", "http://bad.example/x", "in_force")]
    court.host.close()


def test_no_letter_has_an_empty_field() -> None:
    telling = plain()
    case = telling.world.report("u1").case
    telling.world.queues.take(case, "kim")
    telling.world.closing.close(case, "kim", NOTHING)
    telling.world.closing.tell()
    telling.sent()
    telling.world.report("u2", "a2")
    telling.time.on(40 * DAY_US)
    while telling.duties.fire():
        pass
    letters = [outgoing(row.body) for row in telling.store.outbox.waiting(99)]
    assert {one.action.do for one in letters} >= {"inform", "submit", "remind", "breach", "escalate"}
    assert [(one.type, name) for one in letters for name, value in one.says.items() if value in ("", None)] == []


def test_what_is_new_about_a_merged_case_joins_the_one_it_is_part_of() -> None:
    world = World()
    first, second, goal = (world.open(name) for name in ("m1", "m2", "m3"))
    world.cases.merge(first.id, "kim", second.id, "one ring")
    world.cases.merge(second.id, "kim", goal.id, "one ring")
    report = world.report("u1", "m1")
    assert report.case == goal.id
    world.queues.take(goal.id, "kim")
    world.closing.close(goal.id, "kim", NOTHING)
    assert world.closing.tell() == 1
    assert world.report("u2", "m1").case not in {first.id, second.id, goal.id}
