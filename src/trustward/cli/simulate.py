"""``trustward simulate``: a synthetic world, labelled, the same for the same seed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trustward.cli import options

if TYPE_CHECKING:
    from rich.console import Console

    from trustward.simulate.run import WorldSummary

Accounts = Annotated[int, typer.Option("--accounts", metavar="N", help="Accounts at the start.")]
Days = Annotated[float, typer.Option("--days", metavar="D", help="Days to live through.")]
Seed = Annotated[int, typer.Option("--seed", metavar="S", help="Which world: the same seed gives the same bytes.")]


def simulate(
    *,
    accounts: Accounts = 10_000,
    days: Days = 7,
    seed: Seed = 1,
    out: Annotated[
        str,
        typer.Option(
            "--out", metavar="FILE", help="Where to write the events (NDJSON; .gz is compressed; - is standard output)."
        ),
    ] = "-",
    start: Annotated[
        str, typer.Option("--start", metavar="TIME", help="When the world begins (RFC 3339).")
    ] = "2026-01-05T00:00:00Z",
    campaign: Annotated[
        list[str] | None,
        typer.Option(
            "--campaign",
            metavar="KIND",
            help="Only this kind of campaign; may be repeated. Without it: all; none: none at all.",
            show_default=False,
        ),
    ] = None,
    truth: Annotated[
        Path | None,
        typer.Option("--truth", metavar="FILE", help="Write the list of campaigns as JSON.", show_default=False),
    ] = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Make a labelled stream of a service with fraud in it.

    Honest users with their daily rhythm, and campaigns of many kinds. The known answer of each event is its field
    truth: a campaign's kind, or nothing for an honest event.
    """
    from trustward.adapters.places import check_places
    from trustward.cli.console import answers, emit_json, messages, watching
    from trustward.simulate.run import simulate as run

    check_places({}, {"--out": Path(out), "--truth": truth})
    campaigns = () if campaign == ["none"] else campaign
    with watching("Simulating", quiet=quiet) as watch:
        summary = run(
            accounts,
            days,
            seed,
            out,
            start=start,
            campaigns=campaigns,
            truth=truth,
            progress=lambda done, total: watch(done, total, 0, 0),
        )
    if json and out != "-":
        emit_json(summary)
    else:
        print_world(messages() if out == "-" else answers(), summary, out)


def print_world(console: Console, summary: WorldSummary, out: str) -> None:
    """Say what the world is made of."""
    from trustward.cli.console import plain

    fraud = sum(count for kind, count in summary.by_truth.items() if kind != "honest")
    rate = summary.events / summary.seconds if summary.seconds > 0 else 0.0
    console.print(
        f"{summary.events:,} events ({summary.bytes / 1e6:,.1f} MB) in {summary.seconds:.2f} s, {rate:,.0f} a second;"
        f" {fraud:,} of them belong to {len(summary.campaigns):,} campaigns of fraud"
    )
    if out != "-":
        console.print(f"events: {plain(out)}")
