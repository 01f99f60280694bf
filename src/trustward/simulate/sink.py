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

    A pipe or a device is written to directly: it would be replaced by a file otherwise.

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
    path = Path(os.path.realpath(out))
    direct = path.exists() and not path.is_file() and not path.is_dir()
    part = path if direct else path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        file = part.open("wb")
    except OSError as fault:
        raise UsageError(
            f"cannot write {out}: {fault.strerror}", remedy="name a file in a folder that exists"
        ) from fault
    try:
        with file:
            if path.suffix == ".gz":
                # No name and no time in the header: the same world gives the same bytes.
                with gzip.GzipFile(filename="", fileobj=file, mode="wb", compresslevel=1, mtime=0) as packed:
                    yield packed
            else:
                yield file
        if not direct:
            part.replace(path)
    finally:
        if not direct:
            part.unlink(missing_ok=True)
