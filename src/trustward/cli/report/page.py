"""The page: what a replay found, for people who were not there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from importlib.resources import files
from itertools import islice
from pathlib import Path

from trustward.adapters.output import AtomicFile
from trustward.base.units import format_duration, format_time
from trustward.cli.account import actions_told, percent
from trustward.cli.console import counted
from trustward.cli.report.markup import Child, Markup, join, tag, text
from trustward.cli.report.plots import bar, precision_recall, score_histogram, timeline
from trustward.engine.summary import Example, ReplaySummary, RuleStat
from trustward.model.decision import VERDICTS, Verdict

MOST = 200
"""Rows of a table on the page; ``--json`` has them all."""

_TERMS = (
    ("flagged", "The verdict is not allow."),
    ("precision", "Of the events flagged, the share that is fraud in truth."),
    ("recall", "Of the fraud in truth, the share that was flagged."),
    ("PR-AUC", "Average precision over all score thresholds; a coin would reach the share of fraud."),
    ("degraded", "Something in the event could not be read or evaluated, and the policy's safe answer was taken."),
    ("mode", "live rules act; shadow rules are recorded only."),
)


def write_page(path: Path, summary: ReplaySummary, *, title: str = "What Trustward found") -> None:
    """Write the page as one file. It appears whole or not at all.

    Raises UsageError if the file cannot be written.
    """
    page = render_page(summary, title=title).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    with AtomicFile(path) as file:
        file.write(page)


def render_page(summary: ReplaySummary, *, title: str = "What Trustward found") -> str:
    """The page as text. It asks for nothing from anywhere, and says so to the browser."""
    style = Markup(files("trustward.cli.report").joinpath("style.css").read_text(encoding="utf-8"))
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        # No script, no picture from elsewhere, no form: whatever an event tried to smuggle in stays text.
        tag("meta", http_equiv="Content-Security-Policy", content="default-src 'none'; style-src 'unsafe-inline'"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("title", title),
        tag("style", style),
    )
    sections = (_when, _verdicts, _campaigns, _rules, _scores, _examples, _entities, _rejects)
    body = tag(
        "body",
        _header(summary, title),
        tag("main", _tiles(summary), *(section(summary) for section in sections)),
        _footer(summary),
    )
    return f"<!doctype html>\n{tag('html', head, body, lang='en')}\n"


def _header(summary: ReplaySummary, title: str) -> Markup:
    span: Child = None
    if summary.first_us is not None and summary.last_us is not None:
        span = (
            f", from {format_time(summary.first_us)[:16].replace('T', ' ')} to"
            f" {format_time(summary.last_us)[:16].replace('T', ' ')} UTC"
        )
    return tag(
        "header",
        tag("div", "Trustward", class_="brand"),
        tag("h1", title),
        tag(
            "p",
            f"{summary.events:,} events",
            span,
            ", through the policy ",
            tag("strong", summary.policy_name),
            " (",
            tag("code", summary.policy[:12]),
            ").",
            class_="lead",
        ),
    )


def _tiles(summary: ReplaySummary) -> Markup:
    quality = summary.quality
    tiles: list[tuple[str, str, str]] = [
        ("Events", f"{summary.events:,}", f"in {summary.seconds:.2f} s: {summary.events_per_s:,.0f} a second"),
        ("Flagged", f"{summary.flagged:,}", f"{percent(summary.flagged / max(1, summary.events))} of all events"),
    ]
    if quality is not None:
        tiles += [
            ("Precision", percent(quality.precision), counted(quality.false_alarms, "false alarm")),
            ("Recall", percent(quality.recall), f"{quality.caught:,} of {quality.caught + quality.missed:,} caught"),
        ]
        if quality.pr_auc is not None:
            tiles.append(("PR-AUC", f"{quality.pr_auc:.3f}", f"share of fraud: {percent(quality.base_rate)}"))
    matched = sum(1 for rule in summary.rules if rule.hits)
    tiles.append(("Rules that matched", f"{matched:,}", f"of {len(summary.rules):,}"))
    if summary.degraded or summary.rejected:
        tiles.append(("Set aside", f"{summary.rejected:,}", f"{summary.degraded:,} decisions degraded"))
    return tag(
        "dl",
        *(tag("div", tag("dt", name), tag("dd", value, tag("small", note))) for name, value, note in tiles),
        class_="tiles",
    )


def _section(name: str, lead: Child, *content: Child) -> Markup:
    return tag("section", tag("h2", name), tag("p", lead, class_="soft") if lead else None, *content)


def _table(headings: Sequence[str], rows: Iterable[Sequence[Child]], *, caption: str) -> Markup:
    """A table; a heading starts with ``>`` for a column of numbers, ``<`` for much text, ``=`` for bars."""
    kinds = [{">": "num", "<": "long", "=": "bars"}.get(heading[:1]) for heading in headings]
    names = [heading.lstrip("<>=") for heading in headings]
    head = tag("tr", *(tag("th", name, scope="col", class_=kind) for name, kind in zip(names, kinds, strict=True)))
    body = [
        tag(
            "tr",
            *(
                tag("th", cell, scope="row", class_=kind) if index == 0 else tag("td", cell, class_=kind)
                for index, (cell, kind) in enumerate(zip(row, kinds, strict=True))
            ),
        )
        for row in islice(rows, MOST)
    ]
    return tag(
        "div",
        tag("table", tag("thead", head), tag("tbody", *body), aria_label=caption),
        class_="scroll",
        tabindex=0,
        role="region",
        aria_label=caption,
    )


def _badge(verdict: Verdict) -> Markup:
    return tag("span", verdict, class_=f"badge {verdict}")


def _when(summary: ReplaySummary) -> Markup | None:
    if not summary.timeline:
        return None
    return _section("When", None, timeline(summary.timeline, summary.bucket_us))


def _verdicts(summary: ReplaySummary) -> Markup | None:
    if not summary.events:
        return None
    counts = [(verdict, summary.verdicts.get(verdict, 0)) for verdict in VERDICTS]
    most = max((count for verdict, count in counts if verdict != "allow"), default=0) or 1
    rows = [
        (
            _badge(verdict),
            f"{count:,}",
            percent(count / summary.events),
            bar([(count / most, verdict)], f"{count:,} events") if verdict != "allow" else None,
        )
        for verdict, count in counts
        if count
    ]
    lead = "How the events were answered, mildest first. The bars compare the verdicts other than allow."
    return _section("Verdicts", lead, _table(["verdict", ">events", ">share", "="], rows, caption="Events by verdict"))


def _campaigns(summary: ReplaySummary) -> Markup | None:
    if not summary.campaigns:
        return None

    def row(index: int) -> Sequence[Child]:
        campaign = ranked[index]
        recall = campaign.recall or 0.0
        after = campaign.first_flagged_after_us
        return (
            campaign.name,
            f"{campaign.events:,}",
            percent(campaign.recall),
            bar([(recall, "part"), (1 - recall, "none")], f"{percent(campaign.recall)} of its events flagged"),
            "never" if after is None else format_duration(after),
            "-" if campaign.events_before is None else f"{campaign.events_before:,}",
            ", ".join(campaign.rules),
        )

    ranked = sorted(summary.campaigns, key=lambda campaign: -campaign.events)
    headings = [
        "kind",
        ">events",
        ">recall",
        "=share flagged",
        ">first flagged after",
        ">events before",
        "<by the rules",
    ]
    return _section(
        "Fraud by kind",
        "What the known answers call it, how much of it was flagged, and how long it ran before the first flag.",
        _table(headings, (row(index) for index in range(len(ranked))), caption="Fraud by kind"),
    )


def _rules(summary: ReplaySummary) -> Markup | None:
    fired = sorted((rule for rule in summary.rules if rule.hits or rule.faults), key=lambda rule: -rule.hits)
    if not fired:
        return _section("Rules", "No rule matched.")
    most = max(rule.hits for rule in fired) or 1
    judged = summary.quality is not None
    faults = any(rule.faults for rule in fired)

    def hits(rule: RuleStat) -> Markup:
        if rule.caught is None:
            return bar([(rule.hits / most, "part")], f"{rule.hits:,} hits")
        wrong = rule.hits - rule.caught
        words = f"{rule.caught:,} hits on fraud, {wrong:,} on honest events"
        return bar([(rule.caught / most, "fraud"), (wrong / most, "honest")], words)

    def row(rule: RuleStat) -> Sequence[Child]:
        name = join(rule.id, tag("div", rule.owner, class_="soft") if rule.owner else None)
        asked = join(_badge(rule.verdict), " ", rule.mode if rule.mode != "live" else None)
        shares = (percent(rule.precision), percent(rule.recall)) if judged else ()
        if faults:
            shares = (f"{rule.faults:,}", *shares)
        return (name, asked, f"{rule.hits:,}", hits(rule), *shares, text(rule.reason, 300))

    shares = [*([">not evaluated"] if faults else []), *([">precision", ">recall"] if judged else [])]
    headings = ["rule", "asks for", ">hits", "=hits", *shares, "<for example"]
    key: Child = None
    if judged:
        keys = (tag("span", "fraud", class_="key fraud"), tag("span", "honest", class_="key honest"))
        key = tag("span", *keys, class_="legend")
    silent = [rule.id for rule in summary.rules if not rule.hits and not rule.faults]
    quiet: Child = None
    if silent:
        words = f"{counted(len(silent), 'rule')} never matched"
        quiet = tag("details", tag("summary", words), tag("p", ", ".join(silent)))
    lead = join("Every rule that matched, with one of its reasons. A rule may match beside others.", key)
    return _section("Rules", lead, _table(headings, map(row, fired), caption="Rules that matched"), quiet)


def _scores(summary: ReplaySummary) -> Markup | None:
    plots: list[Callable[[], Markup]] = []
    quality = summary.quality
    if summary.scores:
        plots.append(lambda: _section("Scores", None, score_histogram(summary.scores)))
    if quality is not None and quality.curve:
        plots.append(lambda: _section("Precision and recall", None, precision_recall(quality)))
    return tag("div", *(plot() for plot in plots), class_="pair") if plots else None


def _examples(summary: ReplaySummary) -> Markup | None:
    if not summary.examples:
        return None
    lead = "Single events with the rules that matched, the values that made them match, and what was done."
    return _section("Worked examples", lead, *(_example(example) for example in islice(summary.examples, 12)))


def _pairs(pairs: Iterable[tuple[object, object]]) -> Markup:
    return tag("dl", *(join(tag("dt", text(name, 200)), tag("dd", text(value, 400))) for name, value in pairs))


def _example(example: Example) -> Markup:
    decision = example.decision
    parts: list[Child] = [
        tag(
            "h3",
            _badge(decision.verdict),
            " ",
            decision.type,
            " ",
            tag("span", decision.event_id, class_="mono soft"),
            " ",
            tag("span", decision.time, class_="soft"),
        )
    ]
    notes = [f"score {decision.score:g}"]
    if example.truth is not None:
        notes.append(f"in truth: {example.truth or 'honest'}")
    if decision.degraded:
        notes.append("degraded")
    parts.append(tag("div", "; ".join(notes), class_="soft"))
    for hit in decision.rules:
        mode = f" ({hit.mode})" if hit.mode != "live" else ""
        why = tag("div", tag("strong", text(hit.reason, 400)), tag("div", f"rule {hit.id}{mode}", class_="soft"))
        parts.append(tag("div", why, _pairs(hit.values.items()) if hit.values else None, class_="why"))
    parts += [tag("div", f"{fault.path}: {fault.cause}", class_="why") for fault in decision.faults]
    if decision.actions:
        parts.append(tag("ul", *(tag("li", text(line, 300)) for line in actions_told(decision.actions))))
    if example.fields:
        parts.append(tag("details", tag("summary", "The event"), _pairs(example.fields.items())))
    return tag("article", *parts, class_="example")


def _entities(summary: ReplaySummary) -> Markup | None:
    if not summary.entities:
        return None
    rows = (
        (entity.kind, text(entity.id, 120), f"{entity.decisions:,}", _badge(entity.verdict), ", ".join(entity.rules))
        for entity in summary.entities
    )
    headings = ["kind", "<entity", ">decisions", "harshest", "<by the rules"]
    return _section("Most often acted on", None, _table(headings, rows, caption="Entities most often acted on"))


def _rejects(summary: ReplaySummary) -> Markup | None:
    if not summary.rejects:
        return None
    rows = ((r.path, text(r.cause, 300), f"{r.count:,}", f"{r.line:,}") for r in summary.rejects)
    return _section(
        "Faulty records",
        "Set aside, or decided on with the safe answer where the event itself could be read.",
        _table(["where", "<why", ">records", ">first line"], rows, caption="Faulty records"),
    )


def _footer(summary: ReplaySummary) -> Markup:
    sources = ", ".join(summary.sources)
    return tag(
        "footer",
        tag("p", f"Read from {sources}. " if sources else None, "Policy ", tag("code", summary.policy), "."),
        tag("dl", *(join(tag("dt", term), tag("dd", meaning)) for term, meaning in _TERMS)),
    )
