"""What screening one value says."""

from __future__ import annotations

import msgspec


class Signal(msgspec.Struct, frozen=True, kw_only=True):
    """A score from 0 (harmless) to 1 (certainly harmful), a category, reasons, and the version of the screener.

    Reasons carry no personal data.

    >>> Signal(score=0.9, category="phishing", reasons=("look-alike of a brand",), version="1").score
    0.9
    """

    score: float
    category: str = ""
    reasons: tuple[str, ...] = ()
    version: str
