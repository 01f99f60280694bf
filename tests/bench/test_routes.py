"""The database at size is what the service would have written; and every route is asked, or it is said why not."""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from trustward import bootstrap
from trustward.api.access import ROUTES
from trustward.cli.bench import routes_world
from trustward.cli.bench.routes_asks import NOT_ASKED, Known, asks
from trustward.cli.bench.routes_fill import Part, fill_postgresql, fill_sqlite, part_of
from trustward.settings import Settings
from trustward.testing.postgres import PostgresServer

CASES, COPIES, NOW_US = 4, 3, 1_767_225_600_000_000
OWN = ("reports", "cases", "case_pages", "case_entities", "case_barred", "duties", "duty_steps", "errands")


def quiet(_line: str) -> None: ...


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> tuple[Part, Part]:
    """The same story twice at the same time: with the mark, and under the name of the last copy."""
    folders = [tmp_path_factory.mktemp("part") for _ in range(2)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(routes_world, "now_us", lambda: NOW_US)
        for folder, mark in zip(folders, (routes_world.MARK, f"{COPIES - 1:05x}"), strict=True):
            routes_world.live(folder, CASES, 7, mark=mark, say=quiet)
    return part_of(folders[0]), part_of(folders[1])


@pytest.fixture(scope="module")
def full(parts: tuple[Part, Part], tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("full") / "data"
    fill_sqlite(parts[0], data, COPIES, quiet)
    return data


def rows(file: Path, table: str, mark: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(file)) as database:
        found = database.execute(f"SELECT * FROM {table}").fetchall()
    return sorted((row for row in found if any(isinstance(one, str) and one.endswith(mark) for one in row)), key=repr)


def test_a_copy_is_what_the_stories_write(parts: tuple[Part, Part], full: Path) -> None:
    mark = f"{COPIES - 1:05x}"
    for table in OWN:
        told = rows(parts[1].file, table, mark)
        assert told or table == "case_barred"
        assert rows(full / "trustward.db", table, mark) == told, table


def test_numbers_go_on_and_counts_add_up(parts: tuple[Part, Part], full: Path) -> None:
    part = parts[0]
    with closing(bootstrap.store(Settings(data=str(full)))) as store:
        assert store.journal.head() == (part.entries - 1) * COPIES + 1
        after, ids = 0, []
        while segments := store.journal.read(after, 1000):
            assert segments[0].first == after + 1
            ids += [name for one in segments for name in one.ids()]
            after = segments[-1].last
        assert len(set(ids)) == len(ids)
        assert {name: one.seq for name, one in store.journal.find(ids[::50]).items()}.keys() == set(ids[::50])
        with store.database.read() as connection:
            every = connection.exec_driver_sql("SELECT queue FROM cases WHERE state = 0").scalars().all()
        assert {name: count for name, (count, _) in store.cases.waiting().items()} == Counter(every)
        known = Known(part, COPIES, 7)
        assert store.cases.get(known.one(known.cases)) is not None
        assert store.outbox.waiting(1) == []
        assert store.records.letters(f"case:{known.one(known.busy)}") is not None
    assert bootstrap.check_store(Settings(data=str(full)))[1] == []


def test_postgresql_gets_the_same(parts: tuple[Part, Part], full: Path, server: PostgresServer, tmp_path: Path) -> None:
    settings = Settings(data=str(tmp_path), database=server.database())
    bootstrap.upgrade(settings)
    fill_postgresql(parts[0], settings.database, COPIES, quiet)
    with closing(bootstrap.store(settings)) as store, closing(bootstrap.store(Settings(data=str(full)))) as other:
        for name in (*OWN, "tallies", "segments", "event_ids", "actions", "letters", "effects", "plain_records"):
            with store.database.read() as one, other.database.read() as two:
                found = [
                    sorted(map(repr, (tuple(map(plain, row)) for row in each.exec_driver_sql(f"SELECT * FROM {name}"))))
                    for each in (one, two)
                ]
            assert found[0] == found[1], name


def plain(value: object) -> object:
    return bytes(value) if isinstance(value, memoryview) else value


def test_every_route_that_is_looked_at_is_asked(parts: tuple[Part, Part]) -> None:
    every = asks(Known(parts[0], COPIES, 7), "b", "2026-01-01T00:00:00Z")
    asked = {(one.method, one.route) for one in every}
    assert asked <= ROUTES.keys()
    assert {route for route in ROUTES if route[0] == "GET"} - asked == set(NOT_ASKED)
    for one in every:
        path, _, _ = one.make(3)
        assert path.startswith("/")
        assert routes_world.MARK not in path
