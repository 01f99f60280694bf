"""How a past decision came about: the engine as it was right before, from a snapshot and the journal, asked again."""

from __future__ import annotations

from threading import Lock

import msgspec

from trustward.base.errors import StateError, UnavailableError
from trustward.engine.explain import RuleOutcome, explain
from trustward.engine.state import FOREVER
from trustward.model.journal import Found
from trustward.operations.recovery import Replayer
from trustward.ports import Store

MOST = 250_000
"""How many entries are put through an engine at most to explain one decision while a caller waits."""
_WAIT_S = 30.0


class Retold(msgspec.Struct, frozen=True, kw_only=True):
    """A past decision, derived again.

    ``rules`` is how every rule on the event's type came out, part by part. ``same`` says whether the decision came out
    as it is stored; None: it did not, but retention has removed some of the events before it. ``replayed`` entries
    were needed for it, after the snapshot of the entry ``snapshot`` (0: none).
    """

    rules: tuple[RuleOutcome, ...]
    same: bool | None
    snapshot: int
    replayed: int


class Retelling:
    """Explains past decisions, one at a time: each takes an engine of its own."""

    def __init__(self, store: Store, replayer: Replayer) -> None:
        self._store = store
        self._replayer = replayer
        self._lock = Lock()

    def distance(self, seq: int) -> int:
        """How many entries would have to be replayed to come to an entry."""
        return seq - 1 - max((info.seq for info in self._store.snapshots.stored() if info.seq < seq), default=0)

    def retell(self, found: Found, most: int = MOST) -> Retold | None:
        """Derive a decision again; None if more than ``most`` entries lie between it and the snapshot before.

        It is evaluated under the policy that was live then. Raises UnavailableError if others wait for the same,
        StateError if entries cannot be read any more.
        """
        if self.distance(found.seq) > most:
            return None
        if not self._lock.acquire(timeout=_WAIT_S):
            raise UnavailableError("other decisions are being explained", remedy="ask again in a moment")
        try:
            return self._retell(found, most)
        finally:
            self._lock.release()

    def _retell(self, found: Found, most: int) -> Retold | None:
        begun = self._replayer.nearest(found.seq - 1)
        if found.seq - 1 - begun.seq > most:
            return None  # the newest snapshot before it is damaged
        segment = self._store.journal.read(found.seq - 1, 1)[0]
        engine = self._replayer.replay(begun.engine, begun.seq, upto=segment.first - 1).engine
        if engine is None:
            raise StateError("no policy was live before this entry", remedy="trustward db check")
        events, faults = self._replayer.events([segment])
        at = found.seq - segment.first
        if at:
            before = {place: said for place, said in faults.items() if place < at}
            engine.decide_batch(events[:at], before, now_us=FOREVER)
        told = explain(engine, events[at], faults.get(at, ()), now_us=FOREVER)
        same: bool | None = msgspec.json.encode(told.decision) == msgspec.json.encode(found.decision)
        if not same and self._replayer.removed(begun.seq, found.seq):
            same = None
        return Retold(rules=told.rules, same=same, snapshot=begun.seq, replayed=found.seq - 1 - begun.seq)
