"""Files of events in: NDJSON, CSV and Parquet, plain or compressed, one after the other."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import IO, Any, Literal, NamedTuple, cast, get_args

import msgspec

from trustward.adapters.blocks import LongLine, blocks
from trustward.adapters.compressed import Source, compression_of, open_source
from trustward.adapters.tables import CsvTable, ParquetTable, RowBlock
from trustward.base.errors import InputError, UsageError
from trustward.exchange.decode import EventDecoder, oversize
from trustward.exchange.diagnose import TWICE, UnusableError, parse_object, path_of
from trustward.exchange.mapping import RowMapping
from trustward.exchange.records import Decoded, Reject, excerpt
from trustward.exchange.rows import RowDecoder
from trustward.exchange.times import time_key
from trustward.model.decision import Fault
from trustward.model.event import Event
from trustward.model.nearest import nearest

Format = Literal["ndjson", "csv", "parquet"]
STDIN = "-"
BLOCK_BYTES = 2**20
"""Bytes of lines decoded at a time: about 4,000 events, which stay in the processor's cache."""
BLOCK_ROWS = 4096
_MOST_KEYS = 1_000

_SUFFIXES: dict[str, Format] = {
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".json": "ndjson",
    ".csv": "csv",
    ".tsv": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
}
_PACKED = (".gz", ".bz2", ".xz", ".zst")


class Chunk(NamedTuple):
    """Some events of one file. ``done`` and ``total`` count bytes over all files; 0 in all where that is not known."""

    file: str
    decoded: Decoded
    done: int
    total: int


