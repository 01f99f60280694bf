"""What the stories need from the world, as small protocols: ``docs/storage.md`` says what each port promises."""

from trustward.ports.index import Index
from trustward.ports.store import (
    Audit,
    Effects,
    Journal,
    Kept,
    Keys,
    Outbox,
    Policies,
    Snapshots,
    Store,
    Writer,
)

__all__ = [
    "Audit",
    "Effects",
    "Index",
    "Journal",
    "Kept",
    "Keys",
    "Outbox",
    "Policies",
    "Snapshots",
    "Store",
    "Writer",
]
