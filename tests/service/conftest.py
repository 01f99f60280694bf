"""Stores to test over: memory, SQLite in a folder, a PostgreSQL server that the tests start."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from trustward.adapters.store import migrate
from trustward.adapters.store.database import FILE, open_database
from trustward.adapters.store.memory import MemoryStore, Tables
from trustward.adapters.store.opened import open_store
from trustward.ports import Store
from trustward.testing.postgres import PostgresServer


@pytest.fixture(scope="session")
def server() -> Iterator[PostgresServer]:
    with PostgresServer() as started:
        yield started


@pytest.fixture(scope="session")
def template(server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of a database with this version's schema, to copy."""
    address = server.database()
    database = open_database(address, tmp_path_factory.mktemp("none"))
    migrate.upgrade(database)
    database.close()
    return address


@pytest.fixture(scope="session")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with this version's schema, to copy."""
    folder = tmp_path_factory.mktemp("begun")
    open_store("", folder).close()
    return folder / FILE


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], Store]]:
    stores: list[Store] = []
    tables = Tables()
    address = ""
    if request.param == "postgresql":
        address = request.getfixturevalue("server").database(request.getfixturevalue("template"))

    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("begun"), tmp_path)

    def opening() -> Store:
        stores.append(MemoryStore(tables) if request.param == "memory" else open_store(address, tmp_path))
        return stores[-1]

    yield opening
    for store in stores:
        store.close()
    if address:
        request.getfixturevalue("server").drop(address)
