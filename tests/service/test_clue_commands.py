"""The commands of clues."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from trustward import bootstrap
from trustward.adapters.store.opened import open_store
from trustward.cli.exits import Exit
from trustward.cli.run import run
from trustward.model.authority import Facts
from trustward.operations.clues import Draft
from trustward.operations.requests import Answering, RequestWanted
from trustward.settings import Settings

FORM = {"what": "an ad", "advertiser": "nobody"}


def test_clues(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    where = tmp_path / "data"
    data = ["--data", str(where)]
    store = open_store("", where)
    clues = bootstrap.operations(Settings(data=str(where)), store).clues
    facts = Facts(category="scam", markets=("TW",), harm=60)
    said = {"authority": "TW-NPA", "actor": "kim", "summary": "one ad", "kind": "ad", "facts": facts, "fields": FORM}
    first, other = (clues.draft(Draft(entity=name, **said)) for name in ("x1", "x2"))  # type: ignore[arg-type]
    clues.approve(first.id, "lee")
    requests = bootstrap.operations(Settings(data=str(where)), store).requests
    wanted = {"by": "police", "contact": "desk@police.example", "basis": "s 47", "reference": "P/1", "actor": "kim"}
    asked = requests.receive(
        RequestWanted(**wanted, entities=(("account", "x1"),), data=("labels",), secret=True)  # type: ignore[arg-type]
    )
    requests.verify(asked.id, "lee", "known desk", genuine=True)
    requests.answer(asked.id, Answering(actor="kim", handed="by courier"))
    store.close()
    assert run(["clues", "list", *data]) == 0
    assert first.id in capsys.readouterr().out
    assert run(["clues", "list", *data, "--state", "drafted", "--authority", "TW-NPA", "--json"]) == 0
    assert [clue["id"] for clue in json.loads(capsys.readouterr().out)] == [other.id]
    assert run(["clues", "list", *data, "--state", "odd"]) == Exit.USAGE
    capsys.readouterr()
    assert run(["clues", "show", first.id, *data]) == 0
    shown = capsys.readouterr().out
    assert "National Police Agency" in shown
    assert "approved" in shown
    assert run(["clues", "show", first.id, *data, "--json"]) == 0
    assert [page["what"] for page in json.loads(capsys.readouterr().out)["file"]] == ["drafted", "approved"]
    assert run(["clues", "show", "none", *data]) == Exit.INPUT
    file = tmp_path / "out.tar"
    assert run(["clues", "bundle", first.id, str(file), *data]) == 0
    assert file.stat().st_mode & 0o777 == 0o600
    capsys.readouterr()
    assert run(["clues", "bundle", first.id, str(file), *data]) == Exit.USAGE
    assert run(["clues", "bundle", other.id, str(tmp_path / "b"), *data]) == Exit.INPUT
    assert run(["clues", "bundle", "request:none", str(tmp_path / "b"), *data]) == Exit.INPUT
    hidden = ["clues", "bundle", f"request:{asked.id}", str(tmp_path / "c"), *data]
    assert run(hidden) == Exit.INPUT
    assert "there is no request" in capsys.readouterr().err
    assert run([*hidden, "--secret"]) == 0
    capsys.readouterr()
    assert run(["clues", "key", *data]) == 0
    key = capsys.readouterr().out.strip()
    assert run(["clues", "verify", str(file), "--key", key]) == 0
    assert "the key that you gave" in capsys.readouterr().out.replace("\n", " ")
    assert run(["clues", "verify", str(file)]) == 0
    assert "not compared" in capsys.readouterr().out.replace("\n", " ")
    assert run(["clues", "verify", str(file), "--key", "0" * 64]) == Exit.FOUND
    assert "another key" in capsys.readouterr().out
    assert run(["clues", "verify", str(file), "--key", "0"]) == Exit.USAGE
    assert run(["clues", "verify", str(tmp_path / "none")]) == Exit.INPUT
    capsys.readouterr()
    file.write_bytes(file.read_bytes().replace(b"nobody", b"nobudy"))
    assert run(["clues", "verify", str(file), "--key", key]) == Exit.FOUND
    assert capsys.readouterr().out == "about.json: its content was changed\n"
    assert run(["clues", "verify", str(file), "--json"]) == Exit.FOUND
    assert json.loads(capsys.readouterr().out)["faults"][0]["file"] == "about.json"
