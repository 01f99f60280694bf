"""Every error is problem details; every route says so when it is asked badly."""

from __future__ import annotations

import pytest

from tests.api.served import Served, served
from tests.api.test_who_may import call
from trustward.api.access import HALF, OPEN, OWN
from trustward.api.access import ROUTES as TABLE
from trustward.api.openapi import BODIES
from trustward.api.problems import STATUSES, problem_of
from trustward.base import errors

WITHOUT_A_WRONG_WAY = {
    "/v1/decisions",
    "/v1/lists",
    "/v1/policies",
    "/v1/users",
    "/v1/keys",
    "/v1/actions/backlog",
    "/v1/snoozes",
    "/v1/backtests",
    "/v1/policies/proposals",
    "/v1/clocks",
    "/v1/issuers",
    "/v1/authorities",
    "/v1/evidence/key",
    "/v1/queues",
    "/v1/break",
    "/v1/policy-tree",
    "/v1/appeals/next",
    "/v1/reviewers/{name}",
    "/metrics",
    "/v1/openapi",
    "/v1/openapi/openapi.json",
}
WITHOUT_A_BODY = {path for method, path in TABLE if method in {"POST", "PUT"}} - {path for _, path in BODIES}
WRONG_WAYS = {
    "/v1/duties": "?limit=x",
    "/v1/orders": "?limit=x",
    "/v1/programmes": "?limit=x",
    "/v1/cases": "?limit=x",
    "/v1/batches": "?limit=x",
    "/v1/appeals": "?limit=x",
    "/v1/appeal-rates": "?limit=x",
    "/v1/audit": "?limit=x",
    "/v1/retention": "?limit=1",
    "/v1/clues": "?limit=x",
    "/v1/holds": "?limit=x",
    "/v1/requests": "?limit=x",
    "/v1/disclosures": "?limit=x",
}
ODD_PATHS = [
    b"/v1/decisions/%00",
    b"/v1/decisions/%ff",
    b"/v1/decisions/../../etc",
    b"/v1/decisions/%2e%2e%2f",
    b"/v1/entities/account/%ED%A0%80",
    b"/v1/decisions//",
    b"/v1/lists/%2F/entries",
    b"/v1/decisions/" + b"x" * 60_000,
    b"/v1/entities/acount/x",
    b"/v1/lists/partners/entries?limit=x",
    b"http://x/v1/lists",
]
NO_ROUTES = ["/", "/v1", "/v1/decisions/", "/v1/nothing", "/docs", "/v1/entities/account/", "//"]


@pytest.mark.parametrize(("method", "path"), [key for key in TABLE if key[1] != "/v1/openapi/{path}"])
def test_a_bad_request_to_every_route(one: Served, method: str, path: str) -> None:
    wrong = (
        ""
        if (method == "GET" or path in {"/v1/break", "/v1/appeals/next"}) and path in WITHOUT_A_WRONG_WAY
        else one.key
    )
    if TABLE[method, path] == OPEN:
        method = "POST" if method == "GET" else "PATCH" if path in WITHOUT_A_BODY else method
    answer = call(one, method, path + WRONG_WAYS.get(path, "") * (method == "GET"), wrong)
    assert 400 <= answer.status < 500, (answer.status, answer.body)
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json
    assert problem["status"] == answer.status
    assert problem["type"] == f"urn:trustward:error:{problem['code']}"
    assert problem["title"]
    assert problem["detail"]
    assert problem["remedy"]


def test_every_error_has_its_status() -> None:
    kinds = [
        kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.TrustwardError)
    ]
    for kind in kinds:
        problem = problem_of(kind("what", remedy="then"))
        assert problem.code == kind.code
        assert problem.status == STATUSES.get(kind, 500)
        assert "\n" not in problem.title
        assert len(problem.title) < 100
    assert problem_of(ValueError("private")).detail == "a fault in Trustward, not in your request"


@pytest.mark.parametrize("path", NO_ROUTES)
def test_no_such_route(one: Served, path: str) -> None:
    answer = one.ask("GET", path)
    assert answer.status in {400, 404, 405}, path
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("method", ["OPTIONS", "PATCH"])
def test_a_method_that_no_route_has(one: Served, method: str) -> None:
    answer = one.ask(method, "/v1/lists")
    assert (answer.status, answer.json["detail"]) == (405, "the route does not know this method")
    assert "GET" in answer.headers["allow"]


