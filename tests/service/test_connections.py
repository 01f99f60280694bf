"""Connections to a server: what has rested is asked whether it still stands, what was just in use is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from trustward.adapters.store import database, migrate
from trustward.adapters.store.database import open_database
from trustward.adapters.store.kept import DatabaseKept
from trustward.base.errors import StoreError
from trustward.testing.postgres import PostgresServer


def test_a_server_that_was_started_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with PostgresServer() as server:
        opened = open_database(server.database(), tmp_path)
        migrate.upgrade(opened)
        kept = DatabaseKept(opened)
        assert kept.snoozes() == []
        for rested_s, fails in ((0.0, False), (3600.0, True)):
            monkeypatch.setattr(database, "_RESTED_S", rested_s)
            server.stop(at_once=True)
            server.start()
            if fails:
                # It was in use a moment ago, and is believed: one look is told so, the next one has a new connection.
                with pytest.raises(StoreError):
                    kept.snoozes()
            assert kept.snoozes() == []
        with opened.steady() as connection:
            assert connection.exec_driver_sql("SHOW transaction_isolation").scalar() == "repeatable read"
        with opened.read() as connection:
            assert connection.exec_driver_sql("SHOW transaction_isolation").scalar() == "read committed"
        opened.close()
