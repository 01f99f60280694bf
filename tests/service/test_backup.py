"""Backups: everything, from either database to either, and never over something."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.service.kit import host_over, rebuilt, seen, stream
from trustward.adapters.store import backup as backups
from trustward.adapters.store.database import Database
from trustward.adapters.store.opened import DatabaseStore, open_store
from trustward.base.errors import InputError, StoreError, UsageError
from trustward.model.changes import LabelChange, ListChange
from trustward.model.stored import SnapshotInfo
from trustward.operations.keys import check_key, make_key

KINDS = ["sqlite", "postgresql"]


@pytest.fixture
def new(request: pytest.FixtureRequest, tmp_path: Path) -> object:
    """Makes an empty store of a kind."""
    made: list[DatabaseStore] = []

    def make(kind: str) -> DatabaseStore:
        address = ""
        if kind == "postgresql":
            address = request.getfixturevalue("server").database(request.getfixturevalue("template"))
        made.append(open_store(address, tmp_path / f"data{len(made)}"))
        return made[-1]

    yield make
    for store in made:
        store.close()


@pytest.mark.parametrize("goal", KINDS)
@pytest.mark.parametrize("source", KINDS)
def test_from_either_to_either(source: str, goal: str, new: object, tmp_path: Path) -> None:
    assert callable(new)
    store, other = new(source), new(goal)
    host = host_over(store, snapshot_events=100)
    host.start()
    host.submit(stream(450)).result()
    host.change(ListChange(actor="kim", list="partners", put=("a",), expires_us=7)).result()
    host.submit(stream(50, prefix="x")).result()
    key, text = make_key("shop", ["decide"], actor="kim", now_us=1)
    store.keys.add(key)
    file = tmp_path / "all.backup"
    copied = backups.backup(store, file)
    assert copied.seq == 502
    assert file.stat().st_mode & 0o077 == 0
    assert sorted(path.name for path in tmp_path.glob("*all.backup*")) == ["all.backup"]
    with pytest.raises(UsageError, match="exists"):
        backups.backup(store, file)
    host.submit(stream(5, prefix="later")).result()
    host.close()
    assert backups.restore(file, other).seq == 502
    assert sorted(path.name for path in tmp_path.glob("*all.backup*")) == ["all.backup"]
    assert backups.check(other) == []
    assert check_key(text, other.keys, 5) == key
    assert other.journal.read(0, 1000) == store.journal.read(0, 501)
    assert other.snapshots.stored()
    assert other.outbox.waiting(10**5) == [row for row in store.outbox.waiting(10**5) if row.seq <= 502]
    assert seen(rebuilt(other)) == seen(rebuilt(other, snapshots=False))
    with pytest.raises(UsageError, match="already"):
        backups.restore(file, other)
    again = host_over(other)
    again.start()
    assert again.submit(stream(450)).result().again == set(range(450))
    assert again.change(LabelChange(actor="kim", kind="account", entity="a", label="x")).result() == 503
    again.close()


def test_what_is_read_of_a_backup_is_its_owners_alone(
    new: Callable[[str], DatabaseStore], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "all.backup"
    backups.backup(new("sqlite"), file)
    goal = new("sqlite")
    # Of a history that was here before.
    old = SnapshotInfo(seq=0, policy="ab", at_us=1)
    goal.snapshots.write(old, lambda path: path.touch())
    seen_then: list[int] = []

    def copy(origin: object, _goal: object) -> backups.Copied:
        seen_then.extend(one.stat().st_mode & 0o077 for one in tmp_path.glob(".all.backup.reading*"))
        assert goal.snapshots.stored() == []
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(backups, "_copy", copy)
    before = os.umask(0o022)
    try:
        with pytest.raises(InputError, match="No space"):
            backups.restore(file, goal)
    finally:
        os.umask(before)
    assert set(seen_then) == {0}
    assert [path.name for path in tmp_path.glob("*all.backup*")] == ["all.backup"]


def test_what_lies_where_nothing_can_be_written_is_restored(
    new: Callable[[str], DatabaseStore], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> int:
        raise OSError(30, "Read-only file system")

    file = tmp_path / "all.backup"
    backups.backup(new("sqlite"), file)
    monkeypatch.setattr(backups, "os", SimpleNamespace(**{**vars(os), "open": refuse}))
    assert backups.restore(file, new("sqlite")).seq == 0


def test_a_backup_that_fails_leaves_nothing(
    new: Callable[[str], DatabaseStore], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = new("sqlite")
    close = Database.close

    def full(*_: object) -> backups.Copied:
        raise StoreError("the database failed: database or disk is full", remedy="make room")

    def closed(database: Database) -> None:
        close(database)
        # With a full disk SQLite cannot tidy up.
        Path(f"{database.url.database}-wal").touch()

    monkeypatch.setattr(backups, "_copy", full)
    monkeypatch.setattr(Database, "close", closed)
    with pytest.raises(StoreError, match="full"):
        backups.backup(store, tmp_path / "all.backup")
    assert list(tmp_path.glob("*all.backup*")) == []


def test_what_is_no_backup(new: object, tmp_path: Path) -> None:
    assert callable(new)
    store = new("sqlite")
    with pytest.raises(InputError):
        backups.restore(tmp_path / "none", store)
    (tmp_path / "text").write_text("no database, whatever its size " * 200, encoding="utf-8")
    with pytest.raises(InputError):
        backups.restore(tmp_path / "text", store)
    with pytest.raises(InputError):
        backups.backup(store, tmp_path / "no" / "folder")


def test_check_finds_what_is_wrong(new: object) -> None:
    assert callable(new)
    store = new("sqlite")
    assert backups.check(store) == []
    host = host_over(store)
    host.start()
    host.submit(stream(600)).result()
    host.close()
    assert backups.check(store) == []
    with store.database.write() as connection:
        connection.exec_driver_sql("DELETE FROM segments WHERE first = 2")
    assert backups.check(store) == ["journal: entries 2 to 513 are missing"]
    with store.database.write() as connection:
        connection.exec_driver_sql("UPDATE segments SET body = x'00' WHERE first = 514")
    assert backups.check(store)[1:] == ["journal: entries 514 to 601 cannot be read"]
    with store.database.write() as connection:
        connection.exec_driver_sql("DELETE FROM segments WHERE first = 514")
    assert backups.check(store) == ["journal: it ends at 1, and should at 601"]
    with store.database.write() as connection:
        connection.exec_driver_sql("DROP TABLE actions")
    assert any("actions" in fault for fault in backups.check(store))
