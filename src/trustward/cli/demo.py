"""``trustward demo``: the whole way once, on a world that nobody lives in."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from trustward.cli import options
from trustward.cli.simulate import Accounts, Days, Seed

PACKS = "starter"
"""The shipped policies, all together."""


def demo(
    *,
    accounts: Accounts = 4_000,
    days: Days = 7,
    seed: Seed = 7,
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Where to write events, decisions and page.")
    ] = Path("out/demo"),
    quiet: options.Quiet = False,
) -> None:
    """Simulate a service, find its fraud, write a page about it."""
    from trustward.base.clock import elapsed_s, now_us
    from trustward.bootstrap import replay
    from trustward.cli.account import print_replay
    from trustward.cli.console import answers, watching
    from trustward.cli.report import write_page
    from trustward.cli.simulate import print_world
    from trustward.simulate.run import simulate

    began = elapsed_s()
    console = answers()
    out.mkdir(parents=True, exist_ok=True)
    events, decisions, page = out / "events.ndjson", out / "decisions.ndjson", out / "report.html"
    console.print(f"1. A service of {accounts:,} accounts over {days:g} days, with campaigns of fraud", style="bold")
    with watching("Simulating", quiet=quiet) as watch:
        world = simulate(
            accounts,
            days,
            seed,
            events,
            truth=out / "campaigns.json",
            progress=lambda done, total: watch(done, total, 0, 0),
        )
    print_world(console, world, str(events))
    console.print(
        "\n2. Every event decided, in order, by the shipped policies (they never see the answers)", style="bold"
    )
    with watching("Deciding", quiet=quiet) as watch:
        summary = replay(
            [str(events)],
            PACKS,
            decisions,
            all_=False,
            mapping=None,
            rejects=out / "rejects.ndjson",
            labels="truth",
            features_out=None,
            catalogue=(),
            strict=False,
            now_us=now_us(),
            snapshot_in=None,
            snapshot_out=None,
            progress=watch,
        )
    write_page(page, summary, title="A simulated week of fraud, and what was found" if days == 7 else "What was found")
    print_replay(console, summary)
    console.print(f"All of it in {elapsed_s() - began:.1f} s.", style="bold")
    console.print(f"  every decision with its reasons: {decisions}")
    console.print(f"  the account as a page, with plots: {page.resolve()}")
    console.print(
        f"  again, by hand: {_program()} replay {events} --policy {PACKS} --labels truth --out decisions.ndjson"
    )


def _program() -> str:
    """How this command was called, as one would type it here."""
    called, here = Path(sys.argv[0]), Path.cwd()
    return str(called.relative_to(here)) if called.is_relative_to(here) else called.name
