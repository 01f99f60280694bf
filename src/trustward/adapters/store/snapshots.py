"""Snapshots of the engine's state: as files in the data folder, or in parts in the database."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from trustward.adapters.held import held_folder
from trustward.adapters.store.database import Database
from trustward.adapters.store.queries import named
from trustward.base.errors import StateError, StoreError
from trustward.model.stored import SnapshotInfo

_NAME = re.compile(r"(\d{20})-(\d{20})-([0-9a-f]*)\.state")
_PART = 8 * 2**20
_GONE = "another snapshot, or the whole journal, serves as well"


class FolderSnapshots:
    """The port ``Snapshots`` over a folder. What a file is, its name says."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def stored(self) -> Sequence[SnapshotInfo]:
        """See :class:`trustward.ports.Snapshots`."""
        found = []
        for path in self._folder.glob("*.state"):
            parts = _NAME.fullmatch(path.name)
            if parts is not None:
                found.append(SnapshotInfo(seq=int(parts[1]), at_us=int(parts[2]), policy=parts[3]))
        return sorted(found, key=lambda info: info.seq, reverse=True)

    def write(self, info: SnapshotInfo, save: Callable[[Path], None]) -> None:
        """See :class:`trustward.ports.Snapshots`."""
        with _room():
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            save(self._path(info))
            # The file is on disk; that it has this name must be, too.
            handle = os.open(self._folder, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)

    @contextmanager
    def open(self, info: SnapshotInfo) -> Iterator[Path]:
        """See :class:`trustward.ports.Snapshots`."""
        path = self._path(info)
        if not path.exists():
            raise StateError(f"the snapshot of entry {info.seq} is gone", remedy=_GONE)
        yield path

    def drop(self, info: SnapshotInfo) -> None:
        """See :class:`trustward.ports.Snapshots`."""
        self._path(info).unlink(missing_ok=True)

    def prune(self, keep: int) -> None:
        """See :class:`trustward.ports.Snapshots`."""
        for info in self.stored()[keep:]:
            self.drop(info)
        # What was being written when a process was killed.
        for left in (*self._folder.glob(".*.part"), *self._folder.glob(".*.state.*")):
            left.unlink(missing_ok=True)

    def _path(self, info: SnapshotInfo) -> Path:
        return self._folder / f"{info.seq:020d}-{info.at_us:020d}-{info.policy}.state"


@contextmanager
def _room() -> Iterator[None]:
    """Turn a full or closed disk into StoreError."""
    try:
        yield
    except OSError as fault:
        raise StoreError(f"cannot write a snapshot: {fault.strerror}", remedy="make room on the disk") from fault


class DatabaseSnapshots:
    """The port ``Snapshots`` over the database, so that another machine can take over from it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def stored(self) -> Sequence[SnapshotInfo]:
        """See :class:`trustward.ports.Snapshots`."""
        with self._database.read() as connection:
            return [SnapshotInfo(**row) for row in connection.execute(named("snapshots")).mappings()]

    def write(self, info: SnapshotInfo, save: Callable[[Path], None]) -> None:
        """See :class:`trustward.ports.Snapshots`."""
        with _room(), held_folder() as folder:
            path = folder / "state"
            save(path)
            parts = max(-(-path.stat().st_size // _PART), 1)
            with self._database.write() as connection, path.open("rb") as file:
                connection.execute(named("drop_snapshot"), {"seq": info.seq})
                for part in range(parts):
                    row = {"seq": info.seq, "part": part, "parts": parts, "policy": info.policy, "at_us": info.at_us}
                    connection.execute(named("add_snapshot"), {**row, "body": file.read(_PART)})

    @contextmanager
    def open(self, info: SnapshotInfo) -> Iterator[Path]:
        """See :class:`trustward.ports.Snapshots`."""
        with held_folder() as folder:
            path = folder / "state"
            with _room(), self._database.read() as connection, path.open("wb") as file:
                part, parts = 0, 1
                while part < parts:
                    row = connection.execute(named("snapshot_part"), {"seq": info.seq, "part": part}).one_or_none()
                    if row is None:
                        raise StateError(f"the snapshot of entry {info.seq} is gone", remedy=_GONE)
                    file.write(row.body)
                    part, parts = part + 1, row.parts
            yield path

    def drop(self, info: SnapshotInfo) -> None:
        """See :class:`trustward.ports.Snapshots`."""
        with self._database.write() as connection:
            connection.execute(named("drop_snapshot"), {"seq": info.seq})

    def prune(self, keep: int) -> None:
        """See :class:`trustward.ports.Snapshots`."""
        for info in self.stored()[keep:]:
            self.drop(info)
