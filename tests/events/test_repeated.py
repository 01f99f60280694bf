"""Parquet says once what its rows repeat: a small file may be more than any memory holds."""

from __future__ import annotations

import io
import resource
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from trustward.adapters.files import EventFiles
from trustward.exchange.decode import EventDecoder
from trustward.model.catalogue import load_catalogue

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

CATALOGUE = load_catalogue()


def write(file: Path, texts: Any, count: int, **how: Any) -> None:
    table = {
        "type": ["message.sent"] * count,
        "id": [f"m{number}" for number in range(count)],
        "time": ["2026-01-31T12:00:00Z"] * count,
        "sender": ["a"] * count,
        "text": texts,
    }
    pq.write_table(pa.table(table), file, **how)


def test_no_more_is_held_than_the_file_says(tmp_path: Path) -> None:
    # Written out, it would be 12 GB.
    rows, file = 4_000, tmp_path / "a.parquet"
    places = pa.array([0, None] * (rows // 2), pa.int32())
    write(file, pa.DictionaryArray.from_arrays(places, pa.array(["x" * 6_000_000])), rows, row_group_size=1_500)
    assert file.stat().st_size < 2_000_000
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    chunks = [chunk.decoded for chunk in EventFiles([file], EventDecoder(CATALOGUE, line_limit=1_000_000))]
    rejects = [reject for chunk in chunks for reject in chunk.rejects]
    assert [one.line for one in rejects] == list(range(1, rows, 2))
    assert {one.cause.partition(", this")[0] for one in rejects} == {"a line has at most 1,000,000 bytes"}
    assert sum(len(chunk.events) for chunk in chunks) == rows // 2
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert used < (500_000_000 if sys.platform == "darwin" else 500_000)


def test_what_is_said_once_comes_as_often_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts, file = ["y" * 500_000, None, "z", "y" * 500_000], tmp_path / "a.parquet"
    write(file, texts * 100, 400)
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(file.read_bytes())))
    for given in (str(file), "-"):
        found = [chunk.decoded for chunk in EventFiles([given], EventDecoder(CATALOGUE))]
        assert len(found) > 1
        assert [getattr(event, "text", "") for chunk in found for event in chunk.events] == texts * 100
        assert [line for chunk in found for line in chunk.lines] == list(range(1, 401))
