"""The file with the key that bundles of evidence are signed with: made when first needed, its owner's alone."""

from __future__ import annotations

import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path

from trustward.base.errors import SettingsError
from trustward.exchange.evidence import SigningKey

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
KEY_FILE = "evidence.key"
"""Its name in the data folder."""


def signing_key(path: Path, *, make: bool) -> SigningKey:
    """The key in a file; with ``make`` a new one if there is no such file. Raises SettingsError."""
    if make and not path.exists():
        _make(path)
    try:
        if os.name == "posix" and path.stat().st_mode & _OTHERS:
            raise SettingsError(f"others may read the key for evidence: {path}", remedy=f"chmod 600 {path}")
        return SigningKey.read(path.read_bytes())
    except OSError as fault:
        raise SettingsError(
            f"the key for evidence cannot be read: {path}: {fault.strerror}", remedy="check the path and its rights"
        ) from fault


def _make(path: Path) -> None:
    """Write a new key, whole or not at all; whoever comes second takes the first one's."""
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(SigningKey.make().pem())
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(part, path)
    except OSError as fault:
        raise SettingsError(
            f"the key for evidence cannot be written: {path}: {fault.strerror}",
            remedy="check the folder and its rights",
        ) from fault
    finally:
        part.unlink(missing_ok=True)
