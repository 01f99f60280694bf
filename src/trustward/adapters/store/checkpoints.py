"""SQLite's log goes into its file in a thread of its own: a commit need not wait for that."""

from __future__ import annotations

from contextlib import suppress
from threading import Event, Lock, Thread

from trustward.adapters.store.database import Database, Straight
from trustward.base.errors import StoreError

_TAKE_OVER = "PRAGMA wal_checkpoint(PASSIVE)"
EVERY_BYTES = 8 << 20
"""How much is written before the log is taken over."""
_COMMIT_BYTES = 20_000
"""What a commit writes at least: a few pages."""


class Checkpoints:
    """Counts what is written, and takes the log over when it is enough. Nothing for a server, which does so itself."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._written = 0
        self._due = Event()
        self._end = False
        # Whether the log has just been taken over, but for what was written meanwhile.
        self._taken = False
        self._lock = Lock()
        self._thread: Thread | None = None

    def wrote(self, size: int) -> None:
        """So many bytes were committed."""
        if not self._database.is_sqlite:
            return
        with self._lock:
            self._written += size + _COMMIT_BYTES
            if self._written < EVERY_BYTES or self._end:
                return
            self._written = 0
            if self._thread is None:
                self._thread = Thread(target=self._work, name="checkpoints", daemon=True)
                self._thread.start()
        self._due.set()

    def finish(self, writing: Straight) -> None:
        """Take over the few pages that came meanwhile, between two commits: the log is at its end, and begins anew.

        Beside a writer a checkpoint never comes to the end, and the log grows with each commit.
        """
        if self._taken:
            self._taken = False
            # The commit before is on disk, whatever becomes of this.
            with suppress(StoreError):
                writing.execute(_TAKE_OVER).fetchone()

    def close(self) -> None:
        """End the thread."""
        with self._lock:
            self._end = True
        self._due.set()
        if self._thread is not None:
            self._thread.join()

    def _work(self) -> None:
        while True:
            self._due.wait()
            self._due.clear()
            if self._end:
                return
            # What is wrong with the disk shows at the next commit. Nobody is waited for: what is read is left.
            with suppress(StoreError), self._database.alone() as connection:
                connection.exec_driver_sql(_TAKE_OVER)
                self._taken = True
