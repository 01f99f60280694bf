"""Cells of columns, and columns where a function fails on some event."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any

from trustward.base.units import MISSING

if TYPE_CHECKING:
    from trustward.policy.program import Generated


def key_text(value: Any) -> str:
    """A whole number as a key."""
    return "" if value is None else str(value)


def whole_cell(value: Any) -> int:
    """A whole value in a column. Raises OverflowError if it does not fit: the window cannot hold it."""
    if value is None:
        return MISSING
    if not -(2**62) < value < 2**62:
        raise OverflowError("a value beyond 2**62")
    return int(value)


def float_cell(value: Any) -> float:
    """A float value in a column."""
    return float("nan") if value is None else float(value)


def careful_columns(
    generated: Generated, numbers: Sequence[str], events: Sequence[Any], failed: set[int], whole: Collection[int] = ()
) -> tuple[list[Any], list[Any], list[Any]]:
    """The columns where a function fails on some event: that cell is missing, and the event's position noted.

    It is not noted where the cell does not matter: there a batch would not have asked the function.
    """
    texts, figures, flags = generated.column_parts
    empty = [([], [0]) if is_list else [""] for is_list in generated.lists]
    absent = [[MISSING] if carried == "whole" else [float("nan")] for carried in numbers]
    flagged = [_careful(column, events, [False], failed) for column in flags]
    figured = [_careful(column, events, cell, failed) for column, cell in zip(figures, absent, strict=True)]
    written = []
    for number, (column, cell) in enumerate(zip(texts, empty, strict=True)):
        missed: set[int] = set()
        written.append(_careful(column, events, cell, missed))
        if missed and (rows := generated.rows.get(number)) is not None:
            missed.intersection_update(rows(events, flagged, (*failed, *whole)))
        failed |= missed
    return written, figured, flagged


def _careful(column: Callable[..., Any], events: Sequence[Any], missing: Any, failed: set[int]) -> Any:
    try:
        return column(events)
    except Exception:  # noqa: BLE001 - found out below, event by event, and reported through ``failed``
        rows = []
        for position, event in enumerate(events):
            try:
                rows.append(column([event]))
            except Exception:  # noqa: BLE001 - the trace says what failed, on the events in ``failed``
                failed.add(position)
                rows.append(missing)
    if isinstance(missing, tuple):
        return [value for flat, _ in rows for value in flat], [count for _, counts in rows for count in counts]
    return [cell for row in rows for cell in row]
