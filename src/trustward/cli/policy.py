"""``trustward policy``: check a policy, list what is in it, explain what it does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from trustward.cli import options

if TYPE_CHECKING:
    from trustward.engine.summary import CheckReport

app = typer.Typer(name="policy", help="Check, list and explain policies.", no_args_is_help=True, rich_markup_mode=None)

Folder = Annotated[
    str, typer.Argument(metavar="DIR", help="A folder with *.policy files, or the name of a shipped pack.")
]


@app.command()
def check(policy: Folder, *, catalogue: options.Catalogue = None, json: options.Json = False) -> None:
    """Check a whole policy and run the examples of its rules. All faults are shown at once.

    Ends in exit code 1 if there is a fault, or an example that does not do what it says.
    """
    from trustward.bootstrap import check as run
    from trustward.cli.console import emit_json
    from trustward.cli.exits import Exit

    report = run(policy, catalogue or ())
    if json:
        emit_json(report)
    else:
        _print_check(report)
    if not report.fine:
        raise typer.Exit(Exit.FOUND)


def _print_check(report: CheckReport) -> None:
    from trustward.cli.console import answers, plain

    console = answers()
    for fault in report.faults:
        console.print("\n".join(plain(line) for line in fault.splitlines()), end="\n\n")
    for failure in report.failures:
        console.print(f"rule {plain(failure.rule)}: {failure.example} fails: {plain(failure.why, 1_000)}")
    counts = f"{report.rules:,} rules, {report.features:,} features, {report.examples:,} examples"
    if report.fine:
        console.print(
            f"{plain(report.name)}: {counts}, nothing to complain about ({report.policy[:12]})", style="green"
        )
        return
    faults = f"{len(report.faults):,} faults" if report.faults else f"{len(report.failures):,} of {counts} fail"
    console.print(f"{plain(report.name)}: {faults}", style="bold red")
