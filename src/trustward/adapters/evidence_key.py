"""The file with the key that bundles of evidence are signed with: made when first needed, its owner's alone."""

from __future__ import annotations

from pathlib import Path

from trustward.adapters.key_files import key_file
from trustward.exchange.evidence import SigningKey

KEY_FILE = "evidence.key"
"""Its name in the data folder."""


def signing_key(path: Path, *, make: bool) -> SigningKey:
    """The key in a file; with ``make`` a new one if there is no such file. Raises SettingsError."""
    return SigningKey.read(key_file(path, "evidence", (lambda: SigningKey.make().pem()) if make else None))
