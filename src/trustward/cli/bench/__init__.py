"""``trustward bench``: what the engine promises about speed and size, measured on this machine.

One module measures one thing; each has ``measure(settings)``, which gives a :class:`trustward.cli.bench.result.Result`.
Whatever is timed runs in a fresh process, pinned to one core where the system allows it.
"""

from __future__ import annotations

from trustward.cli.bench.app import app

__all__ = ["app"]
