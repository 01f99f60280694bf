"""What is far off: times at the ends of the calendar, lengths beyond it, NUL characters, digits of no ASCII."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.api.served import Served, served
from trustward import bootstrap
from trustward.testing.postgres import PostgresServer

FAR = ("9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00")
NEVER = "9999-12-31T23:59:59Z"
DUTY = {"clock": "SG-ACT-comply", "subject": "order:1", "reason": "r"}
LABEL = {"kind": "account", "entity": "far", "label": "x", "reason": "r"}
NUL = "a\0b"


@pytest.fixture(scope="module")
def mine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    # PostgreSQL keeps no NUL in a text.
    with PostgresServer() as server:
        settings = bootstrap.service_settings(data=str(tmp_path_factory.mktemp("data")), database=server.database())
        bootstrap.upgrade(settings)
        store = bootstrap.store(settings)
        with served(store) as found:
            yield found
        store.close()


@pytest.mark.parametrize("at", FAR)
@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("POST", "/v1/keys", {"name": "k", "scopes": ["read"]}, "expires"),
        ("PUT", "/v1/labels", LABEL, "expires"),
        ("POST", "/v1/duties", DUTY, "due"),
        ("POST", "/v1/duties", {**DUTY, "due": "2127-01-31T12:00:00Z"}, "starts"),
    ],
)
def test_a_time_outside_the_calendar_is_refused(
    mine: Served, method: str, path: str, body: dict[str, Any], field: str, at: str
) -> None:
    answer = mine.ask(method, path, json={**body, field: at})
    assert (answer.status, answer.json["path"]) == (400, f"$.{field}"), answer.body
    for look in ("/v1/keys", "/v1/duties", "/v1/entities/account/far"):
        assert mine.ask("GET", look).status == 200


def test_a_key_for_good_can_be_replaced_and_still_be_looked_at(mine: Served) -> None:
    made = mine.ask("POST", "/v1/keys", json={"name": "k", "scopes": ["read"], "expires": NEVER})
    path = f"/v1/keys/{made.json['id']}/rotate"
    for overlap in ("9999999999d", "99999999999999999999w"):
        assert mine.ask("POST", path, json={"overlap": overlap}).status == 400
    assert mine.ask("POST", path, json={"overlap": "1d"}).status == 201
    assert mine.ask("GET", "/v1/keys").status == 200


def test_a_nul_is_refused_before_any_database_is(mine: Served) -> None:
    made = mine.ask("POST", "/v1/duties", json={**DUTY, "due": "2127-01-31T12:00:00Z"})
    assert made.status == 201, made.body
    steps = f"/v1/duties/{made.json['duties'][0]['id']}/steps"
    bodies: list[tuple[str, Any, str]] = [
        (steps, {"step": "assign", "to": NUL}, "$.to"),
        (steps, {"step": "note", "reason": "r", "evidence": {"said": "s", "refs": ["r", NUL]}}, "$.evidence.refs[1]"),
        ("/v1/happenings", {"subject": NUL, "event": "e"}, "$.subject"),
        ("/v1/session", {"name": NUL, "password": "p"}, "$.name"),
        ("/v1/session/passkey", {"id": "i", "credential": {"id": NUL}}, "$.credential.id"),
    ]
    for path, body, place in bodies:
        answer = mine.ask("POST", path, json=body)
        assert (answer.status, answer.json["path"]) == (400, place), answer.body
    # The same letters, written out, are a text like any other.
    assert mine.ask("POST", steps, json={"step": "note", "reason": "\\u0000"}).status == 200
    for method, path in (
        ("GET", "/v1/duties/%00"),
        ("GET", "/v1/duties?owner=a%00"),
        ("GET", "/v1/gates?subject=%00&event=e"),
        ("DELETE", "/v1/keys/%00"),
        ("DELETE", "/v1/users/a%00b/sessions"),
        ("POST", "/v1/users/%00/link"),
    ):
        assert mine.ask(method, path).status == 400, path
