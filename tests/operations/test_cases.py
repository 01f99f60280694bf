"""Reports become cases, cases get reviewers, outcomes act, reporters hear of it."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from functools import partial
from itertools import count
from threading import Barrier, Thread

import pytest

from tests.operations.kit import DAY_US, HOUR_US, START_US, Time, duties_over
from trustward.adapters.store.memory import MemoryStore
from trustward.base.errors import ConflictError, NotFoundError, StaleError, StepError, UsageError
from trustward.model.case import Case, CaseQuery, Measure, Outcome
from trustward.model.changes import decode_change
from trustward.model.clocks import policy_tree, shipped_regimes
from trustward.model.effect import outgoing
from trustward.model.queue import Queue
from trustward.model.report import LegalNotice, Report
from trustward.operations.bulk import Bulk
from trustward.operations.cases import Cases, News
from trustward.operations.closing import Closing
from trustward.operations.delivering import Delivering
from trustward.operations.enforcing import Enforcing
from trustward.operations.holds import Holds
from trustward.operations.queues import MINUTE_US, Queues, Terms
from trustward.operations.reports import Reports, Said
from trustward.ports import Store

ACT = Outcome(
    verdict="act",
    policy="fraud/scam",
    reasons="the same words to forty strangers",
    measures=(
        Measure(do="suspend", kind="account", entity="a1", lasts="7d"),
        Measure(do="warn", kind="account", entity="a1"),
    ),
)
NOTHING = Outcome(verdict="no_action", policy="fraud/scam", reasons="a joke between friends")
QUEUES = (
    Queue(name="twice", categories=("counterfeit",), second="always", escalates_to="leads"),
    Queue(name="listed", categories=("spam",), checklist=("looked", "asked"), exposure=30),
    Queue(name="leads", manual=True),
    Queue(name="all", escalates_to="leads"),
)
TREE = policy_tree(shipped_regimes())


class World:
    """All stories of cases over one store."""

    def __init__(self, store: Store | None = None, queues: tuple[Queue, ...] = QUEUES) -> None:
        self.store = store or MemoryStore()
        self.time = Time()
        numbers = count(1)
        self.duties = duties_over(self.store, self.time)
        self.cases = Cases(self.store, queues, self.duties, clock=self.time, ids=lambda: f"c{next(numbers):06}")
        self.delivering = Delivering(self.store, [], clock=self.time, draw=lambda: 0.5)
        measures = count(1)
        self.enforcing = Enforcing(self.store, TREE, self.duties, self.delivering, ids=lambda: f"m{next(measures):06}")
        kept = count(1)
        self.keeping = Holds(
            self.store,
            self.duties,
            clock=self.time,
            ids=lambda: f"h{next(kept):06}",
            links=lambda *_: [("device", "d1")],
        )
        self.closing = Closing(self.cases, self.enforcing, draw=lambda: 0.5, holding=self.keeping.to_place)
        self.queues = Queues(self.cases)
        self.bulk = Bulk(self.cases, self.closing)
        receipts = count(1)
        self.reports = Reports(self.cases, clock=self.time, ids=lambda: f"r{next(receipts):06}")

    def report(self, reporter: str = "u1", entity: str = "a1", **said: object) -> Report:
        fields = {"channel": "user", "category": "scam", "kind": "account", "entity": entity, "reporter": reporter}
        return self.reports.receive(Said(**{**fields, **said}), "key:app")  # type: ignore[arg-type]

    def open(self, entity: str = "a1", category: str = "scam", **fields: object) -> Case:
        news = {"kind": "account", "entity": entity, "actor": "kim", "what": "opened", "category": category}
        return self.cases.join(News(**{**news, **fields}))  # type: ignore[arg-type]

    def letters(self) -> Counter[tuple[str, str]]:
        bodies = [outgoing(row.body) for row in self.store.outbox.waiting(10_000)]
        return Counter((body.action.do, body.type) for body in bodies)

    def work(self, reviewer: str, queue: str = "all") -> Case:
        work = self.queues.next(queue, reviewer)
        assert work is not None
        return work.case

    def whats(self, case: str) -> list[str]:
        return [page.what for page in self.cases.file(case)]


def test_many_reports_are_one_case_and_everybody_hears(opened: Callable[[], Store]) -> None:
    world = World(opened())
    first = world.report("u1", text="asked for money")
    others = [world.report(f"u{number}") for number in range(2, 8)]
    police = world.report("police", channel="authority")
    case = world.cases.get(first.case)
    assert {one.case for one in [*others, police]} == {case.id}
    assert (case.reports, case.weight, case.category) == (8, 15.0, "scam")
    assert case.due_us == world.duties.get(police.duty).due_us == START_US + DAY_US
    assert world.letters() == {("inform", "report.received"): 8}
    assert len(world.store.errands.waiting(99)) == 8
    assert world.work("lee").id == case.id
    world.closing.close(case.id, "lee", ACT)
    assert world.closing.tell() == 8
    assert world.closing.tell() == 0
    assert world.letters() == {
        ("inform", "report.received"): 8,
        ("inform", "report.decided"): 8,
        ("suspend", "case.closed"): 1,
        ("warn", "case.closed"): 1,
        ("inform", "measure.taken"): 2,
    }
    for one in [first, *others, police]:
        told = world.reports.get(one.id)
        assert (told.state, told.result, told.told_us) == ("decided", "acted", START_US)
        assert world.duties.get(one.duty).state == "done"
    assert world.duties.get(case.duty).state == "done"
    assert world.reports.reporter("user", "u1").upheld == 1
    assert world.reports.reporter("authority", "police").weight("authority") > 8
    assert len(world.store.errands.waiting(99)) == 16
    later = world.report("u1")
    assert later.case != case.id
    assert later.weight > first.weight


def test_the_same_report_again() -> None:
    world = World()
    first = world.report(id="receipt-1", text="x")
    assert world.report(id="receipt-1", text="x") == first
    with pytest.raises(ConflictError):
        world.report(id="receipt-1", text="y")
    again = world.report(text="more")
    assert (again.case, again.weight) == (first.case, 0.0)
    case = world.cases.get(first.case)
    assert (case.reports, case.weight) == (2, 1.0)
    assert [errand.id for errand in world.store.errands.waiting(9)] == ["report:receipt-1"]


def test_what_makes_a_legal_notice() -> None:
    world = World()
    notice = LegalNotice(law="Penal Code s 420", place="https://x.example/1", good_faith=True, mail="n@x.example")
    with pytest.raises(UsageError, match="legal notice"):
        world.report(channel="notice")
    with pytest.raises(UsageError, match="legal notice"):
        world.report(notice=notice)
    with pytest.raises(UsageError, match="who is the flagger"):
        world.report("", channel="flagger")
    taken = world.report("", channel="notice", notice=notice)
    assert world.duties.get(taken.duty).clock.id == "legal-notice-decision"
    body = outgoing(world.store.outbox.waiting(9)[0].body)
    assert (body.says["mail"], body.says["receipt"]) == ("n@x.example", taken.id)


def test_who_abuses_reports_is_warned_then_set_aside() -> None:
    world = World()
    for number in range(12):
        report = world.report("liar", f"a{number}")
        assert report.case
        world.time.on(HOUR_US)
        world.work("lee")
        world.closing.close(report.case, "lee", NOTHING)
        world.closing.tell()
        if number == 6:
            assert world.reports.reporter("user", "liar").warned_us is not None
        if world.reports.reporter("user", "liar").suspended_until_us is not None:
            break
    assert number == 9
    assert world.reports.reporter("user", "liar").weight("user") < 0.2
    aside = world.report("liar", "a99")
    assert (aside.state, aside.case, aside.duty, aside.why) == ("set_aside", "", "", "the sender is suspended")
    assert world.letters()["inform", "report.set_aside"] == 1
    assert world.store.cases.open_on("account:a99") is None
    world.time.on(91 * DAY_US)
    assert world.report("liar", "a99").case


def test_more_than_anybody_can_mean() -> None:
    world = World()
    states = Counter(world.report("bot", f"a{number}").state for number in range(30))
    assert states == {"received": 20, "set_aside": 10}
    assert len(world.store.errands.waiting(99)) == 20


def test_only_one_at_a_time_and_only_with_the_lease() -> None:
    world = World()
    case = world.open()
    with pytest.raises(StepError, match="take it first"):
        world.closing.close(case.id, "kim", NOTHING)
    assert world.work("kim").id == case.id
    assert world.queues.next("all", "lee") is None
    for step in (
        lambda: world.queues.take(case.id, "lee"),
        lambda: world.queues.keep(case.id, "lee"),
        lambda: world.closing.close(case.id, "lee", NOTHING),
        lambda: world.cases.note(case.id, "lee", "x"),
        lambda: world.cases.escalate(case.id, "lee", "x"),
    ):
        with pytest.raises(StepError):
            step()
    world.time.on(4 * MINUTE_US)
    world.queues.keep(case.id, "kim")
    world.time.on(4 * MINUTE_US)
    assert world.queues.next("all", "lee") is None
    world.time.on(2 * MINUTE_US)
    assert world.work("lee").id == case.id
    with pytest.raises(StepError):
        world.closing.close(case.id, "kim", NOTHING)
    world.queues.release(case.id, "lee")
    assert world.work("max").id == case.id
    world.queues.skip(case.id, "max", "I know them")
    assert world.queues.next("all", "max") is None
    assert world.queues.reviewer("max").skips == 1
    assert world.work("kim").id == case.id


def test_steps_and_checklist() -> None:
    world = World()
    case = world.open(category="spam")
    with pytest.raises(StepError, match="not on the checklist"):
        world.cases.tick(case.id, "kim", "dreamt")
    world.cases.assign(case.id, "kim", "lee", "knows them")
    assert world.queues.next("listed", "max") is None
    assert world.work("lee", "listed").id == case.id
    with pytest.raises(StepError, match="looked, asked"):
        world.closing.close(case.id, "lee", NOTHING)
    world.cases.tick(case.id, "lee", "looked")
    world.cases.tick(case.id, "lee", "asked")
    world.cases.tick(case.id, "lee", "asked")
    world.cases.note(case.id, "lee", "please send a picture", to=("account", "a1"))
    world.closing.close(case.id, "lee", NOTHING)
    with pytest.raises(StepError, match="closed"):
        world.cases.escalate(case.id, "kim", "late")
    assert world.whats(case.id) == ["opened", "assigned", "ticked", "ticked", "noted", "closed"]
    assert world.letters()["message", "case.noted"] == 1


def test_escalated_parked_moved() -> None:
    world = World()
    easy, hard = world.open("e", harm=90), world.open("h", harm=10)
    world.cases.escalate(hard.id, "kim", "too hard")
    assert world.cases.get(hard.id).queue == "leads"
    world.cases.move(easy.id, "kim", "leads", "with it")
    assert [world.work("lee", "leads").id, world.work("lee", "leads").id] == [hard.id, easy.id]
    world.queues.release(easy.id, "lee")
    world.cases.park(easy.id, "kim", "waiting for the bank")
    assert world.queues.next("leads", "max") is None
    with pytest.raises(StepError, match="parked"):
        world.queues.take(easy.id, "max")
    world.report("u1", "e")
    assert world.cases.get(easy.id).state == "open"
    with pytest.raises(NotFoundError):
        world.cases.move(easy.id, "kim", "nowhere", "x")
    with pytest.raises(UsageError, match="reason"):
        world.cases.escalate(easy.id, "kim", " ")


def test_a_second_reviewer_agrees_or_not() -> None:
    world = World()
    case = world.open(category="counterfeit")
    world.work("kim", "twice")
    world.closing.close(case.id, "kim", ACT)
    assert world.letters() == {}
    assert world.queues.next("twice", "kim") is None
    with pytest.raises(StepError, match="does not get"):
        world.queues.take(case.id, "kim")
    with pytest.raises(StepError, match="does not get"):
        world.cases.assign(case.id, "max", "kim")
    world.work("lee", "twice")
    assert world.closing.close(case.id, "lee", ACT).state == "closed"
    with pytest.raises(StepError, match="is closed"):
        world.closing.close(case.id, "lee", ACT)
    assert world.letters()["suspend", "case.closed"] == 1
    kim, lee = world.queues.reviewer("kim"), world.queues.reviewer("lee")
    assert (kim.pairs, kim.pairs_agreed, lee.pairs, lee.pairs_agreed) == (1, 1, 1, 1)

    other = world.open("a2", category="counterfeit")
    world.work("kim", "twice")
    world.closing.close(other.id, "kim", ACT)
    world.work("lee", "twice")
    disputed = world.closing.close(other.id, "lee", NOTHING)
    assert (disputed.queue, disputed.state, len(disputed.proposed)) == ("leads", "open", 2)
    assert world.queues.next("leads", "lee") is None
    world.work("boss", "leads")
    assert world.closing.close(other.id, "boss", NOTHING).decided is not None
    assert world.queues.reviewer("kim").pairs_agreed == 1
    assert world.queues.reviewer("kim").pairs == 2
    assert world.letters()["suspend", "case.closed"] == 1


def test_known_answers() -> None:
    world = World()
    case = world.open()
    planted = world.queues.plant("all", "boss", case, ACT, "a call")
    assert world.cases.get(case.id).open_on == "account:a1"
    got = {world.work("kim").id, world.work("kim").id}
    assert got == {case.id, planted.id}
    world.closing.close(planted.id, "kim", NOTHING)
    assert world.letters() == {}
    kim = world.queues.reviewer("kim")
    assert (kim.golden, kim.golden_right, kim.pairs) == (1, 0, 0)
    with pytest.raises(StepError):
        world.closing.reverse(planted.id, "boss", "x")


def test_breaks() -> None:
    world = World()
    for number in range(6):
        world.open(f"b{number}", category="spam")
    assert [world.queues.next("listed", "kim").break_due for _ in range(2)] == [False, True]  # type: ignore[union-attr]
    world.work("kim", "listed")
    world.work("kim", "listed")
    with pytest.raises(StepError, match="a break is due"):
        world.queues.next("listed", "kim")
    world.queues.rest("kim")
    with pytest.raises(StepError, match="having a break"):
        world.queues.next("listed", "kim")
    world.work("lee", "listed")
    world.time.on(10 * MINUTE_US)
    world.work("kim", "listed")
    assert world.queues.reviewer("kim").since_break == 30


def test_merged_and_split_and_linked() -> None:
    world = World()
    one, two = world.report("u1", "a1"), world.report("u2", "a2")
    with pytest.raises(StepError):
        world.cases.merge(one.case, "kim", one.case, "itself")
    goal = world.cases.merge(two.case, "kim", one.case, "the same ring")
    assert (goal.reports, goal.merged, goal.entities) == (2, (two.case,), (("account", "a1"), ("account", "a2")))
    gone = world.cases.get(two.case)
    assert (gone.state, gone.into, world.duties.get(gone.duty).state) == ("merged", one.case, "cancelled")
    with pytest.raises(StepError, match="part of"):
        world.cases.note(two.case, "kim", "x")
    assert [case.id for case, _ in world.cases.similar(one.case)] == [two.case]
    with pytest.raises(StepError, match="not its subject"):
        world.cases.split(one.case, "kim", [("account", "a1")], "x")
    part = world.cases.split(one.case, "kim", [("account", "a2")], "another matter")
    assert (part.entity, world.cases.get(one.case).entities) == ("a2", (("account", "a1"),))
    # What was reported about it went along: its sender hears what comes of the new case, and not before.
    assert (world.reports.get(two.id).case, part.reports, part.weight) == (part.id, 1, 1.0)
    left = world.cases.get(one.case)
    assert (left.reports, left.weight, world.reports.get(one.id).case) == (1, 1.0, one.case)
    world.cases.link(part.id, "kim", gone.id)
    assert (world.cases.get(gone.id).links, world.cases.get(part.id).links) == ((part.id,), (gone.id,))
    world.queues.take(one.case, "lee")
    world.closing.close(one.case, "lee", NOTHING)
    assert world.closing.tell() == 1
    assert (world.reports.get(one.id).result, world.reports.get(two.id).state) == ("no_action", "received")
    world.queues.take(part.id, "lee")
    world.closing.close(part.id, "lee", ACT)
    assert world.closing.tell() == 1
    assert (world.reports.get(two.id).result, world.duties.get(two.duty).state) == ("acted", "done")
    about = world.cases.find(CaseQuery(kind="account", entity="a2"))
    assert {case.id for case in about} == {gone.id, one.case, part.id}


def test_what_was_taken_back_before_anybody_was_told_is_told_as_nothing() -> None:
    world = World()
    report = world.report("u1")
    world.queues.take(report.case, "lee")
    world.closing.close(report.case, "lee", ACT)
    world.closing.reverse(report.case, "kim", "another account of that name")
    assert world.closing.tell() == 1
    told = world.reports.get(report.id)
    assert (told.state, told.result, world.duties.get(told.duty).state) == ("decided", "no_action", "done")


def test_taken_back() -> None:
    world = World()
    label = Outcome(
        verdict="act",
        policy="p",
        reasons="r",
        measures=(*ACT.measures, Measure(do="label", kind="account", entity="a1", note="watched")),
    )
    case = world.open()
    world.work("kim")
    world.closing.close(case.id, "kim", label)
    (marked,) = world.store.errands.waiting(9)
    assert decode_change(marked.body).label == "watched"  # type: ignore[union-attr]
    world.delivering.tidy()
    assert [effect.key for effect in world.delivering.in_force("account", "a1")] == ["m1-0", "m5-0"]
    assert world.closing.reverse(case.id, "boss", "the wrong account").reversed is not None
    assert world.closing.reverse(case.id, "boss", "again") == world.cases.get(case.id)
    assert world.delivering.in_force("account", "a1") == []
    assert decode_change(world.store.errands.waiting(9)[1].body).present is False  # type: ignore[union-attr]
    assert world.whats(case.id)[-1] == "reversed"
    for wrong in (
        Outcome(verdict="no_action", policy="p", reasons="r", measures=ACT.measures),
        Outcome(verdict="act", policy="p", reasons="r", measures=(Measure(do="explode", kind="a", entity="b"),)),
        Outcome(verdict="act", policy="p", reasons="r", measures=(Measure(do="label", kind="a", entity="b"),)),
        Outcome(
            verdict="act", policy="p", reasons="r", measures=(Measure(do="hold", kind="a", entity="b", lasts="?"),)
        ),
    ):
        with pytest.raises(UsageError):
            world.closing.close(case.id, "kim", wrong)


def test_shipped_queues_take_everything() -> None:
    world = World(queues=shipped_regimes().queues)
    assert world.report("p", channel="authority").case
    assert world.cases.get(world.report("u", "x", category="impersonation").case).queue == "takeovers"
    assert world.cases.get(world.report("u", "y", category="other").case).queue == "general"


CASES = int(os.environ.get("CASES", "120"))
REVIEWERS = 50 if CASES > 1000 else 12


def test_fifty_reviewers(opened: Callable[[], Store]) -> None:
    """Scaled down; CASES=10000 is the whole of it: fifty reviewers on one queue, no case twice, none lost."""
    stores = [opened() for _ in range(6)]
    if CASES > 1000 and isinstance(stores[0], MemoryStore):
        pytest.skip("memory looks at every case each time")
    worlds = [World(stores[at % 6]) for at in range(REVIEWERS)]
    for first in range(0, CASES, 500):
        news = [
            News(kind="account", entity=f"f{at}", actor="kim", what="opened", harm=at % 90 + 1)
            for at in range(first, min(CASES, first + 500))
        ]
        stores[0].records.write([write for one in news for write in worlds[0].cases.to_join(one)[1]])
    closed: list[str] = []
    faults: list[BaseException] = []
    start = Barrier(REVIEWERS)

    def review(world: World, name: str) -> None:
        start.wait()
        try:
            while (work := world.queues.next("all", name)) is not None:
                world.closing.close(work.case.id, name, NOTHING)
                closed.append(work.case.id)
        except BaseException as fault:  # noqa: BLE001 - told below
            faults.append(fault)

    for world in worlds:
        world.queues.terms = Terms(exposure=CASES)
    threads = [Thread(target=review, args=(world, f"r{at}")) for at, world in enumerate(worlds)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert len(closed) == len(set(closed)) == CASES
    assert all(worlds[0].whats(case) == ["opened", "closed"] for case in closed[:200])
    assert stores[0].cases.waiting() == {}
    assert sum(worlds[0].queues.reviewer(f"r{at}").closed for at in range(REVIEWERS)) == CASES


def test_reports_on_one_subject_at_the_same_time(opened: Callable[[], Store]) -> None:
    worlds = [World(opened()) for _ in range(4)]
    start = Barrier(4)
    lost: list[BaseException] = []

    def send(world: World, at: int) -> None:
        start.wait()
        for number in range(10):
            try:
                world.report(f"u{at}-{number}", id=f"report-{at}-{number}")
            except StaleError as fault:
                lost.append(fault)

    for at, world in enumerate(worlds):
        numbers = count(at * 1000)
        world.cases.ids = partial(lambda each: f"p{next(each)}", numbers)  # as if each were a process
    threads = [Thread(target=send, args=(world, at)) for at, world in enumerate(worlds)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert lost == []
    case = worlds[0].store.cases.open_on("account:a1")
    assert case is not None
    assert case.reports == 40
    assert len(worlds[0].store.reports.of_case(case.id)) == 40
