"""The tables of days that have moved to the archive, and of what retention has removed."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, Table, Text, text

from trustward.adapters.store.tables import METADATA

ARCHIVED_DAYS = Table(
    "archived_days",
    METADATA,
    Column("day", Text, primary_key=True),
    Column("first", BigInteger, nullable=False),
    Column("last", BigInteger, nullable=False),
    Column("events", BigInteger, nullable=False),
    Column("decisions", BigInteger, nullable=False),
    Column("actions", BigInteger, nullable=False),
    Column("changes", BigInteger, nullable=False),
    Column("digest", Text, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("revision", Integer, nullable=False, server_default=text("0")),
)
RETAINED = Table(
    "retained",
    METADATA,
    Column("day", Text, primary_key=True),
    Column("class", Text, primary_key=True),
    Column("removed", BigInteger, nullable=False),
    Column("kept", Text, nullable=False),
    Column("entries", Text, nullable=False),
    Column("at_us", BigInteger, nullable=False),
)
