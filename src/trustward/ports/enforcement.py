"""What enforcement and appeals need from the store: ways to find measures and appeals. They are written as records."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from trustward.model.appeal import Appeal, AppealPage
from trustward.model.appeal import State as AppealState
from trustward.model.enforcement import Measure


class Measures(Protocol):
    """What was done, and how it stands."""

    def get(self, id: str) -> Measure | None:
        """The measure with this id."""

    def of(self, cause: str, after: str = "", limit: int = 100) -> Sequence[Measure]:
        """What was done because of something, by ids after ``after``; without what follows from other measures."""

    def on(self, kind: str, entity: str, limit: int = 100) -> Sequence[Measure]:
        """What was done to an entity, the latest first."""

    def alike(self, same: str, limit: int = 10) -> Sequence[Measure]:
        """Measures in force that do the same (:attr:`Measure.same`)."""

    def following(self, parent: str, after: str = "", limit: int = 100) -> Sequence[Measure]:
        """What follows from a measure, lifted or not, by ids after ``after``."""

    def unlifted(self, parent: str, limit: int) -> Sequence[Measure]:
        """What follows from a measure and has not been lifted."""

    def working(self, limit: int) -> Sequence[Measure]:
        """Measures for which a worker has something to do, the oldest first."""

    def over(self, now_us: int, limit: int) -> Sequence[Measure]:
        """Measures in force whose time is over, the oldest first."""


class Appeals(Protocol):
    """Who asked to look again, and what came of it."""

    def get(self, id: str) -> Appeal | None:
        """The appeal with this id."""

    def pages(self, id: str) -> Sequence[AppealPage]:
        """Its file, in order."""

    def find(
        self,
        state: AppealState | None = None,
        decision: str = "",
        account: str = "",
        after: str = "",
        limit: int = 100,
    ) -> Sequence[Appeal]:
        """Appeals, what is due first before the rest; ``after`` is the id of the last one seen."""

    def working(self, limit: int) -> Sequence[Appeal]:
        """Appeals for which a worker has something to take back."""
