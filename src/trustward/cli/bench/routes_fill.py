"""A database with millions of rows: a part of a service's life (:mod:`routes_world`), many times over.

Each copy is the rows of the part under another mark, made by one statement a table within the database. Numbers that go
on (entries, letters, places) go on from copy to copy. Keys are made afterwards, as a restore does.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from trustward.adapters.store.ids import keys_of
from trustward.base.clock import elapsed_s
from trustward.cli.bench.routes_world import MARK
from trustward.model.journal import MADE, Segment

ONCE = frozenset({"policies", "lanes", "snapshots", "writer", "schema_version", "api_keys", "list_entries"})
"""Tables that are the same however often the part is repeated."""
ADDED = {"tallies": "count"}
"""Tables whose rows add up."""
LATER = frozenset({"event_ids", "index_runs", "index_pages"})
"""Tables that are made from the journal."""
AS_THEY_ARE = frozenset({"segment_marks"})
"""Tables whose bodies name nothing: a mark is as long as any other."""
COUNTED: dict[str, tuple[str, ...]] = {
    "actions": ("seq",),
    "letters": ("seq",),
    "effects": ("seq",),
    "deliveries": ("seq", "place"),
    "receipts": ("id", "place"),
    "audit": ("number",),
    "segments": ("first",),
    "segment_marks": ("first",),
}
"""Columns that go on from copy to copy."""
Say = Callable[[str], None]


class Part(NamedTuple):
    """The part's file, and how far its numbers go."""

    file: Path
    entries: int
    letters: int
    places: int
    receipts: int
    audit: int

    def step(self, column: str) -> str:
        """What a number of the next copy is larger by, as SQL. The first entry, the policy, is there once."""
        if column == "seq":
            return f"CASE WHEN t.seq > {MADE} THEN {self.letters} ELSE {self.entries - 1} END"
        named = {"place": self.places, "id": self.receipts, "number": self.audit, "first": self.entries - 1}
        return str(named[column])


def part_of(folder: Path) -> Part:
    """What lies in a folder of :func:`routes_world.live`."""
    file = folder / "trustward.db"
    with closing(sqlite3.connect(file)) as database:

        def most(what: str) -> int:
            return int(database.execute(f"SELECT coalesce({what}, 0)").fetchone()[0])

        return Part(
            file=file,
            entries=most("(SELECT last_seq FROM writer)"),
            letters=max(most("(SELECT max(seq) FROM letters)") - MADE, 0),
            places=most("(SELECT max(place) FROM deliveries)"),
            receipts=most("(SELECT max(id) FROM receipts)"),
            audit=most("(SELECT max(number) FROM audit)"),
        )


def _columns(file: Path) -> dict[str, list[tuple[str, str]]]:
    """Each table of the part that has rows: its columns with their types."""
    with closing(sqlite3.connect(file)) as database:
        names = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {
            name: [(row[1], row[2]) for row in database.execute(f"PRAGMA table_info({name})")]
            for name in names
            if not name.startswith("sqlite_") and database.execute(f"SELECT 1 FROM {name} LIMIT 1").fetchone()
        }


def _select(part: Part, table: str, columns: Sequence[tuple[str, str]], text: str, body: str) -> str:
    """What a copy's row is made of, with ``t`` the part's row and ``g.n`` the number of the copy."""
    made = []
    for name, kind in columns:
        if name in COUNTED.get(table, ()):
            made.append(f"t.{name} + g.n * ({part.step(name)})")
        elif kind == "BLOB" and table not in AS_THEY_ARE:
            made.append(body.format(f"t.{name}"))
        elif kind == "TEXT":
            made.append(text.format(f"t.{name}"))
        else:
            made.append(f"t.{name}")
    return ", ".join(made)


def _where(table: str) -> str:
    if table == "segments":
        return "WHERE t.first > 1 OR g.n = 0"
    if table == "plain_records":
        # A reviewer is one person in all copies.
        return f"WHERE g.n = 0 OR t.id LIKE '%{MARK}%'"
    return ""


