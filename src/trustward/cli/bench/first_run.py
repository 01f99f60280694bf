"""The first run on a new machine: nothing compiled, nothing cached; and an installation that cannot be written."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import trustward
from trustward.base.clock import elapsed_s
from trustward.base.errors import UsageError
from trustward.cli.bench.inputs import PACK
from trustward.cli.bench.result import Result, Settings, at_most, figure, result
from trustward.cli.bench.start import ONE_EVENT

_NOBODY = 65_534
_CACHES = ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME", "PYTHONPYCACHEPREFIX")


def measure(settings: Settings) -> Result:
    """A replay of one event by a fresh copy of the package, several times from nothing."""
    repeats = min(settings.repeats, 3)
    first, second, locked, locked_again = [], [], [], []
    notes = [
        "Whole processes, from their start to their end.",
        "The copy has no byte code and no kernels; its libraries keep the byte code that installers make.",
    ]
    user = _other_user()
    for turn in range(repeats):
        settings.say(f"first-run: round {turn + 1} of {repeats}")
        with tempfile.TemporaryDirectory(prefix="trustward-first-") as folder:
            place = _Place(Path(folder))
            first.append(place.run({"NUMBA_CACHE_DIR": str(place.home / "kernels")}))
            second.append(place.run({"NUMBA_CACHE_DIR": str(place.home / "kernels")}))
        with tempfile.TemporaryDirectory(prefix="trustward-locked-") as folder:
            place = _Place(Path(folder))
            place.lock()
            locked.append(place.run({"HOME": "/nonexistent"}, user=user))
            locked_again.append(place.run({"HOME": "/nonexistent"}, user=user))
            untouched = place.untouched()
            place.unlock()
    if not hasattr(os, "geteuid") or (os.geteuid() == 0 and user is None):
        notes.append("Read-only: permissions do not bind this user and no other could be taken, so it shows nothing.")
    elif user is not None:
        notes.append("Read-only: run as a user without rights (nobody), whose home folder does not exist.")
    else:
        notes.append("Read-only: the package's permissions were taken away, and the home folder does not exist.")
    cold = figure("first decision, empty caches", "s", first)
    return result(
        "first-run",
        f"a fresh copy of the package replays one event with the policy {PACK!r}",
        settings,
        figures=[
            cold,
            figure("second run", "s", second),
            figure("read-only installation, first run", "s", locked),
            figure("read-only installation, second run", "s", locked_again),
        ],
        bars=[at_most(cold, 30)],
        equal=untouched,
        notes=[*notes, "Results equal means: the read-only copy was not changed, and every run wrote its decision."],
    )


class _Place:
    """A fresh copy of the package, and a home for what it writes."""

    def __init__(self, folder: Path) -> None:
        folder.chmod(0o755)
        self.site = folder / "site"
        self.package = self.site / "trustward"
        self.home = folder / "home"
        self.home.mkdir()
        self.home.chmod(0o1777)
        shutil.copytree(Path(trustward.__file__).parent, self.package, ignore=shutil.ignore_patterns("__pycache__"))
        (folder / "one.ndjson").write_bytes(ONE_EVENT)
        self.event = folder / "one.ndjson"
        self.before = self._listing()

    def run(self, environment: Mapping[str, str], user: int | None = None) -> float:
        """Seconds of one replay; UsageError if it fails or writes no decision."""
        kept = {name: value for name, value in os.environ.items() if name not in _CACHES}
        with tempfile.TemporaryDirectory(dir=self.home) as folder:
            Path(folder).chmod(0o777)
            out = Path(folder) / "decisions.ndjson"
            command = [sys.executable, "-c", "from trustward.cli import main; main()", "replay", str(self.event)]
            begin = elapsed_s()
            done = subprocess.run(  # noqa: S603 - our own interpreter and package
                [*command, "--policy", PACK, "--out", str(out), "--all", "--json", "--quiet"],
                capture_output=True,
                env={**kept, "PYTHONPATH": str(self.site), "TMPDIR": str(self.home), **environment},
                cwd=self.home,
                user=user,
                group=user,
                extra_groups=None if user is None else [],
                check=False,
            )
            taken = elapsed_s() - begin
            if done.returncode or out.read_bytes().count(b"\n") != 1:
                words = done.stderr.decode(errors="replace").strip()[-2_000:]
                raise UsageError(f"the fresh copy ended with exit code {done.returncode}", remedy=words)
        return taken

    def lock(self) -> None:
        """Take all rights to write from the copy."""
        for path in (self.package, *self.package.rglob("*"), self.site):
            path.chmod(0o555 if path.is_dir() else 0o444)

    def unlock(self) -> None:
        """Give them back, so that it can be removed."""
        for path in (self.site, self.package, *self.package.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)

    def untouched(self) -> bool:
        """Whether the copy holds what it held at first."""
        return self._listing() == self.before

    def _listing(self) -> list[str]:
        return sorted(str(path) for path in self.site.rglob("*"))


def _other_user() -> int | None:
    """A user without rights that this process may become, if it is one whom permissions do not bind."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return None
    try:
        tried = subprocess.run([sys.executable, "-c", "import msgspec"], capture_output=True, user=_NOBODY, check=False)
    except (OSError, ValueError):
        return None
    return _NOBODY if tried.returncode == 0 else None
