"""``trustward archive`` and ``trustward query``: days of the journal in files, and questions to all of it."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trustward.cli import options

if TYPE_CHECKING:
    from trustward.model.archived import ArchivedDay
    from trustward.settings import Settings

_SHOWN = 200
_WHY = {
    "not over": "{day} has the journal's last entries: it stays",
    "needed": "{day} is newer than the newest snapshot: a restart needs it, so it stays",
    "not asked for": "{day} and later days stay, as asked",
    "none": "the journal is empty",
}


def archive(
    *,
    before: Annotated[
        str | None,
        typer.Option("--before", metavar="DAY", help="Only days before this one (UTC).", show_default=False),
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Move nothing; check the archived days' files.")] = False,
    data: options.Data = None,
    database: options.Database = None,
    json: options.Json = False,
) -> None:
    """Move whole days of the journal into Parquet files; the service may run.

    A day is written, read back and compared with the journal before anything of it is removed. Ended at any instant,
    nothing is lost or there twice: run it again. A day that a restart needs stays, and so does the last one.
    """
    from trustward.bootstrap import archive as run
    from trustward.bootstrap import service_settings
    from trustward.cli.console import answers, emit_json

    settings = service_settings(data=data, database=database)
    if check:
        _check(settings, json=json)
        return

    def tell(day: ArchivedDay) -> None:
        if json:
            emit_json(day, indent=-1)
        else:
            answers().print(
                f"{day.day}: entries {day.first:,} to {day.last:,}; {day.events:,} events, {day.actions:,} actions, "
                f"{day.changes:,} changes"
            )

    stopped = run(settings, before, tell)
    if json:
        emit_json({"stopped": stopped}, indent=-1)
    else:
        answers().print(_WHY[stopped.why].format(day=stopped.day))


def _check(settings: Settings, *, json: bool) -> None:
    from trustward.bootstrap import check_archive
    from trustward.cli.console import answers, counted, emit_json, plain
    from trustward.cli.exits import Exit

    found = check_archive(settings)
    faults = [f"{day.day}: {fault}" for day, some in found for fault in some]
    if json:
        emit_json({"days": len(found), "faults": faults})
    else:
        for fault in faults:
            answers().print(plain(fault), soft_wrap=True)
        answers().print(
            f"{counted(len(found), 'archived day')}, {counted(len(faults), 'fault')}",
            style="bold red" if faults else "green",
        )
    if faults:
        raise typer.Exit(Exit.FOUND)


def query(
    text: Annotated[str, typer.Argument(metavar="SQL", help="One SELECT.")],
    *,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print the rows as CSV, with a head line.")] = False,
    data: options.Data = None,
    database: options.Database = None,
    json: Annotated[bool, typer.Option("--json", help="Print the rows as JSON, one a line.")] = False,
) -> None:
    """Ask one SQL query of all entries, archived and live: the views events, decisions, actions and changes.

    It is answered by DuckDB, and can read nothing else and write nothing. docs/archive.md has the columns.
    """
    from trustward.base.errors import UsageError
    from trustward.bootstrap import query as run
    from trustward.bootstrap import service_settings

    if as_csv and json:
        raise UsageError("--csv and --json are two forms of one answer", remedy="leave one of them out")
    with run(service_settings(data=data, database=database), text) as answer:
        if json:
            _lines(answer.columns, answer.rows)
        elif as_csv:
            writer = csv.writer(sys.stdout, lineterminator="\n")
            writer.writerow(answer.columns)
            writer.writerows([_cell(value) for value in row] for row in answer.rows)
        else:
            _table(answer.columns, answer.rows)


def _lines(columns: Sequence[str], rows: Iterator[Sequence[Any]]) -> None:
    import msgspec

    from trustward.cli.console import emit_json

    for row in rows:
        emit_json(msgspec.to_builtins(dict(zip(columns, row, strict=True)), enc_hook=str), indent=-1)


def _cell(value: object) -> object:
    if isinstance(value, (list, dict)):
        import msgspec

        return msgspec.json.encode(value, enc_hook=str).decode()
    return "" if value is None else value


def _table(columns: Sequence[str], rows: Iterator[Sequence[Any]]) -> None:
    from rich.table import Table

    from trustward.cli.console import answers, plain

    console = answers()
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(plain(column, 60), overflow="fold")
    for row in islice(rows, _SHOWN):
        table.add_row(*[plain(_cell(value), 400) for value in row])
    console.print(table)
    if next(rows, None) is not None:
        console.print(f"and more than these {_SHOWN} rows: --csv and --json print all", style="dim")
