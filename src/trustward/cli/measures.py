"""``trustward measures`` and ``trustward appeals``: what was done, and who asked to look again."""

from __future__ import annotations

from typing import Annotated

import typer

from trustward.cli import options

app = typer.Typer(name="measures", help="Show what was done to an entity.", no_args_is_help=True, rich_markup_mode=None)
appeals = typer.Typer(name="appeals", help="Show appeals.", no_args_is_help=True, rich_markup_mode=None)


@app.command(name="list")
def measures(
    *,
    cause: Annotated[str, typer.Option("--cause", metavar="NAME", help="What for, such as case:7.")] = "",
    entity: Annotated[str, typer.Option("--entity", metavar="KIND:ID", help="On whom, such as account:a17.")] = "",
    secret: options.Secret = False,
    data: options.Data = None,
    database: options.Database = None,
    json: options.Json = False,
) -> None:
    """List measures by what for, or on whom, with their state."""
    from trustward.base.errors import UsageError
    from trustward.bootstrap import list_measures, service_settings
    from trustward.cli.account import show, table
    from trustward.cli.console import answers, emit_json, plain
    from trustward.exchange.enforcement_view import measure_view

    if bool(cause) == bool(entity) or (entity and ":" not in entity):
        raise UsageError("which measures?", remedy="say --cause case:7, or --entity account:a17")
    found = list_measures(service_settings(data=data, database=database), cause=cause, entity=entity, secret=secret)
    views = [measure_view(one) for one in found]
    if json:
        emit_json(views)
        return
    rows = table("", "id", "at", "state", "what", "whom", "policy", "strikes", "until")
    for view in views:
        whom = plain(f"{view.kind}:{view.entity}", 50)
        rows.add_row(
            view.id, view.at, view.state, view.do, whom, plain(view.policy, 30), str(view.strikes), view.ends or ""
        )
    show(answers(), rows)


@appeals.command(name="list")
def list_(
    *,
    every: Annotated[bool, typer.Option("--all", help="Also those that have been decided.")] = False,
    account: Annotated[str, typer.Option("--account", metavar="ID", help="Only those of this account.")] = "",
    limit: Annotated[int, typer.Option("--limit", metavar="N", help="How many at most.", min=1)] = 100,
    data: options.Data = None,
    database: options.Database = None,
    json: options.Json = False,
) -> None:
    """List appeals that wait, what is due first."""
    from trustward.bootstrap import list_appeals, service_settings
    from trustward.cli.account import show, table
    from trustward.cli.console import answers, emit_json, plain
    from trustward.exchange.enforcement_view import appeal_view

    settings = service_settings(data=data, database=database)
    found, now_us = list_appeals(settings, every=every, account=account, limit=limit)
    views = [appeal_view(one, now_us) for one in found]
    if json:
        emit_json(views)
        return
    rows = table("", "id", "due", "state", "account", "against", "hearer")
    for view in views:
        state = f"{view.state}, overdue" if view.overdue else view.state
        rows.add_row(
            view.id, view.due or "", state, plain(view.account, 40), plain(view.decision, 40), plain(view.hearer, 40)
        )
    show(answers(), rows)


@app.command(name="show")
def show_measure_(
    measure: Annotated[str, typer.Argument(metavar="ID", help="The measure's id.")],
    *,
    secret: options.Secret = False,
    data: options.Data = None,
    database: options.Database = None,
    json: options.Json = False,
) -> None:
    """Show a measure: what was done, why, how it stands."""
    import msgspec

    from trustward.bootstrap import service_settings, show_measure
    from trustward.cli.account import show, table
    from trustward.cli.console import answers, emit_json, plain
    from trustward.exchange.enforcement_view import measure_view

    view = measure_view(show_measure(service_settings(data=data, database=database), measure, secret=secret))
    if json:
        emit_json(view)
        return
    facts = table("", "", "")
    for name, value in msgspec.structs.asdict(view).items():
        if value:
            facts.add_row(name, plain(str(value), 100))
    show(answers(), facts)


@appeals.command(name="show")
def show_(
    appeal: Annotated[str, typer.Argument(metavar="ID", help="The appeal's id.")],
    *,
    data: options.Data = None,
    database: options.Database = None,
    json: options.Json = False,
) -> None:
    """Show an appeal with its file."""
    from trustward.bootstrap import service_settings, show_appeal
    from trustward.cli.account import show, table
    from trustward.cli.console import answers, emit_json, plain
    from trustward.exchange.enforcement_view import appeal_pages, appeal_view

    found, pages, now_us = show_appeal(service_settings(data=data, database=database), appeal)
    view, file = appeal_view(found, now_us), appeal_pages(pages)
    if json:
        emit_json({"appeal": view, "file": file})
        return
    facts = table("", "", "")
    for name in ("decision", "account", "state", "due", "text", "rules", "measures", "late", "reasons", "undone"):
        if getattr(view, name):
            facts.add_row(name, plain(str(getattr(view, name)), 100))
    rows = table("its file", "", "at", "what", "who", "why")
    for page in file:
        rows.add_row(str(page.number), page.at, page.what, plain(page.actor, 40), plain(page.said, 80))
    show(answers(), facts)
    show(answers(), rows)
