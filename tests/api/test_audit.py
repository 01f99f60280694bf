"""The audit over HTTP, and on the machine itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.api.served import Served
from trustward.adapters.store.opened import open_store
from trustward.cli.exits import Exit
from trustward.cli.run import run
from trustward.model.stored import AuditRow

BLOCK = {"kind": "account", "entity": "audited", "label": "watched", "reason": "a report"}


def subjects(one: Served, query: str, key: str | None = None) -> list[str]:
    answer = one.ask("GET", f"/v1/audit?{query}", key=key)
    assert answer.status == 200, answer.json
    return [row["subject"] for row in answer.json["audit"]]


def test_filters_and_pages(one: Served) -> None:
    for turn in range(3):
        assert one.ask("PUT", "/v1/labels", json={**BLOCK, "entity": f"audited{turn}"}).status == 200
    labels = [f"label:account:audited{turn}:watched" for turn in (2, 1, 0)]
    assert subjects(one, "action=label.changed")[:3] == labels
    assert subjects(one, "action=label")[:3] == labels
    assert subjects(one, f"subject={labels[1]}") == labels[1:2]
    assert subjects(one, "actor=nobody-at-all") == []
    assert subjects(one, "action=label&to=2001-01-01T00:00:00Z") == []
    first = one.ask("GET", "/v1/audit?action=label&limit=2").json
    assert first["audit"][0]["entry"] > 0
    assert first["audit"][0]["detail"]["reason"] == "a report"
    second = one.ask("GET", f"/v1/audit?action=label&limit=2&cursor={first['next']}").json
    assert [row["subject"] for row in (*first["audit"], *second["audit"])][:3] == labels


def test_secret_duties_are_for_keys_with_that_scope(one: Served) -> None:
    wanted: dict[str, Any] = {"clock": "TW-FCHPA-32", "subject": "order:s", "secret": True, "reason": "an order"}
    (duty,) = one.ask("POST", "/v1/duties", json=wanted).json["duties"]
    subject = f"duty:{duty['id']}"
    plain = one.make_key("audit")
    assert subjects(one, f"subject={subject}&secret=true") == [subject]
    assert subjects(one, f"subject={subject}") == subjects(one, f"subject={subject}", plain) == []
    assert one.ask("GET", "/v1/audit?secret=true", key=plain).status == 403
    assert subject not in subjects(one, "limit=500", plain)
    assert subjects(one, f"subject={subject}&secret=true", one.make_key("audit", "secret")) == [subject]


@pytest.mark.parametrize("query", ["actr=x", "limit=0", "limit=501", "cursor=0", "from=yesterday", "limit=1&limit=2"])
def test_what_cannot_be_asked(one: Served, query: str) -> None:
    answer = one.ask("GET", f"/v1/audit?{query}")
    assert answer.status in (400, 422), answer.json
    assert answer.json["code"].startswith("TW-")


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = open_store("", tmp_path)
    for at_us, action in ((1, "key.created"), (2_000_000, "key.revoked"), (3, "duty.opened")):
        store.audit.record(AuditRow(at_us=at_us, actor="kim", action=action, subject=f"{action[:4]}:1"))
    data = ["--data", str(tmp_path)]
    assert run(["audit", "list", *data, "--json"]) == 0
    # A service of the module may say on the way that it has no user yet.
    shown = capsys.readouterr().out
    assert [row["action"] for row in json.loads(shown[shown.index("[") :])] == [
        "duty.opened",
        "key.revoked",
        "key.created",
    ]
    assert run(["audit", "list", *data, "--action", "key", "--from", "1970-01-01T00:00:01Z"]) == 0
    shown = capsys.readouterr().out
    assert "key.revoked" in shown
    assert "key.created" not in shown
    assert run(["audit", "list", *data, "--from", "yesterday"]) == Exit.USAGE
    store.close()
