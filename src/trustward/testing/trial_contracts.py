"""What every adapter of the trials must do, as tests (see ``contracts.py``)."""

from __future__ import annotations

import msgspec

from trustward.model.changes import PolicyChange, encode_change
from trustward.model.journal import Commit, Segment
from trustward.model.stored import AuditRow, Lease, StoredPolicy
from trustward.model.trial import Step, Trial
from trustward.ports import Store
from trustward.testing.contracts import Contract

TRIAL = Trial(id="b1", kind="backtest", policy="p1", actor="kim", reason="r", at_us=50, after=10, upto=30, warm_after=5)
AUDIT = AuditRow(at_us=50, actor="kim", action="backtest.started", subject="trial:b1")


def step(seq: int, **how: object) -> Step:
    """A step of the worker w."""
    return msgspec.structs.replace(Step(id="b1", worker="w", seq=seq, until_us=2000, at_us=1000), **how)


def put(store: Store, lease: Lease, mode: str, policy: str = "p1") -> int:
    """Change a policy's mode; the entry."""
    seq = store.journal.head() + 1
    change = PolicyChange(actor="kim", reason="r", policy=policy, mode=mode)  # type: ignore[arg-type]
    segment = Segment(first=seq, count=1, kind="change", at_us=100 + seq, policy="", body=encode_change(change))
    store.journal.append(lease, Commit(segments=(segment,)))
    return seq


