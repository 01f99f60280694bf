"""Every statement that the store makes, by name, from the ``*.sql`` files beside this one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from sqlalchemy import TextClause, text

_NAME = re.compile(r"^-- (name|part): (\w+)$", re.MULTILINE)
_PART = re.compile(r"^@(\w+)$", re.MULTILINE)


@cache
def statements() -> Mapping[str, str]:
    """The text of every statement by its name; a line ``@NAME`` in one stands for the part of that name."""
    found: dict[str, dict[str, str]] = {"name": {}, "part": {}}
    for file in sorted(files(__name__).iterdir(), key=lambda entry: entry.name):
        if not file.name.endswith(".sql"):
            continue
        pieces = _NAME.split(file.read_text(encoding="utf-8"))[1:]
        for kind, name, body in zip(pieces[::3], pieces[1::3], pieces[2::3], strict=True):
            if name in found[kind]:
                raise ValueError(f"two statements or parts are called {name}")
            found[kind][name] = "\n".join(line for line in body.strip().splitlines() if not line.startswith("--"))
    parts = found["part"]
    return {name: _PART.sub(lambda at: parts[at[1]], body) for name, body in found["name"].items()}


@cache
def named(name: str) -> TextClause:
    """A statement that can be executed on either database.

    >>> named("head").text
    'SELECT last_seq FROM writer WHERE one = 1'
    """
    return text(statements()[name])
