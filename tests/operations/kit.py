"""Stories over any store, with a clock that the test moves."""

from __future__ import annotations

from itertools import count

from trustward.base.units import parse_time
from trustward.model.clocks import Clock, Regimes, merged, shipped_regimes
from trustward.model.effect import outgoing
from trustward.operations.duties import Book, Duties
from trustward.ports import Store

START_US = parse_time("2026-01-05T10:00:00Z")  # a Monday
HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US


class Time:
    """A clock that stands still until it is moved."""

    def __init__(self, now_us: int = START_US) -> None:
        self.now_us = now_us

    def __call__(self) -> int:
        return self.now_us

    def to(self, text: str) -> None:
        self.now_us = parse_time(text)

    def on(self, us: int) -> None:
        self.now_us += us


_BOOK = Book(shipped_regimes())


def book_of(*clocks: Clock) -> Book:
    """The shipped clocks, and some more."""
    return Book(merged([shipped_regimes(), Regimes(clocks=clocks)])) if clocks else _BOOK


def duties_over(store: Store, time: Time, *clocks: Clock, book: Book | None = None) -> Duties:
    """The story, with ids that can be foretold."""
    numbers = count(1)
    return Duties(store, book or book_of(*clocks), clock=time, ids=lambda: f"d{next(numbers)}")


def said(store: Store) -> list[tuple[str, str, str]]:
    """What is on its way out: verb, entity, who is to hear of it."""
    bodies = [outgoing(row.body) for row in store.outbox.waiting(100_000)]
    return [(body.action.do, body.action.entity, str(body.says.get("to", ""))) for body in bodies]
