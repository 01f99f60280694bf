"""What is owed by a time, and its file."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, LargeBinary, SmallInteger, Text

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Create the tables of duties."""
    op.create_table(
        "duties",
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
    )
    op.create_index("duties_by_next", "duties", ["next_us"])
    op.create_index("duties_by_due", "duties", ["due_us", "id"])
    op.create_index("duties_by_state", "duties", ["state", "due_us", "id"])
    op.create_index("duties_by_subject", "duties", ["subject", "due_us", "id"])
    op.create_index("duties_by_owner", "duties", ["owner", "due_us", "id"])
    op.create_table(
        "duty_steps",
        Column("duty", Text, primary_key=True),
        Column("number", Integer, primary_key=True, autoincrement=False),
        Column("at_us", BigInteger, nullable=False),
        Column("what", Text, nullable=False),
        Column("body", LargeBinary, nullable=False),
    )
