"""``trustward source``: where events come from besides HTTP."""

from __future__ import annotations

from typing import Annotated

import typer

from trustward.cli import options
from trustward.cli.exits import Exit

app = typer.Typer(
    name="source",
    help="Look at the sources of events that the settings name. `trustward serve` reads them.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command(name="list")
def list_(*, data: options.Data = None, json: options.Json = False) -> None:
    """List the sources of the settings, and the kinds that there are."""
    from pathlib import Path

    from trustward.bootstrap import catalogue, make_sources, service_settings, source_kinds
    from trustward.cli.account import show, table
    from trustward.cli.console import answers, emit_json

    settings = service_settings(data=data)
    made = make_sources(settings, catalogue([Path(file) for file in settings.catalogue]))
    found = [{"name": name, "kind": kind} for name, (kind, _) in made.items()]
    kinds = sorted(source_kinds())
    if json:
        emit_json({"sources": found, "kinds": kinds})
        return
    if found:
        rows = table("", "source", "kind")
        for one in found:
            rows.add_row(one["name"], one["kind"])
        show(answers(), rows)
    else:
        answers().print("no sources; name them in tables [[sources]] of the settings")
    answers().print(f"kinds: {', '.join(kinds)}")


@app.command()
def check(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A source of the settings.", show_default=False)],
    *,
    data: options.Data = None,
    json: options.Json = False,
) -> None:
    """Connect to a source and look at what comes next, without confirming anything.

    What was looked at comes again, to the service. Run it while the service does not read from the source.
    """
    from pathlib import Path

    from trustward.base.errors import UsageError
    from trustward.bootstrap import catalogue, make_sources, service_settings
    from trustward.cli.console import answers, counted, emit_json, plain

    settings = service_settings(data=data)
    made = make_sources(settings, catalogue([Path(file) for file in settings.catalogue]))
    if name not in made:
        raise UsageError(f"no such source: {name}", remedy="trustward source list shows all")
    _, source = made[name]
    try:
        source.open()
        batch = source.read(5.0)
    finally:
        source.close()
    events = len(batch.decoded.events) if batch is not None else 0
    faults = list(batch.decoded.rejects) if batch is not None else []
    if json:
        emit_json({"source": name, "events": events, "faults": [[fault.path, fault.cause] for fault in faults]})
    else:
        answers().print(f"{name}: {counted(events, 'event')} next, {counted(len(faults), 'fault')}")
        for fault in faults[:10]:
            answers().print(f"  {fault.line}: {plain(fault.path)}: {plain(fault.cause)}", soft_wrap=True)
    if faults:
        raise typer.Exit(Exit.FOUND)
