"""What the stories of orders need from the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from trustward.model.directive import Copy, Directive, OrderPage, OrderQuery, Target, TargetState
from trustward.model.programme import Kind, Programme


class Orders(Protocol):
    """Orders, their targets and copies, programmes, and the pages of their files."""

    def get(self, id: str) -> Directive | None:
        """The order with this id."""

    def known(self, known_as: str) -> Directive | None:
        """The order that came from this issuer under this reference."""

    def find(self, query: OrderQuery, after: str = "", limit: int = 100) -> Sequence[Directive]:
        """Orders by their ids, after ``after``."""

    def working(self, limit: int) -> Sequence[Directive]:
        """Orders with something to do for a worker."""

    def ending(self, now_us: int, limit: int) -> Sequence[Directive]:
        """Orders in force whose time is over."""

    def targets(
        self, order: str, states: Sequence[TargetState] = (), after: int = 0, limit: int = 100
    ) -> Sequence[Target]:
        """An order's targets by their numbers, after a number; without states all of them."""

    def counts(self, order: str) -> Mapping[TargetState, int]:
        """How many of an order's targets are in each state; a state without any is left out."""

    def on(self, kind: str, entity: str, limit: int = 100) -> Sequence[Target]:
        """Targets of any order that are this entity."""

    def copies_of(self, list: str, value: str) -> Sequence[Copy]:
        """What keeps a value out: of every order, as far as it is active."""

    def copies(self, order: str, after: str = "", limit: int = 100, *, active: bool = False) -> Sequence[Copy]:
        """An order's copies by their ids, after ``after``; all, or only those that are active."""

    def pages(self, id: str, after: int = 0, limit: int = 1000) -> Sequence[OrderPage]:
        """The file of an order or a programme, in order, after a page."""

    def programme(self, id: str) -> Programme | None:
        """The programme with this id."""

    def known_programme(self, known_as: str) -> Programme | None:
        """The programme that came under this name."""

    def programmes(
        self, kind: Kind | None = None, after: str = "", limit: int = 100, *, secret: bool = False
    ) -> Sequence[Programme]:
        """Programmes by their ids, after ``after``; with secret ones, or without."""
