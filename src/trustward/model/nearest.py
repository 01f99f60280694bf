"""The nearest right name for a wrong one, at a cost that no input can blow up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

_LONGEST = 48


def plain(name: str) -> str:
    """A name without case and punctuation, so that ``userAgent`` and ``user-agent`` are ``useragent``."""
    return "".join(letter for letter in name[:200].casefold() if letter.isalnum())


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The one of ``known`` that ``name`` most likely stands for, or None.

    Case and punctuation do not count; up to two letters may be wrong, missing, added or swapped (one in a short name).

    >>> nearest("Ammount", ["amount", "account"])
    'amount'
    >>> nearest("colour", ["amount", "account"]) is None
    True
    """
    return NameIndex(known).nearest(name)


class NameIndex:
    """Finds near names by their spellings with up to two letters left out; the number of names does not slow it down.

    >>> NameIndex(["user_agent", "url"]).nearest("userAgent")
    'user_agent'
    """

    def __init__(self, known: Iterable[str]) -> None:
        self._spellings: dict[str, list[str]] = {}
        for name in known:
            for spelling in set(_shortened(plain(name))):
                self._spellings.setdefault(spelling, []).append(name)

    def nearest(self, name: str) -> str | None:
        """The nearest known name, or None when none is near; the first known one wins a tie."""
        wanted = plain(name)
        if not wanted or len(wanted) > _LONGEST:
            return None
        candidates = {near: None for spelling in _shortened(wanted) for near in self._spellings.get(spelling, ())}
        best, best_distance = None, 3
        for near in candidates:
            other = plain(near)
            allowed = 2 if min(len(wanted), len(other)) >= 5 else 1 if min(len(wanted), len(other)) >= 3 else 0
            distance = _distance(wanted, other)
            if distance <= allowed and distance < best_distance:
                best, best_distance = near, distance
        return best


def _shortened(word: str) -> Iterator[str]:
    """The word with none, one and two letters left out."""
    yield word
    for first in range(len(word)):
        once = word[:first] + word[first + 1 :]
        yield once
        for second in range(first, len(once)):
            yield once[:second] + once[second + 1 :]


def _distance(left: str, right: str) -> int:
    """Edits between two short words; swapping two neighbours is one (optimal string alignment)."""
    older: list[int] = []
    above = list(range(len(right) + 1))
    for i, letter in enumerate(left, 1):
        row = [i]
        for j, other in enumerate(right, 1):
            edits = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == right[j - 2] and left[i - 2] == other:
                edits = min(edits, older[j - 2] + 1)
            row.append(edits)
        older, above = above, row
    return above[-1]