def fill_sqlite(part: Part, data: Path, copies: int, say: Say = print) -> None:
    """A data folder with so many copies of the part."""
    data.mkdir(parents=True, exist_ok=True)
    target = data / "trustward.db"
    shutil.copyfile(part.file, target)
    shutil.copytree(part.file.parent / "snapshots", data / "snapshots")
    with closing(sqlite3.connect(target, isolation_level=None)) as database:
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -2000000", "temp_store = FILE"):
            database.execute(f"PRAGMA {pragma}")
        database.execute("ATTACH ? AS part", (str(part.file),))
        keys = database.execute("SELECT name, sql FROM main.sqlite_master WHERE type = 'index' AND sql IS NOT NULL")
        made = keys.fetchall()
        for name, _ in made:
            database.execute(f"DROP INDEX {name}")
        series = (
            f"(WITH RECURSIVE g(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM g WHERE n < {copies - 1}) SELECT n FROM g)"
        )
        text = f"replace({{}}, '{MARK}', printf('%05x', g.n))"
        body = f"CAST(replace(CAST({{}} AS TEXT), '{MARK}', printf('%05x', g.n)) AS BLOB)"
        for table, columns in _columns(part.file).items():
            if table in ONCE | LATER:
                continue
            begun = elapsed_s()
            if table in ADDED:
                database.execute(f"UPDATE main.{table} SET {ADDED[table]} = {ADDED[table]} * {copies}")
                continue
            names = ", ".join(f'"{name}"' for name, _ in columns)
            database.execute(f"DELETE FROM main.{table}")
            database.execute(
                f"INSERT INTO main.{table} ({names}) SELECT {_select(part, table, columns, text, body)}"
                f" FROM {series} g CROSS JOIN part.{table} t {_where(table)}"
            )
            say(f"routes: {table}, {elapsed_s() - begun:.0f} s")
        last = (part.entries - 1) * copies + 1
        _event_ids(
            part, copies, lambda rows: database.executemany("INSERT INTO event_ids (key, seq) VALUES (?, ?)", rows)
        )
        database.execute("UPDATE writer SET last_seq = ?, ids_seq = ?", (last, last))
        for name, statement in made:
            begun = elapsed_s()
            database.execute(statement)
            if elapsed_s() - begun > 1:
                say(f"routes: {name}, {elapsed_s() - begun:.0f} s")
    for file in (data / "snapshots").glob("*.state"):
        file.rename(file.with_name(f"{last:020d}" + file.name[20:]))


def fill_postgresql(part: Part, address: str, copies: int, say: Say = print) -> None:
    """The same in an empty PostgreSQL database that has its tables."""
    import psycopg

    tables = _columns(part.file)
    last = (part.entries - 1) * copies + 1
    text = f"replace({{}}, '{MARK}', lpad(to_hex(g.n), 5, '0'))"
    body = f"convert_to(replace(convert_from({{}}, 'UTF8'), '{MARK}', lpad(to_hex(g.n), 5, '0')), 'UTF8')"
    with psycopg.connect(address, autocommit=True) as database:

        def run(statement: str, values: Sequence[Any] | None = None) -> Any:
            return database.execute(statement.encode(), values)

        run("SET maintenance_work_mem = '1GB'")
        run("SET synchronous_commit = off")
        for table, columns in tables.items():
            if table == "schema_version" or table in LATER:
                continue
            begun = elapsed_s()
            _load(database, part.file, table, [name for name, _ in columns], once=table in ONCE or table in ADDED)
            if table in ADDED:
                run(f"UPDATE {table} SET {ADDED[table]} = {ADDED[table]} * {copies}")
            if table in ONCE | ADDED.keys():
                continue
            _replaced(
                database,
                table,
                f"INSERT INTO {table} ({', '.join(name for name, _ in columns)})"
                f" SELECT {_select(part, table, columns, text, body)}"
                f" FROM generate_series(0, {copies - 1}) g (n) CROSS JOIN part_{table} t {_where(table)}",
            )
            run(f"DROP TABLE part_{table}")
            say(f"routes: {table}, {elapsed_s() - begun:.0f} s")
        begun = elapsed_s()
        _event_ids(part, copies, lambda rows: _copied(database, "event_ids", ("key", "seq"), rows))
        say(f"routes: event_ids, {elapsed_s() - begun:.0f} s")
        run("UPDATE writer SET last_seq = %s, ids_seq = %s, owner = ''", (last, last))
        _snapshot(database, part, last)
        for table, column in (("deliveries", "place"), ("receipts", "id"), ("audit", "number")):
            run(
                f"SELECT setval(pg_get_serial_sequence('{table}', '{column}'),"
                f" (SELECT coalesce(max({column}), 1) FROM {table}))"
            )
        run("VACUUM ANALYZE")
        run("CHECKPOINT")


