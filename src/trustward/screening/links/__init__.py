"""Links: made plain, taken apart, looked up and scored. Nothing is loaded before the first link is screened.

``SUSPICIOUS`` and ``HARMFUL`` are the scores from which a link is so.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt

from trustward.model.signal import Signal
from trustward.screening.screeners import Screener


@cache
def _part(name: str) -> Any:
    return import_module(f"trustward.screening.links.{name}")


def screen_link(text: str) -> Signal:
    """What a link says by itself.

    >>> screen_link("https://www.wikipedia.org/").verdict
    'ok'
    """
    signal: Signal = _part("screen").screen_link(text)
    return signal


def screen_links(texts: Sequence[str]) -> list[Signal]:
    """What each of some links says by itself: the same as :func:`screen_link`, faster."""
    signals: list[Signal] = _part("screen").screen_links(texts)
    return signals


def link_scores(texts: Sequence[str]) -> npt.NDArray[np.float32]:
    """The scores of links, shape (links,): those of :func:`screen_links` without anything else."""
    scores: npt.NDArray[np.float32] = _part("screen").link_scores(texts)
    return scores


def __getattr__(name: str) -> float:
    """The thresholds, which come with the trained model."""
    if name in ("SUSPICIOUS", "HARMFUL"):
        bound: float = getattr(_part("tables").meta(), name.lower())
        return bound
    raise AttributeError(name)


SCREENER = Screener(
    name="link",
    about="A link: what hides its target is undone; look-alikes of brands, kinds of host, names and paths are judged.",
    screen=screen_link,
    screen_many=screen_links,
    categories=(
        "phishing",
        "crypto",
        "investment",
        "scam_shop",
        "prize",
        "gambling",
        "delivery",
        "malware",
        "shortener",
    ),
    harmless=(
        "https://www.wikipedia.org/wiki/Phishing",
        "https://www.dbs.com.sg/personal/default.page",
        "https://github.com/python/cpython/issues/1",
    ),
    harmful=(
        "http://paypal-secure-login.top/webscr?cmd=login",
        "hxxps://dbs-secure-verify[.]xyz/login",
        "http://steamcommnunity-trade.ru/tradeoffer/new/?partner=1&token=a",
    ),
)
