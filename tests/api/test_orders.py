"""Orders and programmes over HTTP."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.api.served import Answer, Served
from trustward.api.access import ROUTES as TABLE
from trustward.model.access import SCOPES
from trustward.model.issuer import Channel, Issuer

ORDER: dict[str, Any] = {
    "issuer": "sg-police",
    "reference": "OCHA/17",
    "basis": "Online Criminal Harms Act 2023, s 11",
    "type": "account_restriction",
    "targets": [{"kind": "account", "entity": "a17"}],
    "clocks": [{"clock": "SG-ACT-comply", "due": "2127-01-31T12:00:00Z"}],
}
NOTICE: dict[str, Any] = {
    "kind": "rectification",
    "issuer": "sg-competent-authority",
    "reference": "RN/3",
    "title": "Failures found",
    "items": [{"title": "No answers", "obligation": "SG-OCC-3", "due": "2127-01-31T12:00:00Z"}],
}


def step(one: Served, path: str, **body: Any) -> Answer:
    return one.ask("POST", f"{path}/steps", json=body)


def test_an_order_nobody_has_verified_is_not_carried_out(one: Served) -> None:
    answer = one.ask("POST", "/v1/orders", json=ORDER)
    assert (answer.status, answer.json["state"], answer.json["market"]) == (201, "received", "SG")
    path = f"/v1/orders/{answer.json['id']}"
    assert one.ask("POST", "/v1/orders", json=ORDER).json["id"] == answer.json["id"]
    other = one.ask("POST", "/v1/orders", json={**ORDER, "title": "other"})
    assert (other.status, other.json["code"]) == (409, "TW-530")
    refused = step(one, path, step="execute")
    assert (refused.status, refused.json["code"]) == (409, "TW-580")
    called = step(one, path, step="call_back", channel="the letter's", spoke_to="x", said="y")
    assert (called.status, called.json["code"]) == (409, "TW-580")
    assert one.ask("GET", f"{path}/targets").json["targets"][0]["state"] == "waiting"
    assert step(one, path, step="reject", reason="nobody there knows of it").json["state"] == "rejected"
    file = one.ask("GET", f"{path}/file").json
    assert [page["what"] for page in file["pages"]] == ["received", "told", "rejected"]
    assert answer.json["id"] in one.ask("GET", "/v1/orders?state=rejected&limit=200").body.decode()


def test_what_cannot_be_taken_in(one: Served) -> None:
    for wrong, code in (
        ({"type": "nonsense"}, "TW-310"),
        ({"until": "soon"}, "TW-310"),
        ({"targets": [{"kind": "account", "entity": "a", "lasts": "x"}]}, "TW-310"),
        ({"targets": [{"kind": "nonsense", "entity": "a"}]}, "TW-560"),
        ({"targets": []}, "TW-100"),
        ({"document": "n*t"}, "TW-100"),
        ({"clocks": [{"clock": "nonsense"}]}, "TW-340"),
    ):
        answer = one.ask("POST", "/v1/orders", json={**ORDER, "reference": "wrong", **wrong})
        assert answer.status in {400, 404, 422}, answer.json
        assert answer.json["code"] == code
    secret = one.ask("POST", "/v1/orders", json={**ORDER, "secret": True}, key=one.make_key("order"))
    assert (secret.status, secret.json["code"]) == (403, "TW-610")


def test_an_issuers_own_key_sends_its_orders_and_does_nothing_else(
    one: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, other = one.make_key("order"), one.make_key("operate", "read")
    channel = Channel(name="api", kind="api", key=key.split("_")[1])
    own = Issuer(id="sg-police", name="Singapore Police Force", market="SG", channels=(channel,))
    monkeypatch.setitem(one.service.operations.directives.issuers, "sg-police", own)
    order = {**ORDER, "reference": "by-its-key"}
    answer = one.ask("POST", "/v1/orders", json=order, key=key)
    assert (answer.status, answer.json["state"], answer.json["authentic"]["how"]) == (201, "accepted", "channel")
    path = f"/v1/orders/{answer.json['id']}"
    assert one.ask("POST", "/v1/orders", json=order, key=key).json["id"] == answer.json["id"]
    foreign = one.ask("POST", "/v1/orders", json={**order, "issuer": "sg-competent-authority"}, key=key)
    assert (foreign.status, foreign.json["code"]) == (403, "TW-610")
    for method, where in TABLE:
        if TABLE[method, where] in SCOPES and where != "/v1/orders":
            assert one.ask(method, re.sub(r"\{\w+\}", "none", where), b"", key=key).status == 403, where
    assert one.ask("GET", "/v1/orders", key=key).status == 403
    assert one.ask("POST", f"{path}/steps", json={"step": "execute"}, key=key).status == 403
    assert one.ask("POST", "/v1/orders", json=order, key=other).status == 403
    assert step(one, path, step="withdraw", reason="a test", authority="the police").status == 200


def test_a_notice(one: Served) -> None:
    answer = one.ask("POST", "/v1/programmes", json=NOTICE)
    assert answer.status == 201, answer.json
    path = f"/v1/programmes/{answer.json['id']}"
    kim, lee = ({"Trustward-Person": name} for name in ("kim", "lee"))
    remedy = {"step": "remedy", "item": 1, "said": "answered", "refs": ["report:1"]}
    assert one.ask("POST", f"{path}/steps", json=remedy, headers=kim).json["items"][0]["state"] == "remedied"
    body = {"step": "attest", "item": 1, "said": "looked"}
    # The key without a name could be anybody who uses it.
    for nobody in (None, kim):
        refused = one.ask("POST", f"{path}/steps", json=body, headers=nobody)
        assert (refused.status, refused.json["code"]) == (409, "TW-580")
    assert one.ask("POST", f"{path}/steps", json=body, headers=lee).json["items"][0]["state"] == "attested"
    assert step(one, path, step="close", said="all of it").json["state"] == "closed"
    told = one.ask("GET", path).json
    assert [page["what"] for page in told["file"]] == ["received", "item", "remedied", "attested", "closed"]


def test_the_clock_of_an_order_ends_with_the_order(one: Served) -> None:
    made = one.ask("POST", "/v1/orders", json={**ORDER, "reference": "OCHA/word"}).json
    (clock,) = made["clocks"]
    path = f"/v1/duties/{clock['duty']}/steps"
    for body in ({"step": "done", "evidence": {"said": "trust me"}}, {"step": "cancel", "reason": "no time"}):
        refused = one.ask("POST", path, json=body)
        assert (refused.status, refused.json["code"]) == (409, "TW-580")
    assert one.ask("POST", path, json={"step": "note", "reason": "no time"}).json["state"] == "open"
    step(one, f"/v1/orders/{made['id']}", step="reject", reason="nobody there knows of it")
    assert one.ask("GET", f"/v1/duties/{clock['duty']}").json["duty"]["state"] == "cancelled"
