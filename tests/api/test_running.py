"""The process: readiness, metrics, the document, draining, and kills.

TRUSTWARD_KILLS=500 python -m pytest tests/api/test_running.py -k killed_over_http
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random
from threading import Thread, Timer
from time import sleep

import msgspec
import pytest

from tests.api.running import alive, ask, children, kept, key_for, running, until
from tests.api.served import POLICY, Served, sent, served
from trustward.adapters.store.opened import open_store
from trustward.api.access import ROUTES as TABLE
from trustward.api.openapi import BODIES

KILLS = int(os.environ.get("TRUSTWARD_KILLS", "4"))


def test_ready_only_when_it_is() -> None:
    with served(ready=False) as one:
        assert one.ask("GET", "/livez").status == 200
        told = one.ask("GET", "/readyz")
        assert told.json["status"] in {"new", "recovering", "warming", "ready"}
        assert (told.status == 200) is (told.json["status"] == "ready")
        for _ in range(2_000):
            if one.ask("GET", "/readyz").status == 200:
                break
            sleep(0.02)
        assert one.ask("GET", "/readyz").json == {"status": "ready"}
        one.service.draining = True
        assert one.ask("GET", "/readyz").status == 503
        assert one.ask("GET", "/livez").status == 200


def test_metrics_count(one: Served) -> None:
    def value(name: str) -> float:
        text = one.ask("GET", "/metrics").body.decode()
        return sum(float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(name))

    before = value('trustward_decisions_total{verdict="hold"}')
    for number in range(4):
        one.ask("POST", "/v1/decisions", json=sent(f"count{number}", sender="count", recipient=f"r{number}"))
    one.ask("POST", "/v1/decisions", json=sent("count3", sender="count", recipient="r3"))
    # What processes in front of the engine's have counted comes twice a second.
    until(lambda: value('trustward_decisions_total{verdict="hold"}') == before + 2)
    assert value('trustward_rule_hits_total{mode="live",rule="many-contacts"}') >= 2
    assert value('trustward_events_total{outcome="again"}') >= 1
    assert value('trustward_request_seconds_count{route="/v1/decisions"}') >= 5
    assert value('trustward_phase{phase="ready"}') == 1
    assert value("trustward_outbox_age_seconds") > 0
    assert value("trustward_window_bytes") > 0
    assert value("trustward_queue_age_seconds") == 0


def test_the_document_has_every_route(one: Served) -> None:
    document = one.ask("GET", "/v1/openapi/openapi.json").json
    assert document["openapi"].startswith("3.1")
    found = {
        (method.upper(), path): operation
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    }
    wanted = {key for key in TABLE if not key[1].startswith("/v1/openapi")}
    assert set(found) == wanted
    for (method, path), operation in found.items():
        assert operation["summary"]
        if (method.lower(), path) in BODIES:
            for content in operation["requestBody"]["content"].values():
                assert content["examples"] or content["example"]


def test_examples_of_the_document_work(one: Served) -> None:
    document = one.ask("GET", "/v1/openapi/openapi.json").json
    for path in ("/v1/decisions", "/v1/events", "/v1/labels", "/v1/lists/{name}/entries", "/v1/policies/check"):
        for method, operation in document["paths"][path].items():
            for kind, content in operation.get("requestBody", {"content": {}})["content"].items():
                (example,) = content["examples"].values()
                value = example["value"]
                body = value.encode() if isinstance(value, str) else msgspec.json.encode(value)
                place = path.replace("{name}", "partners")
                answer = one.ask(method.upper(), place, body, headers={"Content-Type": kind})
                assert answer.status == 200, (path, kind, answer.body)


def test_under_way_is_answered_before_the_end() -> None:
    with served() as one:
        answers: list[int] = []

        def stream() -> Iterator[bytes]:
            yield msgspec.json.encode(sent("drain1")) + b"\n"
            one.process.should_exit = True
            sleep(0.5)
            yield msgspec.json.encode(sent("drain2")) + b"\n"

        def ask() -> None:
            answer = one.ask("POST", "/v1/events", stream(), headers={"Content-Type": "application/x-ndjson"})
            answers.append(answer.json["decided"])

        thread = Thread(target=ask)
        thread.start()
        thread.join(20)
        assert answers == [2]


# ---------------------------------------------------------------------------------------------- processes


def test_a_signal_ends_it_in_good_order(tmp_path: Path) -> None:
    key = key_for(tmp_path)
    with running(tmp_path) as one:
        started, port = one.process, one.port
        assert ask(port, key, [sent("s1")]) == {"s1": "allow"}
        beside = children(started.pid)
        started.send_signal(signal.SIGTERM)
        assert started.wait(20) == 0
        assert beside
        assert not any(map(alive, beside))
    store = open_store("", tmp_path)
    assert store.snapshots.stored()
    assert store.journal.find(["s1"])
    store.close()


def test_the_first_link_leads_to_where_it_listens(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with running(tmp_path) as one:
        until(lambda: "/setup#" in (said := capfd.readouterr().out) and f"http://localhost:{one.port}/setup#" in said)


def test_a_second_process_is_refused(tmp_path: Path) -> None:
    key_for(tmp_path)
    with running(tmp_path) as one:
        port = one.port
        words = [sys.executable, "-m", "trustward.api"]
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(sys.path),
            "TRUSTWARD_POLICY": POLICY,
            "TRUSTWARD_DATA": str(tmp_path),
        }
        for more, code in (("0", "TW-520"), (str(port), "TW-100")):
            second = subprocess.run(
                words, env={**environment, "TRUSTWARD_PORT": more}, capture_output=True, text=True, check=False
            )
            assert second.returncode == 2
            assert code in second.stderr


@pytest.mark.slow
def test_killed_over_http(database: str, tmp_path: Path) -> None:
    """Nothing that was acknowledged is missing or answered otherwise later; nothing is decided twice."""
    key = key_for(tmp_path, database=database)
    draw = Random(5)
    done: dict[str, str] = {}
    told = {"DATABASE": database} if database else {}
    for turn in range(KILLS + 1):
        last = turn == KILLS
        with running(tmp_path, told=told) as one:
            started, port = one.process, one.port
            if not last:
                Timer(0.1 + draw.random() * 0.6, started.kill).start()
            count = 60 if last else 5_000
            lanes = [
                [sent(f"k{lane}-{n}", sender=f"k{lane}", recipient=f"r{n % 7}") for n in range(count)]
                for lane in range(4)
            ]
            found: list[dict[str, str]] = []
            threads = [Thread(target=lambda mine=mine: found.append(ask(port, key, mine))) for mine in lanes]  # noqa: B023
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(60)
            for answers in found:
                assert {name: done.get(name, verdict) for name, verdict in answers.items()} == answers
                done.update(answers)
            if not last:
                assert started.wait(20) == -signal.SIGKILL
    kept(database, tmp_path, done)
