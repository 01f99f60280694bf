"""What a policy takes over from another one: the same as by way of a snapshot, without copying it."""

from __future__ import annotations

from copy import deepcopy

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.service.kit import NOW_US, TRIAL, compile_policy, stream
from trustward.engine.engine import Engine
from trustward.engine.handover import take_over
from trustward.engine.snapshot import dump_state, load_state
from trustward.engine.state import FOREVER
from trustward.model.stored import StoredPolicy


def with_lists(**lists: str) -> StoredPolicy:
    """The policy of these tests with other values on its lists."""
    sources = [(name, text) for name, text in TRIAL.sources if name.endswith(".policy")]
    listed = [(f"lists/{name}.txt", text) for name, text in lists.items()]
    return StoredPolicy(hash="", name="mine", sources=(*sources, *listed))


POLICIES = [
    compile_policy(TRIAL),
    compile_policy(with_lists(partners="# kind: account\np1\np2\nnew\n")),
    compile_policy(with_lists(partners="# kind: account\nnew\n")),
]
VALUES = st.sampled_from(["p1", "p2", "new", "x", "y", "z"])
CHANGED = st.lists(
    st.tuples(st.sampled_from(["partners", "more"]), st.booleans(), VALUES, st.sampled_from([FOREVER, NOW_US])),
    max_size=8,
)


@settings(max_examples=60, deadline=None)
@given(old=st.sampled_from(POLICIES), new=st.sampled_from(POLICIES), changed=CHANGED)
def test_handed_on_as_a_snapshot_would(old: object, new: object, changed: list[tuple[str, bool, str, int]]) -> None:
    assert isinstance(old, type(POLICIES[0]))
    assert isinstance(new, type(POLICIES[0]))
    engine = Engine(old)
    engine.decide_batch(stream(40), now_us=NOW_US)
    engine.state.mark(("account", "a", "busy"), present=False)
    engine.state.snooze("spends", "account", "a", NOW_US)
    for name, put, value, until in changed:
        if put:
            engine.state.list_add(name, [value], until)
        else:
            engine.state.list_remove(name, [value])
    by_snapshot = load_state(dump_state(engine), Engine(new).state)
    state, windows = deepcopy(msgspec.json.decode(engine.state.dump())), engine.windows
    successor = take_over(engine, new)
    assert successor.state.dump() == by_snapshot.dump()
    assert successor.windows is windows
    assert {**msgspec.json.decode(successor.state.dump()), "lists": 0} == {**state, "lists": 0}
