"""What is in files of events: counts and faults, with nothing decided."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from trustward.adapters.files import Chunk, EventFiles
from trustward.adapters.output import RejectFile
from trustward.base.errors import InputError
from trustward.exchange.decode import EventDecoder
from trustward.exchange.mapping import load_mapping
from trustward.exchange.records import Reject
from trustward.exchange.times import time_key
from trustward.model.catalogue import load_catalogue
from trustward.model.event import type_of

KINDS_LIMIT = 1000
"""Most kinds of fault that are counted one by one."""

Watch = Callable[[int, int, int, int], None]
"""Is told bytes done, bytes in all (0 if unknown), events, and records with faults."""


class FaultCount(msgspec.Struct, kw_only=True):
    """How often one kind of fault was found, whatever the value; ``cause`` is that of the first one."""

    path: str
    cause: str
    count: int
    file: str
    line: int


class Survey(msgspec.Struct, kw_only=True):
    """What files of events hold. Times are as written; ``faults`` begins with the most frequent one."""

    files: list[str]
    events: int = 0
    set_aside: int = 0
    with_faults: int = 0
    first_time: str = ""
    last_time: str = ""
    types: dict[str, int] = {}
    faults: list[FaultCount] = []


def survey(
    paths: Sequence[str],
    *,
    mapping: Path | None = None,
    catalogue: Sequence[Path] = (),
    rejects: Path | None = None,
    form: str | None = None,
    watch: Watch | None = None,
) -> tuple[Survey, InputError | None]:
    """Read everything once. The error, if there is one, is why reading ended early; the survey covers what came before.

    Raises ``InputError`` for files that cannot be opened, ``MappingError``, ``CatalogueError`` and ``UsageError``.
    """
    known = load_catalogue(catalogue)
    chosen = None if mapping is None else load_mapping(mapping, known)
    files = EventFiles(paths, EventDecoder(known, thorough=True), mapping=chosen, form=form)
    tally = _Tally([str(path) for path in paths])
    trouble: InputError | None = None
    with RejectFile(rejects) as out:
        try:
            for chunk in files:
                tally.add(chunk)
                out.add(chunk.decoded.rejects)
                if watch is not None:
                    watch(chunk.done, chunk.total, tally.found.events, tally.found.set_aside + tally.found.with_faults)
        except InputError as fault:
            trouble = fault
    return tally.result(), trouble


class _Tally:
    def __init__(self, paths: list[str]) -> None:
        self.found = Survey(files=paths)
        self._types: Counter[str] = Counter()
        self._faults: dict[tuple[str, str], FaultCount] = {}
        self._span: tuple[int, str, int, str] | None = None

    def add(self, chunk: Chunk) -> None:
        decoded, found = chunk.decoded, self.found
        found.events += len(decoded.events)
        found.set_aside += decoded.set_aside
        found.with_faults += len(decoded.faults)
        for cls, count in Counter(map(type, decoded.events)).items():
            self._types[type_of(cls)] += count
        for event in decoded.events:
            at = time_key(event.time)
            first, first_text, last, last_text = self._span or (at, event.time, at, event.time)
            if at < first:
                first, first_text = at, event.time
            if at >= last:
                last, last_text = at, event.time
            self._span = (first, first_text, last, last_text)
        for reject in decoded.rejects:
            self._count(reject)

    def _count(self, reject: Reject) -> None:
        key, cause = reject.kind, reject.cause
        known = self._faults.get(key)
        if known is None and len(self._faults) >= KINDS_LIMIT:
            key, cause = ("$", "other faults"), "other faults"
            known = self._faults.get(key)
        if known is None:
            self._faults[key] = FaultCount(path=key[0], cause=cause, count=1, file=reject.file, line=reject.line)
        else:
            known.count += 1

    def result(self) -> Survey:
        found = self.found
        found.types = dict(self._types.most_common())
        found.faults = sorted(self._faults.values(), key=lambda fault: -fault.count)
        if self._span is not None:
            _, found.first_time, _, found.last_time = self._span
        return found
