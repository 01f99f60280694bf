"""PostgreSQL keeps the bodies of new segments as they are: packing them took longer than all else of a commit."""

from __future__ import annotations

from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """What is there already stays as it is, and can be read all the same."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE segments ALTER COLUMN body SET STORAGE EXTERNAL")
