"""Looking back: past decisions by time, type, entity, rule and verdict, and whom an entity has met.

The index proposes, the entry itself decides: what is answered is exact. Pages go from the newest entry to the oldest
by the entries' numbers, so what comes in meanwhile moves nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from heapq import merge
from itertools import islice
from threading import Lock
from typing import NamedTuple

import msgspec

from trustward.base.errors import StateError, UnavailableError
from trustward.model.indexed import Run
from trustward.model.journal import Found, Segment, found_in
from trustward.model.removed import REMOVED, is_removed
from trustward.operations.indexing import (
    GRANULE,
    STEP,
    Indexing,
    entity_term,
    places,
    rule_term,
    type_term,
    verdict_term,
)
from trustward.ports import Store

EXAMINED = 65_536
"""How many entries one page looks at, at most; what is left is for the next page."""
LINKED_EVENTS = 500
"""How many of an entity's latest events are looked at for whom it met."""
SHOWN_EVENTS = 100
"""The same where somebody looks at an entity, and waits."""
LINKED = 20
"""How many entities of each kind are told, those met most often."""
_BEHIND = 4 * STEP
_TRIES = 8
_AT_ONCE = 64
_LOOK = 64
"""What it costs to read one entry by itself, in entries that are read one after the other."""


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """What is looked for; what is empty does not matter.

    ``from_us`` and ``to_us`` (not included) are when the decision was written. ``rule`` matched in whatever mode.
    """

    from_us: int | None = None
    to_us: int | None = None
    type: str = ""
    kind: str = ""
    entity: str = ""
    rule: str = ""
    verdicts: tuple[str, ...] = ()


class Results(msgspec.Struct, frozen=True, kw_only=True):
    """One page: entries, the newest first. ``before`` is where the next page begins; None when this is the last."""

    found: tuple[Found, ...]
    before: int | None

    def first(self, limit: int) -> Results:
        """The same with fewer entries, if there are more."""
        if len(self.found) <= limit:
            return self
        return Results(found=self.found[:limit], before=self.found[limit - 1].seq)


class Met(msgspec.Struct, frozen=True, kw_only=True):
    """An entity that took part in the same events: in how many of those looked at, and when last (decided)."""

    kind: str
    id: str
    events: int
    last_us: int


class Links(msgspec.Struct, frozen=True, kw_only=True):
    """Whom an entity met, in its latest ``events`` events; ``whole`` if it has no more."""

    met: tuple[Met, ...]
    events: int
    whole: bool


