"""``trustward serve``: the whole service, in this process and those beside it."""

from __future__ import annotations

from typing import Annotated

import typer

from trustward.cli import options


def serve(
    *,
    data: options.Data = None,
    database: options.Database = None,
    host: Annotated[
        str | None, typer.Option("--host", metavar="H", help="The address to listen on.", show_default=False)
    ] = None,
    port: Annotated[
        int | None,
        typer.Option("--port", metavar="P", help="The port to listen on; 0: any free one.", show_default=False),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers",
            metavar="N",
            help="How many processes speak HTTP in front of the engine's; 0: that one does it itself.",
            show_default=False,
        ),
    ] = None,
    deliver: Annotated[
        bool | None,
        typer.Option(
            "--deliver/--no-deliver",
            help="Whether to deliver actions too; if not, trustward worker does.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Serve decisions over HTTP, and deliver actions. What is not said here comes from the settings (docs/settings.md).

    SIGTERM and Ctrl-C end it in good order: requests under way are answered, the engine's state is kept.
    """
    import os
    import sys

    from trustward.bootstrap import service_settings
    from trustward.settings import PREFIX

    told = {"data": data, "database": database, "host": host, "port": port, "workers": workers, "deliver": deliver}
    service_settings(**told)
    said = {f"{PREFIX}{name.upper()}": str(value) for name, value in told.items() if value is not None}
    # A process of its own, under this one's number: the command line and the service are strangers.
    words = [sys.executable, "-m", "trustward.api"]
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(sys.executable, words, {**os.environ, **said})  # noqa: S606 - our own interpreter and module
