"""Commands given names that are not there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from trustward.cli.exits import Exit
from trustward.cli.run import run

RULES = """
rule(
    id="long", on="message.sent", when=event.length > 3, then=[hold(event)], reason="x", fraud="spam", owner="me",
    hits=[{"sender": "a", "length": 5}], misses=[{"sender": "a", "length": 1}],
)
rule(
    id="deep", on="message.sent", when=event.length > 9, then=[hold(event)], reason="x", fraud="spam", owner="me",
    hits=[{"sender": "a", "length": 50}], misses=[{"sender": "a", "length": 1}],
)
rule(
    id="other", on="password.changed", when=event.device == "d", then=[hold(event)], reason="x", fraud="spam",
    owner="me", hits=[{"account": "a", "device": "d"}], misses=[{"account": "a"}],
)
"""


@pytest.fixture
def given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "a.policy").write_text(RULES, encoding="utf-8")
    event = {"type": "message.sent", "id": "m1", "time": "2026-01-05T10:00:00Z", "sender": "a", "length": 4}
    (tmp_path / "e.ndjson").write_text(json.dumps(event), encoding="utf-8")


EVENT = ["--event", "m1", "--events", "e.ndjson"]


@pytest.mark.usefixtures("given")
def test_a_rule_that_is_not_there_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["policy", "explain", "p", "lang", *EVENT]) == Exit.USAGE
    assert "did you mean long?" in capsys.readouterr().err
    assert run(["policy", "explain", "p", "other", *EVENT]) == Exit.FINE
    assert "other  is not on message.sent" in capsys.readouterr().out


@pytest.mark.usefixtures("given")
def test_only_the_rules_asked_for_are_explained(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["policy", "explain", "p", "deep", *EVENT, "--json"]) == Exit.FINE
    assert [rule["id"] for rule in json.loads(capsys.readouterr().out)["rules"]] == ["deep"]


@pytest.mark.usefixtures("given")
def test_a_mode_that_is_not_there_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["policy", "list", "p", "--mode", "dead"]) == Exit.USAGE
    assert "live, shadow, draft" in capsys.readouterr().err
