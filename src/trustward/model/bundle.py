"""A bundle of evidence, as the store keeps it: known by its digest, in parts."""

from __future__ import annotations

import msgspec

PART_BYTES = 1 << 20
"""How large a part is at most."""


class Bundle(msgspec.Struct, frozen=True, kw_only=True):
    """One bundle. ``id`` is the SHA-256 of all its bytes, ``record`` what it was made of, such as ``clue:4f1c``."""

    id: str
    record: str
    at_us: int
    size: int
    files: int
    secret: bool = False
