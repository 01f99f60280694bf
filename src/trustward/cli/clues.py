"""``trustward clues``: what is told to authorities, and the evidence of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from trustward.cli import options

app = typer.Typer(
    name="clues",
    help="Show clues to authorities, and write and verify their evidence.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command(name="list")
def list_(
    *,
    state: Annotated[
        str, typer.Option("--state", metavar="STATE", help="Only those in this state, such as drafted or sent.")
    ] = "",
    authority: Annotated[str, typer.Option("--authority", metavar="ID", help="Only those to this one.")] = "",
    case: Annotated[str, typer.Option("--case", metavar="ID", help="Only those of this case.")] = "",
    limit: Annotated[int, typer.Option("--limit", metavar="N", help="How many at most.", min=1)] = 100,
    data: options.Data = None,
    database: options.Database = None,
    json: options.Json = False,
) -> None:
    """List clues by their ids."""
    from trustward.base.errors import UsageError
    from trustward.base.units import format_time
    from trustward.bootstrap import list_clues, service_settings
    from trustward.cli.account import show, table
    from trustward.cli.console import answers, emit_json, plain
    from trustward.exchange.clue_view import clue_view
    from trustward.model.clue import STATES

    if state and state not in STATES:
        raise UsageError(f"there is no state {state[:40]}", remedy=f"one of: {', '.join(STATES)}")
    settings = service_settings(data=data, database=database)
    found = list_clues(settings, state=state, authority=authority, case=case, limit=limit)
    if json:
        emit_json([clue_view(clue) for clue in found])
        return
    rows = table("", "id", "drafted", "state", "authority", "about", "receipt")
    for clue in found:
        rows.add_row(
            plain(clue.id, 40),
            format_time(clue.at_us),
            clue.state,
            plain(clue.authority.id, 30),
            plain(clue.subject, 40),
            plain(clue.receipt, 30),
        )
    show(answers(), rows)


@app.command(name="show")
def show_(
    clue: Annotated[str, typer.Argument(metavar="ID", help="The clue's id.")],
    *,
    data: options.Data = None,
    database: options.Database = None,
    json: options.Json = False,
) -> None:
    """Show a clue with its file, and what its form lacks."""
    from trustward.bootstrap import service_settings, show_clue
    from trustward.cli.account import show, table
    from trustward.cli.console import answers, emit_json, plain
    from trustward.exchange.clue_view import clue_view, file_view
    from trustward.operations.clues import missing

    found, pages, latency_us = show_clue(service_settings(data=data, database=database), clue)
    view, file = clue_view(found, missing(found), latency_us), file_view(pages)
    if json:
        emit_json({"clue": view, "file": file})
        return
    facts = table("", "", "")
    names = (
        "name",
        "kind",
        "entity",
        "case",
        "state",
        "summary",
        "approved_by",
        "bundle",
        "sent",
        "sent_as",
        "receipt",
    )
    for name in (*names, "feedback", "of", "duty"):
        if getattr(view, name):
            facts.add_row(name, plain(str(getattr(view, name)), 100))
    for why in view.why:
        facts.add_row("why", plain(why, 100))
    for name, value in view.fields.items():
        facts.add_row(f"form: {name}", plain(value, 100))
    for lack in view.missing:
        facts.add_row("missing", plain(lack, 100))
    rows = table("its file", "", "at", "what", "who", "said")
    for page in file:
        rows.add_row(str(page.number), page.at, page.what, plain(page.actor, 40), plain(page.said, 80))
    show(answers(), facts)
    show(answers(), rows)


@app.command(name="bundle")
def bundle(
    clue: Annotated[str, typer.Argument(metavar="ID", help="The clue's id, or request:ID of a request.")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write it: a new file.")],
    *,
    secret: options.Secret = False,
    data: options.Data = None,
    database: options.Database = None,
) -> None:
    """Write the evidence of a clue, or of the answer to a request, into a file."""
    from trustward.bootstrap import service_settings, write_bundle
    from trustward.cli.console import answers

    found = write_bundle(service_settings(data=data, database=database), clue, file, secret=secret)
    answers().print(
        f"{file}: {found.size:,} bytes, {found.files} files, SHA-256 {found.id}", markup=False, soft_wrap=True
    )


@app.command(name="verify")
def verify(
    file: Annotated[Path, typer.Argument(metavar="BUNDLE", help="A bundle of evidence.")],
    *,
    key: Annotated[
        str, typer.Option("--key", metavar="PUBLIC-KEY", help="The public key that you trust: 64 digits.")
    ] = "",
    json: options.Json = False,
) -> None:
    """Hold a bundle against its manifest and its signature. Needs no service, and asks nobody.

    Without a key, a bundle is only as good as the key that is in it: compare that with the one you were given.
    """
    from trustward.bootstrap import verify_bundle
    from trustward.cli.console import answers, emit_json, plain
    from trustward.cli.exits import Exit

    verdict = verify_bundle(file, key)
    if json:
        emit_json(verdict)
    else:
        for fault in verdict.faults:
            answers().print(f"{plain(fault.file, 120)}: {fault.what}", markup=False, style="bold red", soft_wrap=True)
    if not verdict.fine:
        raise typer.Exit(Exit.FOUND)
    if json:
        return
    said = "the key that you gave" if verdict.trusted else "the key in it, which was not compared with one you trust"
    answers().print(
        f"{file}: as it was signed, {len(verdict.files)} files of {verdict.record}", markup=False, soft_wrap=True
    )
    answers().print(f"signed with {said}: {verdict.key}", markup=False, soft_wrap=True)


@app.command(name="key")
def key(*, data: options.Data = None) -> None:
    """Print the public key that evidence is signed with."""
    from trustward.bootstrap import evidence_key, service_settings
    from trustward.cli.console import answers

    answers().print(evidence_key(service_settings(data=data)).public, markup=False)
