"""What people have written never reaches logs, metrics or traces: it is sent through every route and source."""

from __future__ import annotations

import re
from http.client import HTTPConnection
from pathlib import Path
from signal import SIGTERM
from time import sleep
from typing import Any
from urllib.parse import quote, urlencode

import msgspec
import pytest

from tests.api.collector import collecting
from tests.api.running import key_for, running, until
from tests.api.served import served
from tests.sources.worlds import FolderWorld, KafkaWorld, NatsWorld
from trustward.api.asgi import routes
from trustward.model.access import SCOPES
from trustward.testing.servers import KafkaBroker, NatsServer

CANARY = "CanaryKim"
PLACES = f"{CANARY}@example.com/x?y=1 \u00e9"
TEXT = f"call {CANARY} on +6591234567, {CANARY}@example.com, http://{CANARY}.example/{CANARY}"


def event(id: str, **more: Any) -> bytes:
    fields = {"sender": f"{CANARY}1", "recipient": f"{CANARY}2", "text": TEXT, "ip": "203.0.113.77", **more}
    return msgspec.json.encode(
        {"type": "message.sent", "id": f"{CANARY}-{id}", "time": "2026-01-05T10:00:00Z", **fields}
    )


BODIES: list[tuple[str, bytes]] = [
    ("application/json", event("one")),
    ("application/json", event("one", text=TEXT + "!")),
    ("application/json", event("faulty", text=[CANARY])),
    ("application/json", event("late").replace(b"2026", b"2999")),
    ("application/json", f'{{"{CANARY}": "{CANARY}"'.encode()),
    (
        "application/json",
        f'{{"reason": "{TEXT}", "name": "{CANARY}", "hash": "{CANARY}", "values": ["{CANARY}"]}}'.encode(),
    ),
    (
        "application/json",
        f'{{"kind": "account", "entity": "{CANARY}", "label": "{CANARY}", "reason": "{CANARY}"}}'.encode(),
    ),
    (
        "application/json",
        f'{{"name": "{CANARY}", "sources": [{{"name": "a.policy", "text": "rule({CANARY}"}}]}}'.encode(),
    ),
    (
        "application/json",
        f'{{"target": "{CANARY}", "lease": "{CANARY}", "id": "{CANARY}", "ids": ["{CANARY}"]}}'.encode(),
    ),
    ("application/x-ndjson", event("a") + b"\n" + event("b", text=7) + b"\n" + CANARY.encode() + b"\n"),
    ("application/cloudevents+json", f'{{"specversion": "1.0", "id": "{CANARY}", "type": "{CANARY}"}}'.encode()),
    ("text/csv", f"value,reason\n{CANARY},{CANARY}\n".encode()),
    (f"text/{CANARY}", CANARY.encode()),
]


def told(port: int, key: str, method: str, path: str, form: str = "", body: bytes | None = None) -> int:
    headers = {
        "Authorization": f"Bearer {key}",
        "User-Agent": CANARY,
        "X-Forwarded-For": CANARY,
        "Cookie": f"session={CANARY}",
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "tracestate": f"kim={CANARY}",
        "baggage": f"kim={CANARY}",
    }
    if form:
        headers["Content-Type"] = form
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        response.read()
        return response.status
    finally:
        connection.close()


def everything(port: int, key: str) -> None:
    """Every route with every body, and what no route takes."""
    with served(ready=False) as one:
        known = routes(one.process.config.app._app)  # type: ignore[union-attr]
    assert len(known) > 30
    query = urlencode({"reason": CANARY, "value": CANARY, "entity": f"account:{CANARY}", "kind": "account",
                       "label": CANARY, "cursor": CANARY, "after": CANARY, "type": CANARY, CANARY: CANARY})  # fmt: skip
    seen = set()
    for method, path, _ in known:
        filled = re.sub(r"\{[^}]*\}", quote(PLACES, safe=""), path)
        account = re.sub(r"\{[^}]*\}", quote(CANARY, safe=""), path.replace("{kind", "account{", 1))
        for where in dict.fromkeys((filled, account.replace("account" + quote(CANARY), "account"))):
            if method == "GET":
                seen.add(told(port, key, method, where))
                seen.add(told(port, key, method, f"{where}?{query}"))
                continue
            for form, body in BODIES:
                seen.add(told(port, key, method, where, form, body))
            seen.add(told(port, key, method, f"{where}?{query}", *BODIES[0]))
    seen.add(told(port, key, "POST", f"/{CANARY}", *BODIES[0]))
    seen.add(told(port, CANARY * 4, "GET", "/v1/lists"))
    assert {200, 400, 401, 404, 409, 415, 422} <= seen
    assert 500 not in seen


@pytest.mark.slow
def test_nothing_that_people_wrote_is_in_logs_metrics_or_traces(
    tmp_path: Path, nats_server: NatsServer, kafka_broker: KafkaBroker
) -> None:
    data = tmp_path / "data"
    worlds: dict[str, Any] = {
        "folder": FolderWorld(tmp_path),
        "nats": NatsWorld(nats_server),
        "kafka": KafkaWorld(kafka_broker),
    }
    gone = NatsWorld(nats_server)
    gone.settings = msgspec.structs.replace(gone.settings, servers=("nats://127.0.0.1:1",))
    worlds["gone"] = gone
    for name, world in worlds.items():
        world.put([event(name), event(f"{name}-faulty", text=7), CANARY.encode(), event("one", sender="other")])
    tables = [
        {"name": name, "kind": "nats" if name == "gone" else name, **msgspec.to_builtins(world.settings)}
        for name, world in worlds.items()
    ]
    key = key_for(data, *SCOPES)
    targets = [
        {"name": "dead", "url": f"https://127.0.0.1:1/{CANARY}", "secrets": ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]}
    ]
    with collecting() as collector:
        settings = {
            "POLICY": "starter",
            "SOURCES": msgspec.json.encode(tables).decode(),
            "TARGETS": msgspec.json.encode(targets).decode(),
            "TRACES": collector.address,
        }
        with running(data, told=settings) as service:
            everything(service.port, key)
            metrics = ""

            def all_there() -> bool:
                nonlocal metrics
                metrics = read_metrics(service.port, key)
                return all(f'trustward_source_events_total{{outcome="rejected",source="{name}"}} 0.0' not in metrics
                           for name in ("folder", "nats", "kafka"))  # fmt: skip

            until(all_there, 60)
            sleep(0.5)
            service.process.send_signal(SIGTERM)
            assert service.process.wait(60) == 0
            logs = service.told()
        traces = b"".join(collector.raw)
    assert 'trustward_source_up{source="gone"} 0.0' in metrics
    assert '"source":"gone"' in logs
    assert b"POST /v1/decisions" in traces
    assert b"source folder" in traces
    for what, found in (("logs", logs.encode()), ("metrics", metrics.encode()), ("traces", traces)):
        for wanted in (CANARY, "203.0.113.77", "6591234567"):
            assert wanted.lower().encode() not in found.lower(), f"{wanted} is in the {what}"
    assert key.encode() not in logs.encode() + traces


def read_metrics(port: int, key: str) -> str:
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", "/metrics", headers={"Authorization": f"Bearer {key}"})
        return connection.getresponse().read().decode()
    finally:
        connection.close()
