"""Runs benchmarks one after the other and shows what they found."""

from __future__ import annotations

import importlib
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec
import typer

from trustward.cli.bench.result import Bar, Figure, Result, Settings
from trustward.cli.console import answers, messages
from trustward.cli.exits import Exit


def run(names: Sequence[str], *, scale: float, repeats: int, seed: int, json: bool | None) -> None:
    """Run the named benchmarks; inputs lie in a temporary folder and are removed.

    ``json`` None: JSON unless standard output is a terminal. Ends in exit code 1 if a bar is not met or results differ
    that must be equal.
    """
    as_json = not sys.stdout.isatty() if json is None else json
    console = messages()
    results = []
    with tempfile.TemporaryDirectory(prefix="trustward-bench-") as folder:
        settings = Settings(
            folder=Path(folder),
            scale=scale,
            repeats=repeats,
            seed=seed,
            say=lambda line: console.print(line, style="dim"),
        )
        for name in names:
            module = importlib.import_module(f"trustward.cli.bench.{name.replace('-', '_')}")
            found: Result = module.measure(settings)
            results.append(found)
            if as_json:
                sys.stdout.write(msgspec.json.encode(found).decode() + "\n")
                sys.stdout.flush()
            else:
                show(found)
    if not all(found.met for found in results):
        raise typer.Exit(Exit.FOUND)


def show(found: Result) -> None:
    """One benchmark as a table."""
    from rich.table import Table

    console = answers()
    console.print(f"\n{found.name}: {found.about}", style="bold")
    table = Table(box=None, pad_edge=False, show_edge=False)
    for heading in ("what", "median", "least", "most", "unit", "bar"):
        table.add_column(heading, justify="left" if heading in {"what", "unit", "bar"} else "right")
    bars = {bar.figure: bar for bar in found.bars}
    for group, mark in ((found.figures, ""), (found.yardsticks, "yardstick: "), (found.ratios, "")):
        for one in group:
            table.add_row(mark + one.name, *_numbers(one), one.unit, _bar(bars.get(one.name)))
    console.print(table)
    if found.equal is not None:
        console.print("results equal: " + ("yes" if found.equal else "NO"))
    if found.sizes:
        console.print("sizes: " + ", ".join(f"{what} {size:,}" for what, size in found.sizes.items()), style="dim")
    for note in found.notes:
        console.print(note, style="dim")
    console.print("machine: " + ", ".join(f"{what} {fact}" for what, fact in found.machine.items()), style="dim")


def _numbers(one: Figure) -> tuple[str, str, str]:
    return plain(one.median), plain(one.least), plain(one.most)


def plain(number: float) -> str:
    """A number for people: three significant digits, or whole with separators.

    >>> plain(1234567.8), plain(12.345), plain(0.01234)
    ('1,234,568', '12.3', '0.0123')
    """
    return f"{number:,.0f}" if abs(number) >= 1000 else f"{number:.3g}"


def _bar(bar: Bar | None) -> str:
    if bar is None:
        return ""
    sense = "at least" if bar.at_least else "at most"
    return f"{sense} {plain(bar.limit)}: {'met' if bar.met else 'NOT met'}"
