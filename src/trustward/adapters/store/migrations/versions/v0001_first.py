"""The first schema."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, LargeBinary, SmallInteger, Text

revision = "0001"
down_revision = None

Number = BigInteger().with_variant(Integer, "sqlite")


def upgrade() -> None:
    """Create every table."""
    _journal()
    _kept()
    _people()
    op.create_table(
        "snapshots",
        Column("seq", BigInteger, primary_key=True, autoincrement=False),
        Column("part", Integer, primary_key=True, autoincrement=False),
        Column("parts", Integer, nullable=False),
        Column("policy", Text, nullable=False),
        Column("at_us", BigInteger, nullable=False),
        Column("body", LargeBinary, nullable=False),
    )


def _journal() -> None:
    op.create_table(
        "segments",
        Column("first", Number, primary_key=True, autoincrement=False),
        Column("count", Integer, nullable=False),
        Column("kind", Text, nullable=False),
        Column("at_us", BigInteger, nullable=False),
        Column("policy", Text, nullable=False),
        Column("body", LargeBinary, nullable=False),
        Column("faults", LargeBinary),
        Column("decisions", LargeBinary),
    )
    op.create_table(
        "event_ids",
        Column("key", BigInteger, primary_key=True, autoincrement=False),
        Column("seq", BigInteger, primary_key=True, autoincrement=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "writer",
        Column("one", Integer, primary_key=True, autoincrement=False),
        Column("epoch", BigInteger, nullable=False),
        Column("last_seq", BigInteger, nullable=False),
        Column("ids_seq", BigInteger, nullable=False),
        Column("owner", Text, nullable=False),
        Column("since_us", BigInteger, nullable=False),
    )
    op.execute("INSERT INTO writer (one, epoch, last_seq, ids_seq, owner, since_us) VALUES (1, 0, 0, 0, '', 0)")
    op.create_table(
        "actions",
        Column("seq", BigInteger, primary_key=True, autoincrement=False),
        Column("number", Integer, primary_key=True, autoincrement=False),
        Column("at_us", BigInteger, nullable=False),
        Column("state", SmallInteger, nullable=False),
        Column("body", LargeBinary, nullable=False),
    )
    op.create_index("actions_by_state", "actions", ["state", "seq", "number"])


def _said() -> list[Column[object]]:
    return [
        Column("actor", Text, nullable=False),
        Column("origin", Text, nullable=False),
        Column("reason", Text, nullable=False),
        Column("at_us", BigInteger, nullable=False),
        Column("seq", BigInteger, nullable=False),
    ]


def _kept() -> None:
    op.create_table(
        "label_marks",
        Column("kind", Text, primary_key=True),
        Column("entity", Text, primary_key=True),
        Column("label", Text, primary_key=True),
        Column("present", SmallInteger, nullable=False),
        Column("expires_us", BigInteger),
        *_said(),
    )
    op.create_table(
        "list_entries",
        Column("list", Text, primary_key=True),
        Column("value", Text, primary_key=True),
        Column("present", SmallInteger, nullable=False),
        Column("expires_us", BigInteger),
        *_said(),
    )
    op.create_table(
        "snoozes",
        Column("rule", Text, primary_key=True),
        Column("kind", Text, primary_key=True),
        Column("entity", Text, primary_key=True),
        Column("until_us", BigInteger, nullable=False),
        *_said(),
    )
    op.create_table(
        "policies",
        Column("hash", Text, primary_key=True),
        Column("name", Text, nullable=False),
        Column("sources", LargeBinary, nullable=False),
        Column("mode", Text, nullable=False),
        Column("actor", Text, nullable=False),
        Column("at_us", BigInteger, nullable=False),
    )


def _people() -> None:
    op.create_table(
        "api_keys",
        Column("id", Text, primary_key=True),
        Column("name", Text, nullable=False),
        Column("hash", LargeBinary, nullable=False),
        Column("scopes", Text, nullable=False),
        Column("created_us", BigInteger, nullable=False),
        Column("expires_us", BigInteger),
        Column("revoked_us", BigInteger),
        Column("actor", Text, nullable=False),
    )
    op.create_table(
        "audit",
        Column("number", Number, primary_key=True, autoincrement=True),
        Column("at_us", BigInteger, nullable=False),
        Column("actor", Text, nullable=False),
        Column("action", Text, nullable=False),
        Column("subject", Text, nullable=False),
        Column("detail", LargeBinary, nullable=False),
        Column("seq", BigInteger),
    )
