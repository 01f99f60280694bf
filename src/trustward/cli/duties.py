"""``trustward duties``: what is owed, and by when."""

from __future__ import annotations

from typing import Annotated

import typer

from trustward.cli import options

app = typer.Typer(name="duties", help="Show what is owed by a time.", no_args_is_help=True, rich_markup_mode=None)


@app.command(name="list")
def list_(
    *,
    subject: Annotated[
        str, typer.Option("--subject", metavar="NAME", help="Only what is about this, such as order:17.")
    ] = "",
    owner: Annotated[str, typer.Option("--owner", metavar="NAME", help="Only what falls to this one.")] = "",
    breached: Annotated[
        bool, typer.Option("--breached", help="Only what was missed, done or not, instead of what is still owed.")
    ] = False,
    every: Annotated[bool, typer.Option("--all", help="Also what is done or cancelled.")] = False,
    secret: options.Secret = False,
    limit: Annotated[int, typer.Option("--limit", metavar="N", help="How many at most.", min=1)] = 100,
    data: options.Data = None,
    database: options.Database = None,
    json: options.Json = False,
) -> None:
    """List what is owed, what is due first.

    Reminders, escalations and breaches are written by the worker, and shown here as they are.
    """
    from trustward.base.units import format_time
    from trustward.bootstrap import list_duties, service_settings
    from trustward.cli.account import show, table
    from trustward.cli.console import answers, emit_json, plain
    from trustward.exchange.duty_view import duty_view

    found, now_us = list_duties(
        service_settings(data=data, database=database),
        subject=subject,
        owner=owner,
        breached=breached,
        every=every,
        secret=secret,
        limit=limit,
    )
    views = [duty_view(duty, now_us) for duty in found]
    if json:
        emit_json(views)
        return
    rows = table("", "id", "due", "state", "owner", "what", "about")
    for duty, view in zip(found, views, strict=True):
        signs = (("overdue", view.overdue), ("breached", bool(view.breaches)), ("secret", view.secret))
        marks = [mark for mark, holds in signs if holds]
        due = "" if duty.due_us is None else format_time(duty.due_us)
        state = ", ".join([view.state, *marks])
        rows.add_row(
            plain(duty.id, 40), due, state, plain(duty.owner, 30), plain(duty.title, 60), plain(duty.subject, 40)
        )
    show(answers(), rows)


@app.command(name="show")
def show_(
    duty: Annotated[str, typer.Argument(metavar="ID", help="The duty's id.")],
    *,
    secret: options.Secret = False,
    data: options.Data = None,
    database: options.Database = None,
    json: options.Json = False,
) -> None:
    """Show a duty with its file: all that was done about it, and what happened by itself."""
    from trustward.bootstrap import service_settings, show_duty
    from trustward.cli.account import show, table
    from trustward.cli.console import answers, emit_json, plain
    from trustward.exchange.duty_view import duty_view, file_view

    found, steps, now_us = show_duty(service_settings(data=data, database=database), duty, secret=secret)
    view, file = duty_view(found, now_us), file_view(steps)
    if json:
        emit_json({"duty": view, "file": file})
        return
    facts = table("", "", "")
    for name in ("title", "subject", "state", "owner", "clock", "kind", "starts", "due", "earliest", "done"):
        if getattr(view, name):
            facts.add_row(name, plain(str(getattr(view, name)), 100))
    for breach in view.breaches:
        facts.add_row("breached", f"due {breach.due}, found {breach.found}")
    rows = table("its file", "", "at", "what", "who", "why")
    for step in file:
        why = step.reason or (step.evidence.said if step.evidence else "")
        rows.add_row(str(step.number), step.at, step.what, plain(step.actor or step.to, 40), plain(why, 80))
    show(answers(), facts)
    show(answers(), rows)
