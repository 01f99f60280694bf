"""The commands, joined. Their modules import nothing heavy: each command loads what it needs when it runs."""

from __future__ import annotations

from typing import Annotated

import typer

from trustward.cli import (
    archive,
    audit,
    backtest,
    cases,
    clues,
    db,
    demo,
    duties,
    events,
    keys,
    measures,
    orders,
    policy,
    queues,
    replay,
    reports,
    retention,
    screen,
    serve,
    simulate,
    source,
    users,
    worker,
)
from trustward.cli.bench.app import app as bench

app = typer.Typer(
    name="trustward",
    help="Finds fraud on online services, stops it, and shows that it did.",
    epilog="Exit codes and every option: docs/cli.md. TRUSTWARD_DEBUG=1 shows where an unexpected error came from.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _version(asked: bool) -> None:  # noqa: FBT001 - Typer calls it with the option's value
    if asked:
        from importlib.metadata import version

        typer.echo(f"trustward {version('trustward')}")
        raise typer.Exit


@app.callback()
def main(
    *,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and end.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Finds fraud on online services, stops it, and shows that it did."""


app.command(name="replay")(replay.replay)
app.command(name="backtest")(backtest.backtest)
app.add_typer(policy.app, name="policy")
app.add_typer(events.app, name="events")
app.command(name="screen")(screen.screen)
app.command(name="serve")(serve.serve)
app.command(name="simulate")(simulate.simulate)
app.command(name="demo")(demo.demo)
app.add_typer(source.app, name="source")
app.add_typer(bench, name="bench")
app.add_typer(db.app, name="db")
app.command(name="archive")(archive.archive)
app.command(name="query")(archive.query)
app.add_typer(retention.app, name="retention")
app.add_typer(audit.app, name="audit")
app.add_typer(keys.app, name="keys")
app.add_typer(users.app, name="users")
app.add_typer(duties.app, name="duties")
app.add_typer(clues.app, name="clues")
app.add_typer(measures.app, name="measures")
app.add_typer(measures.appeals, name="appeals")
app.add_typer(orders.app, name="orders")
app.add_typer(reports.app, name="reports")
app.add_typer(cases.app, name="cases")
app.command(name="queues")(queues.queues)
app.command(name="worker")(worker.worker)
