"""The tables of people: users, what they sign in with, sessions, tickets, failed attempts."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, Table, Text

from trustward.adapters.store.tables import METADATA

USERS = Table(
    "users",
    METADATA,
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
    Index("users_by_name", "name", unique=True),
    Index("users_by_subject", "issuer", "subject"),
)
PASSKEYS = Table(
    "passkeys",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("user_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("public_key", LargeBinary, nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("created_us", BigInteger, nullable=False),
    Column("used_us", BigInteger),
    Index("passkeys_by_user", "user_id", "created_us"),
)
RECOVERY_CODES = Table(
    "recovery_codes",
    METADATA,
    Column("user_id", Text, primary_key=True),
    Column("hash", Text, primary_key=True),
)
SESSIONS = Table(
    "sessions",
    METADATA,
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
    Index("sessions_by_hash", "hash", unique=True),
    Index("sessions_by_user", "user_id", "began_us"),
)
TICKETS = Table(
    "tickets",
    METADATA,
    Column("hash", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("user_id", Text, nullable=False),
    Column("ends_us", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index("tickets_by_user", "user_id", "kind"),
    Index("tickets_by_end", "ends_us"),
)
ATTEMPTS = Table(
    "attempts",
    METADATA,
    Column("subject", Text, primary_key=True),
    Column("failed", Integer, nullable=False),
    Column("last_us", BigInteger, nullable=False),
    Column("until_us", BigInteger, nullable=False),
    Index("attempts_by_last", "last_us"),
)
