"""One policy takes the place of another at work: what the engine remembers goes on."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

from trustward.engine.engine import Engine
from trustward.engine.snapshot import dump_state, load_state
from trustward.windows.state import Windows

if TYPE_CHECKING:
    from trustward.policy import Policy


def same_windows(engine: Engine, policy: Policy) -> bool:
    """Whether a policy asks the same of the windows as the one at work, so that they can be kept as they are."""
    return engine.policy.plan.streams == policy.plan.streams


def take_over(engine: Engine, policy: Policy, warmed: Engine | None = None) -> Engine:
    """The engine with another policy: labels, lists, snoozes and limits as they stand.

    ``warmed`` is an engine with that policy whose windows have seen the events; without it, the windows are kept, and
    the policy must ask the same of them. ``engine`` is spent.
    """
    successor = warmed or Engine(policy, skew_us=engine.skew_us, seed=engine.seed)
    fresh = Engine(policy, skew_us=engine.skew_us, seed=engine.seed).state
    successor.state = load_state(dump_state(engine), fresh)
    if warmed is None:
        if engine.policy.plan == policy.plan:
            successor.windows = engine.windows
        else:
            held = BytesIO()
            engine.windows.save(held)
            held.seek(0)
            successor.windows = Windows.restore(held, policy.plan, engine.seed)
    return successor
