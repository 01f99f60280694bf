"""Measures, appeals and their files."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, LargeBinary, SmallInteger, Text

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Create the tables of measures and appeals."""
    _measures()
    _appeals()


def _measures() -> None:
    op.create_table(
        "measures",
        Column("id", Text, primary_key=True),
        Column("version", Integer, nullable=False),
        Column("state", SmallInteger, nullable=False),
        Column("cause", Text, nullable=False),
        Column("kind", Text, nullable=False),
        Column("entity", Text, nullable=False),
        Column("parent", Text, nullable=False),
        Column("same", Text, nullable=False),
        Column("at_us", BigInteger, nullable=False),
        Column("over_us", BigInteger),
        Column("work", SmallInteger, nullable=False),
        Column("body", LargeBinary, nullable=False),
    )
    op.create_index("measures_by_cause", "measures", ["cause", "id"])
    op.create_index("measures_by_entity", "measures", ["kind", "entity", "at_us"])
    op.create_index("measures_by_parent", "measures", ["parent", "id"])
    op.create_index("measures_by_same", "measures", ["same"])
    op.create_index("measures_by_over", "measures", ["over_us"])
    op.create_index("measures_by_work", "measures", ["work", "at_us", "id"])


def _appeals() -> None:
    op.create_table(
        "appeals",
        Column("id", Text, primary_key=True),
        Column("version", Integer, nullable=False),
        Column("state", SmallInteger, nullable=False),
        Column("decision", Text, nullable=False),
        Column("account", Text, nullable=False),
        Column("due_us", BigInteger, nullable=False),
        Column("work", SmallInteger, nullable=False),
        Column("body", LargeBinary, nullable=False),
    )
    op.create_index("appeals_by_state", "appeals", ["state", "due_us", "id"])
    op.create_index("appeals_by_due", "appeals", ["due_us", "id"])
    op.create_index("appeals_by_decision", "appeals", ["decision", "due_us", "id"])
    op.create_index("appeals_by_account", "appeals", ["account", "due_us", "id"])
    op.create_index("appeals_by_work", "appeals", ["work", "id"])
    op.create_table(
        "appeal_pages",
        Column("appeal", Text, primary_key=True),
        Column("number", Integer, primary_key=True, autoincrement=False),
        Column("at_us", BigInteger, nullable=False),
        Column("what", Text, nullable=False),
        Column("body", LargeBinary, nullable=False),
    )
