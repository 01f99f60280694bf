"""Retention, joined."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trustward.model.retention import Account
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


def show_retention(settings: Settings) -> tuple[list[Account], tuple[str, ...], list[str]]:
    """How every class stands, the markets that are served, and the fields whose classes do not count."""
    from trustward.bootstrap.service import store

    with closing(store(settings)) as opened:
        story, serves = retaining(settings, opened)
        return story.account(), serves, story.fields()


def run_retention(settings: Settings, tell: Callable[[Removed], None], *, dry: bool) -> Ended:
    """Remove what is over, or only say what it would be. Raises UsageError, StaleError, StoreError."""
    from trustward.bootstrap.service import store

    with closing(store(settings)) as opened:
        story, _ = retaining(settings, opened)
        return story.run(tell, dry=dry)
