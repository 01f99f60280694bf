"""What every source of events must do, as tests. A source's test class inherits the contract and says what to open.

class TestFolder(SourceContract):
    @pytest.fixture
    def world(self): ...  # a World: put messages there, make sources over it, see what was put aside
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import msgspec
import pytest

from trustward.base.clock import elapsed_s
from trustward.exchange.records import Reject
from trustward.ports import Source
from trustward.ports.sources import Batch

_LONGEST_S = 40.0
FAULTY = b'{"type":"message.sent","id":"faulty","time":"2026-01-05T10:00:00Z","sender":"a","text":7}'


class Aside(msgspec.Struct, frozen=True):
    """What was put aside: the record as it came, and its faults as pairs of path and cause."""

    raw: bytes
    faults: tuple[tuple[str, str], ...]


class World(Protocol):
    """What a source reads from."""

    def put(self, bodies: Sequence[bytes]) -> None:
        """Let records arrive, in order."""

    def make(self) -> Source:
        """One more source over all of it, as another process would have it."""

    def aside(self) -> Sequence[Aside]:
        """Everything that was put aside."""


def message(id: str) -> bytes:
    """An event."""
    return b'{"type":"message.sent","id":"%s","time":"2026-01-05T10:00:00Z","sender":"a"}' % id.encode()


def ids(batches: Sequence[Batch]) -> list[str]:
    """The ids of all events of some batches."""
    return [event.id for batch in batches for event in batch.decoded.events]


def take(source: Source, count: int) -> list[Batch]:
    """Batches until there are so many events and faults, and then what ends them, none confirmed."""
    found: list[Batch] = []
    until = elapsed_s() + _LONGEST_S
    while elapsed_s() < until:
        seen = sum(len(batch.decoded.events) + batch.decoded.set_aside for batch in found)
        batch = source.read(0.0 if seen >= count else 0.2)
        if batch is not None:
            found.append(batch)
        elif seen >= count:
            return found
    raise AssertionError(f"only {ids(found)} came")


def finish(source: Source, batches: Sequence[Batch]) -> None:
    """Confirm batches, with the faults that were found in reading."""
    for batch in batches:
        source.confirm(batch, sorted(batch.decoded.rejects, key=lambda fault: fault.line))


class SourceContract:
    """In order, nothing lost, again only what was not confirmed."""

    @pytest.fixture
    def world(self) -> World:
        """What the source reads from."""
        raise NotImplementedError

    def test_everything_comes_in_order(self, world: World) -> None:
        wanted = [f"m{number}" for number in range(50)]
        world.put([message(one) for one in wanted])
        source = world.make()
        source.open()
        assert ids(take(source, 50)) == wanted
        source.close()

    def test_what_was_not_confirmed_comes_again(self, world: World) -> None:
        world.put([message("a"), message("b")])
        source = world.make()
        source.open()
        assert ids(take(source, 2)) == ["a", "b"]
        source.close()
        other = world.make()
        other.open()
        # Not every source promises the old order for what it hands out again.
        assert sorted(ids(take(other, 2))) == ["a", "b"]
        other.close()

    def test_what_was_confirmed_does_not(self, world: World) -> None:
        world.put([message("a"), message("b")])
        source = world.make()
        source.open()
        finish(source, take(source, 2))
        world.put([message("c")])
        assert ids(take(source, 1)) == ["c"]
        source.close()
        source.open()
        finish(source, take(source, 1))
        source.close()
        world.put([message("d")])
        other = world.make()
        other.open()
        assert ids(take(other, 1)) == ["d"]
        other.close()

    def test_nothing_is_none(self, world: World) -> None:
        source = world.make()
        source.open()
        assert source.read(0.05) is None
        source.close()

    def test_a_batch_may_be_read_before_the_one_before_is_confirmed(self, world: World) -> None:
        world.put([message("a")])
        source = world.make()
        source.open()
        first = take(source, 1)
        world.put([message("b")])
        second = take(source, 1)
        finish(source, first)
        finish(source, second)
        assert (ids(first), ids(second)) == (["a"], ["b"])
        source.close()
        source.open()
        assert source.read(0.5) is None
        source.close()

    def test_faults_are_put_aside_with_their_cause(self, world: World) -> None:
        world.put([message("a"), b"no json", FAULTY, message("b")])
        source = world.make()
        source.open()
        batches = take(source, 4)
        assert ids(batches) == ["a", "faulty", "b"]
        first = next(batch for batch in batches if batch.decoded.events)
        line = first.decoded.lines[0]
        refused = Reject(line=line, path="$.time", cause="too far ahead", raw=message("a").decode())
        for batch in batches:
            own = [*batch.decoded.rejects, *([refused] if batch is first else [])]
            source.confirm(batch, sorted(own, key=lambda fault: fault.line))
        source.close()
        found = {aside.raw: dict(aside.faults) for aside in world.aside()}
        assert sorted(found) == sorted([message("a"), b"no json", FAULTY])
        assert found[message("a")] == {"$.time": "too far ahead"}
        assert found[FAULTY] == {"$.text": "expected text, got 7"}
        assert set(found[b"no json"]) == {"$"}
        source.open()
        assert source.read(0.5) is None
        source.close()

    def test_it_may_be_closed_at_any_time(self, world: World) -> None:
        source = world.make()
        source.close()
        source.open()
        source.close()
        source.close()


CONTRACTS: tuple[Any, ...] = (SourceContract,)
