"""What stands for a text in an index. PostgreSQL refuses a row whose entry in an index is longer than 2,704 bytes.

An entity may be longer: a link, or whatever a user has typed. One that is would keep back everything that is written
together with it, again and again. The record's body has the text itself.
"""

from __future__ import annotations

from hashlib import sha256

KEY_BYTES = 2_000
BESIDE_BYTES = 600
"""Of what stands in an index beside another one."""
_KEPT = 64


def keyed(text: str, most: int = KEY_BYTES) -> str:
    """The text, or its beginning and its hash if it is longer than an index takes.

    >>> keyed("account:a1"), len(keyed("字" * 3_000).encode()) < 300
    ('account:a1', True)
    """
    if len(text) * 4 <= most:  # a letter has four bytes at most
        return text
    raw = text.encode("utf-8", "surrogatepass")
    return text if len(raw) <= most else f"{text[:_KEPT]}#{sha256(raw).hexdigest()}"
