"""One event in, its decision out."""

from __future__ import annotations

from threading import Event as Signal
from time import monotonic, sleep
from typing import Any

import pytest

from tests.api.served import Served, path_of, sent, served
from trustward.api import entrance
from trustward.api.entrance import Entrance
from trustward.model.journal import NOTICE, Commit
from trustward.operations.deciding import Deciding
from trustward.operations.grouping import Ticket
from trustward.settings import TargetSettings


def test_decides_and_says_where_it_is(one: Served) -> None:
    answer = one.ask("POST", "/v1/decisions", json=sent("d1"))
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json["verdict"] == "allow"
    assert answer.json["event_id"] == "d1"
    found = one.service.store.journal.find(["d1"])["d1"]
    assert str(found.seq) == answer.headers["trustward-entry"]


def test_the_same_again_gets_the_same_answer_and_other_content_a_conflict(one: Served) -> None:
    first = one.ask("POST", "/v1/decisions", json=sent("d2", recipient="b"))
    again = one.ask("POST", "/v1/decisions", json=dict(reversed(sent("d2", recipient="b").items())))
    assert again.body == first.body
    assert again.headers["trustward-entry"] == first.headers["trustward-entry"]
    assert again.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers
    other = one.ask("POST", "/v1/decisions", json=sent("d2", recipient="c"))
    assert (other.status, other.json["code"], other.json["ids"]) == (409, "TW-530", ["d2"])


def test_cloudevents_and_several_lines(one: Served) -> None:
    cloud = {
        "specversion": "1.0",
        "source": "/chat",
        "type": "message.sent",
        "id": "d3",
        "time": "2026-01-05T10:00:00Z",
        "data": {"sender": "a"},
    }
    answer = one.ask("POST", "/v1/decisions", json=cloud, headers={"Content-Type": "application/cloudevents+json"})
    assert answer.status == 200
    pretty = (
        b'\xef\xbb\xbf{\r\n "type": "message.sent",\n "id": "d4",\n "time": "2026-01-05T10:00:00Z", "sender": "a"}\n'
    )
    assert one.ask("POST", "/v1/decisions", pretty).json["event_id"] == "d4"


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (b"", "$"),
        (b"[]", "$"),
        (b"nope", "$"),
        (b'{"id": "x"}', "$.type"),
        (b'{"type": "message.sent", "time": "2026-01-05T10:00:00Z", "sender": "a"}', "$.id"),
        (b'{"type": "message.sennt", "id": "x", "time": "2026-01-05T10:00:00Z"}', "$.type"),
        (b'{"type": "message.sent", "id": "x", "time": "yesterday", "sender": "a"}', "$.time"),
        (b'{"type": "message.sent", "id": "x", "time": "2126-01-05T10:00:00Z", "sender": "a"}', "$.time"),
        (b'{"type": "message.sent", "id": "x", "id": "y", "time": "2026-01-05T10:00:00Z", "sender": "a"}', "$.id"),
        (b'{"type": "message.sent", "id": "x\ny", "time": "2026-01-05T10:00:00Z", "sender": "a"}', "$"),
        (b'{"type": "message.sent", "id": "x", "time": "2026-01-05T10:00:00Z"} {}', "$"),
    ],
)
def test_a_fault_names_its_place(one: Served, body: bytes, path: str) -> None:
    answer = one.ask("POST", "/v1/decisions", body)
    assert (answer.status, answer.json["path"]) == (400, path), answer.body
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_faulty_field_degrades_or_is_refused_if_asked(one: Served) -> None:
    event = sent("d5", recipient=7, colour="red")
    strict = one.ask("POST", "/v1/decisions?strict=true", json=event)
    assert strict.status == 400
    assert {place["path"] for place in strict.json["errors"]} == {"$.recipient", "$.colour"}
    assert one.service.store.journal.find(["d5"]) == {}
    answer = one.ask("POST", "/v1/decisions", json=event)
    assert answer.status == 200
    assert answer.json["degraded"]
    assert {fault["path"] for fault in answer.json["faults"]} == {"$.recipient", "$.colour"}


