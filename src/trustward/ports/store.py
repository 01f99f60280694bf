"""What the stories need from the world, as small protocols. Every adapter of a port passes the port's contract.

The contracts are in ``testing/contracts.py``; ``docs/storage.md`` says what each port promises. Whatever fails in
the world comes out as a ``TrustwardError``: StoreError for what may work later.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from trustward.model.delivery import Backlog, Delivery, Handed, Outcome, Receipt, Target, Terms
from trustward.model.effect import Effect, Ended, Ending
from trustward.model.journal import ActionRow, Commit, Found, Segment
from trustward.model.stored import (
    ApiKey,
    AuditQuery,
    AuditRow,
    LabelMark,
    Lease,
    ListEntry,
    SnapshotInfo,
    Snooze,
    StoredPolicy,
)
from trustward.ports.archive import Archived, Shelf
from trustward.ports.dossiers import Bundles, Dossiers
from trustward.ports.enforcement import Appeals, Measures
from trustward.ports.index import Index
from trustward.ports.operations import Cases, Duties, Errands, Records, Reports
from trustward.ports.orders import Orders
from trustward.ports.people import Attempts, People, Sessions, Tickets
from trustward.ports.proposals import Proposals
from trustward.ports.retention import Retained
from trustward.ports.trials import Trials


class Writer(Protocol):
    """Who may write the journal: one process at a time."""

    def acquire(self, owner: str, now_us: int) -> Lease:
        """Become the writer. Raises WriterError while another process is; it need not be the last one to have been."""

    def release(self, lease: Lease) -> None:
        """Stop being the writer. Nothing happens if another one has taken over."""


class Journal(Protocol):
    """Entries in the order in which they took effect."""

    def append(self, lease: Lease, commit: Commit) -> None:
        """Write segments, actions and what follows from changes, on disk when this returns, or nothing at all.

        Raises WriterError if another writer has taken over or the entries do not follow the last one; StoreError if
        the database failed: whether the commit is in the journal, the journal tells.
        """

    def head(self) -> int:
        """The sequence number of the last entry; 0 for an empty journal."""

    def read(self, after: int, limit: int) -> Sequence[Segment]:
        """The segments with entries after ``after``, in order, of about ``limit`` entries in all (one at least)."""

    def find(self, ids: Sequence[str]) -> Mapping[str, Found]:
        """The events that have one of these ids; of one that retention has removed what is left, under its own id."""

    def entry(self, seq: int) -> Found | None:
        """The event with this number; None if there is none, or the entry is a change."""

    def entries(self, seqs: Sequence[int]) -> Sequence[Found]:
        """The events with these numbers, in order of the numbers, as far as there are any."""

    def since(self, at_us: int) -> int:
        """The number of the first entry that was written at ``at_us`` or later: one past the last if there is none."""


class Outbox(Protocol):
    """Actions on their way out, written with the decision that asks for them.

    A waiting action is passed on to its targets once. From there each target gets its own, lane by lane, in order:
    a lane is handed to one worker at a time.
    """

    def waiting(self, limit: int) -> Sequence[ActionRow]:
        """The oldest actions that have not been passed on."""

    def action(self, seq: int, number: int) -> tuple[ActionRow, bool] | None:
        """An action, and whether it waits to be passed on."""

    def pass_on(self, rows: Sequence[ActionRow], to: Callable[[ActionRow], Sequence[Target]], now_us: int) -> int:
        """Give actions to their targets, and note what they put in force; whatever is passed on already stays.

        How many were passed on.
        """

    def tell(self, rows: Sequence[ActionRow]) -> int:
        """Let rows wait that were written apart from their decision; those that are known stay. How many were new."""

    def withdraw(self, seq: int, number: int, audit: AuditRow) -> bool:
        """Take back an action that waits; False if it does not wait any more."""

    def lease(self, targets: Sequence[str], worker: str, now_us: int, terms: Terms) -> Handed | None:
        """Hand out a lane that has something waiting, is nobody's and is due; None if there is none."""

    def settle(self, handed: Handed, outcomes: Sequence[Outcome], until_us: int, due_us: int = 0) -> bool:
        """Write down what came of some tries; the lane stays handed out until ``until_us`` (0: it is free).

        Whether the lane was still this worker's. If not, only what was delivered is written: that is a fact. The lane
        is left alone until ``due_us``.
        """

    def deliveries(self, seq: int, number: int) -> Sequence[tuple[Delivery, Sequence[Receipt]]]:
        """An action's way to each target, with all receipts."""

    def dead(self, target: str, after: int, limit: int) -> Sequence[Delivery]:
        """What was given up, in order, after the place ``after``."""

    def replay(self, places: Sequence[int], now_us: int, audit: AuditRow) -> int:
        """Let dead deliveries wait again, at their old places; how many there were."""

    def drop(self, places: Sequence[int], audit: AuditRow) -> int:
        """Withdraw dead deliveries for good; how many there were."""

    def prune(self, before_us: int, upto: int, limit: int) -> int:
        """Drop older, closed actions of entries before ``upto``, at most ``limit``, with their receipts; how many.

        An action is closed if it is not waiting, every delivery of it has arrived or was withdrawn, and what it has put
        in force is undone, by an inverse of which the same holds. Letters stay: records name them.
        """

    def backlog(self) -> Sequence[Backlog]:
        """How each target is doing that has something waiting or dead."""


