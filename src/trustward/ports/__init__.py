"""What the stories need from the world, as small protocols: ``docs/storage.md`` says what each port promises."""

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
    "Effects",
    "Journal",
    "Kept",
    "Keys",
    "Outbox",
    "People",
    "Policies",
    "Provider",
    "Sessions",
    "Snapshots",
    "Store",
    "Tickets",
    "Writer",
]
