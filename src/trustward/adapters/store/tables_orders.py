"""The tables of orders from authorities, and of programmes."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, SmallInteger, Table, Text

from trustward.adapters.store.tables import METADATA

ORDERS = Table(
    "orders",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("state", SmallInteger, nullable=False),
    # Whether it comes from the same issuer under the same reference: once.
    Column("known_as", Text, nullable=False),
    Column("issuer", Text, nullable=False),
    Column("secret", SmallInteger, nullable=False),
    Column("work", SmallInteger, nullable=False),
    # When it ends by itself; nothing for one that has ended.
    Column("until_us", BigInteger),
    Column("body", LargeBinary, nullable=False),
    Index("orders_by_name", "known_as", unique=True),
    Index("orders_by_state", "state", "id"),
    Index("orders_by_issuer", "issuer", "id"),
    Index("orders_by_work", "work", "id"),
    Index("orders_by_end", "until_us"),
)
ORDER_TARGETS = Table(
    "order_targets",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("order_id", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("state", SmallInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("entity", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index("order_targets_by_number", "order_id", "number", unique=True),
    Index("order_targets_by_state", "order_id", "state", "number"),
    Index("order_targets_by_entity", "kind", "entity"),
)
ORDER_COPIES = Table(
    "order_copies",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("order_id", Text, nullable=False),
    Column("list", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("active", SmallInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index("order_copies_by_value", "list", "value", "active"),
    Index("order_copies_by_order", "order_id", "active", "id"),
)
ORDER_PAGES = Table(
    "order_pages",
    METADATA,
    Column("order_id", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at_us", BigInteger, nullable=False),
    Column("what", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
)
PROGRAMMES = Table(
    "programmes",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("state", SmallInteger, nullable=False),
    Column("known_as", Text, nullable=False),
    Column("secret", SmallInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index("programmes_by_name", "known_as", unique=True),
    Index("programmes_by_state", "state", "id"),
)
