r"""A snapshot's format: a magic word, a JSON header, the raw arrays, and a checksum over all of it.

    8 bytes   b"TWWIN\x00\x00\x03" (the last one is the format's version)
    4 bytes   length of the header, little-endian
    header    JSON: byte order, the streams, a check of the seed, the words of each array
    32 bytes  BLAKE2b of everything before, so that damaged sizes are never believed
    arrays    arena (what is used of it), table of entities, table of distinct values: 64-bit words
    32 bytes  BLAKE2b of everything before

Nothing in it is code. It holds fingerprints and numbers, no value in the clear.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from trustward.base.errors import StateError
from trustward.windows.plan import Stream

_MAGIC = b"TWWIN\x00\x00\x03"
_BLOCK = 1 << 24
_LARGEST_HEADER = 1 << 26
_AGAIN = "take a new snapshot, or start empty and replay the journal"


def seed_check(seed: bytes) -> str:
    """Tells whether two seeds are the same, without telling the seed."""
    return hashlib.blake2b(b"check", key=seed, digest_size=16).hexdigest()


def header_of(streams: Sequence[Stream], seed: bytes, sizes: Sequence[int]) -> bytes:
    """The JSON header of a state with these streams and arrays of these many words."""
    return json.dumps(
        {
            "byteorder": sys.byteorder,
            "streams": msgspec.to_builtins(streams),
            "seed": seed_check(seed),
            "words": list(sizes),
        }
    ).encode()


def save(file: BinaryIO, header: bytes, arrays: Sequence[Any]) -> None:
    """Write header and arrays with their checksum."""
    digest = hashlib.blake2b(_MAGIC + len(header).to_bytes(4, "little") + header, digest_size=32)
    file.write(_MAGIC + len(header).to_bytes(4, "little") + header + digest.digest())
    for array in arrays:
        part = memoryview(array).cast("B")
        for at in range(0, len(part), _BLOCK):
            block = part[at : at + _BLOCK]
            digest.update(block)
            file.write(block)
    file.write(digest.digest())


def save_file(path: Path, header: bytes, arrays: Sequence[Any]) -> None:
    """Write a file that is there whole or not at all: beside it first, then flushed, then renamed."""
    if path.exists() and not path.is_file() and not path.is_dir():  # a pipe or a device: it would be replaced
        with path.open("wb") as file:
            save(file, header, arrays)
        return
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as fault:
        raise StateError(
            f"cannot write beside {path.name}: {fault.strerror}", remedy="choose another folder"
        ) from fault
    try:
        with os.fdopen(handle, "wb") as file:
            save(file, header, arrays)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except OSError as fault:
        Path(name).unlink(missing_ok=True)
        raise StateError(f"cannot write {path.name}: {fault.strerror}", remedy="choose another place") from fault
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


class Reader:
    """Reads a snapshot piece by piece and checks it. StateError for whatever is wrong with it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._digest = hashlib.blake2b(digest_size=32)
        if self._read(len(_MAGIC)) != _MAGIC:
            raise StateError("not a snapshot of windows, or one of another version", remedy=_AGAIN)
        size = int.from_bytes(self._read(4), "little")
        if size > _LARGEST_HEADER:
            raise StateError("the snapshot is damaged: impossible header", remedy=_AGAIN)
        text = self._read(size)
        self._compare()
        try:
            self.header: dict[str, Any] = json.loads(text)
            self.words = [int(words) for words in self.header["words"]]
        except (ValueError, KeyError, TypeError) as fault:
            raise StateError("the snapshot is damaged: unreadable header", remedy=_AGAIN) from fault

    def check(self, streams: Sequence[Stream], seed: bytes) -> None:
        """Does the snapshot fit these streams and this seed?"""
        if self.header.get("byteorder") != sys.byteorder:
            raise StateError("the snapshot was made on a machine with another byte order", remedy=_AGAIN)
        if self.header.get("streams") != json.loads(json.dumps(msgspec.to_builtins(streams))):
            raise StateError("the snapshot was made for other windows than this policy's", remedy=_AGAIN)
        if self.header.get("seed") != seed_check(seed):
            raise StateError(
                "the snapshot was made with another seed", remedy="use the seed of the service that made it"
            )

    def fill(self, array: Any) -> None:
        """Read one array's words into ``array``."""
        view = memoryview(array).cast("B")
        for at in range(0, len(view), _BLOCK):
            block = view[at : at + _BLOCK]
            done = 0
            while done < len(block):
                count = self._file.readinto(block[done:])  # type: ignore[attr-defined]
                if not count:
                    raise StateError("the snapshot is cut short", remedy=_AGAIN)
                done += count
            self._digest.update(block)

    def finish(self) -> None:
        """Compare the checksum."""
        self._compare()
        if self._file.read(1):
            raise StateError("the snapshot is damaged: something follows it", remedy=_AGAIN)

    def _compare(self) -> None:
        if self._file.read(32) != self._digest.digest():
            raise StateError("the snapshot is damaged: its checksum does not match", remedy=_AGAIN)

    def _read(self, size: int) -> bytes:
        data = self._file.read(size)
        if len(data) != size:
            raise StateError("the snapshot is cut short", remedy=_AGAIN)
        self._digest.update(data)
        return data
