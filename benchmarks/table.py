"""The table of figures for ``benchmarks/README.md``, from what ``trustward bench all --json`` printed.

trustward bench all --json > figures.ndjson
python benchmarks/table.py figures.ndjson
"""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from trustward.cli.bench.result import Bar, Figure, Result
from trustward.cli.bench.run import plain


def main() -> None:
    """Print the table, and the machine below it."""
    lines = Path(sys.argv[1]).read_bytes().splitlines()
    results = [msgspec.json.decode(line, type=Result) for line in lines if line.strip()]
    print("| benchmark | what | median | least to most | bar |")
    print("| --- | --- | ---: | ---: | --- |")
    for found in results:
        bars = {bar.figure: bar for bar in found.bars}
        for one in (*found.figures, *found.yardsticks, *found.ratios):
            name = f"*yardstick:* {one.name}" if one in found.yardsticks else one.name
            print(f"| `{found.name}` | {name} | {plain(one.median)} {one.unit} | {_spread(one)} | {_bar(bars, one)} |")
    print()
    for what, fact in results[0].machine.items():
        print(f"- {what}: {fact}")


def _spread(one: Figure) -> str:
    return f"{plain(one.least)} to {plain(one.most)} ({one.repeats})"


def _bar(bars: dict[str, Bar], one: Figure) -> str:
    bar = bars.get(one.name)
    if bar is None:
        return ""
    sense = "at least" if bar.at_least else "at most"
    return f"{sense} {plain(bar.limit)}: {'met' if bar.met else '**not met**'}"


if __name__ == "__main__":
    main()
