"""One service for most tests: in one process, and with HTTP in front of it. Whatever a route does, it does in both."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.served import Served, served
from trustward.testing.postgres import PostgresServer


@pytest.fixture(scope="session", params=["alone", "fronted"])
def one(request: pytest.FixtureRequest) -> Iterator[Served]:
    with served(fronted=request.param == "fronted") as found:
        yield found


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of an empty database with this version's schema; empty for SQLite in the folder."""
    if request.param == "sqlite":
        yield ""
        return
    from trustward.adapters.store import migrate
    from trustward.adapters.store.database import open_database

    with PostgresServer() as server:
        address = server.database()
        opened = open_database(address, Path())
        migrate.upgrade(opened)
        opened.close()
        yield address
