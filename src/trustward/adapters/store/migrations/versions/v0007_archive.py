"""Days of the journal that have moved to the archive."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, Text

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Create the table of archived days."""
    op.create_table(
        "archived_days",
        Column("day", Text, primary_key=True),
        Column("first", BigInteger, nullable=False),
        Column("last", BigInteger, nullable=False),
        Column("events", BigInteger, nullable=False),
        Column("decisions", BigInteger, nullable=False),
        Column("actions", BigInteger, nullable=False),
        Column("changes", BigInteger, nullable=False),
        Column("digest", Text, nullable=False),
        Column("at_us", BigInteger, nullable=False),
    )
