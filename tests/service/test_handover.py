"""What a policy takes over from another one: the same as by way of a snapshot, without copying it."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.service.kit import NOW_US, TRIAL, compile_policy, stream
from trustward.base.errors import StateError
from trustward.engine.engine import Engine
from trustward.engine.handover import same_windows, take_over
from trustward.engine.snapshot import dump_state, load, load_state, save
from trustward.engine.state import FOREVER
from trustward.model.catalogue import load_catalogue
from trustward.model.stored import StoredPolicy
from trustward.policy import Policy, Source, load_policy


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


def told_of(feature: str) -> Policy:
    """A policy that reads one feature of the sender."""
    text = f"""
met = {feature}
rule(
    id="met", on="message.sent", when=met >= 3, then=[hold(event)], reason="{{met}}", owner="tests",
    misses=[{{"sender": "a"}}],
    hits=[[repeat(3, {{"sender": "a", "recipient": "r{{n}}", "device": "d{{n}}", "length": 1, "text": "abc"}})]],
)
"""
    return load_policy([Source("met.policy", text)], load_catalogue())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("distinct(event.recipient, SENDER)", "distinct(event.device, SENDER)"),
        ("total(event.length, SENDER)", "total(length(event.text), SENDER)"),
        ("total(event.length, SENDER)", "total(event.length * 2, SENDER)"),
    ],
)
def test_windows_of_one_value_are_not_taken_for_those_of_another(old: str, new: str, tmp_path: Path) -> None:
    window = 'by=event.sender, within="1h", of="message.sent"'
    before, after = (told_of(feature.replace("SENDER", window)) for feature in (old, new))
    engine = Engine(before)
    assert same_windows(engine, before)
    assert not same_windows(engine, after)
    save(engine, tmp_path / "state")
    load(tmp_path / "state", before)
    with pytest.raises(StateError, match="other windows than this policy's"):
        load(tmp_path / "state", after)
