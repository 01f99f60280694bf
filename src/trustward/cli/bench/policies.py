"""The policy under measurement, ready to decide."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trustward.engine.engine import Engine
    from trustward.exchange.decode import EventDecoder


def start_engine(policy: str, catalogue: Sequence[Path] = ()) -> tuple[Engine, EventDecoder]:
    """An engine with empty state for a pack or a folder, and a decoder of its catalogue."""
    from trustward import bootstrap
    from trustward.engine.engine import Engine
    from trustward.exchange.decode import EventDecoder

    known = bootstrap.catalogue(catalogue)
    return Engine(bootstrap.policy(policy, known)), EventDecoder(known)


def figures_of(policy: str) -> dict[str, int]:
    """How many rules, windowed features (distinct reads) and kinds of key a policy has."""
    engine, _ = start_engine(policy)
    streams = engine.policy.plan.streams
    return {
        "rules": len(engine.policy.rules),
        "features": sum(len(stream.reads) for stream in streams),
        "kinds": len({stream.keyspace for stream in streams}),
    }
