"""Campaigns: one file each, found because it exists. A file defines ``KIND``, a ``campaigns.stage.Kind``."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from trustward.simulate.campaigns.stage import Campaign, Kind, Planned, plan
from trustward.simulate.world import World

__all__ = ["Campaign", "kinds", "planned"]


@cache
def kinds() -> dict[str, Kind]:
    """All kinds of campaign by name, in the order of their names.

    >>> "spam_wave" in kinds()
    True
    """
    names = sorted(module.name for module in iter_modules(__path__) if module.name != "stage")
    return {name: import_module(f"{__name__}.{name}").KIND for name in names}


def planned(world: World, wanted: tuple[str, ...]) -> list[Planned]:
    """The campaigns of a world, by their beginning."""
    total = sum(kind.share for kind in kinds().values())
    found: list[Planned] = []
    for number, (name, kind) in enumerate(kinds().items(), start=1):
        if name in wanted:
            found += plan(world, name, number, kind, kind.share / total)
    return sorted(found, key=lambda campaign: (campaign.hour, campaign.number, campaign.truth.id))
