"""Measures, strikes and appeals over HTTP."""

from __future__ import annotations

from typing import Any

from tests.api.served import Answer, Served
from tests.api.test_cases import step as case_step


def decided(one: Served, entity: str, policy: str, **outcome: Any) -> str:
    """A case that kim has closed, and lee where two have to see it."""
    body = {"kind": "account", "entity": entity, "category": "other", "reason": "a call"}
    case: str = one.ask("POST", "/v1/cases", json=body).json["id"]
    said = {"verdict": "act", "policy": policy, "reasons": "seen in ten chats", **outcome}
    for who in ("kim", "lee"):
        assert case_step(one, case, who, step="take").status == 200
        closed = case_step(one, case, who, step="close", outcome=said).json
        if closed["state"] == "closed":
            return case
    raise AssertionError(closed)


def heard(one: Served, appeal: str, who: str, **body: Any) -> Answer:
    return one.ask("POST", f"/v1/appeals/{appeal}/steps", json=body, headers={"Trustward-Person": who})


def test_from_an_outcome_to_an_appeal(one: Served) -> None:
    asked = "/v1/consequences?policy=fraud/mule&kind=account&entity=enf-1"
    due = one.ask("GET", asked).json
    assert (due["do"], due["before"], due["after"], due["lasts_s"]) == ("suspend", 0, 1, 30 * 86_400)
    case = decided(one, "enf-1", "fraud/mule")
    (measure,) = one.ask("GET", f"/v1/measures?cause=case:{case}").json["measures"]
    assert (measure["do"], measure["state"], measure["strikes"], measure["notice"]) == (
        "suspend",
        "in_force",
        1,
        "sent",
    )
    told = one.ask("GET", f"/v1/measures/{measure['id']}").json
    assert one.ask("GET", f"/v1/actions/{told['action']}").json["id"] == told["action"]
    assert one.ask("GET", "/v1/strikes?kind=account&entity=enf-1").json["live"] == {"fraud": 1}
    assert one.ask("GET", asked).json["do"] == "close"
    wanted = {"decision": f"case:{case}", "account": "enf-1", "text": "somebody else had my password"}
    filed = one.ask("POST", "/v1/appeals", json=wanted)
    assert (filed.status, filed.json["state"], filed.json["measures"]) == (201, "received", [measure["id"]])
    appeal = filed.json["id"]
    assert one.ask("POST", "/v1/appeals", json=wanted).json["id"] == appeal
    second = one.ask("POST", "/v1/appeals", json={**wanted, "text": "other words"})
    assert (second.status, second.json["code"]) == (409, "TW-580")
    assert one.ask("POST", "/v1/appeals", json={**wanted, "account": "enf-2"}).status == 404
    assert heard(one, appeal, "kim", step="take").json["code"] == "TW-580"
    assert one.ask("POST", "/v1/appeals/next", headers={"Trustward-Person": "max"}).json["appeal"]["id"] == appeal
    assert heard(one, appeal, "max", step="release").status == 200
    assert heard(one, appeal, "max", step="take").json["hearer"].endswith(":max")
    done = heard(one, appeal, "max", step="decide", finding="reversed", reasons="another country that day").json
    assert (done["state"], done["undone"]) == ("reversed", [measure["id"]])
    assert one.ask("GET", f"/v1/measures/{measure['id']}").json["measure"]["state"] == "lifted"
    assert one.ask("GET", "/v1/strikes?kind=account&entity=enf-1").json["live"] == {"fraud": 0}
    assert one.ask("GET", f"/v1/cases/{case}").json["case"]["reversed"]["reviewer"].endswith(":max")
    file = one.ask("GET", f"/v1/appeals/{appeal}").json["file"]
    assert [page["what"] for page in file] == ["received", "taken", "given_back", "taken", "reversed"]
    assert one.ask("GET", "/v1/appeals?state=reversed&account=enf-1").json["appeals"][0]["id"] == appeal
    rates = {rate["about"]: rate for rate in one.ask("GET", "/v1/appeal-rates").json["rates"]}
    assert any(name.endswith(":kim") and rate["overturned"] for name, rate in rates.items())


