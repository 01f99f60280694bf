"""Structured logs: one JSON object a line on standard error. No id, no value, no address of a person is ever in one."""

from __future__ import annotations

import logging
import sys
import traceback
from typing import Any

import msgspec

from trustward.base.clock import now_us
from trustward.base.units import format_time


def log(message: str, *, level: str = "info", error: Exception | None = None, **facts: object) -> None:
    """Write a line. Of an error its kind and its places in the code are told, not its text, which may quote values."""
    entry: dict[str, Any] = {"time": format_time(now_us()), "level": level, "message": message, **facts}
    if error is not None:
        entry["level"] = "error"
        entry["error"] = type(error).__name__
        entry["at"] = [
            f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}"
            for frame in traceback.extract_tb(error.__traceback__)
        ]
    sys.stderr.write(msgspec.json.encode(entry).decode() + "\n")
    sys.stderr.flush()


class Handler(logging.Handler):
    """Takes what libraries log, by name and level only: their words may quote requests."""

    def emit(self, record: logging.LogRecord) -> None:
        """See :class:`logging.Handler`."""
        error = record.exc_info[1] if record.exc_info else None
        words = record.msg if isinstance(record.msg, str) and not record.args else ""
        log(
            words if record.name == "uvicorn.error" and error is None else "logged by a library",
            level=record.levelname.lower(),
            error=error if isinstance(error, Exception) else None,
            logger=record.name,
        )
