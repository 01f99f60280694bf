"""All tables: every module that has some is named here, and nowhere else."""

from trustward.adapters.store import tables_operations
from trustward.adapters.store.tables import METADATA

MODULES = (tables_operations,)
"""The modules with tables beside ``tables.py``."""

__all__ = ["METADATA", "MODULES"]
