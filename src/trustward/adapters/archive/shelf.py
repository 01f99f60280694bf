"""The folder of archived days: ``DAY/{events,decisions,actions,changes}.parquet`` and ``DAY/manifest.json`` in each."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from hashlib import sha256
from itertools import zip_longest
from pathlib import Path
from threading import Lock
from typing import Any

import msgspec
import numpy as np

import pyarrow as pa
import pyarrow.parquet as pq
from trustward.adapters.archive.rows import (
    SCHEMAS,
    actions_in,
    actions_of,
    changes_in,
    changes_of,
    events_of,
    segments_in,
)
from trustward.base.errors import StateError, StoreError, UsageError
from trustward.model.archived import ArchivedDay
from trustward.model.journal import ActionRow, Segment

MANIFEST = "manifest.json"
GROUP = 8192
"""How many events lie together in a file, at least: what is read and unpacked to find one of them."""
_OPEN_DAYS = 8
_BATCH = 4096


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What lies in a day's folder: rows and SHA-256 of each file."""

    format: int
    day: str
    first: int
    last: int
    rows: dict[str, int]
    sha256: dict[str, str]


class FolderShelf:
    """The port ``Shelf``. For any number of threads."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._open: OrderedDict[str, _Day] = OrderedDict()
        self._lock = Lock()

    def path(self, day: ArchivedDay, table: str) -> Path:
        """The file of one table of a day."""
        return self.folder / day.folder / f"{table}.parquet"

    # ------------------------------------------------------------------ putting days there

    @contextmanager
    def alone(self) -> Iterator[None]:
        """See :class:`trustward.ports.Shelf`."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle = os.open(self.folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as fault:
            raise StoreError(f"cannot write to {self.folder}: {fault.strerror}", remedy=_DISK) from fault
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as fault:
                raise UsageError(
                    f"another process archives to {self.folder}", remedy="let it finish: one at a time"
                ) from fault
            yield
        finally:
            os.close(handle)

    def put(self, day: ArchivedDay, segments: Iterable[Segment], actions: Iterable[ActionRow]) -> ArchivedDay:
        """See :class:`trustward.ports.Shelf`."""
        part, place = self.folder / f".{day.day}.part", self.folder / day.folder
        self._check_history(place, day)
        try:
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir(parents=True, mode=0o700)
            rows = write_rows(part, segments, actions)
            digests = {name: _settled(part / f"{name}.parquet") for name in SCHEMAS}
            told = Manifest(format=1, day=day.day, first=day.first, last=day.last, rows=rows, sha256=digests)
            (part / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(told)) + b"\n")
            digest = _settled(part / MANIFEST)
            _sync(part)
            self.close(day)
            # What lies here already was put by a run that was ended before the database heard of it.
            shutil.rmtree(place, ignore_errors=True)
            part.rename(place)
            _sync(self.folder)
        except OSError as fault:
            raise StoreError(f"cannot write to {self.folder}: {fault.strerror}", remedy=_DISK) from fault
        return msgspec.structs.replace(day, digest=digest, **rows)

    def _check_history(self, place: Path, day: ArchivedDay) -> None:
        """See that another database's day is not replaced, as by a copy that is tried out. Raises StateError."""
        try:
            told = msgspec.json.decode((place / MANIFEST).read_bytes(), type=Manifest)
        except (OSError, msgspec.MsgspecError):
            return
        if (told.first, told.last) != (day.first, day.last):
            raise StateError(
                f"{place} holds another database's day: entries {told.first} to {told.last}",
                remedy="name another folder in TRUSTWARD_ARCHIVE, or move that one away",
            )

    def verify(self, day: ArchivedDay, segments: Iterable[Segment], actions: Iterable[ActionRow]) -> None:
        """See :class:`trustward.ports.Shelf`."""
        for fault in self.check(day):
            raise StateError(f"{self.folder / day.folder}: {fault}", remedy=_AGAIN)
        again = self._every(day)
        for one, other in zip_longest(segments, again):
            if one != other:
                seq = (one or other).first
                raise StateError(f"{self.folder / day.folder}: entry {seq} did not come back as it was", remedy=_AGAIN)
        with self._day(day) as held:
            back = actions_in(held.table("actions"))
        if back != list(actions):
            raise StateError(f"{self.folder / day.folder}: the actions did not come back as they were", remedy=_AGAIN)

    def sweep(self, day: ArchivedDay) -> None:
        """See :class:`trustward.ports.Shelf`."""
        shutil.rmtree(self.folder / f".{day.day}.part", ignore_errors=True)
        for place in (self.folder / day.day, *self.folder.glob(f"{day.day}.*")):
            if place.name != day.folder:
                self._forget(place.name)
                shutil.rmtree(place, ignore_errors=True)

    # ------------------------------------------------------------------ reading

    def actions(self, day: ArchivedDay) -> Sequence[ActionRow]:
        """See :class:`trustward.ports.Shelf`."""
        with self._day(day) as held:
            return actions_in(held.table("actions"))

    def close(self, day: ArchivedDay) -> None:
        """See :class:`trustward.ports.Shelf`."""
        self._forget(day.folder)

    def check(self, day: ArchivedDay) -> Sequence[str]:
        """See :class:`trustward.ports.Shelf`."""
        folder = self.folder / day.folder
        try:
            content = (folder / MANIFEST).read_bytes()
            if sha256(content).hexdigest() != day.digest:
                return [f"{MANIFEST} is not the one that was written"]
            told = msgspec.json.decode(content, type=Manifest)
            faults = [f"{name}.parquet: another checksum" for name, wanted in told.sha256.items()
                      if _digest(folder / f"{name}.parquet") != wanted]  # fmt: skip
            if faults:
                return faults
            counts = {name: pq.read_metadata(folder / f"{name}.parquet").num_rows for name in SCHEMAS}
        except OSError as fault:
            return [f"{Path(str(fault.filename)).name}: {fault.strerror}"]
        except (msgspec.MsgspecError, pa.ArrowException) as fault:
            return [f"cannot be read: {fault}"]
        for name, count in counts.items():
            if not count == told.rows[name] == getattr(day, name):
                faults.append(f"{name}.parquet has {count:,} rows, {getattr(day, name):,} were written")
        return faults

    def read(self, day: ArchivedDay, after: int, limit: int) -> Sequence[Segment]:
        """See :class:`trustward.ports.Shelf`."""
        with self._day(day) as held:
            found: list[Segment] = []
            start = max(after, day.first - 1)
            while start < day.last and (not found or start < after + limit):
                some = held.around(start + 1, after + limit - start)
                if not some:
                    raise StoreError(f"the archive of {day.day} lacks entry {start + 1}", remedy=_MENDED)
                found += some
                start = some[-1].last
        return [one for at, one in enumerate(found) if at == 0 or one.first <= after + limit]

    def since(self, day: ArchivedDay, at_us: int) -> int:
        """See :class:`trustward.ports.Shelf`."""
        with self._day(day) as held:
            return held.since(at_us)

    def _every(self, day: ArchivedDay) -> Iterator[Segment]:
        after = day.first - 1
        while after < day.last:
            for segment in self.read(day, after, _BATCH):
                yield segment
                after = segment.last

    @contextmanager
    def _day(self, day: ArchivedDay) -> Iterator[_Day]:
        """A day's files, opened; a few stay open. One thread reads at a time."""
        with self._lock:
            try:
                held = self._open.pop(day.folder, None) or _Day(self.folder / day.folder, day)
                yield held
            except (OSError, pa.ArrowException) as fault:
                raise StoreError(
                    f"the archive of {day.day} cannot be read: {type(fault).__name__}", remedy=_MENDED
                ) from fault
            self._open[day.folder] = held
            while len(self._open) > _OPEN_DAYS:
                self._open.popitem(last=False)[1].close()

    def _forget(self, folder: str) -> None:
        with self._lock:
            held = self._open.pop(folder, None)
            if held is not None:
                held.close()


