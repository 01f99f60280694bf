"""Every statement that the store makes, by name, from the ``*.sql`` files beside this one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from sqlalchemy import TextClause, text

_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


@cache
def statements() -> Mapping[str, str]:
    """The text of every statement by its name."""
    found: dict[str, str] = {}
    for file in sorted(files(__name__).iterdir(), key=lambda entry: entry.name):
        if not file.name.endswith(".sql"):
            continue
        parts = _NAME.split(file.read_text(encoding="utf-8"))[1:]
        for name, body in zip(parts[::2], parts[1::2], strict=True):
            if name in found:
                raise ValueError(f"two statements are called {name}")
            found[name] = "\n".join(line for line in body.strip().splitlines() if not line.startswith("--"))
    return found


@cache
def named(name: str) -> TextClause:
    """A statement that can be executed on either database.

    >>> named("head").text
    'SELECT last_seq FROM writer WHERE one = 1'
    """
    return text(statements()[name])
