"""Every table, whichever module says what is in it."""

from __future__ import annotations

from trustward.adapters.store.index_tables import INDEX_PAGES, INDEX_RUNS
from trustward.adapters.store.tables import METADATA, SNAPSHOTS
from trustward.adapters.store.trial_tables import PROPOSALS, TRIALS

__all__ = ["DERIVED", "KEPT", "METADATA"]

KEPT = (PROPOSALS, TRIALS)
"""Tables beside those of ``tables.py`` that a backup copies."""

DERIVED = (INDEX_PAGES, INDEX_RUNS, SNAPSHOTS)
"""What can be made from the rest again: no backup copies these tables."""
