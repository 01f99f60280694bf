"""What only a folder does: partial files, tables, broken files, names that come again."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import msgspec
import pytest

import pyarrow as pa
import pyarrow.parquet as pq
from tests.sources.worlds import FolderWorld, tools
from trustward.adapters.sources.folder import FolderSettings, FolderSource
from trustward.base.errors import SourceError
from trustward.testing.source_contracts import finish, ids, message, take

MAPPING = """
[[event]]
type = "message.sent"
id = "row-{no}"
time = "at"
[event.fields]
sender = "who"
"""


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


@pytest.fixture
def world(tmp_path: Path) -> FolderWorld:
    return FolderWorld(tmp_path)


def run(world: FolderWorld, count: int) -> list[str]:
    """Read and confirm; the ids."""
    source = world.make()
    source.open()
    batches = take(source, count)
    finish(source, batches)
    source.close()
    return ids(batches)


@pytest.mark.parametrize("name", [".hidden", "_x.ndjson", "a.part", "b.ndjson.tmp", "c.csv~", "d.rejects.ndjson"])
def test_what_is_not_finished_is_not_read(world: FolderWorld, name: str) -> None:
    (world.folder / name).write_bytes(message("no") + b"\n")
    (world.folder / "z.ndjson").write_bytes(message("yes") + b"\n")
    assert run(world, 1) == ["yes"]
    assert (world.folder / name).exists()


def test_links_folders_and_pipes_are_left_alone(world: FolderWorld, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(message("no") + b"\n")
    (world.folder / "a.ndjson").symlink_to(tmp_path / "secret")
    (world.folder / "b").mkdir()
    os.mkfifo(world.folder / "c.ndjson")
    (world.folder / "z.ndjson").write_bytes(message("yes") + b"\n")
    assert run(world, 1) == ["yes"]


def test_a_file_that_changes_is_read_when_it_is_still(tmp_path: Path) -> None:
    now_us = 10**15
    settings = FolderSettings(path=str(tmp_path / "in"), poll="0s", still="5s")
    (tmp_path / "in").mkdir()
    file = tmp_path / "in" / "a.ndjson"
    file.write_bytes(message("a") + b"\n")
    os.utime(file, ns=(now_us * 1000, (now_us - 1_000_000) * 1000))
    source = FolderSource("in", settings, tools(tmp_path / "memory", lambda: now_us))
    source.open()
    assert source.read(0.05) is None
    now_us += 6_000_000
    assert ids(take(source, 1)) == ["a"]
    source.close()


def test_a_file_that_grows_while_it_is_read_is_read_again(world: FolderWorld) -> None:
    world.put([message("a"), b"half a l"])
    source = world.make()
    source.open()
    batches = take(source, 2)
    file = world.folder / "0001.ndjson"
    file.write_bytes(message("a") + b"\n" + message("b") + b"\n")
    finish(source, batches)
    assert names(world.folder / "done") == []
    assert names(world.rejects()) == []
    again = take(source, 2)
    assert ids(again) == ["a", "b"]
    finish(source, again)
    source.close()
    assert names(world.folder / "done") == ["0001.ndjson"]
    assert world.aside() == []


def test_tables_packed_files_and_empty_ones(tmp_path: Path) -> None:
    mapping = tmp_path / "rows.toml"
    mapping.write_text(MAPPING, encoding="utf-8")
    world = FolderWorld(tmp_path, mapping=str(mapping))
    (world.folder / "1.csv").write_text("no,at,who\n1,2026-01-05T10:00:00Z,a\n2,yesterday,b\n", encoding="utf-8")
    rows = {"no": ["3"], "at": ["2026-01-05T10:00:00Z"], "who": ["c"]}
    pq.write_table(pa.table(rows), world.folder / "2.parquet")
    (world.folder / "3.csv.gz").write_bytes(gzip.compress(b"no,at,who\n4,2026-01-05T10:00:00Z,d\n"))
    (world.folder / "4.csv").write_bytes(b"")
    assert run(world, 4) == ["row-1", "row-3", "row-4"]
    assert names(world.folder / "done") == ["1.csv", "2.parquet", "3.csv.gz", "4.csv"]
    (file,) = world.rejects().iterdir()
    assert world.rejects().stat().st_mode & 0o077 == 0
    assert file.name == "1.csv.rejects.ndjson"
    (row,) = map(msgspec.json.decode, file.read_bytes().splitlines())
    assert (row["file"], row["line"], row["path"]) == ("1.csv", 3, "$.time")


def test_a_broken_file_gives_what_can_be_read_and_is_put_aside(world: FolderWorld) -> None:
    packed = gzip.compress(b"".join(message(f"m{number}") + b"\n" for number in range(200)), mtime=0)
    (world.folder / "1.ndjson.gz").write_bytes(packed[:-20])
    (world.folder / "2.ndjson").write_bytes(message("next") + b"\n")
    found = run(world, 2)
    assert found[-1] == "next"
    assert names(world.folder / "failed") == ["1.ndjson.gz"]
    assert names(world.folder / "done") == ["2.ndjson"]
    (row,) = map(msgspec.json.decode, (world.rejects() / "1.ndjson.gz.rejects.ndjson").read_bytes().splitlines())
    assert "cannot read on" in row["cause"]


def test_a_name_may_come_again(world: FolderWorld) -> None:
    for round_ in range(3):
        (world.folder / "day.ndjson").write_bytes(message(f"m{round_}") + b"\n")
        assert run(world, 1) == [f"m{round_}"]
    assert names(world.folder / "done") == ["day.ndjson", "day.ndjson.2", "day.ndjson.3"]


def test_remembered_files_stay_and_a_changed_one_is_read_again(tmp_path: Path) -> None:
    world = FolderWorld(tmp_path, done="remember")
    world.put([message("a")])
    world.folder.chmod(0o555)
    assert run(world, 1) == ["a"]
    with (world.memory / "done.ndjson").open("ab") as ledger:
        ledger.write(b'{"file":"broken o')
    assert run(world, 0) == []
    world.folder.chmod(0o755)
    (world.folder / "0001.ndjson").write_bytes(message("a") + b"\n" + message("b") + b"\n")
    assert run(world, 2) == ["a", "b"]
    assert run(world, 0) == []
    assert len((world.memory / "done.ndjson").read_bytes().splitlines()) == 2


@pytest.mark.parametrize("done", ["move", "remember"])
@pytest.mark.parametrize("raw", [b"caf\xe9.ndjson", b"a" * 248 + b".ndjson", "é".encode() * 124 + b".ndjson"])
def test_no_name_of_a_file_keeps_the_others_from_being_read(tmp_path: Path, done: str, raw: bytes) -> None:
    world = FolderWorld(tmp_path, done=done)
    (world.folder / os.fsdecode(raw)).write_bytes(message("a") + b"\nno event\n")
    world.put([message("b")])
    assert sorted(run(world, 2)) == ["a", "b"]
    assert run(world, 0) == []
    (file,) = world.rejects().iterdir()
    (row,) = map(msgspec.json.decode, file.read_bytes().splitlines())
    assert row["file"] == raw.decode("utf-8", "replace").replace("\ufffd", "\\udce9")


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    source = FolderSource("in", FolderSettings(path=str(tmp_path / "nowhere")), tools(tmp_path / "memory"))
    with pytest.raises(SourceError, match="nowhere"):
        source.open()
    source.close()


def test_many_events_come_in_parts(world: FolderWorld) -> None:
    world.put([message(f"m{number}") for number in range(10_000)])
    source = world.make()
    source.open()
    batches = take(source, 10_000)
    assert len(batches) > 2
    assert ids(batches) == [f"m{number}" for number in range(10_000)]
    finish(source, batches[:-1])
    assert names(world.folder / "done") == []
    finish(source, batches[-1:])
    assert names(world.folder / "done") == ["0001.ndjson"]
    source.close()


def test_a_name_as_long_as_may_be_comes_again(world: FolderWorld) -> None:
    name = "n" * 248 + ".ndjson"
    for known in ("a", "b"):
        (world.folder / name).write_bytes(message(known) + b"\n")
        assert run(world, 1) == [known]
    assert len(names(world.folder / "done")) == 2
    assert [one.name for one in world.folder.iterdir() if one.is_file()] == []
