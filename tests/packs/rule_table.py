"""The tables of docs/packs.md, made from the packs themselves.

Write the page anew with ``python -m tests.packs.rule_table docs/packs.md``.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path

from trustward import bootstrap
from trustward.policy import Policy, Rule

BEGIN, END = "<!-- rules: made by tests/packs/rule_table.py -->", "<!-- end of rules -->"


def cell(text: str) -> str:
    """A text that a Markdown table can hold."""
    return " ".join(text.replace("|", "\\|").split())


def row(rule: Rule) -> str:
    """One rule, one line."""
    mode = "" if rule.mode == "live" else f" ({rule.mode})"
    return (
        "| "
        + " | ".join(
            [
                f"`{rule.id}`{mode}",
                ", ".join(f"`{name}`" for name in rule.types),
                cell(rule.reason_text),
                rule.verdict if rule.verdict != "allow" else "none",
                rule.fraud,
                ", ".join(rule.answers),
                rule.owner,
            ]
        )
        + " |"
    )


def render(policy: Policy) -> str:
    """All rules of a pack, a table for each of its files, and the labels that tie them together."""
    areas: dict[str, list[Rule]] = defaultdict(list)
    for rule in policy.rules:
        areas[rule.span.source.name].append(rule)
    lines = []
    for source in sorted(policy.sources, key=lambda source: source.name):
        if source.name not in areas:
            continue
        lines += [f"### {source.name}", ""]
        lines += ["| rule | on | reason that it gives | verdict | fraud | answers | owner |", "| --- " * 7 + "|"]
        lines += [row(rule) for rule in areas[source.name]]
        lines.append("")
    lines += ["### Labels", "", "| label | set by |", "| --- | --- |"]
    setters: dict[str, list[str]] = defaultdict(list)
    for rule in policy.rules:
        for label in rule.sets_labels:
            setters[label].append(f"`{rule.id}`")
    lines += [f"| {label} | {', '.join(setters[label])} |" for label in sorted(setters)]
    return "\n".join(lines)


def inserted(page: str, tables: str) -> str:
    """The page with the tables between its marks."""
    if BEGIN not in page or END not in page:
        raise ValueError(f"the page has no marks {BEGIN} and {END}")
    head, _, rest = page.partition(BEGIN)
    tail = rest.partition(END)[2]
    return f"{head}{BEGIN}\n\n{tables}\n\n{END}{tail}"


def main(arguments: list[str]) -> int:
    """Write the page that is named."""
    path = Path(arguments[0])
    tables = render(bootstrap.load("starter"))
    path.write_text(inserted(path.read_text(encoding="utf-8"), tables), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
