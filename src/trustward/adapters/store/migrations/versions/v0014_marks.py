"""Where each event lies in its segment, so that one can be read without the others."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, LargeBinary

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Segments that are there already get no marks: they are read as before."""
    number = BigInteger().with_variant(Integer, "sqlite")
    op.create_table(
        "segment_marks",
        Column("first", number, primary_key=True, autoincrement=False),
        Column("body", LargeBinary, nullable=False),
    )
    if op.get_bind().dialect.name == "postgresql":
        # A part of what is packed costs as much as all of it.
        op.execute("ALTER TABLE segment_marks ALTER COLUMN body SET STORAGE EXTERNAL")
        op.execute("ALTER TABLE segments ALTER COLUMN decisions SET STORAGE EXTERNAL")
