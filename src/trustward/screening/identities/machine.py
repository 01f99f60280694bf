"""Names that no person chose: how surprising the letters of a name are after one another."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

DATA = Path(__file__).resolve().parent.parent / "data" / "identities"
_PLACES = {letter: at + 1 for at, letter in enumerate("abcdefghijklmnopqrstuvwxyz0123456789")}
BOUND = 6.2
"""Bits a letter from which a name counts as drawn by a program; ``docs/models/identities.md`` gives its errors."""
SHORTEST = 8
"""Shorter names say too little."""


@cache
def letters() -> Any:
    """The table of surprises, loaded once."""
    return np.load(DATA / "letters.npy", allow_pickle=False)


def surprise(name: str, table: Any = None) -> float:
    """Bits a letter of a name in lower case; signs are passed over, and 0 is said of names that are too short.

    >>> surprise("mariagarcia") < surprise("xq7zk0vjw2hf")
    True
    """
    table = letters() if table is None else table
    before, last, total, count = 0, 0, 0, 0
    for letter in name[:64]:
        now = _PLACES.get(letter)
        if now is None:
            continue
        total += int(table[before, last, now])
        before, last = last, now
        count += 1
    return total / count / 8 if count >= SHORTEST else 0.0


def is_made(name: str) -> bool:
    """Whether a name looks as if a program had drawn it."""
    return surprise(name) >= BOUND
