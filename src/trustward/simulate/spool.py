"""Events that have been made and wait for their hour."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from trustward.simulate.draws import Flags, Ints
from trustward.simulate.kernel import NOTHING
from trustward.simulate.layout import Layout

HOUR = 3_600_000
"""Milliseconds of an hour: the world is made hour by hour."""
DAY = 24 * HOUR
_PLACE_BITS = 32

Value = int | Ints | Flags
"""One value for all rows, or one for each; ``NOTHING`` leaves the field out."""
Values = Mapping[str, Value]
"""Values by field name."""


class Hour(NamedTuple):
    """The events of one hour in time order."""

    kinds: Ints
    rows: Ints
    begins: Ints
    truths: Ints


class Spool:
    """Rows by hour and type. What is added for an hour that has gone, or after the end, is dropped and counted."""

    def __init__(self, layouts: Mapping[str, Layout], start: int, end: int) -> None:
        self._layouts = layouts
        self._start = start
        self._end = end
        self._hours: dict[int, list[tuple[int, Ints]]] = defaultdict(list)
        self._now = 0
        self.beyond = 0
        """Rows dropped because the world ends before them."""

    def add(self, type: str, times: Ints, truth: int, columns: Values) -> None:
        """Put rows of one type in; ``times`` are milliseconds since 1970, ``truth`` a number (0: honest)."""
        n = len(times)
        if n == 0:
            return
        layout = self._layouts[type]
        rows = np.full((n, layout.width), NOTHING, dtype=np.int64)
        rows[:, 0] = times
        rows[:, 1] = truth
        places = layout.places
        for name, value in columns.items():
            rows[:, places[name]] = value
        hours = (times - self._start) // HOUR
        first, last = int(hours.min()), int(hours.max())
        if first < self._now:
            raise ValueError(f"{type} at an hour that is already written")
        if first == last:
            self._keep(first, layout.number, rows)
            return
        order = np.argsort(hours, kind="stable")
        rows = rows[order]
        edges = np.searchsorted(hours[order], np.arange(first, last + 2))
        for hour in range(first, last + 1):
            begin, end = int(edges[hour - first]), int(edges[hour - first + 1])
            if begin < end:
                self._keep(hour, layout.number, rows[begin:end])

    def _keep(self, hour: int, kind: int, rows: Ints) -> None:
        if self._start + hour * HOUR >= self._end:
            self.beyond += len(rows)
        else:
            # A copy, so that a row that waits does not keep the rest of its batch.
            self._hours[hour].append((kind, rows if hour == self._now else rows.copy()))

    def take(self, hour: int) -> Hour:
        """The events of one hour, sorted by time; equal times in the order in which they were made."""
        self._now = hour + 1
        batches = self._hours.pop(hour, [])
        if not batches:
            nothing = np.zeros(0, dtype=np.int64)
            return Hour(nothing, nothing, nothing, nothing)
        times = np.concatenate([rows[:, 0] for _, rows in batches])
        kinds = np.repeat(np.array([kind for kind, _ in batches], dtype=np.int64), [len(rows) for _, rows in batches])
        truths = np.concatenate([rows[:, 1] for _, rows in batches])
        begins = np.empty(len(times), dtype=np.int64)
        at = place = 0
        for _, rows in batches:
            n, width = rows.shape
            begins[at : at + n] = np.arange(n, dtype=np.int64) * width + place
            at += n
            place += n * width
        flat = np.concatenate([rows.ravel() for _, rows in batches])
        # Time and place in one number: all differ, so any sort gives the same order: the fastest.
        keys = ((times - self._start - hour * HOUR) << _PLACE_BITS) | np.arange(len(times), dtype=np.int64)
        keys.sort()
        # A world may end within an hour.
        fit = int(np.searchsorted(keys, min(self._end - self._start - hour * HOUR, HOUR) << _PLACE_BITS))
        self.beyond += len(keys) - fit
        order = keys[:fit] & ((1 << _PLACE_BITS) - 1)
        return Hour(kinds[order], flat, begins[order], truths[order])
