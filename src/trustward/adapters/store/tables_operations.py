"""The tables of operations. What is searched for stands in columns, the whole record in ``body``."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, SmallInteger, Table, Text

from trustward.adapters.store.tables import METADATA

DUTIES = Table(
    "duties",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("state", SmallInteger, nullable=False),
    Column("next_us", BigInteger),
    Column("due_us", BigInteger, nullable=False),
    Column("subject", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("market", Text, nullable=False),
    Column("breached", SmallInteger, nullable=False),
    Column("secret", SmallInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index("duties_by_next", "next_us"),
    Index("duties_by_due", "due_us", "id"),
    Index("duties_by_state", "state", "due_us", "id"),
    Index("duties_by_subject", "subject", "due_us", "id"),
    Index("duties_by_owner", "owner", "due_us", "id"),
)
DUTY_STEPS = Table(
    "duty_steps",
    METADATA,
    Column("duty", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at_us", BigInteger, nullable=False),
    Column("what", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
)
