"""What the stories need from the world, as small protocols: ``docs/storage.md`` says what each port promises."""

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
from trustward.ports.trials import Trials

__all__ = [
    "Audit",
    "Effects",
    "Journal",
    "Kept",
    "Keys",
    "Outbox",
    "Policies",
    "Snapshots",
    "Store",
    "Trials",
    "Writer",
]
