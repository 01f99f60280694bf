"""What the stories need from the world, as small protocols. Every adapter of a port passes the port's contract.

The contracts are in ``testing/contracts.py``; ``docs/storage.md`` says what each port promises. Whatever fails in
the world comes out as a ``TrustwardError``: StoreError for what may work later.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from trustward.model.journal import ActionRow, Commit, Found, Segment
from trustward.model.stored import (
    ApiKey,
    AuditRow,
    LabelMark,
    Lease,
    ListEntry,
    SnapshotInfo,
    Snooze,
    StoredPolicy,
)


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
        """The events that have one of these ids."""

    def entry(self, seq: int) -> Found | None:
        """The event with this number; None if there is none, or the entry is a change."""


class Outbox(Protocol):
    """Actions on their way out, written with the decision that asks for them."""

    def waiting(self, limit: int) -> Sequence[ActionRow]:
        """The oldest actions that nobody has confirmed."""

    def confirm(self, rows: Sequence[ActionRow]) -> None:
        """These are delivered."""


class Kept(Protocol):
    """What people have said of labels, lists and rules, as it stands. It changes by entries of the journal only."""

    def labels(self, kind: str, entity: str) -> Sequence[LabelMark]:
        """What people have said of one entity's labels."""

    def list_entries(self, name: str, after: str = "", limit: int = 1000) -> Sequence[ListEntry]:
        """What people and feeds have put on a list or taken off it, in order of the values, after ``after``."""

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
        """End a key from ``at_us`` on. Raises NotFoundError."""


class Audit(Protocol):
    """Who did what, in order. Changes in the journal, policies and keys write their rows themselves."""

    def record(self, row: AuditRow) -> None:
        """Add a row."""

    def read(self, after: int, limit: int) -> Sequence[AuditRow]:
        """Rows by number, after ``after``."""


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
    def outbox(self) -> Outbox: ...  # noqa: D102 - the same
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

    def close(self) -> None:
        """Close every connection."""
