"""``trustward db``: the schema, backups, and whether everything is in order."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from trustward.cli import options

app = typer.Typer(
    name="db", help="Migrate, check, back up and restore the database.", no_args_is_help=True, rich_markup_mode=None
)

File = Annotated[Path, typer.Argument(metavar="FILE", help="The backup: one file with everything in it.")]


@app.command()
def upgrade(*, data: options.Data = None, database: options.Database = None, json: options.Json = False) -> None:
    """Bring the database's schema up to what this version needs. An empty database gets its tables.

    Stop the service first. A step is done whole or not at all; the way back is a backup.
    """
    from trustward.bootstrap import service_settings
    from trustward.bootstrap import upgrade as run
    from trustward.cli.console import answers, emit_json

    before, after = run(service_settings(data=data, database=database))
    if json:
        emit_json({"before": before, "after": after})
        return
    said = f"the schema is {after}" if before == after else f"the schema was {before or 'empty'} and is now {after}"
    answers().print(said)


@app.command()
def check(*, data: options.Data = None, database: options.Database = None, json: options.Json = False) -> None:
    """Check the database: its schema, its pages, every entry of the journal, and the files of archived days.

    Reads all of it; the service may run. Ends in exit code 1 if something is wrong.
    """
    from trustward.bootstrap import check_store, service_settings
    from trustward.cli.console import answers, counted, emit_json, plain
    from trustward.cli.exits import Exit

    head, faults = check_store(service_settings(data=data, database=database))
    if json:
        emit_json({"seq": head, "faults": faults})
    else:
        console = answers()
        for fault in faults:
            console.print(plain(fault), soft_wrap=True)
        console.print(
            f"{counted(len(faults), 'fault')}" if faults else f"nothing to complain about; the last entry is {head:,}",
            style="bold red" if faults else "green",
        )
    if faults:
        raise typer.Exit(Exit.FOUND)


@app.command()
def backup(
    file: File, *, data: options.Data = None, database: options.Database = None, json: options.Json = False
) -> None:
    """Write everything into one new file, as it is at this moment. The service may run.

    The file holds events, labels and the engine's state in the clear: keep it as you keep those.
    """
    from trustward.bootstrap import backup_store, service_settings
    from trustward.cli.console import answers, emit_json, plain

    copied = backup_store(service_settings(data=data, database=database), file)
    if json:
        emit_json(copied)
        return
    answers().print(f"{plain(file)}: everything up to entry {copied.seq:,}", soft_wrap=True)


@app.command()
def restore(
    file: File, *, data: options.Data = None, database: options.Database = None, json: options.Json = False
) -> None:
    """Fill an empty database from a backup, whole or not at all.

    The backup may come from SQLite and go to PostgreSQL, and the other way round. The service must not run.
    """
    from trustward.bootstrap import restore_store, service_settings
    from trustward.cli.console import answers, emit_json, plain

    copied = restore_store(service_settings(data=data, database=database), file)
    if json:
        emit_json(copied)
        return
    answers().print(f"restored up to entry {copied.seq:,} from {plain(file)}", soft_wrap=True)
