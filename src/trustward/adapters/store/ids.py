"""The ids of the journal's latest entries: in memory first, then to their table, a little with each commit."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from hashlib import blake2b
from struct import unpack
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from trustward.model.journal import Segment

IDS_EVERY = 65_536
"""How many ids are gathered before they go to the table, sorted: random places cost a page each."""
_LEAST = 256

Column = npt.NDArray[np.int64]
_NONE: Column = np.empty(0, np.int64)


def keys_of(ids: Sequence[str]) -> list[int]:
    """Where event ids stand in the table of ids. Two ids may share a place: what is found there is compared.

    >>> keys_of(["e1", "e2"]) == [*keys_of(["e1"]), *keys_of(["e2"])], len({*keys_of(["e1", "e2"])})
    (True, 2)
    """
    digests = [blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest() for name in ids]
    return list(unpack(f">{len(digests)}q", b"".join(digests)))


class Part(NamedTuple):
    """Some rows for the table, keys and entries. ``upto`` is not 0 when the table has all ids up to there with them."""

    keys: list[int]
    seqs: list[int]
    upto: int


class Ids:
    """Where the ids are that the table has not, or has not yet for certain. Not safe for several threads at once.

    Every id up to the entry ``known`` is here or in the table; up to ``tabled`` it is in the table.
    """

    def __init__(self) -> None:
        self.known = -1
        self.tabled = 0
        self._recent: dict[str, int] = {}
        # Flat, so that they are put in order at once: all who wait for a commit wait for that.
        self._keys = array("q")
        self._seqs = array("q")
        # Those on their way, in the order of their keys.
        self._leaving: dict[str, int] = {}
        self._rows: tuple[Column, Column] = (_NONE, _NONE)
        self._done = 0
        self._upto = 0

    def start(self, tabled: int) -> None:
        """Forget all, and begin after what is in the table."""
        self.__init__()  # type: ignore[misc]  # as it was made
        self.known = self.tabled = tabled

    def add(self, segments: Sequence[Segment], ids: Sequence[str], keys: Sequence[int] | None = None) -> None:
        """Take in the ids of segments that follow on what is known."""
        at = 0
        for segment in segments:
            if segment.kind == "events":
                seqs = range(segment.first, segment.last + 1)
                chosen = ids[at : at + segment.count]
                self._recent.update(zip(chosen, seqs, strict=True))
                self._keys.extend(keys[at : at + segment.count] if keys is not None else keys_of(chosen))
                self._seqs.extend(seqs)
                at += segment.count
        self.known = segments[-1].last

    def look(self, ids: Sequence[str]) -> tuple[list[int], Sequence[str]]:
        """The entries of the ids that are here, and the ids that are not."""
        recent, leaving = self._recent, self._leaving
        here = [name for name in ids if name in recent]
        places = [recent[name] for name in here]
        if leaving:
            also = [name for name in ids if name in leaving]
            places += [leaving[name] for name in also]
            here += also
        if not here:
            return places, ids
        known = set(here)
        return places, [name for name in ids if name not in known]

    def part(self, events: int) -> Part | None:
        """The next rows for the table, twice as many as there are events, so that leaving is faster than coming."""
        if not self._leaving:
            if len(self._recent) < IDS_EVERY:
                return None
            self._leave()
        keys, seqs = self._rows
        stop = min(self._done + max(_LEAST, 2 * events), len(keys))
        some = slice(self._done, stop)
        return Part(keys[some].tolist(), seqs[some].tolist(), self._upto if stop == len(keys) else 0)

    def written(self, part: Part) -> None:
        """These rows are on disk."""
        self._done += len(part.keys)
        if part.upto:
            self.tabled = part.upto
            self._leaving, self._rows, self._done = {}, (_NONE, _NONE), 0

    def _leave(self) -> None:
        keys, seqs = np.array(self._keys), np.array(self._seqs)
        order = np.argsort(keys)
        self._rows, self._done, self._upto = (keys[order], seqs[order]), 0, self.known
        self._leaving, self._recent = self._recent, {}
        self._keys, self._seqs = array("q"), array("q")
