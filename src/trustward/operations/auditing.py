"""Deriving past decisions again from the journal, and comparing them with what is stored."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from trustward.base.errors import StateError
from trustward.engine.engine import Engine
from trustward.engine.state import FOREVER
from trustward.model.changes import PolicyChange, decode_change
from trustward.model.decision import Decision
from trustward.model.journal import Segment, encode_decisions, found_in, plain_allow
from trustward.model.removed import removed_in
from trustward.operations.recovery import Replayer, apply
from trustward.ports import Journal


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """A decision that comes out otherwise than it is stored: in these ``fields``.

    ``unsure``: retention has removed events before it, on which it may hang, so that this proves nothing.
    """

    entry: int
    event_id: str
    fields: tuple[str, ...]
    stored: Decision
    derived: Decision
    unsure: bool = False


class Audited(msgspec.Struct, frozen=True, kw_only=True):
    """What was compared: the entries ``first`` to ``last``, derived from the state after the entry ``begun``.

    ``removed`` of them have been removed by retention: there is nothing to compare. ``unsure`` come out otherwise, and
    may hang on what was removed; they are none of the ``differences``.
    """

    first: int
    last: int
    begun: int
    events: int
    changes: int
    decisions: int
    differences: int
    removed: int = 0
    unsure: int = 0


class Auditing:
    """Derives stretches of the journal again."""

    def __init__(self, journal: Journal, replayer: Replayer) -> None:
        self._journal = journal
        self._replayer = replayer

    def span(self, from_us: int, to_us: int) -> tuple[int, int]:
        """The first and the last entry of a stretch of time; the last is before the first if there is none."""
        return self._journal.since(from_us), self._journal.since(to_us) - 1

    def replay(self, first: int, last: int, tell: Callable[[Difference], None], *, start: int | None = None) -> Audited:
        """Derive the decisions of some entries, and tell each that comes out otherwise.

        It begins with the newest snapshot before them, or one that is not of an entry after ``start`` (0: with no
        snapshot, at the journal's first entry). Raises StateError if entries cannot be read any more.
        """
        upto = first - 1 if start is None else min(start, first - 1)
        begun = self._replayer.nearest(upto)
        engine = self._replayer.replay(begun.engine, begun.seq, upto=first - 1).engine
        events = changes = decisions = differences = removed = unsure = 0
        gone: int | None = None
        for part in self._replayer.batches(first - 1, last):
            if part[0].kind == "change":
                changes += 1
                engine = self._change(engine, part[0])
                continue
            if engine is None:
                raise StateError(f"no policy was live before entry {part[0].first}", remedy="trustward db check")
            for difference in self._compare(engine, part):
                if gone is None:
                    gone = self._replayer.removed(begun.seq, last)
                if gone and gone <= difference.entry:
                    unsure += 1
                    tell(msgspec.structs.replace(difference, unsure=True))
                    continue
                differences += 1
                tell(difference)
            removed += sum(len(removed_in(segment)) for segment in part)
            events += sum(segment.count for segment in part)
            decisions += sum(len(segment.decided()) for segment in part)
        return Audited(
            first=first,
            last=last,
            begun=begun.seq,
            events=events,
            changes=changes,
            decisions=decisions,
            differences=differences,
            removed=removed,
            unsure=unsure,
        )

    def _change(self, engine: Engine | None, segment: Segment) -> Engine | None:
        change = decode_change(segment.body)
        if isinstance(change, PolicyChange):
            return self._replayer.switch(engine, change, segment.first)
        if engine is not None:
            apply(engine, change)
        return engine

    def _compare(self, engine: Engine, segments: Sequence[Segment]) -> list[Difference]:
        events, faults = self._replayer.events(segments)
        derived = dict(engine.decide_batch(events, faults, now_us=FOREVER).decisions)
        found = []
        start = 0
        for segment in segments:
            mine = [(at, derived[start + at]) for at in range(segment.count) if start + at in derived]
            start += segment.count
            if encode_decisions(mine) == segment.decisions and segment.policy == engine.policy.hash:
                continue
            again = dict(mine)
            for one in found_in(segment, range(segment.count)):
                stored = one.decision
                other = again.get(one.seq - segment.first) or plain_allow(
                    stored.event_id, stored.type, stored.time, engine.policy.hash
                )
                fields = _fields(stored, other)
                if fields:
                    found.append(
                        Difference(entry=one.seq, event_id=stored.event_id, fields=fields, stored=stored, derived=other)
                    )
        return found


def _fields(stored: Decision, derived: Decision) -> tuple[str, ...]:
    """What differs, as it is written down."""
    before, after = msgspec.to_builtins(stored), msgspec.to_builtins(derived)
    return tuple(name for name in before if msgspec.json.encode(before[name]) != msgspec.json.encode(after[name]))
