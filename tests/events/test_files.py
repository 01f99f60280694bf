"""Files of events: every way in which they come, and every way in which they are broken."""

# ruff: noqa: E501  # texts that are compared are kept whole

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import random
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.events.lines import CATALOGUE, HEAD, lines
from trustward.adapters.blocks import LongLine, blocks
from trustward.adapters.compressed import open_source
from trustward.adapters.files import Chunk, EventFiles
from trustward.base.errors import InputError, MappingError, UsageError
from trustward.exchange.decode import EventDecoder
from trustward.exchange.records import Reject
from trustward.model.event import Event

pa = pytest.importorskip("pyarrow")

DECODER = EventDecoder(CATALOGUE)


def line(number: int, more: str = "") -> bytes:
    return HEAD.replace("e1", f"e{number}").encode() + more.encode() + b"}\n"


def read(*paths: str | Path, **options: Any) -> tuple[list[Event], list[Reject]]:
    chunks = list(EventFiles(paths, DECODER, **options))
    return events_of(chunks), [reject for chunk in chunks for reject in chunk.decoded.rejects]


def events_of(chunks: Iterable[Chunk]) -> list[Event]:
    return [event for chunk in chunks for event in chunk.decoded.events]


def told(rejects: Sequence[Reject]) -> list[tuple[int, str, str, bool]]:
    return [(reject.line, reject.path, reject.cause, reject.decided) for reject in rejects]


def until_it_breaks(path: Path, **options: Any) -> tuple[list[Event], InputError]:
    """The events before the place where reading ends, and the error."""
    found: list[Event] = []
    trouble: InputError | None = None
    try:
        for chunk in EventFiles([path], DECODER, **options):
            found += chunk.decoded.events
    except InputError as error:
        trouble = error
    assert trouble is not None
    assert trouble.remedy
    return found, trouble


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lambda content: lzma.compress(content, preset=0),
    ".zst": lambda content: bytes(pa.compress(content, "zstd", asbytes=True)),
}


@pytest.mark.parametrize("suffix", PACKERS)
@pytest.mark.parametrize("name", ["events.ndjson", "events"])
def test_plain_and_packed_files_give_the_same(tmp_path: Path, suffix: str, name: str) -> None:
    path = tmp_path / (name + suffix)
    content = b"".join(line(n) for n in range(5000)) + b"nonsense\n" + line(9)
    path.write_bytes(PACKERS[suffix](content))
    chunks = list(EventFiles([path], DECODER, block_bytes=65_536))
    found = events_of(chunks)
    assert [event.id for event in found] == [*(f"e{n}" for n in range(5000)), "e9"]
    (reject,) = [reject for chunk in chunks for reject in chunk.decoded.rejects]
    assert (reject.file, reject.line, reject.raw) == (str(path), 5001, "nonsense")
    assert chunks[-1].done == chunks[-1].total == path.stat().st_size
    assert [chunk.done for chunk in chunks] == sorted(chunk.done for chunk in chunks)
    assert len(chunks) > 3
    starts = [chunk.decoded.first_line for chunk in chunks]
    assert starts[1:] == [chunk.decoded.first_line + chunk.decoded.line_count for chunk in chunks[:-1]]


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".xz"])
def test_packed_files_may_have_several_parts(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"events.ndjson{suffix}"
    pack = PACKERS[suffix]
    path.write_bytes(
        pack(line(1)) + pack(line(2)[:30]) + pack(line(2)[30:] + line(3)) + b"\0" * 200_000 + pack(line(4))
    )
    assert [event.id for event in read(path)[0]] == ["e1", "e2", "e3", "e4"]


def shuffled_lines(count: int) -> bytes:
    """Lines that do not pack well, so that damage is in the middle of something."""
    draw = random.Random(1)
    return b"".join(line(n, f',"text":"{draw.getrandbits(800):x}"') for n in range(count))


LINES_20000 = shuffled_lines(20_000)


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".xz", ".zst"])
@pytest.mark.parametrize("damage", ["cut", "garbled", "tail"])
def test_damage_ends_the_reading_after_what_came_before(tmp_path: Path, suffix: str, damage: str) -> None:
    path = tmp_path / f"events.ndjson{suffix}"
    packed = bytearray(PACKERS[suffix](LINES_20000))
    half = len(packed) // 2
    if damage == "cut":
        packed = packed[:half]
    elif damage == "garbled":
        packed[half : half + 300_000] = b"\xff" * 300_000
    else:
        packed += b"not a part of it" * 10
    path.write_bytes(packed)
    found, error = until_it_breaks(path)
    ids = [event.id for event in found]
    # Damage may show as lines that are no events, but whole lines before it are all there.
    assert ids[:3000] == [f"e{n}" for n in range(3000)]
    if damage == "tail":
        # The library for zstd keeps back what it unpacked together with what it could not.
        assert len(ids) >= (19_000 if suffix == ".zst" else 20_000)
    assert str(path) in error.message
    assert error.message.startswith("cannot read on in")


