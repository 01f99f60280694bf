"""Four eyes over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.api.served import Answer, Served, served
from tests.api.test_people import policy
from trustward.base.clock import now_us
from trustward.model.people import User
from trustward.model.stored import AuditRow
from trustward.operations.keys import make_key


@pytest.fixture
def mine() -> Iterator[Served]:
    with served(four_eyes=True) as found:
        for name in ("kim", "lee"):
            row = AuditRow(at_us=1, actor="test", action="user.invited", subject=f"user:{name}")
            found.service.store.people.add(User(id=name, name=name, roles=("analyst",)), row)
        yield found


def key_of(one: Served, actor: str) -> str:
    """A key that somebody has made."""
    key, text = make_key("mine", ("policies", "read"), actor=actor, now_us=now_us())
    one.service.store.keys.add(key)
    return text


def test_a_key_made_by_a_key_stands_for_the_person_however_long_the_chain(mine: Served) -> None:
    actor = "user:kim"
    for _ in range(25):
        text = key_of(mine, actor)
        actor = f"key:{text.split('_')[1]}"
    name = mine.ask("POST", "/v1/policies", json=policy(2), key=text).json["hash"]
    made = mine.ask("POST", "/v1/policies/proposals", key=key_of(mine, "user:kim"), json={"hash": name, "reason": "r"})
    path = f"/v1/policies/proposals/{made.json['id']}/approve"
    assert mine.ask("POST", path, key=text, json={"reason": "me again"}).status == 409
    assert mine.ask("POST", path, key=key_of(mine, "user:lee"), json={"reason": "seen"}).status == 200


def test_nobody_puts_a_policy_live_alone(mine: Served) -> None:
    kim, also_kim, lee = (key_of(mine, actor) for actor in ("user:kim", "user:kim", "user:lee"))

    def ask(method: str, path: str, key: str, **body: Any) -> Answer:
        return mine.ask(method, f"/v1/policies/{path}", key=key, json=body or None)

    first = mine.service.live().hash
    name = mine.ask("POST", "/v1/policies", json=policy(2), key=kim).json["hash"]
    for path, body in (("live", {"hash": name}), ("rollback", {})):
        method = "PUT" if path == "live" else "POST"
        alone = ask(method, path, kim, reason="alone", **body)
        assert (alone.status, alone.json["code"]) == (409, "TW-210"), alone.body
    assert mine.service.live().hash == first

    made = ask("POST", "proposals", kim, hash=name, reason="sharper", origin="desk")
    assert made.status == 201, made.body
    first_id = made.json["id"]
    assert (made.json["state"], made.json["base"], made.json["policy"]) == ("open", first, name)
    for key in (kim, also_kim):
        refused = ask("POST", f"proposals/{first_id}/approve", key, reason="me")
        assert (refused.status, refused.json["code"]) == (409, "TW-210")
    assert mine.service.live().hash == first
    done = ask("POST", f"proposals/{first_id}/approve", lee, reason="seen")
    assert done.status == 200, done.body
    assert (done.json["state"], done.json["entry"]) == ("live", mine.service.store.journal.head())
    assert (done.json["decided_by"], done.json["decided_reason"]) == (f"key:{lee.split('_')[1]}", "seen")
    assert mine.service.live().hash == name
    assert ask("POST", f"proposals/{first_id}/approve", lee, reason="seen").json == done.json
    assert ask("GET", f"proposals/{first_id}", kim).json == done.json
    assert mine.service.store.journal.head() == done.json["entry"]

    back = ask("POST", "proposals", lee, back=True, reason="too sharp").json
    assert (back["policy"], back["back"]) == (first, True)
    rejected = ask("POST", f"proposals/{back['id']}/reject", kim, reason="wait").json
    assert rejected["state"] == "rejected"
    assert ask("POST", f"proposals/{back['id']}/approve", kim, reason="now").status == 409
    again = ask("POST", "proposals", lee, back=True, reason="too sharp").json
    other = ask("POST", "proposals", lee, hash=first, reason="the same").json
    assert ask("POST", f"proposals/{again['id']}/approve", kim, reason="yes").json["state"] == "live"
    assert mine.service.live().hash == first
    # What was proposed against another policy is not approved any more.
    late = ask("POST", f"proposals/{other['id']}/approve", kim, reason="yes")
    assert late.status == 409
    assert ask("GET", f"proposals/{other['id']}", kim).json["state"] == "overtaken"
    page = ask("GET", "proposals?limit=2", kim).json
    rest = ask("GET", f"proposals?after={page['next']}", kim).json
    assert [one["id"] for one in (*page["proposals"], *rest["proposals"])] == [
        other["id"],
        again["id"],
        back["id"],
        first_id,
    ]
    assert ask("POST", "proposals", kim, hash=first, reason="live already").status == 409
    assert ask("POST", "proposals", kim, hash="none", reason="no such").status == 404
    assert ask("POST", "proposals", kim, reason="neither").status == 400
    actions = [row.action for row in mine.service.store.audit.read(0, 1000)]
    assert [one for one in actions if one.startswith("proposal.")] == [
        "proposal.made",
        "proposal.approved",
        "proposal.made",
        "proposal.rejected",
        "proposal.made",
        "proposal.made",
        "proposal.approved",
        "proposal.overtaken",
    ]
