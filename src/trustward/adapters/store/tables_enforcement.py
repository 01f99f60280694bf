"""The tables of measures and appeals. What is searched for stands in columns, the whole record in ``body``."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, SmallInteger, Table, Text

from trustward.adapters.store.tables import METADATA

MEASURES = Table(
    "measures",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("state", SmallInteger, nullable=False),
    # Empty for what follows from another measure: that is found by its parent.
    Column("cause", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("entity", Text, nullable=False),
    Column("parent", Text, nullable=False),
    # What makes two measures in force do the same; empty once they are not.
    Column("same", Text, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    # When it ends by itself, while it is in force.
    Column("over_us", BigInteger),
    Column("work", SmallInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index("measures_by_cause", "cause", "id"),
    Index("measures_by_entity", "kind", "entity", "at_us"),
    Index("measures_by_parent", "parent", "id"),
    Index("measures_by_same", "same"),
    Index("measures_by_over", "over_us"),
    Index("measures_by_work", "work", "at_us", "id"),
)
APPEALS = Table(
    "appeals",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("state", SmallInteger, nullable=False),
    Column("decision", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("due_us", BigInteger, nullable=False),
    Column("work", SmallInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index("appeals_by_state", "state", "due_us", "id"),
    Index("appeals_by_decision", "decision", "due_us", "id"),
    Index("appeals_by_account", "account", "due_us", "id"),
    Index("appeals_by_work", "work", "id"),
)
APPEAL_PAGES = Table(
    "appeal_pages",
    METADATA,
    Column("appeal", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at_us", BigInteger, nullable=False),
    Column("what", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
)
