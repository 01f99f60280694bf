"""The tables of the index behind the journal."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, Table

from trustward.adapters.store.tables import METADATA, Number

INDEX_RUNS = Table(
    "index_runs",
    METADATA,
    Column("first", Number, primary_key=True, autoincrement=False),
    Column("last", BigInteger, nullable=False),
    Column("level", Integer, nullable=False),
    Column("pages", Integer, nullable=False),
    Column("postings", BigInteger, nullable=False),
)
INDEX_PAGES = Table(
    "index_pages",
    METADATA,
    Column("run", BigInteger, primary_key=True, autoincrement=False),
    Column("low", BigInteger, primary_key=True, autoincrement=False),
    Column("body", LargeBinary, nullable=False),
)
