"""``trustward users``: who may use the console."""

from __future__ import annotations

from typing import Annotated

import typer

from trustward.cli import options

app = typer.Typer(name="users", help="Let people in, and out.", no_args_is_help=True, rich_markup_mode=None)

Name = Annotated[str, typer.Argument(metavar="NAME", help="What the user signs in with.")]


@app.command(name="create-link")
def create_link(
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="A user who is there; without one, the link makes a new one."),
    ] = None,
    *,
    role: Annotated[
        list[str] | None,
        typer.Option(
            "--role",
            metavar="ROLE",
            help="What a new user may: analyst, reviewer, senior-reviewer, compliance, auditor, admin, engineer; "
            "repeatable. Without one: admin.",
            show_default=False,
        ),
    ] = None,
    data: options.Data = None,
    database: options.Database = None,
) -> None:
    """Print a one-time link, by which somebody sets a password. An earlier link is void."""
    from trustward.bootstrap import create_link, service_settings
    from trustward.cli.console import answers

    settings = service_settings(data=data, database=database)
    answers().print(create_link(settings, name, role or []), soft_wrap=True)


@app.command(name="list")
def list_(*, data: options.Data = None, database: options.Database = None, json: options.Json = False) -> None:
    """List every user, disabled ones included."""
    from trustward.base.units import format_time
    from trustward.bootstrap import list_users, service_settings
    from trustward.cli.account import show, table
    from trustward.cli.console import answers, emit_json, plain

    users = list_users(service_settings(data=data, database=database))
    if json:
        emit_json(
            [
                {
                    "id": user.id,
                    "name": user.name,
                    "full": user.full,
                    "roles": user.roles,
                    "created_us": user.created_us,
                    "disabled_us": user.disabled_us,
                    "single_sign_on": bool(user.issuer),
                }
                for user in users
            ]
        )
        return
    rows = table("", "id", "name", "full name", "roles", "made", "disabled")
    for user in users:
        rows.add_row(
            user.id,
            plain(user.name, 60),
            plain(user.full, 60),
            ", ".join(user.roles),
            format_time(user.created_us),
            "" if user.disabled_us is None else format_time(user.disabled_us),
        )
    show(answers(), rows)


@app.command()
def disable(name: Name, *, data: options.Data = None, database: options.Database = None) -> None:
    """Let a user in no more; sessions and links end at once."""
    from trustward.bootstrap import disable_user, service_settings
    from trustward.cli.console import answers, plain

    disable_user(service_settings(data=data, database=database), name)
    answers().print(f"{plain(name, 80)} is disabled")


@app.command()
def enable(name: Name, *, data: options.Data = None, database: options.Database = None) -> None:
    """Let a user in again who was disabled, with the password and second factors of before."""
    from trustward.bootstrap import enable_user, service_settings
    from trustward.cli.console import answers, plain

    enable_user(service_settings(data=data, database=database), name)
    answers().print(f"{plain(name, 80)} is enabled")


@app.command()
def reset(name: Name, *, data: options.Data = None, database: options.Database = None) -> None:
    """Forget password and second factors of a user, end every session, and print a link to begin anew."""
    from trustward.bootstrap import reset_user, service_settings
    from trustward.cli.console import answers

    answers().print(reset_user(service_settings(data=data, database=database), name), soft_wrap=True)
