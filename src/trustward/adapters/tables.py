"""CSV and Parquet files as numbered rows of cells."""

from __future__ import annotations

import csv
import io
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from typing import IO, Any, NamedTuple

from trustward.adapters.compressed import Source
from trustward.base.errors import InputError
from trustward.exchange.decode import oversize
from trustward.exchange.records import RAW_LIMIT, Reject, safe_text
from trustward.exchange.values import SURROGATE, Oddity

LINES_PER_ROW = 1000
"""Most lines that one CSV row may run over, within quotes."""
_DELIMITERS = ",;\t|"
_BATCH_BYTES = 32 * 2**20
"""How many bytes of a Parquet file's rows are read at a time."""


class RowBlock(NamedTuple):
    """Some rows of a table with their numbers, and what was set aside between them. ``last`` is the last line read."""

    rows: list[tuple[int, Sequence[Any]]]
    rejects: list[Reject]
    last: int


class CsvTable:
    """A CSV file: ``header``, then blocks of rows. The first row names the columns; rows are numbered by their line.

    A row that is not like the header, not in the encoding or not in CSV is set aside; a quote that is never closed
    costs the one line that it stands in.
    """

    def __init__(
        self, source: Source, name: str, *, delimiter: str | None = None, encoding: str = "utf-8", line_limit: int
    ) -> None:
        text = io.TextIOWrapper(
            io.BufferedReader(_Raw(source), 2**18),
            encoding="utf-8-sig" if encoding.lower() in ("utf-8", "utf8") else encoding,
            errors="surrogateescape",
            newline="",
        )
        self._lines = _Lines(text, line_limit)
        self._name = name
        first = self._first_line()
        self._delimiter = delimiter or max(_DELIMITERS, key=first.count)
        self._reader = csv.reader(self._lines, delimiter=self._delimiter, strict=True)
        self.header = self._header()

    def _first_line(self) -> str:
        line = "\n"
        while line and not line.strip() and len(self._lines.taken) < LINES_PER_ROW:
            line = next(self._lines, "")
        self._lines.give_back(self._lines.taken)
        self._lines.start_row()
        return line

    def _header(self) -> list[str]:
        try:
            row = next(filter(None, self._reader if self._lines.waiting else ()), [])
        except csv.Error as fault:
            raise InputError(
                f"{self._name}: the row that names the columns is not CSV: {fault}",
                remedy="see that its quotes are closed, and stand around whole names",
            ) from fault
        names = [name.strip() for name in row]
        self._check_names(names)
        return names

    def _check_names(self, names: list[str]) -> None:
        _check_columns(self._name, names)
        if any(SURROGATE.search(name) for name in names):
            raise InputError(
                f"{self._name}: the first line is not in the file's encoding",
                remedy='save the file as UTF-8, or say encoding = "..." in the mapping',
            )

    def blocks(self, size: int) -> Iterator[RowBlock]:
        """The rows in blocks of ``size``."""
        width = len(self.header)
        lines = self._lines
        trouble: InputError | None = None
        while trouble is None:
            rows: list[tuple[int, Sequence[Any]]] = []
            rejects: list[Reject] = []
            ended = False
            while len(rows) + len(rejects) < size:
                number = lines.start_row()
                try:
                    row = next(self._reader, None)
                except csv.Error as fault:
                    lines.give_back(lines.taken[1:])
                    rejects.append(_reject(number, f"not CSV: {fault}", lines.taken[0]))
                    continue
                except InputError as fault:
                    trouble = fault
                    break
                if row is None:
                    ended = True
                    break
                if len(row) == width and not lines.odd:
                    rows.append((number, row))
                elif row or lines.long:
                    rejects.append(_reject(number, self._cause(row), "".join(lines.taken)))
            if rows or rejects:
                yield RowBlock(rows, rejects, lines.number)
            if ended:
                return
        raise trouble

    def _cause(self, row: list[str]) -> str:
        if self._lines.long:
            return f"a line has at most {self._lines.limit:,} characters"
        if len(row) != len(self.header):
            return f"the row has {len(row)} cells, the header has {len(self.header)}"
        return "not in the file's encoding (UTF-8, unless the mapping says otherwise)"


