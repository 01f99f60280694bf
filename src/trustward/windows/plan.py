"""What a policy asks of the windows: streams (shared logs), what they keep, and what is read from them.

A *stream* is one shared log per key: the events of some types, under one key expression and one condition.
All windows of a key share that log; each keeps its own tail. Durations are microseconds.
"""

from __future__ import annotations

from typing import Literal

import msgspec

Aggregate = Literal[
    "count", "total", "mean", "distinct", "largest", "smallest", "age", "since", "previous", "surge", "significance"
]
Carried = Literal["whole", "float", "hash"]
"""How a value travels: a whole number, a float (both in a number column), or the hash of a text column."""


class Read(msgspec.Struct, frozen=True, kw_only=True):
    """One number read from a stream's key.

    ``window`` is the window's length (for age, since and previous how long a silent key is remembered, 0: for ever);
    ``baseline`` the long window of surge and significance; ``value`` the index into ``Stream.values`` (-1 for none).
    """

    aggregate: Aggregate
    window: int = 0
    baseline: int = 0
    value: int = -1


class Stream(msgspec.Struct, frozen=True, kw_only=True):
    """One shared log. ``id`` is its canonical source text and names it across restarts and policies.

    ``told`` is the canonical source text of each value: a log of lengths does not go on as one of amounts.
    """

    id: str
    keyspace: str
    values: tuple[Carried, ...] = ()
    reads: tuple[Read, ...] = ()
    told: tuple[str, ...] = ()


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """What one event type does with one stream: feed it, read it, or both (feed first).

    ``key`` holds indexes of text columns (several make a composite key; at most one may be list-valued).
    ``where`` is the index of the flag column that must be true to feed, or -1. ``values`` gives for each of the
    stream's values its column: a number column for whole and float, a text column for hash (-1: none; ignored
    when the operation does not feed). ``reads`` are indexes into the stream's reads; their results come out in this
    order, operation after operation.
    """

    stream: int
    key: tuple[int, ...]
    feeds: bool
    where: int = -1
    values: tuple[int, ...] = ()
    reads: tuple[int, ...] = ()


class TypePlan(msgspec.Struct, frozen=True, kw_only=True):
    """The columns of one event type and its operations, in order.

    ``texts`` are names of keyspaces to intern a text column into, used for single keys, or "" for columns that
    are only part of composite keys or only hashed. ``numbers`` says for each number column whole or float.
    """

    type: str
    texts: tuple[str, ...] = ()
    numbers: tuple[Carried, ...] = ()
    flags: int = 0
    operations: tuple[Operation, ...] = ()


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """All that one policy asks of the windows."""

    streams: tuple[Stream, ...] = ()
    types: tuple[TypePlan, ...] = ()
