"""``trustward orders``: orders from authorities, and what was done about them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from trustward.cli import options

app = typer.Typer(
    name="orders", help="Take in and show orders from authorities.", no_args_is_help=True, rich_markup_mode=None
)
Id = Annotated[str, typer.Argument(metavar="ID", help="The order's id.")]


@app.command(name="list")
def list_(
    *,
    state: Annotated[str, typer.Option("--state", metavar="STATE", help="Only those in this state.")] = "",
    issuer: Annotated[str, typer.Option("--issuer", metavar="ID", help="Only those of this issuer.")] = "",
    secret: options.Secret = False,
    limit: Annotated[int, typer.Option("--limit", metavar="N", help="How many at most.", min=1)] = 100,
    data: options.Data = None,
    database: options.Database = None,
    json: options.Json = False,
) -> None:
    """List orders."""
    from trustward.bootstrap import list_orders, service_settings
    from trustward.cli.account import show, table
    from trustward.cli.console import answers, emit_json, plain
    from trustward.exchange.order_view import order_view

    found = list_orders(
        service_settings(data=data, database=database), state=state, issuer=issuer, secret=secret, limit=limit
    )
    views = [order_view(order) for order in found]
    if json:
        emit_json(views)
        return
    rows = table("", "id", "state", "issuer", "reference", "type", "targets", "received")
    for view in views:
        marks = ", ".join([view.state, *(["secret"] if view.secret else [])])
        rows.add_row(
            view.id,
            marks,
            plain(view.issuer, 30),
            plain(view.reference, 40),
            view.type,
            str(view.targets),
            view.received,
        )
    show(answers(), rows)


@app.command(name="show")
def show_(
    order: Id,
    *,
    secret: options.Secret = False,
    data: options.Data = None,
    database: options.Database = None,
    json: options.Json = False,
) -> None:
    """Show an order with its targets and the pages of its file."""
    from trustward.bootstrap import service_settings, show_order
    from trustward.cli.account import show, table
    from trustward.cli.console import answers, emit_json, plain
    from trustward.exchange.order_view import order_pages_view, order_view, target_view

    found, targets, pages = show_order(service_settings(data=data, database=database), order, secret=secret)
    view, file = order_view(found), order_pages_view(pages)
    if json:
        emit_json({"order": view, "targets": [target_view(target) for target in targets], "file": file})
        return
    facts = table("", "", "")
    for name in ("state", "issuer", "reference", "basis", "type", "market", "received", "until", "question"):
        if getattr(view, name):
            facts.add_row(name, plain(str(getattr(view, name)), 100))
    rows = table("its targets", "", "kind", "id", "state", "what was done")
    for target in map(target_view, targets):
        said = target.proof[-1].said if target.proof else ""
        rows.add_row(str(target.number), target.kind, plain(target.entity, 60), target.state, plain(said, 80))
    steps = table("its file", "", "at", "what", "who", "why")
    for page in file:
        steps.add_row(str(page.number), page.at, page.what, plain(page.actor, 40), plain(page.said, 80))
    for each in (facts, rows, steps):
        show(answers(), each)


@app.command(name="file")
def file_(
    order: Id,
    *,
    secret: options.Secret = False,
    data: options.Data = None,
    database: options.Database = None,
) -> None:
    """Print the effort file of an order, one JSON document: what was done, when, by whom, what was not possible."""
    from trustward.bootstrap import order_file, service_settings
    from trustward.cli.console import emit_json

    emit_json(order_file(service_settings(data=data, database=database), order, secret=secret))


@app.command(name="receive")
def receive_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The order as JSON, as POST /v1/orders takes it.")],
    *,
    actor: Annotated[str, typer.Option("--actor", metavar="NAME", help="Who takes it in.")] = "command line",
    data: options.Data = None,
    database: options.Database = None,
    json: options.Json = False,
) -> None:
    """Take in an order; its clocks run from now on. The same once more is the first one."""
    from trustward.bootstrap import receive_order, service_settings
    from trustward.cli.console import answers, emit_json
    from trustward.exchange.order_view import order_view

    view = order_view(receive_order(service_settings(data=data, database=database), file, actor))
    if json:
        emit_json(view)
        return
    answers().print(f"order {view.id}: {view.state}")
