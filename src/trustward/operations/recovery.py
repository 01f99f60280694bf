"""From the journal to the engine: the newest snapshot that holds, and every entry after it, in order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from trustward.base.errors import NotFoundError, StateError
from trustward.engine import snapshot
from trustward.engine.engine import Engine
from trustward.engine.handover import same_windows, take_over
from trustward.engine.state import FOREVER
from trustward.exchange.decode import EventDecoder
from trustward.model.changes import Change, LabelChange, ListChange, PolicyChange, SnoozeChange, decode_change
from trustward.model.decision import Fault
from trustward.model.event import Event
from trustward.model.journal import Segment
from trustward.model.removed import removed_in
from trustward.model.stored import StoredPolicy
from trustward.policy import Policy
from trustward.ports import Store

READ_EVENTS = 8192
"""How many entries are read from the journal at a time."""

_COMPILED = 8

Compile = Callable[[StoredPolicy], Policy]
"""Makes a policy out of its stored sources."""


class Restored(NamedTuple):
    """The engine right after an entry. None while no policy has ever been live."""

    engine: Engine | None
    seq: int
    at_us: int


class Replayer:
    """Puts entries of the journal through an engine, exactly as they went the first time."""

    def __init__(self, store: Store, decoder: EventDecoder, compile_policy: Compile, skew_us: int) -> None:
        self._store = store
        self._decoder = decoder
        self._compile = compile_policy
        self._skew_us = skew_us
        self._compiled: dict[str, Policy] = {}

    def restore(self) -> Restored:
        """The engine as the journal leaves it. Raises StateError if entries cannot be read any more."""
        engine, seq, at_us = self.nearest(drop=True)
        return self.replay(engine, seq, at_us)

    def replay(self, engine: Engine | None, after: int, at_us: int = 0, *, upto: int = FOREVER) -> Restored:
        """Put the entries after ``after``, and not after ``upto``, through an engine."""
        for part in self.batches(after, upto):
            first = part[0]
            if first.kind == "change":
                change = decode_change(first.body)
                if isinstance(change, PolicyChange):
                    engine = self.switch(engine, change, first.first)
                elif engine is not None:
                    apply(engine, change)
            else:
                assert engine is not None  # nothing is decided before a policy is live
                self.feed(engine, part)
            after, at_us = part[-1].last, part[-1].at_us
        return Restored(engine, after, at_us)

    def segments(self, after: int, upto: int = FOREVER) -> Iterator[Segment]:
        """The segments after an entry, up to another one."""
        while part := self._store.journal.read(after, READ_EVENTS):
            for segment in part:
                if segment.first > upto:
                    return
                if segment.first <= after:
                    raise StateError(
                        f"entry {after} lies within a segment", remedy="start without snapshots: move their folder away"
                    )
                yield segment
                after = segment.last

    def removed(self, after: int, upto: int) -> int:
        """The first of some entries whose event retention has removed; 0 if there is none."""
        found = (seq for segment in self.segments(after, upto) for seq in removed_in(segment) if seq <= upto)
        return next(found, 0)

    def batches(self, after: int, upto: int = FOREVER) -> Iterator[list[Segment]]:
        """The segments after an entry, those of events many at a time.

        A batch's size makes no difference to what is decided.
        """
        gathered: list[Segment] = []
        count = 0
        for segment in self.segments(after, upto):
            if gathered and (segment.kind == "change" or count + segment.count > READ_EVENTS):
                yield gathered
                gathered, count = [], 0
            if segment.kind == "change":
                yield [segment]
            else:
                gathered.append(segment)
                count += segment.count
        if gathered:
            yield gathered

    def feed(self, engine: Engine, segments: Sequence[Segment]) -> None:
        """Decide segments' events once more. What was taken in then is not refused now, whatever the clock says."""
        events, faults = self.events(segments)
        engine.decide_batch(events, faults, now_us=FOREVER)

    def events(self, segments: Sequence[Segment]) -> tuple[Sequence[Event], dict[int, tuple[Fault, ...]]]:
        """The events of some segments, and their faults. Raises StateError if one cannot be read any more."""
        events = self._decoder.decode_lines(b"".join([segment.body for segment in segments])).events
        faults: dict[int, tuple[Fault, ...]] = {}
        at = 0
        for segment in segments:
            faults.update((at + place, found) for place, found in segment.faulty().items())
            at += segment.count
        if len(events) != at:
            raise StateError(
                f"entries {segments[0].first} to {segments[-1].last} hold events that the catalogue does not know",
                remedy="start with the catalogue that they were taken in with",
            )
        return events, faults

    def switch(
        self, engine: Engine | None, change: PolicyChange, seq: int, warmed: Engine | None = None, warmed_to: int = 0
    ) -> Engine | None:
        """The engine after a change of policy, the entry ``seq``; ``warmed`` has seen what was up to ``warmed_to``."""
        if change.mode != "live":
            return engine
        policy = self.policy(change.policy)
        if engine is None:
            return Engine(policy, skew_us=self._skew_us)
        if same_windows(engine, policy):
            return take_over(engine, policy)
        if warmed is None:
            warmed, warmed_to = Engine(policy, skew_us=self._skew_us, seed=engine.seed), change.warm_after
        self.warm(warmed, warmed_to, seq - 1)
        return take_over(engine, policy, warmed)

    def warm(self, engine: Engine, after: int, upto: int) -> None:
        """Let an engine's windows see the journal's events; what it decides on the way is nobody's."""
        for part in self.batches(after, upto):
            if part[0].kind == "events":
                self.feed(engine, part)

    def policy(self, name: str) -> Policy:
        """The stored policy with this hash, compiled (once: it takes a while). Raises NotFoundError, PolicyError."""
        held = self._compiled.get(name)
        if held is None:
            stored = self._store.policies.get(name)
            if stored is None:
                raise NotFoundError(f"no such policy: {name[:80]}", remedy="store it first")
            held = self._compile(stored)
            if len(self._compiled) >= _COMPILED:
                self._compiled.clear()
            self._compiled[name] = held
        return held

    def nearest(self, upto: int = FOREVER, *, drop: bool = False) -> Restored:
        """The newest snapshot that holds and is of no entry after ``upto``; nothing at all if there is none.

        ``drop`` those that are not of this journal: they lie ahead of it.
        """
        head = self._store.journal.head()
        snapshots = self._store.snapshots
        for info in snapshots.stored():
            if info.seq > head:
                # Of another history: the database has been put back to an earlier state.
                if drop:
                    snapshots.drop(info)
                continue
            if info.seq > upto:
                continue
            try:
                policy = self.policy(info.policy)
                with snapshots.open(info) as path:
                    engine = snapshot.load(path, policy, skew_us=self._skew_us)
            except (StateError, NotFoundError):
                continue
            return Restored(engine, info.seq, info.at_us)
        return Restored(None, 0, 0)


def apply(engine: Engine, change: Change) -> None:
    """Make a change of labels, lists or snoozes in the engine's state."""
    match change:
        case LabelChange():
            key = (change.kind, change.entity, change.label)
            if change.present is None:
                engine.state.unmark(key)
            else:
                engine.state.mark(key, present=change.present, expires_us=_until(change.expires_us))
        case ListChange():
            engine.state.list_remove(change.list, change.gone)
            engine.state.list_add(change.list, change.put, _until(change.expires_us))
        case SnoozeChange():
            engine.state.snooze(change.rule, change.kind, change.entity, change.until_us)


def _until(expires_us: int | None) -> int:
    return FOREVER if expires_us is None else expires_us


def changes(segments: Iterable[Segment]) -> Iterator[tuple[int, Change]]:
    """The changes among some segments, with their numbers."""
    for segment in segments:
        if segment.kind == "change":
            yield segment.first, decode_change(segment.body)
