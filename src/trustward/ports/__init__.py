"""What the stories need from the world, as small protocols: ``docs/storage.md`` says what each port promises."""

from trustward.ports.archive import Archived, Shelf
from trustward.ports.dossiers import Bundles, Dossiers
from trustward.ports.enforcement import Appeals, Measures
from trustward.ports.index import Index
from trustward.ports.operations import Cases, Duties, Errands, Records, Reports, Write
from trustward.ports.orders import Orders
from trustward.ports.people import Attempts, People, Provider, Sealing, Sessions, Tickets
from trustward.ports.proposals import Proposals
from trustward.ports.retention import Retained
from trustward.ports.sources import Source
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
    "Appeals",
    "Archived",
    "Attempts",
    "Audit",
    "Bundles",
    "Cases",
    "Dossiers",
    "Duties",
    "Effects",
    "Errands",
    "Index",
    "Journal",
    "Kept",
    "Keys",
    "Measures",
    "Orders",
    "Outbox",
    "People",
    "Policies",
    "Proposals",
    "Provider",
    "Records",
    "Reports",
    "Retained",
    "Sealing",
    "Sessions",
    "Shelf",
    "Snapshots",
    "Source",
    "Store",
    "Tickets",
    "Trials",
    "Write",
    "Writer",
]
