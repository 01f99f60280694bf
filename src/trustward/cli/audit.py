"""``trustward audit``: past decisions derived again, and explained; who did what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from trustward.cli import options

if TYPE_CHECKING:
    from trustward.operations.auditing import Difference

app = typer.Typer(
    name="audit",
    help="Derive past decisions again, explain them; who did what.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

_SHOWN = 20


@app.command()
def replay(
    *,
    day: Annotated[str, typer.Option("--day", metavar="DAY", help="The day (UTC), such as 2026-01-31.")],
    start: Annotated[
        int | None,
        typer.Option(
            "--from",
            metavar="ENTRY",
            help="Begin with the newest snapshot that is not of a later entry; 0: with none, at the first entry.",
            show_default=False,
            min=0,
        ),
    ] = None,
    data: options.Data = None,
    database: options.Database = None,
    json: options.Json = False,
) -> None:
    """Derive every decision of a day again from the journal, and compare it with what is stored.

    The state before that day comes from the newest snapshot before it, or from the journal's beginning; archived days
    are read from the archive. Nothing is changed; the service may run. Exit code 0: all are equal. 1: some differ.
    3: it cannot be told, for the archive's files are gone, or retention has removed what some hang on.
    """
    from trustward.bootstrap import audit_replay, service_settings
    from trustward.cli.console import answers, counted, emit_json, plain
    from trustward.cli.exits import Exit

    console = answers()
    told = 0

    def tell(one: Difference) -> None:
        nonlocal told
        told += 1
        if json:
            emit_json({"difference": one}, indent=-1)
        elif told <= _SHOWN:
            console.print(
                f"entry {one.entry}, event {plain(one.event_id, 80)}: {', '.join(one.fields)} (stored "
                f"{one.stored.verdict}, derived {one.derived.verdict})"
                + ("; what it hangs on may have been removed" if one.unsure else ""),
                soft_wrap=True,
            )

    done = audit_replay(service_settings(data=data, database=database), day, start, tell)
    if json:
        emit_json(done, indent=-1)
    else:
        if told > _SHOWN:
            console.print(f"and {told - _SHOWN:,} more: --json shows all")
        state = f"the state after entry {done.begun:,}" if done.begun else "the journal's first entry"
        console.print(f"entries {done.first:,} to {done.last:,}, from {state}: ", end="")
        console.print(
            f"{counted(done.events, 'event')}, {counted(done.decisions, 'decision')} that are no plain allow: ", end=""
        )
        console.print(
            f"{counted(done.differences, 'difference')}" if done.differences else "all equal",
            style="bold red" if done.differences else "green",
        )
        if done.removed:
            console.print(f"{counted(done.removed, 'event')} of them removed by retention: not compared")
        if done.unsure:
            console.print(
                f"{counted(done.unsure, 'decision')} came out otherwise after events that retention has removed: that "
                "proves nothing",
                style="yellow",
            )
    if done.differences:
        raise typer.Exit(Exit.FOUND)
    if done.unsure:
        raise typer.Exit(Exit.INPUT)


@app.command()
def explain(
    event_id: Annotated[str, typer.Argument(metavar="ID", help="The event's id.")],
    *,
    data: options.Data = None,
    database: options.Database = None,
    json: options.Json = False,
) -> None:
    """Explain a past decision: every rule on the event's type, part by part, with the values of then.

    The engine derives it, from the snapshot before and the journal, however many entries lie between.
    """
    from trustward.bootstrap import audit_explain, service_settings
    from trustward.cli.console import answers, emit_json
    from trustward.cli.exits import Exit
    from trustward.cli.explain import print_explanation
    from trustward.engine.explain import Explanation

    found, retold = audit_explain(service_settings(data=data, database=database), event_id)
    if json:
        emit_json({"entry": found.seq, "decision": found.decision, **_named(retold)})
    else:
        print_explanation(Explanation(decision=found.decision, rules=retold.rules))
        if retold.same is None:
            answers().print("derived again, it comes out otherwise; retention has removed events before it")
        elif not retold.same:
            answers().print("derived again, it comes out otherwise: trustward audit replay says how", style="bold red")
    if retold.same is False:
        raise typer.Exit(Exit.FOUND)


def _named(record: object) -> dict[str, object]:
    import msgspec

    named: dict[str, object] = msgspec.to_builtins(record)
    return named


@app.command()
def index(
    *,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Drop the index first, and make it anew.")] = False,
    data: options.Data = None,
    database: options.Database = None,
    json: options.Json = False,
) -> None:
    """Bring the index of past decisions up to the journal's end; a worker does that as well, bit by bit.

    After a change of the event catalogue, --rebuild makes what is older found by the new fields too.
    """
    from trustward.bootstrap import audit_index, service_settings
    from trustward.cli.console import answers, emit_json

    last = audit_index(service_settings(data=data, database=database), rebuild=rebuild)
    if json:
        emit_json({"seq": last})
        return
    answers().print(f"the index goes up to entry {last:,}")


@app.command(name="list")
def list_(
    *,
    actor: Annotated[str, typer.Option("--actor", metavar="NAME", help="Only what this one did.")] = "",
    action: Annotated[
        str, typer.Option("--action", metavar="ACTION", help="Only this, such as key.created; key: all about keys.")
    ] = "",
    subject: Annotated[str, typer.Option("--subject", metavar="SUBJECT", help="Only what was done to this.")] = "",
    begin: Annotated[str, typer.Option("--from", metavar="TIME", help="Only what was done then or later.")] = "",
    end: Annotated[str, typer.Option("--to", metavar="TIME", help="Only what was done before then.")] = "",
    secret: Annotated[bool, typer.Option("--secret", help="What an order keeps secret, and only that.")] = False,
    limit: Annotated[int, typer.Option("--limit", metavar="N", help="How many at most.", min=1, max=100_000)] = 100,
    data: options.Data = None,
    database: options.Database = None,
    json: options.Json = False,
) -> None:
    """List who did what to what, the newest first; what an order keeps secret with --secret only."""
    from trustward.base.units import format_time
    from trustward.bootstrap import audit_list, service_settings
    from trustward.cli.console import answers, emit_json, plain

    settings = service_settings(data=data, database=database)
    rows = audit_list(
        settings, actor=actor, action=action, subject=subject, begin=begin, end=end, secret=secret, limit=limit
    )
    if json:
        import msgspec

        emit_json(
            [
                {
                    **{name: getattr(row, name) for name in ("number", "actor", "action", "subject")},
                    "at": format_time(row.at_us),
                    "entry": row.seq,
                    "detail": msgspec.json.decode(row.detail),
                }
                for row in rows
            ]
        )
        return
    console = answers()
    for row in rows:
        # A line for each, whole: what is looked for in it may be anywhere.
        what = f"{row.number}  {format_time(row.at_us)}  {row.action}  {row.subject}  by {row.actor}"
        console.print(plain(f"{what}  {row.detail.decode()}", 10_000), soft_wrap=True)
    if not rows:
        console.print("none", style="dim")
