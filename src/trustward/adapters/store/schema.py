"""Every table, whichever module it is written in: what migrations are compared with, and what a backup copies."""

from __future__ import annotations

from trustward.adapters.store import trial_tables
from trustward.adapters.store.tables import METADATA

ADDED = (trial_tables,)
"""Modules with further tables, loaded so that the metadata knows them."""

__all__ = ["ADDED", "METADATA"]
