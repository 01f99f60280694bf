"""What retention has removed, and how often an archived day was written anew."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, Text, text

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Create the table of what was removed, by day and class; archived days get a revision."""
    op.create_table(
        "retained",
        Column("day", Text, primary_key=True),
        Column("class", Text, primary_key=True),
        Column("removed", BigInteger, nullable=False),
        Column("kept", Text, nullable=False),
        Column("entries", Text, nullable=False),
        Column("at_us", BigInteger, nullable=False),
    )
    op.add_column("archived_days", Column("revision", Integer, nullable=False, server_default=text("0")))
