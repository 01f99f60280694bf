"""Snapshots of the engine: copied between two commits, written by another thread, so that nobody waits for a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Thread

from trustward.base.errors import TrustwardError
from trustward.engine import snapshot
from trustward.engine.engine import Engine
from trustward.model.stored import SnapshotInfo
from trustward.ports import Store


class Saving:
    """For the engine's thread. One is due after ``every`` entries, and the latest ``keep`` are kept.

    With ``rest_us`` one is due as well when so much time has passed since the latest: days that a restart needs can
    neither be archived nor removed. ``seq`` is the entry of the latest. ``failed`` hears of one that could not be
    written: the journal has everything, and the next one is tried when as much has come again.
    """

    def __init__(
        self, store: Store, every: int, keep: int, failed: Callable[[TrustwardError], None], rest_us: int = 0
    ) -> None:
        self.seq = 0
        self._at_us = 0
        self._rest_us = rest_us
        self._store = store
        self._every = every
        self._keep = keep
        self._failed = failed
        self._thread: Thread | None = None

    def begin(self) -> None:
        """See what there is. Raises StoreError."""
        latest = max(self._store.snapshots.stored(), key=lambda info: info.seq, default=None)
        self.seq, self._at_us = (0, 0) if latest is None else (latest.seq, latest.at_us)

    def if_due(self, engine: Engine, seq: int, at_us: int) -> None:
        """Copy the state if it is time to, unless the one before is still being written."""
        self._at_us = self._at_us or at_us
        rested = self._rest_us and at_us - self._at_us >= self._rest_us and seq > self.seq
        if not (rested or seq - self.seq >= self._every) or (self._thread is not None and self._thread.is_alive()):
            return
        info, capture = _info(engine, seq, at_us), snapshot.Capture(engine)
        self.seq, self._at_us = seq, at_us
        self._thread = Thread(target=self._aside, args=(info, capture.save), name="snapshot", daemon=True)
        self._thread.start()

    def now(self, engine: Engine, seq: int, at_us: int) -> int:
        """Write the state at once; the entry that it is of. Raises StoreError."""
        if self._thread is not None:
            self._thread.join()
        self._write(_info(engine, seq, at_us), lambda path: snapshot.save(engine, path))
        self.seq, self._at_us = seq, at_us
        return seq

    def _aside(self, info: SnapshotInfo, save: Callable[[Path], None]) -> None:
        try:
            self._write(info, save)
        except TrustwardError as fault:
            self._failed(fault)

    def _write(self, info: SnapshotInfo, save: Callable[[Path], None]) -> None:
        self._store.snapshots.write(info, save)
        self._store.snapshots.prune(self._keep)


def _info(engine: Engine, seq: int, at_us: int) -> SnapshotInfo:
    return SnapshotInfo(seq=seq, policy=engine.policy.hash, at_us=at_us)
