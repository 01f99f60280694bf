"""Questions in SQL over archived and live entries; and what cannot be asked."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.service.test_archive import archived, every, filled
from trustward.adapters.store.opened import DatabaseStore, open_store
from trustward.cli.run import run
from trustward.model.journal import Found, found_in


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[DatabaseStore, Path, list[Found]]]:
    folder = tmp_path_factory.mktemp("data")
    store = open_store("", folder)
    filled(store)
    found = [
        one for segment in every(store) if segment.kind == "events" for one in found_in(segment, range(segment.count))
    ]
    archived(store)
    assert 0 < store.archived.upto() < store.journal.head()
    yield store, folder, found
    store.close()


def ran(*words: str, code: int = 0) -> str:
    """What a command prints, answers and messages alike."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        assert run(list(words)) == code, err.getvalue()
    return out.getvalue() + err.getvalue()


def asked(folder: Path, text: str) -> list[Any]:
    return [msgspec.json.decode(line) for line in ran("query", text, "--json", "--data", str(folder)).split("\n")[:-1]]


def test_over_archived_and_live(data: tuple[DatabaseStore, Path, list[Found]]) -> None:
    store, folder, found = data
    verdicts = asked(folder, "select verdict, count(*) as n from decisions group by 1")
    assert {row["verdict"]: row["n"] for row in verdicts} == Counter(one.decision.verdict for one in found)
    rows = asked(folder, "select entry, id, type, body from events order by entry")
    assert [(row["entry"], row["id"]) for row in rows] == [(one.seq, one.decision.event_id) for one in found]
    assert [row["body"].encode() for row in rows] == [one.body for one in found]
    actions = asked(folder, 'select action, "do", entity from actions')
    wanted = [(one.seq, n) for one in found for n, action in enumerate(one.decision.actions) if not action.proposed]
    assert sorted(row["action"] for row in actions) == sorted(f"{seq}-{n}" for seq, n in wanted)
    (changes,) = asked(folder, "select count(*) as n, count(distinct entry) as d from changes")
    assert changes["n"] == changes["d"] == sum(segment.kind == "change" for segment in every(store))
    joined = asked(
        folder,
        "select e.id from events e join decisions d using (entry) where list_contains(d.rules, d.rules[1]) order by 1",
    )
    assert [row["id"] for row in joined] == sorted(one.decision.event_id for one in found if one.decision.rules)


def test_forms(data: tuple[DatabaseStore, Path, list[Found]]) -> None:
    folder = data[1]
    text = "select entry, decided, rules, faults from events join decisions using (entry, decided) order by entry"
    rows = list(csv.reader(io.StringIO(ran("query", text, "--csv", "--data", str(folder)))))
    assert rows[0] == ["entry", "decided", "rules", "faults"]
    assert len(rows) == len(data[2]) + 1
    table = ran("query", text, "--data", str(folder))
    assert "decided" in table
    assert "more than these 200 rows" in table


@pytest.mark.parametrize(
    "text",
    [
        "select * from read_csv('/etc/passwd')",
        "select * from '/etc/passwd'",
        "select * from read_text('{folder}/trustward.db')",
        "select * from glob('/*')",
        "select * from sqlite_scan('{folder}/trustward.db', 'api_keys')",
        "select getenv('HOME')",
        "copy (select 1) to '{folder}/x.csv'",
        "copy events to '{folder}/x.parquet'",
        "attach '{folder}/trustward.db' as x (type sqlite)",
        "install httpfs",
        "load httpfs",
        "set enable_external_access = true",
        "pragma database_list",
        "create table t as select 1",
        "drop view events",
        "insert into events select * from events",
        "select 1; select 2",
        "export database '{folder}/out'",
        "call pragma_version()",
        "",
        "not sql",
        "select * from evnts",
        "select * from found",
        "select * from files",
    ],
)
def test_what_cannot_be_asked(data: tuple[DatabaseStore, Path, list[Found]], text: str) -> None:
    folder = data[1]
    before = sorted(str(path) for path in folder.rglob("*"))
    out = ran("query", text.format(folder=folder), "--data", str(folder), code=2)
    assert "root:" not in out
    assert sorted(str(path) for path in folder.rglob("*")) == before
