"""Clues, holds and requests over HTTP; secret ones for those with the scope alone."""

from __future__ import annotations

import io
from typing import Any

from tests.api.served import Answer, Served, sent
from trustward.exchange.evidence import verify

LATER = "2127-01-31T12:00:00Z"
FORM = {
    "what": "forty told to invest",
    "suspects": "account clue-1",
    "period": "this week",
    "contact": "desk@shop.example",
}


def step(one: Served, path: str, who: str = "kim", *, key: str | None = None, **body: Any) -> Answer:
    return one.ask("POST", f"/v1/{path}/steps", json=body, key=key, headers={"Trustward-Person": who})


def case_of(one: Served, entity: str) -> str:
    one.ask("POST", "/v1/decisions", json=sent(f"e-{entity}", sender=entity))
    body = {"category": "scam", "kind": "account", "entity": entity, "reporter": "u77", "market": "SG"}
    return str(one.ask("POST", "/v1/reports", json=body).json["case"])


def test_a_clue_goes_out(one: Served) -> None:
    case = case_of(one, "clue-1")
    told = {each["id"]: each for each in one.ask("GET", "/v1/authorities").json["authorities"]}
    assert [field["name"] for field in told["SG-SPF"]["fields"]][:2] == ["what", "suspects"]
    facts = {"victims": 2}
    dry = one.ask("POST", "/v1/clues/assess", json={"case": case, "facts": facts}).json
    assert (dry["choices"][0]["authority"], dry["choices"][0]["told"], dry["duties"]) == ("SG-SPF", True, [])
    owed = one.ask("POST", "/v1/clues/assess", json={"case": case, "facts": facts, "owe": True}).json["duties"]
    assert [duty["title"] for duty in owed] == ["Tell an authority: Singapore Police Force"]
    wanted = {"authority": "SG-SPF", "case": case, "summary": "one ring", "facts": facts}
    drafted = one.ask("POST", "/v1/clues", json=wanted)
    assert (drafted.status, drafted.json["duty"]) == (201, owed[0]["id"])
    clue = f"clues/{drafted.json['id']}"
    assert drafted.json["missing"][0] == "what (What happened)"
    assert step(one, clue, step="approve").json["detail"].startswith("the form of Singapore Police Force lacks: what")
    again = one.ask("POST", "/v1/clues", json=wanted)
    assert (again.status, again.json["code"]) == (409, "TW-580")
    assert step(one, clue, step="amend", fields=FORM).json["missing"] == []
    assert one.ask("GET", f"/v1/{clue}/bundle").status == 404
    assert step(one, clue, step="approve").status == 200
    assert step(one, clue, step="send", handed="on its portal").json["latency_s"] is not None
    assert step(one, clue, step="send", handed="on its portal").status == 409
    assert step(one, clue, step="receipt", number="SPF-7").json["state"] == "received"
    assert step(one, clue, step="feedback", feedback="taken_up", text="thank you").json["feedback"] == "taken_up"
    whole = one.ask("GET", f"/v1/{clue}").json
    assert [page["what"] for page in whole["file"]][-2:] == ["received", "feedback"]
    answer = one.ask("GET", f"/v1/{clue}/bundle")
    assert answer.headers["content-type"] == "application/x-tar"
    assert int(answer.headers["content-length"]) == len(answer.body) == whole["evidence"]["size"]
    key = one.ask("GET", "/v1/evidence/key").json["public"]
    verdict = verify(io.BytesIO(answer.body), key)
    assert (verdict.fine, verdict.sha256) == (True, whole["evidence"]["id"])
    assert b'"u77"' not in answer.body
    listed = one.ask("GET", f"/v1/clues?case={case}&state=answered&authority=SG-SPF").json["clues"]
    assert [each["id"] for each in listed] == [drafted.json["id"]]
    given = one.ask("GET", "/v1/disclosures?kind=account&entity=clue-1").json["disclosures"]
    assert [each["cause"] for each in given] == [f"clue:{drafted.json['id']}"]
    said = [page["said"] for page in one.ask("GET", f"/v1/cases/{case}").json["file"]]
    assert "Singapore Police Force: taken up: thank you" in said