class EventFiles:
    """Reads files of events, in the order given; ``-`` is the standard input.

    ``form`` forces a format; otherwise the name decides, or the first bytes. Compression shows in the first bytes.
    With a ``mapping`` each row of a table (or each JSON object of a line) becomes the events that it says.

    Raises ``InputError`` for a file that cannot be opened, before any is read, and for one that breaks off or is
    damaged, after what could be read of it. ``MappingError`` where a mapping does not fit a table.
    """

    def __init__(
        self,
        paths: Sequence[str | Path],
        decoder: EventDecoder,
        *,
        mapping: RowMapping | None = None,
        form: str | None = None,
        block_bytes: int = BLOCK_BYTES,
    ) -> None:
        if form is not None and form not in get_args(Format):
            raise UsageError(f"no such format: {form}", remedy="use one of " + ", ".join(get_args(Format)))
        self._decoder = decoder
        self._mapping = mapping
        self._form = cast(Format | None, form)
        self._block_bytes = block_bytes
        self._paths = [str(path) for path in paths]
        if self._paths.count(STDIN) > 1:
            raise UsageError("the standard input is named twice", remedy="name - once")
        self._sizes = [_size(path) for path in self._paths]
        self._total = sum(self._sizes) if all(self._sizes) else 0

    def __iter__(self) -> Iterator[Chunk]:
        """The chunks, one file after the other; with a mapping that sorts, all events in order of time."""
        if self._mapping is not None and self._mapping.sort:
            return _sorted(self._chunks())
        return self._chunks()

    def _chunks(self) -> Iterator[Chunk]:
        before = 0
        for path, size in zip(self._paths, self._sizes, strict=True):
            file = _open(path)
            try:
                for decoded, done in self._read(file, path, size):
                    yield Chunk(path, _named(decoded, path), before + done, self._total)
            finally:
                if path != STDIN:
                    file.close()
            before += size

    def _read(self, file: IO[bytes], path: str, size: int) -> Iterator[tuple[Decoded, int]]:
        name = "the standard input" if path == STDIN else path
        start = _start(file, name)
        form = self._form or _form(path, start)
        if form == "parquet":
            yield from self._parquet(file, path, start, size)
            return
        source = open_source(file, name, start)
        if form == "csv":
            yield from self._csv(source, name, path)
        elif self._mapping is None:
            yield from self._ndjson(source, name)
        else:
            yield from self._objects(source)

    def _ndjson(self, source: Source, name: str) -> Iterator[tuple[Decoded, int]]:
        decoder, line = self._decoder, 1
        for block in blocks(source, self._block_bytes, decoder.line_limit):
            if isinstance(block, LongLine):
                decoded = _too_long(block, line, decoder.line_limit)
            else:
                if line == 1 and bytes(block[:1]) == b"[":
                    raise InputError(
                        f"{name} is one JSON array, not one object a line",
                        remedy="write each event on a line of its own, such as with: jq -c '.[]'",
                    )
                decoded = decoder.decode_lines(block, line)
            line += decoded.line_count
            yield decoded, source.position()

    def _objects(self, source: Source) -> Iterator[tuple[Decoded, int]]:
        """Lines of JSON objects that are no events, by the mapping."""
        assert self._mapping is not None  # for the type checker
        columns = self._mapping.columns()
        rows = self._rows(columns)
        never, keys = set(columns), set[str]()
        line = 1
        for block in blocks(source, self._block_bytes, self._decoder.line_limit):
            if isinstance(block, LongLine):
                yield _too_long(block, line, self._decoder.line_limit), source.position()
                line += 1
                continue
            lines = bytes(block).removesuffix(b"\n").split(b"\n")
            found: list[tuple[int, Sequence[Any]]] = []
            rejects: list[Reject] = []
            for number, text in enumerate(lines, line):
                if not text.strip():
                    continue
                try:
                    record = parse_object(text.removeprefix(b"\xef\xbb\xbf") if number == 1 else text)
                    twice = next((column for column in columns if column in record.doubled), None)
                    if twice is not None:
                        raise UnusableError(path_of(twice), TWICE)
                    found.append((number, [record.get(column) for column in columns]))
                    if never:
                        never.difference_update(record)
                        keys.update(islice(record, _MOST_KEYS - len(keys)))
                except UnusableError as fault:
                    rejects.append(Reject(line=number, path=fault.path, cause=fault.cause, raw=excerpt(text)))
            yield rows.decode(found, rejects), source.position()
            line += len(lines)
        if never and keys:
            # A table's header tells at once; what one object lacks another may have.
            lost = [_never(column, keys, line - 1) for column in columns if column in never]
            yield Decoded(events=[], faults={}, rejects=lost, lines=[]), source.position()

    def _csv(self, source: Source, name: str, path: str) -> Iterator[tuple[Decoded, int]]:
        mapping = self._mapping
        delimiter = mapping.delimiter if mapping else None
        if delimiter is None and _bare(path).endswith(".tsv"):
            delimiter = "\t"
        table = CsvTable(
            source,
            name,
            delimiter=delimiter,
            encoding=mapping.encoding if mapping else "utf-8",
            line_limit=self._decoder.line_limit,
        )
        if table.header:
            rows = self._rows(table.header)
            for block in table.blocks(BLOCK_ROWS):
                yield _decoded(rows, block), source.position()

    def _parquet(self, file: IO[bytes], path: str, start: bytes, size: int) -> Iterator[tuple[Decoded, int]]:
        name = "the standard input" if path == STDIN else path
        if compression_of(start):
            raise InputError(f"{name} is a compressed Parquet file", remedy="unpack it first")
        limit = self._decoder.line_limit
        table = ParquetTable(path if size else _in_memory(file, name, start), name, limit)
        rows = self._rows(table.header)
        for block in table.blocks(BLOCK_ROWS):
            yield _decoded(rows, block), size * block.last // max(1, table.count)

    def _rows(self, header: Sequence[str]) -> RowDecoder:
        decoder = self._decoder
        return RowDecoder(decoder.catalogue, decoder.classes, header, self._mapping, diagnoser=decoder.diagnoser)


def _size(path: str) -> int:
    """Bytes of a file, 0 where that is not known. Raises ``InputError`` where it is no file."""
    if path == STDIN:
        return 0
    try:
        place = Path(path)
        if place.is_dir():
            raise InputError(f"{path} is a folder", remedy="name the files in it")
        if not place.is_file() and place.exists():
            return 0  # a pipe: opening it twice would lose what is in it
        with place.open("rb"):
            return place.stat().st_size
    except (OSError, ValueError) as fault:
        cause = getattr(fault, "strerror", None) or fault
        raise InputError(
            f"cannot read {path}: {cause}", remedy="name a file of events, or - for the standard input"
        ) from fault


