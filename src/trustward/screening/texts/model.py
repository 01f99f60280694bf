"""The trained model of texts: weights, calibration, thresholds, and the categories."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import cache, cached_property
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np

from trustward.screening.folding import codes_of, composed, tables
from trustward.screening.texts import kernel
from trustward.screening.texts.reader import DATA, Lexicon, Room, joined, lexicon

FAMILIES = ("chars", "words", "meanings")
_BLOCK = 4_096
"""Texts that are read in one call, so that the room for their characters stays small."""


class Numbers(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is not an array: ``numbers.json``.

    ``scales`` are the worth of one unit of weight in each family for harm and for mass mailing, and the constants;
    ``knots`` and ``levels`` the calibration (a score before it, and the share of harmful texts there at even odds).
    """

    version: str
    scales: tuple[tuple[float, float], ...]
    knots: tuple[float, ...]
    levels: tuple[float, ...]
    suspicious: float
    harmful: float
    categories: tuple[str, ...]
    head_scales: tuple[tuple[float, ...], ...]


class Reading(NamedTuple):
    """What one text gave: its calibrated score, and the flags of the kernel."""

    score: float
    flags: Any


class Model:
    """The weights at work. Not for several threads at once: each takes its own."""

    def __init__(self, folder: Path, words: Lexicon) -> None:
        self.numbers = msgspec.json.decode((folder / "numbers.json").read_bytes(), type=Numbers)
        self.lexicon = words
        self.weights = tuple(_load(folder / f"{name}.npy") for name in FAMILIES)
        self._heads = tuple(folder / f"heads-{name}.npy" for name in FAMILIES)
        self._folding = tuple(tables())
        self._scales = np.array(self.numbers.scales, np.float64)
        self._knots = np.array(self.numbers.knots, np.float64)
        self._levels = np.array(self.numbers.levels, np.float64)
        self._room = Room()
        self._one = np.zeros(1, np.float64)
        self._ends = np.zeros(2, np.int64)
        self._facts = np.zeros((1, kernel.FLAGS), np.int64)

    def read(self, text: str) -> Reading:
        """One text. Its features stay in the room until the next one is read."""
        ready = composed(text)
        self._ends[1] = len(ready)
        self._logits(codes_of(ready), self._ends, self._one, self._facts)
        return Reading(round(float(np.interp(self._one[0], self._knots, self._levels)), 4), self._facts[0])

    def read_many(self, texts: Sequence[str]) -> tuple[Any, Any]:
        """The scores of many texts (float64, rounded to four places) and their flags (one row each)."""
        scores, facts = np.empty(len(texts), np.float64), np.zeros((len(texts), kernel.FLAGS), np.int64)
        for first in range(0, len(texts), _BLOCK):
            codes, starts = joined(texts[first : first + _BLOCK])
            last = first + starts.size - 1
            self._logits(codes, starts, scores[first:last], facts[first:last])
        return np.round(np.interp(scores, self._knots, self._levels), 4), facts

    def _logits(self, codes: Any, starts: Any, out: Any, facts: Any) -> None:
        room = self._room
        kernel.logits(
            codes,
            starts,
            self._folding,
            self.lexicon.arrays,
            room.scratch,
            room.outs,
            self.weights,
            self._scales,
            out,
            facts,
        )

    def category(self, flags: Any) -> str:
        """The likeliest category of the text that was read last."""
        out = np.empty(len(self.numbers.categories), np.float64)
        kernel.heads(self._room.outs, flags, *self._head_tables, out)
        return self.numbers.categories[int(out.argmax())]

    def concepts(self, flags: Any) -> list[str]:
        """The concepts of the text that was read last that speak for harm, the strongest first."""
        found = self._room.scratch[7][: min(int(flags[kernel.FL_CONCEPTS]), kernel.MOST_CONCEPTS)]
        weight = self.weights[2][:, 0]
        weighed = [(-int(weight[kernel.concept_place(concept)]), concept) for concept in found.tolist()]
        return [self.lexicon.concepts[concept] for harm, concept in sorted(weighed) if harm < 0]

    def likeness(self, flags: Any) -> tuple[str, ...]:
        """Fingerprints of the text that was read last; none if it is too short."""
        out = np.empty(kernel.BANDS * kernel.ROWS, np.uint64)
        seq, dense = self._room.scratch[3:5]
        if kernel.likeness(seq, dense, int(flags[kernel.FL_TOKENS]), out) == 0:
            return ()
        bands = out.astype("<u8").reshape(kernel.BANDS, kernel.ROWS)
        return tuple(
            f"{number}{blake2b(band.tobytes(), digest_size=9).hexdigest()}" for number, band in enumerate(bands)
        )

    @cached_property
    def _head_tables(self) -> tuple[tuple[Any, ...], Any]:
        tables = tuple(_load(path) for path in self._heads)
        return tables, np.array(self.numbers.head_scales, np.float64)


@cache
def _load(path: Path) -> Any:
    return np.load(path, allow_pickle=False)


_OWN = threading.local()


def model() -> Model:
    """The shipped model: the weights are loaded once, and each thread has its own room to work in."""
    found: Model | None = getattr(_OWN, "model", None)
    if found is None:
        found = _OWN.model = Model(DATA, lexicon())
    return found
