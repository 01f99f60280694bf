"""Queries over archived and live entries, by DuckDB: read-only, over these files and no others."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trustward.adapters.archive.rows import SCHEMAS
from trustward.base.errors import InputError, UsageError

if TYPE_CHECKING:
    import duckdb

VIEWS = tuple(SCHEMAS)
"""What can be asked of: one view for each table."""
_ROWS = 1_000
_LIMITS = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "python_enable_replacements": "false",
    "enable_external_access": "false",
    "lock_configuration": "true",
}


class Answer:
    """The columns of an answer, and its rows as they come."""

    def __init__(self, columns: Sequence[str], rows: Iterator[Sequence[Any]]) -> None:
        self.columns = columns
        self.rows = rows


def wanted(text: str) -> list[str]:
    """The views that a query may ask of: those whose names stand in it.

    Raises UsageError if it is no single query, or DuckDB is not installed.
    """
    connection = _connected()
    try:
        _select(connection, text)
    except _errors() as fault:
        raise _told(fault) from fault
    finally:
        connection.close()
    return [name for name in VIEWS if re.search(rf"\b{name}\b", text, re.IGNORECASE)]


def ask(text: str, files: Mapping[str, Sequence[Path]], scratch: Path, memory: str) -> Answer:
    """Ask one query of the views over some files. ``scratch`` is where a large one may put what memory cannot hold.

    Raises UsageError for what is no query or cannot be answered.
    """
    connection = _connected()
    try:
        _select(connection, text)
        for name, paths in files.items():
            connection.execute(_view(name, paths))
        every = [str(path) for paths in files.values() for path in paths]
        connection.execute("SET allowed_paths = $1", [every])
        connection.execute("SET temp_directory = $1", [str(scratch)])
        connection.execute("SET memory_limit = $1", [memory])
        for name, value in _LIMITS.items():
            connection.execute(f"SET {name} = {value}")
        connection.execute(text)
    except _errors() as fault:
        connection.close()
        raise _told(fault) from fault
    columns = [column[0] for column in connection.description or ()]
    return Answer(columns, _rows(connection))


def _rows(connection: duckdb.DuckDBPyConnection) -> Iterator[Sequence[Any]]:
    try:
        while rows := connection.fetchmany(_ROWS):
            yield from rows
    except _errors() as fault:
        raise _told(fault) from fault
    finally:
        connection.close()


def _connected() -> duckdb.DuckDBPyConnection:
    try:
        import duckdb  # noqa: PLC0415 - an extra
    except ImportError as fault:
        raise UsageError("queries need the extra package duckdb", remedy="pip install 'trustward[archive]'") from fault
    return duckdb.connect(":memory:")


def _errors() -> tuple[type[Exception], ...]:
    import duckdb  # noqa: PLC0415 - the same

    return (duckdb.Error,)


def _select(connection: duckdb.DuckDBPyConnection, text: str) -> None:
    """See that a text is one query: whatever writes, attaches or sets is something else."""
    import duckdb  # noqa: PLC0415 - the same

    statements = connection.extract_statements(text)
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise UsageError(
            "this is not one query",
            remedy='write one SELECT: "select verdict, count(*) from decisions group by 1"',
        )


def _view(name: str, paths: Sequence[Path]) -> str:
    if not paths:
        columns = ", ".join(f"NULL::{_TYPES[str(field.type)]} AS {field.name}" for field in SCHEMAS[name])
        return f"CREATE VIEW {name} AS SELECT {columns} WHERE false"
    listed = ", ".join("'" + str(path).replace("'", "''") + "'" for path in paths)
    # A view takes no parameters: the paths are ours, and quoted.
    return f"CREATE VIEW {name} AS SELECT * FROM read_parquet([{listed}], hive_partitioning = false)"  # noqa: S608


_TYPES = {
    "int64": "BIGINT",
    "int32": "INTEGER",
    "string": "VARCHAR",
    "double": "DOUBLE",
    "bool": "BOOLEAN",
    "timestamp[us]": "TIMESTAMP",
    "list<item: string>": "VARCHAR[]",
    "list<element: string>": "VARCHAR[]",
}


def _told(fault: Exception) -> UsageError | InputError:
    import duckdb  # noqa: PLC0415 - the same

    cause = " ".join(str(fault).split())[:500]
    if isinstance(fault, duckdb.IOException):
        return InputError(
            f"the archive cannot be read: {cause}", remedy="trustward archive --check tells what is wrong"
        )
    return UsageError(cause, remedy=f"the views are {', '.join(VIEWS)}; docs/archive.md has their columns")
