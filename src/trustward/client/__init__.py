"""A client of the HTTP service, for Python: :class:`Client`, and :class:`AsyncClient` for event loops.

It imports neither the engine nor anything else that is large. ``docs/client.md`` says what is tried again, and when.
"""

from trustward.client.asynchronous import AsyncClient
from trustward.client.records import (
    Backlog,
    Changed,
    Checked,
    Confirmed,
    Decided,
    Done,
    Entity,
    Entries,
    Entry,
    Failed,
    LabelTold,
    Leased,
    ListEntry,
    Lists,
    ManyDecided,
    Page,
    Past,
    Policies,
    PolicySource,
    PolicyTold,
    PolicyWhole,
    Rejected,
    Reversed,
    Switched,
)
from trustward.client.retrying import Retrying
from trustward.client.synchronous import Client

__all__ = [
    "AsyncClient",
    "Backlog",
    "Changed",
    "Checked",
    "Client",
    "Confirmed",
    "Decided",
    "Done",
    "Entity",
    "Entries",
    "Entry",
    "Failed",
    "LabelTold",
    "Leased",
    "ListEntry",
    "Lists",
    "ManyDecided",
    "Page",
    "Past",
    "Policies",
    "PolicySource",
    "PolicyTold",
    "PolicyWhole",
    "Rejected",
    "Retrying",
    "Reversed",
    "Switched",
]
