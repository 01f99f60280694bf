"""Where terms occur in the journal: written behind it, made again from it at any time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from trustward.model.indexed import Page, Run


class Index(Protocol):
    """Sorted runs of postings. Together they cover the journal from its first entry on, without gaps."""

    def runs(self) -> Sequence[Run]:
        """All runs, the newest entries first."""

    def add(self, run: Run, pages: Sequence[Page], olds: Sequence[Run] = ()) -> bool:
        """Add a run after the last one, or in the place of ``olds``; whole or not at all.

        False, and nothing is done, if the runs are not as they should be for that: somebody else was first.
        """

    def page(self, run: Run, below: int) -> Page | None:
        """The last page of a run that begins below a posting; None if there is none.

        Raises StateError if the run is not there any more: look at the runs again.
        """

    def tops(self, asked: Sequence[tuple[Run, int]]) -> Sequence[Page | None]:
        """:meth:`page` for some runs at once, in the order in which they are asked for."""

    def pages(self, run: Run) -> Sequence[Page]:
        """All pages of a run, in order. Raises StateError as :meth:`page` does."""

    def clear(self) -> None:
        """Drop all runs, to begin anew."""
