"""Hosts over any store, small worlds to feed them, and ways to break a store."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path
from random import Random
from typing import Any

from tests.engine.worlds import CATALOGUE, START_US, make
from trustward import bootstrap
from trustward.base.errors import StoreError
from trustward.engine.engine import Engine
from trustward.engine.snapshot import dump_state
from trustward.exchange.decode import EventDecoder
from trustward.model.decision import Fault
from trustward.model.event import Event
from trustward.model.journal import Commit
from trustward.model.stored import Lease, StoredPolicy
from trustward.operations.deciding import Deciding
from trustward.operations.recovery import Replayer
from trustward.operations.standing import Options
from trustward.ports import Store

TRIAL = bootstrap.stored_policy(str(Path(__file__).parents[1] / "engine" / "policy"), actor="kim", known=CATALOGUE)
DECODER = EventDecoder(CATALOGUE)
NOW_US = START_US + 400 * 86_400_000_000
compile_policy = bootstrap.compiler(CATALOGUE)


def stored(text: str, name: str = "mine") -> StoredPolicy:
    """A policy of one file."""
    source = ("mine.policy", text)
    loaded = compile_policy(StoredPolicy(hash="", name=name, sources=(source,)))
    return StoredPolicy(hash=loaded.hash, name=name, sources=(source,), actor="kim")


def host_over(
    store: Store, *, initial: StoredPolicy = TRIAL, clock: Callable[[], int] | None = None, **how: Any
) -> Deciding:
    """A host that has not been started."""
    options = Options(**{"pause_s": 0.02, **how})
    return Deciding(store, DECODER, compile_policy, initial=initial, options=options, clock=clock or (lambda: NOW_US))


def stream(count: int, seed: int = 1, prefix: str = "e") -> list[Event]:
    """Events of few accounts, in order of time, some of them late."""
    draw = Random(seed)
    events = []
    time = START_US
    for number in range(count):
        time += draw.choice([0, 1_000, 500_000, 5_000_000, 90_000_000])
        at = time - draw.choice([0, 0, 0, 7_000_000])
        if draw.random() < 0.6:
            fields: dict[str, Any] = {
                "sender": draw.choice("abcd"),
                "recipient": draw.choice(["a", "b", "x", "y", "z", None]),
                "urls": draw.choice([None, ("http://x.example/",)]),
                "text": draw.choice([None, "hi", "a longer text \u0000 \u2028 with odd letters"]),
                "country": draw.choice(["SG", "MY", None]),
            }
            kind = "message.sent"
        else:
            fields = {
                "account": draw.choice("abcd"),
                "device": draw.choice(["d1", "d2", None]),
                "amount": draw.choice([None, 1, 5_000, 9_999]),
                "currency": draw.choice(["SGD", "USD", None]),
                "country": draw.choice(["SG", "MY", None]),
            }
            kind = "payment.requested"
        event = make(kind, number, at, **fields)
        events.append(
            type(event)(**{**{f: getattr(event, f) for f in event.__struct_fields__}, "id": f"{prefix}{number}"})
        )
    return events


def faulty(events: Sequence[Event], every: int = 9) -> dict[int, tuple[Fault, ...]]:
    """Faults in the country of some events that have none."""
    return {
        at: (Fault(path="$.country", cause="expected text"),)
        for at, event in enumerate(events)
        if at % every == 0 and getattr(event, "country", "") is None
    }


def seen(engine: Engine) -> tuple[bytes, dict[str, int], list[Any]]:
    """All that an engine remembers, comparable: state, how much the windows hold, and what every key would read.

    Where things lie in memory depends on how the events were cut into batches, and is nobody's business; nor is how far
    the keys that have fallen silent are given back: here all are.
    """
    state = dump_state(engine)
    keys = ("a", "b", "c", "d", "d1", "d2", "x", "y", "z", "http://x.example/", "SGD", "USD")
    keyed = {2: [list(pair) for pair in product(keys, repeat=2)], 3: [list(three) for three in product(keys, repeat=3)]}
    reads = [
        (space, key, at, engine.windows.lookup(space, key, at))
        for space in sorted({stream.keyspace for stream in engine.policy.plan.streams})
        for key in (keyed[space.count(",") + 1] if space.startswith("(") else keys)
        for at in (START_US, START_US + 40_000_000_000)
    ]
    assert any(value for *_, found in reads for values in found.values() for value in values)
    engine.windows.sweep()
    return state, engine.windows.retained(), reads


def rebuilt(store: Store, *, snapshots: bool = True) -> Engine:
    """The engine as the journal says; without snapshots, as an uninterrupted twin has it."""
    replayer = Replayer(store, DECODER, compile_policy, Options().skew_us)
    restored = replayer.restore() if snapshots else replayer.replay(None, 0)
    assert restored.engine is not None
    return restored.engine


class Breaking:
    """A store whose next appends fail as told: ``before`` the commit, or ``after`` it (the answer was lost)."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.plan: list[str] = []
        self.journal = self

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store if name in dir(self._store) else self._store.journal, name)

    def append(self, lease: Lease, commit: Commit) -> None:
        how = self.plan.pop(0) if self.plan else ""
        if how == "before":
            raise StoreError("no space left", remedy="make room")
        self._store.journal.append(lease, commit)
        if how == "after":
            raise StoreError("the connection was lost", remedy="try again")
