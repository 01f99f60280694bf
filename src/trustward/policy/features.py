"""Features: windowed numbers, as typed descriptions that the plan is made from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from trustward.policy.nodes import Node
from trustward.policy.types import Type
from trustward.windows.plan import Aggregate, Carried

AGGREGATES: dict[str, str] = {
    "count": "how many events",
    "total": "the sum of a value",
    "mean": "the mean of a value",
    "distinct": "how many different values",
    "largest": "the largest value",
    "smallest": "the smallest value",
    "age": "how long ago an entity was first seen",
    "since": "how long ago the key's event before this one was",
    "previous": "the value at the key's event before this one",
    "surge": "how many times the key's own earlier rate",
    "significance": "how surprising the rate is against the key's own: 2 is one chance in a hundred",
}
"""The windowed functions and what each says."""

SHAPES: dict[str, str] = {
    "count": 'count(by=event.sender, within="1h", of="message.sent")',
    "total": 'total(event.amount, by=(event.account, event.currency), within="1d", of="payment.requested")',
    "mean": 'mean(event.length, by=event.sender, within="1d", of="message.sent")',
    "distinct": 'distinct(event.recipient, by=event.sender, within="1h", of="message.sent")',
    "largest": 'largest(event.length, by=event.sender, within="1d", of="message.sent")',
    "smallest": 'smallest(event.length, by=event.sender, within="1d", of="message.sent")',
    "age": 'age(event.sender) or age(by=event.sender, of="message.sent")',
    "since": 'since(by=event.sender, of="message.sent")',
    "previous": 'previous(event.length, by=event.sender, of="message.sent")',
    "surge": 'surge(by=event.sender, within="1h", baseline="7d", of="message.sent")',
    "significance": 'significance(by=event.sender, within="1h", baseline="7d", of="message.sent")',
}
"""One example of each windowed function."""

NEVER_MISSING = frozenset({"count", "total", "distinct", "surge", "significance"})
"""Aggregates that have a value for every known key, 0 for one with nothing in the window."""


@dataclass(frozen=True, slots=True, eq=False)
class Feed:
    """What one event type puts into a stream: its key, an optional condition, an optional value."""

    key: tuple[Node, ...]
    where: Node | None = None
    value: Node | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Feature:
    """One windowed number.

    ``feeds`` gives for each feeding event type its feeds (several only for ``age`` of an entity that the type names in
    several fields). ``window``, ``baseline`` and ``delay`` are microseconds. ``keyspaces`` name what the parts of the
    key are; ``key_types`` are their types.
    """

    id: str
    stream: str
    keyspace: str
    aggregate: Aggregate
    type: Type
    carried: Literal["whole", "float"]
    keyspaces: tuple[str, ...]
    key_types: tuple[Type, ...]
    key_texts: tuple[str, ...]
    feeds: dict[str, tuple[Feed, ...]]
    value_key: str = ""
    value_carried: Carried | None = None
    window: int = 0
    baseline: int = 0
    delay: int = 0
    text: str = ""
    reads: frozenset[str] = field(default=frozenset())