class _Lines:
    """The lines of a text, one by one, with those of the current row at hand and a way to give some back."""

    def __init__(self, text: IO[str], limit: int) -> None:
        self._text = text
        self._pending: deque[str] = deque()
        self.limit = limit
        self.number = 0
        self.taken: list[str] = []
        self.odd = self.long = False

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        if len(self.taken) >= LINES_PER_ROW:
            raise csv.Error(f"a row runs over more than {LINES_PER_ROW} lines; is a quote not closed?")
        line = self._pending.popleft() if self._pending else self._text.readline(self.limit)
        if not line:
            raise StopIteration
        self.number += 1
        self.taken.append(line)
        if len(line) >= self.limit and line[-1] != "\n":
            self.odd = self.long = True
            while (more := self._text.readline(self.limit)) and more[-1] != "\n":
                pass
            return "\n"
        if not line.isascii() and SURROGATE.search(line):
            self.odd = True
        return line

    @property
    def waiting(self) -> bool:
        return bool(self._pending)

    def start_row(self) -> int:
        """Begin a row: the number of its first line."""
        self.taken = []
        self.odd = self.long = False
        return self.number + 1

    def give_back(self, lines: list[str]) -> None:
        """Lines to be read once more."""
        self._pending.extendleft(reversed(lines))
        self.number -= len(lines)


