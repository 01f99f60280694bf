"""A backup is one SQLite file with everything in it, whatever database it came from and whichever it goes to."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import msgspec
from sqlalchemy import URL, Connection, Table, func, select

from trustward.adapters.held import held_folder
from trustward.adapters.store import migrate
from trustward.adapters.store.database import Database
from trustward.adapters.store.opened import DatabaseStore
from trustward.adapters.store.queries import named
from trustward.adapters.store.schema import DERIVED, METADATA
from trustward.adapters.store.snapshots import DatabaseSnapshots
from trustward.adapters.store.tables import AUDIT, WRITER
from trustward.base.errors import InputError, StateError, UsageError
from trustward.ports import Snapshots

_ROWS = 2000
_HEAD = b"SQLite format 3\0"
_TABLES = [table for table in METADATA.sorted_tables if table not in DERIVED]


class Copied(msgspec.Struct, frozen=True, kw_only=True):
    """What was copied: the journal's last entry, and how many rows of each table."""

    seq: int
    rows: dict[str, int]


def backup(store: DatabaseStore, file: Path) -> Copied:
    """Write everything, as it is at this moment, into a new file; the service may run meanwhile.

    The file is there whole or not at all. Raises UsageError if there is one already, StoreError, InputError.
    """
    if file.exists():
        raise UsageError(f"{file} exists", remedy="name a new file: a backup replaces nothing")
    if not file.parent.is_dir():
        raise InputError(f"there is no folder {file.parent}", remedy="make it, or name another one")
    part = file.with_name(f".{file.name}.part")
    try:
        _drop(part)
        target = _file(part)
        try:
            migrate.upgrade(target)
            with store.database.steady() as source, target.write() as goal:
                copied = _copy(source, goal)
            _carry(store.snapshots, DatabaseSnapshots(target), copied.seq)
            with target.alone() as connection:
                # One file, without a log beside it.
                connection.exec_driver_sql("PRAGMA journal_mode = DELETE")
        finally:
            target.close()
        part.replace(file)
    except OSError as fault:
        raise InputError(
            f"cannot write {file}: {fault.strerror}", remedy="name a file in a folder you may write to"
        ) from fault
    finally:
        _drop(part)
    return copied


def restore(file: Path, store: DatabaseStore) -> Copied:
    """Fill an empty database from a backup, whole or not at all. The service must not run.

    Raises UsageError if the database holds something, InputError if the file is no backup, WriterError, StoreError.
    """
    check_backup(file)
    try:
        with _copied(file) as copy:
            source = _file(copy)
            try:
                migrate.upgrade(source)
                return _restore(source, store)
            finally:
                source.close()
    except OSError as fault:
        raise InputError(f"cannot read {file}: {fault.strerror}", remedy="check the path and its rights") from fault


def check_backup(file: Path) -> None:
    """See that a file may be a backup, before anything is made for it. Raises InputError."""
    remedy = "name a file that trustward db backup has written"
    if not file.is_file():
        raise InputError(f"there is no file {file}", remedy=remedy)
    try:
        with file.open("rb") as opened:
            begins = opened.read(len(_HEAD))
    except OSError as fault:
        raise InputError(f"cannot read {file}: {fault.strerror}", remedy="check the path and its rights") from fault
    if begins != _HEAD:
        raise InputError(f"{file} is no backup", remedy=remedy)


@contextmanager
def _copied(file: Path) -> Iterator[Path]:
    """A copy that is its owner's alone: SQLite may want to write beside what it reads, and the backup stays as it is.

    It lies beside the backup, or in the temporary folder where that cannot be, as on a disk that is only read.
    """
    copy = file.with_name(f".{file.name}.reading")
    _drop(copy)
    try:
        os.close(os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except OSError:
        with held_folder() as folder:
            yield Path(shutil.copyfile(file, folder / "backup"))
        return
    try:
        yield Path(shutil.copyfile(file, copy))
    finally:
        _drop(copy)


def _drop(file: Path) -> None:
    """Remove a file of SQLite's, and what it has put beside it: with a full disk that stays when it is closed."""
    for name in (file, *(file.with_name(file.name + end) for end in ("-wal", "-shm", "-journal"))):
        with suppress(OSError):
            name.unlink(missing_ok=True)


def check(store: DatabaseStore) -> list[str]:
    """What is wrong with a database: its schema, its pages, the journal's order. Reads all of it."""
    found = [f"schema: {difference}" for difference in migrate.differences(store.database)]
    if found:
        return found
    if store.database.is_sqlite:
        with store.database.read() as connection:
            pages = connection.exec_driver_sql("PRAGMA integrity_check").scalars().all()
        found += [f"file: {page}" for page in pages if page != "ok"]
    found += _journal(store)
    return found


def _journal(store: DatabaseStore) -> Iterator[str]:
    with store.database.read() as connection:
        last = connection.execute(select(WRITER.c.last_seq)).scalar_one()
    # Archived days are the archive's own to check.
    after = store.archived.upto()
    while part := store.journal.read(after, 8192):
        for segment in part:
            if segment.first != after + 1:
                yield f"journal: entries {after + 1} to {segment.first - 1} are missing"
            after = segment.last
            try:
                whole = segment.kind != "events" or len(segment.ids()) == segment.count
                segment.decided()
                segment.faulty()
            except (msgspec.MsgspecError, UnicodeDecodeError):
                whole = False
            if not whole:
                yield f"journal: entries {segment.first} to {segment.last} cannot be read"
    if after != last:
        yield f"journal: it ends at {after}, and should at {last}"


def _restore(source: Database, store: DatabaseStore) -> Copied:
    lease = store.writer.acquire("a restore", 0)
    try:
        with source.read() as origin, store.database.write() as goal:
            held = [table.name for table in _TABLES if table is not WRITER and _count(goal, table)]
            if held:
                raise UsageError(
                    f"the database holds something already ({', '.join(held)})",
                    remedy="restore into a new data folder or a new database",
                )
            # Of another history. They go first: a restore that is ended on the way must not leave them to this one.
            for stale in store.snapshots.stored():
                store.snapshots.drop(stale)
            copied = _copy(origin, goal)
            if not store.database.is_sqlite:
                for name in ("number_audit_on", "number_audit_secret_on", "number_deliveries_on", "number_receipts_on"):
                    goal.execute(named(name))
        _carry(DatabaseSnapshots(source), store.snapshots, copied.seq)
    finally:
        store.writer.release(lease)
    return copied


def _file(path: Path) -> Database:
    return Database(URL.create("sqlite", database=str(path)))


def _count(connection: Connection, table: Table) -> int:
    return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def _copy(source: Connection, goal: Connection) -> Copied:
    goal.execute(WRITER.delete())
    rows = {}
    for table in _TABLES:
        rows[table.name] = 0
        found = source.execution_options(yield_per=_ROWS).execute(select(table).order_by(*table.primary_key.columns))
        for part in found.mappings().partitions():
            goal.execute(table.insert(), [dict(row) for row in part])
            rows[table.name] += len(part)
        assert _count(goal, table) == rows[table.name]
    assert AUDIT.name in rows
    seq = goal.execute(select(WRITER.c.last_seq)).scalar_one()
    return Copied(seq=seq, rows=rows)


def _carry(source: Snapshots, goal: Snapshots, seq: int) -> None:
    """Take the newest snapshot along that fits; without one the journal is replayed from its beginning."""
    for info in source.stored():
        if info.seq > seq:
            continue
        try:
            with source.open(info) as path:
                goal.write(info, partial(_into, path))
        except StateError:
            continue
        return


def _into(source: Path, goal: Path) -> None:
    shutil.copyfile(source, goal)
