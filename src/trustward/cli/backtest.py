"""``trustward backtest``: what changes when one policy takes another's place."""

from __future__ import annotations

from typing import Annotated

import typer

from trustward.cli import options


def backtest(
    events: options.Events,
    *,
    policy: options.Policy,
    against: Annotated[
        str,
        typer.Option(
            "--against", metavar="DIR", help="The policy to compare with, usually the live one.", show_default=False
        ),
    ],
    mapping: options.Mapping = None,
    form: options.Form = None,
    labels: options.Labels = None,
    catalogue: options.Catalogue = None,
    strict: options.Strict = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Say what changes when one policy takes another's place.

    The events are replayed under both; the answer goes by verdict, rule and entity, with examples.
    """
    from trustward.base.clock import now_us
    from trustward.bootstrap import backtest as run
    from trustward.cli.console import answers, emit_json, watching

    with watching("Backtesting", quiet=quiet) as watch:
        summary = run(
            events,
            policy,
            against,
            mapping=mapping,
            form=form,
            labels=labels,
            catalogue=catalogue or (),
            strict=strict,
            now_us=now_us(),
            progress=watch,
        )
    if json:
        emit_json(summary)
        return
    from trustward.cli.account import print_backtest

    print_backtest(answers(), summary)
