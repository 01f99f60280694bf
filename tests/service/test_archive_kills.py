"""The archive step killed at random instants: nothing is lost, nothing is there twice, and the next run ends it.

TRUSTWARD_KILLS=500 python -m pytest tests/service/test_archive_kills.py
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.service.test_archive import archived, every, filled
from trustward.adapters.store.opened import DatabaseStore, open_store
from trustward.model.journal import Segment

ROOT = Path(__file__).parents[2]
KILLS = int(os.environ.get("TRUSTWARD_KILLS", "6"))


def driven(database: str, data: Path, at: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.service.archiving_driven", database, str(data), str(at)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )


def check(store: DatabaseStore, before: list[Segment], answers: dict[str, Any], *, whole: bool) -> None:
    """All entries are there once, through the journal; days are archived with all of their rows."""
    assert every(store) == before
    assert dict(store.journal.find(list(answers))) == answers
    upto = store.archived.upto()
    for day in store.archived.days():
        assert store.shelf.check(day) == []
    with store.database.read() as connection:
        live = connection.exec_driver_sql("SELECT first, count FROM segments ORDER BY first").all()
    # What is in the database ends with the journal, and what has moved may be there for a while.
    kept = [segment for segment in before if segment.first > upto]
    assert [(first, count) for first, count in live if first > upto] == [(one.first, one.count) for one in kept]
    if whole:
        assert len(live) == len(kept)
        days = [path.name for path in store.shelf.folder.iterdir() if path.is_dir()]
        assert sorted(days) == [day.day for day in store.archived.days()]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_killed_at_random(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    origin = tmp_path / "origin"
    origin.mkdir()
    server = request.getfixturevalue("server") if kind == "postgresql" else None
    address = server.database(request.getfixturevalue("template")) if server else ""
    store = open_store(address, origin)
    events = filled(store)
    before, answers = every(store), dict(store.journal.find([event.id for event in events]))
    store.close()

    def copied(number: int) -> tuple[str, Path]:
        data = tmp_path / f"copy{number}"
        shutil.copytree(origin, data)
        return (server.database(address) if server else "", data)

    database, data = copied(0)
    done = driven(database, data, 0)
    assert done.returncode == 0, done.stderr
    calls = int(done.stdout)
    store = open_store(database, data)
    check(store, before, answers, whole=True)
    wanted = store.archived.days()
    store.close()
    draw = Random(KILLS)
    for number in range(1, KILLS + 1):
        database, data = copied(number)
        # Evenly over the whole step, so that no part of it is left out.
        at = 1 + int((number - draw.random()) / KILLS * (calls - 1))
        assert driven(database, data, at).returncode == -signal.SIGKILL
        store = open_store(database, data)
        check(store, before, answers, whole=False)
        archived(store)
        check(store, before, answers, whole=True)
        assert [day.day for day in store.archived.days()] == [day.day for day in wanted]
        assert archived(store)[0] == []
        store.close()
        shutil.rmtree(data)