def test_lifted_by_hand_and_asked_for_badly(one: Served) -> None:
    case = decided(one, "enf-3", "conduct/spam")
    (measure,) = one.ask("GET", "/v1/measures?kind=account&entity=enf-3").json["measures"]
    assert (measure["do"], measure["strikes"], measure["cause"]) == ("warn", 0, f"case:{case}")
    lifted = one.ask("POST", f"/v1/measures/{measure['id']}/lift", json={"reason": "the wrong account"})
    assert (lifted.status, lifted.json["state"], lifted.json["lifted_why"]) == (200, "lifted", "the wrong account")
    assert one.ask("GET", "/v1/measures").json["code"] == "TW-100"
    assert one.ask("GET", "/v1/measures/none").status == 404
    assert one.ask("GET", "/v1/consequences?policy=none&kind=account&entity=a").status == 404
    assert one.ask("GET", f"/v1/measures?parent={measure['id']}").json == {"measures": [], "next": None}
    tree = {node["id"]: node for node in one.ask("GET", "/v1/policy-tree").json["policies"]}
    assert (tree["fraud/phishing"]["parent"], tree["fraud/phishing"]["ladder"]) == ("fraud", "fraud")
    late = {"decision": f"case:{case}", "account": "enf-3", "text": "x", "exception": "ill"}
    refused = one.ask("POST", "/v1/appeals", json=late, key=one.make_key("report"))
    assert (refused.status, refused.json["code"]) == (403, "TW-610")
    bad = one.ask("POST", "/v1/appeals", json={**late, "decision": "nonsense"})
    assert (bad.status, bad.json["code"], bad.json["path"]) == (400, "TW-310", "$.decision")


def test_a_secret_measure_is_shown_to_nobody_else(one: Served) -> None:
    from trustward.operations.enforcing import Taking

    taking = Taking(
        do="limit",
        kind="account",
        entity="enf-9",
        cause="order:enf9",
        policy="law",
        reasons="quiet",
        actor="kim",
        secret=True,
    )
    measure = one.service.operations.enforcing.take(taking)
    plain = one.make_key("read", "act", "audit")
    for path in (
        f"/v1/measures/{measure.id}",
        "/v1/measures?cause=order:enf9",
        "/v1/measures?kind=account&entity=enf-9",
    ):
        assert b"quiet" not in one.ask("GET", path, key=plain).body
        assert b"quiet" in one.ask("GET", path).body
    assert one.ask("POST", f"/v1/measures/{measure.id}/lift", json={"reason": "x"}, key=plain).status == 404


def test_secret_measures_take_no_place_on_a_page(one: Served) -> None:
    from trustward.operations.enforcing import Taking

    made = one.service.operations.enforcing
    for at in range(9):
        said = {"kind": "account", "entity": "enf-10", "cause": "desk:10", "policy": "law", "reasons": "r"}
        made.take(Taking(do="limit", actor="kim", id=f"enf-10-{at}", secret=at not in {1, 6}, **said))  # type: ignore[arg-type]
    plain = one.make_key("read")
    seen: list[str] = []
    after: str | None = ""
    while after is not None:
        page = one.ask("GET", f"/v1/measures?cause=desk:10&limit=1&after={after}", key=plain).json
        seen += [measure["id"] for measure in page["measures"]]
        after = page["next"]
        assert after is None or after in seen
    assert seen == ["enf-10-1", "enf-10-6"]
    on = one.ask("GET", "/v1/measures?kind=account&entity=enf-10&limit=2", key=plain).json["measures"]
    assert {measure["id"] for measure in on} == set(seen)
    whole = one.ask("GET", "/v1/measures?cause=desk:10&limit=9").json
    assert (len(whole["measures"]), whole["next"]) == (9, None)


def test_an_action_is_taken_back_with_its_measure(one: Served) -> None:
    case = decided(one, "enf-behind", "fraud/mule")
    (measure,) = one.ask("GET", f"/v1/measures?cause=case:{case}").json["measures"]
    action = one.ask("GET", f"/v1/measures/{measure['id']}").json["action"]
    path = f"/v1/actions/{action}/reverse"
    answers = [
        one.ask("POST", path, json={"reason": "the wrong one"}, headers={"Trustward-Person": "max"}) for _ in range(2)
    ]
    assert [answer.status for answer in answers] == [200, 200]
    assert answers[1].json["again"]
    told = one.ask("GET", f"/v1/measures/{measure['id']}").json["measure"]
    assert (told["state"], told["lifted_by"].endswith(":max"), told["lifted_why"]) == ("lifted", True, "the wrong one")
    assert one.ask("GET", "/v1/strikes?kind=account&entity=enf-behind").json["live"] == {"fraud": 0}
