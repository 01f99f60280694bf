"""Many rows into a table, on the short way of the driver at hand."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection

from trustward.adapters.store.queries import named, statements

_AT_ONCE = 1024
_VALUES = re.compile(r"VALUES \(([^)]*)\)", re.IGNORECASE)


def insert(connection: Connection, name: str, rows: Sequence[Sequence[Any]]) -> None:
    """Insert rows by a named statement whose VALUES are all named, or literals, in the order of the rows."""
    if connection.dialect.name != "sqlite":
        columns = _columns(name)
        connection.execute(named(name), [dict(zip(columns, row, strict=True)) for row in rows])
        return
    for statement, values in batches(name, rows):
        connection.exec_driver_sql(statement, values)


def batches(name: str, rows: Sequence[Sequence[Any]]) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """SQLite's statements that insert rows, with their values.

    One for many rows: each step of the driver gives way to other threads, and may have to wait for them.
    """
    at = 0
    for size in (_AT_ONCE, 64, 1):
        while len(rows) - at >= size:
            yield _statement(name, size), tuple([value for row in rows[at : at + size] for value in row])
            at += size


@cache
def _statement(name: str, count: int) -> str:
    text = statements()[name]
    found = _VALUES.search(text)
    assert found is not None  # such statements only
    row = "(" + ", ".join("?" if part.startswith(":") else part for part in found[1].split(", ")) + ")"
    return text[: found.start()] + "VALUES " + ", ".join([row] * count) + text[found.end() :]


@cache
def _columns(name: str) -> list[str]:
    found = _VALUES.search(statements()[name])
    assert found is not None  # the same
    return [part[1:] for part in found[1].split(", ") if part.startswith(":")]
