"""Actions on their way to targets, what came of it, and what they have put in force."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, LargeBinary, SmallInteger, Text

revision = "0002"
down_revision = "0001"

Number = BigInteger().with_variant(Integer, "sqlite")


def upgrade() -> None:
    """Create the tables of delivery."""
    _deliveries()
    _effects()


def _deliveries() -> None:
    op.create_table(
        "deliveries",
        Column("place", Number, primary_key=True, autoincrement=True),
        Column("target", Text, nullable=False),
        Column("lane", Integer, nullable=False),
        Column("seq", BigInteger, nullable=False),
        Column("number", Integer, nullable=False),
        Column("state", SmallInteger, nullable=False),
        Column("tries", Integer, nullable=False),
        Column("queued_us", BigInteger, nullable=False),
    )
    op.create_index("deliveries_by_action", "deliveries", ["seq", "number", "target"], unique=True)
    op.create_index("deliveries_by_lane", "deliveries", ["target", "lane", "state", "place"])
    op.create_index("deliveries_by_state", "deliveries", ["state", "target", "place"])
    op.create_table(
        "lanes",
        Column("target", Text, primary_key=True),
        Column("lane", Integer, primary_key=True, autoincrement=False),
        Column("worker", Text, nullable=False),
        Column("epoch", BigInteger, nullable=False),
        Column("until_us", BigInteger, nullable=False),
        Column("due_us", BigInteger, nullable=False),
    )
    op.create_table(
        "receipts",
        Column("id", Number, primary_key=True, autoincrement=True),
        Column("place", BigInteger, nullable=False),
        Column("ok", SmallInteger, nullable=False),
        Column("at_us", BigInteger, nullable=False),
        Column("worker", Text, nullable=False),
        Column("status", Integer, nullable=False),
        Column("took_us", BigInteger, nullable=False),
        Column("said", Text, nullable=False),
        Column("refused", SmallInteger, nullable=False),
        Column("after_us", BigInteger, nullable=False),
    )
    op.create_index("receipts_by_place", "receipts", ["place", "id"])


def _effects() -> None:
    op.create_table(
        "effects",
        Column("seq", BigInteger, primary_key=True, autoincrement=False),
        Column("number", Integer, primary_key=True, autoincrement=False),
        Column("kind", Text, nullable=False),
        Column("entity", Text, nullable=False),
        Column("same", Text, nullable=False),
        Column("at_us", BigInteger, nullable=False),
        Column("ends_us", BigInteger),
        Column("body", LargeBinary, nullable=False),
        Column("state", SmallInteger, nullable=False),
        Column("why", Text, nullable=False),
        Column("actor", Text, nullable=False),
        Column("reason", Text, nullable=False),
        Column("ended_us", BigInteger),
        Column("undone_by", Text, nullable=False),
    )
    op.create_index("effects_by_end", "effects", ["state", "ends_us"])
    op.create_index("effects_by_entity", "effects", ["kind", "entity", "state"])
