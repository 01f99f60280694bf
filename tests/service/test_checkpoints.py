"""The log goes into SQLite's file behind the commits."""

from __future__ import annotations

from pathlib import Path
from time import monotonic, sleep

import pytest

from tests.service.test_ids import commit
from trustward.adapters.store import checkpoints
from trustward.adapters.store.database import FILE
from trustward.adapters.store.opened import open_store


def test_the_log_is_taken_over_while_commits_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "EVERY_BYTES", 200_000)
    store = open_store("", tmp_path)
    lease = store.writer.acquire("test", 1)
    before = (tmp_path / FILE).stat().st_size
    number = 0
    until = monotonic() + 30
    # Nothing else takes it over: far fewer pages are written than SQLite itself waits for.
    while (tmp_path / FILE).stat().st_size == before:
        assert monotonic() < until
        number += 1
        store.journal.append(lease, commit(number, [f"e{number}-" + "x" * 2_000]))
        sleep(0.002)
    found = store.journal.find([f"e1-{'x' * 2_000}", f"e{number}-{'x' * 2_000}"])
    assert sorted(one.seq for one in found.values()) == sorted({1, number})
    store.close()


def test_the_log_begins_anew_though_commits_never_pause(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "EVERY_BYTES", 1_000_000)
    store = open_store("", tmp_path)
    lease = store.writer.acquire("test", 1)
    for number in range(1, 1_501):
        store.journal.append(lease, commit(number, [f"e{number}-" + "x" * 2_000]))
    log = (tmp_path / f"{FILE}-wal").stat().st_size
    found = store.journal.find([f"e1-{'x' * 2_000}", f"e1500-{'x' * 2_000}"])
    assert sorted(one.seq for one in found.values()) == [1, 1500]
    store.close()
    # All that was written is more than ten times that.
    assert log < 4_000_000
