"""``serve --workers``: processes that speak HTTP, killed and drained; the engine killed; a standby that takes over."""

from __future__ import annotations

import os
import signal
import stat
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from random import Random
from threading import Timer
from time import sleep

import pytest

from tests.api.running import Running, alive, ask, children, kept, key_for, running, until
from tests.api.served import sent, served

pytestmark = pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for processes in /proc")
KILLS = int(os.environ.get("TRUSTWARD_KILLS", "2"))


def named(pid: int, module: str) -> list[int]:
    """The children of a process that run a module."""
    found = []
    for child in children(pid):
        try:
            words = Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if module.encode() in words:
            found.append(child)
    return found


def fronts(one: Running) -> list[int]:
    return named(one.process.pid, "trustward.api.front")


def status(port: int, path: str) -> int:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, HTTPException):
        return 0
    finally:
        connection.close()


def lanes(name: str, count: int) -> list[list[dict[str, object]]]:
    return [
        [sent(f"{name}{lane}-{n}", sender=f"{name}{lane}", recipient=f"r{n % 7}") for n in range(count)]
        for lane in range(4)
    ]


def all_asked(port: int, key: str, name: str, count: int, done: dict[str, str]) -> None:
    """Ask over several connections, until all is answered or broken off; answers must agree with those of before."""
    with ThreadPoolExecutor(4) as pool:
        for told in pool.map(lambda mine: ask(port, key, mine), lanes(name, count)):
            assert {event: done.get(event, verdict) for event, verdict in told.items()} == told
            done.update(told)


def test_http_processes_come_again_and_end_in_good_order(tmp_path: Path) -> None:
    key = key_for(tmp_path)
    done: dict[str, str] = {}
    with running(tmp_path, "--workers", "2", "--no-deliver") as one:
        assert len(fronts(one)) == 2
        all_asked(one.port, key, "before", 5, done)
        assert len(done) == 20
        victim = fronts(one)[0]
        Timer(0.05, lambda: os.kill(victim, signal.SIGKILL)).start()
        all_asked(one.port, key, "during", 200, done)
        until(lambda: len(fronts(one)) == 2 and victim not in fronts(one))
        # Over a new connection each, so that both of them answer.
        until(lambda: all(status(one.port, "/readyz") == 200 for _ in range(20)))
        all_asked(one.port, key, "during", 200, done)
        assert len(done) == 20 + 800
        beside = children(one.process.pid)
        one.process.send_signal(signal.SIGTERM)
        assert one.process.wait(30) == 0
        assert not any(map(alive, beside))
    kept("", tmp_path, done)


def test_when_the_engine_dies_its_group_ends(tmp_path: Path) -> None:
    key = key_for(tmp_path)
    done: dict[str, str] = {}
    with running(tmp_path, "--workers", "2") as one:
        until(lambda: len(children(one.process.pid)) == 3)
        beside = children(one.process.pid)
        Timer(0.1, one.process.kill).start()
        all_asked(one.port, key, "x", 2_000, done)
        until(lambda: not any(map(alive, beside)))
        assert "the engine's process has gone" in one.told()
    kept("", tmp_path, done)


@pytest.mark.slow
def test_killed_at_random_with_workers(tmp_path: Path) -> None:
    """Either an HTTP process or the engine, at a random instant."""
    key = key_for(tmp_path)
    draw = Random(11)
    done: dict[str, str] = {}
    for turn in range(KILLS):
        with running(tmp_path, "--workers", "2") as one:
            whole = turn % 2 == 1
            victim = one.process.pid if whole else draw.choice(fronts(one))
            Timer(0.05 + draw.random() * 0.5, lambda pid=victim: os.kill(pid, signal.SIGKILL)).start()
            all_asked(one.port, key, "k", 200, done)
            if whole:
                assert one.process.wait(30) == -signal.SIGKILL
            else:
                until(lambda: len(fronts(one)) == 2)
    with running(tmp_path, "--workers", "2") as one:
        all_asked(one.port, key, "k", 200, done)
        assert len(done) == 800
    kept("", tmp_path, done)


@pytest.mark.slow
def test_a_standby_takes_over_when_the_first_is_killed(database: str, tmp_path: Path) -> None:
    key = key_for(tmp_path, database=database)
    told = {"DATABASE": database} if database else {}
    done: dict[str, str] = {}
    with running(tmp_path, "--workers", "2", told=told) as first:
        all_asked(first.port, key, "a", 20, done)
        with running(tmp_path, "--workers", "1", wait=False, told={**told, "STANDBY": "true"}) as second:
            second.until_listening()
            until(lambda: status(second.port, "/livez") == 200)
            # It answers, and decides nothing.
            for _ in range(10):
                assert status(second.port, "/readyz") == 503
                sleep(0.02)
            first.process.kill()
            until(lambda: status(second.port, "/readyz") == 200, within_s=60)
            before = dict(done)
            all_asked(second.port, key, "a", 40, done)
            assert len(done) == 160
            assert {name: done[name] for name in before} == before
            second.process.send_signal(signal.SIGTERM)
            assert second.process.wait(30) == 0
    kept(database, tmp_path, done)


def test_nobody_else_may_speak_to_the_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    from trustward.api import hatch
    from trustward.api.frames import EVENTS, REQUESTS

    with served(fronted=True) as one:
        assert one.service.hatch is not None
        folder = Path(str(one.service.hatch._listening.getsockname())).parent
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        for name in (EVENTS, REQUESTS):
            assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600
        # Even past the rights, another user is turned away; so is what is no frame.
        monkeypatch.setattr(hatch, "own_peer", lambda _: False)
        assert _said(str(folder / EVENTS), b"") == b""
        monkeypatch.undo()
        _said(str(folder / EVENTS), b"\xff" * 64)
        assert one.ask("POST", "/v1/decisions", json=sent("after")).status == 200


def _said(path: str, data: bytes) -> bytes:
    """What comes back until the end."""
    import socket

    got = b""
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(20)
        line.connect(path)
        if data:
            line.sendall(data)
        try:
            while piece := line.recv(65_536):
                got += piece
        except ConnectionError:
            pass
    return got


def test_a_keys_rate_counts_over_all_processes() -> None:
    with served(fronted=True, key_rate=20) as one:
        statuses = [one.ask("POST", "/v1/decisions", json=sent(f"rate{n}")).status for n in range(60)]
        assert set(statuses) == {200, 429}
        # What another process has let through counts here, too.
        until(lambda: one.ask("GET", "/v1/lists").status == 200)
        assert one.service.hatch is not None
        identity = one.key.split("_")[1]
        assert one.service._loop is not None
        one.service._loop.call_soon_threadsafe(one.service.hatch.spend, {f"key:{identity}": 200})
        sleep(0.3)
        answer = one.ask("POST", "/v1/decisions", json=sent("rate-more"))
        assert answer.status == 429
        assert int(answer.headers["retry-after"]) >= 1
