"""Who may: one table of routes and scopes, held against every route that there is."""

from __future__ import annotations

import re
from pathlib import Path
from secrets import token_hex

import pytest
from litestar import get

from tests.api.served import Answer, Served, sent, served
from trustward.api.access import ANY, HALF, OPEN, OWN
from trustward.api.access import ROUTES as TABLE
from trustward.api.app import create_app
from trustward.api.asgi import routes
from trustward.base.clock import now_us
from trustward.model.access import ROLES, SCOPES
from trustward.model.people import User
from trustward.operations.signing_in import Where, csrf_of


def call(one: Served, method: str, path: str, key: str) -> Answer:
    return one.ask(method, re.sub(r"\{\w+\}", "none", path), b"", key=key)


def test_the_table_is_whole(one: Served) -> None:
    assert {(method, path): scope for method, path, scope in routes(create_app(one.service))} == TABLE


def let_in(answer: Answer) -> bool:
    """Whether the guard has let a request through, whatever came of it then."""
    problem = answer.json if answer.headers.get("content-type") == "application/problem+json" else {}
    refused = problem.get("code") == "TW-600" or problem.get("detail", "").startswith(GUARD)
    assert not refused or answer.status in {401, 403}
    return not refused


GUARD = ("the key has not", "your roles have not", "this is for people", "the request comes from", "the header Trust")


@pytest.mark.parametrize(("method", "path"), TABLE)
def test_refused_by_default_and_let_in_by_its_scope_alone(one: Served, method: str, path: str) -> None:
    access = TABLE[method, path]
    assert let_in(call(one, method, path, "")) is (access == OPEN)
    if access == OPEN:
        return
    for key in ("", "tw_0123456789abcdef_" + "0" * 64, "nonsense", "ü", one.key + "x", one.key[:-1] + "g"):
        answer = call(one, method, path, key)
        assert (answer.status, answer.json["code"]) == (401, "TW-600"), key
        assert answer.headers["www-authenticate"].startswith("Bearer")
    for scope in SCOPES:
        key = KEYS.setdefault((one.port, scope), one.make_key(scope))
        assert let_in(call(one, method, path, key)) is (access in {ANY, scope}), scope


KEYS: dict[tuple[int, str], str] = {}


def signed_in(one: Served, *roles: str, level: str = "full", disabled: bool = False) -> str:
    """The cookie's value of a new user with these roles."""
    story = one.service.desk.signing_in
    name = token_hex(6)
    user = User(id=name, name=name, roles=roles, disabled_us=1 if disabled else None, created_us=now_us())
    story.store.people.add(user, story.row(user, "user.invited"))
    return story.begin(user, level, "test", Where()).token


def as_person(one: Served, method: str, path: str, token: str, **headers: str) -> Answer:
    said = {"Cookie": f"__Host-trustward={token}", "Trustward_CSRF": csrf_of(token), **headers}
    said = {name.replace("_", "-"): value for name, value in said.items() if value}
    return one.ask(method, re.sub(r"\{\w+\}", "none", path), b"", key="", headers=said)


@pytest.mark.parametrize(("method", "path"), TABLE)
def test_every_role_may_what_the_table_says(one: Served, method: str, path: str) -> None:
    access = TABLE[method, path]
    for role, scopes in ROLES.items():
        told = as_person(one, method, path, signed_in(one, role))
        assert let_in(told) is (access in {OPEN, HALF, OWN, ANY, *scopes}), (role, told.body)
    for roles in ((), ("king",)):
        assert let_in(as_person(one, method, path, signed_in(one, *roles))) is (access in {OPEN, HALF, OWN, ANY})
    half = as_person(one, method, path, signed_in(one, *ROLES, level="half"))
    told = half.json if half.headers["content-type"] == "application/problem+json" else {}
    if access not in {OPEN, HALF}:
        assert (half.status, told["detail"]) == (403, "the second factor is missing")
    else:
        assert let_in(half)
    if access != OPEN:
        for token in (signed_in(one, *ROLES, disabled=True), "0" * 64, "nonsense", "ü"):
            assert as_person(one, method, path, token).status == 401
        # A key is not a session's token, nor the other way round.
        assert call(one, method, path, signed_in(one, *ROLES)).status == 401


CHANGES = [(method, path) for (method, path), access in TABLE.items() if method != "GET" and access != OPEN]
ELSEWHERE = [
    {"Trustward_CSRF": ""},
    {"Trustward_CSRF": "0" * 32},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://127.0.0.1.evil.example"},
    {"Sec_Fetch_Site": "cross-site"},
    {"Sec_Fetch_Site": "same-site"},
]


@pytest.mark.parametrize("headers", ELSEWHERE, ids=str)
def test_no_other_page_changes_anything(one: Served, headers: dict[str, str]) -> None:
    token = signed_in(one, *ROLES)
    for method, path in CHANGES:
        told = as_person(one, method, path, token, **headers)
        assert (told.status, told.json["code"]) == (403, "TW-611"), (method, path)
    assert as_person(one, "GET", "/v1/session", token).status == 200


