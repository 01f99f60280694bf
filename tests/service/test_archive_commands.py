"""The commands that archive, check, derive again and explain: what they print, and how they end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.service.test_archive import every, filled
from tests.service.test_queries import ran
from trustward.adapters.store.opened import open_store
from trustward.model.archived import day_of


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    store = open_store("", folder)
    filled(store)
    store.close()
    return folder


def test_archive_check_and_derive_again(folder: Path) -> None:
    data = ["--data", str(folder)]
    assert "2031-03-01 and later days stay" in ran("archive", "--before", "2031-03-01", *data)
    said = ran("archive", *data)
    assert said.startswith("2031-03-01: entries 1 to ")
    assert "it stays" in said
    (stopped,) = [json.loads(line) for line in ran("archive", "--json", *data).splitlines()]
    assert stopped["stopped"]["why"] == "not over"
    assert "0 faults" in ran("archive", "--check", *data)
    store = open_store("", folder)
    days = sorted({day_of(segment.at_us) for segment in every(store)})
    held = next(segment for segment in every(store) if segment.decisions)
    event_id = held.decided()[min(held.decided())].event_id
    store.close()
    for day in days:
        assert "all equal" in ran("audit", "replay", "--day", day, *data)
    told = json.loads(ran("audit", "replay", "--day", days[-1], "--from", "0", "--json", *data))
    assert (told["begun"], told["differences"]) == (0, 0)
    assert "holds" in json.dumps(json.loads(ran("audit", "explain", event_id, "--json", *data))["rules"])
    assert event_id in ran("audit", "explain", event_id, *data)
    assert "the index goes up to entry" in ran("audit", "index", *data)
    assert "the index goes up to entry" in ran("audit", "index", "--rebuild", *data)
    assert "nothing to complain about" in ran("db", "check", *data)
    path = folder / "archive" / days[0] / "actions.parquet"
    path.write_bytes(path.read_bytes()[:-1])
    assert "actions.parquet" in ran("archive", "--check", *data, code=1)
    assert f"archive: {days[0]}: actions.parquet" in ran("db", "check", *data, code=1)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["archive", "--before", "yesterday"], 2, "2026-01-31"),
        (["audit", "replay", "--day", "2031-02-30"], 2, "no such day"),
        (["audit", "replay", "--day", "2001-01-01"], 3, "has no entry"),
        (["audit", "explain", "nobody"], 3, "no event has the id"),
        (["query", "select 1", "--csv", "--json"], 2, "leave one of them out"),
    ],
)
def test_what_is_wrong_is_said(folder: Path, words: list[str], code: int, said: str) -> None:
    assert said in ran(*words, "--data", str(folder), code=code)


def test_a_decision_that_was_changed_ends_in_1(tmp_path: Path) -> None:
    store = open_store("", tmp_path)
    filled(store)
    held = next(segment for segment in every(store) if segment.decisions)
    with store.database.write() as connection:
        connection.exec_driver_sql("UPDATE segments SET decisions = NULL WHERE first = ?", (held.first,))
    store.close()
    day = ["--day", day_of(held.at_us), "--data", str(tmp_path)]
    assert "verdict" in ran("audit", "replay", *day, code=1)
    differences = [json.loads(line) for line in ran("audit", "replay", "--json", *day, code=1).splitlines()]
    assert differences[0]["difference"]["stored"]["verdict"] == "allow"
    assert differences[-1]["differences"] == len(held.decided()) == len(differences) - 1
