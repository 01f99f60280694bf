"""The account of a replay or a backtest as tables in the terminal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from trustward.base.units import format_duration, format_time
from trustward.cli.console import counted, plain
from trustward.engine.summary import BacktestSummary, Quality, ReplaySummary
from trustward.model.decision import VERDICTS, Action, Verdict

if TYPE_CHECKING:
    from rich.console import Console

STYLES: dict[Verdict, str] = {
    "allow": "green",
    "warn": "yellow",
    "challenge": "yellow",
    "limit": "magenta",
    "hold": "red",
    "block": "bold red",
}
MOST = 12
"""Rows of a table in the terminal; the page and ``--json`` have them all."""
WIDEST = 34
"""Characters of a column in the terminal."""


def percent(value: float | None) -> str:
    """A share for people; a dash where there is none.

    >>> percent(0.9312), percent(1.0), percent(0.0001), percent(None)
    ('93.1%', '100%', '<0.1%', '-')
    """
    if value is None:
        return "-"
    if 0 < value < 0.0005:
        return "<0.1%"
    return f"{100 * value:.1f}%" if value < 1 else "100%"


def table(title: str, *headings: str) -> Table:
    """A table; a heading with a leading ``>`` is a column of numbers."""
    made = Table(box=SIMPLE_HEAD, title=title, title_justify="left", title_style="bold", pad_edge=False)
    for heading in headings:
        made.add_column(
            heading.lstrip(">"),
            justify="right" if heading.startswith(">") else "left",
            overflow="ellipsis",
            no_wrap=True,
            header_style="dim",
        )
    return made


def show(console: Console, rows: Table, *, whole: bool = False) -> None:
    """Print a table, if it has rows. Long cells are cut, the last one where the line ends unless it is kept `whole`."""
    if not rows.row_count:
        return
    *columns, last = rows.columns
    room = console.width
    for column in columns:
        cells = [column.header, *column.cells]
        column.width = min(WIDEST, max(map(measure, cells)))
        room -= column.width + 3
    last.width = min(max(16, room - 2), max(map(measure, [last.header, *last.cells])))
    if whole:
        last.no_wrap, last.overflow = False, "fold"
    console.print(rows)


def measure(cell: object) -> int:
    """The width of a table's cell on the screen."""
    return cell.cell_len if isinstance(cell, Text) else cell_len(str(cell))


def _verdict(verdict: Verdict) -> Text:
    return Text(verdict, style=STYLES[verdict])


def _more(console: Console, shown: int, all_: int, what: str) -> None:
    if all_ > shown:
        console.print(f"  … and {all_ - shown:,} more {what}", style="dim")


def print_replay(console: Console, summary: ReplaySummary, *, examples: int = 3) -> None:
    """Print what a replay found: totals, quality, rules, campaigns, entities, worked examples."""
    _print_totals(console, summary)
    if summary.quality is not None:
        _print_quality(console, summary.quality)
    _print_rules(console, summary)
    _print_campaigns(console, summary)
    _print_entities(console, summary)
    _print_rejects(console, summary)
    _print_examples(console, summary, examples)


def _print_totals(console: Console, summary: ReplaySummary) -> None:
    console.print(
        Text.assemble(
            (counted(summary.events, "event"), "bold"),
            " in ",
            (f"{summary.seconds:.2f} s", "bold"),
            f" ({summary.events_per_s:,.0f} a second); ",
            (f"{summary.flagged:,}", "bold"),
            " flagged",
            f", {summary.degraded:,} degraded" if summary.degraded else "",
            f", {counted(summary.rejected, 'record')} set aside" if summary.rejected else "",
        )
    )
    if summary.first_us is not None and summary.last_us is not None:
        span = format_duration(summary.last_us - summary.first_us)
        console.print(f"from {format_time(summary.first_us)} to {format_time(summary.last_us)} ({span})", style="dim")
    console.print(f"policy {plain(summary.policy_name)} {summary.policy[:12]}", style="dim")
    rows = table("Verdicts", "verdict", ">events", ">share")
    for verdict in VERDICTS:
        count = summary.verdicts.get(verdict, 0)
        if count:
            rows.add_row(_verdict(verdict), f"{count:,}", percent(count / summary.events))
    show(console, rows)


