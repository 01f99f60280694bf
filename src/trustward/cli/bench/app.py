"""The command: one subcommand for each benchmark, and one for all of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

BENCHMARKS = {
    "replay": "A file of events to a file of decisions, against the bare decode of the same file.",
    "windows": "Counts and totals over three windows, against DuckDB's own window functions.",
    "single": "One event at a time, in process: how long each takes.",
    "rules": "Sixteen stateless rules over decoded events, against a hand-written function.",
    "first-run": "A fresh copy with empty caches: how long to the first decision; and a read-only installation.",
    "memory": "Bytes for each retained event; ten million of them and a million keys.",
    "keys": "Throughput with ten thousand to ten million keys.",
    "start": "How long the command line takes to start.",
    "snapshot": "Writing and restoring the state at a million keys.",
    "restart": "A killed service, a million events after its last snapshot: how long until it answers again.",
    "hour": "An hour at 1,000 events a second, compressed in time: whether memory grows once the windows are full.",
    "serve": "The service over HTTP, durable, against a bare handler of the same framework.",
    "routes": "Every route over HTTP with a million cases, five million reports, ten million decisions.",
    "simulate": "The synthetic world: events a second to disk.",
    "screening": "Texts and links in batches and one by one, and a replay that screens them all.",
}
"""Every benchmark and what it measures; the module of each has its name, with _ for -."""

app = typer.Typer(name="bench", help="Measure speed and size on this machine.", rich_markup_mode=None)

Scale = Annotated[
    float, typer.Option("--scale", metavar="X", help="Multiply every size; small for a quick look.", min=0.0001, max=10)
]
Repeats = Annotated[int, typer.Option("--repeats", metavar="N", help="How often each figure is measured.", min=1)]
Seed = Annotated[int, typer.Option("--seed", metavar="S", help="Decides the inputs.")]
Json = Annotated[
    bool | None,
    typer.Option(
        "--json/--table",
        help="One JSON object for each benchmark, or a table. Without either: a table on a terminal, else JSON.",
        show_default=False,
    ),
]


def _command(name: str) -> Callable[..., None]:
    def bench(*, scale: Scale = 1.0, repeats: Repeats = 5, seed: Seed = 7, json: Json = None) -> None:
        from trustward.cli.bench.run import run

        run([name], scale=scale, repeats=repeats, seed=seed, json=json)

    bench.__doc__ = BENCHMARKS[name]
    return bench


for _name in BENCHMARKS:
    app.command(name=_name)(_command(_name))


@app.command(name="all")
def every(*, scale: Scale = 1.0, repeats: Repeats = 5, seed: Seed = 7, json: Json = None) -> None:
    """All of them, one after the other."""
    from trustward.cli.bench.run import run

    run(list(BENCHMARKS), scale=scale, repeats=repeats, seed=seed, json=json)


@app.callback(invoke_without_command=True)
def bench(context: typer.Context) -> None:
    """Measure speed and size on this machine; without a name, everything (about half an hour at full size)."""
    if context.invoked_subcommand is None:
        every()
