"""What screening one value says."""

from __future__ import annotations

from typing import Literal

import msgspec

SignalVerdict = Literal["ok", "suspicious", "harmful"]


class Signal(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A score from 0 (harmless) to 1 (certainly harmful), what it means, and why.

    ``score`` is calibrated at even odds: of things scored about 0.8, about 80 % are harmful where harmful and harmless
    ones are equally many. ``verdict`` follows from the score by the screener's shipped thresholds. ``category`` is one
    of the screener's own (empty if there is none), ``reasons`` are short texts without personal data, ``entities`` are
    pairs of kind and id that the value names (a link's domain, a text's phone numbers), and ``version`` is that of the
    screener with its data.

    >>> Signal(score=0.9, verdict="harmful", category="phishing", reasons=("look-alike of a brand",), version="1").score
    0.9
    """

    score: float
    verdict: SignalVerdict = "ok"
    category: str = ""
    reasons: tuple[str, ...] = ()
    entities: tuple[tuple[str, str], ...] = ()
    version: str


def verdict_of(score: float, suspicious: float, harmful: float) -> SignalVerdict:
    """The verdict for a score by two thresholds, each reached from below.

    >>> verdict_of(0.95, suspicious=0.6, harmful=0.9)
    'harmful'
    """
    return "harmful" if score >= harmful else "suspicious" if score >= suspicious else "ok"
