"""Texts to features: the lexicon, the tables that the kernel needs, and the room that it works in."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from trustward.screening.folding import FACTS, LONGEST, codes_of, composed, tables
from trustward.screening.texts import hashes, kernel, tokens

DATA = Path(__file__).resolve().parent.parent / "data" / "texts"
NO_CONCEPT = "none"
"""Entries that only look like those of a concept (``won't`` and ``won``): they are read, and mean nothing."""


class Lexicon(NamedTuple):
    """Names of concepts in order, and the kernel's tables: concepts, endings, hosts that shorten links, hints."""

    concepts: tuple[str, ...]
    arrays: tuple[Any, ...]


def table_of(entries: Sequence[str], numbers: Sequence[int], *, whole: bool = False) -> Any:
    """The kernel's table for texts with their numbers from 0.

    A text's beginnings are in it with 0, texts with their number and 1; where ``whole``, only texts are in it.
    """
    order = sorted(range(len(entries)), key=lambda i: (entries[i], numbers[i]))
    codes = codes_of("".join(entries[i] for i in order))
    starts = np.zeros(len(entries) + 1, np.int64)
    np.cumsum([len(entries[i]) for i in order], out=starts[1:])
    words = np.array([numbers[i] for i in order], np.int64)
    size = 1 << max(len(entries).bit_length(), 4)
    while True:
        keys, values = np.zeros(size, np.uint64), np.zeros(size, np.int16)
        if hashes.build_table(codes, starts, words, keys, values) >= 0:
            return hashes.packed(keys, np.where(values == 0, -1, values) if whole else values)
        size *= 2


def read_lexicon(folder: Path) -> Lexicon:
    """The lexicon in a folder: ``concepts.txt`` (concept TAB entry), ``endings.txt``, ``shorteners.txt``."""
    lines = [line.split("\t") for line in (folder / "concepts.txt").read_text(encoding="utf-8").splitlines()]
    names = tuple(sorted({concept for concept, _ in lines} - {NO_CONCEPT}))
    number = {name: i for i, name in enumerate(names)} | {NO_CONCEPT: kernel.UNTOLD}
    concepts = table_of([entry for _, entry in lines], [number[concept] for concept, _ in lines])
    endings = [line.split("\t") for line in (folder / "endings.txt").read_text(encoding="utf-8").splitlines()]
    hosts = (folder / "shorteners.txt").read_text(encoding="utf-8").split()
    return Lexicon(
        names,
        (
            concepts,
            table_of([ending for ending, _ in endings], [int(plain) for _, plain in endings]),
            table_of(hosts, [0] * len(hosts), whole=True),
            *hashes.hints_of(concepts),
        ),
    )


@cache
def lexicon() -> Lexicon:
    """The shipped lexicon, loaded once."""
    return read_lexicon(DATA)


class Room:
    """Arrays that the kernel works in; one for each thread."""

    def __init__(self) -> None:
        self.scratch = (
            np.empty(LONGEST + 8, np.uint32),
            np.empty(LONGEST + 8, np.uint8),
            np.zeros(FACTS, np.int64),
            np.empty(3 * LONGEST + 8, np.uint32),
            np.empty(3 * LONGEST + 8, np.uint8),
            np.zeros(tokens.SHAPES, np.uint8),
            np.zeros(kernel.CONCEPTS, np.uint8),
            np.zeros(kernel.CONCEPTS, np.int16),
            np.zeros(2, np.int64),
        )
        self.outs = (
            np.empty(tokens.MOST_CHARS, np.uint32),
            np.empty(kernel.MOST_WORDS, np.uint32),
            np.empty(kernel.MOST_MEANINGS, np.uint32),
        )


def joined(texts: Sequence[str]) -> tuple[Any, Any]:
    """All texts as one array of characters, and where each begins (one more than there are texts)."""
    ready = [composed(text) for text in texts]
    starts = np.zeros(len(ready) + 1, np.int64)
    np.cumsum([len(text) for text in ready], out=starts[1:])
    return codes_of("".join(ready)), starts


def features(texts: Sequence[str], words: Lexicon) -> tuple[list[Any], Any, Any]:
    """The features of texts for training: three arrays of places, where each text's begin (texts + 1, 3), registers."""
    room, folding = Room(), tables()
    codes, starts = joined(texts)
    ends, registers = np.zeros((len(texts) + 1, 3), np.int64), np.zeros(len(texts), np.int64)
    places = [
        np.empty(n, np.uint32)
        for n in (5 * codes.size + 64 * len(texts) + 64, codes.size + 16 * len(texts) + 64, 420 * len(texts) + 64)
    ]
    done = kernel.features(
        codes, starts, tuple(folding), words.arrays, room.scratch, room.outs, tuple(places), ends, registers
    )
    if done < len(texts):
        raise AssertionError(f"only {done} of {len(texts)} texts fitted in")
    return [place[: ends[-1, f]] for f, place in enumerate(places)], ends, registers
