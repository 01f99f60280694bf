"""Arguments and options that several commands share, so that they read and mean the same everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Events = Annotated[
    list[str],
    typer.Argument(
        metavar="EVENTS",
        help="Files of events: NDJSON, CSV or Parquet, plain or compressed; - reads standard input.",
        show_default=False,
    ),
]
Policy = Annotated[
    str,
    typer.Option(
        "--policy",
        metavar="DIR",
        help="A folder with *.policy files, or the name of a shipped pack.",
        show_default=False,
    ),
]
Mapping = Annotated[
    Path | None,
    typer.Option(
        "--mapping", metavar="FILE", help="A mapping that turns rows of any table into events.", show_default=False
    ),
]
Form = Annotated[
    str | None,
    typer.Option(
        "--format",
        metavar="FORMAT",
        help="ndjson, csv or parquet; without it the name decides, or how the file begins.",
        show_default=False,
    ),
]
Labels = Annotated[
    str | None,
    typer.Option(
        "--labels",
        metavar="FIELD",
        help="Compare with known answers: the field that holds them, usually truth.",
        show_default=False,
    ),
]
Catalogue = Annotated[
    list[Path] | None,
    typer.Option(
        "--catalogue", metavar="FILE", help="Event types of your own, beside the shipped ones.", show_default=False
    ),
]
Strict = Annotated[bool, typer.Option("--strict", help="Stop at the first faulty record instead of setting it aside.")]
Json = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Show no progress.")]
Page = Annotated[
    Path | None,
    typer.Option("--page", metavar="FILE", help="Write the account as an HTML page, with plots.", show_default=False),
]
Out = Annotated[
    Path | None,
    typer.Option("--out", metavar="FILE", help="Write the decisions (NDJSON, one a line).", show_default=False),
]
Every = Annotated[bool, typer.Option("--all", help="Write every decision, not only those that are no plain allow.")]
Rejects = Annotated[
    Path | None,
    typer.Option(
        "--rejects", metavar="FILE", help="Write the faulty records, with line, path and cause.", show_default=False
    ),
]
FeaturesOut = Annotated[
    Path | None,
    typer.Option(
        "--features-out",
        metavar="FILE",
        help="Write the policy's features for every event (Parquet).",
        show_default=False,
    ),
]
SnapshotIn = Annotated[
    Path | None, typer.Option("--snapshot-in", metavar="FILE", help="Go on from this state.", show_default=False)
]
SnapshotOut = Annotated[
    Path | None, typer.Option("--snapshot-out", metavar="FILE", help="Keep the state at the end.", show_default=False)
]
Data = Annotated[
    str | None,
    typer.Option(
        "--data", metavar="DIR", help="The folder of everything that is kept (TRUSTWARD_DATA).", show_default=False
    ),
]
Database = Annotated[
    str | None,
    typer.Option(
        "--database",
        metavar="URL",
        help="PostgreSQL instead of SQLite in that folder (TRUSTWARD_DATABASE).",
        show_default=False,
    ),
]
Secret = Annotated[bool, typer.Option("--secret", help="Show what an order keeps secret as well.")]