class _Day:
    """One day's files, opened."""

    def __init__(self, folder: Path, day: ArchivedDay) -> None:
        self._day = day
        with ExitStack() as stack:
            self._files = {name: stack.enter_context(pq.ParquetFile(folder / f"{name}.parquet")) for name in SCHEMAS}
            self._firsts = np.array(_least(self._files["events"], "entry"), np.int64)
            self._times = np.array(_least(self._files["events"], "decided"), "datetime64[us]").astype(np.int64)
            self._changes = changes_in(self._files["changes"].read())
            self._stack = stack.pop_all()
        self._places = np.array([one.first for one in self._changes], np.int64)

    def close(self) -> None:
        self._stack.close()

    def table(self, name: str) -> pa.Table:
        """A whole table."""
        return self._files[name].read()

    def around(self, seq: int, most: int) -> list[Segment]:
        """Segments from the one that holds an entry on, of up to ``most`` entries, as many as are at hand."""
        at = int(np.searchsorted(self._places, seq))
        if at < len(self._places) and self._places[at] == seq:
            return [self._changes[at]]
        group = int(np.searchsorted(self._firsts, seq, side="right")) - 1
        if group < 0:
            return []
        columns = ["entry", "segment", "decided", "policy", "body", "faults"]
        events = self._files["events"].read_row_group(group, columns)
        found = segments_in(events, self._files["decisions"].read_row_group(group, ["body"]), seq, max(most, 1))
        chosen: list[Segment] = []
        for segment in found:
            # A change may lie between two segments of a group.
            if segment.last >= seq and (not chosen or chosen[-1].last + 1 == segment.first):
                chosen.append(segment)
        return chosen if chosen and chosen[0].first <= seq else []

    def since(self, at_us: int) -> int:
        """The first entry that was written at ``at_us`` or later; one past the day if there is none."""
        found = [self._day.last + 1]
        found += [one.first for one in self._changes if one.at_us >= at_us][:1]
        # The last group that begins earlier may hold it; if not, the next one begins with it.
        group = max(int(np.searchsorted(self._times, at_us)) - 1, 0)
        for at in range(group, min(group + 2, len(self._firsts))):
            rows = self._files["events"].read_row_group(at, ["entry", "decided"])
            place = int(np.searchsorted(rows.column("decided").cast(pa.int64()).to_numpy(), at_us))
            if place < rows.num_rows:
                found.append(rows.column("entry")[place].as_py())
                break
        return min(found)


