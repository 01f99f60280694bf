"""``trustward cases``: work for people, without the names of those whom it is about."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from trustward.cli import options

app = typer.Typer(name="cases", help="Show cases, with names masked.", no_args_is_help=True, rich_markup_mode=None)


class Standing(StrEnum):
    """How a case stands."""

    OPEN = "open"
    PARKED = "parked"
    CLOSED = "closed"
    MERGED = "merged"


@app.command(name="list")
def list_(
    *,
    queue: Annotated[str, typer.Option("--queue", metavar="NAME", help="Only those in this queue.")] = "",
    state: Annotated[Standing | None, typer.Option("--state", help="Only those that stand so.")] = None,
    assigned: Annotated[str, typer.Option("--assigned", metavar="NAME", help="Only this reviewer's.")] = "",
    after: Annotated[str, typer.Option("--after", metavar="ID", help="Go on after this case.")] = "",
    limit: Annotated[int, typer.Option("--limit", metavar="N", help="How many at most.", min=1)] = 100,
    data: options.Data = None,
    database: options.Database = None,
    json: options.Json = False,
) -> None:
    """List cases by their ids. Whom they are about is masked."""
    from trustward.bootstrap import list_cases, service_settings
    from trustward.cli.account import show, table
    from trustward.cli.console import answers, emit_json, plain
    from trustward.exchange.masked import masked_case

    found = list_cases(
        service_settings(data=data, database=database),
        queue=queue,
        state=None if state is None else state.value,
        assigned=assigned,
        after=after,
        limit=limit,
    )
    views = [masked_case(view) for view in found]
    if json:
        emit_json(views)
        return
    rows = table("", "id", "state", "queue", "about", "due")
    for view in views:
        standing = f"{view.state}, overdue" if view.overdue else view.state
        about = plain(f"{view.kind} {view.entity}", 40)
        rows.add_row(plain(view.id, 40), standing, view.queue, about, view.due or "")
    show(answers(), rows)


@app.command(name="show")
def show_(
    case: Annotated[str, typer.Argument(metavar="ID", help="The case's id.")],
    *,
    data: options.Data = None,
    database: options.Database = None,
    json: options.Json = False,
) -> None:
    """Show a case with its file. Names are masked; of what people wrote only the length is told."""
    from trustward.bootstrap import service_settings, show_case
    from trustward.cli.account import show, table
    from trustward.cli.console import answers, emit_json, plain
    from trustward.exchange.masked import masked_case, masked_page

    found, pages = show_case(service_settings(data=data, database=database), case)
    view, file = masked_case(found), [masked_page(page) for page in pages]
    if json:
        emit_json({"case": view, "file": file})
        return
    facts = table("", "", "")
    for name in ("state", "queue", "kind", "entity", "category", "market", "opened", "due", "harm", "reach", "reports"):
        if getattr(view, name):
            facts.add_row(name, plain(str(getattr(view, name)), 100))
    facts.add_row("entities", plain(", ".join(" ".join(pair) for pair in view.entities), 200))
    if view.decided is not None:
        facts.add_row("outcome", plain(f"{view.decided.outcome.verdict}, {view.decided.outcome.policy}", 100))
    rows = table("its file", "", "at", "what", "who", "said")
    for page in file:
        rows.add_row(str(page.number), page.at, page.what, plain(page.actor, 40), page.said)
    show(answers(), facts)
    show(answers(), rows)


@app.command(name="batches")
def batches_(
    *,
    after: Annotated[str, typer.Option("--after", metavar="ID", help="Go on after this batch.")] = "",
    limit: Annotated[int, typer.Option("--limit", metavar="N", help="How many at most.", min=1)] = 100,
    data: options.Data = None,
    database: options.Database = None,
    json: options.Json = False,
) -> None:
    """List the batches that close many cases at once, the latest first: by whom, when, how many, taken back or not."""
    from trustward.bootstrap import list_batches, service_settings
    from trustward.cli.account import show, table
    from trustward.cli.console import answers, emit_json, plain

    views = list_batches(service_settings(data=data, database=database), after=after, limit=limit)
    if json:
        emit_json(views)
        return
    rows = table("", "id", "at", "state", ">cases", ">closed", "planned by", "run by", "taken back by")
    for view in views:
        counts = (f"{view.cases:,}", f"{view.closed:,}")
        whom = (plain(one, 40) for one in (view.actor, view.run_by, view.reversed_by))
        rows.add_row(view.id, view.at, view.state, *counts, *whom)
    show(answers(), rows)
