"""Orders from authorities with targets, copies and pages; programmes; a book of its own for what is secret."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, LargeBinary, SmallInteger, Text

revision = "0010"
down_revision = "0009"

_NUMBER = BigInteger().with_variant(Integer, "sqlite")


def upgrade() -> None:
    """Create the tables of orders."""
    _orders()
    _parts()
    _rest()


def _orders() -> None:
    op.create_table(
        "orders",
        Column("id", Text, primary_key=True),
        Column("version", Integer, nullable=False),
        Column("state", SmallInteger, nullable=False),
        Column("known_as", Text, nullable=False),
        Column("issuer", Text, nullable=False),
        Column("secret", SmallInteger, nullable=False),
        Column("work", SmallInteger, nullable=False),
        Column("until_us", BigInteger),
        Column("body", LargeBinary, nullable=False),
    )
    op.create_index("orders_by_name", "orders", ["known_as"], unique=True)
    op.create_index("orders_by_state", "orders", ["state", "id"])
    op.create_index("orders_by_issuer", "orders", ["issuer", "id"])
    op.create_index("orders_by_work", "orders", ["work", "id"])
    op.create_index("orders_by_end", "orders", ["until_us"])


def _parts() -> None:
    op.create_table(
        "order_targets",
        Column("id", Text, primary_key=True),
        Column("version", Integer, nullable=False),
        Column("order_id", Text, nullable=False),
        Column("number", Integer, nullable=False),
        Column("state", SmallInteger, nullable=False),
        Column("kind", Text, nullable=False),
        Column("entity", Text, nullable=False),
        Column("body", LargeBinary, nullable=False),
    )
    op.create_index("order_targets_by_number", "order_targets", ["order_id", "number"], unique=True)
    op.create_index("order_targets_by_state", "order_targets", ["order_id", "state", "number"])
    op.create_index("order_targets_by_entity", "order_targets", ["kind", "entity"])
    op.create_table(
        "order_copies",
        Column("id", Text, primary_key=True),
        Column("version", Integer, nullable=False),
        Column("order_id", Text, nullable=False),
        Column("list", Text, nullable=False),
        Column("value", Text, nullable=False),
        Column("active", SmallInteger, nullable=False),
        Column("body", LargeBinary, nullable=False),
    )
    op.create_index("order_copies_by_value", "order_copies", ["list", "value", "active"])
    op.create_index("order_copies_by_order", "order_copies", ["order_id", "active", "id"])


def _rest() -> None:
    op.create_table(
        "order_pages",
        Column("order_id", Text, primary_key=True),
        Column("number", Integer, primary_key=True, autoincrement=False),
        Column("at_us", BigInteger, nullable=False),
        Column("what", Text, nullable=False),
        Column("body", LargeBinary, nullable=False),
    )
    op.create_table(
        "programmes",
        Column("id", Text, primary_key=True),
        Column("version", Integer, nullable=False),
        Column("kind", Text, nullable=False),
        Column("state", SmallInteger, nullable=False),
        Column("known_as", Text, nullable=False),
        Column("secret", SmallInteger, nullable=False),
        Column("body", LargeBinary, nullable=False),
    )
    op.create_index("programmes_by_name", "programmes", ["known_as"], unique=True)
    op.create_index("programmes_by_state", "programmes", ["state", "id"])
    op.create_table(
        "audit_secret",
        Column("number", _NUMBER, primary_key=True, autoincrement=True),
        Column("at_us", BigInteger, nullable=False),
        Column("actor", Text, nullable=False),
        Column("action", Text, nullable=False),
        Column("subject", Text, nullable=False),
        Column("detail", LargeBinary, nullable=False),
        Column("seq", BigInteger),
    )
