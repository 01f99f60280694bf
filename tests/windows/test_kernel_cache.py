"""Compiled kernels find a place to be kept wherever the package is installed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from trustward.base import jit

ROOM = Path(jit.__file__).parent.parent / "windows"
FOLDER = jit.cache_folder.__wrapped__
SCRIPT = """
from trustward.windows.times import parse_times
print(parse_times(["1970-01-01T00:00:01Z"])[0])
"""


def test_it_is_told_where(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    assert FOLDER(ROOM).parent == tmp_path


def test_a_read_only_installation_uses_the_users_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(jit, "_writable", lambda folder: tmp_path in folder.parents)
    assert FOLDER(ROOM).parent == tmp_path / "trustward"


def test_without_a_home_a_private_temporary_folder_is_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setattr(jit, "_HERE", Path(os.devnull))
    monkeypatch.setenv("XDG_CACHE_HOME", os.devnull)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    folder = FOLDER(ROOM).parent
    assert folder.parent == tmp_path
    assert folder.stat().st_mode & 0o077 == 0


def test_a_folder_that_others_could_write_is_not_trusted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    planted = jit._private_temporary()
    planted.chmod(0o777)
    assert jit._private_temporary() != planted


def test_the_name_changes_with_the_sources(tmp_path: Path) -> None:
    (tmp_path / "kernel.py").write_text("one")
    before = FOLDER(tmp_path).name
    (tmp_path / "kernel.py").write_text("other")
    assert FOLDER(tmp_path).name != before


def test_a_second_start_compiles_nothing(tmp_path: Path) -> None:
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    sizes = []
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, check=True
        )
        assert done.stdout == "1000000\n"
        sizes.append(sorted((file.name, file.stat().st_mtime_ns) for file in tmp_path.rglob("*.nb?")))
    assert sizes[0]
    assert sizes[0] == sizes[1]