def _print_quality(console: Console, quality: Quality) -> None:
    console.print(
        Text.assemble(
            ("Against the known answers: ", "bold"),
            "precision ",
            (percent(quality.precision), "bold"),
            ", recall ",
            (percent(quality.recall), "bold"),
            f", PR-AUC {quality.pr_auc:.3f}" if quality.pr_auc is not None else "",
            f" ({quality.caught:,} caught, {quality.missed:,} missed, {quality.false_alarms:,} false alarms)",
        ),
        end="\n\n",
    )


def _print_rules(console: Console, summary: ReplaySummary) -> None:
    fired = [rule for rule in summary.rules if rule.hits or rule.faults]
    if not fired:
        console.print("No rule matched.", end="\n\n")
        return
    judged = summary.quality is not None
    faults = any(rule.faults for rule in fired)
    more = [*([">not evaluated"] if faults else []), *([">precision", ">recall"] if judged else [])]
    headings = ["rule", "verdict", "mode", ">hits", *more, "for example"]
    rows = table("Rules that matched", *headings)
    for rule in sorted(fired, key=lambda rule: -rule.hits)[:MOST]:
        rows.add_row(
            plain(rule.id, 40),
            _verdict(rule.verdict),
            plain(rule.mode),
            f"{rule.hits:,}",
            *([f"{rule.faults:,}"] if faults else []),
            *([percent(rule.precision), percent(rule.recall)] if judged else []),
            plain(rule.reason, 120),
        )
    show(console, rows)
    _more(console, MOST, len(fired), "rules matched")
    silent = len(summary.rules) - len(fired)
    if silent:
        console.print(f"  {counted(silent, 'rule')} of {len(summary.rules):,} never matched", style="dim")
    console.print()


def _print_campaigns(console: Console, summary: ReplaySummary) -> None:
    if not summary.campaigns:
        return
    rows = table("Fraud by kind", "kind", ">events", ">flagged", ">recall", ">first flagged after", "by the rules")
    for campaign in sorted(summary.campaigns, key=lambda campaign: -campaign.events)[:MOST]:
        after = campaign.first_flagged_after_us
        rows.add_row(
            plain(campaign.name, 40),
            f"{campaign.events:,}",
            f"{campaign.flagged:,}",
            percent(campaign.recall),
            "never" if after is None else format_duration(after),
            plain(", ".join(campaign.rules), 90),
        )
    show(console, rows)
    _more(console, MOST, len(summary.campaigns), "kinds")


def _print_entities(console: Console, summary: ReplaySummary) -> None:
    if not summary.entities:
        return
    rows = table("Most often acted on", "kind", "entity", ">decisions", "harshest", "by the rules")
    for entity in summary.entities[:5]:
        rows.add_row(
            plain(entity.kind),
            plain(entity.id, 40),
            f"{entity.decisions:,}",
            _verdict(entity.verdict),
            plain(", ".join(entity.rules), 90),
        )
    show(console, rows)


def _print_rejects(console: Console, summary: ReplaySummary) -> None:
    if not summary.rejects:
        return
    rows = table("Faulty records", "where", ">records", ">first line", "why")
    for reject in summary.rejects[:MOST]:
        rows.add_row(plain(reject.path, 40), f"{reject.count:,}", f"{reject.line:,}", plain(reject.cause, 120))
    show(console, rows)
    _more(console, MOST, len(summary.rejects), "kinds of fault")


def _print_examples(console: Console, summary: ReplaySummary, examples: int) -> None:
    if not summary.examples or not examples:
        return
    console.print("Worked examples", style="bold")
    for example in summary.examples[:examples]:
        decision = example.decision
        console.print(
            Text.assemble(
                "\n  ",
                (decision.verdict, STYLES[decision.verdict]),
                f" {plain(decision.type)} {plain(decision.event_id, 60)} at {plain(decision.time)}",
                f"  (in truth: {plain(example.truth)})" if example.truth else "",
                ("  degraded" if decision.degraded else "", "yellow"),
            )
        )
        for hit in decision.rules[:3]:
            mode = f" [{hit.mode}]" if hit.mode != "live" else ""
            console.print(f"    because {plain(hit.reason)} ({plain(hit.id)}){mode}")
            for name, value in list(hit.values.items())[:4]:
                console.print(f"      {plain(name, 80)} = {plain(value, 80)}", style="dim")
        if len(decision.rules) > 3:
            more = ", ".join(plain(hit.id, 60) for hit in decision.rules[3:])
            console.print(f"    and because of {more}", style="dim")
        for told in actions_told(decision.actions)[:6]:
            console.print(f"    → {plain(told, 160)}")
    console.print()


