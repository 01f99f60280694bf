"""Where the tests' events lie: a folder, a stream, a topic. Each shows what was put aside."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import nats
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from nats.js import JetStreamContext

from trustward import bootstrap
from trustward.adapters.sources.folder import FolderSettings, FolderSource
from trustward.adapters.sources.kafka import KafkaSettings, KafkaSource
from trustward.adapters.sources.nats import NatsSettings, NatsSource
from trustward.base.clock import now_us
from trustward.exchange.decode import EventDecoder
from trustward.exchange.mapping import load_mapping
from trustward.ports.sources import Tools
from trustward.testing.servers import KafkaBroker, NatsServer
from trustward.testing.source_contracts import Aside

CATALOGUE = bootstrap.catalogue()
DECODER = EventDecoder(CATALOGUE)
T = TypeVar("T")
NUMBERS = itertools.count()


def tools(folder: Path, clock: Callable[[], int] = now_us) -> Tools:
    return Tools(decoder=DECODER, mapping=lambda path: load_mapping(Path(path), CATALOGUE), folder=folder, clock=clock)


def grouped(found: dict[tuple[str, int], list[tuple[str, str]]], raws: dict[tuple[str, int], bytes]) -> list[Aside]:
    return [Aside(raws[key], tuple(faults)) for key, faults in found.items()]


class FolderWorld:
    def __init__(self, root: Path, **how: Any) -> None:
        self.folder = root / "in"
        self.folder.mkdir(exist_ok=True)
        self.memory = root / "memory"
        self.settings = FolderSettings(**{"path": str(self.folder), "poll": "0s", "still": "0s", **how})
        self.number = 0

    def put(self, bodies: Sequence[bytes]) -> None:
        self.number += 1
        made = self.folder / f".{self.number:04}"
        made.write_bytes(b"\n".join(bodies) + b"\n")
        made.rename(self.folder / f"{self.number:04}.ndjson")

    def make(self) -> FolderSource:
        return FolderSource("in", self.settings, tools(self.memory))

    def rejects(self) -> Path:
        return (self.folder if self.settings.done == "move" else self.memory) / "rejects"

    def aside(self) -> Sequence[Aside]:
        found: dict[tuple[str, int], list[tuple[str, str]]] = {}
        raws: dict[tuple[str, int], bytes] = {}
        for file in sorted(self.rejects().iterdir()):
            for line in file.read_bytes().splitlines():
                row = msgspec.json.decode(line)
                key = (row["file"], row["line"])
                found.setdefault(key, []).append((row["path"], row["cause"]))
                raws[key] = row["raw"].encode()
        return grouped(found, raws)


def told(value: bytes | str) -> tuple[tuple[str, str], ...]:
    return tuple((fault["path"], fault["cause"]) for fault in msgspec.json.decode(value))


class NatsWorld:
    def __init__(self, server: NatsServer, **how: Any) -> None:
        self.server = server
        self.name = f"s{next(NUMBERS)}"
        self.settings = NatsSettings(
            **{"servers": (server.address,), "stream": self.name, "rejects": f"{self.name}.bad", **how}
        )
        self.do(self._prepare)

    def do(self, work: Callable[[JetStreamContext], Coroutine[Any, Any, T]]) -> T:
        """Something in a connection of its own."""

        async def doing() -> T:
            client = await nats.connect(self.server.address)
            try:
                return await work(client.jetstream())
            finally:
                await client.close()

        return asyncio.run(doing())

    async def _prepare(self, stream: JetStreamContext) -> None:
        await stream.add_stream(name=self.name, subjects=[f"{self.name}.events.>"])
        await stream.add_stream(name=f"{self.name}-bad", subjects=[f"{self.name}.bad"])

    def put(self, bodies: Sequence[bytes]) -> None:
        async def putting(stream: JetStreamContext) -> None:
            for body in bodies:
                await stream.publish(f"{self.name}.events.a", body)

        self.do(putting)

    def make(self) -> NatsSource:
        return NatsSource("in", self.settings, tools(Path("unused")))

    def pending(self) -> tuple[int, int]:
        """Messages that have not been handed out, and those that are not acknowledged."""

        async def looking(stream: JetStreamContext) -> tuple[int, int]:
            info = await stream.consumer_info(self.name, self.settings.durable)
            return info.num_pending or 0, info.num_ack_pending or 0

        return self.do(looking)

    def aside(self) -> Sequence[Aside]:
        async def looking(stream: JetStreamContext) -> list[Aside]:
            info = await stream.stream_info(f"{self.name}-bad")
            found = []
            for number in range(1, info.state.messages + 1):
                held = await stream.get_msg(f"{self.name}-bad", seq=number)
                assert held.headers is not None
                found.append(Aside(held.data or b"", told(held.headers["trustward-faults"])))
            return found

        return self.do(looking)


class KafkaWorld:
    def __init__(self, broker: KafkaBroker, partitions: int = 1, largest: int = 1_000_000, **how: Any) -> None:
        self.broker = broker
        self.name = f"t{next(NUMBERS)}"
        self.settings = KafkaSettings(
            **{
                "servers": (broker.address,),
                "topics": (self.name,),
                "rejects": f"{self.name}-bad",
                "group": self.name,
                "options": {"session.timeout.ms": "6000", "heartbeat.interval.ms": "500"},
                **how,
            }
        )
        admin = AdminClient({"bootstrap.servers": broker.address})
        made = admin.create_topics([NewTopic(self.name, partitions, 1), NewTopic(f"{self.name}-bad", 1, 1)])
        for future in made.values():
            future.result(20)
        self.producer = Producer({"bootstrap.servers": broker.address, "message.max.bytes": largest})

    def put(self, bodies: Sequence[bytes]) -> None:
        for number, body in enumerate(bodies):
            self.producer.produce(self.name, body, key=b"%d" % number)
        assert self.producer.flush(20) == 0

    def make(self) -> KafkaSource:
        return KafkaSource("in", self.settings, tools(Path("unused")))

    def committed(self) -> int:
        """The sum of all committed offsets."""
        consumer = Consumer({"bootstrap.servers": self.broker.address, "group.id": self.settings.group})
        try:
            count = len(consumer.list_topics(self.name, timeout=10).topics[self.name].partitions)
            asked = [TopicPartition(self.name, number) for number in range(count)]
            return sum(max(0, one.offset) for one in consumer.committed(asked, timeout=10))
        finally:
            consumer.close()

    def aside(self) -> Sequence[Aside]:
        consumer = Consumer({"bootstrap.servers": self.broker.address, "group.id": f"{self.name}-looking"})
        try:
            # To the end, and not to the end that the broker names: it counts batches.
            consumer.assign([TopicPartition(f"{self.name}-bad", 0, 0)])
            found: list[Aside] = []
            while messages := consumer.consume(1000, 1.5):
                for held in messages:
                    assert held.error() is None
                    headers = dict(held.headers() or [])
                    faults = headers["trustward-faults"]
                    assert faults is not None
                    found.append(Aside(held.value() or b"", told(faults)))
            return found
        finally:
            consumer.close()
