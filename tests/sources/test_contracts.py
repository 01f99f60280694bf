"""Every kind of source keeps the contract: files in a folder, a real NATS server, a broker that speaks Kafka."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sources.worlds import FolderWorld, KafkaWorld, NatsWorld
from trustward import bootstrap
from trustward.testing.servers import KafkaBroker, NatsServer
from trustward.testing.source_contracts import SourceContract, World


class TestFolder(SourceContract):
    @pytest.fixture(params=["move", "remember"])
    def world(self, request: pytest.FixtureRequest, tmp_path: Path) -> World:
        return FolderWorld(tmp_path, done=request.param)


class TestNats(SourceContract):
    @pytest.fixture
    def world(self, nats_server: NatsServer) -> World:
        return NatsWorld(nats_server)


class TestKafka(SourceContract):
    @pytest.fixture
    def world(self, kafka_broker: KafkaBroker) -> World:
        return KafkaWorld(kafka_broker)


def test_every_shipped_kind_is_here() -> None:
    here = {name.removeprefix("Test").lower() for name in globals() if name.startswith("Test")}
    assert here == set(bootstrap.source_kinds())