@pytest.mark.parametrize("path", ["/livez", "/v1/decisions", "/v1/nothing"])
def test_headers_on_every_answer(one: Served, path: str) -> None:
    for method in ("GET", "POST", "OPTIONS"):
        headers = one.ask(method, path, headers={"Origin": "https://elsewhere.example"}).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == "no-store"
        assert not [name for name in headers if name.startswith("access-control") or name in {"server", "set-cookie"}]


def test_other_formats_are_refused(one: Served) -> None:
    for method, path in TABLE:
        if method in {"POST", "PUT"}:
            answer = one.ask(method, path.replace("{name}", "partners"), b"{}", headers={"Content-Type": "image/png"})
            if path in WITHOUT_A_BODY:
                assert answer.status < 500, path
                continue
            if TABLE[method, path] in {HALF, OWN}:
                assert answer.status == 403, path
                continue
            if "import" not in path:
                assert (answer.status, answer.json["code"]) == (415, "TW-650"), path
            packed = {"Content-Encoding": "br"}
            answer = one.ask(method, path.replace("{name}", "partners") + "?reason=r", b"{}", headers=packed)
            assert (answer.status, answer.json["code"]) == (415, "TW-650"), path


def head(one: Served, method: str, path: str, length: int) -> bytes:
    """A request's head."""
    words = (
        f"{method} {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {one.key}\r\ncontent-length: {length}\r\n\r\n"
    )
    return words.encode()


def test_too_large_is_said_before_it_is_read(one: Served) -> None:
    for method, path in (("POST", "/v1/decisions"), ("PUT", "/v1/labels"), ("PUT", "/v1/policies/live")):
        got = one.raw(head(one, method, path, 99_999_999_999), wait_s=1)
        assert got.startswith(b"HTTP/1.1 413 "), got
    body = b'{"type": "' + b"x" * 1_100_000
    assert one.ask("POST", "/v1/decisions", iter([body])).status == 413


@pytest.mark.parametrize(
    "said",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: x\r\nx: " + b"y" * 100_000 + b"\r\n\r\n",
        b"GET /" + b"y" * 100_000 + b" HTTP/1.1\r\nhost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"".join(b"x%d: y\r\n" % n for n in range(20_000)) + b"\r\n",
        b"POST /v1/decisions HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n",
        b"POST /v1/decisions HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n",
        b"POST /v1/decisions HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_what_is_no_request(one: Served, said: bytes) -> None:
    got = one.raw(said, wait_s=2)
    assert got.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 401 ")) or not got, got[:200]
    assert one.ask("GET", "/livez").status == 200


def test_odd_paths_do_no_harm(one: Served) -> None:
    auth = b"host: x\r\nconnection: close\r\nauthorization: Bearer " + one.key.encode() + b"\r\n\r\n"
    for path in ODD_PATHS:
        got = one.raw(b"GET " + path + b" HTTP/1.1\r\n" + auth)
        assert got[9:12] in {b"400", b"404", b"405", b"200"}, (path, got[:300])


def test_slow_clients_are_let_go() -> None:
    with served(wait_s=1) as one:
        assert one.raw(b"GET /livez HT", wait_s=4) == b""
        assert one.raw(wait_s=4) == b""
        head = (
            f"POST /v1/decisions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {one.key}\r\ncontent-length: 50\r\n\r\n"
        )
        for path in ("decisions", "events"):
            got = one.raw(
                head.replace("decisions", path).encode(), b'{"type"' if path == "decisions" else b"[", wait_s=5
            )
            assert got.startswith(b"HTTP/1.1 408 "), got


def test_too_many_connections_are_closed() -> None:
    import socket

    with served(connections=20) as one:
        held = [socket.create_connection(("127.0.0.1", one.port)) for _ in range(25)]
        late = held[-1].recv(65_536)
        assert late.startswith(b"HTTP/1.1 503 ")
        assert b"retry-after" in late
        for connection in held:
            connection.close()
        from time import sleep

        sleep(0.2)
        assert one.ask("GET", "/readyz").status == 200
