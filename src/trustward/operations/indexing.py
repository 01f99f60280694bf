"""The index behind the journal: which entries name an entity, matched a rule, had a verdict, were of a type.

It is written behind the journal, never with a commit: a step reads some thousand entries, and adds one sorted run.
Whatever is not in it yet is read from the journal itself. What it finds is a proposal: fingerprints are short, and
whoever asks compares the entry.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from itertools import chain, islice
from operator import attrgetter
from typing import Any, NamedTuple, Union

import msgspec
import numpy as np
import numpy.typing as npt

from trustward.base.errors import StateError
from trustward.exchange.decode import EventDecoder
from trustward.model.catalogue import Catalogue
from trustward.model.event import Event
from trustward.model.indexed import Page, Run
from trustward.model.journal import Segment
from trustward.ports import Index, Store

STEP = 16_384
"""How many entries one step indexes: what a search reads from the journal itself, at most, while steps are made."""
MERGED = 16
"""How many runs of the lowest level become one."""
GRANULE = 512
"""A type's postings stand for so many entries each: the first of them is a multiple of it."""
_PAGE = 512
_READ = 8192
_RUNS = 8
"""How many runs are asked at first for a term; each time after it is so many times as many."""

Postings = npt.NDArray[np.uint64]


def entity_term(kind: str, entity: str) -> int:
    """The fingerprint of an entity, 31 bits.

    >>> entity_term("account", "a") == entity_term("account", "a") != entity_term("device", "a")
    True
    """
    return _fingerprint("e", kind, entity)


def rule_term(rule: str) -> int:
    """The fingerprint of a rule that matched, in whatever mode."""
    return _fingerprint("r", rule)


def verdict_term(verdict: str) -> int:
    """The fingerprint of a verdict other than ``allow``, which most entries have and nobody looks for."""
    return _fingerprint("v", verdict)


def type_term(name: str) -> int:
    """The fingerprint of an event type. Its postings stand for :data:`GRANULE` entries each."""
    return _fingerprint("t", name)


def _fingerprint(*parts: str) -> int:
    text = "\0".join(parts).encode("utf-8", "surrogatepass")
    # A bit less than four bytes: a posting is a positive number of 64 bits to any database.
    return int.from_bytes(blake2b(text, digest_size=4).digest(), "big") >> 1


def _entity_terms(kind: str, entities: Iterable[str]) -> list[int]:
    """The same as :func:`entity_term` for many of one kind, at a third of the cost."""
    start = f"e\0{kind}\0".encode()
    digests = [blake2b(start + name.encode("utf-8", "surrogatepass"), digest_size=4).digest() for name in entities]
    terms: list[int] = (np.frombuffer(b"".join(digests), ">u4") >> 1).tolist()
    return terms


class _Reader(NamedTuple):
    """How the entities of an event type are read: kind and field, of one value and of many."""

    plain: tuple[tuple[str, Any], ...]
    lists: tuple[tuple[str, Any], ...]


class _Gathered:
    """What some entries hold: terms with their entries, and by kind the entities with theirs."""

    def __init__(self) -> None:
        self.places: defaultdict[int, list[int]] = defaultdict(list)
        self.entities: defaultdict[str, tuple[list[str], list[int]]] = defaultdict(lambda: ([], []))

    def postings(self, first: int) -> Postings:
        """Everything as sorted postings of a run."""
        lengths = [len(seqs) for seqs in self.places.values()]
        keys = [np.repeat(np.fromiter(self.places, np.uint64, len(lengths)), lengths)]
        entries = [np.fromiter(chain.from_iterable(self.places.values()), np.int64, sum(lengths))]
        for kind, (names, seqs) in self.entities.items():
            distinct = dict.fromkeys(names)
            terms = dict(zip(distinct, _entity_terms(kind, distinct), strict=True))
            keys.append(np.fromiter(map(terms.__getitem__, names), np.uint64, len(names)))
            entries.append(np.array(seqs, np.int64))
        # A stretch of entries of one type may begin before the run does.
        offsets = np.maximum(np.concatenate(entries) - first, 0).astype(np.uint64)
        made = (np.concatenate(keys) << np.uint64(32)) | offsets
        made.sort()
        return made[np.append(True, made[1:] != made[:-1])] if len(made) else made


