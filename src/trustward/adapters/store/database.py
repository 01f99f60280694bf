"""One database, SQLite or PostgreSQL: how it is opened, and what its failures are called."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from threading import Lock
from typing import Any, Self

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InvalidatePoolError, NoSuchModuleError, SQLAlchemyError

from trustward.base.clock import elapsed_s
from trustward.base.errors import SettingsError, StoreError

FILE = "trustward.db"
"""The name of SQLite's file in the data folder."""
_WAIT_S = 10
_RESTED_S = 1.0
"""A connection that was in use within this time is not asked whether it still stands."""
_POSTGRESQL = {
    # A server that is gone is noticed within seconds, not after the system's two hours.
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
    "application_name": "trustward",
}


class Database:
    """Connections to one database. Close it at the end."""

    def __init__(self, url: URL) -> None:
        self.url = url
        self.is_sqlite = url.get_backend_name() == "sqlite"
        self._engine = _sqlite(url) if self.is_sqlite else _postgresql(url)
        # SQLite lets one write at a time, and the others try again and again: of many threads some would wait too long.
        self._turn: AbstractContextManager[Any] = Lock() if self.is_sqlite else nullcontext()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection for reading. Raises StoreError for what goes wrong in the database.

        On PostgreSQL each statement is by itself (as its snapshots are anyway): beginning and ending a transaction
        would be two more ways there and back. Who needs one state for several statements asks for :meth:`steady`.
        """
        how: dict[str, Any] = {} if self.is_sqlite else {"isolation_level": "AUTOCOMMIT"}
        with told(), self._engine.connect().execution_options(**how) as connection:
            yield connection

    @contextmanager
    def steady(self) -> Iterator[Connection]:
        """The same, with one state of the database for all statements."""
        how: dict[str, Any] = {} if self.is_sqlite else {"isolation_level": "REPEATABLE READ"}
        with told(), self._engine.connect().execution_options(**how) as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction: on disk when the block has ended, or nothing at all. Raises StoreError."""
        with (
            self._turn,
            told(),
            self._engine.connect().execution_options(writes=True) as connection,
            connection.begin(),
        ):
            yield connection

    @contextmanager
    def alone(self) -> Iterator[Connection]:
        """A connection of its own, with every statement at once in force: for locks and upkeep."""
        # In SQLite it is enough to begin no transaction.
        how: dict[str, Any] = {"bare": True} if self.is_sqlite else {"isolation_level": "AUTOCOMMIT"}
        with told(), self._engine.connect().execution_options(**how) as connection:
            yield connection

    def held(self) -> Connection:
        """The same, out of the pool, for the caller to close."""
        with told():
            connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            connection.detach()
            return connection

    def straight(self) -> Straight:
        """A connection to SQLite of its own, without what SQLAlchemy adds to each statement. Close it at the end."""
        with told():
            pooled = self._engine.raw_connection()
            connection = pooled.driver_connection
            pooled.detach()
            return Straight(connection, self._turn)

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()


class Straight:
    """One of SQLite's own connections, for what every commit does. Used by one thread at a time."""

    def __init__(self, connection: Any, turn: AbstractContextManager[Any]) -> None:
        self._connection: sqlite3.Connection = connection
        self._turn = turn

    def execute(self, statement: str, values: Any = ()) -> sqlite3.Cursor:
        """Run a statement, at once in force if no transaction has begun. Raises StoreError."""
        with told():
            return self._connection.execute(statement, values)

    @contextmanager
    def write(self) -> Iterator[Self]:
        """A transaction: on disk when the block has ended, or nothing at all. Raises StoreError."""
        with self._turn, told():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def close(self) -> None:
        """Close it."""
        self._connection.close()


