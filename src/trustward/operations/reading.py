"""Whole answers of what is asked page by page."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from trustward.model.directive import Copy, OrderPage, Target, TargetState
from trustward.ports import Store

K = TypeVar("K")
T = TypeVar("T")
_PAGE = 1_000


def every(page: Callable[[K], Sequence[T]], start: K, key: Callable[[T], K]) -> list[T]:
    """All pages in order: each is asked for what comes after the last ``key`` of the one before.

    >>> every(lambda after: [one for one in range(1, 6) if one > after][:2], 0, int)
    [1, 2, 3, 4, 5]
    """
    return list(each(page, start, key))


def each(page: Callable[[K], Sequence[T]], start: K, key: Callable[[T], K]) -> Iterator[T]:
    """The same, one after the other: no more than a page is held at a time."""
    while part := page(start):
        yield from part
        start = key(part[-1])


def targets_of(store: Store, order: str, states: Sequence[TargetState] = ()) -> list[Target]:
    """An order's targets by their numbers; without states all of them."""
    return every(lambda after: store.orders.targets(order, states, after, _PAGE), 0, lambda one: one.number)


def copies_of(store: Store, order: str, *, active: bool = False) -> list[Copy]:
    """What an order keeps out by the ids; all, or only what is active."""
    return every(lambda after: store.orders.copies(order, after, _PAGE, active=active), "", lambda one: one.id)


def pages_of(store: Store, id: str) -> list[OrderPage]:
    """Every page of the file of an order or a programme."""
    return every(lambda after: store.orders.pages(id, after, _PAGE), 0, lambda one: one.number)