class Entities:
    """The entities that events name, as the catalogue says."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._fields: dict[str, tuple[tuple[str, str], ...]] = {}
        self._readers: dict[str, _Reader] = {}
        for name, event_type in catalogue.types.items():
            plain = [(field.name, field.kind) for field in event_type.fields.values() if field.type == "entity"]
            lists = [(field.name, field.kind) for field in event_type.fields.values() if field.of == "entity"]
            self._fields[name] = (*plain, *lists)
            self._readers[name] = _Reader(
                tuple((kind, attrgetter(field)) for field, kind in plain),
                tuple((kind, attrgetter(field)) for field, kind in lists),
            )

    def of(self, name: str, event: dict[str, Any]) -> set[tuple[str, str]]:
        """Kind and id of every entity in an event of the journal."""
        found: set[tuple[str, str]] = set()
        for field, kind in self._fields.get(name, ()):
            value = event.get(field)
            if isinstance(value, str):
                found.add((kind, value))
            elif isinstance(value, list):
                found.update((kind, one) for one in value)
        return found

    def named(self, name: str, event: dict[str, Any], kind: str, entity: str) -> bool:
        """Whether an entity is in an event of the journal."""
        values = (event.get(field) for field, of in self._fields.get(name, ()) if of == kind)
        return any(entity in value if isinstance(value, list) else entity == value for value in values)

    def reader(self, name: str) -> _Reader:
        """The fast way, for records of a type."""
        return self._readers[name]


class Indexing:
    """Makes steps of the index, of ``size`` entries; ``merged`` runs become one.

    Any process may, several at a time: a step is done once.
    """

    def __init__(self, store: Store, decoder: EventDecoder, *, size: int = STEP, merged: int = MERGED) -> None:
        self._store = store
        self._size = size
        self._merged = merged
        self._decoder = decoder
        self.entities = Entities(decoder.catalogue)
        self._by_class = {kind: (name, self.entities.reader(name)) for name, kind in decoder.classes.items()}
        # What is in the journal has been looked through once: it is read as it stands.
        self._lines: msgspec.json.Decoder[Any] = msgspec.json.Decoder(
            Union[tuple(decoder.classes.values())]  # noqa: UP007  # a union made of data
        )

    def step(self, *, rest: bool = False) -> int:
        """Index what comes next, or merge some runs; how many entries were new.

        Nothing is done as long as fewer entries have come than a step has, unless it is the ``rest`` that is wanted.
        """
        index = self._store.index
        runs = index.runs()
        if self._merge(index, runs):
            return 0
        after = runs[0].last if runs else 0
        if self._store.journal.head() - after < (1 if rest else self._size):
            return 0
        run, pages = self._made(after)
        return run.last - after if index.add(run, pages) else 0

    def rebuild(self) -> int:
        """Drop the index and make it anew, up to the journal's end; how many entries it has."""
        self._store.index.clear()
        while self.step(rest=True) or self._store.journal.head() > self.upto():
            pass
        return self.upto()

    def forget(self, seqs: Sequence[int]) -> None:
        """Let the index propose some entries no more: their events have been removed.

        Which stretches have events of a type stays as it was: a stretch is of many entries.
        """
        index = self._store.index
        gone = np.array(sorted(seqs), np.int64)
        types = np.array(sorted(map(type_term, self._decoder.catalogue.types)), np.uint64)
        again = True
        while again:
            again = False
            for run in index.runs():
                mine = gone[np.searchsorted(gone, run.first) : np.searchsorted(gone, run.last, side="right")]
                if len(mine) and not _forget(index, run, mine, types):
                    again = True  # it has been merged meanwhile
                    break

    def upto(self) -> int:
        """The last entry that is in the index."""
        runs = self._store.index.runs()
        return runs[0].last if runs else 0

    def _merge(self, index: Index, runs: Sequence[Run]) -> bool:
        small = [run for run in runs if run.level == 0]
        if len(small) < self._merged:
            return False
        olds = small[::-1][: self._merged]
        first = olds[0].first
        parts = []
        for old in olds:
            body = b"".join([page.body for page in index.pages(old)])
            parts.append(np.frombuffer(body, "<u8") + np.uint64(old.first - first))
        made = np.concatenate(parts)
        made.sort()
        run, pages = _paged(made, first, olds[-1].last, 1)
        return index.add(run, pages, olds)

    def _made(self, after: int) -> tuple[Run, Sequence[Page]]:
        """The run of the entries after one."""
        gathered = _Gathered()
        last = after
        while last < after + self._size:
            segments = self._store.journal.read(last, min(_READ, after + self._size - last))
            if not segments:
                break
            for segment in segments:
                if segment.kind == "events":
                    self._take(segment, gathered)
            last = segments[-1].last
        return _paged(gathered.postings(after + 1), after + 1, last, 0)

    def _take(self, segment: Segment, gathered: _Gathered) -> None:
        try:
            events: list[Event] = self._lines.decode_lines(segment.body)
        except msgspec.MsgspecError:
            self._take_slowly(segment, gathered)
        else:
            self._take_events(events, segment.first, gathered)
        for at, decision in segment.decided().items():
            if decision.verdict != "allow":
                gathered.places[verdict_term(decision.verdict)].append(segment.first + at)
            for hit in decision.rules:
                gathered.places[rule_term(hit.id)].append(segment.first + at)

    def _take_events(self, events: Sequence[Event], first: int, gathered: _Gathered) -> None:
        groups: defaultdict[type[Event], tuple[list[int], list[Event]]] = defaultdict(lambda: ([], []))
        for seq, event in enumerate(events, first):
            seqs, chosen = groups[type(event)]
            seqs.append(seq)
            chosen.append(event)
        for cls, (seqs, chosen) in groups.items():
            name, reader = self._by_class[cls]
            gathered.places[type_term(name)] += {seq - seq % GRANULE for seq in seqs}
            for kind, read in reader.plain:
                names, places = gathered.entities[kind]
                values = list(map(read, chosen))
                if None in values:
                    known = [(value, seq) for value, seq in zip(values, seqs, strict=True) if value is not None]
                    names += [value for value, _ in known]
                    places += [seq for _, seq in known]
                else:
                    names += values
                    places += seqs
            for kind, read in reader.lists:
                names, places = gathered.entities[kind]
                for values, seq in zip(map(read, chosen), seqs, strict=True):
                    if values:
                        names += values
                        places += [seq] * len(values)

    def _take_slowly(self, segment: Segment, gathered: _Gathered) -> None:
        """Entries of a catalogue that is not this one: what of it is known is found all the same."""
        for seq, line in enumerate(segment.lines(), segment.first):
            event = msgspec.json.decode(line)
            gathered.places[type_term(event["type"])].append(seq - seq % GRANULE)
            for kind, entity in self.entities.of(event["type"], event):
                names, places = gathered.entities[kind]
                names.append(entity)
                places.append(seq)


