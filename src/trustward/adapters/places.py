"""Where a command reads and writes, looked at before it begins: a mistake shows at once, and destroys nothing."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from trustward.adapters.output import STDOUT
from trustward.base.errors import UsageError


def check_places(
    reads: Mapping[str, Iterable[str | Path | None]], writes: Mapping[str, Path | None], *, json: bool = False
) -> None:
    """See that every file written is one of its own, and that only one answer goes to the standard output.

    ``reads`` and ``writes`` are named as the user knows them. ``json``: the standard output is taken already.

    Raises UsageError.

    >>> check_places({"events": ["a.ndjson"]}, {"--out": Path("b.ndjson")})
    >>> check_places({"events": ["a.ndjson"]}, {"--out": Path("./a.ndjson")})
    Traceback (most recent call last):
    ...
    trustward.base.errors.UsageError: TW-100: events and --out are the same file: a.ndjson (name another one)
    """
    taken = {os.path.realpath(str(path)): name for name, paths in reads.items() for path in paths if path is not None}
    speaker = "--json" if json else ""
    for name, path in writes.items():
        if path is None:
            continue
        if str(path) == STDOUT:
            if speaker:
                raise UsageError(f"{speaker} and {name} both go to the standard output", remedy="name a file for one")
            speaker = name
            continue
        if path.is_dir():
            raise UsageError(f"cannot write {path}: Is a directory", remedy="name a file in it")
        if path.exists() and not path.is_file():
            continue  # a pipe or a device may well take more than one
        before = taken.setdefault(os.path.realpath(path), name)
        if before != name:
            raise UsageError(f"{before} and {name} are the same file: {path}", remedy="name another one")
        if name in ("--snapshot-out", "--truth") and not os.access(path.parent, os.W_OK):
            # The other files are opened at the start; these only when all is done.
            raise UsageError(f"cannot write {path}", remedy="name a file in a folder you may write to")
