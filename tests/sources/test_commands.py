"""trustward source."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.sources.worlds import FolderWorld
from trustward.cli.exits import Exit
from trustward.cli.run import run
from trustward.testing.source_contracts import message


def test_list_and_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    data = ["--data", str(tmp_path / "data")]
    assert run(["source", "list", *data]) == 0
    assert "no sources" in capsys.readouterr().out
    world = FolderWorld(tmp_path)
    tables = [{"name": "orders", "kind": "folder", "path": str(world.folder), "still": "0s"}]
    monkeypatch.setenv("TRUSTWARD_SOURCES", json.dumps(tables))
    assert run(["source", "list", *data, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == {"sources": [{"name": "orders", "kind": "folder"}], "kinds": ["folder", "kafka", "nats"]}
    assert run(["source", "list", *data]) == 0
    assert "orders" in capsys.readouterr().out
    world.put([message("a"), message("b")])
    assert run(["source", "check", "orders", *data]) == 0
    assert "2 events next, 0 faults" in capsys.readouterr().out
    world.put([b"no json"])
    (world.folder / "0001.ndjson").unlink()
    assert run(["source", "check", "orders", *data]) == Exit.FOUND
    assert "not JSON" in capsys.readouterr().out
    assert (world.folder / "0002.ndjson").exists(), "nothing is confirmed"
    assert run(["source", "check", "ordres", *data]) == Exit.USAGE
    assert "no such source" in capsys.readouterr().err


def test_a_source_that_cannot_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tables = [{"name": "orders", "kind": "folder", "path": str(tmp_path / "nowhere")}]
    monkeypatch.setenv("TRUSTWARD_SOURCES", json.dumps(tables))
    assert run(["source", "check", "orders", "--data", str(tmp_path / "data")]) == Exit.INPUT
    assert "TW-350" in capsys.readouterr().err
