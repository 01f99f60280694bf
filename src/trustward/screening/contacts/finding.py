"""What is found in a text, and the parts that have been read already."""

from __future__ import annotations

from typing import NamedTuple

from trustward.screening.contacts.view import View

MOST = 100
"""The most contact points that are given for one text: the first ones."""
TRIES = 400
"""The most candidates of one kind that are looked at in one text."""


class Contact(NamedTuple):
    """A contact point: kind and id of the entity, and where in the text it stands (the end is exclusive)."""

    kind: str
    id: str
    start: int
    end: int


class Finding:
    """The contact points found so far in one view, and what is left of it to read."""

    def __init__(self, view: View, region: str) -> None:
        """Nothing found yet in a view; ``region`` is where national numbers are from, or ""."""
        self.view = view
        self.region = region
        self.plain = view.plain
        self.low = view.low
        self.found: list[Contact] = []
        self.tries = 0
        self.more = False
        self._taken: list[tuple[int, int]] = []

    def add(self, kind: str, name: str, start: int, end: int, *, take: bool = True) -> None:
        """Keep a contact point that stands at a part of the view; by default nobody else may read that part."""
        first, last = self.view.span(start, end)
        self.found.append(Contact(kind, name, first, last))
        if take:
            self._taken.append((start, end))

    def next_kind(self) -> None:
        """Blank what has been taken, so that the next reader does not see it."""
        self.tries = 0
        if not self._taken:
            return
        self.low, self.plain = self._blanked(self.low), self._blanked(self.plain)
        self._taken.clear()

    def _blanked(self, text: str) -> str:
        parts, at = [], 0
        for start, end in sorted(self._taken):
            if start >= at:
                parts.append(text[at:start])
            if end > at:
                parts.append("\0" * (end - max(start, at)))
                at = end
        parts.append(text[at:])
        return "".join(parts)

    def spent(self) -> bool:
        """Count a candidate; true if there were enough of them."""
        self.tries += 1
        if self.tries > TRIES or len(self.found) > 4 * MOST:
            self.more = True
            return True
        return False