def test_what_is_wrong_with_a_clue(one: Served) -> None:
    whole = {"authority": "SG-SPF", "summary": "s", "kind": "account", "entity": "clue-2"}
    for body, status in (
        ({**whole, "authority": "SG-SFP"}, 404),
        ({**whole, "kind": "acount"}, 404),
        ({**whole, "entity": ""}, 400),
        ({**whole, "facts": {"odd": 1}}, 400),
        ({**whole, "facts": {"losses": [{"amount": 5, "currency": "sgd"}]}}, 400),
        ({**whole, "known": "yesterday"}, 400),
        ({**whole, "case": "none"}, 404),
        ({"authority": "SG-SPF", "summary": "s"}, 400),
        (whole, 409),  # for no market at all nobody in Singapore is competent
    ):
        answer = one.ask("POST", "/v1/clues", json=body)
        assert answer.status == status, (body, answer.json)
        assert answer.json["remedy"]
    assert one.ask("POST", "/v1/clues/assess", json={"owe": True}).status == 404
    for path in ("clues/none", "holds/none", "requests/none"):
        assert one.ask("GET", f"/v1/{path}").status == 404
        assert step(one, path, step="note", text="x").status in {400, 404}
    assert one.ask("GET", "/v1/requests/none/bundle").status == 404


def test_a_hold(one: Served) -> None:
    body = {"entities": [["account", "hold-1"]], "basis": "s 20", "by": "police", "until": LATER, "cause": "order:17"}
    placed = one.ask("POST", "/v1/holds", json=body)
    assert (placed.status, placed.json["state"]) == (201, "in_force")
    hold = f"holds/{placed.json['id']}"
    assert one.service.operations.holds.held("account", "hold-1")
    more = step(one, hold, step="widen", entities=[["ip", "1.2.3.4"]], reason="his")
    assert len(more.json["entities"]) == 2
    longer = step(one, hold, step="extend", until="2128-01-31T12:00:00Z", by="police", reason="still looking")
    assert longer.json["until"].startswith("2128")
    on = one.ask("GET", "/v1/holds?kind=ip&entity=1.2.3.4").json["holds"]
    assert [each["id"] for each in on] == [placed.json["id"]]
    assert step(one, hold, step="release", by="court", reason="over").json["state"] == "released"
    assert not one.service.operations.holds.held("account", "hold-1")
    assert step(one, hold, step="release", by="court", reason="over").status == 409
    assert [page["what"] for page in one.ask("GET", f"/v1/{hold}").json["file"]] == [
        "placed",
        "widened",
        "extended",
        "released",
    ]
    linked = one.ask("POST", "/v1/holds", json={**body, "linked": True})
    assert linked.status == 201
    assert one.ask("POST", "/v1/holds", json={**body, "until": "2020-01-01T00:00:00Z"}).status == 400
    assert one.ask("POST", "/v1/holds", json={**body, "entities": [["acount", "x"]]}).status == 404


ASKED = {
    "by": "police",
    "contact": "desk@police.example",
    "basis": "s 47",
    "reference": "P/7",
    "entities": [["account", "ask-1"]],
    "data": ["events", "decisions", "labels"],
}


def test_a_request(one: Served) -> None:
    one.ask("POST", "/v1/decisions", json=sent("e-ask-1", sender="ask-1"))
    clocks = [{"clock": "SG-OCC-information", "due": LATER}, {"clock": "information"}]
    asked = one.ask("POST", "/v1/requests", json={**ASKED, "clocks": clocks, "emergency": True})
    assert (asked.status, len(asked.json["duties"])) == (201, 3)
    path = f"requests/{asked.json['id']}"
    assert step(one, path, step="answer", handed="by courier").status == 409
    assert step(one, path, step="verify", genuine=True, how="rang back").json["verified"]["genuine"]
    answered = step(one, path, step="answer", handed="by courier")
    assert (answered.status, answered.json["state"]) == (200, "answered"), answered.json
    bundle = one.ask("GET", f"/v1/{path}/bundle")
    assert verify(io.BytesIO(bundle.body)).fine
    assert b"e-ask-1" in bundle.body
    states = {one.ask("GET", f"/v1/duties/{duty}").json["duty"]["state"] for duty in asked.json["duties"]}
    assert states == {"done"}
    assert one.ask("GET", "/v1/requests?state=answered&by=police").json["requests"]
    for name, body in (
        ("verify", {"genuine": False, "how": "nobody knows him"}),
        ("withdraw", {"reason": "has it"}),
        ("refuse", {"reasons": "no power", "handed": "by letter"}),
        ("nothing_found", {"reasons": "no such account", "handed": "by letter"}),
    ):
        other = f"requests/{one.ask('POST', '/v1/requests', json=ASKED).json['id']}"
        if name in {"refuse", "nothing_found"}:
            step(one, other, step="verify", genuine=True, how="x")
        assert step(one, other, step="note", text="a call").status == 200
        assert step(one, other, step=name, **body).status == 200, name
    assert one.ask("POST", "/v1/requests", json={**ASKED, "data": ["chats"]}).status == 400
    assert one.ask("POST", "/v1/requests", json={**ASKED, "clocks": [{"clock": "none"}]}).status == 400


