"""Reports, cases and queues over HTTP."""

from __future__ import annotations

from time import monotonic, sleep
from typing import Any

import pytest

from tests.api.served import Answer, Served
from tests.api.test_who_may import signed_in
from trustward.operations.signing_in import csrf_of

ACT = {
    "verdict": "act",
    "policy": "fraud/scam",
    "reasons": "many told the same",
    "measures": [{"do": "suspend", "kind": "account", "entity": "x", "lasts": "7d"}],
}


def step(one: Served, about: str, who: str, **body: Any) -> Answer:
    return one.ask("POST", f"/v1/cases/{about}/steps", json=body, headers={"Trustward-Person": who})


def report(one: Served, entity: str, **said: Any) -> dict[str, Any]:
    body = {"category": "scam", "kind": "account", "entity": entity, "reporter": "u1", **said}
    answer = one.ask("POST", "/v1/reports", json=body)
    assert answer.status == 201, answer.json
    return dict(answer.json)


def test_from_report_to_outcome(one: Served) -> None:
    receipt = report(one, "http-1", text="asked for money", id="receipt-http-1")
    assert receipt["receipt"] == "receipt-http-1"
    assert receipt["answer_by"] > receipt["at"]
    assert report(one, "http-1", text="asked for money", id="receipt-http-1")["case"] == receipt["case"]
    case = receipt["case"]
    told = one.ask("GET", f"/v1/cases/{case}").json
    assert (told["case"]["reports"], told["lease"], told["file"][0]["what"]) == (1, None, "opened")
    assert one.ask("GET", f"/v1/cases/{case}/reports").json["reports"][0]["id"] == "receipt-http-1"
    first = one.ask("GET", f"/v1/cases/{case}?limit=1").json
    rest = one.ask("GET", f"/v1/cases/{case}?after={first['next']}").json
    assert [*first["file"], *rest["file"]] == told["file"]
    assert (told["next"], rest["next"]) == (None, None)
    assert step(one, case, "kim", step="take").status == 200
    assert one.ask("GET", f"/v1/cases/{case}").json["lease"]["reviewer"].endswith(":kim")
    refused = step(one, case, "lee", step="close", outcome=ACT)
    assert (refused.status, refused.json["code"]) == (409, "TW-580")
    assert step(one, case, "kim", step="keep").status == 200
    assert step(one, case, "kim", step="note", text="looked").status == 200
    closed = step(one, case, "kim", step="close", outcome=ACT).json
    if closed["state"] == "open":  # chosen for a second look
        assert closed["proposed"] == []
        step(one, case, "lee", step="take")
        closed = step(one, case, "lee", step="close", outcome=ACT).json
    assert closed["state"] == "closed"
    assert step(one, case, "boss", step="reverse", reason="mistaken").json["reversed"]["reviewer"].endswith(":boss")
    one.service.operations.closing.tell()
    # It was taken back before its sender had heard of it.
    assert one.ask("GET", "/v1/reports/receipt-http-1").json["result"] == "no_action"


def test_a_report_is_an_event_within_a_second(one: Served) -> None:
    receipt = report(one, "http-2")["receipt"]
    until = monotonic() + 30
    while (answer := one.ask("GET", f"/v1/decisions/report:{receipt}")).status == 404:
        assert monotonic() < until
        sleep(0.05)
    assert answer.json["event"]["subject"] == "http-2"


def test_the_next_case(one: Served) -> None:
    opened = one.ask(
        "POST", "/v1/cases", json={"kind": "account", "entity": "n1", "category": "other", "reason": "a call"}
    )
    assert opened.status == 201
    seen, name = set(), ""
    while (work := one.ask("POST", "/v1/queues/general/next", headers={"Trustward-Person": "max"}).json)["case"]:
        seen.add(work["case"]["id"])
        name = work["lease"]["reviewer"]
        assert name.endswith(":max")
        step(one, work["case"]["id"], "max", step="skip", reason="not mine")
    assert opened.json["id"] in seen
    queues = {queue["queue"]: queue for queue in one.ask("GET", "/v1/queues").json["queues"]}
    assert queues["general"]["waiting"] >= 1
    assert one.ask("GET", f"/v1/reviewers/{name}").json["reviewer"]["skips"] == len(seen)
    assert one.ask("POST", "/v1/break", headers={"Trustward-Person": "max"}).status == 200
    assert one.ask("POST", "/v1/queues/general/next", headers={"Trustward-Person": "max"}).status == 409
    assert one.ask("POST", "/v1/queues/none/next").status == 404
    assert one.ask("POST", "/v1/queues/general/next", headers={"Trustward-Person": "a b"}).status == 400


