"""Files with a key: made when first needed, whole or not at all, their owner's alone."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from trustward.base.errors import SettingsError

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def key_file(path: Path, what: str, make: Callable[[], bytes] | None) -> bytes:
    """What a file holds; with ``make`` a new key if there is no such file. Raises SettingsError."""
    if make is not None and not path.exists():
        _write(path, what, make())
    try:
        if os.name == "posix" and path.stat().st_mode & _OTHERS:
            raise SettingsError(f"others may read the key for {what}: {path}", remedy=f"chmod 600 {path}")
        return path.read_bytes()
    except OSError as fault:
        raise SettingsError(
            f"the key for {what} cannot be read: {path}: {fault.strerror}", remedy="check the path and its rights"
        ) from fault


def _write(path: Path, what: str, body: bytes) -> None:
    """Write a new key; whoever comes second takes the first one's."""
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(part, path)
    except OSError as fault:
        raise SettingsError(
            f"the key for {what} cannot be written: {path}: {fault.strerror}",
            remedy="check the folder and its rights",
        ) from fault
    finally:
        with suppress(OSError):
            part.unlink()