def test_what_is_secret_is_secret_everywhere(one: Served) -> None:
    plain = one.make_key("operate", "read", "act", "audit", "actions", "change")
    one.ask("POST", "/v1/decisions", json=sent("e-hush", sender="hush-1"))
    subject = [["account", "hush-1"]]
    hold = {"entities": subject, "basis": "s 20 hush", "by": "police", "until": LATER, "secret": True}
    asked = {**ASKED, "entities": subject, "basis": "s 47 hush", "secret": True, "emergency": True}
    for path, body in (("holds", hold), ("requests", asked)):
        refused = one.ask("POST", f"/v1/{path}", json=body, key=plain)
        assert (refused.status, refused.json["code"]) == (403, "TW-610")
    before = len(one.service.store.audit.read(0, 100_000))
    held = one.ask("POST", "/v1/holds", json=hold).json["id"]
    made = one.ask("POST", "/v1/requests", json=asked).json["id"]
    step(one, f"holds/{held}", step="extend", until="2129-01-01T00:00:00Z", by="police", reason="hush")
    step(one, f"requests/{made}", step="verify", genuine=True, how="hush")
    assert step(one, f"requests/{made}", step="answer", handed="in person").status == 200
    bundle = one.ask("GET", f"/v1/requests/{made}").json["evidence"]["id"]
    for path in (f"holds/{held}", f"requests/{made}", f"requests/{made}/bundle"):
        assert one.ask("GET", f"/v1/{path}").status == 200
        hidden = one.ask("GET", f"/v1/{path}", key=plain)
        gone = one.ask("GET", f"/v1/{path}".replace(held, "none").replace(made, "none"), key=plain)
        assert hidden.status == gone.status == 404
        assert hidden.json["code"] == gone.json["code"]
    steps: tuple[tuple[str, dict[str, Any]], ...] = (
        (f"holds/{held}", {"step": "release", "by": "x", "reason": "y"}),
        (f"requests/{made}", {"step": "note", "text": "y"}),
    )
    for path, change in steps:
        assert step(one, path, key=plain, **change).status == 404
    hidden_words = (held.encode(), made.encode(), bundle.encode(), b"0 hush", b"7 hush")
    for path in (
        "/v1/holds?limit=200",
        "/v1/holds?kind=account&entity=hush-1",
        "/v1/requests?limit=200",
        "/v1/disclosures?limit=200",
        "/v1/disclosures?kind=account&entity=hush-1",
        "/v1/duties?limit=200",
        "/v1/duties?limit=200&state=done",
        f"/v1/duties?subject=hold:{held}",
        "/v1/entities/account/hush-1",
        "/v1/cases?kind=account&entity=hush-1",
        "/v1/actions?kind=account&entity=hush-1",
        "/v1/actions/backlog",
        "/v1/dead-letters",
    ):
        answer = one.ask("GET", path, key=plain)
        assert not any(word in answer.body for word in hidden_words), path
    # Labels of the tests before may come late, and the first link of a service that has just started.
    late = {"label.changed", "user.link"}
    rows = [row for row in one.service.store.audit.read(0, 100_000)[before:] if row.action not in late]
    assert rows == []
    assert one.ask("GET", "/v1/holds?kind=account&entity=hush-1").json["holds"][0]["id"] == held
