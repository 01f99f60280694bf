"""The commands, from the shell's point of view."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from trustward.cli.exits import Exit
from trustward.cli.run import run
from trustward.engine.summary import ReplaySummary
from trustward.model.decision import Decision

PROGRAM = [sys.executable, "-c", "from trustward.cli import main; main()"]
POLICY = '''
"""People who write to many strangers."""

contacts_1h = distinct(event.recipient, by=event.sender, within="1h", of="message.sent")

rule(
    id="mass-contact",
    on="message.sent",
    when=contacts_1h >= {most},
    then=[hold(event), label(event.sender, "loud", lasts="7d")],
    reason="{{contacts_1h}} people contacted within an hour",
    fraud="spam",
    owner="messaging-risk",
    hits=[[repeat({most}, {{"sender": "a1", "recipient": "r{{n}}"}}, every="1s")]],
    misses=[{{"sender": "a1", "recipient": "r1"}}],
)
'''


def message(number: int, **fields: Any) -> str:
    at = f"2026-01-05T10:{number // 60:02}:{number % 60:02}Z"
    event = {"id": f"m{number}", "type": "message.sent", "time": at, "sender": "a1", "recipient": f"r{number}"}
    return json.dumps({**event, **fields})


@pytest.fixture
def policy(tmp_path: Path) -> str:
    folder = tmp_path / "policy"
    folder.mkdir()
    (folder / "contact.policy").write_text(POLICY.format(most=5), encoding="utf-8")
    return str(folder)


@pytest.fixture
def stricter(tmp_path: Path) -> str:
    folder = tmp_path / "stricter"
    folder.mkdir()
    (folder / "contact.policy").write_text(POLICY.format(most=3), encoding="utf-8")
    return str(folder)


@pytest.fixture
def events(tmp_path: Path) -> str:
    path = tmp_path / "events.ndjson"
    path.write_text("\n".join(message(n, truth="spam" if n > 6 else "") for n in range(10)) + "\n", encoding="utf-8")
    return str(path)


def test_replay_writes_decisions_and_tells(
    policy: str, events: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, page = tmp_path / "out.ndjson", tmp_path / "page.html"
    code = run(["replay", events, "--policy", policy, "--out", str(out), "--page", str(page), "--labels", "truth"])
    assert code == Exit.FINE
    told = capsys.readouterr().out
    for expected in ("10 events", "6 flagged", "mass-contact", "precision 50.0%, recall 100%", str(out), str(page)):
        assert expected in told
    decisions = msgspec.json.Decoder(Decision).decode_lines(out.read_bytes())
    assert [decision.event_id for decision in decisions] == ["m4", "m5", "m6", "m7", "m8", "m9"]
    assert decisions[0].rules[0].reason == "5 people contacted within an hour"
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_replay_writes_every_decision_if_asked(policy: str, events: str, tmp_path: Path) -> None:
    out = tmp_path / "out.ndjson"
    assert run(["replay", events, "--policy", policy, "--out", str(out), "--all"]) == Exit.FINE
    assert len(out.read_bytes().splitlines()) == 10


def test_replay_answers_as_json(policy: str, events: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["replay", events, "--policy", policy, "--json"]) == Exit.FINE
    summary = msgspec.json.decode(capsys.readouterr().out, type=ReplaySummary)
    assert summary.events == 10
    assert summary.verdicts["hold"] == 6
    assert summary.quality is None


def test_decisions_can_go_to_the_next_program(policy: str, events: str, capfdbinary: Any) -> None:
    assert run(["replay", events, "--policy", policy, "--out", "-"]) == Exit.FINE
    told = capfdbinary.readouterr()
    assert len(msgspec.json.Decoder(Decision).decode_lines(told.out)) == 6
    assert b"10 events" in told.err


def test_a_table_comes_through_the_standard_input(
    policy: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    table = "type,id,time,sender,recipient\nmessage.sent,m1,2026-01-05T10:00:00Z,a1,r1\n"
    for given, events in ((["--format", "csv"], 1), ([], 0)):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(table.encode())))
        assert run(["replay", "-", "--policy", policy, "--json", *given]) == Exit.FINE
        assert json.loads(capsys.readouterr().out)["events"] == events
    assert run(["replay", "-", "--policy", policy, "--format", "cvs"]) == Exit.USAGE


def test_faults_that_differ_in_the_value_only_are_one_kind(
    policy: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bad.ndjson"
    path.write_text("\n".join([message(n, length=f"{n}") for n in range(60)] + ["{"]), encoding="utf-8")
    assert run(["replay", str(path), "--policy", policy, "--json"]) == Exit.FINE
    first, last = json.loads(capsys.readouterr().out)["rejects"]
    assert (first["cause"], first["count"], first["line"]) == ("expected a whole number, got text '0'", 60, 1)
    assert last["line"] == 61


def test_faulty_records_are_told_and_stop_nothing(
    policy: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, rejects = tmp_path / "bad.ndjson", tmp_path / "rejects.ndjson"
    path.write_text("\n".join([message(1), "{not json", message(2, sender=7)]), encoding="utf-8")
    assert run(["replay", str(path), "--policy", policy, "--rejects", str(rejects)]) == Exit.FINE
    assert "1 record set aside" in capsys.readouterr().out
    lines = [json.loads(line) for line in rejects.read_bytes().splitlines()]
    assert [(line["line"], line["decided"]) for line in lines] == [(2, False), (3, True)]
    assert run(["replay", str(path), "--policy", policy, "--strict"]) == Exit.INPUT
    assert "line 2" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["replay", "none.ndjson", "--policy", "POLICY"], Exit.INPUT),
        (["replay", "EVENTS", "--policy", "no-such-policy"], Exit.USAGE),
        (["replay", "EVENTS", "--policy", "POLICY", "--labels", "no_such_field"], Exit.USAGE),
        (["replay", "EVENTS", "--policy", "POLICY", "--mapping", "none.toml"], Exit.USAGE),
        (["replay", "EVENTS", "--policy", "POLICY", "--out", "/proc/none/out"], Exit.USAGE),
        (["replay", "EVENTS", "--policy", "POLICY", "--snapshot-in", "none.snapshot"], Exit.INPUT),
        (["replay", "EVENTS", "--policy", "POLICY", "--catalogue", "none.toml"], Exit.USAGE),
        (["backtest", "EVENTS", "--policy", "POLICY", "--against", "none"], Exit.USAGE),
        (["policy", "check", "none"], Exit.USAGE),
        (["policy", "explain", "POLICY", "mass-contacts"], Exit.USAGE),
        (["policy", "explain", "POLICY", "--event", "m1"], Exit.USAGE),
        (["policy", "explain", "POLICY", "--event", "zz", "--events", "EVENTS"], Exit.USAGE),
        (["simulate", "--accounts", "1", "--out", "x.ndjson"], Exit.USAGE),
        (["simulate", "--start", "soon", "--out", "x.ndjson"], Exit.USAGE),
        (["simulate", "--campaign", "nonsense", "--out", "x.ndjson"], Exit.USAGE),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else str(int(value)),
)
def test_a_mistake_is_told_without_a_traceback(
    arguments: list[str],
    code: Exit,
    policy: str,
    events: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    assert run([{"EVENTS": events, "POLICY": policy}.get(word, word) for word in arguments]) == code
    told = capsys.readouterr().err
    assert "error" in told
    assert "what to do" in told
    assert "Traceback" not in told
    assert sorted(tmp_path.rglob("*")) == before, "nothing is left behind"


def test_backtest_says_what_changes(
    policy: str, stricter: str, events: str, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["backtest", events, "--policy", stricter, "--against", policy, "--labels", "truth"]
    assert run(arguments) == Exit.FINE
    assert "2 of 10 events get another verdict" in capsys.readouterr().out
    assert run([*arguments, "--json"]) == Exit.FINE
    answer = json.loads(capsys.readouterr().out)
    assert answer["changed"] == 2
    assert {"old": "allow", "new": "hold", "events": 2, "fraud": 0} in answer["verdicts"]


def test_policy_check(policy: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["policy", "check", policy]) == Exit.FINE
    assert "1 rule," in capsys.readouterr().out
    file = tmp_path / "policy" / "contact.policy"
    file.write_text(file.read_text(encoding="utf-8").replace("event.recipient", "event.recipent"), encoding="utf-8")
    assert run(["policy", "check", policy]) == Exit.FOUND
    told = capsys.readouterr().out
    assert "contact.policy:4" in told
    assert "recipient" in told
    assert run(["policy", "check", policy, "--json"]) == Exit.FOUND
    assert json.loads(capsys.readouterr().out)["faults"]
    assert run(["replay", "x", "--policy", policy]) == Exit.USAGE
    assert "contact.policy:4" in capsys.readouterr().err


def test_policy_list_and_explain(policy: str, events: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["policy", "list", policy]) == Exit.FINE
    assert "mass-contact" in capsys.readouterr().out
    assert run(["policy", "list", policy, "--json"]) == Exit.FINE
    assert json.loads(capsys.readouterr().out)["rules"][0]["when"] == "contacts_1h >= 5"
    assert run(["policy", "explain", policy, "mass-contact"]) == Exit.FINE
    assert "contacts_1h >= 5" in capsys.readouterr().out
    assert run(["policy", "explain", policy, "--event", "m4", "--events", events]) == Exit.FINE
    assert "5 people contacted within an hour" in capsys.readouterr().out
    assert run(["policy", "explain", policy, "--event", "m3", "--events", events, "--json"]) == Exit.FINE
    condition = json.loads(capsys.readouterr().out)["rules"][0]["condition"]
    assert condition["outcome"] == "not"
    assert condition["values"] == {"contacts_1h": 4}


def test_an_event_is_explained_as_it_was_decided(policy: str, events: str, capsys: pytest.CaptureFixture[str]) -> None:
    run(["replay", events, "--policy", policy, "--out", "-", "--all", "--quiet"])
    decided = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    for decision in decided:
        run(["policy", "explain", policy, "--event", decision["event_id"], "--events", events, "--json"])
        assert json.loads(capsys.readouterr().out)["decision"] == decision


def test_demo_tells_the_whole_story(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["demo", "--accounts", "300", "--days", "1", "--no-story", "--out", str(tmp_path)]) == Exit.FINE
    told = capsys.readouterr().out
    for expected in ("precision", "recall", "Fraud by kind", "Worked examples", "All of it in", "report.html"):
        assert expected in told
    assert {path.name for path in tmp_path.iterdir()} >= {"events.ndjson", "decisions.ndjson", "report.html"}


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, Exit.INTERRUPTED), (signal.SIGTERM, Exit.TERMINATED)])
def test_a_stopped_replay_leaves_no_half_written_file(
    sent: signal.Signals, code: Exit, policy: str, tmp_path: Path
) -> None:
    folder = tmp_path / "results"
    folder.mkdir()
    names = ["--out", "out.ndjson", "--rejects", "rejects.ndjson", "--page", "page.html"]
    command = [*PROGRAM, "replay", "-", "--policy", policy, *names]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, cwd=folder) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        deadline = time.monotonic() + 60
        while not any(folder.iterdir()) and time.monotonic() < deadline:
            process.stdin.write((message(1) + "\n").encode() * 100)
            process.stdin.flush()
            time.sleep(0.05)
        assert list(folder.iterdir()), "it has begun to write"
        process.send_signal(sent)
        assert process.wait(30) == code
        assert b"Traceback" not in process.stderr.read()
        process.stdin.close()
    assert list(folder.iterdir()) == []
