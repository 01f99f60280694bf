"""A service that reads every kind of source, killed again and again while events arrive: each is decided once."""

from __future__ import annotations

from pathlib import Path
from random import Random
from signal import SIGTERM
from threading import Thread
from time import sleep
from typing import Any

import msgspec
import pytest

from tests.api.running import key_for, running, until
from tests.sources.test_sourcing import journal
from tests.sources.worlds import FolderWorld, KafkaWorld, NatsWorld
from trustward.adapters.store.opened import open_store
from trustward.client import Client, ManyDecided, Retrying
from trustward.testing.servers import KafkaBroker, NatsServer
from trustward.testing.source_contracts import message

ROUNDS = 12
SIZE = 400
KILLS = 4


def settings_of(name: str, kind: str, world: Any) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.to_builtins(world.settings)
    return {"name": name, "kind": kind, **fields}


@pytest.mark.slow
def test_killed_while_everything_arrives(
    tmp_path: Path, nats_server: NatsServer, kafka_broker: KafkaBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trustward.client.synchronous.PARTS", SIZE)
    data = tmp_path / "data"
    worlds: dict[str, Any] = {
        "folder": FolderWorld(tmp_path),
        "nats": NatsWorld(nats_server, ack_wait="1s", batch=50),
        "kafka": KafkaWorld(kafka_broker, batch=50),
    }
    sources = [settings_of(f"the-{kind}", kind, world) for kind, world in worlds.items()]
    told = {"SOURCES": msgspec.json.encode(sources).decode(), "SNAPSHOT_EVENTS": 5_000, "COMMIT_EVENTS": 200}
    wanted = {kind: [f"{kind}-{number}" for number in range(ROUNDS * SIZE)] for kind in (*worlds, "client")}
    key = key_for(data, "decide")
    with NatsServer() as somewhere:
        port = somewhere.port  # one that is free again
    answers: list[ManyDecided] = []

    def feed() -> None:
        for number in range(ROUNDS):
            for kind, world in worlds.items():
                world.put([message(one) for one in wanted[kind][number * SIZE : (number + 1) * SIZE]])
            sleep(0.3)

    def call() -> None:
        patient = Retrying(tries=10_000, most_s=0.5)
        with Client(f"http://127.0.0.1:{port}", key, timeout_s=240, retrying=patient) as client:
            answers.append(client.decide_many(map(message, wanted["client"])))

    threads = [Thread(target=feed), Thread(target=call)]
    draw = Random(7)
    for number in range(KILLS):
        with running(data, "--port", str(port), told=told) as service:
            if number == 0:
                for thread in threads:
                    thread.start()
            sleep(draw.uniform(0.1, 2.5))
            service.process.kill()
    with running(data, "--port", str(port), told=told) as service:
        for thread in threads:
            thread.join(240)
        folder, nats, kafka = worlds.values()
        until(lambda: not list(folder.folder.glob("*.ndjson")), 120)
        until(lambda: nats.pending() == (0, 0), 120)
        until(lambda: kafka.committed() == ROUNDS * SIZE, 120)
        service.process.send_signal(SIGTERM)
        assert service.process.wait(60) == 0
    store = open_store("", data)
    found = journal(store)
    store.close()
    assert len(found) == len(set(found)), "an event was decided twice"
    for kind, ids in wanted.items():
        mine = [one for one in found if one.startswith(f"{kind}-")]
        assert sorted(mine) == sorted(ids), kind
        if kind != "nats":
            assert mine == ids, f"{kind}: not in order"
    (answer,) = answers
    assert answer.events == ROUNDS * SIZE
    assert answer.decided + answer.again == ROUNDS * SIZE