def write_rows(folder: Path, segments: Iterable[Segment], actions: Iterable[ActionRow]) -> dict[str, int]:
    """Write segments and actions into the four files of a folder; how many rows each has."""
    rows = dict.fromkeys(SCHEMAS, 0)
    with ExitStack() as stack:
        files = {
            name: stack.enter_context(
                pq.ParquetWriter(folder / f"{name}.parquet", schema, compression="zstd", write_statistics=True)
            )
            for name, schema in SCHEMAS.items()
        }

        def write(tables: Mapping[str, pa.Table]) -> None:
            for name, table in tables.items():
                if table.num_rows:
                    files[name].write_table(table, row_group_size=max(table.num_rows, 1))
                    rows[name] += table.num_rows

        events: list[Segment] = []
        changes: list[Segment] = []
        for segment in segments:
            (events if segment.kind == "events" else changes).append(segment)
            if sum(one.count for one in events[-GROUP:]) >= GROUP:
                write(dict(zip(("events", "decisions"), events_of(events), strict=True)))
                events = []
        write(dict(zip(("events", "decisions"), events_of(events), strict=True)))
        write({"changes": changes_of(changes), "actions": actions_of(actions)})
    return rows


def _least(file: pq.ParquetFile, column: str) -> list[Any]:
    """The least value of a column in each row group."""
    metadata = file.metadata
    at = file.schema_arrow.get_field_index(column)
    return [metadata.row_group(group).column(at).statistics.min for group in range(metadata.num_row_groups)]


def _settled(path: Path) -> str:
    """See that a file is on disk; its checksum."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
    return _digest(path)


def _digest(path: Path) -> str:
    found = sha256()
    with path.open("rb") as file:
        while piece := file.read(2**20):
            found.update(piece)
    return found.hexdigest()


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


_DISK = "make room on the disk, or name another folder: TRUSTWARD_ARCHIVE"
_AGAIN = "nothing was removed: see to the disk, and archive again"
_MENDED = "put the folder back where TRUSTWARD_ARCHIVE says, from a copy; trustward archive --check tells what is wrong"
