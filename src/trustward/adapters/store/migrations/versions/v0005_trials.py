"""Policies on trial (backtests and shadows), and proposals to put one live."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, LargeBinary, SmallInteger, Text

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Create the tables of trials and proposals."""
    _trials()
    op.create_table(
        "proposals",
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
    )
    op.create_index("proposals_by_time", "proposals", ["at_us", "id"])


def _trials() -> None:
    op.create_table(
        "trials",
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
    )
    op.create_index("trials_by_kind", "trials", ["kind", "at_us", "id"])
    op.create_index("trials_by_state", "trials", ["state", "at_us"])
