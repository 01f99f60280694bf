"""``trustward replay``: a policy and a file of events in, decisions with their reasons out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from trustward.cli import options


def replay(
    events: options.Events,
    *,
    policy: options.Policy,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Write the decisions (NDJSON, one a line).", show_default=False),
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Write every decision, not only those that are no plain allow.")
    ] = False,
    mapping: options.Mapping = None,
    rejects: Annotated[
        Path | None,
        typer.Option(
            "--rejects", metavar="FILE", help="Write the faulty records, with line, path and cause.", show_default=False
        ),
    ] = None,
    labels: options.Labels = None,
    features_out: Annotated[
        Path | None,
        typer.Option(
            "--features-out",
            metavar="FILE",
            help="Write the policy's features for every event (Parquet).",
            show_default=False,
        ),
    ] = None,
    catalogue: options.Catalogue = None,
    strict: options.Strict = False,
    snapshot_in: Annotated[
        Path | None,
        typer.Option("--snapshot-in", metavar="FILE", help="Go on from this state.", show_default=False),
    ] = None,
    snapshot_out: Annotated[
        Path | None,
        typer.Option("--snapshot-out", metavar="FILE", help="Keep the state at the end.", show_default=False),
    ] = None,
    page: options.Page = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Decide on every event of a file and say what was found.

    Events are decided in the order of the file. Faulty records are set aside and counted; they stop nothing, and the
    exit code is 0 all the same.
    """
    from trustward.adapters.places import check_places
    from trustward.base.clock import now_us
    from trustward.bootstrap import replay as run
    from trustward.cli.console import answers, emit_json, messages, watching

    written = {
        "--out": out,
        "--rejects": rejects,
        "--features-out": features_out,
        "--snapshot-out": snapshot_out,
        "--page": page,
    }
    check_places({"events": events, "--mapping": [mapping], "--catalogue": catalogue or ()}, written, json=json)
    with watching("Replaying", quiet=quiet) as watch:
        summary = run(
            events,
            policy,
            out,
            all_=every,
            mapping=mapping,
            rejects=rejects,
            labels=labels,
            features_out=features_out,
            catalogue=catalogue or (),
            strict=strict,
            now_us=now_us(),
            snapshot_in=snapshot_in,
            snapshot_out=snapshot_out,
            progress=watch,
        )
    if page is not None:
        from trustward.cli.report import write_page

        write_page(page, summary)
    if json:
        emit_json(summary)
    else:
        from trustward.cli.account import print_replay

        console = messages() if Path("-") in written.values() else answers()
        print_replay(console, summary)
        for what, file in (("decisions", out), ("faulty records", rejects), ("features", features_out), ("page", page)):
            if file is not None:
                console.print(f"{what}: {file}")
