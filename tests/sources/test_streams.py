"""What only streams do: servers that go away, what is handed out again, groups that are dealt out anew."""

from __future__ import annotations

from threading import Event as Signal
from typing import Any

import pytest
from nats.aio.msg import Msg

from tests.api.running import until
from tests.service.kit import host_over
from tests.sources.test_sourcing import bring, journal
from tests.sources.worlds import KafkaWorld, NatsWorld
from trustward.adapters.store.memory import MemoryStore
from trustward.base.errors import SourceError
from trustward.operations.sourcing import Sourcing, Told
from trustward.testing.servers import KafkaBroker, NatsServer
from trustward.testing.source_contracts import finish, ids, message, take


def test_nats_gives_back_at_once_what_is_not_confirmed(nats_server: NatsServer) -> None:
    world = NatsWorld(nats_server, ack_wait="10m", batch=2)
    world.put([message(name) for name in ("a", "b", "c")])
    source = world.make()
    source.open()
    first = source.read(5)
    second = source.read(5)
    assert first is not None
    assert second is not None
    finish(source, [first])
    assert world.pending() == (0, 1)
    source.close()
    source.open()
    assert ids(take(source, 1)) == ["c"]
    source.close()


def test_nats_gives_back_what_the_server_would_hand_to_a_request_that_still_waits(nats_server: NatsServer) -> None:
    world = NatsWorld(nats_server, ack_wait="10m", batch=2)
    source = world.make()
    source.open()
    assert source._pull is not None
    for number in range(3):
        # As under load: the reader has given up, and its requests are still with the server.
        source._do(source._pull._nc.publish(source._pull._nms, b'{"batch":1}', source._pull._deliver))
        world.put([message(f"m{number}")])
    until(lambda: world.pending() == (0, 3))
    assert ids(take(source, 2)) == ["m0", "m1", "m2"]
    source._do(source._pull._nc.publish(source._pull._nms, b'{"batch":9}', source._pull._deliver))
    source.close()
    source.open()
    assert sorted(ids(take(source, 3))) == ["m0", "m1", "m2"]
    source.close()