class Effects(Protocol):
    """What actions have put in force. An effect begins when its action is passed on."""

    def get(self, seq: int, number: int) -> Effect | None:
        """What an action has put in force."""

    def due(self, now_us: int, limit: int) -> Sequence[Effect]:
        """Effects in force whose time is over, the oldest first."""

    def end(self, ending: Ending, audit: AuditRow | None = None) -> Ended | None:
        """End an effect; None if it is not in force.

        If no other action does the same, the inverse is on its way when this returns, to every target that the action
        was for; it stands for those too that ended before. What is dead of them is withdrawn.
        """

    def of(self, kind: str, entity: str) -> Sequence[Effect]:
        """What is in force for an entity, in order of the actions."""


class Kept(Protocol):
    """What people have said of labels, lists and rules, as it stands. It changes by entries of the journal only."""

    def labels(self, kind: str, entity: str) -> Sequence[LabelMark]:
        """What people have said of one entity's labels."""

    def list_entries(self, name: str, after: str = "", limit: int = 1000) -> Sequence[ListEntry]:
        """What people and feeds have put on a list or taken off it, in order of the values, after ``after``."""

    def list_entry(self, name: str, value: str) -> ListEntry | None:
        """What was last said of one value of a list."""

    def snoozes(self) -> Sequence[Snooze]:
        """Every rule that is silenced for an entity."""


class Policies(Protocol):
    """Policies by the hash of their sources. Their modes change by entries of the journal only."""

    def add(self, policy: StoredPolicy) -> None:
        """Keep a policy, with mode ``off``; nothing happens if it is known."""

    def get(self, hash: str) -> StoredPolicy | None:
        """The policy with this hash."""

    def all(self) -> Sequence[StoredPolicy]:
        """Every policy, the latest first, without its sources."""

    def live(self) -> StoredPolicy | None:
        """The one that is live."""


class Keys(Protocol):
    """API keys. What is done to them is in the audit."""

    def add(self, key: ApiKey) -> None:
        """Keep a new key."""

    def get(self, id: str) -> ApiKey | None:
        """The key with this id, revoked ones included."""

    def all(self) -> Sequence[ApiKey]:
        """Every key, the oldest first."""

    def revoke(self, id: str, actor: str, at_us: int) -> None:
        """End a key from ``at_us`` on; the earliest end counts. Raises NotFoundError."""

    def rotate(self, id: str, key: ApiKey, until_us: int) -> None:
        """Keep a new key in the place of an old one, which ends at ``until_us``: both or neither.

        Raises NotFoundError.
        """


