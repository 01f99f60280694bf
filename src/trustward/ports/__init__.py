"""What the stories need from the world, as small protocols: ``docs/storage.md`` says what each port promises."""

from trustward.ports.index import Index
from trustward.ports.operations import Duties, Records, Write
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
    "Duties",
    "Effects",
    "Index",
    "Journal",
    "Kept",
    "Keys",
    "Outbox",
    "Policies",
    "Records",
    "Snapshots",
    "Store",
    "Write",
    "Writer",
]
