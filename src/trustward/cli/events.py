"""``trustward events``: list and show event types, validate files of events."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trustward.cli import options

if TYPE_CHECKING:
    from trustward.adapters.survey import Survey
    from trustward.model.catalogue import EventType, Field

app = typer.Typer(
    name="events", help="Show event types, and validate files of events.", no_args_is_help=True, rich_markup_mode=None
)

Rejects = Annotated[
    Path | None,
    typer.Option(
        "--rejects", metavar="FILE", help="Write the faulty records, with line, path and cause.", show_default=False
    ),
]


@app.command(name="list")
def list_(*, catalogue: options.Catalogue = None, json: options.Json = False) -> None:
    """List every event type with its meaning and its retention class."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    from trustward.cli.console import answers, emit_json, plain
    from trustward.model.catalogue import load_catalogue

    types = load_catalogue(catalogue or ()).types.values()
    if json:
        emit_json(
            [{"name": t.name, "about": t.about, "retention": t.retention, "fields": len(t.fields)} for t in types]
        )
        return
    table = Table("type", "what happened", "retention", "fields", box=SIMPLE_HEAD)
    for event_type in types:
        table.add_row(event_type.name, plain(event_type.about), event_type.retention, str(len(event_type.fields)))
    answers().print(table)


@app.command()
def show(
    name: Annotated[str, typer.Argument(metavar="TYPE", help="An event type, such as message.sent.")],
    *,
    catalogue: options.Catalogue = None,
    json: options.Json = False,
) -> None:
    """Show one event type: its fields with their types, entity kinds and personal-data classes."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    from trustward.base.errors import UsageError
    from trustward.cli.console import answers, emit_json, plain
    from trustward.model.catalogue import load_catalogue

    known = load_catalogue(catalogue or ())
    event_type = known.types.get(name)
    if event_type is None:
        near = known.nearest_type(name)
        meant = f"; did you mean {near}?" if near else ""
        raise UsageError(f"no such event type: {plain(name, 60)}{meant}", remedy="see trustward events list")
    if json:
        emit_json(event_type)
        return
    table = Table("field", "type", "needed", "personal data", "meaning", box=SIMPLE_HEAD)
    for field in event_type.fields.values():
        needed = "yes" if field.required else ""
        table.add_row(field.name, type_words(field), needed, field.personal, plain(about_words(field)))
    console = answers()
    console.print(f"{event_type.name}: {plain(event_type.about)}")
    console.print(f"retention class: {event_type.retention} ({plain(known.retention[event_type.retention])})")
    console.print(table)
    console.print("An event of this type, in the flat form (the fields that are needed):")
    console.print(plain(example(event_type), 2_000), soft_wrap=True)


@app.command()
def validate(
    events: options.Events,
    *,
    mapping: options.Mapping = None,
    catalogue: options.Catalogue = None,
    rejects: Rejects = None,
    form: options.Form = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Read files of events and say what is in them and what is wrong, without deciding anything.

    Also finds malformed times. Ends in exit code 1 if any record has a fault.
    """
    from trustward.adapters.places import check_places
    from trustward.adapters.survey import survey
    from trustward.cli.console import emit_json, watching
    from trustward.cli.exits import Exit

    check_places(
        {"events": events, "--mapping": [mapping], "--catalogue": catalogue or ()}, {"--rejects": rejects}, json=json
    )
    with watching("Reading", quiet=quiet or json) as watch:
        found, trouble = survey(
            events, mapping=mapping, catalogue=catalogue or (), rejects=rejects, form=form, watch=watch
        )
    if json:
        emit_json(found)
    else:
        _print_survey(found)
    if trouble is not None:
        raise trouble
    if found.faults:
        raise typer.Exit(Exit.FOUND)


def _print_survey(found: Survey) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    from trustward.cli.console import answers, plain

    console = answers()
    span = f", from {plain(found.first_time)} to {plain(found.last_time)}" if found.events else ""
    console.print(f"{found.events:,} events{span}")
    if found.types:
        table = Table("type", "events", box=SIMPLE_HEAD)
        for name, count in found.types.items():
            table.add_row(plain(name), f"{count:,}")
        console.print(table)
    if not found.faults:
        console.print("nothing to complain about", style="green")
        return
    console.print(
        f"{found.set_aside:,} records are no events and were set aside; {found.with_faults:,} events have faults and"
        " would be decided as degraded",
        style="bold red",
    )
    table = Table("place", "cause", "times", "first in line", box=SIMPLE_HEAD)
    for fault in found.faults[:20]:
        table.add_row(plain(fault.path, 60), plain(fault.cause, 160), f"{fault.count:,}", f"{fault.line:,}")
    console.print(table)
    if len(found.faults) > 20:
        console.print(f"and {len(found.faults) - 20:,} kinds of fault more")


def type_words(field: Field) -> str:
    """A field's type for people, such as ``list of url`` or ``money (currency)``."""
    if field.type == "entity":
        return field.kind
    if field.type == "list":
        return f"list of {field.kind or field.of}"
    if field.type == "money":
        return f"money ({field.currency})"
    return field.type


def about_words(field: Field) -> str:
    """A field's meaning, and the warning where it is known only later."""
    return field.about + (" Known later: only with delay=." if field.known_later else "")


def example(event_type: EventType) -> str:
    """A small event of a type as one line of JSON: the envelope and what is needed."""
    import msgspec

    samples = {
        "whole": 1,
        "money": 1999,
        "number": 1.0,
        "duration": 1.0,
        "flag": True,
        "time": "2026-01-31T12:00:00Z",
        "list": [],
    }
    needed = {
        field.name: samples.get(field.type, f"{field.kind or 'some'}-1")
        for field in event_type.fields.values()
        if field.required
    }
    head = {"type": event_type.name, "id": "e-1", "time": "2026-01-31T12:00:00Z"}
    return msgspec.json.encode({**head, **needed}).decode()