def _forget(index: Index, run: Run, gone: npt.NDArray[np.int64], types: Postings) -> bool:
    """Take some entries out of a run; False if it is not there any more."""
    try:
        pages = index.pages(run)
    except StateError:
        return False
    body = np.frombuffer(b"".join([page.body for page in pages]), "<u8")
    entries = (body & np.uint64(2**32 - 1)).astype(np.int64) + run.first
    dropped = np.isin(entries, gone) & ~np.isin(body >> np.uint64(32), types)
    if not dropped.any():
        return True
    return index.add(*_paged(body[~dropped], run.first, run.last, run.level), [run])


def _paged(postings: Postings, first: int, last: int, level: int) -> tuple[Run, Sequence[Page]]:
    cut = [postings[at : at + _PAGE] for at in range(0, len(postings), _PAGE)]
    pages = [Page(low=int(part[0]), body=part.astype("<u8").tobytes()) for part in cut]
    return Run(first=first, last=last, level=level, pages=len(pages), postings=len(postings)), pages


def places(index: Index, runs: Iterable[Run], term: int, high: int) -> Iterator[list[int]]:
    """The entries of some runs, not after ``high``, that may have a term: the newest first, page by page.

    The runs come the newest first. Raises StateError if one of them has been merged meanwhile.
    """
    floor = term << 32
    left = ((run, floor | min(high - run.first + 1, 2**32 - 1)) for run in runs if run.first <= high)
    size = _RUNS
    # What is rare is looked for in many runs, what is not is found in the first.
    while asked := list(islice(left, size)):
        for (run, below), page in zip(asked, index.tops(asked), strict=True):
            yield from _places(index, run, floor, below, page)
        size *= _RUNS


def _places(index: Index, run: Run, floor: int, below: int, page: Page | None) -> Iterator[list[int]]:
    """The entries of one run, from the page on that ends at ``below``."""
    while page is not None:
        body = np.frombuffer(page.body, "<u8")
        chosen = body[np.searchsorted(body, np.uint64(floor)) : np.searchsorted(body, np.uint64(below))]
        if len(chosen):
            yield ((chosen[::-1] & np.uint64(2**32 - 1)).astype(np.int64) + run.first).tolist()
        if page.low <= floor:
            return
        below = page.low
        page = index.page(run, below)
