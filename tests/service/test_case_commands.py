"""The commands of reports, cases and queues: what they show, and whom they do not name."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import pytest

from trustward import bootstrap
from trustward.adapters.store.opened import open_store
from trustward.cli.exits import Exit
from trustward.cli.run import run
from trustward.model.report import LegalNotice
from trustward.operations.reports import Said
from trustward.settings import Settings


def test_shown_without_names(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = ["--data", str(tmp_path)]
    with closing(open_store("", tmp_path)) as store:
        made = bootstrap.operations(Settings(data=str(tmp_path)), store)
        first = made.reports.receive(
            Said(
                channel="user",
                reporter="bartholomew",
                text="she asked me for money",
                category="scam",
                kind="account",
                entity="anneliese",
            ),
            "key:app",
        )
        notice = LegalNotice(law="l", place="https://shop.example/anneliese", good_faith=True, name="Dr. Cornelius")
        made.reports.receive(
            Said(
                channel="notice", notice=notice, text="it is hers", category="scam", kind="account", entity="anneliese"
            ),
            "key:app",
        )
    seen = []

    def shown(*words: str) -> str:
        assert run([*words, *data]) == 0
        seen.append(capsys.readouterr().out)
        return seen[-1]

    assert "1" in shown("queues")
    assert {one["queue"]: one["waiting"] for one in json.loads(shown("queues", "--json"))}["general"] == 1
    assert first.case in shown("cases", "list")
    (case,) = json.loads(shown("cases", "list", "--queue", "general", "--state", "open", "--json"))
    assert (case["id"], case["entity"], case["reports"]) == (first.case, "an…e", 2)
    assert json.loads(shown("cases", "list", "--state", "closed", "--json")) == []
    told = json.loads(shown("cases", "show", first.case, "--json"))
    assert [page["what"] for page in told["file"]] == ["opened", "reported", "reported"]
    assert "reported" in shown("cases", "show", first.case)
    assert first.id in shown("reports", "list", "--case", first.case)
    (sent,) = json.loads(shown("reports", "list", "--reporter", "user:bartholomew", "--json"))
    assert (sent["id"], sent["reporter"], sent["text"]) == (first.id, "user:ba…w", "(22 characters)")
    assert "received" in shown("reports", "show", first.id)
    assert json.loads(shown("reports", "show", first.id, "--json"))["entity"] == "an…e"
    for name in ("anneliese", "bartholomew", "Cornelius", "money"):
        assert all(name not in one for one in seen), name
    for words in (["cases", "show", "c9"], ["reports", "show", "r9"], ["cases", "list", "--queue", "q9"]):
        assert run([*words, *data]) == Exit.INPUT
        assert words[-1] in capsys.readouterr().err
    assert run(["reports", "list", *data]) == Exit.USAGE
    assert "--case or --reporter" in capsys.readouterr().err
