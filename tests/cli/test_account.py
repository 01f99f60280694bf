"""The account in the terminal."""

from __future__ import annotations

import io

import msgspec
import pytest
from rich.console import Console

from tests.cli.samples import HOSTILE, a_backtest, a_replay
from trustward.cli.account import print_backtest, print_replay
from trustward.cli.console import plain
from trustward.engine.summary import RuleStat


def printed(width: int, *, colour: bool = False) -> str:
    out = io.StringIO()
    console = Console(file=out, width=width, markup=False, highlight=False, force_terminal=colour)
    print_replay(console, a_replay())
    print_backtest(console, a_backtest())
    return out.getvalue()


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_every_line_fits_and_no_event_steers_the_terminal(width: int) -> None:
    told = printed(width)
    assert not set("\x1b\u202e\ud800\x00") & set(told)
    tables = [line for line in told.splitlines() if line.startswith(" ") and not line.startswith("  ")]
    assert all(len(line) <= max(width, 110) for line in tables)


def test_what_the_account_says() -> None:
    told = printed(120)
    for expected in (
        "90,790 events in 0.71 s",
        "precision 93.8%, recall 80.0%, PR-AUC 0.810",
        "rule-0",
        "never",
        "in truth: spam-wave",
        "because 33 people contacted within an hour (mass-contact)",
        "contacts_1h = 33",
        "label account",
        "for 7d",
        "7 of 1,000 events get another verdict",
        "allow → hold",
    ):
        assert expected in told


def test_rules_that_could_not_be_evaluated_are_told() -> None:
    out = io.StringIO()
    summary = a_replay()
    odd = RuleStat(id="odd", mode="live", verdict="hold", hits=0, faults=41)
    print_replay(Console(file=out, width=120), msgspec.structs.replace(summary, rules=(*summary.rules, odd)))
    assert "not evaluated" in out.getvalue()
    assert "not evaluated" not in printed(120)
    assert any("odd" in line and "41" in line for line in out.getvalue().splitlines())


def test_markup_of_the_terminal_is_not_obeyed() -> None:
    out = io.StringIO()
    console = Console(file=out, width=120, markup=False, highlight=False)
    print_replay(console, a_replay(hostile="[bold red]x[/] :smile:"))
    assert "[bold red]x[/]" in out.getvalue()


def test_plain_keeps_the_languages_of_the_world() -> None:
    for word in ("诈骗", "ทดสอบ", "café", "मुद्रा", "👩"):
        assert plain(word) == word
    assert plain(HOSTILE).isprintable()
