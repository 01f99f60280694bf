"""One policy takes the place of another at work: what the engine remembers goes on."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

from trustward.engine.engine import Engine
from trustward.engine.state import FOREVER
from trustward.windows.state import Windows

if TYPE_CHECKING:
    from trustward.policy import Policy


def same_windows(engine: Engine, policy: Policy) -> bool:
    """Whether a policy asks the same of the windows as the one at work, so that they can be kept as they are."""
    return engine.policy.plan.streams == policy.plan.streams


def take_over(engine: Engine, policy: Policy, warmed: Engine | None = None) -> Engine:
    """The engine with another policy: labels, lists, snoozes and limits as they stand.

    ``warmed`` is an engine with that policy whose windows have seen the events; without it, the windows are kept, and
    the policy must ask the same of them. ``engine`` is spent: what it remembers is not copied, but handed on.
    """
    successor = warmed or Engine(policy, skew_us=engine.skew_us, seed=engine.seed)
    state = engine.state
    names = sorted({*state.lists, *policy.lists})
    state.lists = {name: _list(engine, policy, name) for name in names}
    successor.state = state
    if warmed is None:
        if engine.policy.plan == policy.plan:
            successor.windows = engine.windows
        else:
            held = BytesIO()
            engine.windows.save(held)
            held.seek(0)
            successor.windows = Windows.restore(held, policy.plan, engine.seed)
    return successor


def _list(engine: Engine, policy: Policy, name: str) -> dict[str, int]:
    """A list with the new policy's own values, and what people have changed on it."""
    before, after = engine.policy.lists.get(name), policy.lists.get(name)
    old = before.values if before is not None else ()
    new = after.values if after is not None else ()
    held = engine.state.lists.get(name)
    if held is None:
        return dict.fromkeys(new, FOREVER)
    if old == new:
        return held
    own = set(old)
    gone = own - held.keys()
    found = {value: FOREVER for value in new if value not in gone}
    found.update((value, until) for value, until in held.items() if until != FOREVER or value not in own)
    return found
