"""The commands over a database: keys, and backups."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.service.kit import host_over, stream
from trustward.adapters.store.opened import open_store
from trustward.base.clock import now_us
from trustward.cli.exits import Exit
from trustward.cli.run import run
from trustward.operations.keys import check_key


def test_keys(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = ["--data", str(tmp_path / "data")]
    assert run(["keys", "create", *data, "--scope", "decide", "--scope", "read", "--name", "shop"]) == 0
    text = capsys.readouterr().out.strip()
    store = open_store("", tmp_path / "data")
    key = check_key(text, store.keys, now_us())
    assert key is not None
    assert (key.name, key.scopes) == ("shop", ("decide", "read"))
    assert run(["keys", "create", *data, "--scope", "decide", "--lasts", "90d", "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert made["expires_us"] > now_us()
    assert run(["keys", "list", *data]) == 0
    shown = capsys.readouterr().out
    assert key.id in shown
    assert text.rpartition("_")[2] not in shown
    assert run(["keys", "revoke", key.id, *data]) == 0
    assert check_key(text, store.keys, now_us() + 1) is None
    assert run(["keys", "list", *data, "--json"]) == 0
    assert "revoked_us" in capsys.readouterr().out
    assert [row.action for row in store.audit.read(0, 10)] == ["key.created", "key.created", "key.revoked"]
    store.close()


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["keys", "create", "--scope", "decid"], Exit.USAGE, "did you mean decide"),
        (["keys", "create", "--scope", "read", "--lasts", "long"], Exit.USAGE, "90d"),
        (["keys", "revoke", "nobody"], Exit.USAGE, "there is no database in"),
        (["db", "check", "--database", "mysql://x/y"], Exit.USAGE, "no such kind of database"),
        (["db", "restore", "nowhere"], Exit.INPUT, "no file"),
        (["db", "restore", __file__], Exit.INPUT, "is no backup"),
    ],
)
def test_what_is_refused(
    words: list[str], code: int, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*words, "--data", str(tmp_path / "data")]) == code
    assert told in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ["db", "check"],
        ["db", "backup", "file"],
        ["keys", "list"],
        ["users", "list"],
        ["users", "reset", "kim"],
        ["users", "create-link", "kim"],
        ["archive"],
        ["query", "select 1"],
        ["audit", "list"],
        ["retention", "run"],
        ["duties", "list"],
        ["cases", "list"],
        ["cases", "batches"],
        ["clues", "list"],
        ["orders", "list"],
        ["worker"],
    ],
)
def test_what_looks_at_data_makes_none(words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*words, "--data", str(tmp_path / "data")]) == Exit.USAGE
    assert "there is no database in" in capsys.readouterr().err
    assert not (tmp_path / "data").exists()


def test_a_wrong_setting_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TRUSTWARD_DATABSE", "x")
    assert run(["db", "check", "--data", str(tmp_path)]) == Exit.USAGE
    assert "TRUSTWARD_DATABASE" in capsys.readouterr().err


def test_the_database(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, other = ["--data", str(tmp_path / "data")], ["--data", str(tmp_path / "other")]
    assert run(["db", "upgrade", *data]) == 0
    assert "is now" in capsys.readouterr().out
    assert run(["db", "upgrade", *data, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["before"] == found["after"]
    assert run(["keys", "revoke", "nobody", *data]) == Exit.INPUT
    assert "no such key" in capsys.readouterr().err
    assert run(["keys", "list", *data]) == 0
    assert capsys.readouterr().out == "none\n"
    store = open_store("", tmp_path / "data")
    host = host_over(store)
    host.start()
    host.submit(stream(100)).result()
    file = str(tmp_path / "file")
    assert run(["db", "backup", file, *data]) == 0
    # Nothing is done to the tables of a service that runs.
    capsys.readouterr()
    for words in (["db", "upgrade"], ["db", "restore", file]):
        assert run([*words, *data]) == Exit.INPUT
        assert "TW-520: a service writes to this data" in capsys.readouterr().err
    host.submit(stream(5, prefix="later")).result()
    host.close()
    store.close()
    assert run(["db", "restore", file, *other, "--json"]) == 0
    assert run(["db", "restore", file, *other]) == Exit.USAGE
    capsys.readouterr()
    assert run(["db", "check", *other]) == 0
    assert "nothing to complain about; the last entry is 101" in capsys.readouterr().out
    broken = open_store("", tmp_path / "other")
    with broken.database.write() as connection:
        connection.exec_driver_sql("UPDATE writer SET last_seq = 500")
    broken.close()
    assert run(["db", "check", *other, "--json"]) == Exit.FOUND
    assert json.loads(capsys.readouterr().out)["faults"] == ["journal: it ends at 101, and should at 500"]