def _open(path: str) -> IO[bytes]:
    if path == STDIN:
        if sys.stdin is None:
            raise InputError("the standard input is closed", remedy="name a file, or send events to it")
        return sys.stdin.buffer
    try:
        return Path(path).open("rb", buffering=0)
    except OSError as fault:
        raise InputError(
            f"cannot read {path}: {fault.strerror or fault}", remedy="see that it is still there"
        ) from fault


def _start(file: IO[bytes], name: str) -> bytes:
    try:
        start = b""
        while len(start) < 8 and (more := file.read(8 - len(start))):
            start += more
        return start
    except OSError as fault:
        raise InputError(f"cannot read {name}: {fault.strerror or fault}", remedy="see that it is a file") from fault


def _bare(path: str) -> str:
    """A file's name in lower case, without the suffix of its compression."""
    name = Path(path).name.lower()
    return next((name.removesuffix(packed) for packed in _PACKED if name.endswith(packed)), name)


def _form(path: str, start: bytes) -> Format:
    if start.startswith(b"PAR1"):
        return "parquet"
    known = _SUFFIXES.get(Path(_bare(path)).suffix)
    if known is not None:
        return known
    if path == STDIN or compression_of(start):
        return "ndjson"
    first = start.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    return "ndjson" if first in (b"{", b"[", b"") else "csv"


def _in_memory(file: IO[bytes], name: str, start: bytes) -> IO[bytes]:
    """A whole stream: a Parquet file is read from its end."""
    try:
        return io.BytesIO(start + file.read())
    except OSError as fault:
        raise InputError(f"cannot read {name}: {fault.strerror or fault}", remedy="save it to a file first") from fault


def _decoded(rows: RowDecoder, block: RowBlock) -> Decoded:
    return rows.decode(block.rows, block.rejects)


def _too_long(line: LongLine, number: int, limit: int) -> Decoded:
    reject = Reject(line=number, path="$", cause=oversize(line.size, limit), raw=excerpt(line.start))
    return Decoded(events=[], faults={}, rejects=[reject], lines=[], first_line=number, line_count=1)


def _never(column: str, keys: Iterable[str], line: int) -> Reject:
    near = nearest(column, sorted(keys))
    meant = f"; did you mean {near!r}?" if near else ""
    cause = f"the mapping takes it, and no object of the file has it{meant}"
    return Reject(line=line, path=path_of(column), cause=cause, decided=True)


def _named(decoded: Decoded, file: str) -> Decoded:
    if not decoded.rejects:
        return decoded
    rejects = [msgspec.structs.replace(reject, file=file) for reject in decoded.rejects]
    return msgspec.structs.replace(decoded, rejects=rejects)


class _Kept(NamedTuple):
    time: int
    event: Event
    faults: tuple[Fault, ...] | None
    file: str
    line: int


def _sorted(chunks: Iterator[Chunk]) -> Iterator[Chunk]:
    """All events in order of time, equal times as they came. What was set aside comes first, as it is found."""
    kept: list[_Kept] = []
    done = total = 0
    trouble: InputError | None = None
    try:
        for file, decoded, done, total in chunks:  # done and total end as those of the last chunk
            find = decoded.faults.get
            kept += [
                _Kept(time_key(event.time), event, find(at), file, line)
                for at, (event, line) in enumerate(zip(decoded.events, decoded.lines, strict=True))
            ]
            if decoded.rejects:
                yield Chunk(file, Decoded(events=[], faults={}, rejects=decoded.rejects, lines=[]), done, total)
    except InputError as fault:
        trouble = fault
    kept.sort(key=lambda row: row.time)
    rows = iter(kept)
    while part := list(islice(rows, BLOCK_ROWS)):
        yield Chunk(
            part[0].file if len({row.file for row in part}) == 1 else "",
            Decoded(
                events=[row.event for row in part],
                faults={at: row.faults for at, row in enumerate(part) if row.faults},
                rejects=[],
                lines=[row.line for row in part],
            ),
            done,
            total,
        )
    if trouble is not None:
        raise trouble
