"""What the stories need from the world, as small protocols: ``docs/storage.md`` says what each port promises."""

from trustward.ports.index import Index
from trustward.ports.operations import Cases, Duties, Errands, Records, Reports, Write
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
    "Cases",
    "Duties",
    "Effects",
    "Errands",
    "Index",
    "Journal",
    "Kept",
    "Keys",
    "Outbox",
    "Policies",
    "Records",
    "Reports",
    "Snapshots",
    "Store",
    "Write",
    "Writer",
]
