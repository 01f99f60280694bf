"""Temporary folders: what a killed process leaves is removed by the next one, and nobody else's is touched."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from trustward.adapters.held import held_folder, sweep
from trustward.adapters.store.snapshots import FolderSnapshots

HOLDING = """
from trustward.adapters.held import held_folder
with held_folder() as folder:
    (folder / "state").write_text("in the clear")
    print(folder, flush=True)
    input()
"""


def test_what_a_killed_process_leaves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    others = [tmp_path / "trustward-kernels-1", tmp_path / "trustward-abc"]
    for other in others:
        other.mkdir()
    (tmp_path / "trustward-held-link").symlink_to(others[0])
    words = [sys.executable, "-c", HOLDING]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True) as process:
        assert process.stdout is not None
        left = Path(process.stdout.readline().strip())
        assert left.parent == tmp_path
        with held_folder() as mine:
            sweep()
            assert mine.stat().st_mode & 0o077 == 0
            assert (left / "state").exists()
        assert not mine.exists()
        process.send_signal(signal.SIGKILL)
    assert left.exists()
    sweep()
    assert not left.exists()
    assert all(other.is_dir() for other in others)


def test_what_a_killed_snapshot_leaves(tmp_path: Path) -> None:
    left = tmp_path / ".00000000000000000001-00000000000000000002-ab.state.k2x_9"
    left.touch()
    FolderSnapshots(tmp_path).prune(2)
    assert not left.exists()