def test_nats_keeps_what_has_come_when_the_time_for_more_is_up(
    nats_server: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = NatsWorld(nats_server, ack_wait="10m")
    world.put([message("a")])
    source = world.make()
    source.open()
    assert source._pull is not None
    fetch = source._pull.fetch

    async def late(batch: int, **how: Any) -> list[Msg]:
        if batch > 1:
            raise TimeoutError  # what nats-py does where the time is up between two of its steps
        return await fetch(batch, **how)

    monkeypatch.setattr(source._pull, "fetch", late)
    assert ids(take(source, 1)) == ["a"]
    source.close()


def test_nats_hands_out_no_more_than_may_be_in_flight(nats_server: NatsServer) -> None:
    world = NatsWorld(nats_server, in_flight=3, batch=100)
    world.put([message(f"m{number}") for number in range(10)])
    source = world.make()
    source.open()
    batches = [batch for batch in (source.read(1), source.read(0.3)) if batch is not None]
    assert ids(batches) == ["m0", "m1", "m2"]
    finish(source, batches)
    assert ids(take(source, 3)) == ["m3", "m4", "m5"]
    source.close()


def test_nats_hands_out_again_what_a_killed_reader_held(nats_server: NatsServer) -> None:
    world = NatsWorld(nats_server, ack_wait="1s")
    world.put([message("a")])
    source = world.make()
    source.open()
    assert ids(take(source, 1)) == ["a"]
    other = world.make()
    other.open()
    assert ids(take(other, 1)) == ["a"]
    other.close()
    source.close()


def test_nats_drops_a_second_copy_of_what_was_put_aside(nats_server: NatsServer) -> None:
    world = NatsWorld(nats_server, ack_wait="1s")
    world.put([b"no json"])
    source, other = world.make(), world.make()
    source.open()
    batches = take(source, 1)
    other.open()
    again = take(other, 1)
    finish(source, batches)
    finish(other, again)
    assert len(world.aside()) == 1
    source.close()
    other.close()


def test_nats_goes_on_when_its_server_is_back() -> None:
    with NatsServer() as server:
        world = NatsWorld(server, ack_wait="1s")
        store = MemoryStore()
        wanted = [f"m{number}" for number in range(6)]
        world.put([message(name) for name in wanted[:3]])
        host = host_over(store)
        host.start()
        stop = Signal()
        said: list[str] = []
        told = Told(say=lambda _name, words: said.append(words))
        story = Sourcing("test", world.make(), host.submit, stop=stop, told=told)
        story.start()
        until(lambda: story.status.decided == 3, 120)
        server.stop()
        until(lambda: story.status.phase == "failed")
        server.start()
        world.put([message(name) for name in wanted[3:]])
        until(lambda: story.status.decided == 6 and world.pending() == (0, 0))
        stop.set()
        story.join(20)
        host.close()
        assert journal(store) == wanted
        assert "TW-350" in said[0]
        assert said[-1] == "working again"


@pytest.mark.parametrize(
    "how", [{"stream": "no-such-stream"}, {"servers": ("nats://127.0.0.1:1",)}, {"rejects": "nobody.holds.this"}]
)
def test_nats_says_what_is_wrong(nats_server: NatsServer, how: dict[str, Any]) -> None:
    world = NatsWorld(nats_server, **how)
    source = world.make()
    with pytest.raises(SourceError, match="NATS"):
        source.open()
    source.close()


@pytest.mark.slow
def test_kafka_shares_partitions_and_decides_each_event_once(kafka_broker: KafkaBroker) -> None:
    world = KafkaWorld(kafka_broker, partitions=4, batch=10)
    store = MemoryStore()
    host = host_over(store)
    host.start()
    world.put([message(f"m{number}") for number in range(40)])
    stops = [Signal(), Signal()]
    stories = [Sourcing("test", world.make(), host.submit, stop=stop) for stop in stops]
    stories[0].start()
    until(lambda: stories[0].status.decided >= 40, 120)
    stories[1].start()
    number = 40

    def shared() -> bool:
        nonlocal number
        world.put([message(f"m{number}")])
        number += 1
        return stories[1].status.decided > 3 and stories[0].status.decided > 43

    until(shared, 60)
    stops[1].set()
    stories[1].join(30)
    world.put([message(f"m{more}") for more in range(number, number + 20)])
    until(lambda: len(journal(store)) == number + 20, 60)
    stops[0].set()
    stories[0].join(30)
    host.close()
    assert sorted(journal(store)) == sorted(f"m{one}" for one in range(number + 20))
    assert world.committed() == number + 20


def test_kafka_says_what_is_wrong(kafka_broker: KafkaBroker) -> None:
    source = KafkaWorld(kafka_broker, rejects="no-such-topic").make()
    with pytest.raises(SourceError, match="no topic no-such-topic"):
        source.open()
    source.close()
    source = KafkaWorld(kafka_broker, servers=("127.0.0.1:1",)).make()
    with pytest.raises(SourceError, match="Kafka"):
        source.open()
    source.close()
    source = KafkaWorld(kafka_broker, options={"no.such.property": "1"}).make()
    with pytest.raises(SourceError, match=r"no\.such\.property"):
        source.open()
    source.close()


def test_kafka_has_what_a_failed_confirmation_put_aside(kafka_broker: KafkaBroker) -> None:
    world = KafkaWorld(kafka_broker)
    world.put([b"", b"no json", message("a")])
    store = MemoryStore()
    host = host_over(store)
    host.start()
    story = bring(world.make(), host.submit, lambda: world.committed() == 3)
    host.close()
    assert journal(store) == ["a"]
    assert story.status.rejected == 2
    assert [aside.raw for aside in world.aside()] == [b"", b"no json"]


@pytest.mark.parametrize("kind", ["nats", "kafka"])
def test_a_faulty_message_as_large_as_may_be_stops_nothing(
    kind: str, nats_server: NatsServer, kafka_broker: KafkaBroker
) -> None:
    world = NatsWorld(nats_server) if kind == "nats" else KafkaWorld(kafka_broker, largest=1_048_000)
    large = b"[" + b"1" * (1_048_575 if kind == "nats" else 1_047_000)
    world.put([large, message("a")])
    source = world.make()
    source.open()
    batches = take(source, 1)
    finish(source, batches)
    (aside,) = world.aside()
    assert large.startswith(aside.raw)
    assert len(aside.raw) >= 65_536
    assert [path for path, _ in aside.faults] == ["$"]
    source.close()
    source.open()
    assert source.read(0.2) is None
    source.close()