class _Raw(io.RawIOBase):
    """A source as a raw stream."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._source.readinto(memoryview(buffer))


class ParquetTable:
    """A Parquet file: ``header``, then blocks of rows, numbered from 1. A row that is longer than a line is set aside.

    A file says once what its rows repeat, and packs the rest: a small one may be more than any memory holds. Texts are
    kept as the file says them, and where rows are long few are read at a time.
    """

    def __init__(self, file: str | IO[bytes], name: str, line_limit: int) -> None:
        import pyarrow as pa  # noqa: PLC0415  # large, and needed by few
        import pyarrow.parquet as pq  # noqa: PLC0415

        self._failures: tuple[type[Exception], ...] = (pa.ArrowException, OSError, ValueError, OverflowError)
        self._name = name
        self._limit = line_limit
        try:
            place: Any = file if isinstance(file, str) else pa.BufferReader(file.read())  # two read it
            self._file: Any = pq.ParquetFile(place)
            self._texts = self._repeated()
            self._as_said: Any = pq.ParquetFile(place, read_dictionary=self._texts) if self._texts else self._file
            self.header: list[str] = [str(column) for column in self._file.schema_arrow.names]
            self.count = int(self._file.metadata.num_rows)
        except self._failures as fault:
            raise self._broken(fault) from fault
        _check_columns(name, self.header)

    def _broken(self, fault: Exception) -> InputError:
        return InputError(
            f"{self._name}: not a readable Parquet file: {safe_text(str(fault).partition(chr(10))[0], 200)}",
            remedy="write the file again, or fetch it once more",
        )

    def blocks(self, size: int) -> Iterator[RowBlock]:
        """The rows in blocks of ``size``."""
        number = 0
        batches = self._batches(size)
        while True:
            try:
                batch = next(batches, None)
            except self._failures as fault:
                raise self._broken(fault) from fault
            if batch is None:
                return
            longest = sum(map(_longest, batch.columns))
            columns = [self._cells(column, longest) for column in batch.columns]
            rows: list[tuple[int, Sequence[Any]]] = list(enumerate(zip(*columns, strict=True), number + 1))
            most = max(1, _BATCH_BYTES // max(1, longest))
            for start in range(0, len(rows), most):
                part = rows[start : start + most]
                yield self._block(part, number + start + len(part), doubtful=longest > self._limit)
            number += batch.num_rows

    def _block(self, rows: list[tuple[int, Sequence[Any]]], last: int, *, doubtful: bool) -> RowBlock:
        """Some rows, without those that are too long."""
        sizes = {at: size for at, cells in rows if (size := sum(map(_length, cells))) > self._limit} if doubtful else {}
        rejects = [_reject(at, oversize(size, self._limit), "") for at, size in sizes.items()]
        return RowBlock([row for row in rows if row[0] not in sizes] if sizes else rows, rejects, last)

    def _batches(self, size: int) -> Iterator[Any]:
        for group in range(self._file.metadata.num_row_groups):
            found = self._file.metadata.row_group(group)
            many = max(1, min(size, _BATCH_BYTES * max(1, found.num_rows) // max(1, found.total_byte_size)))
            file = self._as_said if self._longest_said(group) * many > _BATCH_BYTES else self._file
            yield from file.iter_batches(batch_size=many, row_groups=[group])

    def _longest_said(self, group: int) -> int:
        """The bytes of the longest texts that rows may repeat: with a group's first row comes all that it says once."""
        if not self._texts:
            return 0
        first = next(self._as_said.iter_batches(batch_size=1, row_groups=[group], columns=self._texts), None)
        return 0 if first is None else sum(map(_longest, first.columns))

    def _repeated(self) -> list[str]:
        """The columns of texts that a dictionary in the file holds."""
        import pyarrow as pa  # noqa: PLC0415

        schema, metadata = self._file.schema_arrow, self._file.metadata
        texts = {field.name for field in schema if pa.types.is_string(field.type) or pa.types.is_binary(field.type)}
        groups = [metadata.row_group(at) for at in range(metadata.num_row_groups)]
        chunks = [group.column(at) for group in groups for at in range(group.num_columns)]
        return sorted({one.path_in_schema for one in chunks if one.has_dictionary_page} & texts)

    def _cells(self, column: Any, longest: int) -> list[Any]:
        import pyarrow as pa  # noqa: PLC0415

        if pa.types.is_dictionary(column.type):
            if longest * len(column) > _BATCH_BYTES:
                # Each text once, however many rows have it.
                known = [*self._cells(column.dictionary, 0), None]
                return [known[at] for at in column.indices.fill_null(len(known) - 1).to_pylist()]
            column = column.dictionary_decode()
        try:
            if pa.types.is_timestamp(column.type) and column.type.unit == "ns":
                column = column.cast(pa.timestamp("us", tz=column.type.tz), safe=False)
            elif pa.types.is_duration(column.type) and column.type.unit == "ns":
                column = column.cast(pa.duration("us"), safe=False)
            cells: list[Any] = column.to_pylist()
        except self._failures:
            # One cell that Python cannot hold (a date after year 9999, bytes that are no text) must not cost the rest.
            return [self._cell(scalar) for scalar in column]
        return cells

    def _cell(self, scalar: Any) -> Any:
        try:
            return scalar.as_py()
        except self._failures:
            return Oddity(f"a {scalar.type} out of range")


def _check_columns(table: str, names: Sequence[str]) -> None:
    """Of two columns with one name nobody could say which is meant (none is none). Raises ``InputError``."""
    double = next((name for name, count in Counter(names).items() if name and count > 1), None)
    if double is not None:
        raise InputError(
            f"{table}: the column {safe_text(double)!r} is there twice", remedy="give each column its own name"
        )


def _longest(column: Any) -> int:
    """The bytes of the longest text of a column."""
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.compute as pc  # noqa: PLC0415

    values = column.dictionary if pa.types.is_dictionary(column.type) else column
    if not (pa.types.is_string(values.type) or pa.types.is_binary(values.type)):
        return int(values.nbytes) // max(1, len(values))
    longest: int | None = pc.max(pc.binary_length(values)).as_py()
    return longest or 0


def _length(cell: Any) -> int:
    return len(cell) if isinstance(cell, str | bytes) else 0


def _reject(number: int, cause: str, raw: str) -> Reject:
    return Reject(line=number, path="$", cause=cause, raw=safe_text(raw.rstrip("\r\n"), RAW_LIMIT))
