"""Real servers for the sources, started once, and a world of each kind."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from trustward.testing.servers import KafkaBroker, NatsServer


@pytest.fixture(scope="session")
def nats_server() -> Iterator[NatsServer]:
    with NatsServer() as started:
        yield started


@pytest.fixture(scope="session")
def kafka_broker() -> Iterator[KafkaBroker]:
    with KafkaBroker() as started:
        yield started