class TrialsContract(Contract):
    """A trial is one worker's; a shadow begins and ends with its entry of the journal."""

    def test_a_backtest_from_beginning_to_end(self, store: Store) -> None:
        assert store.trials.get("b1") is None
        store.trials.add(TRIAL, AUDIT)
        assert store.trials.get("b1") == msgspec.structs.replace(TRIAL, seq=5)
        assert [one.id for one in store.trials.open()] == ["b1"]
        assert [row.action for row in store.audit.read(0, 10)] == ["backtest.started"]
        assert not store.trials.save(step(6))
        mine = store.trials.claim("b1", "w", 1000, 2000)
        assert mine is not None
        assert (mine.state, mine.worker, mine.until_us, mine.tries) == ("running", "w", 2000, 1)
        assert store.trials.save(step(12, result=b"so far"))
        found = store.trials.get("b1")
        assert found is not None
        assert (found.seq, found.result, found.tries) == (12, b"so far", 0)
        assert store.trials.open()[0].result == b""
        assert store.trials.save(step(30, state="done", until_us=0, result=b"all"))
        found = store.trials.get("b1")
        assert found is not None
        assert (found.state, found.ended_us, found.result) == ("done", 1000, b"all")
        assert store.trials.open() == []
        assert store.trials.claim("b1", "w", 3000, 4000) is None
        assert not store.trials.save(step(31))
        assert not store.trials.cancel("b1", 3000, AUDIT)

    def test_one_worker_at_a_time(self, store: Store) -> None:
        store.trials.add(TRIAL, AUDIT)
        assert store.trials.claim("b1", "w", 1000, 2000) is not None
        assert store.trials.claim("b1", "other", 1999, 3000) is None
        assert store.trials.claim("b1", "w", 1000, 2000) is not None
        assert store.trials.save(step(12, result=b"so far"))
        taken = store.trials.claim("b1", "other", 2000, 3000)
        assert taken is not None
        assert taken.result == b"so far"
        assert not store.trials.save(step(13))
        # Until when a clock that ran ahead has written it, nobody waits.
        assert store.trials.claim("b1", "other", 9_000_000_000_000, 9_000_001_000_000) is not None
        assert store.trials.claim("b1", "w", 3000, 4000) is not None

    def test_tries_count_until_it_gets_on(self, store: Store) -> None:
        store.trials.add(TRIAL, AUDIT)

        def tries() -> int:
            found = store.trials.get("b1")
            assert found is not None
            return found.tries

        for number in (1, 2):
            store.trials.claim("b1", "w", 1000, 2000)
            assert tries() == number
        assert store.trials.save(step(8, result=b"x"))
        assert tries() == 0
        store.trials.claim("b1", "w", 1000, 2000)
        # Begun anew: it has been here before.
        assert store.trials.save(step(7))
        assert store.trials.save(step(8))
        assert tries() == 1
        found = store.trials.get("b1")
        assert found is not None
        assert (found.seq, found.result) == (8, b"x")
        assert store.trials.save(step(8, idle=True))
        assert tries() == 0

    def test_cancelled(self, store: Store) -> None:
        store.trials.add(TRIAL, AUDIT)
        store.trials.claim("b1", "w", 1000, 2000)
        audit = AuditRow(at_us=1500, actor="kim", action="backtest.cancelled", subject="trial:b1")
        assert store.trials.cancel("b1", 1500, audit)
        assert not store.trials.cancel("b1", 1500, audit)
        assert not store.trials.save(step(12))
        assert not store.trials.cancel("none", 1500, audit)
        assert [row.action for row in store.audit.read(0, 10)] == ["backtest.started", "backtest.cancelled"]

    def test_pages(self, store: Store) -> None:
        for number in range(5):
            store.trials.add(msgspec.structs.replace(TRIAL, id=f"b{number}", at_us=50 + number // 2), AUDIT)
        assert [one.id for one in store.trials.all("backtest")] == ["b4", "b3", "b2", "b1", "b0"]
        assert [one.id for one in store.trials.all("backtest", "b3", 2)] == ["b2", "b1"]
        assert store.trials.all("backtest", "none") == store.trials.all("shadow") == []

    def test_a_shadow_follows_the_journal(self, store: Store, lease: Lease) -> None:
        for name in ("p1", "p2", "p3"):
            store.policies.add(StoredPolicy(hash=name, name=name, sources=(("a.policy", "x"),), actor="kim"))

        def modes() -> list[str]:
            found = [store.policies.get(name) for name in ("p1", "p2", "p3")]
            return [one.mode for one in found if one is not None]

        put(store, lease, "live")
        seq = put(store, lease, "shadow", "p2")
        (trial,) = store.trials.open()
        assert trial == Trial(
            id=f"shadow-{seq}",
            kind="shadow",
            policy="p2",
            actor="kim",
            reason="r",
            at_us=100 + seq,
            after=seq,
            upto=None,
        )
        assert modes() == ["live", "shadow", "off"]
        assert not store.trials.cancel(trial.id, 200, AUDIT)
        # Another one takes its place.
        second = put(store, lease, "shadow", "p3")
        assert [one.id for one in store.trials.open()] == [f"shadow-{second}"]
        assert [(one.id, one.state) for one in store.trials.all("shadow")] == [
            (f"shadow-{second}", "waiting"),
            (f"shadow-{seq}", "ended"),
        ]
        assert modes() == ["live", "off", "shadow"]
        # What is live does not become a shadow, and other things go live beside one.
        put(store, lease, "live", "p2")
        assert modes() == ["off", "live", "shadow"]
        assert len(store.trials.open()) == 1
        # It goes live, and is no shadow any more.
        put(store, lease, "live", "p3")
        assert modes() == ["off", "off", "live"]
        # The entry between is still to be looked at, whoever does it.
        (last,) = store.trials.open()
        assert (last.id, last.upto) == (f"shadow-{second}", second + 1)
        assert store.trials.claim(last.id, "w", 1000, 2000) is not None
        assert store.trials.save(Step(id=last.id, worker="w", seq=second + 1, until_us=0, at_us=1500, state="ended"))
        assert store.trials.open() == []
        put(store, lease, "shadow", "p1")
        put(store, lease, "off", "p1")
        assert (modes(), store.trials.open()) == (["off", "off", "live"], [])
        put(store, lease, "off", "p3")
        assert modes()[2] == "live"


CONTRACTS = (TrialsContract,)
"""One for each port."""