def open_database(database: str, data: Path) -> Database:
    """The database of a service: what ``database`` names, or SQLite in the folder ``data``, which is made.

    Raises SettingsError for an address that is none.
    """
    if not database:
        try:
            data.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as fault:
            raise SettingsError(
                f"cannot make the folder {data}: {fault.strerror}", remedy="name a folder you may write to"
            ) from fault
        return Database(URL.create("sqlite", database=str(data / FILE)))
    try:
        url = make_url(database)
    except ArgumentError as fault:
        raise SettingsError("the database's address cannot be read", remedy=_SHAPE) from fault
    if url.get_backend_name() not in {"postgresql", "postgres"}:
        raise SettingsError(f"no such kind of database: {url.get_backend_name()}", remedy=_SHAPE)
    try:
        return Database(url.set(drivername="postgresql+psycopg"))
    except (ImportError, NoSuchModuleError) as fault:
        raise SettingsError(
            "PostgreSQL needs the extra package psycopg", remedy="pip install 'trustward[postgres]'"
        ) from fault


_SHAPE = "write it like postgresql://user:password@host/name, or leave it empty for SQLite"


@contextmanager
def told() -> Iterator[None]:
    """Turn the database's failures into StoreError."""
    try:
        yield
    except DBAPIError as fault:
        cause = " ".join(str(fault.orig).split())[:300]
        raise StoreError(f"the database failed: {cause}", remedy=_remedy(cause)) from fault
    except sqlite3.Error as fault:
        cause = " ".join(str(fault).split())[:300]
        raise StoreError(f"the database failed: {cause}", remedy=_remedy(cause)) from fault
    except SQLAlchemyError as fault:
        raise StoreError(f"the database failed: {type(fault).__name__}", remedy=_AGAIN) from fault


_AGAIN = "see to the database, then try again"


def _remedy(cause: str) -> str:
    low = cause.lower()
    if "full" in low or "no space" in low:
        return "make room on the disk, then try again"
    if "no such table" in low or "does not exist" in low:
        return "run trustward db upgrade"
    if "readonly" in low or "unable to open" in low:
        return "let this user write to the data folder and to the files in it"
    if "locked" in low:
        return "another program holds the database: end it, then try again"
    return _AGAIN


def _sqlite(url: URL) -> Engine:
    # It holds events in the clear: its owner's alone, also in a folder that others may enter. SQLite gives what it puts
    # beside it the same rights, and complains by itself about what cannot be made. A file that is there is not opened:
    # closing it would drop the locks that this process has on it.
    with suppress(OSError):
        os.close(os.open(str(url.database), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    for end in ("", "-wal", "-shm"):
        _keep_private(f"{url.database}{end}")
    engine = create_engine(url, connect_args={"timeout": _WAIT_S, "check_same_thread": False})

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _record: Any) -> None:
        # SQLAlchemy, not the driver, says where a transaction begins.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (
            "journal_mode = WAL",
            # A commit is on disk when it returns, on macOS too.
            "synchronous = FULL",
            "fullfsync = ON",
            "foreign_keys = ON",
            "cache_size = -65536",
            # Checkpoints take the log over earlier; this only bounds it.
            "wal_autocheckpoint = 32768",
            "journal_size_limit = 67108864",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        options = connection.get_execution_options()
        if not options.get("bare"):
            connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get("writes") else "BEGIN")

    return engine


def _keep_private(path: str) -> None:
    """Take away what others may do with a file of ours: earlier versions made it as any other."""
    with suppress(OSError):
        found = Path(path).stat()
        if found.st_uid == os.geteuid() and found.st_mode & 0o077:
            Path(path).chmod(found.st_mode & 0o700)


def _postgresql(url: URL) -> Engine:
    # As many at most as SQLAlchemy allows by itself, of which it would keep five: a few more looks at a time than that,
    # and most of them would begin with a new connection.
    engine = create_engine(url, connect_args=_POSTGRESQL, pool_size=12, max_overflow=3)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        # A server set to answer before its disk has it would break the promise.
        with connection.cursor() as cursor:
            cursor.execute("SET synchronous_commit = on")
        connection.commit()

    @event.listens_for(engine, "checkin")
    def leave(_connection: Any, record: Any) -> None:
        record.info["left_s"] = elapsed_s()

    @event.listens_for(engine, "checkout")
    def see(connection: Any, record: Any, _proxy: Any) -> None:
        # Whether it still stands is asked of what has rested, and not each time: that is as far as a look itself.
        left_s = record.info.get("left_s")
        if left_s is None or elapsed_s() - left_s < _RESTED_S:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as fault:
            # The others have been cut by the same: all are made anew.
            raise InvalidatePoolError from fault

    return engine
