"""What the windows are given: the columns of a batch of events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

TextColumn = list[str] | tuple[list[str], list[int]]
"""A text column: one string a row ("" is missing); or, list-valued, all strings and how many each row has."""
Words = npt.NDArray[np.int64]


class Rows(msgspec.Struct, frozen=True):
    """All events of one type in a batch, as columns in the order of its ``TypePlan``."""

    type: int
    """The index in ``Plan.types``."""
    count: int
    texts: Sequence[TextColumn]
    numbers: Sequence[Sequence[Any]]
    """Whole numbers (``MISSING`` for none) or floats (NaN for none)."""
    flags: Sequence[Sequence[bool]]


class Batch(msgspec.Struct, frozen=True):
    """A batch of events of any types.

    ``order_type[i]`` (index in ``Plan.types``) and ``order_pos[i]`` (row within ``Rows``) say which event arrives
    ``i``-th, and ``times[i]`` when it happened (microseconds).
    """

    rows: Sequence[Rows]
    order_type: Words
    order_pos: Words
    times: Words