def test_signing_in_is_for_pages_of_ones_own_too(one: Served) -> None:
    for (method, path), access in TABLE.items():
        if access == OPEN and method != "GET":
            told = one.ask(method, path, b"{}", key="", headers={"Origin": "https://evil.example"})
            assert (told.status, told.json["code"]) == (403, "TW-611"), path
    own = f"http://127.0.0.1:{one.port}"
    told = one.ask("POST", "/v1/session", json={"name": "x", "password": "y"}, key="", headers={"Origin": own})
    assert told.json["code"] == "TW-601"


def test_a_cookie_that_comes_twice_is_none(one: Served) -> None:
    mine, other = signed_in(one, "auditor"), signed_in(one, "auditor")
    told = one.ask(
        "GET", "/v1/session", key="", headers={"Cookie": f"__Host-trustward={mine};__Host-trustward={other}"}
    )
    assert told.status == 401
    for name in ("trustward", "__host-trustward", "__Secure-trustward"):
        assert one.ask("GET", "/v1/session", key="", headers={"Cookie": f"{name}={mine}"}).status == 401


def test_a_route_that_is_not_in_the_table_keeps_the_application_from_starting(one: Served) -> None:
    @get("/v1/new", opt={"scope": "read"})
    async def new() -> None: ...

    @get("/v1/lists", opt={"scope": OPEN})
    async def milder() -> None: ...

    @get("/v1/lists")
    async def silent() -> None: ...

    @get("/v1/lists", opt={"scope": "read"}, before_request=lambda _request: None)
    async def past() -> None: ...

    for handler in (new, milder, silent, past):
        with pytest.raises(RuntimeError, match="/v1/"):
            create_app(one.service, handlers=[handler])


def test_every_scope_is_used_and_every_role_is_made_of_scopes() -> None:
    assert {scope for scopes in ROLES.values() for scope in scopes} <= set(SCOPES)
    assert {access for access in TABLE.values() if access not in {OPEN, HALF, OWN, ANY}} <= set(SCOPES)
    # Who looks on changes nothing, and who lets people in sees no user of the service.
    assert set(ROLES["auditor"]) == {"read", "audit"}
    assert not {"read", "change", "act", "policies"} & set(ROLES["admin"])
    assert all("admin" not in scopes for role, scopes in ROLES.items() if role != "admin")


def test_revoked_and_expired_keys_end(one: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    from trustward.api import auth

    monkeypatch.setattr(auth, "FRESH_S", 0.0)
    key = one.make_key("read")
    assert one.ask("GET", "/v1/lists", key=key).status == 200
    one.service.store.keys.revoke(key.split("_")[1], "kim", now_us())
    assert one.ask("GET", "/v1/lists", key=key).status == 401
    assert one.ask("GET", "/v1/lists", key=one.make_key("read", lasts_us=1)).status == 401


@pytest.mark.parametrize(
    "value", [b"Basic %s", b"Bearer", b"Bearer  ", b"%s", b"Bearer %s, Bearer %s", b"Bearer %s\r\nauthorization: x"]
)
def test_other_ways_of_sending_a_key_are_none(one: Served, value: bytes) -> None:
    said = value.replace(b"%s", one.key.encode())
    got = one.raw(b"GET /v1/lists HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: " + said + b"\r\n\r\n")
    assert got.startswith(b"HTTP/1.1 401 "), got


def test_a_key_has_its_rate() -> None:
    with served(key_rate=5) as one:
        statuses = [one.ask("POST", "/v1/decisions", json=sent(f"r{number}")).status for number in range(12)]
        assert statuses[0] == 200
        refused = one.ask("POST", "/v1/decisions", json=sent("last"))
        assert (refused.status, refused.json["code"]) == (429, "TW-620")
        assert int(refused.headers["retry-after"]) >= 1
        assert one.ask("POST", "/v1/decisions", json=sent("other"), key=one.make_key("decide")).status == 200
        assert statuses.count(429) >= 5


def test_every_route_is_on_the_page() -> None:
    page = (Path(__file__).parents[2] / "docs" / "api.md").read_text("utf-8")
    lines = [line for line in page.splitlines() if line.startswith("| `")]

    def told(method: str, path: str) -> bool:
        parent, _, last = path.rpartition("/")
        short = re.compile(rf"`(\.\.\.[^`]*)?/{re.escape(last)}`")
        ways = [line for line in lines if method in line]
        if any(f"`{path}`" in line or f" {path}`" in line for line in ways):
            return True
        return any(parent.partition("{")[0].rstrip("/") in line and short.search(line) for line in ways)

    assert [route for route in TABLE if not route[1].startswith("/v1/openapi") and not told(*route)] == []
