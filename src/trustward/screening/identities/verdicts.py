"""Scores and thresholds that the screeners of identities share."""

from __future__ import annotations

from collections.abc import Sequence

from trustward.model.signal import Signal, verdict_of

VERSION = "1"
SUSPICIOUS = 0.6
HARMFUL = 0.9
"""No labelled set of numbers and addresses says how often each finding goes with fraud. The scores are set by hand, so
that one finding alone is never ``harmful`` unless it has no honest explanation."""

Finding = tuple[float, str]
"""What one finding adds, and its reason."""


def signal(findings: Sequence[Finding], category: str, entities: Sequence[tuple[str, str]] = ()) -> Signal:
    """The signal of independent findings: each leaves a share of doubt, and the doubts multiply.

    >>> signal([(0.5, "a"), (0.5, "b")], "x").score
    0.75
    """
    doubt = 1.0
    for weight, _ in findings:
        doubt *= 1 - weight
    score = round(1 - doubt, 4)
    return Signal(
        score=score,
        verdict=verdict_of(score, SUSPICIOUS, HARMFUL),
        category=category,
        reasons=tuple(reason for _, reason in findings if reason),
        entities=tuple(entities),
        version=VERSION,
    )
