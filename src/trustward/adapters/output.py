"""Files out: whole or not at all."""

from __future__ import annotations

import gzip
import os
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self, cast

import msgspec

from trustward.base.errors import UsageError
from trustward.base.units import MISSING
from trustward.exchange.records import Reject

STDOUT = "-"
_BUFFER = 2**20


class AtomicFile:
    """A file that appears under its name only when the ``with`` block ends well; otherwise nothing is left of it.

    ``-`` is the standard output; a name that ends in ``.gz`` is compressed. A name that is no ordinary file (a pipe,
    ``/dev/null``) is written to directly.
    Raises ``UsageError`` where the file cannot be written.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with AtomicFile(Path(folder) / "out.ndjson") as file:
    ...         file.write(b"{}")
    ...     (Path(folder) / "out.ndjson").read_bytes()
    b'{}'
    """

    def __init__(self, path: str | Path) -> None:
        self.path = str(path)
        self._temporary: str | None = None
        self._packed: IO[bytes] | None = None
        self._direct = self.path == STDOUT or (Path(path).exists() and not Path(path).is_file())
        self.file: IO[bytes]
        try:
            self.file = self._open()
        except OSError as fault:
            raise UsageError(
                f"cannot write {self.path}: {fault.strerror or fault}",
                remedy="name a file in a folder you may write to",
            ) from fault

    def _open(self) -> IO[bytes]:
        if self.path == STDOUT:
            return sys.stdout.buffer
        if self._direct:
            return Path(self.path).open("wb", buffering=_BUFFER)
        target = Path(os.path.realpath(self.path))
        number, self._temporary = tempfile.mkstemp(prefix=f".{target.name[:100]}.", suffix=".part", dir=target.parent)
        # mkstemp makes files for the owner only; the result gets the rights that any new file would.
        mask = os.umask(0)
        os.umask(mask)
        Path(self._temporary).chmod(0o666 & ~mask)
        file = os.fdopen(number, "wb", buffering=_BUFFER)
        if target.suffix != ".gz":
            return file
        self._packed = file
        # No name and no time inside: the same content gives the same bytes.
        return cast(IO[bytes], gzip.GzipFile(filename="", mode="wb", compresslevel=3, fileobj=file, mtime=0))

    def write(self, data: bytes) -> None:
        """Add bytes."""
        self.file.write(data)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.path == STDOUT:
            self.file.flush()
            return
        try:
            if kind is None and self._temporary is not None:
                self._finish()
                Path(self._temporary).replace(os.path.realpath(self.path))
                self._temporary = None
        finally:
            self._discard()

    def _finish(self) -> None:
        """Everything to the disk, so that the name never stands for less than the whole."""
        if self._packed is not None:
            self.file.close()
        file = self._packed or self.file
        file.flush()
        os.fsync(file.fileno())
        file.close()

    def _discard(self) -> None:
        try:
            self.file.close()
            if self._packed is not None:
                self._packed.close()
        finally:
            if self._temporary is not None:
                Path(self._temporary).unlink(missing_ok=True)
                self._temporary = None


class LineFile(AtomicFile):
    """An NDJSON file: one record a line."""

    def __init__(self, path: str | Path) -> None:
        super().__init__(path)
        self._encoder = msgspec.json.Encoder()

    def write_records(self, records: Sequence[Any]) -> None:
        """Add records (structs, dicts), each on a line of its own."""
        if records:
            self.file.write(self._encoder.encode_lines(records))


class RejectFile(LineFile):
    """The records that were set aside or lost a field, with file, line, path and cause; counts what it is given."""

    def __init__(self, path: str | Path | None) -> None:
        self.count = 0
        self._wanted = path is not None
        super().__init__(os.devnull if path is None else path)

    def add(self, rejects: Iterable[Reject]) -> None:
        """Add rejects."""
        found = list(rejects)
        self.count += len(found)
        if self._wanted:
            self.write_records(found)


class ParquetFile:
    """A Parquet file of columns, written part by part; it appears only when the ``with`` block ends well.

    ``columns`` gives each column's name and kind: ``text``, ``whole`` (missing values as null) or ``float`` (not-a-
    number as null).
    """

    def __init__(self, path: str | Path, columns: Mapping[str, str]) -> None:
        import pyarrow as pa  # noqa: PLC0415  # large, and needed by few
        import pyarrow.parquet as pq  # noqa: PLC0415

        kinds = {"text": pa.string(), "whole": pa.int64(), "float": pa.float64()}
        self._pa: Any = pa
        self._columns = dict(columns)
        self._schema = pa.schema([(name, kinds[kind]) for name, kind in columns.items()])
        self._atomic = AtomicFile(path)
        self._writer: Any = pq.ParquetWriter(self._atomic.file, self._schema, compression="zstd")

    def write(self, columns: Mapping[str, Any]) -> None:
        """Add rows: every column, all of one length (lists or NumPy arrays)."""
        arrays = [self._array(columns[name], kind) for name, kind in self._columns.items()]
        self._writer.write_table(self._pa.Table.from_arrays(arrays, schema=self._schema))

    def _array(self, values: Any, kind: str) -> Any:
        import numpy as np  # noqa: PLC0415

        if kind == "text":
            return self._pa.array(values, self._pa.string())
        cells = np.asarray(values, np.int64 if kind == "whole" else np.float64)
        return self._pa.array(cells, mask=cells == MISSING if kind == "whole" else np.isnan(cells))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._writer.close()  # also of a broken-off file: it would try again when it is forgotten
        except BaseException as failure:
            self._atomic.__exit__(type(failure), failure, failure.__traceback__)
            raise
        self._atomic.__exit__(kind, error, trace)
