"""The tables of operations. What is searched for stands in columns, the whole record in ``body``."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Double, Index, Integer, LargeBinary, SmallInteger, Table, Text, text

from trustward.adapters.store.tables import METADATA


def some(name: str, *columns: str, where: str) -> Index:
    """An index of some rows only: those that are looked for. A query has to say so in these words."""
    return Index(name, *columns, sqlite_where=text(where), postgresql_where=text(where))


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
    Index("duties_by_state", "state", "due_us", "id"),
    Index("duties_by_subject", "subject", "due_us", "id"),
    Index("duties_by_owner_state", "owner", "state", "due_us", "id"),
    some("duties_by_breach", "state", "due_us", "id", where="breached = 1"),
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

DUE_LATER = 1 << 62
"""Stands for no due time, behind every other one."""

REPORTS = Table(
    "reports",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("state", SmallInteger, nullable=False),
    Column("case_id", Text, nullable=False),
    Column("reporter", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("untold", SmallInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index("reports_by_case", "case_id", "id"),
    some("reports_by_untold", "case_id", "id", where="untold = 1"),
    Index("reports_by_reporter", "reporter", "at_us"),
    Index("reports_by_subject", "subject", "reporter"),
)
CASES = Table(
    "cases",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("state", SmallInteger, nullable=False),
    Column("queue", Text, nullable=False),
    # The subject, for as long as the case has not ended: one case at a time.
    Column("open_on", Text),
    Column("due_us", BigInteger, nullable=False),
    # The score with its sign turned: what comes first is smallest.
    Column("rank", Double, nullable=False),
    Column("opened_us", BigInteger, nullable=False),
    Column("assigned", Text, nullable=False),
    Column("untold", SmallInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index("cases_by_subject", "open_on", unique=True),
    some("cases_by_due", "queue", "state", "due_us", "id", where="state = 0"),
    some("cases_by_rank", "queue", "state", "rank", "opened_us", "id", where="state = 0"),
    some("cases_by_untold", "id", where="untold = 1"),
    Index("cases_by_assigned", "assigned", "id"),
    Index("cases_by_state", "state", "id"),
    Index("cases_by_queue", "queue", "id"),
    Index("cases_by_queue_state", "queue", "state", "id"),
    some("cases_by_opened", "queue", "state", "opened_us", where="state = 0"),
)
CASE_PAGES = Table(
    "case_pages",
    METADATA,
    Column("case_id", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at_us", BigInteger, nullable=False),
    Column("what", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
)
CASE_ENTITIES = Table(
    "case_entities",
    METADATA,
    Column("kind", Text, primary_key=True),
    Column("entity", Text, primary_key=True),
    Column("case_id", Text, primary_key=True),
    # When the case was opened: the latest of many are found without looking at the others.
    Column("opened_us", BigInteger, nullable=False, server_default=text("0")),
    Index("case_entities_by_time", "kind", "entity", "opened_us", "case_id"),
)
CASE_LEASES = Table(
    "case_leases",
    METADATA,
    Column("case_id", Text, primary_key=True),
    Column("reviewer", Text, nullable=False),
    Column("until_us", BigInteger, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    # Leases stay when they are over: those in force are few.
    Index("case_leases_by_until", "until_us"),
)
CASE_BARRED = Table(
    "case_barred",
    METADATA,
    Column("case_id", Text, primary_key=True),
    Column("reviewer", Text, primary_key=True),
    Index("case_barred_by_reviewer", "reviewer", "case_id"),
)
PLAIN_RECORDS = Table(
    "plain_records",
    METADATA,
    Column("kind", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
)
LETTERS = Table(
    "letters",
    METADATA,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("cause", Text, nullable=False),
    Index("letters_by_cause", "cause", "seq"),
)
# What is counted again and again, kept up with every record that is written: nobody counts a whole table.
TALLIES = Table(
    "tallies",
    METADATA,
    Column("what", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("count", BigInteger, nullable=False),
)
ERRANDS = Table(
    "errands",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("state", SmallInteger, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index("errands_by_state", "state", "at_us", "id"),
)
