"""Identical or similar copies of what an order is about: kept out by lists that rules read, each match on record.

A link, a telephone number or an account that is paid to is kept out by its own measure, a text by its fingerprint, a
picture by its hash. The lists are the service's own
as well, so that nothing on them tells of an order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Literal, get_args

import msgspec

from trustward.base.errors import UsageError
from trustward.model.changes import CHANGE_LIMIT, ListChange
from trustward.model.directive import Copy, CopyKind, Directive, Target
from trustward.model.errand import change_errand
from trustward.ports import Store, Write
from trustward.screening.plain import template

LISTS: Mapping[CopyKind, str] = {kind: f"blocked-{kind.replace('_', '-')}" for kind in get_args(CopyKind)}
"""The list for each kind of value. Similar texts have one of their own."""
ALIKE = "blocked-likeness"
OWN = frozenset({LISTS["image"], LISTS["text"], ALIKE})
"""The lists on which orders put values themselves; targets are put there by their measures."""
_TEXT_SHOWN = 200


class CopyWanted(msgspec.Struct, frozen=True, kw_only=True):
    """Something whose copies are to be kept out: a text, or the hash of a picture."""

    kind: Literal["text", "image"]
    value: str


def copies_for(order: Directive, wanted: Sequence[CopyWanted], count: int) -> list[Copy]:
    """The values that keep something out. Raises UsageError for a text without words."""
    found: dict[tuple[str, str], Copy] = {}
    for one in wanted:
        for name, value in _values(order, one):
            at = count + len(found) + 1
            found.setdefault(
                (name, value),
                Copy(
                    id=f"{order.id}.{at:05}",
                    version=1,
                    order=order.id,
                    list=name,
                    value=value,
                    kind=one.kind,
                    about=one.value[:_TEXT_SHOWN],
                ),
            )
    return list(found.values())


def target_copy(order: Directive, target: Target, verb: str) -> Copy | None:
    """What follows the matches of a target that its measure keeps out: a link, a telephone number and so on."""
    kind = next((known for known in LISTS if known == target.kind), None)
    if kind is None or kind in {"text", "image"} or verb not in {"block", "block_link"}:
        return None
    return Copy(
        id=f"{order.id}.t{target.number}",
        version=1,
        order=order.id,
        list=LISTS[kind],
        value=target.entity,
        kind=kind,
        about=target.entity[:_TEXT_SHOWN],
        active=True,
    )


def _values(order: Directive, one: CopyWanted) -> Iterable[tuple[str, str]]:
    if one.kind == "image":
        return [(LISTS["image"], one.value)]
    form = template(one.value)
    if form is None:
        raise UsageError("a text without words has no fingerprint", remedy="name it as a target instead")
    found = [(LISTS["text"], form)]
    if order.similar == "similar":
        from trustward.screening.texts.screener import likeness  # noqa: PLC0415 - the weights load when they are needed

        found += [(ALIKE, value) for value in likeness(one.value)]
    return found


class Kept:
    """Puts values on the lists, and takes them off unless another order wants them."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def to_put(self, order: Directive, copies: Iterable[Copy], now_us: int) -> list[Write]:
        """What is to be written when values are kept out from now on: by copies that are new, or were not active."""
        found = list(copies)
        active = [msgspec.structs.replace(copy, version=copy.version + 1, active=True) for copy in found]
        return [*active, *self._changes(order, [copy for copy in found if copy.list in OWN], now_us, present=True)]

    def again(self, copies: Iterable[Copy], now_us: int) -> list[Write]:
        """What the engine is told of values that were taken off while another order came to want them."""
        writes: list[Write] = []
        for copy in copies:
            for other in self._store.orders.copies_of(copy.list, copy.value) if copy.list in OWN else ():
                order = self._store.orders.get(other.order)
                if order is not None:
                    writes += self._changes(order, [other], now_us, present=True, salt=copy.id)
        return writes

    def to_drop(self, order: Directive, copies: Sequence[Copy], now_us: int) -> list[Write]:
        """What is to be written if an order's values are not kept out any more by it."""
        ended = [msgspec.structs.replace(copy, version=copy.version + 1, active=False) for copy in copies]
        free = [
            copy
            for copy in copies
            if copy.list in OWN
            and all(other.order == order.id for other in self._store.orders.copies_of(copy.list, copy.value))
        ]
        return [*ended, *self._changes(order, free, now_us, present=False)]

    def _changes(
        self, order: Directive, copies: Sequence[Copy], now_us: int, *, present: bool, salt: str = ""
    ) -> list[Write]:
        by_list: dict[tuple[str, int | None], list[str]] = {}
        # An errand that fails is named in the audit: its id says nothing of the order.
        mark = blake2b(f"{order.id}:{order.version}:{present}:{salt}".encode(), digest_size=8).hexdigest()
        for copy in copies:
            until_us = self._until(order, copy) if present else None
            by_list.setdefault((copy.list, until_us), []).append(copy.value)
        writes: list[Write] = []
        for at, ((name, until_us), values) in enumerate(by_list.items()):
            for start in range(0, len(values), CHANGE_LIMIT):
                part = tuple(values[start : start + CHANGE_LIMIT])
                change = ListChange(
                    actor="trustward",
                    # A secret order is named by nothing that others may read.
                    origin="" if order.secret else order.cause,
                    reason="" if order.secret else order.reference[:1000],
                    list=name,
                    put=part if present else (),
                    gone=() if present else part,
                    expires_us=until_us,
                )
                writes.append(change_errand(f"list:{mark}:{name}:{at}:{start}", change, now_us))
        return writes

    def _until(self, order: Directive, copy: Copy) -> int | None:
        """Until when a value is kept out: as long as any order wants it; None: for good."""
        names = {other.order for other in self._store.orders.copies_of(copy.list, copy.value)} - {order.id}
        found = [order, *(one for one in map(self._store.orders.get, sorted(names)) if one is not None)]
        ends = [one.until_us for one in found if one.until_us is not None]
        return max(ends) if len(ends) == len(found) else None