def test_a_bomb_does_not_fill_the_memory(tmp_path: Path) -> None:
    path = tmp_path / "events.ndjson.gz"
    path.write_bytes(gzip.compress(line(1) + b"0" * 200_000_000 + b"\n" + line(2)))
    found, rejects = read(path)
    assert [event.id for event in found] == ["e1", "e2"]
    assert told(rejects) == [(2, "$", "a line has at most 16,777,216 bytes, this one 200,000,000", False)]
    assert len(rejects[0].raw) == 2000


def test_a_line_of_a_hundred_megabytes(tmp_path: Path) -> None:
    path = tmp_path / "events.ndjson"
    with path.open("wb") as file:
        file.write(line(1))
        for _ in range(100):
            file.write(b"[" * 1_000_000)
        file.write(b"\n" + line(2) + line(3)[:-1])
    found, rejects = read(path)
    assert [event.id for event in found] == ["e1", "e2", "e3"]
    assert told(rejects) == [(2, "$", "a line has at most 16,777,216 bytes, this one 100,000,000", False)]


@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
def test_marks_blank_lines_and_ends_of_line(tmp_path: Path, newline: bytes) -> None:
    path = tmp_path / "events.ndjson"
    path.write_bytes(b"\xef\xbb\xbf" + newline.join([line(1)[:-1], b"", b"  ", b"bad", line(2)[:-1], line(3)[:40]]))
    found, rejects = read(path)
    assert [event.id for event in found] == ["e1", "e2"]
    assert [reject.line for reject in rejects] == [4, 6]
    assert rejects[1].cause.startswith("not JSON: the line breaks off")


def test_an_empty_file_has_no_events(tmp_path: Path) -> None:
    for name in ("a.ndjson", "b.csv", "c", "d.ndjson.gz"):
        (tmp_path / name).write_bytes(b"")
        assert read(tmp_path / name) == ([], [])
    (tmp_path / "e.ndjson.gz").write_bytes(gzip.compress(b""))
    assert read(tmp_path / "e.ndjson.gz") == ([], [])


@given(st.lists(lines(), max_size=12), st.integers(1, 60), st.integers(5, 200), st.booleans())
def test_no_cut_of_the_file_changes_what_is_read(rows: list[bytes], size: int, limit: int, ended: bool) -> None:  # noqa: FBT001
    content = b"\n".join(rows) + (b"\n" if ended else b"")
    source = open_source(io.BytesIO(content[8:]), "f", content[:8])
    decoder = EventDecoder(CATALOGUE, line_limit=limit)
    if content[:3] in (b"BZh", b"\x28\xb5\x2f") or content.startswith((b"\x1f\x8b", b"\xfd7zXZ")):
        return
    at = 2
    found: list[Any] = []
    for block in blocks(source, size, limit):
        if isinstance(block, LongLine):
            found.append((at, block.size))
            at += 1
            continue
        part = decoder.decode_lines(block, at)
        found += zip(part.lines, part.events, strict=True)
        found += [
            (r.line, int(r.cause.rpartition(" ")[2].replace(",", "")))
            for r in part.rejects
            if "at most" in r.cause and "bytes" in r.cause
        ]
        at += part.line_count
    expected: list[Any] = []
    for number, row in enumerate(rows, 2):
        part = decoder.decode_lines(row, number)
        expected += zip(part.lines, part.events, strict=True)
        if len(row) > limit and row.strip(b" \t\r"):
            expected.append((number, len(row)))
    assert sorted(found, key=lambda pair: pair[0]) == expected
    assert source.position() == len(content)


