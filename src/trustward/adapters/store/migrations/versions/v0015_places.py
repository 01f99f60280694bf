"""Indexes as they are asked: what is owed by its state first, what waits for people without what does not."""

from __future__ import annotations

from alembic import op
from sqlalchemy import text

revision = "0015"
down_revision = "0014"

_WAITS = {
    "cases_by_due": ["queue", "state", "due_us", "id"],
    "cases_by_rank": ["queue", "state", "rank", "opened_us", "id"],
    "cases_by_opened": ["queue", "state", "opened_us"],
}


def upgrade() -> None:
    """No row changes."""
    # What is owed is due last: a planner that does not know it goes through all that is done, in order of time.
    op.drop_index("duties_by_due", "duties")
    op.drop_index("duties_by_owner", "duties")
    op.drop_index("appeals_by_due", "appeals")
    op.drop_index("duties_by_breach", "duties")
    _some("duties_by_breach", "duties", ["state", "due_us", "id"], "breached = 1")
    # Most cases are closed and told of: whatever closes one had to find its place in each of these.
    for name, columns in _WAITS.items():
        op.drop_index(name, "cases")
        _some(name, "cases", columns, "state = 0")
    op.drop_index("cases_by_untold", "cases")
    _some("cases_by_untold", "cases", ["id"], "untold = 1")
    op.drop_index("reports_by_untold", "reports")
    _some("reports_by_untold", "reports", ["case_id", "id"], "untold = 1")


def _some(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(name, table, columns, sqlite_where=text(where), postgresql_where=text(where))
