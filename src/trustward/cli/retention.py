"""``trustward retention``: how long records are kept, what is over, and removing it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from trustward.cli import options

if TYPE_CHECKING:
    from trustward.operations.retaining import Removed
    from trustward.settings import Settings

app = typer.Typer(
    name="retention",
    help="How long records are kept, and removing those whose time is over.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command(name="show")
def show_(
    *,
    secret: options.Secret = False,
    data: options.Data = None,
    database: options.Database = None,
    json: options.Json = False,
) -> None:
    """Show for each class of records its terms, the service's choice, what comes next, and what is over and kept.

    Without a choice nothing of a class is removed.
    """
    from trustward.bootstrap import service_settings, show_retention
    from trustward.cli.account import show, table
    from trustward.cli.console import answers, emit_json, plain
    from trustward.exchange.retention_view import class_view

    found, serves, fields = show_retention(service_settings(data=data, database=database))
    views = [class_view(one, secret=secret) for one in found]
    if json:
        emit_json({"serves": list(serves), "classes": views, "fields": fields})
        return
    console = answers()
    console.print(f"markets served: {', '.join(serves) or 'none are named'}")
    bare = [market for market, known in serves.items() if not known]
    if bare:
        console.print(f"no terms are known for {', '.join(bare)}: see how it is written, or add them", style="yellow")
    rows = table("", "class", "least", "most", "kept for", ">removed", "next", "what holds")
    for view in views:
        after = "" if view.next is None else f"{view.next.day} on {view.next.at[:10]}"
        rows.add_row(
            plain(view.name, 30),
            view.least,
            view.most,
            plain(view.lasts, 20),
            f"{view.removed:,}" if view.removed else "",
            after,
            plain("removed when its term is over" if view.standing == "set" else f"{view.standing}: {view.why}", 200),
        )
    show(console, rows, whole=True)
    if fields:
        console.print(f"classes of single fields do not count, they go with their event: {', '.join(fields)}")
    for view in views:
        if view.pending is not None:
            said = "no snapshot is as late: a restart needs it" if view.needed else "the worker, or a run, will do it"
            console.print(f"{view.name}: over since {view.pending}: {said}", style="yellow", soft_wrap=True)
        for held in view.overdue:
            by = ", ".join(f"{count:,} by {why}" for why, count in held.by.items())
            console.print(f"{view.name}: {held.day}: over, and kept: {by}", style="yellow", soft_wrap=True)


@app.command()
def due(
    *,
    secret: options.Secret = False,
    data: options.Data = None,
    database: options.Database = None,
    json: options.Json = False,
) -> None:
    """List what would be removed now, day by day, and what is kept although its time is over; nothing is changed."""
    from trustward.bootstrap import service_settings

    _run(service_settings(data=data, database=database), dry=True, secret=secret, json=json)


@app.command()
def run(
    *,
    dry: Annotated[bool, typer.Option("--dry-run", help="Remove nothing; say what it would be.")] = False,
    secret: options.Secret = False,
    data: options.Data = None,
    database: options.Database = None,
    json: options.Json = False,
) -> None:
    """Remove what is kept long enough, from the database and from the archive; the service may run.

    A worker does the same once a day. Nothing is removed that a hold names, or a case, an order, a clue, a request or
    an appeal that is open. Ended at any instant, it is simply run again.
    """
    from trustward.bootstrap import service_settings

    _run(service_settings(data=data, database=database), dry=dry, secret=secret, json=json)


def _run(settings: Settings, *, dry: bool, secret: bool, json: bool) -> None:
    from trustward.bootstrap import run_retention
    from trustward.cli.console import answers, counted, emit_json, plain
    from trustward.model.retention import shown

    console = answers()

    def tell(one: Removed) -> None:
        by = shown(one.kept, secret=secret)
        if not one.removed and not by:
            return
        if json:
            emit_json({"day": one.day, "class": one.of, "removed": one.removed, "kept": by}, indent=-1)
            return
        kept = ", ".join(f"{count:,} by {why}" for why, count in by.items())
        console.print(
            f"{one.day}: {plain(one.of, 60)}: {counted(one.removed, 'record')} {'to remove' if dry else 'removed'}"
            + (f"; kept: {kept}" if kept else ""),
            soft_wrap=True,
        )

    ended, unsettled, any_set = run_retention(settings, tell, dry=dry)
    if json:
        for plan in unsettled:
            emit_json({"class": plan.of, "standing": plan.standing, "why": plan.why}, indent=-1)
        emit_json({"ended": ended}, indent=-1)
        return
    for plan in unsettled:
        said = f"{plain(plan.of, 60)}: nothing is removed: {plan.standing}: {plan.why}"
        console.print(said, style="yellow", soft_wrap=True)
    if not any_set:
        console.print(
            "nothing is removed: no choice is in force (docs/retention.md says how to choose)", style="yellow"
        )
    if ended.why == "needed":
        console.print(f"{ended.day} is newer than the newest snapshot: a restart needs it, so it and later days stay")
    else:
        console.print("everything whose time is over was looked at")
