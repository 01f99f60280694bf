"""What answers at size need: places to begin at, and counts that are kept up."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, Text, text

revision = "0013"
down_revision = "0012"

_CLOCK = {
    "sqlite": "json_extract(CAST(body AS TEXT), '$.clock.id')",
    "postgresql": "convert_from(body, 'UTF8')::json #>> '{clock,id}'",
}
_TALLIES = """
INSERT INTO tallies (what, name, count)
WITH counted AS (
    SELECT clock, SUM(owed) AS owed, SUM(owed * breached) AS overdue, SUM(breached) AS breached
    FROM ({clocks}) AS duty GROUP BY clock
)
SELECT 'waiting', queue, COUNT(*) FROM cases WHERE state = 0 GROUP BY queue
UNION ALL SELECT 'owed', clock, owed FROM counted WHERE owed > 0
UNION ALL SELECT 'overdue', clock, overdue FROM counted WHERE overdue > 0
UNION ALL SELECT 'breached', clock, breached FROM counted WHERE breached > 0
"""
_CLOCKS = """
SELECT CASE WHEN secret = 1 THEN 'secret' ELSE {clock} END AS clock,
    CASE WHEN state IN (0, 1, 2) THEN 1 ELSE 0 END AS owed, breached
FROM duties WHERE state IN (0, 1, 2) OR breached = 1
"""


def upgrade() -> None:
    """Add columns, indexes and counts, and fill them."""
    op.add_column("case_entities", Column("opened_us", BigInteger, nullable=False, server_default=text("0")))
    op.execute(
        "UPDATE case_entities SET opened_us ="
        " coalesce((SELECT opened_us FROM cases WHERE cases.id = case_entities.case_id), 0)"
    )
    op.create_index("case_entities_by_time", "case_entities", ["kind", "entity", "opened_us", "case_id"])
    op.create_index("cases_by_state", "cases", ["state", "id"])
    op.create_index("cases_by_queue", "cases", ["queue", "id"])
    op.create_index("cases_by_queue_state", "cases", ["queue", "state", "id"])
    op.create_index("cases_by_opened", "cases", ["queue", "state", "opened_us"])
    op.create_index("case_leases_by_until", "case_leases", ["until_us"])
    op.create_index("case_barred_by_reviewer", "case_barred", ["reviewer", "case_id"])
    op.create_index("duties_by_owner_state", "duties", ["owner", "state", "due_us", "id"])
    missed = text("breached = 1")
    op.create_index("duties_by_breach", "duties", ["due_us", "id"], sqlite_where=missed, postgresql_where=missed)
    op.create_table(
        "tallies",
        Column("what", Text, primary_key=True),
        Column("name", Text, primary_key=True),
        Column("count", BigInteger, nullable=False),
    )
    clocks = _CLOCKS.format(clock=_CLOCK[op.get_bind().dialect.name])
    op.execute(text(_TALLIES.format(clocks=clocks).replace(":", "\\:")))
