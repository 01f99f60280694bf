"""Policies on trial: who is at it, how far it has come, what it has found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from trustward.model.stored import AuditRow
from trustward.model.trial import Step, Trial, TrialKind


class Trials(Protocol):
    """Backtests and shadows. A shadow begins and ends by entries of the journal only."""

    def add(self, trial: Trial, audit: AuditRow) -> None:
        """Keep a new backtest, which waits."""

    def get(self, id: str) -> Trial | None:
        """The trial with this id."""

    def all(self, kind: TrialKind, after: str = "", limit: int = 100) -> Sequence[Trial]:
        """Trials without their results, the latest first, after the one with the id ``after``."""

    def open(self) -> Sequence[Trial]:
        """What waits or runs, the oldest first, without results."""

    def claim(self, id: str, worker: str, now_us: int, until_us: int) -> Trial | None:
        """Take an open trial that is nobody's, or this worker's already; None if it is not to be had."""

    def save(self, step: Step) -> bool:
        """Write down how far it has come; False if it is not open any more, or somebody else's by now."""

    def cancel(self, id: str, at_us: int, audit: AuditRow) -> bool:
        """End an open backtest; False if it is not open."""
