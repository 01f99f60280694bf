"""Days of the journal that lie in files: which they are, and the shelf that they lie on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from trustward.model.archived import ArchivedDay
from trustward.model.journal import ActionRow, Segment


class Archived(Protocol):
    """Which days have moved. What has moved is read from the shelf, and removed from the database a bit later."""

    def days(self) -> Sequence[ArchivedDay]:
        """All of them, in order. They follow each other without gaps, from the journal's first entry on."""

    def upto(self) -> int:
        """The last entry of them all; 0 if there is none."""

    def stamp(self) -> tuple[int, int]:
        """The same, and a number that is another one after any of them has been written anew."""

    def keep(self, day: ArchivedDay) -> None:
        """From now on a day is read from the shelf; its events' ids stay known.

        Raises StateError if it does not follow the day before.
        """

    def tidy(self, limit: int) -> int:
        """Remove up to ``limit`` segments of days that have moved; how many are gone."""

    def actions(self, first: int, last: int, *, inverses: bool = False) -> Iterable[ActionRow]:
        """The actions that some entries asked for, in order; or those that undo them, which come later and stay."""


class Shelf(Protocol):
    """Where archived days lie, each in files of its own."""

    def alone(self) -> AbstractContextManager[None]:
        """Be the only one who puts days there, for as long as the context lasts. Raises UsageError."""

    def put(self, day: ArchivedDay, segments: Iterable[Segment], actions: Iterable[ActionRow]) -> ArchivedDay:
        """Write a day, whole or not at all; whatever lay in its place is replaced. The day with counts and digest."""

    def verify(self, day: ArchivedDay, segments: Iterable[Segment], actions: Iterable[ActionRow]) -> None:
        """Read a day back, and compare it with all that it was made of. Raises StateError at the first difference."""

    def sweep(self, day: ArchivedDay) -> None:
        """Remove whatever there is of a day beside its own files: what it was before, or what was not finished."""

    def close(self, day: ArchivedDay) -> None:
        """Let go of a day's files: it is read from others by now."""

    def check(self, day: ArchivedDay) -> Sequence[str]:
        """What is wrong with a day's files: counts and checksums."""

    def read(self, day: ArchivedDay, after: int, limit: int) -> Sequence[Segment]:
        """As :meth:`Journal.read`, within one day. Raises StoreError if its files are gone or damaged."""

    def actions(self, day: ArchivedDay) -> Sequence[ActionRow]:
        """The actions that a day's entries asked for, in order."""

    def since(self, day: ArchivedDay, at_us: int) -> int:
        """As :meth:`Journal.since`, within one day: one past its last entry if all are earlier."""
