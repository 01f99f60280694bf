"""Where the bytes go: a file, a compressed file, standard output, or any binary stream."""

from __future__ import annotations

import gzip
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Protocol

from trustward.base.errors import UsageError


class Sink(Protocol):
    """Takes bytes."""

    def write(self, data: memoryview, /) -> object:
        """Write all of ``data``."""
        ...


@contextmanager
def opened(out: Path | str | IO[bytes]) -> Iterator[Sink]:
    """Open the output. A file appears under its name only when it is whole; an interrupted run leaves nothing.

    Raises:
        UsageError: the file cannot be written.
    """
    if not isinstance(out, (str, Path)):
        yield out
        return
    if str(out) == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    path = Path(out)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        file = part.open("wb")
    except OSError as fault:
        raise UsageError(
            f"cannot write {path}: {fault.strerror}", remedy="name a file in a folder that exists"
        ) from fault
    try:
        with file:
            if path.suffix == ".gz":
                # No name and no time in the header: the same world gives the same bytes.
                with gzip.GzipFile(filename="", fileobj=file, mode="wb", compresslevel=1, mtime=0) as packed:
                    yield packed
            else:
                yield file
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
