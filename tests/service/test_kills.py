"""A service killed at random instants: nothing acknowledged is lost, nothing decided twice, the windows are the same.

TRUSTWARD_KILLS=500 python -m pytest tests/service/test_kills.py
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from random import Random
from threading import Timer
from typing import Any, cast

import pytest

from tests.service.driven import BATCH, batch
from tests.service.kit import DECODER, NOW_US, TRIAL, compile_policy, faulty, rebuilt, seen
from trustward.adapters.store.opened import open_store
from trustward.engine.engine import Engine
from trustward.model.changes import Change, PolicyChange, decode_change
from trustward.model.decision import VERDICTS
from trustward.operations.recovery import apply
from trustward.ports import Store
from trustward.testing.postgres import PostgresServer

ROOT = Path(__file__).parents[2]
KILLS = int(os.environ.get("TRUSTWARD_KILLS", "6"))
LETTERS = {verdict[0]: verdict for verdict in VERDICTS}


class Driver:
    """Runs the service again and again; keeps what was acknowledged."""

    def __init__(self, database: str, data: Path, seed: int) -> None:
        self._database = database
        self._data = data
        self._draw = Random(seed)
        self.next = 1
        self.kills = 0
        self.done: dict[int, str] = {}
        self.changed: dict[int, int] = {}

    def run(self, count: int, *, kill: bool) -> None:
        """Send batches until the end, or until it is killed some time after it is ready."""
        words = [self._database, str(self._data), str(self.next), str(count), str(self._draw.choice([60, 150, 10_000]))]
        with subprocess.Popen(
            [sys.executable, "-m", "tests.service.driven", *words],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        ) as process:
            # Now and then while it starts and reads the journal.
            early = kill and self._draw.random() < 0.2
            timer = Timer(0.7 + self._draw.random() if early else self._draw.random() * 0.4, process.kill)
            if early:
                timer.start()
            assert process.stdout is not None
            for line in process.stdout:
                match line.split():
                    case ["ready"] if kill and not early:
                        timer.start()
                    case ["changed", number, seq]:
                        self.changed[int(number)] = int(seq)
                    case ["done", number, verdicts]:
                        self.done[int(number)] = verdicts
            process.wait()
            timer.cancel()
            self.kills += process.returncode < 0
            assert kill or process.returncode == 0
        # The batch under way may be on disk or not: it is sent again.
        self.next = max(self.done, default=0) + 1


def twin(store: Store) -> tuple[Engine, dict[str, str]]:
    """An engine that was never interrupted, fed with what the journal holds in that order, one by one; its verdicts."""
    engine = Engine(compile_policy(TRIAL))
    verdicts: dict[str, str] = {}
    for segment in store.journal.read(0, 10**9):
        if segment.kind == "change":
            change: Change = decode_change(segment.body)
            if not isinstance(change, PolicyChange):
                apply(engine, change)
            continue
        faults = segment.faulty()
        for at, event in enumerate(DECODER.decode_lines(segment.body).events):
            assert event.id not in verdicts, "decided twice"
            verdicts[event.id] = engine.decide(event, faults.get(at, ()), now_us=NOW_US).verdict
    return engine, verdicts


def check(store: Store, driver: Driver) -> None:
    engine, verdicts = twin(store)
    assert seen(rebuilt(store)) == seen(engine) == seen(rebuilt(store, snapshots=False))
    assert {name: found.decision.verdict for name, found in store.journal.find(list(verdicts)).items()} == verdicts
    sent: set[str] = set()
    for number, told in driver.done.items():
        events = cast("Sequence[Any]", batch(number)[0])
        assert [verdicts[event.id] for event in events] == [LETTERS[letter] for letter in told]
        sent.update(event.id for event in events)
    assert len(sent) == len(driver.done) * BATCH
    head = store.journal.head()
    segments = store.journal.read(0, 10**9)
    assert [segment.first for segment in segments] == [1, *(segment.last + 1 for segment in segments[:-1])]
    assert segments[-1].last == head
    assert all(seq <= head for seq in driver.changed.values())
    keys = [row.key for row in store.outbox.waiting(10**6)]
    assert len(set(keys)) == len(keys)
    # Each action of each decision, and no other.
    found = store.journal.find(list(verdicts)).values()
    wanted = {
        f"{one.seq}-{number}"
        for one in found
        for number, action in enumerate(one.decision.actions)
        if not action.proposed
    }
    assert set(keys) == wanted


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_killed_at_random(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    database = ""
    if kind == "postgresql":
        database = request.getfixturevalue("server").database(request.getfixturevalue("template"))
    driver = Driver(database, tmp_path, seed=KILLS)
    for number in range(KILLS):
        driver.run(10_000, kill=True)
        if number % 25 == 0:
            store = open_store(database, tmp_path)
            check(store, driver)
            store.close()
    assert driver.kills == KILLS
    driver.run(3, kill=False)
    store = open_store(database, tmp_path)
    check(store, driver)
    assert len(driver.done) > KILLS
    store.close()


@pytest.mark.slow
def test_the_database_is_gone_and_comes_back(tmp_path: Path) -> None:
    from tests.service.kit import host_over, stream
    from trustward.adapters.store import migrate
    from trustward.adapters.store.database import open_database
    from trustward.base.errors import StoreError, UnavailableError

    with PostgresServer(durable=True) as server:
        address = server.database()
        opened = open_database(address, tmp_path)
        migrate.upgrade(opened)
        opened.close()
        store = open_store(address, tmp_path)
        host = host_over(store)
        host.start()
        events = stream(300)
        host.submit(events[:100], faulty(events[:100])).result()
        server.stop(at_once=True)
        with pytest.raises((StoreError, UnavailableError)):
            host.submit(events[100:200]).result()
        with pytest.raises((StoreError, UnavailableError)):
            host.submit(events[100:200]).result()
        server.start()
        for _ in range(500):
            if host.status().phase == "ready":
                break
            Timer(0.02, lambda: None).run()
        answers = host.submit(events[100:]).result()
        assert list(answers.seqs) == list(range(102, 302))
        live = host.ask(seen).result()
        host.close()
        assert seen(rebuilt(store, snapshots=False)) == live
        store.close()


@pytest.mark.slow
def test_two_writers_started_at_once(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "tests.service.driven", "", str(tmp_path), "1", "40", "100"]
    how = {"cwd": ROOT, "env": {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}}
    both = [
        subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **cast("Any", how))
        for _ in range(2)
    ]
    told = [process.communicate() for process in both]
    assert sorted(process.returncode for process in both) == [0, 1]
    lost = next(err for process, (_, err) in zip(both, told, strict=True) if process.returncode)
    assert "TW-520" in lost
    store = open_store("", tmp_path)
    engine, verdicts = twin(store)
    assert len(verdicts) == 40 * BATCH
    assert seen(rebuilt(store)) == seen(engine)
    store.close()


@pytest.mark.slow
def test_the_disk_is_full(tmp_path: Path) -> None:
    """No file may grow any further: what is acknowledged stays, and it goes on when there is room again."""
    import resource

    from tests.service.kit import host_over, stream
    from trustward.base.errors import StoreError, UnavailableError

    store = open_store("", tmp_path)
    host = host_over(store)
    host.start()
    events = stream(8000)
    host.submit(events[:2000]).result()
    most, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    used = max(file.stat().st_size for file in tmp_path.iterdir())
    resource.setrlimit(resource.RLIMIT_FSIZE, (used + 100_000, hard))
    try:
        sent = 2000
        while (fault := host.submit(events[sent : sent + 500]).exception()) is None:
            sent += 500
        assert isinstance(fault, StoreError)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))
    rest: list[int] = []
    while not rest:
        try:
            rest = list(host.submit(events[sent:]).result().seqs)
        except (StoreError, UnavailableError):
            Timer(0.02, lambda: None).run()
    assert rest == list(range(sent + 2, 8002))
    live = host.ask(seen).result()
    host.close()
    assert seen(rebuilt(store, snapshots=False)) == live
    store.close()