def _load(database: Any, file: Path, table: str, names: Sequence[str], *, once: bool) -> None:
    """The part's rows: straight into the table if they are there once, else into one beside it."""
    goal = table
    if once:
        database.execute(f"TRUNCATE {table}".encode())
    else:
        goal = f"part_{table}"
        database.execute(f"CREATE UNLOGGED TABLE {goal} AS SELECT * FROM {table} WHERE false".encode())
    with closing(sqlite3.connect(file)) as source:
        rows = source.execute(f"SELECT {', '.join(names)} FROM {table}")
        _copied(database, goal, names, rows)
    database.execute(f"ANALYZE {goal}".encode())


def _copied(database: Any, table: str, names: Sequence[str], rows: Any) -> None:
    statement = f"COPY {table} ({', '.join(names)}) FROM STDIN".encode()
    with database.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


def _replaced(database: Any, table: str, statement: str) -> None:
    """Empty a table, fill it without its keys, and make them again, all in one transaction: nothing goes to the log."""
    with database.transaction():
        database.execute(f"TRUNCATE {table}".encode())
        keys = database.execute(
            b"SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint"
            b" WHERE contype = 'p' AND conrelid = %s::regclass",
            (table,),
        ).fetchall()
        for name, _ in keys:
            database.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}".encode())
        others = database.execute(
            b"SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema() AND tablename = %s",
            (table,),
        ).fetchall()
        for name, _ in others:
            database.execute(f"DROP INDEX {name}".encode())
        database.execute(statement.encode())
        for name, definition in keys:
            database.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}".encode())
        for _, definition in others:
            database.execute(definition.encode())


def _snapshot(database: Any, part: Part, last: int) -> None:
    (file,) = (part.file.parent / "snapshots").glob("*.state")
    _, at_us, policy = file.name.removesuffix(".state").split("-")
    data = file.read_bytes()
    size = 8 * 2**20
    parts = max(-(-len(data) // size), 1)
    for number in range(parts):
        database.execute(
            b"INSERT INTO snapshots (seq, part, parts, policy, at_us, body) VALUES (%s, %s, %s, %s, %s, %s)",
            (last, number, parts, policy, int(at_us), data[number * size : (number + 1) * size]),
        )


def _event_ids(part: Part, copies: int, write: Callable[[Iterator[tuple[int, int]]], Any]) -> None:
    """Where each event's id is: all of them, in order."""
    ids: list[str] = []
    seqs: list[int] = []
    with closing(sqlite3.connect(part.file)) as database:
        for row in database.execute("SELECT first, count, kind, at_us, policy, body FROM segments ORDER BY first"):
            segment = Segment(**dict(zip(("first", "count", "kind", "at_us", "policy", "body"), row, strict=True)))
            mine = segment.ids()
            ids += mine
            seqs += range(segment.first, segment.first + len(mine))
    keys = np.empty(len(ids) * copies, np.int64)
    places = np.empty(len(ids) * copies, np.int64)
    base = np.array(seqs, np.int64)
    for copy in range(copies):
        at = slice(copy * len(ids), (copy + 1) * len(ids))
        mark = f"{copy:05x}"
        keys[at] = keys_of([name.replace(MARK, mark) for name in ids])
        places[at] = base + copy * (part.entries - 1)
    order = np.lexsort((places, keys))
    step = 1 << 16
    write(
        pair
        for start in range(0, len(order), step)
        for pair in zip(
            keys[order[start : start + step]].tolist(), places[order[start : start + step]].tolist(), strict=True
        )
    )
