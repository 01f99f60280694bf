"""Small worlds for the tests, made once."""

from __future__ import annotations

import io
from functools import cache
from typing import Any, NamedTuple

import msgspec

from trustward.simulate import WorldSummary, simulate


class Sample(NamedTuple):
    """A world: its bytes, its events and its summary."""

    content: bytes
    events: list[dict[str, Any]]
    summary: WorldSummary


@cache
def sample(accounts: int, days: float, seed: int = 7, **options: Any) -> Sample:
    """The world of these arguments."""
    out = io.BytesIO()
    summary = simulate(accounts, days, seed, out, **options)
    content = out.getvalue()
    return Sample(content, [msgspec.json.decode(line) for line in content.splitlines()], summary)


def town() -> Sample:
    """2,000 accounts for eight days: enough for every kind of event."""
    return sample(2_000, 8)