def test_a_case_is_closed_and_held_in_one_step(one: Served) -> None:
    case = one.ask("POST", "/v1/cases", json={"kind": "account", "entity": "held-1", "reason": "r"}).json["id"]
    step(one, case, "kim", step="take")
    outcome = {"verdict": "no_action", "policy": "fraud/scam", "reasons": "for the police"}
    hold = {"basis": "s 20", "by": "police", "until": "2127-01-31T12:00:00Z"}
    for wrong, said in (
        ({"until": "tomorrow"}, "$.hold.until"),
        ({"until": "2001-01-31T12:00:00Z"}, "over already"),
        ({"entities": [["acount", "x"]]}, "acount"),
        ({"basis": ""}, "$.hold.basis"),
    ):
        refused = step(one, case, "kim", step="close", outcome=outcome, hold={**hold, **wrong})
        assert (refused.status in {400, 404}, said in str(refused.json)) == (True, True), refused.json
    body = {"step": "close", "outcome": outcome, "hold": {**hold, "secret": True}}
    who = {"Trustward-Person": "kim"}
    refused = one.ask("POST", f"/v1/cases/{case}/steps", json=body, headers=who, key=one.make_key("operate"))
    assert refused.status == 403
    assert one.ask("GET", f"/v1/cases/{case}").json["case"]["state"] == "open"
    assert one.ask("GET", f"/v1/holds?cause=case:{case}").json["holds"] == []
    assert step(one, case, "kim", step="close", outcome=outcome, hold=hold).status == 200
    (held,) = one.ask("GET", f"/v1/holds?cause=case:{case}").json["holds"]
    assert (held["state"], held["entities"]) == ("in_force", [["account", "held-1"]])
    assert held["until"].startswith("2127-01-31T12:00:0")  # in whole seconds, and never shorter


def test_batches_and_other_steps(one: Served) -> None:
    ids = [
        one.ask("POST", "/v1/cases", json={"kind": "account", "entity": f"b{at}", "reason": "r"}).json["id"]
        for at in range(4)
    ]
    plan = one.ask("POST", "/v1/batches", json={"cases": ids[:2], "outcome": ACT}).json
    assert set(plan["results"].values()) == {"would be closed"}
    assert one.ask("POST", f"/v1/batches/{plan['id']}/run").json["state"] == "done"
    assert one.ask("GET", f"/v1/cases/{ids[0]}").json["case"]["batch"] == plan["id"]
    assert one.ask("POST", f"/v1/batches/{plan['id']}/reverse", json={"reason": "x"}).json["state"] == "reversed"
    assert one.ask("GET", f"/v1/batches/{plan['id']}").json["state"] == "reversed"
    later = one.ask("POST", "/v1/batches", json={"cases": ids[2:], "outcome": ACT}).json
    page = one.ask("GET", "/v1/batches?limit=1").json
    assert ([batch["id"] for batch in page["batches"]], page["next"]) == ([later["id"]], later["id"])
    page = one.ask("GET", f"/v1/batches?after={page['next']}").json
    assert page["next"] is None
    (told,) = page["batches"]
    assert (told["id"], told["closed"], told["why"], told["reversed_by"]) == (plan["id"], 2, "x", plan["actor"])
    assert one.ask("GET", "/v1/batches", key=one.make_key("operate")).status == 403
    for body in (
        {"step": "assign", "to": "lee"},
        {"step": "assign", "to": ""},
        {"step": "escalate", "reason": "hard"},
        {"step": "move", "queue": "general", "reason": "back"},
        {"step": "park", "reason": "waiting"},
        {"step": "resume"},
        {"step": "link", "case": ids[3]},
        {"step": "note", "text": "please", "to": ["account", "b2"]},
        {"step": "release"},
    ):
        assert step(one, ids[2], "kim", **body).status == 200, body
    assert step(one, ids[3], "kim", step="merge", into=ids[2], reason="one ring").json["entities"][1] == [
        "account",
        "b3",
    ]
    assert step(one, ids[2], "kim", step="split", entities=[["account", "b3"]], reason="no").json["entity"] == "b3"
    assert len(one.ask("GET", f"/v1/cases/{ids[3]}/similar").json["cases"]) == 2
    assert one.ask("GET", "/v1/cases?kind=account&entity=b3").json["cases"][0]["entity"] == "b3"
    assert len(one.ask("GET", "/v1/cases?limit=2&state=open").json["cases"]) == 2


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"category": "scam", "kind": "acount", "entity": "a"}, "account"),
        ({"category": "bad", "kind": "account", "entity": "a"}, "bad"),
        ({"category": "scam", "kind": "account", "entity": "a", "channel": "notice"}, "legal notice"),
        ({"category": "scam", "kind": "account", "entity": "a", "channel": "flagger"}, "flagger"),
        ({"category": "scam", "kind": "account", "entity": "a", "id": "x"}, "$.id"),
        ({"category": "scam", "kind": "account", "entity": "a", "text": "\x00"}, "$.text"),
    ],
)
def test_what_is_no_report(one: Served, body: dict[str, Any], said: str) -> None:
    answer = one.ask("POST", "/v1/reports", json=body)
    assert 400 <= answer.status < 500
    assert said in str(answer.json)


