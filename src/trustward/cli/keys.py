"""``trustward keys``: who may call the service."""

from __future__ import annotations

from typing import Annotated

import typer

from trustward.cli import options

app = typer.Typer(
    name="keys", help="Make, list, rotate and revoke API keys.", no_args_is_help=True, rich_markup_mode=None
)


@app.command()
def create(
    *,
    scope: Annotated[
        list[str],
        typer.Option(
            "--scope",
            metavar="SCOPE",
            help="What it may: decide, read, actions, act, change, policies, report, operate, secret, metrics, "
            "audit, admin; repeatable.",
            show_default=False,
        ),
    ],
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="Whose it is.", show_default=False)] = "",
    lasts: Annotated[
        str | None,
        typer.Option("--lasts", metavar="TIME", help="How long it is valid, such as 90d.", show_default=False),
    ] = None,
    data: options.Data = None,
    database: options.Database = None,
    json: options.Json = False,
) -> None:
    """Make a key and print it, once. Send it as `Authorization: Bearer KEY`.

    Of its secret only a hash is kept: a lost key is replaced, not found again.
    """
    from trustward.bootstrap import create_key, service_settings
    from trustward.cli.console import answers, emit_json

    key, text = create_key(service_settings(data=data, database=database), name, scope, lasts)
    if json:
        emit_json({"id": key.id, "name": key.name, "scopes": key.scopes, "expires_us": key.expires_us, "key": text})
        return
    answers().print(text, soft_wrap=True)


@app.command(name="list")
def list_(*, data: options.Data = None, database: options.Database = None, json: options.Json = False) -> None:
    """List every key, revoked ones included, without its secret."""
    from trustward.base.units import format_time
    from trustward.bootstrap import list_keys, service_settings
    from trustward.cli.account import show, table
    from trustward.cli.console import answers, emit_json, plain

    keys = list_keys(service_settings(data=data, database=database))
    if json:
        emit_json(
            [
                {
                    "id": key.id,
                    "name": key.name,
                    "scopes": key.scopes,
                    "created_us": key.created_us,
                    "expires_us": key.expires_us,
                    "revoked_us": key.revoked_us,
                }
                for key in keys
            ]
        )
        return
    rows = table("", "id", "name", "made", "ends", "scopes")
    for key in keys:
        ends = [at for at in (key.expires_us, key.revoked_us) if at is not None]
        rows.add_row(
            key.id,
            plain(key.name, 60),
            format_time(key.created_us),
            format_time(min(ends)) if ends else "",
            ", ".join(key.scopes),
        )
    show(answers(), rows, whole=True)


@app.command()
def rotate(
    key: Annotated[str, typer.Argument(metavar="ID", help="The id of the key to replace.")],
    *,
    overlap: Annotated[
        str, typer.Option("--overlap", metavar="TIME", help="How long the old key is good yet, such as 1d.")
    ] = "1d",
    data: options.Data = None,
    database: options.Database = None,
    json: options.Json = False,
) -> None:
    """Print a new key with the same name and scopes, once. The old one ends after the overlap."""
    from trustward.bootstrap import rotate_key, service_settings
    from trustward.cli.console import answers, emit_json

    made, text = rotate_key(service_settings(data=data, database=database), key, overlap)
    if json:
        emit_json({"id": made.id, "name": made.name, "scopes": made.scopes, "expires_us": made.expires_us, "key": text})
        return
    answers().print(text, soft_wrap=True)


@app.command()
def revoke(
    key: Annotated[str, typer.Argument(metavar="ID", help="The key's id: what stands between tw_ and the next _.")],
    *,
    data: options.Data = None,
    database: options.Database = None,
) -> None:
    """End a key at once."""
    from trustward.bootstrap import revoke_key, service_settings
    from trustward.cli.console import answers, plain

    revoke_key(service_settings(data=data, database=database), key)
    answers().print(f"{plain(key, 80)} is revoked")
