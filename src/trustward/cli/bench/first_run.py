"""The first run on a new machine: nothing compiled, nothing cached; and an installation that cannot be written."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from trustward.base.clock import elapsed_s
from trustward.base.errors import UsageError
from trustward.cli.bench.inputs import PACK
from trustward.cli.bench.result import Result, Settings, at_most, figure, result
from trustward.cli.bench.start import ONE_EVENT

_LEFT_OUT = "times._parse"
_CACHES = ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME", "PYTHONPYCACHEPREFIX")


def measure(settings: Settings) -> Result:
    """A replay of one event by a fresh copy of the package, several times from nothing."""
    repeats = min(settings.repeats, 3)
    first: list[float] = []
    second: list[float] = []
    locked: list[float] = []
    locked_again: list[float] = []
    notes = [
        "Whole processes, from their start to their end.",
        "The copy has no byte code and no kernels; its libraries keep the byte code that installers make.",
    ]
    bound = _bound_by_permissions()
    for turn in range(repeats):
        settings.say(f"first-run: round {turn + 1} of {repeats}")
        with tempfile.TemporaryDirectory(prefix="trustward-first-") as folder:
            place = _Place(Path(folder))
            kernels = place.home / "kernels"
            first.append(place.run({"NUMBA_CACHE_DIR": str(kernels)}))
            second.append(place.run({"NUMBA_CACHE_DIR": str(kernels)}))
            if settings.trial:
                # Compiled once: locked, the same copy finds what it compiled, except one kernel that it has to keep.
                place.hand_over(kernels)
                untouched = place.read_only(bound or (), locked, locked_again)
        if not settings.trial:
            with tempfile.TemporaryDirectory(prefix="trustward-locked-") as folder:
                untouched = _Place(Path(folder)).read_only(bound or (), locked, locked_again)
    if bound is None:
        notes.append("Read-only: permissions do not bind this user here, so that figure shows nothing.")
    else:
        notes.append("Read-only: nobody may write to the copy, and the home folder cannot be one.")
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
        equal=untouched if bound is not None else None,
        notes=[*notes, "Results equal means: the read-only copy was not changed, and every run wrote its decision."],
    )


class _Place:
    """A fresh copy of the package, and a home for what it writes."""

    def __init__(self, folder: Path) -> None:
        self.site = folder / "site"
        self.package = self.site / "trustward"
        self.home = folder / "home"
        self.home.mkdir()
        shutil.copytree(Path(__file__).resolve().parents[2], self.package, ignore=shutil.ignore_patterns("__pycache__"))
        (folder / "one.ndjson").write_bytes(ONE_EVENT)
        self.event = folder / "one.ndjson"
        self.before: list[str] = []

    def run(self, environment: Mapping[str, str], prefix: Sequence[str] = ()) -> float:
        """Seconds of one replay; UsageError if it fails or writes no decision."""
        kept = {name: value for name, value in os.environ.items() if name not in _CACHES}
        with tempfile.TemporaryDirectory(dir=self.home) as folder:
            out = Path(folder) / "decisions.ndjson"
            command = [sys.executable, "-c", "from trustward.cli import main; main()", "replay", str(self.event)]
            begin = elapsed_s()
            done = subprocess.run(  # noqa: S603 - our own interpreter and package
                [*prefix, *command, "--policy", PACK, "--out", str(out), "--all", "--json", "--quiet"],
                capture_output=True,
                env={**kept, "PYTHONPATH": str(self.site), "TMPDIR": str(self.home), **environment},
                cwd=self.home,
                check=False,
            )
            taken = elapsed_s() - begin
            if done.returncode or out.read_bytes().count(b"\n") != 1:
                words = done.stderr.decode(errors="replace").strip()[-2_000:]
                raise UsageError(f"the fresh copy ended with exit code {done.returncode}", remedy=words)
        return taken

    def hand_over(self, kernels: Path) -> None:
        """Put compiled kernels, all but one, where a copy that cannot be written looks for them."""
        private = self.home / f"trustward-kernels-{os.getuid() if hasattr(os, 'getuid') else 0}"
        shutil.copytree(kernels, private)
        private.chmod(0o700)
        for file in private.rglob(f"{_LEFT_OUT}*"):
            file.unlink()

    def read_only(self, prefix: Sequence[str], first: list[float], second: list[float]) -> bool:
        """Lock the copy, run it twice, and say whether it is what it was and kept every kernel."""
        self.lock()
        for seconds in (first, second):
            seconds.append(self.run({"HOME": os.devnull}, prefix))
        untouched = self.untouched() and any(self.home.rglob(f"{_LEFT_OUT}*.nbc"))
        self.unlock()
        return untouched

    def lock(self) -> None:
        """Take all rights to write from the copy."""
        self.before = self._listing()
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


def _bound_by_permissions() -> Sequence[str] | None:
    """What to put before a command so that permissions bind it: nothing for most users; None where nothing helps."""
    if not hasattr(os, "geteuid"):
        return None
    if os.geteuid() != 0:
        return ()
    # The superuser writes everywhere, unless this capability is taken away.
    setpriv = shutil.which("setpriv")
    return None if setpriv is None else (setpriv, "--bounding-set=-dac_override,-dac_read_search")
