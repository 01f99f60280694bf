"""Policies on trial: what they say follows from policy and journal alone, however they are run."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.service.kit import DECODER, NOW_US, TRIAL, compile_policy, faulty, host_over, stored, stream
from trustward.adapters.store.memory import MemoryStore
from trustward.adapters.store.opened import open_store
from trustward.base.errors import StoreError
from trustward.engine.comparison import Comparison, decode
from trustward.model.changes import LabelChange, ListChange, PolicyChange, SnoozeChange
from trustward.model.stored import AuditRow, StoredPolicy
from trustward.model.trial import Trial
from trustward.operations.deciding import Deciding
from trustward.operations.trying import MOST_TRIES, Trying
from trustward.ports import Store

TEXT = "\n".join(text for name, text in TRIAL.sources if name.endswith(".policy"))


def other(*changes: tuple[str, str]) -> StoredPolicy:
    """The policy of these tests, changed."""
    text = TEXT
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    lists = tuple((name, text) for name, text in TRIAL.sources if not name.endswith(".policy"))
    made = StoredPolicy(hash="", name="other", sources=(("mine.policy", text), *lists), actor="kim")
    return msgspec.structs.replace(made, hash=compile_policy(made).hash)


SHARPER = other(("contacts_1m >= 3", "contacts_1m >= 2"), ("repeat(3, {", "repeat(2, {"), ('lasts="20s"', 'lasts="2m"'))
WIDER = other(('by=event.sender, within="1m", of="message.sent")', 'by=event.sender, within="10m", of="message.sent")'))
CHANGES = (
    LabelChange(actor="kim", kind="account", entity="a", label="busy"),
    LabelChange(actor="kim", kind="account", entity="a", label="busy", present=False),
    ListChange(actor="kim", list="partners", put=("b", "c")),
    ListChange(actor="kim", list="partners", gone=("b", "p1")),
    SnoozeChange(actor="kim", rule="many-contacts", kind="account", entity="d", until_us=NOW_US),
)


def trying(store: Store, worker: str = "w", **how: Any) -> Trying:
    told = {"skew_us": 0, "clock": lambda: NOW_US, "save_s": 0.0, **how}
    return Trying(store, DECODER, told.pop("compile_policy", compile_policy), worker=worker, **told)


def backtest(store: Store, policy: StoredPolicy, *, after: int = 1, upto: int | None = None, id: str = "b1") -> Trial:
    """A backtest that waits."""
    trial = Trial(
        id=id,
        kind="backtest",
        policy=policy.hash,
        actor="kim",
        at_us=1,
        after=after,
        upto=store.journal.head() if upto is None else upto,
    )
    store.policies.add(policy)
    store.trials.add(trial, AuditRow(at_us=1, actor="kim", action="backtest.started", subject=f"trial:{id}"))
    return trial


def found(store: Store, id: str = "b1") -> Comparison:
    """What it has found, but for how long it took."""
    trial = store.trials.get(id)
    assert trial is not None
    result = decode(trial.result)
    result.spent_s = 0.0
    return result


def run(store: Store, **how: Any) -> None:
    """Until nothing is left to do at present."""
    worker = trying(store, **how)
    while worker.round():
        pass
    worker.round()


def filled(store: Store, seed: int = 1, parts: int = 6, size: int = 60) -> Deciding:
    """A host that has decided some events, with changes between."""
    host = host_over(store)
    host.start()
    for number in range(parts):
        fill(host, seed, number, size)
    return host


def fill(host: Deciding, seed: int, number: int, size: int = 60) -> None:
    events = stream(size, seed * 1000 + number, f"s{seed}-{number}-")
    host.submit(events, faulty(events)).result()
    host.change(CHANGES[number % len(CHANGES)]).result()


def test_the_live_policy_on_trial_changes_nothing(opened: Callable[[], Store]) -> None:
    store = opened()
    host = filled(store)
    backtest(store, TRIAL)
    run(store)
    trial = store.trials.get("b1")
    assert trial is not None
    assert (trial.state, trial.seq) == ("done", store.journal.head())
    same = found(store)
    assert (same.events, same.first, same.last) == (360, 2, store.journal.head() - 1)
    assert (same.changed, same.differing, same.entities, same.examples) == (0, 0, {}, {})
    assert {rule: (count.live, count.trial) for rule, count in same.rules.items() if count.live != count.both} == {}
    assert sum(count.both for count in same.rules.values()) > 50
    assert same.policies == {TRIAL.hash: 360}
    host.close()


def test_what_changes_is_told_both_ways(opened: Callable[[], Store]) -> None:
    store = opened()
    host = filled(store)
    half = host.change(PolicyChange(actor="kim", policy=TRIAL.hash)).result()
    fill(host, 1, 9, 400)
    backtest(store, SHARPER, after=half)
    run(store)
    result = found(store)
    assert result.events == 400
    assert result.first == half + 1
    assert result.changed == result.harsher + result.milder > 0
    assert result.only_trial > 0
    count = result.rules["many-contacts"]
    assert count.trial > count.live
    assert count.both <= min(count.live, count.trial)
    by_pair = {pair: number for pair, number in result.verdicts.items() if pair.split(">")[0] != pair.split(">")[1]}
    assert sum(by_pair.values()) == result.changed
    for pair, examples in result.examples.items():
        for one in examples:
            assert f"{one.live}>{one.trial}" == pair
            past = store.journal.entry(one.entry)
            assert past is not None
            assert (past.decision.event_id, past.decision.verdict) == (one.event_id, one.live)
    assert any(one.only_trial and one.reasons for examples in result.examples.values() for one in examples)
    assert any(count.only_trial for held in result.entities.values() for count in held.values())
    host.close()


@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_a_shadow_says_what_a_backtest_says(data: st.DataObject) -> None:
    """Whenever it begins, however it is cut, whoever takes it up again."""
    store = MemoryStore()
    policy = data.draw(st.sampled_from([SHARPER, WIDER, TRIAL]))
    store.policies.add(policy)
    with_live = policy is not TRIAL
    host = host_over(store)
    host.start()
    begun = data.draw(st.integers(0, 3))
    worker = trying(store, slice_s=0.0)
    after = 0
    for number in range(5):
        if number == begun:
            if with_live:
                after = host.change(PolicyChange(actor="kim", policy=policy.hash, mode="shadow")).result()
            else:
                after = store.journal.head()
                store.trials._tried.trials["shadow-0"] = Trial(
                    id="shadow-0", kind="shadow", policy=policy.hash, actor="kim", at_us=1, after=after, upto=None
                )
        fill(host, data.draw(st.integers(1, 4)) * 10, number, data.draw(st.integers(1, 40)))
        for _ in range(data.draw(st.integers(0, 4))):
            worker.round()
        if data.draw(st.booleans()):
            # It was killed: what it saved last is where it goes on, under the same or (lease over) another name.
            worker = trying(store, slice_s=data.draw(st.sampled_from([0.0, 10.0])), clock=lambda: NOW_US)
    while worker.round():
        pass
    worker.round()
    (shadow,) = store.trials.all("shadow")
    backtest(store, policy, after=after)
    run(store)
    assert found(store, shadow.id) == found(store, "b1")
    if not with_live:
        assert found(store, "b1").differing == 0
    host.close()


def test_a_shadow_goes_on_and_ends(opened: Callable[[], Store]) -> None:
    store = opened()
    host = filled(store, parts=2)
    store.policies.add(WIDER)
    begun = host.change(PolicyChange(actor="kim", policy=WIDER.hash, mode="shadow", reason="try")).result()
    live = host.ask(lambda engine: engine.policy.hash).result()
    assert live == TRIAL.hash
    worker = trying(store)
    while worker.round():
        pass
    assert found(store, f"shadow-{begun}").events == 0
    fill(host, 3, 1)
    while worker.round():
        pass
    worker.round()
    assert found(store, f"shadow-{begun}").events == 60
    host.change(PolicyChange(actor="kim", policy=WIDER.hash, reason="good")).result()
    fill(host, 3, 2)
    assert not worker.round()
    trial = store.trials.get(f"shadow-{begun}")
    assert trial is not None
    assert trial.state == "ended"
    assert found(store, f"shadow-{begun}").events == 60
    host.close()


def test_a_shadow_that_ends_before_it_is_looked_at_is_compared_all_the_same(opened: Callable[[], Store]) -> None:
    store = opened()
    host = filled(store, parts=1)
    for policy in (WIDER, SHARPER):
        store.policies.add(policy)
    begun = host.change(PolicyChange(actor="kim", policy=WIDER.hash, mode="shadow")).result()
    fill(host, 2, 1)
    host.change(PolicyChange(actor="kim", policy=SHARPER.hash, mode="shadow")).result()
    fill(host, 2, 2)
    shadow = store.trials.get(f"shadow-{begun}")
    assert shadow is not None
    assert (shadow.state, shadow.upto) == ("waiting", begun + 61)
    run(store)
    shadow = store.trials.get(f"shadow-{begun}")
    assert shadow is not None
    assert (shadow.state, shadow.seq, found(store, shadow.id).events) == ("ended", begun + 61, 60)
    (open_one,) = store.trials.open()
    assert open_one.policy == SHARPER.hash
    # One with nothing to compare has ended at once.
    host.change(PolicyChange(actor="kim", policy=WIDER.hash, mode="shadow")).result()
    host.change(PolicyChange(actor="kim", policy=WIDER.hash, mode="off")).result()
    run(store)
    assert store.trials.open() == []
    host.close()


def test_one_that_fails_says_so_and_disturbs_nobody() -> None:
    store = MemoryStore()
    host = filled(store, parts=1)
    store.policies.add(SHARPER)
    host.change(PolicyChange(actor="kim", policy=SHARPER.hash, mode="shadow")).result()

    def broken(policy: StoredPolicy) -> Any:
        if policy.hash == SHARPER.hash:
            raise ValueError("words of an event")
        return compile_policy(policy)

    backtest(store, TRIAL)
    run(store, compile_policy=broken)
    (shadow,) = store.trials.all("shadow")
    assert (shadow.state, shadow.fault) == ("failed", "a function failed: ValueError")
    assert found(store).events == 60
    fill(host, 2, 2)
    assert host.status().phase == "ready"
    host.close()


def test_one_that_ends_its_process_is_given_up() -> None:
    store = MemoryStore()
    host = filled(store, parts=1)
    backtest(store, TRIAL)
    for _ in range(MOST_TRIES):
        store.trials.claim("b1", "w", NOW_US, NOW_US + 1)
    run(store)
    trial = store.trials.get("b1")
    assert trial is not None
    assert (trial.state, trial.fault) == ("failed", f"broken off {MOST_TRIES} times without getting on")
    host.close()


def test_a_database_that_is_gone_for_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    store = MemoryStore()
    host = filled(store, parts=3)
    backtest(store, SHARPER)
    worker = trying(store, slice_s=0.0)
    assert worker.round()
    with monkeypatch.context() as gone:

        def read(after: int, limit: int) -> Any:
            raise StoreError("gone", remedy="wait")

        gone.setattr(store.journal, "read", read)
        with pytest.raises(StoreError):
            worker.round()
    while worker.round():
        pass
    backtest(store, SHARPER, upto=store.journal.head(), id="b2")
    run(store)
    assert found(store) == found(store, "b2")
    host.close()


def test_killed_at_any_instant_it_finds_the_same(tmp_path: Path) -> None:
    draw = Random(7)
    store = open_store("", tmp_path)
    host = filled(store, parts=25, size=12)
    host.close()
    backtest(store, SHARPER)
    words = [sys.executable, "-m", "tests.service.trial_worker", str(tmp_path)]
    root = Path(__file__).parents[2]
    for _ in range(2):
        with subprocess.Popen(words, stdout=subprocess.PIPE, cwd=root) as process:
            assert process.stdout is not None
            for _ in range(draw.randint(1, 6)):
                process.stdout.readline()
            process.send_signal(signal.SIGKILL)
    trial = store.trials.get("b1")
    assert trial is not None
    assert trial.state == "running"
    run(store)
    backtest(store, SHARPER, id="b2", upto=trial.upto)
    run(store)
    assert found(store) == found(store, "b2")
    assert found(store).events == 300
    store.close()


def test_a_policy_of_another_shape_is_tried_too() -> None:
    store = MemoryStore()
    host = filled(store, parts=2)
    small = stored(
        'rule(id="all", on="message.sent", when=event.sender == "a", then=[warn(event)], reason="x", fraud="spam", '
        'owner="me", hits=[{"sender": "a"}], misses=[{"sender": "b"}])'
    )
    backtest(store, small)
    run(store)
    result = found(store)
    assert result.rules["all"].live == 0 < result.rules["all"].trial
    assert result.only_live > 0
    assert result.only_trial > 0
    host.close()
