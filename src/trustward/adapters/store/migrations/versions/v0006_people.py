"""People who use the console: users, passkeys, recovery codes, sessions, tickets, failed attempts."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, LargeBinary, Text

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Create the tables of people."""
    _users()
    _signed_in()


def _users() -> None:
    op.create_table(
        "users",
        Column("id", Text, primary_key=True),
        Column("name", Text, nullable=False),
        Column("full_name", Text, nullable=False),
        Column("roles", Text, nullable=False),
        Column("password", Text, nullable=False),
        Column("totp", Text, nullable=False),
        Column("totp_step", BigInteger, nullable=False),
        Column("issuer", Text, nullable=False),
        Column("subject", Text, nullable=False),
        Column("created_us", BigInteger, nullable=False),
        Column("disabled_us", BigInteger),
        Column("actor", Text, nullable=False),
        Column("version", BigInteger, nullable=False),
    )
    op.create_index("users_by_name", "users", ["name"], unique=True)
    op.create_index("users_by_subject", "users", ["issuer", "subject"])
    op.create_table(
        "passkeys",
        Column("id", Text, primary_key=True),
        Column("user_id", Text, nullable=False),
        Column("name", Text, nullable=False),
        Column("public_key", LargeBinary, nullable=False),
        Column("count", BigInteger, nullable=False),
        Column("created_us", BigInteger, nullable=False),
        Column("used_us", BigInteger),
    )
    op.create_index("passkeys_by_user", "passkeys", ["user_id", "created_us"])
    op.create_table(
        "recovery_codes",
        Column("user_id", Text, primary_key=True),
        Column("hash", Text, primary_key=True),
    )


def _signed_in() -> None:
    op.create_table(
        "sessions",
        Column("id", Text, primary_key=True),
        Column("hash", Text, nullable=False),
        Column("user_id", Text, nullable=False),
        Column("level", Text, nullable=False),
        Column("how", Text, nullable=False),
        Column("began_us", BigInteger, nullable=False),
        Column("seen_us", BigInteger, nullable=False),
        Column("ends_us", BigInteger, nullable=False),
        Column("address", Text, nullable=False),
        Column("agent", Text, nullable=False),
    )
    op.create_index("sessions_by_hash", "sessions", ["hash"], unique=True)
    op.create_index("sessions_by_user", "sessions", ["user_id", "began_us"])
    op.create_table(
        "tickets",
        Column("hash", Text, primary_key=True),
        Column("kind", Text, nullable=False),
        Column("user_id", Text, nullable=False),
        Column("ends_us", BigInteger, nullable=False),
        Column("body", LargeBinary, nullable=False),
    )
    op.create_index("tickets_by_user", "tickets", ["user_id", "kind"])
    op.create_index("tickets_by_end", "tickets", ["ends_us"])
    op.create_table(
        "attempts",
        Column("subject", Text, primary_key=True),
        Column("failed", Integer, nullable=False),
        Column("last_us", BigInteger, nullable=False),
        Column("until_us", BigInteger, nullable=False),
    )
    op.create_index("attempts_by_last", "attempts", ["last_us"])
