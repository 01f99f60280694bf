"""Every table, whichever module says what is in it."""

from __future__ import annotations

from trustward.adapters.store import (
    people_tables,
    tables_dossiers,
    tables_enforcement,
    tables_operations,
    tables_orders,
    trial_tables,
)
from trustward.adapters.store.archived_tables import ARCHIVED_DAYS
from trustward.adapters.store.index_tables import INDEX_PAGES, INDEX_RUNS
from trustward.adapters.store.marks_tables import SEGMENT_MARKS
from trustward.adapters.store.tables import METADATA, SNAPSHOTS

__all__ = [
    "ARCHIVED_DAYS",
    "DERIVED",
    "METADATA",
    "SEGMENT_MARKS",
    "people_tables",
    "tables_dossiers",
    "tables_enforcement",
    "tables_operations",
    "tables_orders",
    "trial_tables",
]

DERIVED = (INDEX_PAGES, INDEX_RUNS, SNAPSHOTS)
"""What can be made from the rest again: no backup copies these tables."""
