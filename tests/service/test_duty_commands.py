"""The commands of duties."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.operations.kit import DAY_US, Time, duties_over
from trustward.adapters.store.opened import open_store
from trustward.cli.exits import Exit
from trustward.cli.run import run
from trustward.model.duty import Evidence
from trustward.operations.duties import Owed


def test_list_and_show(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = ["--data", str(tmp_path)]
    store, time = open_store("", tmp_path), Time()
    duties = duties_over(store, time)
    for subject, owner in (("ad:1", "kim"), ("ad:2", "lee")):
        duties.open(Owed(clock="TW-FCHPA-32", subject=subject, actor="kim", owner=owner, reason="a notice"))
    time.on(2 * DAY_US)
    duties.fire()
    duties.done("d1", "kim", Evidence(said="removed"))
    assert run(["duties", "list", *data]) == 0
    shown = capsys.readouterr().out
    assert "d2" in shown
    assert "overdue" in shown
    assert "ad:1" not in shown
    assert run(["duties", "list", *data, "--breached", "--json"]) == 0
    assert [duty["id"] for duty in json.loads(capsys.readouterr().out)] == ["d1", "d2"]
    assert run(["duties", "list", *data, "--all", "--owner", "kim", "--json"]) == 0
    assert [duty["state"] for duty in json.loads(capsys.readouterr().out)] == ["done"]
    assert run(["duties", "show", "d1", *data]) == 0
    shown = capsys.readouterr().out
    assert "breached" in shown
    assert "removed" in shown
    assert run(["duties", "show", "d1", *data, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [page["what"] for page in told["file"]][-1] == "done"
    assert run(["duties", "show", "d9", *data]) == Exit.INPUT
    assert "d9" in capsys.readouterr().err
    store.close()
