"""``trustward reports``: what was reported, without the names of senders and of those reported."""

from __future__ import annotations

from typing import Annotated

import typer

from trustward.cli import options

app = typer.Typer(name="reports", help="Show reports, with names masked.", no_args_is_help=True, rich_markup_mode=None)


@app.command(name="list")
def list_(
    *,
    case: Annotated[str, typer.Option("--case", metavar="ID", help="Those of this case.")] = "",
    reporter: Annotated[
        str, typer.Option("--reporter", metavar="CHANNEL:NAME", help="Those of this sender, the latest first.")
    ] = "",
    after: Annotated[str, typer.Option("--after", metavar="ID", help="With --case: go on after this report.")] = "",
    limit: Annotated[int, typer.Option("--limit", metavar="N", help="How many at most.", min=1)] = 100,
    data: options.Data = None,
    database: options.Database = None,
    json: options.Json = False,
) -> None:
    """List the reports of a case, or of a sender. Senders and whom they reported are masked."""
    from trustward.bootstrap import list_reports, service_settings
    from trustward.cli.account import show, table
    from trustward.cli.console import answers, emit_json, plain
    from trustward.exchange.masked import masked_report

    found = list_reports(
        service_settings(data=data, database=database), case=case, reporter=reporter, after=after, limit=limit
    )
    views = [masked_report(view) for view in found]
    if json:
        emit_json(views)
        return
    rows = table("", "receipt", "state", "from", "what", "about")
    for view in views:
        state = f"{view.state}: {view.result}" if view.result else view.state
        about = plain(f"{view.kind} {view.entity}", 40)
        rows.add_row(plain(view.id, 64), state, plain(view.reporter or view.channel, 40), view.category, about)
    show(answers(), rows)


@app.command(name="show")
def show_(
    report: Annotated[str, typer.Argument(metavar="RECEIPT", help="The receipt number.")],
    *,
    data: options.Data = None,
    database: options.Database = None,
    json: options.Json = False,
) -> None:
    """Show a report. Names are masked; of what was written only the length is told."""
    from trustward.bootstrap import service_settings, show_report
    from trustward.cli.account import show, table
    from trustward.cli.console import answers, emit_json, plain
    from trustward.exchange.masked import masked_report

    view = masked_report(show_report(service_settings(data=data, database=database), report))
    if json:
        emit_json(view)
        return
    facts = table("", "", "")
    names = (
        "id",
        "at",
        "state",
        "channel",
        "reporter",
        "category",
        "kind",
        "entity",
        "text",
        "market",
        "case",
        "weight",
    )
    for name in (*names, "why", "result", "told", "duty"):
        if getattr(view, name):
            facts.add_row(name, plain(str(getattr(view, name)), 100))
    show(answers(), facts)
