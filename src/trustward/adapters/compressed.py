"""Bytes out of plain and compressed files, with memory that no archive can blow up."""

from __future__ import annotations

import bz2
import lzma
import zlib
from typing import IO, Any, Protocol

from trustward.base.errors import InputError

_SLICE = 2**16
"""Compressed bytes taken at a time: what is lost before a damaged place is at most what one slice holds."""

_MAGIC = (
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
)


class Source(Protocol):
    """Where bytes come from: fills a buffer, and says how far it is in the file as it lies on disk."""

    def readinto(self, buffer: memoryview) -> int:
        """Fill as much of the buffer as there is; 0 at the end.

        Raises ``InputError`` where nothing more can be read.
        """

    def position(self) -> int:
        """Bytes taken from the file itself."""

    def close(self) -> None:
        """Let go of the file."""


def compression_of(start: bytes) -> str:
    """The compression that a file's first bytes show, or an empty text.

    >>> compression_of(b"BZh91AY")
    'bzip2'
    """
    return next((name for magic, name in _MAGIC if start.startswith(magic)), "")


def open_source(file: IO[bytes], name: str, start: bytes) -> Source:
    """The bytes of an open file whose first bytes, already taken from it, are ``start``."""
    compression = compression_of(start)
    if not compression:
        return _Plain(file, name, start)
    if compression == "zstd":
        return _Zstandard(file, name, start)
    return _Compressed(file, name, start, compression)


def _broken(name: str, fault: Exception) -> InputError:
    return InputError(
        f"cannot read on in {name}: {getattr(fault, 'strerror', None) or fault}",
        remedy="fetch or copy the file again",
    )


class _Plain:
    def __init__(self, file: IO[bytes], name: str, start: bytes) -> None:
        self._file: Any = file
        self._name = name
        self._start = start
        self._taken = len(start)

    def readinto(self, buffer: memoryview) -> int:
        if self._start:
            count = min(len(self._start), len(buffer))
            buffer[:count] = self._start[:count]
            self._start = self._start[count:]
            return count
        try:
            count = int(self._file.readinto(buffer) or 0)
        except OSError as fault:
            raise _broken(self._name, fault) from fault
        self._taken += count
        return count

    def position(self) -> int:
        return self._taken

    def close(self) -> None:
        self._file.close()


class _Compressed:
    """gzip, bzip2 and xz, with any number of parts one after the other, as those tools write them."""

    def __init__(self, file: IO[bytes], name: str, start: bytes, compression: str) -> None:
        self._file = file
        self._name = name
        self._compression = compression
        self._input = start
        self._taken = len(start)
        self._output = memoryview(b"")
        self._part: Any = self._new_part()
        self._ended = False

    def readinto(self, buffer: memoryview) -> int:
        while not self._output:
            if not self._advance():
                return 0
        count = min(len(self._output), len(buffer))
        buffer[:count] = self._output[:count]
        self._output = self._output[count:]
        return count

    def _advance(self) -> bool:
        """Unpack one slice more; False at the end of the file."""
        try:
            if not self._input:
                self._input = self._file.read(_SLICE)
                self._taken += len(self._input)
            at_end = not self._input
            if self._ended:
                # Padding after a part is skipped, as gzip and xz do.
                self._input = self._input.lstrip(b"\0")
                if not self._input:
                    return not at_end
                self._part, self._ended = self._new_part(), False
            output = self._unpack()
            if at_end and not output and not self._ended:
                raise EOFError("the file breaks off")
            self._output = memoryview(output)
        except (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError) as fault:
            raise _broken(self._name, fault) from fault
        return True

    def _new_part(self) -> Any:
        match self._compression:
            case "gzip":
                return zlib.decompressobj(wbits=31)
            case "bzip2":
                return bz2.BZ2Decompressor()
        return lzma.LZMADecompressor(format=lzma.FORMAT_XZ)

    def _unpack(self) -> bytes:
        # A slice may unpack to a thousand times its size, so the output is bounded as well.
        part = self._part
        output: bytes = part.decompress(self._input, 16 * _SLICE)
        if self._compression == "gzip":
            self._input = part.unused_data if part.eof else part.unconsumed_tail
        else:
            self._input = part.unused_data if part.eof else b""
        self._ended = bool(part.eof)
        return output

    def position(self) -> int:
        return self._taken

    def close(self) -> None:
        self._file.close()


class _Zstandard:
    def __init__(self, file: IO[bytes], name: str, start: bytes) -> None:
        import pyarrow as pa  # noqa: PLC0415  # large, and needed by few

        self._file = file
        self._name = name
        self._failures: tuple[type[Exception], ...] = (OSError, pa.ArrowException, ValueError)
        self._raw = _Joined(file, start)
        self._stream = pa.CompressedInputStream(pa.PythonFile(self._raw, mode="r"), "zstd")

    def readinto(self, buffer: memoryview) -> int:
        try:
            # Small steps: what is lost before a damaged place is at most one of them.
            data = self._stream.read(min(len(buffer), 4 * _SLICE))
        except self._failures as fault:
            raise _broken(self._name, fault) from fault
        buffer[: len(data)] = data
        return len(data)

    def position(self) -> int:
        return self._raw.taken

    def close(self) -> None:
        self._file.close()


class _Joined:
    """A readable file whose first bytes were already taken."""

    closed = False

    def __init__(self, file: IO[bytes], start: bytes) -> None:
        self._file = file
        self._start = start
        self.taken = 0

    def read(self, size: int = -1) -> bytes:
        data = self._start or self._file.read(size)
        if self._start and 0 <= size < len(data):
            data, self._start = data[:size], data[size:]
        else:
            self._start = b""
        self.taken += len(data)
        return data

    def close(self) -> None:
        self.closed = True
