"""The register of screeners: what ``trustward screen`` offers and what the common checks test.

A screener is one module of this room with a constant ``SCREENER``. It is found because it is there: modules are listed,
not named, so that a new one edits no other file.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib import import_module
from typing import Any

import msgspec

from trustward import screening
from trustward.model.signal import Signal

Value = Any
"""A text, or for a screener with ``fields`` a mapping of these to texts and numbers."""


class Screener(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of value and the functions that screen it.

    ``screen`` and ``screen_many`` give the same signals; neither ever raises for any value of the right type, and
    both take time linear in its size. ``fields`` is empty for a screener of one text; otherwise it names the fields
    of the mapping that it takes, each with ``text`` or ``number``; the first is required. ``harmless`` and ``harmful``
    are examples that must be ``ok`` and must not be.
    """

    name: str
    about: str
    screen: Callable[[Value], Signal]
    screen_many: Callable[[Sequence[Value]], list[Signal]]
    categories: tuple[str, ...]
    fields: Mapping[str, str] = {}
    harmless: tuple[Value, ...]
    harmful: tuple[Value, ...]


@cache
def screeners() -> dict[str, Screener]:
    """All screeners by name.

    >>> all(name == screener.name for name, screener in screeners().items())
    True
    """
    found: dict[str, Screener] = {}
    for module in sorted(module.name for module in pkgutil.iter_modules(screening.__path__)):
        screener = getattr(import_module(f"{screening.__name__}.{module}"), "SCREENER", None)
        for one in screener if isinstance(screener, tuple) else (screener,):
            if isinstance(one, Screener):
                found[one.name] = one
    return found
