"""Who may: one table of routes and scopes, held against every route that there is."""

from __future__ import annotations

import re

import pytest

from tests.api.served import Answer, Served, sent, served
from trustward.api.app import create_app
from trustward.api.asgi import routes
from trustward.api.auth import ANY, OPEN
from trustward.operations.keys import SCOPES

TABLE = {
    ("GET", "/livez"): OPEN,
    ("GET", "/readyz"): OPEN,
    ("GET", "/metrics"): "metrics",
    ("POST", "/v1/decisions"): "decide",
    ("POST", "/v1/events"): "decide",
    ("GET", "/v1/decisions"): "read",
    ("GET", "/v1/decisions/{event_id}"): "read",
    ("GET", "/v1/entities/{kind}/{entity_id}"): "read",
    ("PUT", "/v1/labels"): "change",
    ("DELETE", "/v1/labels"): "change",
    ("GET", "/v1/lists"): "read",
    ("GET", "/v1/lists/{name}/entries"): "read",
    ("PUT", "/v1/lists/{name}/entries"): "change",
    ("DELETE", "/v1/lists/{name}/entries"): "change",
    ("GET", "/v1/lists/{name}/export"): "read",
    ("POST", "/v1/lists/{name}/import"): "change",
    ("GET", "/v1/policies"): "read",
    ("POST", "/v1/policies"): "policies",
    ("GET", "/v1/policies/{hash}"): "read",
    ("POST", "/v1/policies/check"): "policies",
    ("PUT", "/v1/policies/live"): "policies",
    ("POST", "/v1/policies/rollback"): "policies",
    ("GET", "/v1/duties"): "read",
    ("POST", "/v1/duties"): "operate",
    ("GET", "/v1/duties/{duty_id}"): "read",
    ("POST", "/v1/duties/{duty_id}/steps"): "operate",
    ("POST", "/v1/happenings"): "operate",
    ("GET", "/v1/gates"): "read",
    ("GET", "/v1/clocks"): "read",
    ("GET", "/v1/actions/{id}"): "read",
    ("POST", "/v1/actions/{id}/reverse"): "actions",
    ("POST", "/v1/actions/lease"): "actions",
    ("POST", "/v1/actions/confirm"): "actions",
    ("POST", "/v1/actions/fail"): "actions",
    ("GET", "/v1/actions/backlog"): "read",
    ("GET", "/v1/dead-letters"): "read",
    ("POST", "/v1/dead-letters/replay"): "actions",
    ("POST", "/v1/dead-letters/withdraw"): "actions",
    ("GET", "/v1/snoozes"): "read",
    ("PUT", "/v1/snoozes"): "change",
    ("DELETE", "/v1/snoozes"): "change",
    ("GET", "/v1/policies/proposals"): "read",
    ("POST", "/v1/policies/proposals"): "policies",
    ("GET", "/v1/policies/proposals/{id}"): "read",
    ("POST", "/v1/policies/proposals/{id}/approve"): "policies",
    ("POST", "/v1/policies/proposals/{id}/reject"): "policies",
    ("POST", "/v1/policies/{hash}/backtest"): "policies",
    ("GET", "/v1/backtests"): "read",
    ("GET", "/v1/backtests/{id}"): "read",
    ("DELETE", "/v1/backtests/{id}"): "policies",
    ("PUT", "/v1/policies/shadow"): "policies",
    ("DELETE", "/v1/policies/shadow"): "policies",
    ("GET", "/v1/policies/shadow/compare"): "read",
    ("GET", "/v1/openapi"): ANY,
    ("GET", "/v1/openapi/openapi.json"): ANY,
    ("GET", "/v1/openapi/{path}"): ANY,
}


def call(one: Served, method: str, path: str, key: str) -> Answer:
    return one.ask(method, re.sub(r"\{\w+\}", "none", path), b"", key=key)


def test_the_table_is_whole(one: Served) -> None:
    assert {(method, path): scope for method, path, scope in routes(create_app(one.service))} == TABLE


@pytest.mark.parametrize(("method", "path"), TABLE)
def test_refused_by_default_and_let_in_by_its_scope_alone(one: Served, method: str, path: str) -> None:
    scope = TABLE[method, path]
    if scope == OPEN:
        assert call(one, method, path, "").status == 200
        return
    for key in ("", "tw_0123456789abcdef_" + "0" * 64, "nonsense", "ü", one.key + "x", one.key[:-1] + "g"):
        answer = call(one, method, path, key)
        assert (answer.status, answer.json["code"]) == (401, "TW-600"), key
        assert answer.headers["www-authenticate"].startswith("Bearer")
    for other in SCOPES:
        status = call(one, method, path, KEYS.setdefault((one.port, other), one.make_key(other))).status
        assert (status == 403) is (scope not in {ANY, other}), other
        assert status != 401


KEYS: dict[tuple[int, str], str] = {}


def test_revoked_and_expired_keys_end(one: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    from trustward.api import auth
    from trustward.base.clock import now_us

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
