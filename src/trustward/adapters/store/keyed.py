"""What stands for a text in an index. PostgreSQL refuses an entry of more than 2,704 bytes, and a NUL in any text.

An entity may have both: a link, or whatever a user has typed. One that has would keep back everything that is written
together with it, again and again. The record's body has the text itself.
"""

from __future__ import annotations

from hashlib import sha256

KEY_BYTES = 2_000
BESIDE_BYTES = 600
"""Of what stands in an index beside another one."""
_KEPT = 64


def keyed(text: str, most: int = KEY_BYTES) -> str:
    r"""The text, or its beginning and its hash if it is nothing that an index takes.

    >>> keyed("account:a1"), len(keyed("\u5b57" * 3_000).encode()) < 300, keyed("a\0b").startswith("a?b#")
    ('account:a1', True, True)
    """
    plain = "\0" not in text
    if plain and len(text) * 4 <= most:  # a letter has four bytes at most
        return text
    raw = text.encode("utf-8", "surrogatepass")
    if plain and len(raw) <= most:
        return text
    return text[:_KEPT].replace("\0", "?") + "#" + sha256(raw).hexdigest()
