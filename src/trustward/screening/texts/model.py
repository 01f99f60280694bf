"""The trained model of texts: weights, calibration, thresholds, and the categories."""

from __future__ import annotations

import threading
import tomllib
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
TELLING = 0.3
"""The score from which a category and reasons are given."""
_BLOCK = 4_096
"""Texts that are read in one call, so that the room for their characters stays small."""


class Numbers(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is not an array: ``numbers.json``.

    ``scales`` are the worth of one unit of weight in each family for harm and for mass mailing, and the constants;
    ``local_scales`` the same for each register, ``kept`` what stays of the judgement of all texts in each register,
    ``gate_scales`` what tells a comment (words, meanings, the constant);
    ``knots`` and ``levels`` the calibration (a score before it, and the share of harmful texts there at even odds).
    """

    version: str
    scales: tuple[tuple[float, float], ...]
    local_scales: tuple[tuple[tuple[float, float], ...], ...]
    kept: tuple[float, ...]
    gate_scales: tuple[float, float, float]
    knots: tuple[float, ...]
    levels: tuple[float, ...]
    suspicious: float
    harmful: float
    categories: tuple[str, ...]
    head_scales: tuple[tuple[float, ...], ...]


class Reading(NamedTuple):
    """What one text gave: its calibrated score, the flags of the kernel, and from TELLING on what is told of it."""

    score: float
    flags: Any
    told: Any


class Readings(NamedTuple):
    """What many texts gave, one row each: scores (float64, rounded to four places), flags, and what is told of them."""

    scores: Any
    flags: Any
    told: Any


class Model:
    """The weights at work. Not for several threads at once: each takes its own."""

    def __init__(self, folder: Path, words: Lexicon) -> None:
        self.numbers = msgspec.json.decode((folder / "numbers.json").read_bytes(), type=Numbers)
        self.lexicon = words
        self.weights = tuple(_load(folder / f"{name}.npy") for name in FAMILIES)
        self._head_paths = tuple(folder / f"heads-{name}.npy" for name in FAMILIES)
        nothing = np.zeros((0, len(self.numbers.categories)), np.int8)
        self._no_heads = (nothing, nothing, nothing, np.zeros((4, 1)), np.zeros(1, np.int32), np.zeros(1))
        self.phrases = tuple(phrases().get(name, "") for name in words.concepts)
        self._phrased = np.array([bool(phrase) for phrase in self.phrases], np.uint8)
        self._folding = tuple(tables())
        self._scales = np.array(self.numbers.scales, np.float64)
        self._gate = (
            *(_load(folder / f"gate-{name}.npy") for name in FAMILIES[1:]),
            np.array(self.numbers.gate_scales, np.float64),
        )
        self._local = (
            *(_load(folder / f"local-{name}.npy") for name in FAMILIES),
            np.array(self.numbers.local_scales, np.float64),
        )
        self._kept = np.array(self.numbers.kept, np.float64)
        self._knots = np.array(self.numbers.knots, np.float64)
        self._levels = np.array(self.numbers.levels, np.float64)
        self._room = Room()
        self._one = np.zeros(1, np.float64)
        self._ends = np.zeros(2, np.int64)
        self._facts = np.zeros((1, kernel.FLAGS), np.int64)
        self._told = np.zeros((1, kernel.TOLD), np.int16)
        # Below it no score is as high as TELLING; scores rise with what the calibration reads.
        below = int(np.searchsorted(self._levels, TELLING - 0.001))
        self._cut = float(self._knots[below - 1]) if below else -np.inf

    def read(self, text: str, *, tell: bool = True) -> Reading:
        """One text. Its features stay in the room until the next one is read."""
        ready = composed(text)
        self._ends[1] = len(ready)
        self._logits(codes_of(ready), self._ends, self._one, self._facts, self._told, tell=tell)
        score = round(float(np.interp(self._one[0], self._knots, self._levels)), 4)
        return Reading(score, self._facts[0], self._told[0])

    def read_many(self, texts: Sequence[str], *, tell: bool = False) -> Readings:
        """Many texts; what is told of them only where ``tell``."""
        count = len(texts)
        scores, facts = np.empty(count, np.float64), np.zeros((count, kernel.FLAGS), np.int64)
        told = np.zeros((count if tell else 1, kernel.TOLD), np.int16)
        for first in range(0, count, _BLOCK):
            codes, starts = joined(texts[first : first + _BLOCK])
            last = first + starts.size - 1
            block = told[first:last] if tell else told
            self._logits(codes, starts, scores[first:last], facts[first:last], block, tell=tell)
        return Readings(np.round(np.interp(scores, self._knots, self._levels), 4), facts, told)

    def _logits(self, codes: Any, starts: Any, out: Any, facts: Any, told: Any, *, tell: bool) -> None:
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
            self._gate,
            self._local,
            self._kept,
            self._heads if tell else self._no_heads,
            self._phrased,
            self._cut if tell else np.inf,
            out,
            facts,
            told,
        )

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

    def load_all(self) -> None:
        """Load also what only telling needs, which otherwise waits for the first text that is told of."""
        _ = self._heads

    @cached_property
    def _heads(self) -> tuple[Any, ...]:
        scales = np.array(self.numbers.head_scales, np.float64)
        many = len(self.numbers.categories)
        room = (np.zeros(many, np.int32), np.zeros(many, np.float64))
        return (*(_load(path) for path in self._head_paths), scales, *room)


@cache
def phrases() -> dict[str, str]:
    """What a concept is called in a reason."""
    return dict(tomllib.loads((DATA / "phrases.toml").read_text(encoding="utf-8")))


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
