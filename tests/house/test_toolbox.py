"""The toolbox keeps its own promises: a complete lock, reasons beside exceptions, one way to check everything."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCKS = [ROOT / "requirements.lock", ROOT / "requirements-dev.lock"]


def pinned(lock: Path) -> dict[str, str]:
    """Package and version of every entry of a lock."""
    return dict(re.findall(r"^([a-z0-9-]+)==([^ ;]+)", lock.read_text(encoding="utf-8"), re.MULTILINE))


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[><=~! ]", requirement)[0] for requirement in requirements}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_a_lock_pins_everything_with_hashes_and_names_no_index(lock: Path) -> None:
    words = lock.read_text(encoding="utf-8")
    entries = re.split(r"^(?=[a-z0-9])", words, flags=re.MULTILINE)[1:]
    assert len(entries) == len(pinned(lock)) > 5
    assert [entry.splitlines()[0] for entry in entries if "--hash=sha256:" not in entry] == []
    assert not re.search(r"://|--index|--find-links|@ ", words)


def test_the_locks_hold_all_that_the_project_asks_for_and_agree() -> None:
    project = PROJECT["project"]
    extras = project["optional-dependencies"]
    run, develop = (pinned(lock) for lock in LOCKS)
    assert names(project["dependencies"]) <= set(run)
    assert names([*project["dependencies"], *extras["dev"], *extras["bench"]]) <= set(develop)
    assert {name: develop.get(name) for name in run} == run


def test_every_exception_has_its_reason() -> None:
    words = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    section = words[words.index("[tool.ruff.lint]") : words.index("[tool.ruff.lint.flake8-tidy-imports]")]
    bare = [line for line in section.splitlines() if re.match(r'\s+"[A-Z0-9]+",', line) and "# " not in line]
    assert bare == []
    assert PROJECT["tool"]["ruff"]["lint"]["select"] == ["ALL"]


def test_types_are_strict_everywhere() -> None:
    settings = PROJECT["tool"]["mypy"]
    assert settings["strict"]
    assert "overrides" not in settings
    assert {"src", "tests", "benchmarks"} <= set(settings["files"])


def test_check_is_what_ci_runs() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    steps = re.search(r"^check: ([a-z ]+)", makefile, re.MULTILINE)
    assert steps
    assert steps[1].split() == ["format", "lint", "types", "imports", "test"]
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    words = script.read_text(encoding="utf-8")
    assert "set -euo pipefail" in words
    assert "make check test" in words


def test_help_lists_the_first_two_commands() -> None:
    told = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "make demo" in told
    assert "make test" in told
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    first = re.search(r"```console\n(.*?)```", readme, re.DOTALL)
    assert first
    assert re.findall(r"^\$ (make \w+)", first[1], re.MULTILINE) == ["make demo", "make test"]