class Audit(Protocol):
    """Who did what, in order. Changes in the journal, policies and keys write their rows themselves."""

    def record(self, row: AuditRow) -> None:
        """Add a row."""

    def read(self, after: int, limit: int) -> Sequence[AuditRow]:
        """Rows by number, after ``after``; secret ones are not among them."""

    def read_secret(self, after: int, limit: int) -> Sequence[AuditRow]:
        """Secret rows by their own numbers."""

    def find(self, query: AuditQuery, before: int | None, limit: int) -> Sequence[AuditRow]:
        """Rows that fit, the newest first; with ``before`` only those with a smaller number.

        Rows about a duty are shown without ``query.secret`` only if the duty is there and is no secret.
        """


class Snapshots(Protocol):
    """The engine's whole state at some entries, so that a restart replays few."""

    def stored(self) -> Sequence[SnapshotInfo]:
        """What there is, the newest first."""

    def write(self, info: SnapshotInfo, save: Callable[[Path], None]) -> None:
        """Keep what ``save`` writes to the path that it is given; there whole, or not at all."""

    def open(self, info: SnapshotInfo) -> AbstractContextManager[Path]:
        """The file that was written, for as long as the context lasts. Raises StateError if it is gone."""

    def drop(self, info: SnapshotInfo) -> None:
        """Drop one; nothing happens if it is gone."""

    def prune(self, keep: int) -> None:
        """Drop all but the newest ``keep``."""


class Store(Protocol):
    """All of it, over one database."""

    @property
    def writer(self) -> Writer: ...  # noqa: D102 - the port says it
    @property
    def journal(self) -> Journal: ...  # noqa: D102 - the same
    @property
    def archived(self) -> Archived: ...  # noqa: D102 - the same
    @property
    def retained(self) -> Retained: ...  # noqa: D102 - the same
    @property
    def shelf(self) -> Shelf: ...  # noqa: D102 - the same
    @property
    def index(self) -> Index: ...  # noqa: D102 - the same
    @property
    def outbox(self) -> Outbox: ...  # noqa: D102 - the same
    @property
    def effects(self) -> Effects: ...  # noqa: D102 - the same
    @property
    def kept(self) -> Kept: ...  # noqa: D102 - the same
    @property
    def policies(self) -> Policies: ...  # noqa: D102 - the same
    @property
    def keys(self) -> Keys: ...  # noqa: D102 - the same
    @property
    def audit(self) -> Audit: ...  # noqa: D102 - the same
    @property
    def snapshots(self) -> Snapshots: ...  # noqa: D102 - the same
    @property
    def people(self) -> People: ...  # noqa: D102 - the same
    @property
    def sessions(self) -> Sessions: ...  # noqa: D102 - the same
    @property
    def tickets(self) -> Tickets: ...  # noqa: D102 - the same
    @property
    def attempts(self) -> Attempts: ...  # noqa: D102 - the same
    @property
    def proposals(self) -> Proposals: ...  # noqa: D102 - the same
    @property
    def trials(self) -> Trials: ...  # noqa: D102 - the same
    @property
    def records(self) -> Records: ...  # noqa: D102 - the same
    @property
    def duties(self) -> Duties: ...  # noqa: D102 - the same
    @property
    def reports(self) -> Reports: ...  # noqa: D102 - the same
    @property
    def cases(self) -> Cases: ...  # noqa: D102 - the same
    @property
    def errands(self) -> Errands: ...  # noqa: D102 - the same
    @property
    def dossiers(self) -> Dossiers: ...  # noqa: D102 - the same
    @property
    def bundles(self) -> Bundles: ...  # noqa: D102 - the same
    @property
    def orders(self) -> Orders: ...  # noqa: D102 - the same
    @property
    def measures(self) -> Measures: ...  # noqa: D102 - the same
    @property
    def appeals(self) -> Appeals: ...  # noqa: D102 - the same

    def close(self) -> None:
        """Close every connection."""