def actions_told(actions: Iterable[Action]) -> list[str]:
    """Actions in words, each once though several rules may ask for it."""
    told: dict[str, None] = {}
    for action in actions:
        note = f" ({action.note})" if action.note else ""
        lasts = f" for {format_duration(action.lasts_us)}" if action.lasts_us is not None else ""
        proposed = ", proposed only" if action.proposed else ""
        told[f"{action.do} {action.kind} {action.entity}{note}{lasts}{proposed}"] = None
    return list(told)


def print_backtest(console: Console, summary: BacktestSummary, *, examples: int = 3) -> None:
    """Print what changes from the old policy to the new one."""
    console.print(
        Text.assemble(
            (f"{summary.changed:,}", "bold"),
            f" of {summary.events:,} events get another verdict (",
            f"{plain(summary.old_name)} {summary.old_policy[:12]} → ",
            f"{plain(summary.new_name)} {summary.new_policy[:12]}, ",
            f"{summary.seconds:.2f} s)",
        )
    )
    _print_qualities(console, summary)
    judged = any(change.fraud is not None for change in summary.verdicts)
    rows = table("Verdicts", "before", "now", ">events", *([">of them fraud"] if judged else []))
    for change in summary.verdicts:
        if change.old != change.new:
            fraud = [f"{change.fraud:,}" if change.fraud is not None else "-"] if judged else []
            rows.add_row(_verdict(change.old), _verdict(change.new), f"{change.events:,}", *fraud)
    show(console, rows)
    rows = table("Rules", "rule", "", ">hits before", ">hits now", ">gained", ">lost")
    moved = [rule for rule in summary.rules if rule.gained or rule.lost or rule.change != "same"]
    for rule in moved[:MOST]:
        counts = (rule.old_hits, rule.new_hits, rule.gained, rule.lost)
        rows.add_row(plain(rule.id), rule.change, *(f"{count:,}" for count in counts))
    show(console, rows)
    if rows.row_count:
        _more(console, MOST, len(moved), "rules changed")
    rows = table("Entities most affected", "kind", "entity", "before", "now", ">events")
    for entity in summary.entities[:MOST]:
        rows.add_row(
            plain(entity.kind), plain(entity.id, 40), _verdict(entity.old), _verdict(entity.new), f"{entity.events:,}"
        )
    show(console, rows)
    for example in summary.examples[:examples]:
        old, new = example.old, example.new
        truth = f"  (in truth: {plain(example.truth)})" if example.truth else ""
        console.print(f"  {plain(new.event_id, 60)} {plain(new.type)}: {old.verdict} → {new.verdict}{truth}")
        _print_reasons(console, "before", (hit.reason for hit in old.rules))
        _print_reasons(console, "now", (hit.reason for hit in new.rules))


def _print_reasons(console: Console, when: str, reasons: Iterable[str]) -> None:
    told = "; ".join(plain(reason) for reason in reasons)
    console.print(f"    {when}: {told or 'no rule matched'}", style="dim")


def _print_qualities(console: Console, summary: BacktestSummary) -> None:
    pairs = [("before", summary.old_quality), ("now", summary.new_quality)]
    if not any(quality for _, quality in pairs):
        return
    rows = table(
        "Against the known answers", "", ">precision", ">recall", ">PR-AUC", ">caught", ">missed", ">false alarms"
    )
    for name, quality in pairs:
        if quality is not None:
            rows.add_row(
                name,
                percent(quality.precision),
                percent(quality.recall),
                "-" if quality.pr_auc is None else f"{quality.pr_auc:.3f}",
                f"{quality.caught:,}",
                f"{quality.missed:,}",
                f"{quality.false_alarms:,}",
            )
    show(console, rows)
