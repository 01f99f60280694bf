"""Records as callers read them: in a shape of their own, with times in words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

import msgspec

from trustward.base.units import format_time

V = TypeVar("V", bound=msgspec.Struct)


def shown(shape: type[V], record: object, **given: Any) -> V:
    """A record in a shape: its fields by their names, times (``until`` from ``until_us``) in words, and what is given.

    Raises AttributeError for a field that the record has not.

    >>> class Hold(msgspec.Struct):
    ...     id: str
    ...     until_us: int | None
    >>> class View(msgspec.Struct):
    ...     id: str
    ...     until: str | None
    ...     count: int
    >>> shown(View, Hold("h1", 0), count=2)
    View(id='h1', until='1970-01-01T00:00:00Z', count=2)
    """
    for name in shape.__struct_fields__:
        if name not in given:
            given[name] = getattr(record, name) if hasattr(record, name) else in_words(getattr(record, f"{name}_us"))
    return shape(**given)


def each_shown(shape: type[V], records: Iterable[object]) -> tuple[V, ...]:
    """Records in a shape."""
    return tuple(shown(shape, record) for record in records)


def in_words(at_us: int | None) -> str | None:
    """A time in words, if there is one."""
    return None if at_us is None else format_time(at_us)