def test_a_deadline_that_passes_gets_the_safe_answer(one: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    hold = Signal()
    one.service.refresh()
    blocked = one.service.host.ask(lambda _engine: hold.wait(10))
    late = one.ask("POST", "/v1/decisions?deadline_ms=30", json=sent("d6"))
    hold.set()
    blocked.result()
    assert late.status == 202
    assert late.json["degraded"]
    # The harshest of what the live rules on the type say for the case that they cannot be evaluated.
    assert late.json["verdict"] == "block"
    assert [hit["id"] for hit in late.json["rules"]] == ["busy-and-fast"]
    assert late.json["faults"] == [{"path": "$", "cause": "not decided within 30 ms"}]
    full = one.ask("POST", "/v1/decisions?deadline_ms=10000", json=sent("d6"))
    assert full.status == 200
    assert not full.json["degraded"]


@pytest.mark.parametrize("fronted", [False, True])
def test_a_late_decision_is_told_without_a_word_after_its_commit(
    fronted: bool,  # noqa: FBT001 - a parameter of the test
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    target = TargetSettings(name="late", decisions=True)
    with served(fronted=fronted, targets=(target,)) as mine:
        later: list[object] = []
        monkeypatch.setattr(mine.service, "_tell", later.append)
        hold = Signal()
        blocked = mine.service.host.ask(lambda _engine: hold.wait(10))
        late = mine.ask("POST", "/v1/decisions?deadline_ms=30", json=sent("t1"))
        hold.set()
        blocked.result()
        assert late.status == 202
        assert mine.ask("POST", "/v1/decisions?deadline_ms=30000", json=sent("t2")).status == 200
        waiting = mine.service.store.outbox.waiting(9)
        entry = mine.ask("GET", "/v1/decisions/t1").json["entry"]
        assert [(row.seq, row.number) for row in waiting if row.number == NOTICE] == [(entry, NOTICE)]
        assert later == []
        # What was decided before has no commit of its own.
        hold.clear()
        blocked = mine.service.host.ask(lambda _engine: hold.wait(10))
        assert mine.ask("POST", "/v1/decisions?deadline_ms=30", json=sent("t2")).status == 202
        hold.set()
        blocked.result()
        until = monotonic() + 30
        while not later:
            assert monotonic() < until
            sleep(0.01)
        assert len(later) == 1


def test_an_answer_that_is_being_written_gets_another_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    with served(targets=(TargetSettings(name="late", decisions=True),)) as mine:
        append = mine.service.host._append
        passed = Signal()

        def slow(commit: Commit) -> None:
            assert passed.wait(10)
            append(commit)

        give_up = Entrance._be_late

        def be_late(self: Entrance, ticket: Ticket) -> None:
            give_up(self, ticket)
            passed.set()

        monkeypatch.setattr(mine.service.host, "_append", slow)
        monkeypatch.setattr(Entrance, "_be_late", be_late)
        monkeypatch.setattr(entrance, "_GRACE_S", 30.0)
        answer = mine.ask("POST", "/v1/decisions?deadline_ms=1000", json=sent("t3"))
        assert answer.status == 200
        monkeypatch.undo()
        assert [row for row in mine.service.store.outbox.waiting(9) if row.number == NOTICE] == []


def test_a_full_queue_says_when_to_come_back(one: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    from trustward.base.errors import OverloadedError

    def full(self: Deciding, ticket: object) -> None:
        raise OverloadedError("100 events wait already", remedy="send it again in a moment")

    monkeypatch.setattr(Deciding, "post", full)
    answer = one.ask("POST", "/v1/decisions", json=sent("d7"))
    assert (answer.status, answer.headers["retry-after"]) == (429, "1")


def test_a_fault_of_ours_tells_nothing_of_itself(
    one: Served, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(self: Deciding, ticket: object) -> None:
        raise RuntimeError("secret of d8")

    monkeypatch.setattr(Deciding, "post", broken)
    answer = one.ask("POST", "/v1/decisions", json=sent("d8"))
    assert (answer.status, answer.json["code"]) == (500, "TW-670")
    assert b"secret" not in answer.body
    logged = capsys.readouterr().err
    assert "RuntimeError" in logged
    assert "secret" not in logged


def test_the_past_decision_with_its_explanation(one: Served) -> None:
    ids = [f"burst {number}/ü" for number in range(12)]
    verdicts = [one.ask("POST", "/v1/decisions", json=sent(name, recipient=f"r{name}")).json for name in ids]
    for name, decision in zip(ids, verdicts, strict=True):
        past = one.ask("GET", path_of("v1", "decisions", name))
        assert past.status == 200
        assert past.json["decision"] == decision
        assert past.json["event"]["id"] == name
        assert {rule["id"] for rule in past.json["explained"]} == {hit["id"] for hit in decision["rules"]}
        assert all(rule["when"] for rule in past.json["explained"])
    assert any(decision["rules"] for decision in verdicts)
    missing = one.ask("GET", "/v1/decisions/none")
    assert (missing.status, missing.json["code"]) == (404, "TW-560")


@pytest.mark.parametrize(
    ("key", "body", "headers"),
    [
        (None, sent("q1"), {}),
        (None, sent("q2", recipient=7), {}),
        (None, sent("q3", time="yesterday"), {}),
        (None, sent("q4"), {"Content-Type": "text/plain"}),
        (None, sent("q5"), {"Content-Encoding": "gzip"}),
        ("", sent("q6"), {}),
        ("tw_nobody_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", sent("q7"), {}),
        ("read", sent("q8"), {}),
    ],
)
def test_the_short_way_and_the_route_answer_alike(
    one: Served, key: str | None, body: dict[str, Any], headers: dict[str, str]
) -> None:
    """A parameter, even one that says what holds anyway, keeps a request from the short way."""
    if key == "read":
        key = one.make_key("read")
    paths = ("/v1/decisions?strict=false", "/v1/decisions", "/v1/decisions?strict=false")
    # Where it is taken in, it comes again.
    long, short, again = (one.ask("POST", path, json=body, key=key, headers=headers) for path in paths)
    assert (short.status, short.body) == (long.status, long.body) == (again.status, again.body)
    assert {**short.headers, "date": ""} == {**again.headers, "date": ""}
    assert short.headers.get("idempotent-replayed") == ("true" if short.status == 200 else None)


def test_a_parameter_that_is_not_there_is_not_passed_over(one: Served) -> None:
    told = one.ask("POST", "/v1/decisions?deadline=50", json=sent("deadline"))
    assert (told.status, told.json["code"], told.json["remedy"]) == (400, "TW-630", "did you mean deadline_ms?")
    wrong = one.ask("POST", "/v1/decisions?deadline_ms=0", json=sent("deadline")).json
    assert (wrong["path"], wrong["status"]) == ("query deadline_ms", 400)
