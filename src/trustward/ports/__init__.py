"""What the stories need from the world, as small protocols: ``docs/storage.md`` says what each port promises."""

from trustward.ports.index import Index
from trustward.ports.operations import Duties, Records, Write
from trustward.ports.people import Attempts, People, Provider, Sessions, Tickets
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
    "Attempts",
    "Audit",
    "Duties",
    "Effects",
    "Index",
    "Journal",
    "Kept",
    "Keys",
    "Outbox",
    "People",
    "Policies",
    "Provider",
    "Records",
    "Sessions",
    "Snapshots",
    "Store",
    "Tickets",
    "Write",
    "Writer",
]
