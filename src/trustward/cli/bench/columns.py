"""Rows of a skewed key, a time and an amount, as arrays: what the windows' own benchmarks run over."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Column = np.ndarray[Any, np.dtype[Any]]

DAY_US = 86_400_000_000
BATCH = 8_192
"""Rows that go to the windows at once, as in a replay."""


def skewed(rows: int, keys: int, draw: np.random.Generator) -> Column:
    """A key for each row: the n-th busiest key is drawn 1/n times as often as the busiest (Zipf's law)."""
    import numpy as np

    edges = np.cumsum(1.0 / np.arange(1, keys + 1))
    ranks = np.searchsorted(edges, draw.random(rows) * edges[-1])
    # Busy keys are no neighbours, neither in number nor in memory.
    chosen: Column = draw.permutation(keys)[np.minimum(ranks, keys - 1)].astype(np.int64)
    return chosen


def rising(rows: int, span_us: int, draw: np.random.Generator) -> Column:
    """Times over ``span_us``, each later than the one before, so that no two rows are equal in time."""
    import numpy as np

    gaps = draw.integers(1, max(2, 2 * span_us // rows), rows)
    times: Column = (1_767_225_600_000_000 + np.cumsum(gaps)).astype(np.int64)
    return times


def write(folder: Path, rows: int, keys: int, span_us: int, seed: int) -> int:
    """Write ``keys.npy``, ``times.npy`` and ``amounts.npy`` into ``folder``; gives how many keys occur."""
    import numpy as np

    draw = np.random.default_rng(seed)
    drawn = skewed(rows, keys, draw)
    np.save(folder / "keys.npy", drawn)
    np.save(folder / "times.npy", rising(rows, span_us, draw))
    np.save(folder / "amounts.npy", draw.integers(1, 100_000, rows, dtype=np.int64))
    return len(np.unique(drawn))


def read(folder: str) -> tuple[Column, Column, Column]:
    """Keys, times and amounts."""
    import numpy as np

    where = Path(folder)
    return np.load(where / "keys.npy"), np.load(where / "times.npy"), np.load(where / "amounts.npy")


def name(key: int) -> str:
    """The text of a key, as long as account ids are.

    >>> name(7)
    'account-0000007'
    """
    return f"account-{key:07}"
