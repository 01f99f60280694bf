"""Clues, holds, requests, disclosures, their files, and bundles of evidence."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, LargeBinary, SmallInteger, Text

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Create the tables of what is told to authorities, and asked by them."""
    op.create_table(
        "dossiers",
        Column("kind", Text, primary_key=True),
        Column("id", Text, primary_key=True),
        Column("version", Integer, nullable=False),
        Column("standing", Text, nullable=False),
        Column("subject", Text, nullable=False),
        Column("party", Text, nullable=False),
        Column("cause", Text, nullable=False),
        Column("secret", SmallInteger, nullable=False),
        Column("body", LargeBinary, nullable=False),
    )
    for name in ("standing", "subject", "party", "cause"):
        op.create_index(f"dossiers_by_{name}", "dossiers", ["kind", name, "id"])
    op.create_table(
        "dossier_entities",
        Column("kind", Text, primary_key=True),
        Column("entity", Text, primary_key=True),
        Column("id", Text, primary_key=True),
    )
    op.create_table(
        "file_pages",
        Column("record", Text, primary_key=True),
        Column("number", Integer, primary_key=True, autoincrement=False),
        Column("at_us", BigInteger, nullable=False),
        Column("what", Text, nullable=False),
        Column("body", LargeBinary, nullable=False),
    )
    op.create_table(
        "bundles",
        Column("id", Text, primary_key=True),
        Column("record", Text, nullable=False),
        Column("body", LargeBinary, nullable=False),
    )
    op.create_table(
        "bundle_parts",
        Column("id", Text, primary_key=True),
        Column("number", Integer, primary_key=True, autoincrement=False),
        Column("body", LargeBinary, nullable=False),
    )
