"""``trustward demo``: the whole way once, on a world that nobody lives in."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trustward.cli import options
from trustward.cli.simulate import Accounts, Days, Seed

if TYPE_CHECKING:
    from rich.console import Console

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
    story: Annotated[
        bool,
        typer.Option(
            "--story/--no-story",
            help="Whether to tell the closed loop too, over a service that is started for it, in the folder story.",
        ),
    ] = True,
    quiet: options.Quiet = False,
) -> None:
    """Simulate a service, find its fraud, write a page about it; then follow one campaign to its end."""
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
    if story:
        _story(console, out / "story")
    console.print(f"All of it in {elapsed_s() - began:.1f} s.", style="bold")
    console.print(f"  every decision with its reasons: {decisions}")
    console.print(f"  the account as a page, with plots: {page.resolve()}")
    console.print(
        f"  again, by hand: {_program()} replay {events} --policy {PACKS} --labels truth --out decisions.ndjson"
    )


def _story(console: Console, folder: Path) -> None:
    """The closed loop, told over HTTP by people at their desks. What an earlier run left there is removed."""
    from shutil import rmtree

    from trustward.cli.story.telling import tell

    console.print(
        "\n3. The closed loop: another two days at a running service, one campaign of phishing, and all that follows",
        style="bold",
    )
    if folder.is_dir():
        rmtree(folder)
    tell(folder, 1_000, 7, lambda title, what: console.print(f"  {title}. {what}", highlight=False))
    key = (folder / "evidence.pub").read_text(encoding="utf-8")
    console.print(
        f"  the evidence, verified by anybody: {_program()} clues verify {folder / 'evidence.tar'} --key {key}"
    )
    console.print(f"  the order's effort file: {folder / 'effort.json'}")
    console.print(f"  look around: {_program()} measures list --entity account:ID --data {folder / 'data'}\n")


def _program() -> str:
    """How this command was called, as one would type it here."""
    called, here = Path(sys.argv[0]), Path.cwd()
    return str(called.relative_to(here)) if called.is_relative_to(here) else called.name
