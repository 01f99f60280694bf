"""Bodies and connections that mean harm: clear answers, no fault of ours, and no growth."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep

import pytest

from tests.api.served import Served, served
from tests.api.test_schema_fuzz import as_whom
from trustward.api.access import OPEN, ROUTES
from trustward.api.openapi import BODIES

WITH_BODY = sorted((method.upper(), path) for method, path in BODIES)
DEEP = {
    "arrays": b"[" * 50_000,
    "objects": b'{"a":' * 15_000,
    "closed": b"[" * 20_000 + b"]" * 20_000,
    "in an event": b'{"type":"message.sent","id":"deep","time":"2026-01-05T10:00:00Z","sender":'
    + b"[" * 20_000
    + b"]" * 20_000
    + b"}",
    "a long number": b'{"id":' + b"9" * 50_000 + b"}",
    "half a letter": b'{"name":"\\ud800","password":"\\udfff"}',
    "no UTF-8": b'{"name":"\xff\xfe"}',
    "nul": b"\0" * 1_000,
}


def concrete(path: str) -> str:
    return path.replace("{name}", "partners").replace("{", "").replace("}", "")


def keyless(headers: dict[str, str]) -> str | None:
    """No key of its own where there is a session, or nothing."""
    return None if "Authorization" in headers else ""


@pytest.mark.parametrize("kind", DEEP)
def test_deep_and_broken_bodies_on_every_route(one: Served, kind: str) -> None:
    for method, path in WITH_BODY:
        headers = as_whom(one, ROUTES[method, path])
        asked = concrete(path) + ("?reason=r" if path.endswith("/import") else "")
        answer = one.ask(method, asked, DEEP[kind], key=keyless(headers), headers=headers)
        assert answer.status != 401 or answer.json["code"] == "TW-601", (method, path, answer.body)
        assert answer.status < 500, (method, path, answer.body)
        if path not in {"/v1/events", "/v1/lists/{name}/import"} and kind != "in an event":
            assert answer.status >= 400, (method, path, answer.body)
            assert answer.headers["content-type"] == "application/problem+json"


def memory_mb() -> float:
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * 4096 / 1e6


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from Linux's own account")
@pytest.mark.parametrize("start", [b'{"x":"', b"[", b'[{"a":"'], ids=["a line", "an array", "an element"])
def test_an_endless_body_does_not_grow(one: Served, start: bytes) -> None:
    chunk = b"x" * 1_000_000

    def body() -> Iterator[bytes]:
        yield start
        for _ in range(150):
            yield chunk

    kind = {"Content-Type": "application/json" if start.startswith(b"[") else "application/x-ndjson"}
    before = memory_mb()
    try:
        answer = one.ask("POST", "/v1/events", body(), headers=kind)
        assert answer.status < 500
    except ConnectionError:
        pass  # it was told that it is too much, and went on sending
    assert memory_mb() - before < 60


def test_an_endless_body_is_cut_off_where_bodies_are_small(one: Served) -> None:
    for method, path in (
        ("POST", "/v1/decisions"),
        ("PUT", "/v1/labels"),
        ("POST", "/v1/session"),
        ("POST", "/v1/keys"),
    ):
        headers = "".join(f"{name}: {value}\r\n" for name, value in as_whom(one, ROUTES[method, path]).items())
        head = f"{method} {path} HTTP/1.1\r\nhost: x\r\n{headers}transfer-encoding: chunked\r\n\r\n"
        got = one.raw(head.encode(), *[b"10000\r\n" + b" " * 65_536 + b"\r\n"] * 40, wait_s=1)
        assert got.startswith(b"HTTP/1.1 413 "), (path, got[:100])


def test_a_packed_body_is_not_unpacked_where_bodies_are_small(one: Served) -> None:
    for method, path in WITH_BODY:
        if path != "/v1/events":
            headers = {**as_whom(one, ROUTES[method, path]), "Content-Encoding": "gzip"}
            asked = concrete(path) + ("?reason=r" if path.endswith("/import") else "")
            answer = one.ask(method, asked, b"\x1f\x8b", key=keyless(headers), headers=headers)
            assert answer.status == 415, (path, answer.body)


@pytest.fixture(scope="module")
def hasty() -> Iterator[Served]:
    with served(wait_s=1, connections=1_500) as one:
        yield one


def drip(one: Served, head: bytes, drops: bytes) -> bytes:
    """A byte now and then, never so late that a single pause would be too long; what comes back."""
    with socket.create_connection(("127.0.0.1", one.port), timeout=0.2) as connection:
        connection.sendall(head)
        got = b""
        until = monotonic() + 30
        for at in range(10_000):
            assert monotonic() < until, "it goes on listening"
            try:
                connection.sendall(drops[at % len(drops) :][:1])
                piece = connection.recv(65_536)
            except TimeoutError:
                continue
            except ConnectionError:
                return got
            if not piece:
                return got
            got += piece
        return got


def test_a_client_that_drips_is_let_go(hasty: Served) -> None:
    assert drip(hasty, b"GET /livez HTTP/1.1\r\nhost: x\r\nx: ", b"y") == b""
    key = f"authorization: Bearer {hasty.key}\r\n"
    for path, drops in (("/v1/decisions", b" "), ("/v1/events", b"\n"), ("/v1/policies", b" ")):
        head = f"POST {path} HTTP/1.1\r\nhost: x\r\n{key}content-length: 100000\r\n\r\n"
        assert drip(hasty, head.encode(), drops).startswith(b"HTTP/1.1 408 "), path
    # Without a key nobody is listened to at all.
    head = "POST /v1/events HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n\r\n"
    assert drip(hasty, head.encode(), b"\n").startswith(b"HTTP/1.1 401 ")


def test_a_thousand_idle_connections(hasty: Served) -> None:
    held = []
    before = memory_mb() if Path("/proc/self/statm").exists() else 0.0
    try:
        for _ in range(1_000):
            one = socket.create_connection(("127.0.0.1", hasty.port), timeout=20)
            held.append(one)
        assert hasty.ask("GET", "/v1/lists").status == 200
        if before:
            assert memory_mb() - before < 60
        # Each is closed without a word; who waits sees the end.
        assert {connection.recv(1_000) for connection in held} == {b""}
    finally:
        for connection in held:
            connection.close()
    until = monotonic() + 20
    while hasty.process.server_state.connections and monotonic() < until:
        sleep(0.05)
    assert not hasty.process.server_state.connections


def test_cookies_and_headers_of_every_shape(one: Served) -> None:
    for value in ("=", ";", "__Host-trustward", "__Host-trustward=", "__Host-trustward=" + "x" * 5_000, "a=b;;;=;c"):
        answer = one.ask("GET", "/v1/session", key="", headers={"Cookie": value})
        assert (answer.status, answer.json["code"]) == (401, "TW-600"), value
    for name in ("X-Forwarded-For", "Origin", "Sec-Fetch-Site", "User-Agent", "Trustward-CSRF"):
        for value in ("", ",", "x" * 5_000, "\u00ff", "1.2.3.4, , ::1, not an address"):
            answer = one.ask("POST", "/v1/session", json={"name": "n", "password": "p"}, key="", headers={name: value})
            assert answer.status in {401, 403, 429}, (name, answer.body)
    assert [path for (_, path), access in ROUTES.items() if access == OPEN and "session" not in path] == [
        *("/livez", "/readyz", "/v1/sso/begin", "/v1/sso/return")
    ]