class Searching:
    """Answers queries, looking at ``examined`` entries for a page at most. For any number of threads."""

    def __init__(self, store: Store, indexing: Indexing, *, examined: int = EXAMINED) -> None:
        self._store = store
        self._examined = examined
        self._lock = Lock()
        self._indexing = indexing
        self._entities = self._indexing.entities

    def page(self, query: Query, before: int | None = None, limit: int = 50) -> Results:
        """The newest entries that fit, below the number ``before``.

        A page may hold fewer than ``limit``, or none, and still have a next one: it looks at some entries only.
        """
        journal = self._store.journal
        head = journal.head()
        runs = self._runs(head)
        high = head if before is None else min(before - 1, head)
        if query.to_us is not None:
            high = min(high, journal.since(query.to_us) - 1)
        low = 1 if query.from_us is None else journal.since(query.from_us)
        found: list[Found] = []
        left = self._examined
        for part in self._parts(query, runs, low, high, limit):
            for one in part.found:
                if len(found) == limit:
                    return Results(found=tuple(found), before=found[-1].seq)
                found.append(one)
            left -= part.cost
            if left <= 0:
                return Results(found=tuple(found), before=part.lowest if part.lowest > low else None)
        return Results(found=tuple(found), before=None)

    def links(self, kind: str, entity: str, newest: Results | None = None, most: int = LINKED_EVENTS) -> Links:
        """Whom an entity met in its latest events; ``newest`` are the first of them, if they are there already."""
        query = Query(kind=kind, entity=entity)
        found = list(newest.found) if newest else []
        before = newest.before if newest else None
        for _ in range(_TRIES if newest is None or before is not None else 0):
            if len(found) >= most:
                break
            page = self.page(query, before, most - len(found))
            found += page.found
            before = page.before
            if before is None:
                break
        counts: defaultdict[tuple[str, str], int] = defaultdict(int)
        last: dict[tuple[str, str], int] = {}
        for one in found:
            for key in self._entities.of(one.decision.type, msgspec.json.decode(one.body)):
                counts[key] += 1
                last.setdefault(key, one.at_us)
        counts.pop((kind, entity), None)
        by_kind: defaultdict[str, list[Met]] = defaultdict(list)
        for of, name in sorted(counts, key=lambda key: (-counts[key], -last[key], key)):
            if len(by_kind[of]) < LINKED:
                by_kind[of].append(Met(kind=of, id=name, events=counts[of, name], last_us=last[of, name]))
        met = [one for of in sorted(by_kind) for one in by_kind[of]]
        return Links(met=tuple(met), events=len(found), whole=before is None)

    # ------------------------------------------------------------------ what may fit

    def _runs(self, head: int) -> Sequence[Run]:
        """The index's runs, not far behind: where no worker runs, whoever asks makes the steps."""
        index = self._store.index
        runs = index.runs()
        if head - _upto(runs) < _BEHIND:
            return runs
        with self._lock:
            for _ in range(_TRIES):
                runs = index.runs()
                behind = head - _upto(runs)
                if behind < _BEHIND:
                    return runs
                self._indexing.step()
        raise UnavailableError(
            f"the index is {behind:,} entries behind the journal",
            remedy="ask again in a moment; a worker keeps it up, trustward audit index makes it at once",
        )

    def _parts(self, query: Query, runs: Sequence[Run], low: int, high: int, limit: int) -> Iterator[_Part]:
        """Parts of the journal that may hold what fits, the newest first."""
        fresh = max(low, _upto(runs) + 1)
        if high >= fresh:
            # What is not in the index yet is read as it stands.
            yield from self._scans(query, fresh, high)
            high = fresh - 1
        terms = _terms(query)
        if terms:
            yield from self._looks(query, [self._places(runs, term, high) for term in terms], low, limit)
        elif query.type:
            yield from self._granules(query, self._places(runs, type_term(query.type), high), low, high)
        else:
            yield from self._scans(query, low, high)

    def _scans(self, query: Query, low: int, high: int) -> Iterator[_Part]:
        while high >= low:
            lowest = max(low, high - GRANULE + 1)
            yield _Part(lowest, high - lowest + 1, self._scan(query, lowest, high))
            high = lowest - 1

    def _granules(self, query: Query, stretches: Iterator[int], low: int, high: int) -> Iterator[_Part]:
        for place in stretches:
            end = min(place - place % GRANULE + GRANULE - 1, high)
            lowest = max(place, low)
            if end < lowest:
                return
            yield _Part(lowest, end - lowest + 1, self._scan(query, lowest, end))
            high = lowest - 1

    def _looks(self, query: Query, each: Sequence[Iterator[int]], low: int, limit: int) -> Iterator[_Part]:
        every = merge(*each, reverse=True)
        # Nearly all fit, where one thing is looked for; one more than is wanted says whether there are others.
        size = limit + 1
        while chosen := [seq for seq in islice(every, size) if seq >= low]:
            yield _Part(chosen[-1], len(chosen) * _LOOK, self._look(query, dict.fromkeys(chosen)))
            size = 2 * _AT_ONCE

    def _places(self, runs: Sequence[Run], term: int, high: int) -> Iterator[int]:
        """The entries of the index that may have a term, the newest first."""
        while True:
            try:
                for some in places(self._store.index, runs, term, high):
                    for seq in some:
                        yield seq
                        high = seq - 1
            except StateError:
                runs = self._store.index.runs()  # some have become one: go on from there
                continue
            return

    # ------------------------------------------------------------------ what does fit

    def _fits(self, query: Query, found: Found) -> bool:
        """Whether an entry is what is looked for; of its time nothing is asked."""
        decision = found.decision
        if is_removed(found) and query.type != REMOVED:
            return False
        if query.type and decision.type != query.type:
            return False
        if query.verdicts and decision.verdict not in query.verdicts:
            return False
        if query.rule and all(hit.id != query.rule for hit in decision.rules):
            return False
        if not query.kind:
            return True
        return self._entities.named(decision.type, msgspec.json.decode(found.body), query.kind, query.entity)

    def _look(self, query: Query, seqs: Iterable[int]) -> Iterator[Found]:
        """Those of some entries that fit, the newest first."""
        for one in reversed(self._store.journal.entries(list(seqs))):
            if self._fits(query, one):
                yield one

    def _scan(self, query: Query, low: int, high: int) -> Iterator[Found]:
        """The same of all entries from ``low`` to ``high``."""
        segments: list[Segment] = []
        after = low - 1
        while after < high and (some := self._store.journal.read(after, high - after)):
            segments += some
            after = some[-1].last
        for segment in reversed(segments):
            if segment.kind == "events":
                places = [at for at in _likely(query, segment) if low <= segment.first + at <= high]
                # Some at a time: whoever looks at the newest few does not wait for all.
                for end in range(len(places), 0, -_AT_ONCE):
                    for one in reversed(found_in(segment, places[max(end - _AT_ONCE, 0) : end])):
                        if self._fits(query, one):
                            yield one


class _Part(NamedTuple):
    """Some entries: the lowest number of them, what looking at them costs, and those that fit."""

    lowest: int
    cost: int
    found: Iterator[Found]


def _upto(runs: Sequence[Run]) -> int:
    """The last entry that is in the index."""
    return runs[0].last if runs else 0


def _likely(query: Query, segment: Segment) -> Sequence[int]:
    """The positions of a segment that are worth a closer look, by what stands in their lines."""
    decided = query.rule or (query.verdicts and "allow" not in query.verdicts)
    chosen: Sequence[int] = sorted(segment.decided()) if decided else range(segment.count)
    if not (query.kind or query.type):
        return chosen
    # Lines are written by one encoder: a value always looks the same.
    entity = msgspec.json.encode(query.entity) if query.kind else b""
    kind = b'"type":' + msgspec.json.encode(query.type) if query.type else b""
    lines = segment.lines()
    return [at for at in chosen if entity in lines[at] and kind in lines[at]]


def _terms(query: Query) -> tuple[int, ...]:
    """What to ask the index for: the rarest thing that is looked for; nothing if no single entry stands out."""
    if query.kind:
        return (entity_term(query.kind, query.entity),)
    if query.rule:
        return (rule_term(query.rule),)
    if query.verdicts and "allow" not in query.verdicts:
        return tuple(verdict_term(verdict) for verdict in query.verdicts)
    return ()
