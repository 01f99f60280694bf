"""How good decisions are, held against known answers."""

from __future__ import annotations


class Tally:
    """Scores of events with a known answer, kept as counts, so that its size does not grow with the stream.

    >>> tally = Tally()
    >>> for score, harmful in ((0.9, True), (0.9, False), (0.0, False), (0.8, True)):
    ...     tally.add(score, harmful=harmful)
    >>> round(tally.average_precision(), 4)
    0.5833
    """

    __slots__ = ("counts",)

    def __init__(self) -> None:
        self.counts: dict[float, list[int]] = {}

    def add(self, score: float, *, harmful: bool, times: int = 1) -> None:
        """Count ``times`` events with this score (0 to 1)."""
        pair = self.counts.get(score)
        if pair is None:
            pair = self.counts[score] = [0, 0]
        pair[harmful] += times

    def curve(self) -> list[tuple[float, float, float]]:
        """(score, precision, recall) at each score, highest first."""
        positives = sum(pair[1] for pair in self.counts.values())
        points = []
        flagged = found = 0
        for score in sorted(self.counts, reverse=True):
            honest, harmful = self.counts[score]
            flagged += honest + harmful
            found += harmful
            if flagged:
                points.append((score, found / flagged, found / positives if positives else 0.0))
        return points

    def average_precision(self) -> float:
        """Area under the precision-recall curve: the sum of each gain in recall times the precision there."""
        area = before = 0.0
        for _, precision, recall in self.curve():
            area += (recall - before) * precision
            before = recall
        return area


def share(part: int, whole: int) -> float | None:
    """``part / whole``, or None of nothing."""
    return part / whole if whole else None


def is_harmful(value: object) -> bool:
    """What counts as "harmful" in a column of known answers.

    >>> [is_harmful(v) for v in ("phishing", "", None, "00", 1, False, "honest", "ham", "N", "0.00", "not fraud")]
    [True, False, False, False, True, False, False, False, False, False, False]
    """
    if not isinstance(value, str):
        return bool(value)
    words = value.strip().lower().replace("_", " ").replace("-", " ").strip()
    return words not in HONEST_WORDS and words.strip("0") not in ("", ".")


HONEST_WORDS = frozenset(
    [
        *(
            "",
            "0",
            "false",
            "f",
            "no",
            "n",
            "none",
            "nil",
            "null",
            "nan",
            "na",
            "n/a",
            "unknown",
            "unlabelled",
            "unlabeled",
        ),
        *(
            "honest",
            "ham",
            "legit",
            "legitimate",
            "licit",
            "genuine",
            "benign",
            "negative",
            "normal",
            "regular",
            "good",
        ),
        *("clean", "safe", "ok", "valid", "not fraud", "no fraud", "non fraud", "nonfraud", "not fraudulent"),
        *("non fraudulent", "not spam", "not scam", "not phishing", "not harmful", "harmless"),
    ]
)
"""Known answers that mean "not harmful", or that nothing is known: `_` and `-` in them are blanks."""
