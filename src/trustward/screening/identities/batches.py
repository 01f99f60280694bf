"""Scores of many values at once, each different value screened once: user agents and numbers repeat."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from trustward.model.signal import Signal


def scores_by(screen: Callable[[str], Signal]) -> Callable[[Sequence[str]], Any]:
    """A function from texts to an array of their scores; an empty text, which stands for a missing one, gets 0.

    >>> scores_by(lambda text: Signal(score=0.5, version="1"))(["a", "", "a"]).tolist()
    [0.5, 0.0, 0.5]
    """

    def scores(values: Sequence[str]) -> Any:
        known: dict[str, float] = {"": 0.0}
        for value in set(values):
            if value:
                known[value] = screen(value).score
        return np.fromiter((known[value] for value in values), np.float64, len(values))

    return scores
