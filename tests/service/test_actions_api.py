"""Actions, dead letters and snoozes over HTTP, with each store."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event as Signal
from time import monotonic, sleep
from typing import Any

import pytest

from tests.api.served import POLICY, Served, sent, served
from trustward.base.clock import now_us
from trustward.base.units import format_time
from trustward.ports import Store
from trustward.settings import TargetSettings

POLL = TargetSettings(name="pull")
LATE = TargetSettings(name="late", actions=("review",), decisions=True)


@pytest.fixture
def mine(opened: Callable[[], Store], tmp_path: Path) -> Iterator[Served]:
    folder = tmp_path / "patient"
    shutil.copytree(POLICY, folder)
    (source,) = folder.glob("*.policy")
    # Labels that outlast the slowest machine.
    source.write_text(source.read_text(encoding="utf-8").replace('"busy", lasts="20s"', '"busy", lasts="1d"'))
    with served(opened(), policy=str(folder), targets=(POLL, LATE), delivery_rests=("1s",)) as found:
        yield found


def post(one: Served, path: str, **body: Any) -> Any:
    answer = one.ask("POST", path, json=body)
    assert answer.status == 200, answer.body
    return answer.json


def busy(one: Served, sender: str) -> int:
    """Three messages to three people: the last one is held, and its sender labelled. The entry."""
    time = format_time(now_us())
    for number in range(3):
        event = sent(f"{sender}-{number}", sender=sender, recipient=f"r{number}", time=time)
        answer = one.ask("POST", "/v1/decisions", json=event)
        assert answer.status == 200, answer.body
    assert answer.json["verdict"] == "hold"
    return int(answer.headers["trustward-entry"])


@contextmanager
def busy_engine(one: Served) -> Iterator[None]:
    hold = Signal()
    blocked = one.service.host.ask(lambda _engine: hold.wait(10))
    yield
    hold.set()
    blocked.result()


def test_fetched_confirmed_failed_given_up_and_replayed(mine: Served) -> None:
    first = busy(mine, "a")
    assert mine.ask("GET", f"/v1/actions/{first}-0").json["state"] == "waiting"
    lease = post(mine, "/v1/actions/lease", limit=1)
    assert [one["id"] for one in lease["actions"]] == [f"{first}-0"]
    assert post(mine, "/v1/actions/lease") == {"lease": None, "until": None, "actions": []}
    # What is failed comes again before what follows it.
    done = post(mine, "/v1/actions/fail", lease=lease["lease"], id=f"{first}-0", said="locked", refused=True)
    assert done == {"id": f"{first}-0", "state": "dead", "tries": 1}
    rest = post(mine, "/v1/actions/lease", lasts="1s")
    assert [one["id"] for one in rest["actions"]] == [f"{first}-1"]
    over = mine.ask("POST", "/v1/actions/fail", json={"lease": lease["lease"], "id": f"{first}-0"})
    assert (over.status, over.json["code"]) == (409, "TW-570"), over.body
    until = monotonic() + 30
    while (again := post(mine, "/v1/actions/lease"))["lease"] is None:
        assert monotonic() < until
        sleep(0.05)
    assert again["actions"] == rest["actions"]
    # A word that comes after its lease counts, and says that it was late.
    late = post(mine, "/v1/actions/confirm", lease=rest["lease"], ids=[f"{first}-1", f"{first}-1"])
    assert late == {"confirmed": 1, "held": False}
    assert post(mine, "/v1/actions/confirm", lease=again["lease"], ids=[f"{first}-1"]) == {"confirmed": 1, "held": True}

    (told,) = [one for one in mine.ask("GET", "/v1/actions/backlog").json["targets"] if one["target"] == "pull"]
    assert (told["waiting"], told["dead"], told["polls"], told["known"]) == (0, 1, True, True)
    lines = mine.ask("GET", "/metrics").body.decode().splitlines()
    assert 'trustward_dead_letters{target="pull"} 1.0' in lines
    assert 'trustward_deliveries_waiting{target="pull"} 0.0' in lines
    assert 'trustward_trial_behind_entries{kind="shadow"} 0.0' in lines
    dead = mine.ask("GET", "/v1/dead-letters?target=pull").json
    (letter,) = dead["letters"]
    assert dead["next"] is None
    assert (letter["id"], letter["action"]["do"], letter["last"]["said"]) == (f"{first}-0", "hold", "locked")
    said = {"target": "pull", "places": [letter["place"]], "reason": "the shop is back"}
    assert post(mine, "/v1/dead-letters/replay", **said) == {"target": "pull", "letters": 1}
    assert post(mine, "/v1/dead-letters/replay", **said) == {"target": "pull", "letters": 0}
    lease = post(mine, "/v1/actions/lease")
    assert [one["id"] for one in lease["actions"]] == [f"{first}-0"]
    post(mine, "/v1/actions/fail", lease=lease["lease"], id=f"{first}-0", refused=True)
    assert post(mine, "/v1/dead-letters/withdraw", target="pull", reason="by hand")["letters"] == 1
    standing = mine.ask("GET", f"/v1/actions/{first}-0").json
    assert [one["state"] for one in standing["deliveries"]] == ["withdrawn"]
    assert [one["said"] for one in standing["deliveries"][0]["receipts"]] == ["locked", ""]
    assert (standing["state"], standing["effect"]["state"]) == ("passed_on", "in_force")
    actor = f"key:{mine.key.split('_')[1]}"
    audit = [(row.actor, row.action) for row in mine.service.store.audit.read(0, 100)]
    assert [found for found in audit if found[1].startswith("action.")] == [
        (actor, "action.replayed"),
        (actor, "action.given_up"),
    ]


def test_taken_back_once(mine: Served) -> None:
    first = busy(mine, "b")
    lease = post(mine, "/v1/actions/lease")
    done = post(mine, "/v1/actions/confirm", lease=lease["lease"], ids=[one["id"] for one in lease["actions"]])
    assert done["held"]
    (held,) = mine.ask("GET", "/v1/actions?kind=event&entity=b-2").json["actions"]
    assert (held["id"], held["action"]["do"], held["ends"]) == (f"{first}-0", "hold", None)
    (label,) = mine.ask("GET", "/v1/actions?kind=account&entity=b").json["actions"]
    assert (label["id"], label["action"]["do"], bool(label["ends"])) == (f"{first}-1", "label", True)
    hold = post(mine, f"/v1/actions/{first}-0/reverse", reason="a mistake")
    assert mine.ask("GET", "/v1/actions?kind=event&entity=b-2").json["actions"] == []
    assert mine.ask("GET", "/v1/actions?kind=acount&entity=b").status == 404
    assert (hold["inverse"], hold["again"], hold["entry"]) == (f"{first}-0-undo", False, None)
    assert post(mine, f"/v1/actions/{first}-0/reverse", reason="a mistake") == {**hold, "again": True}
    standing = mine.ask("GET", f"/v1/actions/{first}-0").json
    assert (standing["effect"]["why"], standing["effect"]["reason"]) == ("reversed", "a mistake")
    # A label goes in the engine too, at one entry, once.
    assert [one["label"] for one in mine.ask("GET", "/v1/entities/account/b").json["labels"]] == ["busy"]
    label = post(mine, f"/v1/actions/{first}-1/reverse", reason="a mistake")
    assert label["inverse"] == f"{first}-1-undo"
    assert label["entry"] == mine.service.store.journal.head()
    again = post(mine, f"/v1/actions/{first}-1/reverse", reason="a mistake")
    assert (again["again"], again["entry"]) == (True, None)
    (held,) = mine.ask("GET", "/v1/entities/account/b").json["labels"]
    assert (held["present"], held["origin"]) == (False, f"action:{first}-1")
    undone = post(mine, "/v1/actions/lease")["actions"]
    assert [(one["do"], one["why"], one["undoes"]) for one in undone] == [
        ("release", "reversed", [f"{first}-0"]),
        ("unlabel", "reversed", [f"{first}-1"]),
    ]
    # Not passed on yet: nobody hears of it.
    second = busy(mine, "c")
    early = post(mine, f"/v1/actions/{second}-0/reverse", reason="a mistake")
    assert (early["withdrawn"], early["inverse"]) == (True, None)
    assert mine.ask("GET", f"/v1/actions/{second}-0").json["state"] == "withdrawn"
    inverse = mine.ask("POST", f"/v1/actions/{first}-0-undo/reverse", json={"reason": "no"})
    assert (inverse.status, inverse.json["code"]) == (409, "TW-570")
    for lease in ("0.1" + "0" * 25, "99999.1", "x", "٣.١"):
        odd = mine.ask("POST", "/v1/actions/confirm", json={"lease": lease, "ids": [f"{first}-0"]})
        assert odd.status == 404, odd.body
    for name, status in (("999-0", 404), ("nonsense", 404)):
        assert mine.ask("POST", f"/v1/actions/{name}/reverse", json={"reason": "no"}).status == status


def test_the_whole_decision_follows_a_late_answer(mine: Served) -> None:
    mine.service.refresh()
    with busy_engine(mine):
        late = mine.ask("POST", "/v1/decisions?deadline_ms=30", json=sent("late-1"))
        assert (late.status, late.json["degraded"]) == (202, True)
    until = monotonic() + 30
    while not (lease := post(mine, "/v1/actions/lease", target="late"))["actions"]:
        assert monotonic() < until
        sleep(0.02)
    (told,) = lease["actions"]
    past = mine.ask("GET", "/v1/decisions/late-1").json
    assert told["decision"] == past["decision"]
    assert told["decision"]["degraded"] is False
    assert (told["id"], told["entry"]) == (f"{past['entry']}-decision", past["entry"])
    ids = {"lease": lease["lease"], "ids": [told["id"]]}
    assert post(mine, "/v1/actions/confirm", target="late", **ids)["held"]
    standing = mine.ask("GET", f"/v1/actions/{told['id']}").json
    assert [(one["target"], one["state"]) for one in standing["deliveries"]] == [("late", "delivered")]
    assert mine.ask("POST", f"/v1/actions/{told['id']}/reverse", json={"reason": "no"}).status == 409


def test_a_rule_is_silenced_for_an_entity(mine: Served) -> None:
    said = {"rule": "many-contacts", "kind": "account", "entity": "d", "reason": "a known shop", "origin": "desk"}
    done = mine.ask("PUT", "/v1/snoozes", json={**said, "until": "2126-01-01T00:00:00Z"})
    assert done.status == 200, done.body
    assert mine.ask("PUT", "/v1/snoozes", json={**said, "entity": "e", "until": "2126-01-01T00:00:00Z"}).status == 200
    time = format_time(now_us())
    for number in range(3):
        event = sent(f"d-{number}", sender="d", recipient=f"r{number}", time=time)
        answer = mine.ask("POST", "/v1/decisions", json=event).json
    assert answer["verdict"] == "allow"
    assert [(hit["id"], hit["mode"]) for hit in answer["rules"]] == [("many-contacts", "snoozed")]
    page = mine.ask("GET", "/v1/snoozes?limit=1").json
    assert [(one["entity"], one["known"], one["reason"]) for one in page["snoozes"]] == [("d", True, "a known shop")]
    from urllib.parse import quote

    rest = mine.ask("GET", f"/v1/snoozes?limit=5&after={quote(page['next'])}").json
    assert ([one["entity"] for one in rest["snoozes"]], rest["next"]) == (["e"], None)
    assert mine.ask("GET", "/v1/snoozes?rule=spends").json["snoozes"] == []
    gone = mine.ask("DELETE", "/v1/snoozes?rule=many-contacts&kind=account&entity=d&reason=over")
    assert gone.status == 200, gone.body
    assert mine.ask("DELETE", "/v1/snoozes?rule=many-contacts&kind=account&entity=d&reason=over").status == 404
    assert [one["entity"] for one in mine.ask("GET", "/v1/snoozes").json["snoozes"]] == ["e"]
    actions = [row.action for row in mine.service.store.audit.read(0, 100)]
    assert actions.count("snooze.changed") == 3
    wrong = mine.ask("PUT", "/v1/snoozes", json={**said, "rule": "many-contact", "until": "2126-01-01T00:00:00Z"})
    assert (wrong.status, wrong.json["remedy"]) == (404, "did you mean many-contacts?")
    assert mine.ask("GET", "/v1/snoozes?after=x").status == 400
