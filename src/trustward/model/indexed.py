"""The index behind the journal: where terms occur, in sorted runs that are cut into pages."""

from __future__ import annotations

import msgspec


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """The index of the entries ``first`` to ``last``. Runs of a higher ``level`` were made of several lower ones.

    ``pages`` is how many pages it has, ``postings`` how many places.
    """

    first: int
    last: int
    level: int
    pages: int
    postings: int


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """Postings of a run, in order. ``low`` is the first of them.

    ``body`` holds unsigned 64-bit numbers (little-endian): a term's fingerprint in the upper half, an entry's distance
    from the run's first entry in the lower.
    """

    low: int
    body: bytes
