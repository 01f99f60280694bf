"""Workers in processes of their own against a receiver on the loopback: killed, drained, several at once, target down.

TRUSTWARD_KILLS=500 python -m pytest tests/service/test_worker.py
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from threading import Event
from typing import Any

import msgspec
import pytest

from tests.service.outgoing import SECRET, Receiver, Writing, action
from trustward.adapters.store.opened import open_store
from trustward.base.clock import elapsed_s, now_us
from trustward.cli.run import run
from trustward.exchange.targets import targets
from trustward.model.decision import Action
from trustward.model.effect import INVERSES
from trustward.operations.delivering import Delivering
from trustward.settings import load_settings

ROOT = Path(__file__).parents[2]
WORKER = [sys.executable, "-m", "trustward.worker"]
KILLS = int(os.environ.get("TRUSTWARD_KILLS", "6"))


def decided(number: int) -> Action:
    """The number-th action: some end soon, some never, some cannot be undone. Each has an entity of its own."""
    do = ("hold", "limit", "label", "warn", "suspend")[number % 5]
    lasts_us = None if do == "warn" else (None, 300_000, 900_000)[number % 3]
    return action(do, f"a{number}", lasts_us, note="x" if do == "label" else "")


class Place:
    """A database, a receiver, and workers that come and go."""

    def __init__(self, database: str, data: Path, receiver: Receiver, **settings: Any) -> None:
        self.receiver = receiver
        target = {"name": "shop", "url": receiver.url, "secrets": [SECRET], "lanes": settings.pop("lanes", 1)}
        self.told = {
            "DATA": str(data),
            "DATABASE": database,
            "TARGETS": msgspec.json.encode([target]).decode(),
            "DELIVERY_NETWORKS": "127.0.0.0/8",
            "DELIVERY_TIMEOUT": "800ms",
            "DELIVERY_LEASE": "2500ms",
            "DELIVERY_RESTS": "50ms,200ms",
            **{name.upper(): str(value) for name, value in settings.items()},
        }
        self.store = open_store(database, data)
        self.writing = Writing(self.store)
        self.written: list[str] = []
        self.workers: list[subprocess.Popen[str]] = []

    @property
    def environment(self) -> dict[str, str]:
        """What a worker is told."""
        told = {f"TRUSTWARD_{name}": value for name, value in self.told.items() if value}
        return {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **told}

    def story(self) -> Delivering:
        """The story as a look from outside."""
        known = targets(
            load_settings({key: value for key, value in self.environment.items() if key.startswith("TRUSTWARD_")})
        )
        return Delivering(self.store, known, clock=now_us, draw=lambda: 0.5)

    def add(self, count: int) -> None:
        """Decide on some more actions."""
        first = len(self.written)
        for start in range(first, first + count, 10):
            some = map(decided, range(start, min(start + 10, first + count)))
            self.written += self.writing.add(*some, at_us=now_us())

    def start(self) -> subprocess.Popen[str]:
        """Start a worker, and wait until it works."""
        worker = subprocess.Popen(
            [sys.executable, "-m", "trustward.worker"],
            cwd=ROOT,
            env=self.environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.workers.append(worker)
        assert worker.stderr is not None
        line = worker.stderr.readline()
        assert "delivering to shop" in line, line
        return worker

    def wait(self, done: Callable[[], bool], seconds: float = 30) -> None:
        """Wait until something is so."""
        began = elapsed_s()
        while not done():
            assert elapsed_s() - began < seconds, self.story().backlog()
            Event().wait(0.02)

    def expected(self) -> set[str]:
        """The ids of all actions, and of the inverses of those that end."""
        undone = {f"{key}-undo" for key, one in self.pairs() if one.lasts_us is not None and one.do in INVERSES}
        return set(self.written) | undone

    def pairs(self) -> list[tuple[str, Action]]:
        """Each action with its id."""
        return [(key, decided(number)) for number, key in enumerate(self.written)]

    def idle(self) -> bool:
        """Whether nothing waits for the target any more."""
        return not any(one.waiting for one in self.story().backlog())

    def timeouts(self) -> int:
        """How many tries went without an answer: the receiver may have taken them all the same."""
        story = self.story()
        ways = [story.standing(key).deliveries for key in self.expected()]
        return sum(receipt.status == 0 for ((_, receipts),) in ways for receipt in receipts)

    def check(self, most_again: int) -> None:
        """Nothing lost, nothing new under a known key, in order, each inverse after its action; few sent again."""
        self.wait(lambda: set(self.receiver.ids()) == self.expected() and self.idle())
        assert self.receiver.forged == 0
        once: dict[str, Any] = {}
        for said in self.receiver.taken:
            assert once.setdefault(said["key"], said["data"]) == said["data"]
        first = list(dict.fromkeys(self.receiver.ids()))
        assert len(once) == len(first)
        assert len(self.receiver.taken) - len(first) <= most_again + self.timeouts()
        if self.story().target("shop").lanes == 1:
            assert [key for key in first if not key.endswith("-undo")] == self.written
        assert all(first.index(key) > first.index(key[:-5]) for key in first if key.endswith("-undo"))

    def close(self) -> None:
        """End whatever still runs."""
        for worker in self.workers:
            worker.kill()
            worker.wait()
            assert worker.stderr is not None
            worker.stderr.close()
        self.store.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[..., Place]]:
    database = ""
    if request.param == "postgresql":
        database = request.getfixturevalue("server").database(request.getfixturevalue("template"))
    made: list[Place] = []
    with Receiver() as receiver:

        def make(**settings: Any) -> Place:
            made.append(Place(database, tmp_path, receiver, **settings))
            return made[-1]

        yield make
        for one in made:
            one.close()


def stopped(worker: subprocess.Popen[str]) -> str:
    """Ask a worker to end; what it said."""
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(10) == 0
    assert worker.stderr is not None
    return worker.stderr.read()


@pytest.mark.slow
def test_killed_at_random(place: Callable[..., Place]) -> None:
    draw = Random(KILLS)
    here = place(lanes=draw.choice([1, 4]))
    here.receiver.answer = lambda _: 503 if draw.random() < 0.05 else 204
    kills = 0
    for _ in range(KILLS):
        worker = here.start()
        here.add(30)
        Event().wait(draw.random() * 0.4)
        worker.kill()
        worker.wait()
        kills += 1
    here.start()
    lanes = here.story().target("shop").lanes
    here.check(most_again=kills * lanes)


@pytest.mark.slow
def test_two_workers_and_one_that_drains(place: Callable[..., Place]) -> None:
    here = place(lanes=4, delivery_timeout="10s", delivery_lease="1m")
    first, second = here.start(), here.start()
    here.add(150)
    here.wait(lambda: len(here.receiver.taken) > 20)
    assert "stopped" in stopped(first)
    here.check(most_again=0)
    # What the first one had was free at once: nobody waited for its leases.
    assert "stopped" in stopped(second)
    assert {receipt.worker for _, (receipt, *_) in here.story().standing(here.written[0]).deliveries}


@pytest.mark.slow
def test_the_target_is_down_for_longer_than_all_retries(place: Callable[..., Place]) -> None:
    here = place(delivery_give_up="600ms")
    here.receiver.answer = lambda _: 500
    here.add(20)
    here.start()
    here.wait(lambda: here.idle() and sum(one.dead for one in here.story().backlog()) >= 20)
    here.wait(lambda: not here.story().effects.due(now_us() + 10**7, 99))
    here.wait(here.idle)
    assert here.receiver.taken == []
    here.receiver.answer = lambda _: 204
    dead = {one.row.key for one in here.story().dead("shop")}
    revived = here.story().replay("shop", "kim")
    here.wait(here.idle)
    # What is over by now does not come any more, only its inverse; all the rest comes once.
    assert len(here.receiver.taken) == len(set(here.receiver.ids())) == revived
    assert here.story().dead("shop") == []
    never = set(here.written) - set(here.receiver.ids())
    assert {f"{key}-undo" for key in never} <= set(here.receiver.ids()) <= dead
    assert {key for key in never if here.story().standing(key).deliveries[0][0].state != "withdrawn"} == set()


def test_a_wrong_setting_ends_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRUSTWARD_TARGETS", '[{"name":"shop","url":"ftp://shop.example/"}]')
    assert run(["worker", "--data", str(tmp_path)]) == 2
    assert "its url is none that webhooks are posted to" in capsys.readouterr().err
    with Receiver() as receiver:
        here = Place("", tmp_path, receiver)
        here.told["DELIVERY_LEASE"] = "400ms"
        ended = subprocess.run(WORKER, cwd=ROOT, env=here.environment, capture_output=True, text=True, check=False)
        assert ended.returncode == 2
        assert "a lease is shorter" in ended.stderr
        here.close()


@pytest.mark.slow
def test_the_command_becomes_the_worker(tmp_path: Path) -> None:
    with Receiver() as receiver:
        here = Place("", tmp_path, receiver)
        here.add(5)
        del here.told["DATA"]
        words = ["-c", "from trustward.cli import main; main()", "worker", "--data", str(tmp_path), "--threads", "2"]
        command = [sys.executable, *words]
        with subprocess.Popen(command, cwd=ROOT, env=here.environment, stderr=subprocess.PIPE, text=True) as worker:
            here.wait(lambda: set(here.receiver.ids()) == here.expected())
            said = stopped(worker)
        assert f"process {worker.pid}" in said
        here.close()
