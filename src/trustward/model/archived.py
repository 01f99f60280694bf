"""Days of the journal that have moved to the archive."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec

DAY_US = 86_400_000_000


class ArchivedDay(msgspec.Struct, frozen=True, kw_only=True):
    """One day (UTC), its first and last entry, and how many rows of each kind it has.

    ``digest`` is the SHA-256 of its manifest, which names that of every file. ``at_us`` is when it was archived.
    ``revision`` is how often it was written anew without records whose time was over.
    """

    day: str
    first: int
    last: int
    at_us: int
    events: int = 0
    decisions: int = 0
    actions: int = 0
    changes: int = 0
    digest: str = ""
    revision: int = 0

    @property
    def folder(self) -> str:
        """Where its files lie.

        >>> ArchivedDay(day="2026-01-01", first=1, last=1, at_us=0, revision=2).folder
        '2026-01-01.2'
        """
        return f"{self.day}.{self.revision}" if self.revision else self.day


def day_of(at_us: int) -> str:
    """The day (UTC) of a moment.

    >>> day_of(1_767_225_599_999_999), day_of(1_767_225_600_000_000)
    ('2025-12-31', '2026-01-01')
    """
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at_us)).date().isoformat()


def start_of(day: str) -> int:
    """When a day begins, in microseconds since 1970. Raises ValueError for what is no day.

    >>> start_of("2026-01-01")
    1767225600000000
    """
    moment = datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC)
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
