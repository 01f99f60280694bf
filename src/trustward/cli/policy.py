"""``trustward policy``: check a policy, list what is in it, explain what it does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from trustward.cli import options

if TYPE_CHECKING:
    from trustward.engine.summary import CheckReport
    from trustward.policy.rules import Rule

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
    from trustward.cli.console import answers, counted, plain

    console = answers()
    for fault in report.faults:
        console.print("\n".join(plain(line) for line in fault.splitlines()), end="\n\n", soft_wrap=True)
    for failure in report.failures:
        console.print(f"rule {plain(failure.rule)}: {failure.example} fails: {plain(failure.why, 1_000)}")
    counts = ", ".join(
        counted(number, what)
        for number, what in ((report.rules, "rule"), (report.features, "feature"), (report.examples, "example"))
    )
    if report.fine:
        console.print(
            f"{plain(report.name)}: {counts}, nothing to complain about ({report.policy[:12]})", style="green"
        )
        return
    faults = (
        counted(len(report.faults), "fault") if report.faults else f"{counted(len(report.failures), 'example')} failed"
    )
    console.print(f"{plain(report.name)}: {faults}", style="bold red")


@app.command(name="list")
def list_(
    policy: Folder,
    *,
    mode: Annotated[
        str | None,
        typer.Option("--mode", metavar="MODE", help="Only live, shadow or draft rules.", show_default=False),
    ] = None,
    owner: Annotated[
        str | None, typer.Option("--owner", metavar="NAME", help="Only the rules of this owner.", show_default=False)
    ] = None,
    catalogue: options.Catalogue = None,
    json: options.Json = False,
) -> None:
    """List the rules of a policy: what each is on, asks for, answers, and who owns it."""
    from trustward.base.errors import UsageError
    from trustward.bootstrap import load
    from trustward.cli.console import answers, counted, emit_json, plain

    if mode not in (None, "live", "shadow", "draft"):
        raise UsageError(f"no such mode: {mode}", remedy="use one of live, shadow, draft")
    loaded = load(policy, catalogue or ())
    rules = [rule for rule in loaded.rules if mode in (None, rule.mode) and owner in (None, rule.owner)]
    if json:
        emit_json({"policy": loaded.hash, "rules": [_facts(rule) for rule in rules]})
        return
    from trustward.cli.account import show, table

    rows = table("", "rule", "mode", "verdict", "fraud", "owner", "on")
    for rule in rules:
        cells = (rule.id, rule.mode, rule.verdict, rule.fraud, rule.owner, ", ".join(rule.types))
        rows.add_row(*(plain(cell, 120) for cell in cells))
    console = answers()
    show(console, rows)
    reads = sum(len(stream.reads) for stream in loaded.plan.streams)
    console.print(
        f"{counted(len(rules), 'rule')}; the policy reads {reads:,} windows ({loaded.hash[:12]})", style="dim"
    )


def _facts(rule: Rule) -> dict[str, Any]:
    """A rule as ``--json`` shows it. Limits are pairs of most actions and microseconds."""
    return {
        "id": rule.id,
        "on": rule.types,
        "mode": rule.mode,
        "verdict": rule.verdict,
        "score": rule.score,
        "fraud": rule.fraud,
        "owner": rule.owner,
        "answers": rule.answers,
        "when": rule.when_text,
        "then": rule.actions_text,
        "reason": rule.reason_text,
        "on_fault": rule.on_fault,
        "limits": rule.limits,
        "holdout": rule.holdout,
        "hits": sum(example.hit for example in rule.examples),
        "misses": sum(not example.hit for example in rule.examples),
    }


@app.command()
def explain(
    policy: Folder,
    rules: Annotated[
        list[str] | None,
        typer.Argument(metavar="RULE", help="The rules to explain; without it, all.", show_default=False),
    ] = None,
    *,
    event: Annotated[
        str | None,
        typer.Option("--event", metavar="ID", help="Explain how the rules came out on this event.", show_default=False),
    ] = None,
    events: Annotated[
        list[str] | None,
        typer.Option(
            "--events",
            metavar="FILE",
            help="The file with that event and all before it; may be repeated.",
            show_default=False,
        ),
    ] = None,
    mapping: options.Mapping = None,
    form: options.Form = None,
    catalogue: options.Catalogue = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Explain what rules say, or how they came out on one event.

    With --event and --events the file is replayed up to that event, so that its windows, labels and lists are what they
    were; then each rule on its type is shown part by part.
    """
    from trustward.base.errors import UsageError
    from trustward.bootstrap import load
    from trustward.cli.console import emit_json

    if (event is None) != (events is None):
        raise UsageError("--event and --events belong together", remedy="name the event and the file that it is in")
    wanted = rules or ()
    if event is not None and events is not None:
        from trustward.cli.explain import find, print_explanation

        found = find(policy, event, events, wanted, mapping=mapping, form=form, catalogue=catalogue or (), quiet=quiet)
        if json:
            emit_json(found)
        else:
            print_explanation(found, wanted)
        return
    from trustward.cli.explain import chosen, print_rule

    loaded = load(policy, catalogue or ())
    shown = chosen(loaded.rules, wanted)
    if json:
        emit_json({"policy": loaded.hash, "rules": [_facts(rule) for rule in shown]})
        return
    for rule in shown:
        print_rule(rule)
