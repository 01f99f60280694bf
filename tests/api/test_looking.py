"""Looking back over HTTP: search, timelines, and how a decision came about."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.api.served import Served, path_of, sent, served
from trustward.windows import upkeep


@pytest.fixture(scope="module")
def mine() -> Iterator[Served]:
    with served() as found:
        for number in range(30):
            event = sent(f"k{number}", sender="ab"[number % 2], recipient=f"r{number % 7}")
            assert found.ask("POST", "/v1/decisions", json=event).status == 200
        yield found


def search(one: Served, **asked: Any) -> Any:
    answer = one.ask("GET", f"/v1/decisions?{urlencode(asked)}")
    assert answer.status == 200, answer.body
    return answer.json


def pages(one: Served, **asked: Any) -> list[Any]:
    found = []
    told = search(one, **asked)
    while True:
        found += told["decisions"]
        if told["next"] is None:
            return found
        told = search(one, **asked, cursor=told["next"])


def test_page_by_page_the_newest_first(mine: Served) -> None:
    found = pages(mine, limit=7)
    assert [one["event"]["id"] for one in found] == [f"k{number}" for number in reversed(range(30))]
    assert [one["entry"] for one in found] == sorted((one["entry"] for one in found), reverse=True)
    assert found[0]["decision"]["event_id"] == found[0]["event"]["id"]


def test_each_way_to_narrow_it(mine: Served) -> None:
    every = pages(mine, limit=500)
    held = [one for one in every if one["decision"]["verdict"] != "allow"]
    assert 0 < len(held) < 30
    assert pages(mine, verdict="warn,challenge,limit,hold,block", limit=3) == held
    rule = held[0]["decision"]["rules"][0]["id"]
    assert pages(mine, rule=rule) == [one for one in every if rule in {hit["id"] for hit in one["decision"]["rules"]}]
    assert pages(mine, entity="account:r3") == [one for one in every if one["event"]["recipient"] == "r3"]
    assert pages(mine, type="message.sent", limit=20) == every
    assert pages(mine, type="payment.requested") == []
    middle = every[15]["decided"]
    later, earlier = pages(mine, **{"from": middle}), pages(mine, to=middle)
    assert [*later, *earlier] == every
    assert later[-1]["decided"] >= middle > earlier[0]["decided"]


def leaves(part: Any) -> list[Any]:
    return [leaf for inner in part["parts"] for leaf in leaves(inner)] or [part]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("verdict=blok", "did you mean block"),
        ("type=message.send", "did you mean message.sent"),
        ("entity=acount:a", "did you mean account"),
        ("entity=account", "kind:id"),
        ("entity=:a", "kind:id"),
        ("from=yesterday", "from: not a time"),
        ("to=2026-01-01T00:00:00", "to: no zone"),
        ("limit=0", "limit"),
        ("limit=501", "limit"),
        ("limit=x", "limit"),
        ("verdicts=block", "did you mean verdict"),
        ("verdict=block&verdict=hold", "twice"),
        ("cursor=", "cursor"),
        ("cursor=!!", "cursor"),
        ("cursor=AAAAAAAAAAcAAAAAAAAAAA", "cursor"),
        ("cursor=%FF", "cursor"),
    ],
)
def test_what_is_wrong_is_said(mine: Served, asked: str, said: str) -> None:
    answer = mine.ask("GET", f"/v1/decisions?{asked}")
    assert (answer.status, answer.json["code"]) == (400, "TW-630"), answer.body
    assert said in answer.json["detail"] + answer.json["remedy"] + answer.json.get("path", "")


def test_a_cursor_belongs_to_its_query(mine: Served) -> None:
    cursor = search(mine, limit=5)["next"]
    assert search(mine, limit=9, cursor=cursor)["decisions"][0]["event"]["id"] == "k24"
    answer = mine.ask("GET", f"/v1/decisions?{urlencode({'cursor': cursor, 'verdict': 'hold'})}")
    assert (answer.status, answer.json["code"]) == (400, "TW-630")
    for wrong in (cursor[:-1], cursor + "A", cursor.swapcase()):
        assert mine.ask("GET", f"/v1/decisions?{urlencode({'cursor': wrong})}").status == 400


def test_an_entity_has_its_timeline_and_those_it_met(mine: Served) -> None:
    path = path_of("v1", "entities", "account", "a")
    told = mine.ask("GET", f"{path}?limit=4").json
    found = list(told["timeline"])
    while told["next"] is not None:
        told = mine.ask("GET", f"{path}?{urlencode({'limit': 4, 'cursor': told['next']})}").json
        found += told["timeline"]
    assert [one["event"]["id"] for one in found] == [f"k{number}" for number in range(28, -1, -2)]
    met = {(one["kind"], one["id"]): one for one in told["linked"]}
    assert met["account", "r3"]["events"] == sum(one["event"]["recipient"] == "r3" for one in found)
    assert met["account", "r3"]["last"] == next(one["decided"] for one in found if one["event"]["recipient"] == "r3")
    assert ("account", "b") not in met
    assert (told["linked_events"], told["linked_whole"]) == (15, True)
    assert mine.ask("GET", f"{path}?limt=3").status == 400
    assert mine.ask("GET", f"{path}?cursor=x").status == 400
    none = mine.ask("GET", path_of("v1", "entities", "account", "nobody/at all")).json
    assert (none["timeline"], none["next"], none["linked"]) == ([], None, [])


def test_a_decision_is_explained_part_by_part(mine: Served) -> None:
    held = next(one for one in pages(mine) if one["decision"]["verdict"] != "allow")
    path = path_of("v1", "decisions", held["event"]["id"])
    assert mine.ask("GET", path).json["explanation"] is None
    told = mine.ask("GET", f"{path}?explain=true").json["explanation"]
    assert (told["how"], told["same"], told["why"]) == ("derived", True, "")
    outcomes = {rule["id"]: rule["condition"] for rule in told["rules"]}
    for hit in held["decision"]["rules"]:
        condition = outcomes[hit["id"]]
        assert condition["outcome"] == "holds"
        assert any(leaf["values"] for leaf in leaves(condition))
    assert any(condition["outcome"] != "holds" for condition in outcomes.values())
    assert mine.ask("GET", f"{path}?explain=maybe").status == 400
    assert mine.ask("GET", f"{path}?explane=true").status == 400


def test_it_says_so_if_too_much_lies_between(mine: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(mine.service.retelling).retell, "__defaults__", (3,))
    told = mine.ask("GET", path_of("v1", "decisions", "k20") + "?explain=true").json["explanation"]
    assert (told["how"], told["same"], told["rules"]) == ("stored", None, [])
    assert "entries lie between" in told["why"]


def test_ready_means_that_looking_at_an_entity_compiles_nothing(mine: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[Any] = []
    kernel = upkeep.look

    def look(*given: Any) -> Any:
        looked.append(given)
        return kernel(*given)

    monkeypatch.setattr(upkeep, "look", look)
    mine.service.warm()
    assert looked  # else the first look would keep the engine from deciding for as long as compiling takes
