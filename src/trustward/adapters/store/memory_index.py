"""The index behind the journal, in memory."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from trustward.base.errors import StateError
from trustward.model.indexed import Page, Run


class Runs:
    """What would be on disk: runs by their first entry, with their pages."""

    def __init__(self) -> None:
        self.held: dict[int, tuple[Run, Sequence[Page]]] = {}


class MemoryIndex:
    """The port ``Index``."""

    def __init__(self, runs: Runs) -> None:
        self._runs = runs

    def runs(self) -> Sequence[Run]:
        """See :class:`trustward.ports.Index`."""
        return [run for _, (run, _) in sorted(self._runs.held.items(), reverse=True)]

    def add(self, run: Run, pages: Sequence[Page], olds: Sequence[Run] = ()) -> bool:
        """See :class:`trustward.ports.Index`."""
        held = self._runs.held
        if olds:
            if any(held.get(old.first, (None,))[0] != old for old in olds):
                return False
            for old in olds:
                del held[old.first]
        elif run.first != max((one.last for one, _ in held.values()), default=0) + 1:
            return False
        held[run.first] = (run, list(pages))
        return True

    def page(self, run: Run, below: int) -> Page | None:
        """See :class:`trustward.ports.Index`."""
        pages = self.pages(run)
        at = bisect_left(pages, below, key=lambda page: page.low)
        return pages[at - 1] if at else None

    def tops(self, asked: Sequence[tuple[Run, int]]) -> Sequence[Page | None]:
        """See :class:`trustward.ports.Index`."""
        return [self.page(run, below) for run, below in asked]

    def pages(self, run: Run) -> Sequence[Page]:
        """See :class:`trustward.ports.Index`."""
        found, pages = self._runs.held.get(run.first, (None, ()))
        if found != run:
            raise StateError("the run has been merged", remedy="look at the runs again")
        return pages

    def clear(self) -> None:
        """See :class:`trustward.ports.Index`."""
        self._runs.held.clear()
