"""``trustward retention``, and the worker's daily run."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.service.test_archive import archived, filled
from tests.service.test_queries import ran
from trustward import bootstrap
from trustward.adapters.store.opened import open_store
from trustward.base import clock
from trustward.base.errors import StateError, StoreError
from trustward.bootstrap.operations import chores
from trustward.model.archived import DAY_US
from trustward.model.retention import over_us
from trustward.operations.daily import Daily
from trustward.operations.retaining import Ended, Retaining, Tell
from trustward.settings import Settings
from trustward.testing.retention_contracts import hold

CHOICE = 'serves = ["SG"]\n[[keeps]]\nclass = "content"\nlasts = "90 days"\n'


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("origin")
    store = open_store("", folder)
    filled(store)
    archived(store, "2031-03-02")
    store.records.write([hold("h", ("account", "a"))])
    store.close()
    return folder


@pytest.fixture
def folder(tmp_path: Path, origin: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(origin, tmp_path / "data")
    (tmp_path / "mine.toml").write_text(CHOICE, encoding="utf-8")
    monkeypatch.setenv("TRUSTWARD_REGIMES", str(tmp_path / "mine.toml"))
    monkeypatch.setattr(clock, "now_us", lambda: over_us("2031-03-02", "90 days"))
    return tmp_path


def test_show_due_run(folder: Path) -> None:
    data = ["--data", str(folder / "data")]
    shown = {one["class"]: one for one in json.loads(ran("retention", "show", "--json", *data))["classes"]}
    assert shown["content"]["standing"] == "set"
    assert (shown["content"]["least"], shown["content"]["pending"]) == ("90 days", "2031-03-01")
    assert shown["content"]["next"] == {"day": "2031-03-03", "at": "2031-06-02T00:00:00Z"}
    assert shown["content"]["terms"][0]["obligation"] == "SG-OCC-5"
    assert shown["financial"]["standing"] == "no choice"
    assert (shown["cases"]["standing"], shown["orders"]["standing"]) == ("no choice", "not removed")
    due = ran("retention", "due", *data)
    assert "2031-03-02: content: " in due
    assert "records to remove; kept: " in due
    assert ran("retention", "run", "--dry-run", *data) == due
    lines = [json.loads(line) for line in ran("retention", "run", "--json", *data).splitlines()]
    assert [(one["day"], one["class"]) for one in lines[:-1]] == [("2031-03-01", "content"), ("2031-03-02", "content")]
    assert all(one["removed"] > 10 and one["kept"]["hold"] > 10 for one in lines[:-1])
    assert lines[-1] == {"ended": {"day": "", "why": "all"}}
    text = ran("retention", "show", *data)
    assert "2031-03-01: over, and kept: " in text
    assert "removed when its term is over" in text
    assert "0 faults" in ran("archive", "--check", *data)
    assert "events of them removed by retention" in ran("audit", "replay", "--day", "2031-03-01", *data, code=3)
    assert "record.removed" in ran("query", "--csv", "select distinct type from events", *data)
    assert "nothing to complain" in ran("db", "check", *data)


def test_without_a_choice_nothing_is_removed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TRUSTWARD_REGIMES")
    data = ["--data", str(folder / "data")]
    assert json.loads(ran("retention", "run", "--json", *data)) == {"ended": {"day": "", "why": "all"}}
    assert "no choice is in force" in ran("retention", "due", *data)
    assert "no choice: the service has not chosen" in ran("retention", "show", *data)


def test_a_choice_that_does_not_hold_is_told(folder: Path) -> None:
    data = ["--data", str(folder / "data")]
    (folder / "mine.toml").write_text(CHOICE.replace("90 days", "80 days").replace('["SG"]', '["SG", "XY"]'))
    told = ran("retention", "run", *data)
    assert "content: nothing is removed: refused: 80 days is less than 90 days" in told
    lines = [json.loads(line) for line in ran("retention", "due", "--json", *data).splitlines()]
    assert [(one["class"], one["standing"]) for one in lines[:-1]] == [("content", "refused")]
    shown = ran("retention", "show", *data)
    assert "no terms are known for XY" in shown
    assert "…" not in shown


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[[keeps]]\nclass = "content"\nlasts = "24h"', "records are kept for days, weeks, months or years"),
        ('[[terms]]\nmarket = "SG"\nclass = "content"', "neither least nor most"),
        ('[[terms]]\nmarket = "SG"\nclass = "content"\nleast = "2 years"\nmost = "1 year"', "is more than at most"),
        ('serves = ["sg"]', "serves"),
    ],
)
def test_what_is_wrong_in_a_file_is_said(folder: Path, text: str, said: str) -> None:
    (folder / "mine.toml").write_text(text, encoding="utf-8")
    assert said in ran("retention", "show", "--data", str(folder / "data"), code=3)


def test_the_worker_runs_it_once_a_day(folder: Path) -> None:
    settings = Settings(data=str(folder / "data"), regimes=(str(folder / "mine.toml"),))
    store = bootstrap.store(settings)
    story, serves = bootstrap.retaining(settings, store)
    assert serves == ("SG",)
    daily = Daily(story)
    assert daily.tend() == 1
    daily.wait()
    assert [one.day for one in store.retained.done()] == ["2031-03-01", "2031-03-02"]
    assert daily.tend() == 0
    assert any(getattr(chore, "__func__", None) is Daily.tend for chore in chores(settings, store))
    store.close()


class Counted(Retaining):
    """A story that only counts its runs, and fails."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self.clock = clock
        self.runs = 0

    def run(self, tell: Tell, *, dry: bool = False) -> Ended:
        assert not dry
        assert tell is not None
        self.runs += 1
        raise StoreError("the disk is full", remedy="make room")


def test_what_failed_is_told_once_and_tried_again() -> None:
    now = 0
    story = Counted(lambda: now)
    daily = Daily(story, lambda: now / 1e6)
    assert daily.tend() == 1
    daily.wait()
    with pytest.raises(StoreError):
        daily.tend()
    assert daily.tend() == 0
    now = 3_600_000_000
    assert daily.tend() == 1
    daily.wait()
    assert story.runs == 2


def test_a_clock_that_jumps_ahead_removes_nothing() -> None:
    wall, passed = 10 * DAY_US, 0.0
    story = Counted(lambda: wall)
    daily = Daily(story, lambda: passed)
    wall += 365 * DAY_US
    with pytest.raises(StateError, match="jumped 365 days ahead"):
        daily.tend()
    assert daily.tend() == 0
    passed, wall = 3_600.0, 10 * DAY_US + 3_600_000_000
    assert daily.tend() == 1
    daily.wait()
    assert story.runs == 1
