"""The table of the marks in segments, apart from them: in SQLite a long row is read from its beginning."""

from __future__ import annotations

from sqlalchemy import Column, LargeBinary, Table

from trustward.adapters.store.tables import METADATA, Number

SEGMENT_MARKS = Table(
    "segment_marks",
    METADATA,
    Column("first", Number, primary_key=True, autoincrement=False),
    Column("body", LargeBinary, nullable=False),
)
