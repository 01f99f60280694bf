"""Backtests and shadows over HTTP: in one process with a store in memory, and as the command starts them."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.api.running import children, key_for, running, until
from tests.api.served import CATALOGUE, Served, sent, served
from tests.api.test_people import policy
from trustward import bootstrap
from trustward.base.clock import now_us
from trustward.base.units import format_time
from trustward.exchange.decode import EventDecoder
from trustward.operations.trying import Trying


@pytest.fixture
def mine() -> Iterator[Served]:
    with served() as found:
        yield found


def trying(one: Served) -> Trying:
    """What the process beside the service does, in this one."""
    decoder, compile_policy = EventDecoder(CATALOGUE), bootstrap.compiler(CATALOGUE)
    return Trying(one.service.store, decoder, compile_policy, skew_us=0, worker="w", clock=now_us, save_s=0)


def pairs(one: Served, prefix: str, count: int) -> None:
    """People who write to two others within a minute: the sharper policy holds the second message."""
    for number in range(count):
        for other in range(2):
            event = sent(f"{prefix}{number}-{other}", sender=f"{prefix}{number}", recipient=f"r{other}")
            assert one.ask("POST", "/v1/decisions", json=event).status == 200


def store_sharper(one: Served) -> str:
    answer = one.ask("POST", "/v1/policies", json=policy(2))
    assert answer.status in {200, 201}, answer.body
    return str(answer.json["hash"])


def test_a_backtest_over_http(mine: Served) -> None:
    name = store_sharper(mine)
    pairs(mine, "a", 3)
    started = mine.ask("POST", f"/v1/policies/{name}/backtest", json={"days": 2, "reason": "what would change"})
    assert started.status == 202, started.body
    trial = started.json
    assert (trial["state"], trial["behind"], trial["reason"]) == ("waiting", 7, "what would change")
    assert mine.ask("GET", f"/v1/backtests/{trial['id']}").json["result"] is None
    while trying(mine).round():
        pass
    done = mine.ask("GET", f"/v1/backtests/{trial['id']}").json
    assert (done["state"], done["behind"], done["fault"]) == ("done", 0, "")
    result = done["result"]
    assert (result["events"], result["changed"], result["harsher"], result["only_trial"]) == (6, 3, 3, 3)
    assert (result["milder"], result["only_live"]) == (0, 0)
    assert result["verdicts"] == [{"live": "allow", "trial": "hold", "events": 3}]
    assert [(one["id"], one["live"], one["trial"], one["only_trial"]) for one in result["rules"]] == [
        ("many-contacts", 0, 3, 3)
    ]
    assert sorted(one["event_id"] for one in result["examples"]) == ["a0-1", "a1-1", "a2-1"]
    assert {(one["kind"], one["id"]) for one in result["entities"]} == {("account", f"a{n}") for n in range(3)}
    # Nothing of it was acted on, and nothing changed.
    assert mine.service.store.outbox.waiting(10) == []
    assert mine.service.live().hash != name

    more = mine.ask("POST", f"/v1/policies/{name}/backtest", json={"reason": "again", "warm_days": 3}).json
    page = mine.ask("GET", "/v1/backtests?limit=1").json
    assert [one["id"] for one in page["backtests"]] == [more["id"]]
    assert [one["id"] for one in mine.ask("GET", f"/v1/backtests?after={page['next']}").json["backtests"]] == [
        trial["id"]
    ]
    gone = mine.ask("DELETE", f"/v1/backtests/{more['id']}?reason=enough").json
    assert gone["state"] == "cancelled"
    assert not trying(mine).round()
    assert mine.ask("DELETE", f"/v1/backtests/{trial['id']}?reason=late").json["state"] == "done"
    actor = f"key:{mine.key.split('_')[1]}"
    rows = [(row.actor, row.action) for row in mine.service.store.audit.read(0, 100)]
    assert rows.count((actor, "backtest.started")) == 2
    assert rows.count((actor, "backtest.cancelled")) == 1


def test_a_shadow_over_http(mine: Served) -> None:
    name = store_sharper(mine)
    live = mine.service.live().hash
    assert mine.ask("GET", "/v1/policies/shadow/compare").status == 404
    assert mine.ask("DELETE", "/v1/policies/shadow?reason=none").status == 404
    refused = mine.ask("PUT", "/v1/policies/shadow", json={"hash": live, "reason": "x"})
    assert (refused.status, refused.json["code"]) == (409, "TW-210")
    pairs(mine, "before", 1)
    put = mine.ask("PUT", "/v1/policies/shadow", json={"hash": name, "reason": "a week"})
    assert put.status == 200, put.body
    modes = {one["hash"]: one["mode"] for one in mine.ask("GET", "/v1/policies").json["policies"]}
    assert modes == {live: "live", name: "shadow"}
    pairs(mine, "b", 2)
    # The shadow acts on nobody: the live policy's answers are its own.
    assert mine.service.store.outbox.waiting(10) == []
    worker = trying(mine)
    while worker.round():
        pass
    found = mine.ask("GET", "/v1/policies/shadow/compare").json
    assert (found["id"], found["state"], found["behind"]) == (put.json["trial"], "running", 0)
    assert (found["after"], found["result"]["first"]) == (put.json["entry"], put.json["entry"] + 1)
    assert (found["result"]["events"], found["result"]["only_trial"], found["result"]["only_live"]) == (4, 2, 0)
    assert found["result"]["policies"] == {live: 4}
    # Asked again, it goes on: what it has found is not thrown away.
    assert mine.ask("PUT", "/v1/policies/shadow", json={"hash": name, "reason": "again"}).json == put.json
    off = mine.ask("DELETE", "/v1/policies/shadow?reason=enough")
    assert (off.status, off.json["hash"]) == (200, name)
    assert mine.ask("DELETE", "/v1/policies/shadow?reason=enough").status == 404
    kept = mine.ask("GET", "/v1/policies/shadow/compare").json
    assert (kept["state"], kept["result"]) == ("ended", found["result"])
    assert mine.ask("GET", f"/v1/policies/shadow/compare?trial={found['id']}").json == kept
    subjects = [(row.action, row.subject) for row in mine.service.store.audit.read(0, 100)]
    assert subjects.count(("policy.changed", f"policy:{name}")) == 2


def test_odd_ids_are_not_found(mine: Served) -> None:
    for odd in ("%00", "a%20b", "%F0%9F%98%80", "x" * 200, "a%2Fb"):
        for method, path in (
            ("GET", f"/v1/backtests/{odd}"),
            ("DELETE", f"/v1/backtests/{odd}?reason=r"),
            ("GET", f"/v1/backtests?after={odd}"),
            ("GET", f"/v1/policies/{odd}"),
            ("GET", f"/v1/policies/proposals/{odd}"),
            ("GET", f"/v1/policies/proposals?after={odd}"),
            ("GET", f"/v1/policies/shadow/compare?trial={odd}"),
        ):
            assert mine.ask(method, path).status in {400, 404}, (method, path)
        for path in (f"/v1/policies/{odd}/backtest", f"/v1/policies/proposals/{odd}/approve"):
            assert mine.ask("POST", path, json={"reason": "r"}).status == (400 if odd == "%00" else 404), path
    # No name holds a NUL.
    for path in ("shadow", "live"):
        assert mine.ask("PUT", f"/v1/policies/{path}", json={"hash": "\0", "reason": "r"}).status == 400
    assert mine.ask("POST", "/v1/policies/proposals", json={"hash": "\0", "reason": "r"}).status == 400


def call(port: int, key: str, method: str, path: str, body: Any = None) -> Any:
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    connection.request(method, path, None if body is None else msgspec.json.encode(body), headers)
    response = connection.getresponse()
    data = response.read()
    connection.close()
    assert response.status < 300, data
    return msgspec.json.decode(data)


def decide(port: int, key: str, name: str) -> None:
    """Somebody writes to two others within a minute: the sharper policy holds the second message."""
    for other in range(2):
        event = sent(f"{name}-{other}", sender=name, recipient=f"r{other}", time=format_time(now_us()))
        call(port, key, "POST", "/v1/decisions", event)


def compared(port: int, key: str) -> tuple[int, int]:
    """How many events the shadow has seen, and how many it alone stops."""
    found = call(port, key, "GET", "/v1/policies/shadow/compare")
    assert found["fault"] == ""
    return (found["result"]["events"], found["result"]["only_trial"]) if found["result"] else (0, 0)


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for processes in /proc")
@pytest.mark.slow
def test_beside_the_engine_killed_and_started_anew(tmp_path: Path) -> None:
    """One command: the shadow follows by itself, whatever dies; each event is compared once."""
    key = key_for(tmp_path, "decide", "read", "policies")
    told = {"DELIVER": "false"}
    with running(tmp_path, told=told) as one:
        assert children(one.process.pid) == []
        name = call(one.port, key, "POST", "/v1/policies", policy(2))["hash"]
        decide(one.port, key, "before")
        call(one.port, key, "PUT", "/v1/policies/shadow", {"hash": name, "reason": "a week"})
        decide(one.port, key, "first")
        until(lambda: compared(one.port, key) == (2, 1), 120)
        (child,) = children(one.process.pid)
        os.kill(child, signal.SIGKILL)
        decide(one.port, key, "second")
        until(lambda: compared(one.port, key) == (4, 2), 120)
        one.process.kill()
    with running(tmp_path, told=told) as one:
        decide(one.port, key, "third")
        until(lambda: compared(one.port, key) == (6, 3), 120)
        trial = call(one.port, key, "POST", f"/v1/policies/{name}/backtest", {"reason": "the same"})
        until(lambda: call(one.port, key, "GET", f"/v1/backtests/{trial['id']}")["state"] == "done", 120)
        result = call(one.port, key, "GET", f"/v1/backtests/{trial['id']}")["result"]
        assert (result["events"], result["only_trial"]) == (8, 4)
        one.process.send_signal(signal.SIGTERM)
        assert one.process.wait(60) == 0


@pytest.mark.slow
def test_with_http_in_processes_of_its_own(tmp_path: Path) -> None:
    """``serve --workers 2``: every process that speaks HTTP starts, asks and ends the same trials."""
    key = key_for(tmp_path, "decide", "read", "policies")
    with running(tmp_path, "--workers", "2", told={"DELIVER": "false"}) as one:
        name = call(one.port, key, "POST", "/v1/policies", policy(2))["hash"]
        call(one.port, key, "PUT", "/v1/policies/shadow", {"hash": name, "reason": "a week"})
        # Each request has a connection of its own, so both processes get some.
        for number in range(4):
            decide(one.port, key, f"w{number}")
        until(lambda: compared(one.port, key) == (8, 4), 120)
        trial = call(one.port, key, "POST", f"/v1/policies/{name}/backtest", {"reason": "the same"})
        until(lambda: call(one.port, key, "GET", f"/v1/backtests/{trial['id']}")["state"] == "done", 120)
        result = call(one.port, key, "GET", f"/v1/backtests/{trial['id']}")["result"]
        assert (result["events"], result["only_trial"]) == (8, 4)
        call(one.port, key, "DELETE", "/v1/policies/shadow?reason=enough")
        found = call(one.port, key, "GET", "/v1/policies/shadow/compare")
        assert (found["state"], found["result"]["events"]) == ("ended", 8)
        one.process.send_signal(signal.SIGTERM)
        assert one.process.wait(60) == 0
