"""Obligations as data: the id and a short title of each requirement that a rule or control may answer."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files


@cache
def load_obligations() -> dict[str, str]:
    """The title of every known obligation, by its id.

    >>> "SG-OCC-1" in load_obligations()
    True
    """
    text = (files("trustward") / "regimes" / "obligations.toml").read_text(encoding="utf-8")
    table = tomllib.loads(text)["obligations"]
    return {str(identity): str(title) for identity, title in table.items()}
