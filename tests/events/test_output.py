"""Files out: whole or not at all."""

from __future__ import annotations

import gzip
import io
import sys
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from trustward.adapters.output import AtomicFile, LineFile, ParquetFile, RejectFile
from trustward.base.errors import UsageError
from trustward.base.units import MISSING
from trustward.exchange.records import Reject


@pytest.mark.parametrize("name", ["out.ndjson", "out.ndjson.gz"])
def test_a_file_appears_when_it_is_whole(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"before")
    with AtomicFile(path) as file:
        file.write(b"after" * 100_000)
        assert path.read_bytes() == b"before"
    content = path.read_bytes()
    assert (gzip.decompress(content) if name.endswith("gz") else content) == b"after" * 100_000
    assert list(tmp_path.iterdir()) == [path]


def test_the_same_content_is_packed_to_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.gz", "b.gz"):
        with AtomicFile(tmp_path / name) as file:
            file.write(b"same")
    assert (tmp_path / "a.gz").read_bytes() == (tmp_path / "b.gz").read_bytes()


@pytest.mark.parametrize("kind", [KeyboardInterrupt, ValueError])
@pytest.mark.parametrize("name", ["out.ndjson", "out.gz"])
def test_nothing_is_left_of_a_file_that_was_broken_off(tmp_path: Path, kind: type[BaseException], name: str) -> None:
    path = tmp_path / name

    def write() -> None:
        with AtomicFile(path) as file:
            file.write(b"half")
            raise kind

    with pytest.raises(kind):
        write()
    assert list(tmp_path.iterdir()) == []
    path.write_bytes(b"before")
    with pytest.raises(kind):
        write()
    assert path.read_bytes() == b"before"


def test_the_rights_are_those_of_any_new_file(tmp_path: Path) -> None:
    with AtomicFile(tmp_path / "a") as file:
        file.write(b"")
    (tmp_path / "b").write_bytes(b"")
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "b").stat().st_mode


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "target")
    with AtomicFile(tmp_path / "link") as file:
        file.write(b"x")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_bytes() == b"x"


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot write .*: No such file or directory"):
        AtomicFile(tmp_path / "missing" / "out")
    with pytest.raises(UsageError, match=r"cannot write .*: Is a directory"):
        AtomicFile(tmp_path)


def test_devices_and_standard_output_are_written_directly(monkeypatch: pytest.MonkeyPatch) -> None:
    with AtomicFile("/dev/null") as file:
        file.write(b"x")
    assert Path("/dev/null").exists()

    class Output:
        buffer = io.BytesIO()

    monkeypatch.setattr(sys, "stdout", Output)
    with LineFile("-") as lines:
        lines.write_records([{"a": 1}, {"a": 2}])
    assert Output.buffer.getvalue() == b'{"a":1}\n{"a":2}\n'


def test_rejects_are_lines(tmp_path: Path) -> None:
    path = tmp_path / "rejects.ndjson"
    with RejectFile(path) as file:
        file.add([Reject(file="f", line=3, path="$.id", cause="missing", raw="{}")])
        file.add([])
        assert file.count == 1
    assert msgspec.json.decode(path.read_bytes()) == {
        "file": "f", "line": 3, "path": "$.id", "cause": "missing", "decided": False, "raw": "{}",
    }  # fmt: skip
    with RejectFile(None) as nowhere:
        nowhere.add([Reject(line=1, path="$", cause="x")])
        assert nowhere.count == 1


def test_columns_to_parquet(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    path = tmp_path / "features.parquet"
    with ParquetFile(path, {"id": "text", "n": "whole", "x": "float"}) as file:
        file.write({"id": ["a", "b"], "n": np.array([1, MISSING]), "x": np.array([0.5, np.nan])})
        file.write({"id": ["c"], "n": [2], "x": [1]})
        assert list(tmp_path.glob("features*")) == []
    assert pq.read_table(path).to_pydict() == {"id": ["a", "b", "c"], "n": [1, None, 2], "x": [0.5, None, 1.0]}


def test_nothing_is_left_of_a_broken_off_parquet_file(tmp_path: Path) -> None:
    def write() -> Any:
        with ParquetFile(tmp_path / "f.parquet", {"n": "whole"}) as file:
            file.write({"n": [1]})
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write()
    assert list(tmp_path.iterdir()) == []
