"""Reports, cases, who has them, and what is asked of the engine."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, Double, Integer, LargeBinary, SmallInteger, Text

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Create the tables of reports and cases."""
    _reports()
    _cases()
    _rest()


def _reports() -> None:
    op.create_table(
        "reports",
        Column("id", Text, primary_key=True),
        Column("version", Integer, nullable=False),
        Column("state", SmallInteger, nullable=False),
        Column("case_id", Text, nullable=False),
        Column("reporter", Text, nullable=False),
        Column("subject", Text, nullable=False),
        Column("at_us", BigInteger, nullable=False),
        Column("untold", SmallInteger, nullable=False),
        Column("body", LargeBinary, nullable=False),
    )
    op.create_index("reports_by_case", "reports", ["case_id", "id"])
    op.create_index("reports_by_untold", "reports", ["case_id", "untold", "id"])
    op.create_index("reports_by_reporter", "reports", ["reporter", "at_us"])
    op.create_index("reports_by_subject", "reports", ["subject", "reporter"])


def _cases() -> None:
    op.create_table(
        "cases",
        Column("id", Text, primary_key=True),
        Column("version", Integer, nullable=False),
        Column("state", SmallInteger, nullable=False),
        Column("queue", Text, nullable=False),
        Column("open_on", Text),
        Column("due_us", BigInteger, nullable=False),
        Column("rank", Double, nullable=False),
        Column("opened_us", BigInteger, nullable=False),
        Column("assigned", Text, nullable=False),
        Column("untold", SmallInteger, nullable=False),
        Column("body", LargeBinary, nullable=False),
    )
    op.create_index("cases_by_subject", "cases", ["open_on"], unique=True)
    op.create_index("cases_by_due", "cases", ["queue", "state", "due_us", "id"])
    op.create_index("cases_by_rank", "cases", ["queue", "state", "rank", "opened_us", "id"])
    op.create_index("cases_by_untold", "cases", ["untold", "id"])
    op.create_index("cases_by_assigned", "cases", ["assigned", "id"])
    op.create_table(
        "case_pages",
        Column("case_id", Text, primary_key=True),
        Column("number", Integer, primary_key=True, autoincrement=False),
        Column("at_us", BigInteger, nullable=False),
        Column("what", Text, nullable=False),
        Column("body", LargeBinary, nullable=False),
    )
    op.create_table(
        "case_entities",
        Column("kind", Text, primary_key=True),
        Column("entity", Text, primary_key=True),
        Column("case_id", Text, primary_key=True),
    )
    op.create_table(
        "case_leases",
        Column("case_id", Text, primary_key=True),
        Column("reviewer", Text, nullable=False),
        Column("until_us", BigInteger, nullable=False),
        Column("epoch", BigInteger, nullable=False),
    )
    op.create_table(
        "case_barred",
        Column("case_id", Text, primary_key=True),
        Column("reviewer", Text, primary_key=True),
    )


def _rest() -> None:
    op.create_table(
        "plain_records",
        Column("kind", Text, primary_key=True),
        Column("id", Text, primary_key=True),
        Column("version", Integer, nullable=False),
        Column("body", LargeBinary, nullable=False),
    )
    op.create_table(
        "letters",
        Column("seq", BigInteger, primary_key=True, autoincrement=False),
        Column("cause", Text, nullable=False),
    )
    op.create_index("letters_by_cause", "letters", ["cause", "seq"])
    op.create_table(
        "errands",
        Column("id", Text, primary_key=True),
        Column("state", SmallInteger, nullable=False),
        Column("at_us", BigInteger, nullable=False),
        Column("kind", Text, nullable=False),
        Column("body", LargeBinary, nullable=False),
    )
    op.create_index("errands_by_state", "errands", ["state", "at_us", "id"])
