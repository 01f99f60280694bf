"""The store over a database, opened: all ports over one set of connections."""

from __future__ import annotations

from pathlib import Path

from trustward.adapters.archive.shelf import FolderShelf
from trustward.adapters.store import migrate
from trustward.adapters.store.archived import DatabaseArchived
from trustward.adapters.store.cases import DatabaseCases, DatabaseErrands, DatabaseReports
from trustward.adapters.store.database import Database, open_database
from trustward.adapters.store.dossiers import DatabaseBundles, DatabaseDossiers
from trustward.adapters.store.duties import DatabaseDuties
from trustward.adapters.store.elsewhere import Elsewhere
from trustward.adapters.store.enforcement import DatabaseAppeals, DatabaseMeasures
from trustward.adapters.store.index import DatabaseIndex
from trustward.adapters.store.journal import DatabaseJournal
from trustward.adapters.store.kept import DatabaseAudit, DatabaseKept, DatabaseKeys, DatabasePolicies
from trustward.adapters.store.orders import DatabaseOrders
from trustward.adapters.store.outbox import DatabaseEffects, DatabaseOutbox
from trustward.adapters.store.people import DatabaseAttempts, DatabasePeople, DatabaseSessions, DatabaseTickets
from trustward.adapters.store.proposals import DatabaseProposals
from trustward.adapters.store.records import DatabaseRecords
from trustward.adapters.store.retained import DatabaseRetained
from trustward.adapters.store.snapshots import DatabaseSnapshots, FolderSnapshots
from trustward.adapters.store.trials import DatabaseTrials
from trustward.adapters.store.writer import LOCK_FILE, DatabaseWriter, FileLock, ServerLock
from trustward.ports import Snapshots


class DatabaseStore:
    """The port ``Store`` over SQLite in the folder ``data``, or over PostgreSQL."""

    def __init__(self, database: Database, data: Path, archive: Path) -> None:
        self.database = database
        self.archived = DatabaseArchived(database)
        self.retained = DatabaseRetained(database)
        self.shelf = FolderShelf(archive)
        lock = FileLock(data / LOCK_FILE) if database.is_sqlite else ServerLock(database)
        self.writer = DatabaseWriter(database, lock)
        self.journal = DatabaseJournal(database, Elsewhere(self.archived, self.shelf))
        self.index = DatabaseIndex(database)
        self.outbox = DatabaseOutbox(database)
        self.effects = DatabaseEffects(database)
        self.kept = DatabaseKept(database)
        self.policies = DatabasePolicies(database)
        self.keys = DatabaseKeys(database)
        self.audit = DatabaseAudit(database)
        self.people = DatabasePeople(database)
        self.sessions = DatabaseSessions(database)
        self.tickets = DatabaseTickets(database)
        self.attempts = DatabaseAttempts(database)
        self.trials = DatabaseTrials(database)
        self.proposals = DatabaseProposals(database)
        self.records = DatabaseRecords(database)
        self.duties = DatabaseDuties(database)
        self.reports = DatabaseReports(database)
        self.cases = DatabaseCases(database)
        self.errands = DatabaseErrands(database)
        self.dossiers = DatabaseDossiers(database)
        self.bundles = DatabaseBundles(database)
        self.orders = DatabaseOrders(database)
        self.measures = DatabaseMeasures(database)
        self.appeals = DatabaseAppeals(database)
        self.snapshots: Snapshots = (
            FolderSnapshots(data / "snapshots") if database.is_sqlite else DatabaseSnapshots(database)
        )

    def close(self) -> None:
        """See :class:`trustward.ports.Store`."""
        self.journal.close()
        self.writer.close()
        self.database.close()


def open_store(database: str, data: Path, *, archive: Path | None = None, migrated: bool = True) -> DatabaseStore:
    """The store that a service's settings name; the archive is a folder in ``data`` if none is named.

    An empty SQLite database gets its tables. Raises SchemaError if the schema is another one than this program needs
    (unless ``migrated`` is False: then nobody looks), SettingsError and StoreError.
    """
    opened = open_database(database, data)
    try:
        if migrated:
            if opened.is_sqlite and not _begun(opened):
                migrate.upgrade(opened)
            migrate.ensure(opened)
    except BaseException:
        opened.close()
        raise
    return DatabaseStore(opened, data, archive or data / "archive")


def _begun(database: Database) -> bool:
    with database.read() as connection:
        return bool(migrate.version(connection))
