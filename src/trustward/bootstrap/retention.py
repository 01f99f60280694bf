"""Retention, joined."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trustward.model.retention import Account, Plan
    from trustward.operations.retaining import Ended, Removed, Retaining
    from trustward.ports import Store
    from trustward.settings import Settings


def retaining(settings: Settings, opened: Store) -> tuple[Retaining, tuple[str, ...]]:
    """The story, and the markets that are served. Raises RegimeError, CatalogueError, SettingsError."""
    from trustward.base.clock import now_us
    from trustward.bootstrap.operations import regimes
    from trustward.bootstrap.policies import catalogue
    from trustward.bootstrap.service import indexing
    from trustward.model.retention import plans
    from trustward.operations.retaining import Retaining

    known = catalogue([Path(name) for name in settings.catalogue])
    found = regimes(settings)
    planned = plans(found.terms, found.keeps, found.serves, known.retention)
    return Retaining(opened, known, indexing(settings, opened), planned, now_us), found.serves


def show_retention(settings: Settings) -> tuple[list[Account], dict[str, bool], list[str]]:
    """How every class stands, the markets that are served and whether they have terms, the fields that do not count."""
    from trustward.bootstrap.operations import regimes
    from trustward.bootstrap.service import store

    with closing(store(settings, there=True)) as opened:
        story, serves = retaining(settings, opened)
        known = {term.market for term in regimes(settings).terms}
        return story.account(), {market: market in known for market in serves}, story.fields()


def run_retention(settings: Settings, tell: Callable[[Removed], None], *, dry: bool) -> tuple[Ended, list[Plan], bool]:
    """Remove what is over, or only say what it would be.

    How it ended, the classes whose choice does not hold, and whether any class is removed. Raises UsageError,
    StaleError, StoreError.
    """
    from trustward.bootstrap.service import store

    with closing(store(settings, there=True)) as opened:
        story, _ = retaining(settings, opened)
        return story.run(tell, dry=dry), story.unsettled(), bool(story.ends())
