"""The tables of policies on trial, and of proposals to put one live."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, SmallInteger, Table, Text

from trustward.adapters.store.tables import METADATA

TRIALS = Table(
    "trials",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("policy", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("after", BigInteger, nullable=False),
    Column("upto", BigInteger),
    Column("warm_after", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("worker", Text, nullable=False),
    Column("until_us", BigInteger, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("fault", Text, nullable=False),
    Column("ended_us", BigInteger),
    Column("result", LargeBinary, nullable=False),
    Index("trials_by_kind", "kind", "at_us", "id"),
    Index("trials_by_state", "state", "at_us"),
)
PROPOSALS = Table(
    "proposals",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("policy", Text, nullable=False),
    Column("base", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("back", SmallInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("decided_by", Text, nullable=False),
    Column("decided_us", BigInteger),
    Column("decided_reason", Text, nullable=False),
    Column("entry", BigInteger),
    Index("proposals_by_time", "at_us", "id"),
)
