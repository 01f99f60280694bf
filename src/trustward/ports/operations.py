"""What the stories of operations need: records that are written together, and ways to find them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, TypeAlias, TypeVar

from trustward.model.appeal import Appeal, AppealPage, AppealTally
from trustward.model.case import Barred, Batch, Case, CaseLease, CasePage, CaseQuery, HeldLease, Reviewer
from trustward.model.clue import Assessed, Line
from trustward.model.directive import Copy, Directive, OrderPage, SignedDocument, Target
from trustward.model.dossier import FilePage
from trustward.model.duty import Duty, DutyQuery, DutyStep
from trustward.model.enforcement import ClosedTrace, Measure, StrikeSheet
from trustward.model.errand import Errand, Mark
from trustward.model.letter import Letter
from trustward.model.programme import Programme
from trustward.model.report import Report, Reporter
from trustward.model.stored import AuditRow
from trustward.model.tally import Backlog, DutyCounts
from trustward.ports.dossiers import Dossier

Plain: TypeAlias = (
    Reporter | Reviewer | Batch | Mark | StrikeSheet | ClosedTrace | AppealTally | Line | Assessed | SignedDocument
)
"""Records that are found by their id only."""
Ordered: TypeAlias = Directive | Target | Copy | OrderPage | Programme
"""What is kept of orders."""
Write: TypeAlias = (
    Duty
    | DutyStep
    | Report
    | Case
    | CasePage
    | HeldLease
    | Barred
    | Errand
    | Letter
    | AuditRow
    | Measure
    | Appeal
    | AppealPage
    | Ordered
    | Dossier
    | FilePage
    | Plain
)
"""What can be written. A record with ``version`` 1 is new; with n it replaces the same record's version n - 1."""
P = TypeVar("P", Reporter, Reviewer, Batch, Mark, StrikeSheet, ClosedTrace, AppealTally, Line, Assessed, SignedDocument)


class Records(Protocol):
    """Where the stories write: several records, letters and lines of the audit at once."""

    def write(self, writes: Sequence[Write]) -> None:
        """Write all of it, on disk when this returns, or nothing. A record is written once in a write.

        Raises StaleError if a new record's id is taken, one is not at the version before any more, a subject has an
        open case already, or a case is not a reviewer's any more; StoreError.
        """

    def get(self, kind: type[P], id: str) -> P | None:
        """A record that is found by its id only."""

    def every(self, kind: type[P], after: str = "", limit: int = 100) -> Sequence[P]:
        """Such records of a kind, by their ids, after ``after``."""

    def letters(self, cause: str) -> Sequence[str]:
        """The ids of the letters that are filed under a record, in order."""


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

    def counts(self, now_us: int) -> DutyCounts:
        """How many are owed, overdue, ever missed, by clock. Nothing is counted for it."""


class Reports(Protocol):
    """What has been reported."""

    def get(self, id: str) -> Report | None:
        """The report with this receipt number."""

    def before(self, reporter: str, subject: str) -> Report | None:
        """A report of the same sender on the same subject that is not decided yet."""

    def of_case(self, case: str, after: str = "", limit: int = 100) -> Sequence[Report]:
        """A case's reports by their ids, after ``after``."""

    def undecided(self, case: str, limit: int) -> Sequence[Report]:
        """Reports of a case whose senders have not been told."""

    def by(self, reporter: str, limit: int = 100) -> Sequence[Report]:
        """A sender's reports, the latest first."""


class Cases(Protocol):
    """Cases, who has them, what waits."""

    def get(self, id: str) -> Case | None:
        """The case with this id."""

    def pages(self, id: str, after: int = 0, limit: int = 1_000) -> Sequence[CasePage]:
        """Its file, in order, behind a page."""

    def open_on(self, subject: str) -> Case | None:
        """The case about a subject that has not ended."""

    def take(self, queue: str, reviewer: str, now_us: int, until_us: int, risk_us: int) -> CaseLease | None:
        """Hand out the case that comes first and is nobody's; None if nothing waits.

        First what is due by ``risk_us``, what is due first before the rest; then by score. A case that is assigned
        goes to that reviewer only, one from which a reviewer is barred never to that one.
        """

    def lease(self, case: str, reviewer: str, now_us: int, until_us: int) -> CaseLease | None:
        """Hand out, or go on holding, this case; None if it is somebody else's."""

    def release(self, case: str, reviewer: str) -> None:
        """Give a case back; nothing happens if it is somebody else's."""

    def lease_of(self, case: str, now_us: int) -> CaseLease | None:
        """Who has a case."""

    def barred(self, case: str, reviewer: str) -> bool:
        """Whether a reviewer does not get a case."""

    def find(self, query: CaseQuery, after: str = "", limit: int = 100) -> Sequence[Case]:
        """Cases by their ids, after ``after``."""

    def about(self, kind: str, entity: str, after: str = "", limit: int = 100) -> Sequence[Case]:
        """Cases that name an entity, the latest first, behind the case ``after``."""

    def alike(self, case: Case, each: int, limit: int) -> Sequence[tuple[Case, int]]:
        """Other cases that name the same entities, with how many of them: those with the most first.

        Of each entity the latest ``each`` cases are looked at.
        """

    def untold(self, limit: int) -> Sequence[Case]:
        """Cases that are closed, and whose reporters are still to be told."""

    def waiting(self) -> Mapping[str, tuple[int, int]]:
        """For each queue how many cases wait, and since when the oldest one does."""


class Errands(Protocol):
    """What the stories ask of the engine, until it is done."""

    def waiting(self, limit: int) -> Sequence[Errand]:
        """The oldest that have not been done."""

    def backlog(self, most: int) -> Backlog:
        """How many wait (``most`` if there are more), and since when."""

    def done(self, ids: Sequence[str]) -> None:
        """They have been done."""
