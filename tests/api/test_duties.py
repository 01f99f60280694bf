"""Duties over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.served import Served, path_of


def opened(one: Served, subject: str, **fields: Any) -> dict[str, Any]:
    answer = one.ask("POST", "/v1/duties", json={"clock": "TW-FCHPA-32", "subject": subject, **fields})
    assert answer.status == 201, answer.json
    (duty,) = answer.json["duties"]
    return dict(duty)


def test_from_open_to_done(one: Served) -> None:
    duty = opened(one, "ad:1", owner="desk", reason="a notice came", starts="2026-01-05T10:00:00Z")
    assert (duty["due"], duty["overdue"], duty["state"]) == ("2026-01-06T10:00:00Z", True, "open")
    path = path_of("v1", "duties", duty["id"], "steps")
    assert one.ask("POST", path, json={"step": "assign", "to": "lee"}).json["owner"] == "lee"
    assert one.ask("POST", path, json={"step": "note", "reason": "looked"}).status == 200
    refused = one.ask("POST", path, json={"step": "pause", "authority": "a", "reason": "b"})
    assert (refused.status, refused.json["code"]) == (409, "TW-580")
    done = one.ask("POST", path, json={"step": "done", "evidence": {"said": "removed", "refs": ["m1-0"]}}).json
    assert (done["state"], done["overdue"], len(done["breaches"])) == ("done", False, 1)
    assert done["latency_s"] > 0
    told = one.ask("GET", path_of("v1", "duties", duty["id"])).json
    assert [page["what"] for page in told["file"]][-1] == "done"
    assert told["file"][0]["reason"] == "a notice came"
    assert told["duty"]["evidence"]["refs"] == ["m1-0"]
    again = one.ask("POST", path, json={"step": "cancel", "reason": "x"})
    assert (again.status, again.json["code"]) == (409, "TW-580")


def test_an_order_and_its_extension(one: Served) -> None:
    duty = opened(one, "order:1", clock="SG-ACT-comply", due="2126-01-05T10:00:00Z")
    path = path_of("v1", "duties", duty["id"], "steps")
    longer = {"step": "extend", "until": "2126-02-05T10:00:00+08:00", "authority": "police", "reason": "asked"}
    assert one.ask("POST", path, json=longer).json["due"] == "2126-02-05T02:00:00Z"
    assert one.ask("POST", path, json={"step": "pause", "authority": "police", "reason": "unclear"}).status == 200
    assert one.ask("POST", path, json={"step": "resume"}).json["state"] == "open"
    assert one.ask("POST", path, json={"step": "cancel", "reason": "withdrawn"}).json["state"] == "cancelled"


def test_gates_and_happenings(one: Served) -> None:
    (duty,) = one.ask("POST", "/v1/duties", json={"clock": "CN-ATOF-6", "subject": "feature:1"}).json["duties"]
    gate = one.ask("GET", "/v1/gates?subject=feature:1&event=launch").json
    assert (gate["open"], [unmet["id"] for unmet in gate["unmet"]]) == (False, [duty["id"]])
    assert one.ask("GET", "/v1/gates?subject=feature:2&event=launch").json == {"open": True, "unmet": []}
    (dared,) = one.ask("POST", "/v1/happenings", json={"subject": "feature:1", "event": "launch"}).json["duties"]
    assert len(dared["breaches"]) == 1


def test_pages(one: Served) -> None:
    made = [opened(one, "page:1")["id"] for _ in range(5)]
    assert len(made) == 5
    seen: list[str] = []
    after: str | None = ""
    while after is not None:
        part = one.ask("GET", f"/v1/duties?subject=page:1&limit=2&after={after}").json
        seen += [duty["id"] for duty in part["duties"]]
        after = part["next"]
    assert sorted(seen) == sorted(made)
    one.ask("POST", path_of("v1", "duties", made[0], "steps"), json={"step": "cancel", "reason": "x"})
    assert len(one.ask("GET", "/v1/duties?subject=page:1").json["duties"]) == 4
    assert len(one.ask("GET", "/v1/duties?subject=page:1&state=cancelled").json["duties"]) == 1
    assert one.ask("GET", "/v1/duties?subject=page:1&due_before=2026-01-01T00:00:00Z").json["duties"] == []
    assert one.ask("GET", "/v1/duties?subject=page:1&breached=true").json["duties"] == []


def test_secret_ones_are_not_there(one: Served) -> None:
    duty = opened(one, "order:s", secret=True)
    reader = one.make_key("read", "operate")
    assert one.ask("GET", "/v1/duties?subject=order:s", key=reader).json["duties"] == []
    path = path_of("v1", "duties", duty["id"])
    for method, place, body in (
        ("GET", path, None),
        ("POST", path + "/steps", {"step": "cancel", "reason": "x"}),
        ("POST", path + "/steps", {"step": "note", "reason": "x"}),
    ):
        answer = one.ask(method, place, json=body, key=reader)
        assert (answer.status, answer.json["code"]) == (404, "TW-560")
    missing = one.ask("GET", "/v1/duties/none", key=reader).json
    assert missing["detail"] == one.ask("GET", path, key=reader).json["detail"].replace(duty["id"], "none")
    refused = one.ask("POST", "/v1/duties", json={"clock": "TW-FCHPA-32", "subject": "x", "secret": True}, key=reader)
    assert refused.status == 403
    assert one.ask("GET", path).json["duty"]["secret"] is True


def test_what_is_owed_about_a_secret_record_is_secret(one: Served) -> None:
    hold = one.ask(
        "POST",
        "/v1/holds",
        json={"by": "police", "basis": "s 9", "cause": "a call", "entities": [["account", "duty-1"]], "secret": True},
    ).json["id"]
    duty = opened(one, f"hold:{hold}", title="tell the desk")
    reader = one.make_key("read", "operate")
    assert duty["secret"] is True
    assert one.ask("GET", path_of("v1", "duties", duty["id"]), key=reader).status == 404
    assert opened(one, "hold:none")["secret"] is False


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"clock": "nope", "subject": "s"}, 400, "no clock nope"),
        ({"clock": "order", "subject": "s"}, 400, "set by the order"),
        ({"clock": "order", "subject": "s", "due": "soon"}, 400, "$.due"),
        ({"clock": "TW-FCHPA-32", "subject": "s", "market": "XX"}, 400, "no calendar of XX"),
        ({"clock": "TW-FCHPA-32", "subject": ""}, 400, "$.subject"),
        ({"clock": "TW-FCHPA-32", "subject": "a\nb"}, 400, "$.subject"),
        ({"clock": "CN-OTM-29", "subject": "s", "starts": "9999-01-01T00:00:00Z"}, 400, "too far away"),
        ({"clock": "TW-FCHPA-32", "subject": "s", "extra": 1}, 400, "extra"),
    ],
)
def test_what_cannot_be_opened(one: Served, body: dict[str, Any], status: int, said: str) -> None:
    answer = one.ask("POST", "/v1/duties", json=body)
    assert answer.status == status
    assert said in answer.json["detail"] + answer.json.get("path", "")


def test_what_is_no_step(one: Served) -> None:
    duty = opened(one, "ad:2")
    path = path_of("v1", "duties", duty["id"], "steps")
    for body in ({"step": "explode"}, {"step": "done"}, {"step": "note", "reason": ""}, {"reason": "x"}):
        assert one.ask("POST", path, json=body).status == 400, body
    assert one.ask("POST", "/v1/duties/none/steps", json={"step": "note", "reason": "x"}).status == 404
    assert one.ask("GET", "/v1/duties?due_before=soon").status == 400
    assert one.ask("GET", "/v1/duties?state=lost").status == 400


def test_clocks_say_where_they_come_from(one: Served) -> None:
    clocks = {clock["id"]: clock for clock in one.ask("GET", "/v1/clocks").json["clocks"]}
    assert clocks["CN-OTM-29"]["length"] == "1 working day"
    assert clocks["EU-DSA-30-delete"]["length"] == "6 months to 7 months"
    assert all(clock["source"] for clock in clocks.values())
