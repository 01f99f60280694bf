"""Where commands read and write: nothing is lost, mixed up or left half-written by a mistake."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from trustward.base.errors import StateError
from trustward.cli.exits import Exit
from trustward.cli.run import run
from trustward.engine import snapshot
from trustward.engine.engine import Engine
from trustward.exchange.decode import EventDecoder
from trustward.model.catalogue import load_catalogue
from trustward.policy import Policy, load_policy

PROGRAM = [sys.executable, "-c", "from trustward.cli import main; main()"]
CATALOGUE = load_catalogue()
NOW_US = 1_770_000_000_000_000
RULES = """
c = count(by=event.sender, within="1h", of="message.sent")
rule(
    id="many", on="message.sent", when=c >= 2 or event.sender in listed("known"), then=[hold(event)],
    reason="{c} by {event.sender}: {event.text}", fraud="spam", owner="me",
    hits=[[repeat(2, {"sender": "a"})]], misses=[{"sender": "a"}],
)
export(c)
"""
TEXT = "你好 <script>alert(1)</script>"


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    folder = tmp_path / "policy"
    (folder / "lists").mkdir(parents=True)
    (folder / "a.policy").write_text(RULES, encoding="utf-8")
    (folder / "lists" / "known.txt").write_text("# kind: account\nk1\nk2\n", encoding="utf-8")
    return folder


@pytest.fixture
def events(tmp_path: Path) -> Path:
    path = tmp_path / "events.ndjson"
    lines = [
        json.dumps({"type": "message.sent", "id": f"m{n}", "time": "2026-01-05T10:00:00Z", "sender": "a", "text": TEXT})
        for n in range(10)
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def loaded(folder: Path) -> Policy:
    return load_policy(folder, CATALOGUE)


@pytest.mark.parametrize(
    "options",
    [
        ["--out", "EVENTS"],
        ["--rejects", "EVENTS"],
        ["--snapshot-out", "EVENTS"],
        ["--page", "EVENTS"],
        ["--features-out", "LINK"],
        ["--out", "x", "--rejects", "x"],
        ["--out", "x", "--page", "./x"],
        ["--out", "-", "--json"],
        ["--rejects", "-", "--json"],
        ["--page", "-", "--json"],
        ["--out", "-", "--rejects", "-"],
        ["--out", "policy"],
        ["--snapshot-out", "policy"],
        ["--page", "policy"],
        ["--snapshot-out", "nowhere/x"],
    ],
    ids=" ".join,
)
def test_outputs_that_cannot_be_are_refused_before_anything_is_touched(
    options: list[str],
    policy: Path,
    events: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link").symlink_to(events)
    before = events.read_bytes()
    given = {"EVENTS": str(events), "LINK": "link"}
    assert run(["replay", str(events), "--policy", str(policy), *(given.get(o, o) for o in options)]) == Exit.USAGE
    told = capsys.readouterr()
    assert told.out == ""
    assert "Traceback" not in told.err
    assert events.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["events.ndjson", "link", "policy"]


def test_standard_input_is_named_once(policy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["replay", "-", "-", "--policy", str(policy)]) == Exit.USAGE
    assert "twice" in capsys.readouterr().err


@pytest.mark.parametrize("what", ["--rejects", "--page", "--features-out"])
def test_what_goes_to_standard_output_goes_there_alone(what: str, policy: Path, events: Path) -> None:
    with events.open("a", encoding="utf-8") as file:
        file.write("\nnonsense\n")
    done = subprocess.run(
        [*PROGRAM, "replay", str(events), "--policy", str(policy), what, "-"], capture_output=True, check=True
    )
    assert b"10 events" not in done.stdout.replace(b"html", b"")[:200]
    assert b"10 events" in done.stderr
    start = {"--rejects": b'{"file"', "--page": b"<!doctype html>", "--features-out": b"PAR1"}[what]
    assert done.stdout.startswith(start)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_every_locale_gets_its_answer(encoding: str, policy: Path, events: Path) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    command = [*PROGRAM, "replay", str(events), "--policy", str(policy)]
    told = subprocess.run(command, capture_output=True, check=True, env=environment)
    assert b"many" in told.stdout
    answer = subprocess.run([*command, "--json"], capture_output=True, check=True, env=environment)
    assert TEXT in json.loads(answer.stdout)["rules"][0]["reason"]


def test_a_device_is_written_to_and_not_replaced(policy: Path, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        snapshot.save(Engine(loaded(policy)), pipe)
        assert stat.S_ISFIFO(pipe.stat().st_mode)
        assert os.read(reader, 18) == b"trustward state 2\n"
    finally:
        os.close(reader)


def test_a_world_goes_to_a_device_and_through_a_link(tmp_path: Path) -> None:
    pipe, link = tmp_path / "pipe", tmp_path / "latest"
    os.mkfifo(pipe)
    link.symlink_to(tmp_path / "world")
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        world = ["simulate", "--accounts", "100", "--days", "0.1", "--campaign", "none"]
        assert run([*world, "--out", str(link), "--truth", str(pipe), "--quiet"]) == Exit.FINE
        assert stat.S_ISFIFO(pipe.stat().st_mode)
        assert json.loads(os.read(reader, 4096)) == []
        assert link.is_symlink()
        before = (tmp_path / "world").read_bytes()
        assert before.startswith(b"{")
        assert run([*world, "--out", str(link), "--truth", str(tmp_path / "world")]) == Exit.USAGE
        assert run([*world, "--out", str(link), "--truth", str(tmp_path / "nowhere" / "x")]) == Exit.USAGE
        assert (tmp_path / "world").read_bytes() == before
    finally:
        os.close(reader)


def test_a_snapshot_is_for_its_owner_and_follows_links(policy: Path, tmp_path: Path) -> None:
    link = tmp_path / "latest"
    link.symlink_to(tmp_path / "state")
    snapshot.save(Engine(loaded(policy)), link)
    assert link.is_symlink()
    assert (tmp_path / "state").stat().st_mode & 0o077 == 0, "it holds the secret seed"


def test_a_snapshot_that_cannot_be_written_says_where(policy: Path, tmp_path: Path) -> None:
    with pytest.raises(StateError, match=r"cannot write .*nowhere"):
        snapshot.save(Engine(loaded(policy)), tmp_path / "nowhere" / "state")
    with pytest.raises(StateError, match="No space left"):
        snapshot.save(Engine(loaded(policy)), Path("/dev/full"))


def test_a_restored_engine_takes_the_lists_of_its_policy_and_the_changes_made_since(
    policy: Path, tmp_path: Path
) -> None:
    engine = Engine(loaded(policy))
    engine.state.list_add("known", ["guest"], NOW_US)
    engine.state.list_add("known", ["k2"], NOW_US)
    engine.state.list_remove("known", ["k1"])
    state = tmp_path / "state"
    snapshot.save(engine, state)
    assert snapshot.load(state, loaded(policy)).state.dump() == engine.state.dump()
    (policy / "lists" / "known.txt").write_text("# kind: account\nk1\nk3\n", encoding="utf-8")
    lists = snapshot.load(state, loaded(policy)).state.lists["known"]
    assert sorted(lists) == ["guest", "k2", "k3"]


def test_no_damage_to_a_snapshot_goes_unseen(policy: Path, events: Path, tmp_path: Path) -> None:
    engine = Engine(loaded(policy))
    engine.decide_batch(EventDecoder(CATALOGUE).decode_lines(events.read_bytes()).events, now_us=NOW_US)
    engine.state.mark(("account", "a", "loud"), present=True)
    state, broken = tmp_path / "state", tmp_path / "broken"
    snapshot.save(engine, state)
    whole = state.read_bytes()
    policy_now = loaded(policy)
    sizes = [0, 1, 17, 18, 20, 22, 30, len(whole) // 2, len(whole) - 1]
    damaged = [whole[:size] for size in sizes]
    damaged += [whole + b"x"]
    step = max(1, len(whole) // 300)
    for at in [*range(40), *range(40, len(whole), step)]:
        flipped = bytearray(whole)
        flipped[at] ^= 0x41
        damaged.append(bytes(flipped))
    unseen = []
    for number, content in enumerate(damaged):
        broken.write_bytes(content)
        try:
            again = snapshot.load(broken, policy_now)
        except StateError:
            continue
        other = tmp_path / "other"
        snapshot.save(again, other)
        if other.read_bytes() != whole:
            unseen.append(number)
    assert unseen == []


@pytest.mark.parametrize(
    "kind", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL], ids=lambda kind: kind.name
)
def test_a_stop_in_the_middle_leaves_nothing_under_the_names(
    kind: signal.Signals, policy: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    options = ["--out", "d.ndjson", "--rejects", "r", "--features-out", "f", "--snapshot-out", "s", "--page", "p"]
    process = subprocess.Popen(
        [*PROGRAM, "replay", "-", "--policy", str(policy), *options],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=out,
    )  # fmt: skip
    assert process.stdin is not None
    line = b'{"type":"message.sent","id":"m","time":"2026-01-05T10:00:00Z","sender":"a"}\n'
    process.stdin.write(line * 40_000)
    process.stdin.flush()
    for _ in range(200):
        if len(list(out.iterdir())) >= 3:
            break
        time.sleep(0.05)
    process.send_signal(kind)
    stdout, stderr = process.communicate(timeout=30)
    assert process.returncode in ({-9} if kind == signal.SIGKILL else {Exit.INTERRUPTED, Exit.TERMINATED})
    assert stdout == b""
    assert b"Traceback" not in stderr
    left = [path.name for path in out.iterdir()]
    assert all(name.endswith(".part") for name in left)
    if kind != signal.SIGKILL:
        assert left == []


@pytest.mark.parametrize(
    ("closed", "code"), [("<&-", Exit.INPUT), (">&-", Exit.FINE), ("2>&-", Exit.FINE), (">&- 2>&-", Exit.FINE)]
)
def test_closed_streams_are_no_fault_of_trustward(closed: str, code: Exit, policy: Path, events: Path) -> None:
    source = "-" if "<" in closed else str(events)
    command = f'"$0" -c "from trustward.cli import main; main()" replay {source} --policy {policy} {closed}'
    done = subprocess.run(["sh", "-c", command, sys.executable], capture_output=True, check=False)
    assert done.returncode == code
    assert b"Trustward" not in done.stderr


def test_hash_seeds_and_time_zones_change_no_byte(tmp_path: Path) -> None:
    events = tmp_path / "e.ndjson"
    subprocess.run([*PROGRAM, "simulate", "--accounts", "150", "--days", "2", "--out", str(events)], check=True)
    found = set()
    for number, change in enumerate(({"PYTHONHASHSEED": "0"}, {"PYTHONHASHSEED": "99", "TZ": "Asia/Kolkata"})):
        out = tmp_path / f"{number}.ndjson"
        subprocess.run(
            [*PROGRAM, "replay", str(events), "--policy", "starter", "--all", "--out", str(out)],
            check=True, capture_output=True, env={**os.environ, **change},
        )  # fmt: skip
        found.add(out.read_bytes())
    assert len(found) == 1
