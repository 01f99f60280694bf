"""Who may write: a lock that ends with its process, and a number that fences off whoever had it before."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection

from trustward.adapters.store.database import Database, told
from trustward.adapters.store.queries import named
from trustward.base.errors import StoreError, TrustwardError, WriterError
from trustward.base.units import format_time
from trustward.model.stored import Lease

LOCK_FILE = "writer.lock"
_LOCK = 7_305_807_302
_REMEDY = "stop that process, or start this one with TRUSTWARD_STANDBY=true to wait for its end"


class Lock(Protocol):
    """Held by one process at a time, and let go of by the system when the process ends, however it ends."""

    def take(self) -> bool:
        """Try to get it; True if it is held now."""

    def drop(self) -> None:
        """Let go of it."""


class FileLock:
    """A lock on a file in the data folder."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle: int | None = None

    def take(self) -> bool:
        """See :class:`Lock`."""
        if self._handle is not None:
            return True
        try:
            handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as fault:
            raise StoreError(
                f"cannot open {self._path}: {fault.strerror}", remedy="check the folder's rights and the disk"
            ) from fault
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(handle)
            return False
        self._handle = handle
        return True

    def drop(self) -> None:
        """See :class:`Lock`."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


class ServerLock:
    """A lock that the PostgreSQL server keeps for as long as one connection lasts."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: Connection | None = None

    def take(self) -> bool:
        """See :class:`Lock`."""
        if self._connection is not None:
            try:
                self._connection.exec_driver_sql("SELECT 1")
            except Exception:  # noqa: BLE001 - whatever it was, the lock has gone with the connection
                self.drop()
            else:
                return True
        connection = self._database.held()
        with told():
            taken = connection.exec_driver_sql(f"SELECT pg_try_advisory_lock({_LOCK})").scalar()
        if taken:
            self._connection = connection
        else:
            connection.close()
        return bool(taken)

    def drop(self) -> None:
        """See :class:`Lock`."""
        if self._connection is not None:
            # The server notices a closed connection a little later: whoever waits need not wait for that.
            with suppress(Exception):
                self._connection.exec_driver_sql(f"SELECT pg_advisory_unlock({_LOCK})")
            with suppress(Exception):
                self._connection.close()
            self._connection = None


class DatabaseWriter:
    """The port ``Writer`` over the database's row of the writer and a lock."""

    def __init__(self, database: Database, lock: Lock) -> None:
        self._database = database
        self._lock = lock

    def acquire(self, owner: str, now_us: int) -> Lease:
        """See :class:`trustward.ports.Writer`."""
        if not self._lock.take():
            with self._database.read() as connection:
                row = connection.execute(named("writer")).one()
            raise WriterError(
                f"{row.owner or 'another process'} writes to this data since {format_time(row.since_us)}",
                remedy=_REMEDY,
            )
        try:
            with self._database.write() as connection:
                connection.execute(named("take_over"), {"owner": owner, "since_us": now_us})
                epoch = connection.execute(named("writer")).one().epoch
        except TrustwardError:
            self._lock.drop()
            raise
        return Lease(epoch=epoch, owner=owner)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep whoever writes away for a while, whatever schema the database has. Raises WriterError."""
        if not self._lock.take():
            raise WriterError("a service writes to this data", remedy="stop it, and those that stand by, first")
        try:
            yield
        finally:
            self._lock.drop()

    def release(self, lease: Lease) -> None:
        """See :class:`trustward.ports.Writer`."""
        try:
            with self._database.write() as connection:
                connection.execute(named("give_up"), {"epoch": lease.epoch})
        finally:
            self._lock.drop()

    def close(self) -> None:
        """Let go of the lock, as the end of the process would."""
        self._lock.drop()
