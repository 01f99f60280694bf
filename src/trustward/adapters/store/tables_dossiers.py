"""The tables of clues, holds, requests and disclosures, and of the evidence that goes along."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, SmallInteger, Table, Text

from trustward.adapters.store.tables import METADATA

DOSSIERS = Table(
    "dossiers",
    METADATA,
    Column("kind", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("standing", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("party", Text, nullable=False),
    Column("cause", Text, nullable=False),
    Column("secret", SmallInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index("dossiers_by_standing", "kind", "standing", "id"),
    Index("dossiers_by_subject", "kind", "subject", "id"),
    Index("dossiers_by_party", "kind", "party", "id"),
    Index("dossiers_by_cause", "kind", "cause", "id"),
)
DOSSIER_ENTITIES = Table(
    "dossier_entities",
    METADATA,
    # The record's kind, and the entity as one text.
    Column("kind", Text, primary_key=True),
    Column("entity", Text, primary_key=True),
    Column("id", Text, primary_key=True),
)
FILE_PAGES = Table(
    "file_pages",
    METADATA,
    Column("record", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at_us", BigInteger, nullable=False),
    Column("what", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
)
BUNDLES = Table(
    "bundles",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("record", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
)
BUNDLE_PARTS = Table(
    "bundle_parts",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("body", LargeBinary, nullable=False),
)