def test_files_come_one_after_the_other(tmp_path: Path) -> None:
    paths = [tmp_path / f"{n}.ndjson" for n in range(3)]
    for n, path in enumerate(paths):
        path.write_bytes(line(n) + b"bad\n")
    chunks = list(EventFiles(paths, DECODER))
    assert [(chunk.file, chunk.decoded.rejects[0].file, chunk.decoded.rejects[0].line) for chunk in chunks] == [
        (str(path), str(path), 2) for path in paths
    ]
    total = sum(path.stat().st_size for path in paths)
    assert [(chunk.done, chunk.total) for chunk in chunks] == [(total // 3 * n, total) for n in (1, 2, 3)]


class _Input:
    def __init__(self, content: bytes) -> None:
        self.buffer = io.BufferedReader(io.BytesIO(content))


@pytest.mark.parametrize("suffix", PACKERS)
def test_standard_input(monkeypatch: pytest.MonkeyPatch, suffix: str) -> None:
    monkeypatch.setattr(sys, "stdin", _Input(PACKERS[suffix](line(1) + b"bad\n" + line(2))))
    chunks = list(EventFiles(["-"], DECODER))
    assert [event.id for event in events_of(chunks)] == ["e1", "e2"]
    assert chunks[0].total == 0


def test_a_pipe_is_opened_once(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(line(1),))
    writer.start()
    found, _ = read(pipe)
    writer.join()
    assert [event.id for event in found] == ["e1"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("missing.ndjson", None, "cannot read {path}: No such file or directory"),
        ("a.json", b'[{"type": "x"}]', "{path} is one JSON array, not one object a line"),
        ("a.parquet", b"PAR1 nothing of the kind", "{path}: not a readable Parquet file: "),
        ("a.parquet", b"", "{path}: not a readable Parquet file: "),
        ("a.parquet.gz", gzip.compress(b"PAR1", mtime=0), "{path} is a compressed Parquet file"),
        ("a.csv", b"type,id,time,id\n", "{path}: the column 'id' is there twice"),
        ("a.csv", b"type,id,time,\xff\n", "{path}: the first line is not in the file's encoding"),
        ("a.ndjson.gz", b"\x1f\x8b\x08\x00garbage garbage garbage", "cannot read on in {path}: "),
    ],
)
def test_files_that_cannot_be_read(tmp_path: Path, name: str, content: bytes | None, message: str) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read(path)
    assert caught.value.message.startswith(message.format(path=path))
    assert caught.value.remedy


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is a folder"):
        EventFiles([tmp_path], DECODER)
    with pytest.raises(InputError, match="cannot read a\0b"):
        EventFiles(["a\0b"], DECODER)


def test_formats_are_known_by_name_or_not_at_all(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such format: xml"):
        EventFiles([], DECODER, form="xml")
    path = tmp_path / "export.txt"
    path.write_bytes(b"type,id,time,account\npassword.changed,1,2026-01-31T12:00:00Z,a\n")
    assert read(path)[0] == read(path, form="csv")[0] != []


# ---------------------------------------------------------------------- CSV


CSV_HEAD = b"type,id,time,account,text,urls,followers,owner\n"


def csv_rows(tmp_path: Path, *rows: bytes, head: bytes = CSV_HEAD) -> tuple[list[Any], list[Reject]]:
    path = tmp_path / "events.csv"
    path.write_bytes(head + b"\n".join(rows))
    return read(path)


def test_a_table_whose_columns_are_fields(tmp_path: Path) -> None:
    found, rejects = csv_rows(
        tmp_path,
        b'post.created,1,2026-01-31T12:00:00Z,a1,"hello, ""you""\r\nthere","[""u1"", ""u2""]",,,p1',
        b"engagement.followed,2,2026-01-31 12:00:00+08:00,a1,,,17,a2,",
        head=CSV_HEAD.replace(b"\n", b",post\n"),
    )
    assert rejects == []
    assert (found[0].text, found[0].urls, found[0].post) == ('hello, "you"\r\nthere', ("u1", "u2"), "p1")
    assert (found[1].followers, found[1].owner, found[1].time) == (17, "a2", "2026-01-31T04:00:00Z")


def test_a_header_below_blank_lines_and_beside_columns_without_a_name(tmp_path: Path) -> None:
    found, rejects = csv_rows(
        tmp_path,
        b"password.changed;1;2026-01-31T12:00:00Z;a1;;",
        b"password.changed;2;2026-01-31T12:00:00Z;a1;;x",
        head=b"\xef\xbb\xbf\r\n\r\ntype;id;time;account;;\r\n",
    )
    assert [event.id for event in found] == ["1", "2"]
    assert [(reject.line, reject.decided) for reject in rejects] == [(5, True)]


@pytest.mark.parametrize("head", [b'"type"x,id\n', b'"type,id\n' + b"more\n" * 2_000])
def test_a_header_that_is_not_csv_is_refused(tmp_path: Path, head: bytes) -> None:
    with pytest.raises(InputError, match="the row that names the columns is not CSV"):
        csv_rows(tmp_path, head=head)


def test_rows_that_are_not_like_the_header_are_set_aside(tmp_path: Path) -> None:
    good = b"engagement.followed,%d,2026-01-31T12:00:00Z,a1,,,17,a2"
    found, rejects = csv_rows(
        tmp_path,
        good % 1,
        b"short,row",
        good % 2 + b",more",
        b"",
        good % 3 + b"\r",
        (good % 4).replace(b"a1", b"\xff"),
        (good % 5).replace(b"17", b"many"),
        (good % 6).replace(b"17", b"1e3"),
        (good % 7).replace(b"engagement.followed", b"engagement.folowed"),
        (good % 8).replace(b"2026-01-31T12:00:00Z", b"2026-01-31T12:00:00"),
        (good % 9).replace(b",,,", b",hm,,"),
        good % 10,
    )
    assert [event.id for event in found] == ["1", "3", "5", "6", "9", "10"]
    assert told(rejects) == [
        (3, "$", "the row has 2 cells, the header has 8", False),
        (4, "$", "the row has 9 cells, the header has 8", False),
        (7, "$", "not in the file's encoding (UTF-8, unless the mapping says otherwise)", False),
        (8, "$.followers", "expected a whole number, got text 'many'", True),
        (9, "$.followers", "expected a whole number, got text '1e3'", True),
        (10, "$.type", "no such event type: 'engagement.folowed'; did you mean 'engagement.followed'?", False),
        (11, "$.time", "no zone in the time '2026-01-31T12:00:00' (give zone in the mapping)", False),
        (12, "$.text", "engagement.followed has no such field", True),
    ]
    assert rejects[2].raw == (good % 4).replace(b"a1", b"?").decode()


@pytest.mark.parametrize("quote", [b'"never closed', b'x,"never closed'])
def test_a_quote_that_is_not_closed_costs_one_row(tmp_path: Path, quote: bytes) -> None:
    good = [b"engagement.followed,%d,2026-01-31T12:00:00Z,a1,,,17,a2" % n for n in range(5000)]
    found, rejects = csv_rows(tmp_path, *good[:1000], quote, *good[1000:])
    assert [event.id for event in found] == [str(n) for n in range(5000)]
    assert told(rejects) == [
        (1002, "$", "not CSV: a row runs over more than 1000 lines; is a quote not closed?", False)
    ]
    found, rejects = csv_rows(tmp_path, *good[:10], quote)
    assert len(found) == 10
    assert told(rejects) == [(12, "$", "not CSV: unexpected end of data", False)]


def test_an_overlong_line_of_a_table_is_set_aside(tmp_path: Path) -> None:
    good = b"engagement.followed,%d,2026-01-31T12:00:00Z,a1,,,17,a2\n"
    path = tmp_path / "events.csv"
    path.write_bytes(CSV_HEAD + good % 1 + b"x" * 1000 + b"\n" + good % 2)
    chunks = list(EventFiles([path], EventDecoder(CATALOGUE, line_limit=100)))
    assert [event.id for event in events_of(chunks)] == ["1", "2"]
    assert told([r for chunk in chunks for r in chunk.decoded.rejects]) == [
        (3, "$", "a line has at most 100 characters", False)
    ]


@pytest.mark.parametrize("delimiter", [b",", b";", b"\t", b"|"])
def test_delimiters_are_seen_in_the_header(tmp_path: Path, delimiter: bytes) -> None:
    row = delimiter.join([b"password.changed", b"1", b"2026-01-31T12:00:00Z", b"a"])
    found, _ = csv_rows(
        tmp_path, row, head=b"\xef\xbb\xbf" + delimiter.join([b"type", b"id", b"time", b"account"]) + b"\r\n"
    )
    assert found[0].account == "a"


def test_a_table_without_the_needed_columns_asks_for_a_mapping(tmp_path: Path) -> None:
    with pytest.raises(MappingError) as caught:
        csv_rows(tmp_path, b"x,1", head=b"type,Id\n")
    assert str(caught.value) == (
        "TW-320: the table has no column 'id'; is it 'Id'? (say with --mapping how its rows become events; it has type, Id)"
    )


@given(st.lists(st.text(st.sampled_from('a,"\n\r\x00é;'), max_size=12), max_size=12), st.integers(1, 5))
def test_no_table_breaks_the_reader(rows: list[str], size: int) -> None:
    from trustward.adapters.tables import CsvTable

    content = ("x,y\n" + "\n".join(rows)).encode()
    source = open_source(io.BytesIO(content[8:]), "f", content[:8])
    table = CsvTable(source, "f", line_limit=50)
    for block in table.blocks(size):
        assert all(len(row) == 2 for _, row in block.rows)
        assert block.rows or block.rejects


# ---------------------------------------------------------------------- Parquet


def parquet(tmp_path: Path, **columns: Any) -> Path:
    import pyarrow.parquet as pq

    path = tmp_path / "events.parquet"
    pq.write_table(pa.table(columns), path)
    return path


def test_a_parquet_table(tmp_path: Path) -> None:
    times = pa.array([1_769_860_800_000_000_123] * 4, pa.timestamp("ns", tz="UTC"))
    path = parquet(
        tmp_path,
        type=["review.posted"] * 4,
        id=pa.array([1, 2, 3, 4]),
        time=times,
        account=["a", None, "c", "d"],
        rating=[4.5, float("nan"), None, 5.0],
        urls=[["u1", "u2"], None, [], ["u", None]],
        purchased=[True, False, None, True],
        text=pa.array([b"hi", b"\xff", None, b""]).cast(pa.binary()),
    )
    found, rejects = read(path)
    first: Any = found[0]
    assert (first.id, first.time, first.rating, first.urls, first.purchased, first.text) == (
        "1",
        "2026-01-31T12:00:00Z",
        4.5,
        ("u1", "u2"),
        True,
        "hi",
    )
    assert sorted(told(rejects)) == [
        (2, "$.account", "missing, and review.posted needs it", True),
        (2, "$.rating", "expected a number, got nan", True),
        (2, "$.text", "expected text, got bytes that are not UTF-8", True),
        (4, "$.urls[1]", "expected text, got null", True),
    ]


def test_a_parquet_table_with_a_column_twice_is_refused(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    columns = [["password.changed"], ["1"], ["2026-01-31T12:00:00Z"], ["a"], ["b"]]
    path = tmp_path / "twice.parquet"
    pq.write_table(pa.table(columns, names=["type", "id", "time", "account", "account"]), path)
    with pytest.raises(InputError, match="the column 'account' is there twice"):
        read(path)


def test_parquet_of_the_wrong_types(tmp_path: Path) -> None:
    path = parquet(
        tmp_path,
        type=["payment.requested"] * 2,
        id=["1", "2"],
        time=pa.array([2**60, 0], pa.timestamp("ms", tz="UTC")),
        account=[{"a": 1}, {"a": 2}],
        amount=pa.array([1.5, 2.0]),
        fraud_confirmed=["maybe", "yes"],
        attempt=pa.array([2**63, 3], pa.uint64()),
    )
    found, rejects = read(path)
    (event,) = found
    only: Any = event
    assert (only.id, only.time, only.amount, only.fraud_confirmed, only.attempt) == (
        "2",
        "1970-01-01T00:00:00Z",
        200 // 100,
        True,
        3,
    )
    assert [(line, path) for line, path, _, _ in told(rejects)] == [(1, "$.time"), (2, "$.account")]
    assert rejects[0].cause.startswith("not a time: ")


def test_parquet_from_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = parquet(tmp_path, type=["password.changed"], id=["1"], time=["2026-01-31T12:00:00Z"], account=["a"])
    monkeypatch.setattr(sys, "stdin", _Input(path.read_bytes()))
    assert len(events_of(EventFiles(["-"], DECODER))) == 1
    damaged = bytearray(path.read_bytes())
    damaged[20:60] = bytes(40)
    path.write_bytes(damaged)
    until_it_breaks(path)
