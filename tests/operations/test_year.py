"""A year in seconds: nothing that is owed is forgotten, nothing happens twice, whoever is killed meanwhile."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.operations.kit import DAY_US, Time, book_of, duties_over
from tests.operations.year import END_US, Told, Year
from trustward.adapters.store.memory import MemoryStore
from trustward.adapters.store.opened import open_store
from trustward.model.effect import outgoing
from trustward.operations.duties import Duties, Owed
from trustward.ports import Store, Write


class Killed(BaseException):
    """The process is gone at this point."""


class Dying:
    """A store whose process is killed now and then: before a commit is on disk, or right after."""

    def __init__(self, store: Store, draw: Random, share: float) -> None:
        self._store = store
        self._draw = draw
        self._share = share
        self.kills = 0
        self.records = self

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def write(self, writes: Sequence[Write]) -> None:
        fate = self._draw.random() / self._share
        if fate < 1:
            self.kills += 1
            if fate < 0.5:
                self._store.records.write(writes)
            raise Killed
        self._store.records.write(writes)


def happened(store: Store, ids: Sequence[str]) -> tuple[list[Told], Counter[tuple[str, str]]]:
    """What is in the files, and what has left."""
    found = [
        (name, step.what, step.planned_us)
        for name in ids
        for step in store.duties.steps(name)
        if step.planned_us is not None
    ]
    letters = Counter(
        (outgoing(row.body).action.entity, outgoing(row.body).action.note) for row in store.outbox.waiting(1_000_000)
    )
    return sorted(found), letters


def run(year: Year, store: Store, draw: Random, *, share: float) -> int:
    """The year over a store, with two workers that take turns; how often one was killed."""
    dying = Dying(store, draw, share)
    book = book_of(*year.clocks)
    people = duties_over(store, year.time, book=book)
    workers: list[Duties] = [duties_over(dying, year.time, book=book) for _ in range(2)]
    for at_us in [*year.moments(), END_US + 30 * DAY_US]:
        year.act(people, at_us)
        year.time.now_us = at_us
        which = draw.randrange(2)
        try:
            workers[which].fire()
        except Killed:
            workers[which] = duties_over(dying, year.time, book=book)
    while people.fire():
        pass
    return dying.kills


def check(year: Year, store: Store) -> int:
    ids = sorted({one[0] for one in year.end()} | {plan.id for plan in year.plans})
    found, letters = happened(store, ids)
    assert found == year.end()
    assert letters == Counter((name, what) for name, what, _ in found)
    return len(found)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_year_over_three_zones(seed: int) -> None:
    year, store = Year(seed, 300, Time()), MemoryStore()
    kills = run(year, store, Random(seed), share=0.1)
    assert check(year, store) > 800
    assert kills > 10
    assert min(year.taken[what] for what in ("extend", "pause", "resume", "done", "refused")) > 10


def test_a_year_in_a_database(opened: Callable[[], Store]) -> None:
    year, store = Year(7, 40, Time()), opened()
    assert run(year, store, Random(3), share=0.2) > 3
    assert check(year, store) > 80


WORKER = """
import sys
from pathlib import Path
from tests.operations.kit import DAY_US, START_US, Time, duties_over
from trustward.adapters.store.opened import open_store
import trustward.operations.duties as story
story._AT_ONCE = 3
store = open_store("", Path(sys.argv[1]))
print("go", flush=True)
duties = duties_over(store, Time(START_US + 2 * DAY_US))
while duties.fire():
    pass
print("end", flush=True)
"""


def test_a_worker_that_is_killed(tmp_path: Path) -> None:
    store = open_store("", tmp_path)
    people = duties_over(store, Time())
    owed = Owed(clock="CN-INC-4", subject="s", actor="kim", owner="desk")
    store.records.write([write for _ in range(150) for write in people.to_open(owed)[1]])
    draw, kills = Random(5), 0
    while True:
        worker = subprocess.Popen([sys.executable, "-c", WORKER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        assert worker.stdout is not None
        assert worker.stdout.readline() == "go\n"
        if kills == 2:
            assert worker.communicate()[0] == "end\n"
            break
        time.sleep(draw.uniform(0.02, 0.15))
        os.kill(worker.pid, signal.SIGKILL)
        worker.communicate()
        kills += 1
    for number in range(1, 151):
        file = " ".join(step.what for step in store.duties.steps(f"d{number}"))
        assert file == "opened reminded reminded escalated breached escalated"
    letters = Counter(outgoing(row.body).action.entity for row in store.outbox.waiting(10_000))
    assert letters == Counter({f"d{number}": 5 for number in range(1, 151)})
    store.close()
