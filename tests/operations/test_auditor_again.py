"""What an auditor has tried once more: what is left behind, taken back by side doors, or loses its clock on the way."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Literal

import msgspec
import pytest

from tests.operations.clue_kit import plain
from tests.operations.kit import DAY_US, HOUR_US, START_US
from tests.operations.orders_kit import KEY, Bench
from tests.operations.test_cases import NOTHING, QUEUES, World
from tests.operations.test_enforcing import Court, outcome
from tests.operations.test_programmes import NOTICE
from trustward.adapters.store.opened import open_store
from trustward.base.errors import ConflictError, StepError
from trustward.model.case import Measure
from trustward.model.directive import Proof
from trustward.model.effect import outgoing
from trustward.model.enforcement import Measure as Taken
from trustward.model.queue import Queue
from trustward.operations.appeals import Hearing
from trustward.operations.copies import CopyWanted
from trustward.operations.directives import ClockWanted, TargetWanted
from trustward.operations.duties import Owed
from trustward.operations.ending import check_by_hand
from trustward.operations.filing import Filing
from trustward.operations.keeping import Keeping
from trustward.operations.polling import Polling
from trustward.ports import Store, Write


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


LATE = ClockWanted(clock="SG-ACT-comply", due_us=START_US + DAY_US)
CLOSE = {
    name: outcome("conduct/fake-account", Measure(do="close", kind="account", entity=name)) for name in ("a1", "a2")
}


def closed_with(court: Court, *names: str) -> list[str]:
    """The cases by which accounts were closed that had all used one telephone."""
    for name in names:
        court.send("account.registered", f"r-{name}", account=name, phone="+6591234567")
    court.time.on(DAY_US)
    causes = [court.close(CLOSE[name], name) for name in names]
    court.rounds()
    court.time.on(DAY_US)
    court.send("account.registered", "r-new", account="new", phone="+6591234567")
    return causes


def labelled(court: Court) -> list[tuple[str, bool]]:
    return [(mark.label, mark.present) for mark in court.store.kept.labels("account", "new")]


def test_who_comes_back_from_two_closed_accounts_stays_known_while_one_of_them_is_closed() -> None:
    court = Court(engine=True)
    first, second = closed_with(court, "a1", "a2")
    court.rounds()
    assert labelled(court) == [("returned", True)]
    (case,) = court.store.cases.about("account", "new")
    assert {("account", "a1"), ("account", "a2")} < set(case.entities)
    name = court.appeal(first)
    court.appeals.take(name, "ann")
    court.appeals.decide(name, "ann", Hearing(finding="reversed", reasons="it was somebody else"))
    court.rounds()
    assert labelled(court) == [("returned", True)]
    court.closing.reverse(second.removeprefix("case:"), "boss", "a mistake")
    court.rounds()
    assert labelled(court) == [("returned", False)]
    court.host.close()


def test_who_is_known_again_while_the_closing_is_taken_back_is_not_marked_for_good() -> None:
    court = Court(engine=True)
    (cause,) = closed_with(court, "a1")
    found, seq = court.following._returning(0)
    assert (set(found), seq > 0) == ({"new"}, True)
    # Between looking and writing the closing is taken back, and all that hangs on it is settled.
    court.following._returning = lambda after: (found, seq)  # type: ignore[method-assign]
    write = court.store.records.write
    reversed_: list[str] = []

    def late(writes: Sequence[Write]) -> None:
        if not reversed_ and any(isinstance(one, Taken) and one.do == "label" for one in writes):
            reversed_.append(cause)
            court.closing.reverse(cause.removeprefix("case:"), "boss", "a mistake")
            while court.following.follow():
                pass
        write(writes)

    court.store.records.write = late  # type: ignore[method-assign]
    court.following.watch()
    del court.following._returning, court.store.records.write
    court.rounds()
    assert reversed_ == [cause]
    assert labelled(court) == []
    court.host.close()


def test_what_is_sent_back_after_it_was_attested_is_owed_again() -> None:
    bench = Bench()
    story = bench.programmes
    notice = story.open(NOTICE, "kim")
    first = bench.duties.get(notice.items[0].duty)
    story.remedy(notice.id, "lee", 1, "answered", ("report:7",))
    story.attest(notice.id, "kim", 1, "looked")
    again = story.send_back(notice.id, "kim", 1, "the authority does not agree").items[0]
    owed = bench.duties.get(again.duty)
    assert (bench.duties.get(first.id).state, owed.state, owed.due_us) == ("done", "open", first.due_us)
    # While it is only remedied its clock goes on as it is.
    story.remedy(notice.id, "lee", 1, "answered better", ("report:8",))
    assert story.send_back(notice.id, "kim", 1, "not enough").items[0].duty == owed.id
    bench.time.to("2126-01-01T00:00:00Z")
    bench.duties.fire()
    assert len(bench.duties.get(owed.id).breaches) == 1
    story.remedy(notice.id, "lee", 1, "answered all", ("report:9",))
    assert bench.duties.get(story.attest(notice.id, "kim", 1, "looked").items[0].duty).state == "done"
    late = story.send_back(notice.id, "kim", 1, "still not").items[0]
    bench.duties.fire()
    assert len(bench.duties.get(late.duty).breaches) == 1
    story.withdraw(notice.id, "kim", "over")
    assert bench.duties.get(late.duty).state == "cancelled"


def test_a_case_is_told_once_under_whatever_subject_and_whatever_it_has_become_part_of() -> None:
    telling = plain()
    world = telling.world
    case, goal = (world.report("u1", name, market="SG").case for name in ("a1", "a2"))
    first = telling.draft(case=case)
    with pytest.raises(StepError, match=f"the clue {first.id} about it has not been sent"):
        telling.draft(case=case, kind="account", entity="a9")
    telling.clues.approve(first.id, "lee")
    sent = telling.clues.send(first.id, "kim")
    with pytest.raises(StepError, match=f"of it already: the clue {sent.id}"):
        telling.draft(case=case, kind="account", entity="a9")
    world.cases.merge(case, "kim", goal, "one ring")
    with pytest.raises(StepError, match=f"of it already: the clue {sent.id}"):
        telling.draft(case=goal)
    assert telling.draft(case=goal, of=sent.id).of == sent.id


def test_what_an_order_keeps_on_a_list_does_not_come_off_it_by_the_list() -> None:
    bench = Bench()
    keeping = Keeping(bench.directives)
    targets = (TargetWanted(kind="domain", entity="evil.example.info"), TargetWanted(kind="url", entity="http://x/y"))
    copies = (CopyWanted(kind="image", value="ffee"),)
    orders = [
        bench.executed(targets=targets, type="access_block", copies=copies, secret=secret, reference=f"R-{secret}")
        for secret in (False, True)
    ]
    hidden = bench.enforcing.of(orders[1].cause)[0]
    for name, value in (
        ("blocked-domain", "evil.example.info"),
        ("blocked-url", "http://x/y"),
        ("blocked-image", "ffee"),
    ):
        for until_us in (0, bench.time() + DAY_US):
            with pytest.raises(StepError, match=f"is kept on {name} by the"):
                keeping.check(name, ["free.example", value], until_us, secret=True)
    keeping.check("blocked-domain", ["free.example"], 0, secret=False)
    keeping.check("partners", ["evil.example.info"], 0, secret=False)
    bench.dealing.withdraw(orders[0].id, "kim", "a mistake", "Sgt Lim")
    bench.work()
    with pytest.raises(StepError, match="on blocked-domain by the service") as refused:
        keeping.check("blocked-domain", ["evil.example.info"], 0, secret=False)
    assert hidden.id not in str(refused.value.remedy)
    # A refusal would tell who may not know: it comes off, and the order's file says who did it.
    keeping.check("blocked-image", ["ffee"], 0, secret=False)
    keeping.note("blocked-image", ["ffee", "other"], "lee", "a picture of a cat")
    page = bench.directives.file(orders[1].id)[-1]
    assert (page.what, page.actor, page.said, page.detail["values"]) == (
        "let_in_by_hand",
        "lee",
        "a picture of a cat",
        ["ffee"],
    )
    bench.dealing.withdraw(orders[1].id, "kim", "a mistake", "Sgt Lim")
    bench.work()
    for name, value in (("blocked-domain", "evil.example.info"), ("blocked-image", "ffee")):
        keeping.check(name, [value], 0, secret=True)


def outcomes(bench: Bench) -> list[dict[str, Any]]:
    bodies = [outgoing(row.body) for row in bench.store.outbox.waiting(100_000)]
    return [dict(body.says) for body in bodies if body.type == "order.outcome"]


def test_what_somebody_has_taken_back_meanwhile_is_not_carried_out_and_the_issuer_hears_of_it() -> None:
    bench = Bench()
    accounts = tuple(TargetWanted(kind="account", entity=f"a{at}") for at in range(60))
    order = bench.accepted(targets=accounts)
    bench.dealing.execute(order.id, "kim")
    bench.executing.work()
    first = bench.directives.target(order.id, 1)
    bench.enforcing.lift(first.measure, "ann", "appeal 7: it was somebody else")
    bench.work()
    comply = order.duties[0].duty
    assert (bench.directives.get(order.id).state, bench.duties.get(comply).state) == ("executed", "open")
    bench.dealing.report(order.id, "kim", "all but one")
    assert bench.duties.get(comply).state == "done"
    (told,) = outcomes(bench)
    assert told["unable"] == [{"kind": "account", "entity": "a0", "why": "appeal 7: it was somebody else"}]


def test_what_the_issuer_has_dropped_is_carried_out_without_it() -> None:
    bench = Bench()
    order = bench.executed("a1", "a2", "a3", clocks=(ClockWanted(clock="SG-ACT-completion", due_us=START_US + DAY_US),))
    bench.dealing.vary(order.id, "kim", "not this one", drop=(1,), clocks=(LATE,))
    bench.work()
    after = bench.directives.get(order.id)
    assert (after.state, bench.duties.get(after.duties[1].duty).state) == ("executed", "done")
    bench.dealing.report(order.id, "kim")
    assert [told.get("unable") for told in outcomes(bench)] == [None]


def test_the_issuer_hears_of_all_that_was_not_possible_however_many_they_are() -> None:
    bench = Bench()
    order = bench.accepted(targets=tuple(TargetWanted(kind="ip", entity=f"e{at}") for at in range(2_001)))
    bench.dealing.execute(order.id, "kim")
    filing = Filing(bench.directives.get(order.id), "kim", START_US)
    proof = Proof(at_us=START_US, actor="kim", said="nobody knows it")
    for one in bench.targets(order.id):
        filing.writes.append(msgspec.structs.replace(one, version=one.version + 1, state="unable", proof=(proof,)))
    filing.change(work=True)
    bench.store.records.write(filing.end())
    bench.work()
    bench.dealing.report(order.id, "kim", "nobody is known")
    told = outcomes(bench)
    assert [(one["part"], one["parts"], len(one["unable"])) for one in told] == [(1, 3, 1000), (2, 3, 1000), (3, 3, 1)]
    assert len({one["entity"] for part in told for one in part["unable"]}) == 2_001


@pytest.mark.parametrize("how", ["receipt", "feedback"])
def test_a_receipt_that_never_comes_is_noticed(how: str) -> None:
    telling = plain()
    sent, by_hand = telling.sent(), telling.sent(authority="regulator", entity="a3", kind="account", fields={})
    name = f"clue-{sent.id}-receipt"
    assert [duty.id for duty in telling.duties.of(f"clue:{sent.id}")] == [name]
    assert telling.duties.of(f"clue:{by_hand.id}") == []
    telling.time.on(10 * DAY_US)
    while telling.duties.fire():
        pass
    assert len(telling.duties.get(name).breaches) == 1
    for _ in range(2):
        if how == "receipt":
            telling.clues.receipt(sent.id, "kim", "P-77")
        else:
            telling.clues.feedback(sent.id, "kim", "taken_up", "they look into it")
    assert telling.duties.get(name).state == "done"


def test_the_issuer_hears_of_what_no_receiver_has_confirmed() -> None:
    bench = Bench()
    orders = [bench.accepted(f"a{at}", "b", reference=f"R-{at}") for at in range(3)]
    for order in orders:
        bench.dealing.execute(order.id, "kim")
        while bench.executing.work():
            pass
    bench.dealing.report(orders[0].id, "kim")
    first = outcomes(bench)
    bench.delivering.tidy()
    polling = Polling(bench.delivering)
    while (leased := polling.fetch("pull", "app", 1, 0)) is not None and leased.lease is not None:
        (action,) = leased.actions
        if action["entity"] in {"a1", "b"}:
            polling.fail("pull", leased.lease, action["id"], "app", "no such account", refused=True)
        else:
            polling.confirm("pull", leased.lease, (action["id"],), "app", more=False)
    for order in orders[1:]:
        bench.dealing.report(order.id, "kim")
    told = [
        {line["entity"]: line["why"][:20] for line in one.get("unconfirmed", ())} for one in (*first, *outcomes(bench))
    ]
    early = dict.fromkeys(("a0", "b"), "it has not left yet"[:20])
    assert told == [early, dict.fromkeys(("a1", "b"), "its receiver could n"), {"b": "its receiver could n"}]
    assert bench.directives.file(orders[1].id)[-1].detail["unconfirmed"] == 2


@pytest.mark.parametrize("how", ["move", "escalate", "merge", "split"])
def test_what_two_have_to_see_is_not_ended_by_one_who_takes_it_elsewhere(how: str) -> None:
    world = World(queues=(Queue(name="devices", kinds=("device",)), *QUEUES))
    case = world.open("a1", category="counterfeit", entities=(("device", "d1"),))
    assert case.queue == "twice"
    if how == "move":
        case = world.cases.move(case.id, "key:1:kim", "all", "the wrong queue")
    elif how == "escalate":
        case = world.cases.escalate(case.id, "key:1:kim", "too hard")
    elif how == "merge":
        case = world.cases.merge(case.id, "key:1:kim", world.open("a2").id, "one shop")
    else:
        case = world.cases.split(case.id, "key:1:kim", [("device", "d1")], "another matter")
    assert case.queue != "twice"
    with pytest.raises(StepError, match="does not get this case"):
        world.queues.take(case.id, "key:2:kim")
    world.queues.take(case.id, "lee")
    assert world.closing.close(case.id, "lee", NOTHING).state == "closed"
    # Among queues that want one, whoever moves a case may end it.
    easy = world.open("a3")
    world.cases.move(easy.id, "key:1:kim", "leads", "with it")
    world.queues.take(easy.id, "key:1:kim")
    assert world.closing.close(easy.id, "key:1:kim", NOTHING).state == "closed"


@pytest.mark.parametrize("on_us", [HOUR_US, 3 * DAY_US])
def test_what_an_order_wants_for_a_day_is_not_done_anew_because_the_order_lasts_longer(on_us: int) -> None:
    bench = Bench()
    wanted = (
        TargetWanted(kind="account", entity="a1", lasts_us=DAY_US),
        TargetWanted(kind="account", entity="a2"),
    )
    order = bench.executed(targets=wanted, until_us=START_US + 10 * DAY_US)
    bench.time.on(on_us)
    bench.enforcing.expire()
    bench.dealing.vary(order.id, "kim", "longer", until_us=START_US + 20 * DAY_US)
    bench.work()
    assert [len(one.proof) for one in bench.targets(order.id)] == [1, 3]
    bench.time.to("2026-01-09T10:00:00Z")
    bench.enforcing.expire()
    assert (bench.in_force("a1"), set(bench.in_force("a2"))) == ([], {"suspend"})


def test_what_is_done_anew_lasts_from_when_it_was_done_first() -> None:
    bench = Bench()
    wanted = (TargetWanted(kind="account", entity="a1", lasts_us=15 * DAY_US),)
    order = bench.executed(targets=wanted, until_us=START_US + 10 * DAY_US)
    bench.time.on(5 * DAY_US)
    bench.dealing.vary(order.id, "kim", "longer", until_us=START_US + 20 * DAY_US)
    bench.work()
    ends = [one.ends_us for one in bench.enforcing.of(order.cause)]
    assert ends == [START_US + 10 * DAY_US, START_US + 15 * DAY_US]


def test_what_is_not_the_issuers_does_not_keep_its_own_order_out(opened: Callable[[], Store]) -> None:
    bench = Bench(opened())
    forged = bench.receive("victim")
    bench.directives.reject(forged.id, "kim", "nobody there knows of it")
    for entities in (("victim",), ("a1",)):
        own = bench.receive(*entities, reference="R-1")
        assert (own.state, own.id != forged.id) == ("received", True)
        assert bench.receive(*entities, reference="R-1").id == own.id
        bench.directives.reject(own.id, "kim", "this one neither")
    # One that shows by itself that it is authentic does not wait for what nobody has looked at.
    forged = bench.receive("victim")
    own = bench.receive("a1", document=b"stop a1", signature=KEY.sign(b"stop a1"))
    assert (own.state, bench.directives.get(forged.id).state) == ("accepted", "rejected")
    assert own.id in bench.directives.file(forged.id)[-1].said
    assert {bench.duties.get(one.duty).state for one in forged.duties} == {"cancelled"}
    # What is authentic, or is sent by somebody who cannot show it, changes nothing.
    others: tuple[dict[str, Any], ...] = ({}, {"document": b"x", "signature": KEY.sign(b"x")})
    for fields in others:
        with pytest.raises(ConflictError):
            bench.receive("a2", **fields)
    second = bench.receive("a2", reference="R-2")
    with pytest.raises(ConflictError, match="reject it if it is not"):
        bench.receive("a3", reference="R-2")
    bench.dealing.withdraw(second.id, "kim", "over", "Sgt Lim")
    assert bench.receive("a2", reference="R-2").state == "withdrawn"
    with pytest.raises(ConflictError, match="that one is over"):
        bench.receive("a3", reference="R-2")
    # One that is over, and so is not taken in, puts nothing out.
    first = bench.receive("a4", reference="R-3")
    with pytest.raises(ConflictError):
        bench.receive("a5", reference="R-3", until_us=1, document=b"a5", signature=KEY.sign(b"a5"))
    assert bench.directives.get(first.id).state == "received"


@pytest.mark.parametrize("how", ["channel", "signature"])
def test_the_same_order_once_more_shows_that_it_is_authentic(how: str) -> None:
    bench = Bench()
    document: dict[str, Any] = {"document": b"stop a1"}
    first = bench.receive("a1", **document)
    assert bench.receive("a1", **document, signature=KEY.sign(b"else")).state == "received"
    proof: dict[str, Any] = {"actor": "key:k1"} if how == "channel" else {"signature": KEY.sign(b"stop a1")}
    again = bench.receive("a1", **document, **proof)
    assert again.authentic is not None
    assert (again.id, again.state, again.authentic.how) == (first.id, "accepted", how)
    assert bench.whats(first.id) == ["received", "told", "authentic"]
    assert bench.receive("a1", **document, **proof) == again


def test_what_a_record_owes_is_not_done_by_a_word() -> None:
    court, bench = Court(), Bench()
    report = court.report("u1", market="SG")
    cause = court.close(outcome("fraud/mule"), "a7")
    appeal = court.appeals.get(court.appeal(cause, "a7"))
    keep, comply = ClockWanted(clock="SG-OCC-5"), LATE
    order = bench.receive("a1", clocks=(keep, comply))
    notice = bench.programmes.open(msgspec.structs.replace(NOTICE, progress_us=(START_US + DAY_US,)), "kim")
    older = court.open("a8")
    court.time.on(DAY_US)
    newer = court.cases.merge(older.id, "kim", court.open("a9").id, "one ring")
    owed: list[tuple[Court | Bench, str]] = [
        (court, name) for name in (report.duty, court.cases.get(report.case).duty, appeal.duty, newer.duty)
    ]
    owed += [(bench, name) for name in (order.duties[1].duty, notice.items[0].duty, notice.progress[0].duty)]
    for world, name in owed:
        with pytest.raises(StepError, match="it ends with that"):
            check_by_hand(world.store, world.duties.get(name))
    own = bench.duties.open(Owed(clock="order", subject=order.cause, actor="kim", due_us=START_US + DAY_US))[0]
    for name in (order.duties[0].duty, own.id):
        check_by_hand(bench.store, bench.duties.get(name))


def test_a_notice_that_was_taken_in_wrongly_is_taken_in_once_more(opened: Callable[[], Store]) -> None:
    story = Bench(opened()).programmes
    wrong = story.open(NOTICE, "kim")
    right = msgspec.structs.replace(NOTICE, title="as it was written")
    with pytest.raises(ConflictError, match="is withdrawn first"):
        story.open(right, "kim")
    story.withdraw(wrong.id, "kim", "a slip of the pen")
    again = story.open(right, "kim")
    assert (again.state, again.reference, story.open(right, "kim").id) == ("open", wrong.reference, again.id)
    assert story.get(wrong.id).state == "withdrawn"


def test_what_nobody_has_ordered_is_not_kept_either() -> None:
    bench = Bench()
    forged = bench.receive("a1", clocks=(ClockWanted(clock="SG-OCC-5"), LATE))
    bench.directives.reject(forged.id, "kim", "nobody there knows of it")
    assert [bench.duties.get(one.duty).state for one in forged.duties] == ["cancelled", "cancelled"]


def test_a_decision_that_was_taken_back_does_not_stand() -> None:
    court = Court()
    cause = court.close(outcome("fraud/mule"))
    name = court.appeal(cause)
    court.closing.reverse(cause.removeprefix("case:"), "boss", "a mistake")
    court.appeals.take(name, "ann")
    with pytest.raises(StepError, match="it does not stand"):
        court.appeals.decide(name, "ann", Hearing(finding="upheld", reasons="seen in ten chats"))
    done = court.appeals.decide(name, "ann", Hearing(finding="reversed", reasons="it was a mistake"))
    assert (done.state, court.duties.get(done.duty).state) == ("reversed", "done")
    assert court.enforcing.sheet("account", "a1").count("fraud", court.time()) == 0


def test_what_was_rejected_before_references_were_given_back_gives_way_too(tmp_path: Path) -> None:
    with closing(open_store("", tmp_path)) as store:
        bench = Bench(store)
        forged = bench.receive("victim")
        bench.directives.reject(forged.id, "kim", "nobody there knows of it")
        notice = bench.programmes.open(NOTICE, "kim")
        name = notice.known_as
        bench.programmes.withdraw(notice.id, "kim", "a slip of the pen")
        with closing(sqlite3.connect(tmp_path / "trustward.db")) as database, database:
            database.execute("UPDATE orders SET known_as = 'open:police:R-1'")
            database.execute("UPDATE programmes SET known_as = ?", [name])
        assert bench.receive("a1").state == "received"
        assert bench.programmes.open(NOTICE, "kim").id != notice.id
        assert bench.directives.get(forged.id).state == "rejected"
