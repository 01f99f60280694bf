"""What the stories of operations need: records that are written together, and ways to find them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeAlias

from trustward.model.duty import Duty, DutyQuery, DutyStep
from trustward.model.letter import Letter
from trustward.model.stored import AuditRow

Write: TypeAlias = Duty | DutyStep | Letter | AuditRow
"""What can be written. A record with ``version`` 1 is new; with n it replaces the same record's version n - 1."""


class Records(Protocol):
    """Where the stories write: several records, letters and lines of the audit at once."""

    def write(self, writes: Sequence[Write]) -> None:
        """Write all of it, on disk when this returns, or nothing.

        Raises StaleError if a new record's id is taken, or one is not at the version before any more; StoreError.
        """


class Duties(Protocol):
    """What is owed, by whom, by when."""

    def get(self, id: str) -> Duty | None:
        """The duty with this id."""

    def steps(self, id: str) -> Sequence[DutyStep]:
        """Its file, in order."""

    def due(self, now_us: int, limit: int) -> Sequence[Duty]:
        """Duties to which something is to happen by itself by now, the oldest first."""

    def find(self, query: DutyQuery, after: str = "", limit: int = 100) -> Sequence[Duty]:
        """Duties in order of what is due first (what waits comes last); ``after`` is the id of the last one seen."""
