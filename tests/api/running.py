"""The service as its command starts it, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from threading import Thread
from time import monotonic, sleep
from typing import Any

import msgspec

from tests.api.served import POLICY
from trustward import bootstrap
from trustward.adapters.store.opened import open_store
from trustward.settings import load_settings

ROOT = Path(__file__).parents[2]


class Running:
    """A service, its port and what it has logged."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.port = 0
        self.lines: list[str] = []
        self._reader = Thread(target=self._read, daemon=True)

    def until_ready(self) -> None:
        """Read what it logs until it is ready, and go on reading aside."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.append(line)
            assert line.startswith("{"), line + self.process.stderr.read(2_000)
            told = msgspec.json.decode(line)
            self.port = told.get("port", self.port)
            if told["message"] == "ready":
                break
        self._reader.start()

    def until_listening(self) -> None:
        """The same, until its port is known."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.append(line)
            self.port = msgspec.json.decode(line).get("port", 0)
            if self.port:
                break
        self._reader.start()

    def told(self) -> str:
        """All that it has logged, after its end."""
        if self._reader.ident is None:
            self._read()
        else:
            self._reader.join(60)
        return "".join(self.lines)

    def _read(self) -> None:
        assert self.process.stderr is not None
        # Whoever outlives the engine for a moment still has the pipe; the test may be over by then.
        with suppress(ValueError):
            self.lines += list(self.process.stderr)


@contextmanager
def running(data: Path, *words: str, wait: bool = True, told: Mapping[str, object] | None = None) -> Iterator[Running]:
    """The service with some options and settings, once it is ready; killed at the end."""
    command = "from trustward.cli import main; main()"
    start = [sys.executable, "-c", command, "serve", "--data", str(data), "--port", "0", *words]
    settings = {"POLICY": POLICY, **(told or {})}
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(sys.path),
        **{f"TRUSTWARD_{name}": str(value) for name, value in settings.items()},
    }
    with subprocess.Popen(start, cwd=ROOT, stderr=subprocess.PIPE, text=True, env=environment) as process:
        one = Running(process)
        try:
            if wait:
                one.until_ready()
            yield one
        finally:
            process.kill()
            one.told()


def key_for(data: Path, *scopes: str, database: str = "") -> str:
    """A key of a service that runs over this folder or database."""
    settings = load_settings({"TRUSTWARD_DATA": str(data), "TRUSTWARD_DATABASE": database})
    return bootstrap.create_key(settings, "test", list(scopes) or ["decide", "read"], None)[1]


def kept(database: str, data: Path, done: dict[str, str]) -> None:
    """Everything acknowledged is there with the verdict that was told, and nothing was decided twice."""
    store = open_store(database, data)
    assert {name: one.decision.verdict for name, one in store.journal.find(list(done)).items()} == done
    ids = [name for segment in store.journal.read(0, 10**9) for name in segment.ids()]
    assert len(set(ids)) == len(ids)
    store.close()


def ask(port: int, key: str, events: list[dict[str, Any]]) -> dict[str, str]:
    """What was acknowledged, event by event over one connection, until it breaks off."""
    done: dict[str, str] = {}
    connection = HTTPConnection("127.0.0.1", port, timeout=20)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    try:
        for event in events:
            connection.request("POST", "/v1/decisions", msgspec.json.encode(event), headers)
            response = connection.getresponse()
            body = response.read()
            if response.status == 503:
                break  # the engine's process has ended: not acknowledged, on disk or not
            assert response.status == 200, body
            done[event["id"]] = msgspec.json.decode(body)["verdict"]
    except (OSError, HTTPException):
        pass  # killed before, within or after an answer
    finally:
        connection.close()
    return done


def until(met: Callable[[], bool], within_s: float = 30.0) -> None:
    end = monotonic() + within_s
    while not met():
        assert monotonic() < end, "it did not happen"
        sleep(0.02)


def alive(pid: int) -> bool:
    """Whether a process is there and has not ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def children(pid: int) -> list[int]:
    """The processes that one has started."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        found += [int(word) for word in (task / "children").read_text(encoding="utf-8").split()]
    return found
