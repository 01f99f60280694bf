"""What people change: labels, lists, policies; and what is known of an entity."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.api.served import POLICY, Served, path_of, sent, served
from trustward.adapters.store.opened import open_store
from trustward.api import policies
from trustward.model.changes import PolicyChange
from trustward.operations.proposing import live_before
from trustward.ports import Store

LATER = "2126-01-01T00:00:00Z"


@pytest.fixture(scope="module")
def mine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    store = open_store("", tmp_path_factory.mktemp("data"))
    with served(store) as found:
        yield found
    store.close()


def burst(one: Served, sender: str, prefix: str) -> str:
    """The verdict on the third of three messages to three people."""
    events = [sent(f"{prefix}{number}", sender=sender, recipient=f"r{number}") for number in range(3)]
    return str([one.ask("POST", "/v1/decisions", json=event).json["verdict"] for event in events][-1])


def entity(one: Served, kind: str, name: str) -> dict[str, Any]:
    answer = one.ask("GET", path_of("v1", "entities", kind, name))
    assert answer.status == 200, answer.body
    found: dict[str, Any] = answer.json
    return found


def test_a_list_counts_from_the_next_event_on(mine: Served) -> None:
    assert burst(mine, "shop", "l1-") == "hold"
    said = {"values": ["shop", "shop/2"], "reason": "contract", "origin": "sales", "expires": LATER}
    done = mine.ask("PUT", "/v1/lists/partners/entries", json=said)
    assert (done.status, done.json["values"]) == (200, 2), done.body
    assert burst(mine, "shop", "l2-") != "hold"
    assert entity(mine, "account", "shop")["lists"] == ["partners"]
    told = {entry["value"]: entry for entry in mine.ask("GET", "/v1/lists/partners/entries").json["entries"]}
    assert told["shop"]["origin"] == "sales"
    assert told["shop"]["reason"] == "contract"
    assert told["shop"]["actor"] == f"key:{mine.key.split('_')[1]}"
    assert told["shop"]["expires"].startswith("2126-01-01")
    assert told["p1"]["origin"] == "policy"
    gone = mine.ask("DELETE", "/v1/lists/partners/entries?value=shop&value=p1&reason=over")
    assert gone.status == 200, gone.body
    assert burst(mine, "shop", "l3-") == "hold"
    values = [entry["value"] for entry in mine.ask("GET", "/v1/lists/partners/entries").json["entries"]]
    assert "shop" not in values
    assert "p1" not in values


@pytest.mark.parametrize("form", ["text", "csv", "json"])
def test_what_is_exported_can_be_imported(mine: Served, form: str) -> None:
    kind = {"text": "text/plain", "csv": "text/csv", "json": "application/json"}[form]
    bodies = {
        "text": b"# a comment\n t1\n\nt\xc3\xbc,2\n",
        "csv": 'value,reason,expires\nt1,"a, b",\ntü;2,,2126-01-01T00:00:00Z\n'.encode(),
        "json": '[{"value": "t1", "reason": "x"}, {"value": "tü\\"2", "expires": "2126-01-01T00:00:00Z"}]'.encode(),
    }
    path = "/v1/lists/partners/import?reason=bulk&origin=file"
    done = mine.ask("POST", path, bodies[form], headers={"Content-Type": kind})
    assert (done.status, done.json["values"]) == (200, 2), done.body
    out = mine.ask("GET", f"/v1/lists/partners/export?format={form}")
    assert out.headers["content-type"].startswith(kind)
    again = mine.ask("POST", path, out.body, headers={"Content-Type": kind})
    assert again.status == 200, again.body
    assert mine.ask("GET", f"/v1/lists/partners/export?format={form}").body.count(b"t1") == out.body.count(b"t1")


def test_pages_of_a_list(mine: Served) -> None:
    values = [f"page{number:03}" for number in range(25)]
    assert mine.ask("PUT", "/v1/lists/partners/entries", json={"values": values, "reason": "r"}).status == 200
    found: list[str] = []
    after = "page"
    while after:
        page = mine.ask("GET", f"/v1/lists/partners/entries?limit=10&after={after}").json
        found += [entry["value"] for entry in page["entries"]]
        after = page["next"] or ""
    assert [value for value in found if value.startswith("page")] == values
    told = mine.ask("GET", "/v1/lists").json["lists"]
    assert [(one["name"], one["kind"]) for one in told] == [("partners", "account")]
    assert told[0]["values"] >= 25


@pytest.mark.parametrize(
    ("kind", "body", "path"),
    [
        ("text/csv", b"name\nx\n", "line 1"),
        ("text/csv", b"value,expires\nx,yesterday\n", "line 2.expires"),
        ("text/csv", b"value,expires\nx\n", "line 2"),
        ("text/csv", b'value\n"x\n', "line 1"),
        ("text/plain", b"ok\nx\x01y\n", "line 2.value"),
        ("application/json", b'[{"value": "x"}, {"value": 5}]', "$[1].value"),
        ("application/json", b'[{"value": "x", "expires": "2020-01-01T00:00:00Z"}]', "$[0].expires"),
    ],
)
def test_an_import_with_a_fault_changes_nothing(mine: Served, kind: str, body: bytes, path: str) -> None:
    before = mine.service.store.journal.head()
    answer = mine.ask("POST", "/v1/lists/partners/import?reason=r", body, headers={"Content-Type": kind})
    assert (answer.status, answer.json["path"]) == (400, path), answer.body
    assert mine.service.store.journal.head() == before


def test_a_list_that_is_not_there(mine: Served) -> None:
    answer = mine.ask("PUT", "/v1/lists/partnerz/entries", json={"values": ["x"], "reason": "r"})
    assert (answer.status, answer.json["remedy"]) == (404, "did you mean partners?")


def test_a_label_is_set_forbidden_and_taken_back(mine: Served) -> None:
    name = "http://x.example/ü?a=b"
    said = {"kind": "account", "entity": name, "label": "watched", "reason": "a report", "origin": "desk"}
    assert mine.ask("PUT", "/v1/labels", json=said).status == 200
    (label,) = entity(mine, "account", name)["labels"]
    assert (label["label"], label["present"], label["by"], label["origin"]) == ("watched", True, "person", "desk")
    assert mine.ask("PUT", "/v1/labels", json={**said, "present": False, "expires": LATER}).status == 200
    (label,) = entity(mine, "account", name)["labels"]
    assert (label["present"], label["expires"][:10]) == (False, "2126-01-01")
    from urllib.parse import urlencode

    query = urlencode({"kind": "account", "entity": name, "label": "watched", "reason": "over"})
    assert mine.ask("DELETE", f"/v1/labels?{query}").status == 200
    assert entity(mine, "account", name)["labels"] == []
    actions = [(row.actor, row.action) for row in mine.service.store.audit.read(0, 10_000)]
    assert (f"key:{mine.key.split('_')[1]}", "label.changed") in actions


def test_features_are_those_that_a_rule_would_read(mine: Served) -> None:
    from trustward.base.clock import now_us
    from trustward.base.units import format_time

    for number in range(2):
        event = sent(f"w{number}", sender="w", recipient=f"r{number}", time=format_time(now_us()))
        assert mine.ask("POST", "/v1/decisions", json=event).status == 200
    told = {(one["aggregate"], one["within"]): one["value"] for one in entity(mine, "account", "w")["features"]}
    assert told["distinct", "1m"] == 2
    assert told["count", "10s"] == 2
    assert told["since", ""] is None


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (b"", "$"),
        (b"nope", "$"),
        (b'{"kind": "account", "entity": "x", "label": "l"}', "$"),
        (b'{"kind": "account", "entity": "x", "label": 5, "reason": "r"}', "$.label"),
        (b'{"kind": "account", "entity": "x", "label": "l", "reason": "r", "colour": 1}', "$"),
        (b'{"kind": "account", "entity": "x", "label": "l", "reason": "r", "expires": "soon"}', "$.expires"),
        (b'{"kind": "account", "entity": "x", "label": "l\\u0000", "reason": "r"}', "$.label"),
    ],
)
def test_a_wrong_label_is_refused(mine: Served, body: bytes, path: str) -> None:
    answer = mine.ask("PUT", "/v1/labels", body)
    assert (answer.status, answer.json.get("path")) == (400, path), answer.body


def policy(reach: int) -> dict[str, Any]:
    """The policy of these tests, with another reach of one rule."""
    source = next(Path(POLICY).glob("*.policy")).read_text(encoding="utf-8")
    for before in ("contacts_1m >= {}", 'hits=[[repeat({}, {{"sender": "a", "recipient"'):
        source = source.replace(before.format(3), before.format(reach))
    lists = (Path(POLICY) / "lists" / "partners.txt").read_text(encoding="utf-8")
    return {
        "name": "mine",
        "sources": [{"name": "mine.policy", "text": source}, {"name": "lists/partners.txt", "text": lists}],
    }


def test_a_policy_is_checked_stored_put_live_and_taken_back(mine: Served) -> None:
    first = mine.service.live().hash
    checked = mine.ask("POST", "/v1/policies/check", json=policy(2))
    assert checked.json["fine"], checked.body
    stored = mine.ask("POST", "/v1/policies", json=policy(2))
    assert (stored.status, stored.json["mode"]) == (201, "off")
    name = stored.json["hash"]
    assert name == checked.json["hash"] != first
    assert mine.ask("GET", f"/v1/policies/{name}").json["sources"] == policy(2)["sources"]
    live = mine.ask("PUT", "/v1/policies/live", json={"hash": name, "reason": "sharper"})
    assert (live.status, live.json["hash"]) == (200, name), live.body
    first_two = [sent(f"pol{number}", sender="pol", recipient=f"r{number}") for number in range(2)]
    decided = [mine.ask("POST", "/v1/decisions", json=event).json for event in first_two]
    assert [one["verdict"] for one in decided] == ["allow", "hold"]
    assert {one["policy"] for one in decided} == {name}
    modes = {one["hash"]: one["mode"] for one in mine.ask("GET", "/v1/policies").json["policies"]}
    assert modes == {first: "off", name: "live"}
    back = mine.ask("POST", "/v1/policies/rollback", json={"reason": "too sharp"})
    assert (back.status, back.json["hash"]) == (200, first), back.body
    assert mine.service.live().hash == first
    again = mine.ask("POST", "/v1/policies/rollback", json={"reason": "no, it was right"})
    assert again.json["hash"] == name


def test_of_two_who_roll_back_at_once_one_is_refused(mine: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    live, stored = mine.service.live().hash, mine.ask("POST", "/v1/policies", json=policy(5)).json["hash"]
    assert mine.ask("PUT", "/v1/policies/live", json={"hash": stored, "reason": "r"}).status == 200

    def both(store: Store) -> str:
        found = live_before(store)
        mine.service.host.change(PolicyChange(actor="lee", policy=found)).result()
        return live_before(store)

    monkeypatch.setattr(policies, "live_before", both)
    refused = mine.ask("POST", "/v1/policies/rollback", json={"reason": "r"})
    assert (refused.status, refused.json["code"]) == (409, "TW-210")
    assert mine.service.live().hash == live


def test_a_faulty_policy_is_not_stored(mine: Served) -> None:
    wrong = policy(2)
    wrong["sources"][0]["text"] = wrong["sources"][0]["text"].replace("contacts_1m >= 2", "contacts_2m >= 2")
    checked = mine.ask("POST", "/v1/policies/check", json=wrong)
    assert (checked.status, checked.json["fine"]) == (200, False)
    assert "contacts_2m" in checked.json["faults"][0]
    answer = mine.ask("POST", "/v1/policies", json=wrong)
    assert (answer.status, answer.json["code"]) == (422, "TW-200")
    assert answer.json["faults"]
    failing = policy(2)
    failing["sources"][0]["text"] = failing["sources"][0]["text"].replace("contacts_1m >= 2", "contacts_1m >= 3")
    failing["sources"][0]["text"] = failing["sources"][0]["text"].replace("within ten", "in ten")
    assert mine.ask("POST", "/v1/policies", json=failing).status == 422


def test_no_policy_before(one: Served) -> None:
    answer = one.ask("POST", "/v1/policies/rollback", json={"reason": "r"})
    assert (answer.status, answer.json["code"]) == (404, "TW-560")
