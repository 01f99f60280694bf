"""The index behind the journal: sorted runs of postings, in pages."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, LargeBinary

revision = "0003"
down_revision = "0002"

Number = BigInteger().with_variant(Integer, "sqlite")


def upgrade() -> None:
    """Create the tables of the index."""
    op.create_table(
        "index_runs",
        Column("first", Number, primary_key=True, autoincrement=False),
        Column("last", BigInteger, nullable=False),
        Column("level", Integer, nullable=False),
        Column("pages", Integer, nullable=False),
        Column("postings", BigInteger, nullable=False),
    )
    op.create_table(
        "index_pages",
        Column("run", BigInteger, primary_key=True, autoincrement=False),
        Column("low", BigInteger, primary_key=True, autoincrement=False),
        Column("body", LargeBinary, nullable=False),
    )
