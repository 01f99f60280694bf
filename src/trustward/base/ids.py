"""Ids of records that have none of their own."""

from __future__ import annotations

import secrets

_BYTES = 8


def new_id() -> str:
    """An id that nobody can guess, and that will not come again.

    >>> len(new_id()), new_id() == new_id()
    (16, False)
    """
    return secrets.token_hex(_BYTES)
