"""How long records are kept, over HTTP: for the audit; what keeps them is for the scope secret."""

from __future__ import annotations

from tests.api.served import Served
from trustward.model.retention import Done


def test_every_class_is_told(one: Served) -> None:
    told = one.ask("GET", "/v1/retention").json
    assert told["serves"] == []
    classes = {row["class"]: row for row in told["classes"]}
    assert classes["activity"]["standing"] == "no choice"
    assert classes["activity"]["next"] is None
    assert classes["orders"]["standing"] == "not removed"
    assert one.ask("GET", "/v1/retention", key=one.make_key("read", "secret")).status == 403
    assert one.ask("GET", "/v1/retention?x=1").status == 400


def test_what_keeps_a_record_is_secret(one: Served) -> None:
    one.service.store.retained.note(
        [Done(day="2020-01-01", of="content", removed=3, kept={"case": 1, "secret": 2}, at_us=1)], []
    )

    def overdue(*scopes: str) -> object:
        answer = one.ask("GET", "/v1/retention", key=one.make_key(*scopes))
        return next(row for row in answer.json["classes"] if row["class"] == "content")["overdue"]

    assert overdue("audit") == [{"day": "2020-01-01", "kept": 1, "by": {"case": 1}}]
    assert overdue("audit", "secret") == [{"day": "2020-01-01", "kept": 3, "by": {"case": 1, "secret": 2}}]


def test_the_removed_event_is_told_apart(one: Served) -> None:
    sent = {"type": "record.removed", "id": "gone", "time": "2026-01-05T10:00:00Z", "was": "content"}
    answer = one.ask("POST", "/v1/decisions", json=sent)
    assert answer.status == 400
    assert answer.json["path"] == "$.type"
