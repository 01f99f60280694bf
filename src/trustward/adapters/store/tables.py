"""The tables, as the last migration leaves them. A test holds the two against each other on both databases."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, SmallInteger, Table, Text

METADATA = MetaData()

# In SQLite only a column declared INTEGER is the row's own number.
Number = BigInteger().with_variant(Integer, "sqlite")

SEGMENTS = Table(
    "segments",
    METADATA,
    Column("first", Number, primary_key=True, autoincrement=False),
    Column("count", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("policy", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("faults", LargeBinary),
    Column("decisions", LargeBinary),
)
EVENT_IDS = Table(
    "event_ids",
    METADATA,
    Column("key", BigInteger, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)
WRITER = Table(
    "writer",
    METADATA,
    Column("one", Integer, primary_key=True, autoincrement=False),
    Column("epoch", BigInteger, nullable=False),
    Column("last_seq", BigInteger, nullable=False),
    Column("ids_seq", BigInteger, nullable=False),
    Column("owner", Text, nullable=False),
    Column("since_us", BigInteger, nullable=False),
)
ACTIONS = Table(
    "actions",
    METADATA,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at_us", BigInteger, nullable=False),
    Column("state", SmallInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index("actions_by_state", "state", "seq", "number"),
)

DELIVERIES = Table(
    "deliveries",
    METADATA,
    Column("place", Number, primary_key=True, autoincrement=True),
    Column("target", Text, nullable=False),
    Column("lane", Integer, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("number", Integer, nullable=False),
    Column("state", SmallInteger, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("queued_us", BigInteger, nullable=False),
    Index("deliveries_by_action", "seq", "number", "target", unique=True),
    Index("deliveries_by_lane", "target", "lane", "state", "place"),
    Index("deliveries_by_state", "state", "target", "place"),
)
LANES = Table(
    "lanes",
    METADATA,
    Column("target", Text, primary_key=True),
    Column("lane", Integer, primary_key=True, autoincrement=False),
    Column("worker", Text, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("until_us", BigInteger, nullable=False),
    Column("due_us", BigInteger, nullable=False),
)
RECEIPTS = Table(
    "receipts",
    METADATA,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("place", BigInteger, nullable=False),
    Column("ok", SmallInteger, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("worker", Text, nullable=False),
    Column("status", Integer, nullable=False),
    Column("took_us", BigInteger, nullable=False),
    Column("said", Text, nullable=False),
    Column("refused", SmallInteger, nullable=False),
    Column("after_us", BigInteger, nullable=False),
    Index("receipts_by_place", "place", "id"),
)
EFFECTS = Table(
    "effects",
    METADATA,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("entity", Text, nullable=False),
    Column("same", Text, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("ends_us", BigInteger),
    Column("body", LargeBinary, nullable=False),
    Column("state", SmallInteger, nullable=False),
    Column("why", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("ended_us", BigInteger),
    Column("undone_by", Text, nullable=False),
    Index("effects_by_end", "state", "ends_us"),
    Index("effects_by_entity", "kind", "entity", "state"),
)


def _said() -> list[Column[object]]:
    """Who said it, and which entry of the journal holds it."""
    return [
        Column("actor", Text, nullable=False),
        Column("origin", Text, nullable=False),
        Column("reason", Text, nullable=False),
        Column("at_us", BigInteger, nullable=False),
        Column("seq", BigInteger, nullable=False),
    ]


LABEL_MARKS = Table(
    "label_marks",
    METADATA,
    Column("kind", Text, primary_key=True),
    Column("entity", Text, primary_key=True),
    Column("label", Text, primary_key=True),
    Column("present", SmallInteger, nullable=False),
    Column("expires_us", BigInteger),
    *_said(),
)
LIST_ENTRIES = Table(
    "list_entries",
    METADATA,
    Column("list", Text, primary_key=True),
    Column("value", Text, primary_key=True),
    Column("present", SmallInteger, nullable=False),
    Column("expires_us", BigInteger),
    *_said(),
)
SNOOZES = Table(
    "snoozes",
    METADATA,
    Column("rule", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("entity", Text, primary_key=True),
    Column("until_us", BigInteger, nullable=False),
    *_said(),
)
POLICIES = Table(
    "policies",
    METADATA,
    Column("hash", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("sources", LargeBinary, nullable=False),
    Column("mode", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("at_us", BigInteger, nullable=False),
)
API_KEYS = Table(
    "api_keys",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("created_us", BigInteger, nullable=False),
    Column("expires_us", BigInteger),
    Column("revoked_us", BigInteger),
    Column("actor", Text, nullable=False),
)
AUDIT = Table(
    "audit",
    METADATA,
    Column("number", Number, primary_key=True, autoincrement=True),
    Column("at_us", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("detail", LargeBinary, nullable=False),
    Column("seq", BigInteger),
)
AUDIT_SECRET = Table(
    "audit_secret",
    METADATA,
    Column("number", Number, primary_key=True, autoincrement=True),
    Column("at_us", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("detail", LargeBinary, nullable=False),
    Column("seq", BigInteger),
)
SNAPSHOTS = Table(
    "snapshots",
    METADATA,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("part", Integer, primary_key=True, autoincrement=False),
    Column("parts", Integer, nullable=False),
    Column("policy", Text, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
)
