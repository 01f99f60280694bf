"""``trustward worker``: deliver actions."""

from __future__ import annotations

from typing import Annotated

import typer

from trustward.cli import options


def worker(
    *,
    threads: Annotated[
        int | None,
        typer.Option(
            "--threads",
            metavar="N",
            help="How many lanes it delivers at a time (TRUSTWARD_WORKER_THREADS).",
            show_default=False,
        ),
    ] = None,
    data: options.Data = None,
    database: options.Database = None,
) -> None:
    """Deliver actions to their targets, and undo what has had its time, until it is stopped.

    Several workers may run over one database, on SQLite as on PostgreSQL; none is needed for targets that poll. SIGTERM
    or Ctrl-C lets it end what is under way. docs/actions.md says what receivers see.
    """
    import os
    import sys

    from trustward.bootstrap import service_settings, store
    from trustward.exchange.targets import targets

    settings = service_settings(data=data, database=database, worker_threads=threads)
    targets(settings)
    store(settings, there=True).close()
    told = {"DATA": data, "DATABASE": database, "WORKER_THREADS": threads}
    given = {f"TRUSTWARD_{name}": str(value) for name, value in told.items() if value is not None}
    sys.stdout.flush()
    # A program of its own in this one's place: it has the process's number, and its signals.
    os.execve(sys.executable, [sys.executable, "-m", "trustward.worker"], {**os.environ, **given})  # noqa: S606