def test_an_outcome_names_what_there_can_be(one: Served) -> None:
    body = {"kind": "account", "entity": "named-1", "category": "other", "reason": "a call"}
    case = one.ask("POST", "/v1/cases", json=body).json["id"]
    assert step(one, case, "kim", step="take").status == 200
    for entity, status in ((["acount", "named-1"], 404), (["account", " "], 400)):
        measure = {"do": "suspend", "kind": entity[0], "entity": entity[1]}
        outcome = {**ACT, "measures": [measure]}
        assert step(one, case, "kim", step="close", outcome=outcome).status == status
        assert one.ask("POST", "/v1/batches", json={"cases": [case], "outcome": outcome}).status == status
    assert one.ask("GET", f"/v1/cases/{case}").json["case"]["state"] == "open"


def test_who_may_only_report(one: Served) -> None:
    key = one.make_key("report")
    body = {"category": "scam", "kind": "account", "entity": "only", "reporter": "u9"}
    receipt = one.ask("POST", "/v1/reports", json=body, key=key).json["receipt"]
    assert one.ask("GET", f"/v1/reports/{receipt}", key=key).status == 403


def test_cases_and_holds_about_an_entity_are_those_asked_for(one: Served) -> None:
    about = report(one, "http-about")["case"]
    path = "/v1/cases?kind=account&entity=http-about"
    assert [case["id"] for case in one.ask("GET", path).json["cases"]] == [about]
    assert one.ask("GET", f"{path}&state=closed").json["cases"] == []
    assert one.ask("GET", f"{path}&queue=nowhere").json["cases"] == []
    assert one.ask("GET", f"{path}&after={about}").json["cases"] == []
    holds = [
        one.ask("POST", "/v1/holds", json={"entities": [["account", "http-about"]], "basis": "b", "by": by}).json["id"]
        for by in ("police", "court")
    ]
    one.ask("POST", f"/v1/holds/{holds[0]}/steps", json={"step": "release", "by": "police", "reason": "over"})
    path = path.replace("cases", "holds")
    assert [hold["id"] for hold in one.ask("GET", f"{path}&state=in_force").json["holds"]] == holds[1:]
    first = one.ask("GET", f"{path}&limit=1").json
    rest = one.ask("GET", f"{path}&after={first['next']}").json
    assert {hold["id"] for hold in (*first["holds"], *rest["holds"])} == set(holds)


def test_who_takes_a_step_of_a_duty_is_on_its_page(one: Served) -> None:
    body = {"clock": "order", "subject": "order:by-hand", "due": "2127-01-01T00:00:00Z"}
    duty = one.ask("POST", "/v1/duties", json=body, headers={"Trustward-Person": "kim"}).json["duties"][0]["id"]
    note = {"step": "note", "reason": "tried"}
    one.ask("POST", f"/v1/duties/{duty}/steps", json=note, headers={"Trustward-Person": "lee"})
    file = one.ask("GET", f"/v1/duties/{duty}").json["file"]
    assert [page["actor"].rpartition(":")[2] for page in file] == ["kim", "lee"]


def test_a_case_goes_to_the_person_whom_a_name_means(one: Served) -> None:
    about = report(one, "http-assigned")["case"]
    assigned = step(one, about, "kim", step="assign", to="lee").json["assigned"]
    assert assigned.endswith(":lee")
    assert [case["id"] for case in one.ask("GET", "/v1/cases?assigned=lee").json["cases"]] == [about]
    assert step(one, about, "kim", step="take").status == 409
    assert step(one, about, "lee", step="take").status == 200
    assert step(one, about, "lee", step="release").status == 200
    token = signed_in(one, "reviewer")
    user = one.service.store.people.all()[-1]
    path, cookie = f"/v1/cases/{about}/steps", {"Cookie": f"__Host-trustward={token}", "Trustward-CSRF": csrf_of(token)}
    for to, status in (("nobody-by-that-name", 404), (user.name, 200)):
        answer = one.ask("POST", path, json={"step": "assign", "to": to}, key="", headers=cookie)
        assert answer.status == status, answer.json
    assert answer.json["assigned"] == f"user:{user.id}"
    refused = one.ask("POST", path, json={"step": "assign", "to": "user:none"}, key="", headers=cookie)
    assert (refused.status, "there is no user" in refused.json["detail"]) == (404, True)
    assert one.ask("POST", path, json={"step": "take"}, key="", headers=cookie).status == 200
