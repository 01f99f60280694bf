"""One event, a batch, a restored engine: the same answers, whatever the stream and wherever it is cut."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from tests.engine.worlds import NOW_US, POLICY, START_US, in_batches, make, one_by_one, streams
from trustward.engine import snapshot
from trustward.engine.engine import Engine
from trustward.model.decision import Fault
from trustward.model.event import Event

Stream = tuple[list[Event], dict[int, tuple[Fault, ...]]]


@given(streams(), st.lists(st.integers(0, 60), max_size=5))
def test_a_batch_decides_as_single_events_do(stream: Stream, cuts: list[int]) -> None:
    events, faults = stream
    single, batch = Engine(POLICY), Engine(POLICY)
    assert in_batches(batch, events, faults, cuts) == one_by_one(single, events, faults)
    assert batch.state.dump() == single.state.dump()


@given(streams(), streams(), st.lists(st.integers(0, 60), max_size=3))
def test_a_restored_engine_goes_on_as_if_nothing_had_happened(first: Stream, second: Stream, cuts: list[int]) -> None:
    engine = Engine(POLICY)
    in_batches(engine, *first, cuts)
    with tempfile.TemporaryDirectory() as folder:
        path, again = Path(folder) / "a", Path(folder) / "b"
        snapshot.save(engine, path)
        restored = snapshot.load(path, POLICY)
        snapshot.save(restored, again)
        assert path.read_bytes() == again.read_bytes()
    assert one_by_one(restored, *second) == in_batches(engine, *second, cuts)
    assert restored.state.dump() == engine.state.dump()


@pytest.mark.parametrize("rule", [rule.id for rule in POLICY.rules])
def test_every_rule_of_the_trial_policy_speaks_somewhere(rule: str) -> None:
    """The streams above would prove nothing if they never made a rule match."""

    def speaks(stream: Stream) -> bool:
        return any(hit.id == rule for decision in one_by_one(Engine(POLICY), *stream) for hit in decision.rules)

    find(streams(), speaks, settings=settings(phases=[Phase.generate], max_examples=20_000, derandomize=True))


def test_the_batch_reports_what_was_read_and_refused() -> None:
    engine = Engine(POLICY)
    events = [
        make("message.sent", 0, START_US, sender="a", recipient="b"),
        make("message.sent", 1, NOW_US + engine.skew_us + 1, sender="a", recipient="c"),
        make("message.sent", 2, START_US + 1, sender="a", recipient="c"),
    ]
    outcome = engine.decide_batch(events, now_us=NOW_US, every=True, features=True)
    assert [refused.position for refused in outcome.refused] == [1]
    assert [at for at, _ in outcome.decisions] == [0, 2]
    positions, columns = outcome.features["message.sent"]
    assert positions.tolist() == [0, 2]
    assert any(column.tolist() == [1, 2] for column in columns)
