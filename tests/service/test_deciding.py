"""The host: one order, one commit for many, the same answer twice, and nothing that the disk does not have."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Event as Signal
from threading import Thread
from typing import Any, cast

import msgspec
import pytest

from tests.engine.worlds import make
from tests.service.kit import (
    NOW_US,
    TRIAL,
    Breaking,
    compile_policy,
    faulty,
    host_over,
    rebuilt,
    seen,
    stored,
    stream,
)
from trustward.base.errors import (
    ConflictError,
    NotFoundError,
    OverloadedError,
    PolicyStateError,
    RecordError,
    StoreError,
    UnavailableError,
    WriterError,
)
from trustward.engine.engine import Engine
from trustward.model.changes import (
    LabelChange,
    PolicyChange,
)
from trustward.model.decision import Decision
from trustward.model.effect import outgoing
from trustward.model.journal import NOTICE
from trustward.operations.grouping import Ticket
from trustward.ports import Store

Opening = Callable[[], Store]

SPEED = """
sent = count(by=event.sender, within="{within}", of="message.sent")
rule(
    id="fast", on="message.sent", when=sent >= {most}, then=[hold(event), label(event.sender, "fast")],
    reason="{{sent}} messages", fraud="spam", owner="me",
    hits=[[repeat({most}, {{"sender": "a"}})]], misses=[{{"sender": "a"}}],
)
"""


def alone(count: int, seed: int = 1, prefix: str = "e") -> list[Decision]:
    """What an engine without a store says of the stream."""
    engine = Engine(compile_policy(TRIAL))
    events = stream(count, seed, prefix)
    return [engine.decide(event, faulty(events).get(at, ()), now_us=NOW_US) for at, event in enumerate(events)]


def test_the_answers_are_the_engines(opened: Opening) -> None:
    store = opened()
    host = host_over(store)
    host.start()
    events = stream(1500)
    faults = faulty(events)
    futures = []
    at = 0
    for size in (1, 1, 700, 3, 600, 195):
        part = {place - at: found for place, found in faults.items() if at <= place < at + size}
        futures.append(host.submit(events[at : at + size], part))
        at += size
    answers = [answer for future in futures for answer in [future.result()]]
    decisions = [one.decision(place) for one in answers for place in range(len(one.events))]
    assert decisions == alone(1500)
    assert len({decision.verdict for decision in decisions}) > 2
    assert [seq for one in answers for seq in one.seqs] == list(range(2, 1502))
    found = store.journal.find([event.id for event in events])
    assert [found[event.id].decision for event in events] == decisions
    wanted = [a for d in decisions for a in d.actions if not a.proposed]
    assert len(store.outbox.waiting(10_000)) == len(wanted) > 10
    live = host.ask(seen).result()
    host.close()
    assert seen(rebuilt(opened())) == live == seen(rebuilt(opened(), snapshots=False))


def test_once(opened: Opening) -> None:
    host = host_over(opened())
    host.start()
    events = stream(60)
    first = host.submit(events, faulty(events)).result()
    again = host.submit(events, faulty(events)).result()
    assert again.again == set(range(60))
    assert list(again.seqs) == list(first.seqs)
    assert [again.decision(at) for at in range(60)] == [first.decision(at) for at in range(60)]
    other = msgspec.structs.replace(events[3], source="elsewhere")
    mixed = host.submit([other, *stream(3, prefix="new"), events[4]]).result()
    assert mixed.problems[0].kind == "conflict"
    assert list(mixed.seqs) == [0, 62, 63, 64, 6]
    assert mixed.again == {4}
    with pytest.raises(ConflictError, match=events[3].id):
        host.decide(other)
    # A fault is a part of the content.
    with pytest.raises(ConflictError):
        host.decide(events[1], faulty(events, 1).get(0) or faulty(events)[min(faulty(events))])
    host.close()


def test_twice_in_one_commit(opened: Opening) -> None:
    host = host_over(opened())
    host.start()
    first, second = stream(2)
    other = msgspec.structs.replace(first, source="elsewhere")
    answers = host.submit([first, first, other, second, second]).result()
    assert list(answers.seqs) == [2, 2, 0, 3, 3]
    assert set(answers.problems) == {2}
    assert answers.again == {1, 4}
    assert host.store.journal.head() == 3
    host.close()


def test_refused_events_leave_nothing(opened: Opening) -> None:
    host = host_over(opened())
    host.start()
    events = stream(10)
    early = make("message.sent", 1, NOW_US + 3_600_000_000, sender="a", recipient="b")
    early = msgspec.structs.replace(early, id="early")
    timeless = msgspec.structs.replace(events[0], id="timeless", time="soon")
    answers = host.submit([events[0], early, early, *events[1:], timeless]).result()
    assert {at: problem.kind for at, problem in answers.problems.items()} == dict.fromkeys((1, 2, 12), "refused")
    assert answers.again == set()
    assert [seq for seq in answers.seqs if seq] == list(range(2, 12))
    assert host.store.journal.find(["early", "timeless"]) == {}
    with pytest.raises(RecordError, match="future") as told:
        host.decide(early)
    assert told.value.path == "$.time"
    assert host.submit([early]).result().seqs == [0]
    host.close()
    assert seen(rebuilt(opened())) == seen(rebuilt(opened(), snapshots=False))


def test_many_callers(opened: Opening) -> None:
    host = host_over(opened())
    host.start()
    parts = [stream(40, seed, f"s{seed}-") for seed in range(8)]
    answers: dict[str, Decision] = {}

    def call(events: list[Any]) -> None:
        for event in events:
            answers[event.id] = host.decide(event)

    threads = [Thread(target=call, args=(part,)) for part in parts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 320
    assert host.status().commits <= 321
    found = host.store.journal.find(list(answers))
    assert {name: one.decision for name, one in found.items()} == answers
    assert sorted(one.seq for one in found.values()) == list(range(2, 322))
    live = host.ask(seen).result()
    host.close()
    assert seen(rebuilt(opened(), snapshots=False)) == live


def test_a_new_policy_counts_from_its_entry_on(opened: Opening) -> None:
    store = opened()
    first, same, other = (
        stored(SPEED.format(within=within, most=most)) for within, most in (("1h", 30), ("1h", 20), ("2h", 10))
    )
    host = host_over(store, initial=first)
    host.start()
    with pytest.raises(NotFoundError):
        host.change(PolicyChange(actor="kim", policy="nobody's"))
    store.policies.add(same)
    store.policies.add(other)
    events = [event for event in stream(900) if hasattr(event, "sender")]
    host.submit(events[:200]).result()
    assert host.status().policy == first.hash
    host.change(LabelChange(actor="kim", kind="account", entity="a", label="fast", present=False)).result()
    commits = host.status().commits
    with pytest.raises(PolicyStateError):
        host.change(PolicyChange(actor="kim", policy=same.hash, base=other.hash)).result()
    # Nothing was written: the engine is as it was, and nobody waits for another one.
    assert (host.status().phase, host.status().commits) == ("ready", commits)
    assert host.change(PolicyChange(actor="kim", policy=same.hash, base=first.hash)).result() == 203
    one = host.submit(events[200:300]).result()
    assert one.policy == host.status().policy == same.hash
    host.change(PolicyChange(actor="kim", policy=first.hash, mode="shadow")).result()
    seq = host.change(PolicyChange(actor="kim", policy=other.hash)).result()
    live = store.policies.live()
    assert live is not None
    assert live.hash == other.hash
    two = host.submit(events[300:]).result()
    # The new windows have seen all that was before: an engine that began with this policy says the same.
    engine = Engine(compile_policy(other))
    outcome = engine.decide_batch(events, now_us=NOW_US, every=True)
    verdicts = [decision.verdict for _, decision in outcome.decisions][300:]
    assert [two.decision(at).verdict for at in range(len(two.events))] == verdicts
    assert "hold" in verdicts
    assert two.seqs[0] == seq + 1
    held = host.ask(seen).result()
    host.close()
    twin = opened()
    assert seen(rebuilt(twin)) == held == seen(rebuilt(twin, snapshots=False))
    # The answers of before are those that were given.
    assert twin.journal.find([events[250].id])[events[250].id].policy == same.hash


def test_snapshots_at_intervals(opened: Opening) -> None:
    store = opened()
    host = host_over(store, snapshot_events=100, snapshot_keep=2)
    host.start()
    events = stream(700)
    for at in range(0, 700, 35):
        host.submit(events[at : at + 35]).result()
    host.close()
    kept = [info.seq for info in store.snapshots.stored()]
    assert len(kept) == 2
    assert kept[0] == 701
    again = host_over(opened())
    again.start()
    assert again.status().seq == 701
    assert seen(rebuilt(opened(), snapshots=False)) == again.ask(seen).result()
    again.close()


def test_a_damaged_snapshot_is_passed_over(opened: Opening) -> None:
    store = opened()
    host = host_over(store, snapshot_events=100)
    host.start()
    for at in range(0, 300, 50):
        host.submit(stream(300)[at : at + 50]).result()
    host.close()
    info = store.snapshots.stored()[0]
    store.snapshots.drop(info)

    def damaged(path: Path) -> None:
        path.write_bytes(b"trustward state 2\n" + bytes(100))

    store.snapshots.write(info, damaged)
    later = msgspec.structs.replace(info, seq=info.seq + 1000)
    store.snapshots.write(later, damaged)
    assert seen(rebuilt(store)) == seen(rebuilt(store, snapshots=False))
    assert later not in store.snapshots.stored()


@pytest.mark.parametrize("how", ["before", "after"])
def test_a_failed_commit_is_tried_once_more(opened: Opening, how: str) -> None:
    store = Breaking(opened())
    host = host_over(cast("Store", store))
    host.start()
    events = stream(400)
    host.submit(events[:200]).result()
    store.plan = [how]
    answers = host.submit(events[200:]).result()
    assert [answers.decision(at) for at in range(200)] == alone_without_faults(400)[200:]
    assert list(answers.seqs) == list(range(202, 402))
    live = host.ask(seen).result()
    host.close()
    assert seen(rebuilt(opened(), snapshots=False)) == live


def alone_without_faults(count: int) -> list[Decision]:
    engine = Engine(compile_policy(TRIAL))
    return [engine.decide(event, now_us=NOW_US) for event in stream(count)]


def test_memory_never_runs_ahead(opened: Opening) -> None:
    store = Breaking(opened())
    host = host_over(cast("Store", store))
    host.start()
    events = stream(500)
    host.submit(events[:200]).result()
    store.plan = ["before", "before"]
    with pytest.raises(StoreError, match="space"):
        host.submit(events[200:300]).result()
    host.submit(events[300:]).result()
    store.plan = ["before"]
    change = host.change(LabelChange(actor="kim", kind="account", entity="a", label="watched"))
    with pytest.raises(StoreError):
        change.result()
    live = host.ask(seen).result()
    host.close()
    assert seen(rebuilt(opened(), snapshots=False)) == live
    engine = Engine(compile_policy(TRIAL))
    engine.decide_batch([*events[:200], *events[300:]], now_us=NOW_US)
    assert seen(engine) == live


def test_one_request_cannot_spoil_the_others(opened: Opening) -> None:
    host = host_over(opened())
    host.start()
    gate = Signal()
    held = host.ask(lambda _: gate.wait(10))
    good = host.submit(stream(5))
    bad = host.submit([msgspec.structs.replace(stream(1)[0], id="bad", source="\ud800")])
    other = host.submit(stream(5, prefix="other"))
    gate.set()
    held.result()
    with pytest.raises(StoreError):
        bad.result()
    assert [*good.result().seqs, *other.result().seqs] == list(range(2, 12))
    live = host.ask(seen).result()
    host.close()
    assert seen(rebuilt(opened(), snapshots=False)) == live


def test_too_much_waits(opened: Opening) -> None:
    host = host_over(opened(), queue_events=50)
    with pytest.raises(UnavailableError):
        host.submit(stream(1))
    host.start()
    gate = Signal()
    host.ask(lambda _: gate.wait(10))
    futures = [host.submit(stream(60))]
    with pytest.raises(OverloadedError):
        host.submit(stream(1, prefix="x"))
    gate.set()
    assert len(futures[0].result().seqs) == 60
    host.submit(stream(1, prefix="x")).result()
    host.close()
    with pytest.raises(UnavailableError):
        host.submit(stream(1))


def test_tickets_are_told_together(opened: Opening) -> None:
    host = host_over(opened())
    host.start()
    told: list[list[Ticket]] = []
    done = Signal()

    def notify(tickets: Any) -> None:
        told.append(list(tickets))
        if sum(map(len, told)) == 20:
            done.set()

    gate = Signal()
    host.ask(lambda _: gate.wait(10))
    for event in stream(20):
        host.post(Ticket((event,), notify=notify))
    gate.set()
    assert done.wait(10)
    assert len(told) == 1
    assert all(ticket.answers is not None and ticket.answers.decision(0) for ticket in told[0])
    host.close()


def notices(store: Store) -> list[tuple[int, str]]:
    return [(row.seq, outgoing(row.body).event_id) for row in store.outbox.waiting(99) if row.number == NOTICE]


def test_what_tells_a_late_decision_is_in_its_commit(opened: Opening) -> None:
    store = opened()
    host = host_over(store)
    host.telling = True
    host.start()
    seen_by: list[tuple[list[tuple[int, str]], Any]] = []

    def dies(tickets: Any) -> None:
        # The first instant after the commit: what a kill leaves behind is what is on disk now.
        seen_by.append((notices(opened()), [list(ticket.told) for ticket in tickets]))
        raise RuntimeError("killed")

    gate = Signal()
    host.ask(lambda _: gate.wait(10))
    late, early, plain, many = stream(1), stream(1, prefix="f"), stream(1, prefix="g"), stream(3, prefix="h")
    for events, dues in ((late, {0: 0.0}), (early, {0: 1e12}), (plain, {}), (many, {0: 1e12, 2: 0.0})):
        ticket = Ticket(events, notify=dies)
        ticket.dues = dues
        host.post(ticket)
    gate.set()
    host.ask(seen).result()
    told = [(2, late[0].id), (7, many[2].id)]
    assert seen_by == [(told, [[0], [], [], [2]])]
    # What came before is on disk: it is no part of another commit.
    again = Ticket((*late, *stream(1, prefix="i")), notify=dies)
    again.dues = {0: 0.0}
    host.post(again)
    host.close()
    assert seen_by[1:] == [(told, [[]])]


@pytest.mark.parametrize("how", ["before", "after"])
def test_a_failed_commit_tells_a_late_decision_once(opened: Opening, how: str) -> None:
    store = Breaking(opened())
    host = host_over(cast("Store", store))
    host.telling = True
    host.start()
    done = Signal()
    ticket = Ticket(stream(1), notify=lambda _: done.set())
    ticket.dues = {0: 0.0}
    store.plan = [how]
    host.post(ticket)
    assert done.wait(30)
    host.close()
    assert notices(opened()) == [(2, ticket.events[0].id)]
    # Lost was the answer of the commit that has told it, or all of it.
    assert list(ticket.told) == ([0] if how == "before" else [])


def test_a_caller_that_is_gone_stops_nobody(opened: Opening) -> None:
    host = host_over(opened())
    host.start()

    def gone(_tickets: Any) -> None:
        raise RuntimeError("the loop is closed")

    gate = Signal()
    held = host.ask(lambda _: gate.wait(10))
    cancelled = host.ask(seen)
    assert cancelled.cancel()
    host.post(Ticket(stream(3), notify=gone))
    failing = host.ask(lambda _: 1 // 0)
    gate.set()
    assert held.result()
    with pytest.raises(ZeroDivisionError):
        failing.result()
    assert host.submit(stream(3)).result().again == {0, 1, 2}
    assert host.status().phase == "ready"
    host.close()


def test_one_writer(opened: Opening) -> None:
    first, second = host_over(opened(), owner="first"), host_over(opened(), owner="second")
    first.start()
    with pytest.raises(WriterError, match="first"):
        second.start()
    standby = host_over(opened(), owner="third", standby=True)
    standby.start()
    with pytest.raises(UnavailableError):
        standby.submit(stream(1))
    first.submit(stream(300)).result()
    live = first.ask(seen).result()
    first.close()
    for _ in range(500):
        if standby.status().phase == "ready":
            break
        Signal().wait(0.01)
    assert standby.ask(seen).result() == live
    assert standby.submit(stream(300)).result().again == set(range(300))
    standby.close()


def test_an_old_writer_is_fenced_off(opened: Opening) -> None:
    store = opened()
    host = host_over(store)
    host.start()
    host.submit(stream(10)).result()
    # Somebody takes over, believing it gone.
    store.writer.acquire("another", 1)
    answers = host.submit(stream(20)).result()
    assert list(answers.seqs) == list(range(2, 22))
    host.close()


def test_batches_of_any_size_leave_the_same_windows() -> None:
    events = stream(2000)
    policy = compile_policy(TRIAL)
    remembered = []
    for size in (1, 7, 500, 2000):
        engine = Engine(policy)
        for at in range(0, 2000, size):
            engine.decide_batch(events[at : at + size], now_us=NOW_US)
        remembered.append(seen(engine))
    assert remembered == remembered[:1] * 4


def test_the_clock_may_step_back(opened: Opening) -> None:
    times = iter([NOW_US, NOW_US, NOW_US - 10**9, NOW_US - 10**9, *[NOW_US] * 100])
    host = host_over(opened(), clock=lambda: next(times))
    host.start()
    for part in (stream(5), stream(5, prefix="b"), stream(5, prefix="c")):
        host.submit(part).result()
    host.close()
    ats = [segment.at_us for segment in host.store.journal.read(0, 100)]
    assert ats == sorted(ats)
