"""How long the command line takes to start: what everybody feels first."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from trustward.base.clock import elapsed_s
from trustward.base.errors import UsageError
from trustward.cli.bench.inputs import PACK
from trustward.cli.bench.result import Result, Settings, at_most, figure, result

ONE_EVENT = (
    b'{"id": "e1", "type": "message.sent", "time": "2026-01-31T12:00:00Z", "sender": "account-1", '
    b'"recipient": "account-2"}\n'
)


def measure(settings: Settings) -> Result:
    """Fresh processes, after one that compiles and caches."""
    repeats = max(settings.repeats, 7) if settings.scale >= 1 else settings.repeats
    event, out = settings.folder / "one.ndjson", settings.folder / "one-decision.ndjson"
    event.write_bytes(ONE_EVENT)
    helping = ["--help"]
    replaying = ["replay", str(event), "--policy", PACK, "--out", str(out), "--all", "--json", "--quiet"]
    python = [sys.executable, "-c", "pass"]
    if not settings.trial:
        timed([*trustward(), *helping])
        timed([*trustward(), *replaying])
    bare, help_, replay = [], [], []
    for turn in range(repeats):
        settings.say(f"start: round {turn + 1} of {repeats}")
        bare.append(timed(python))
        help_.append(timed([*trustward(), *helping]))
        replay.append(timed([*trustward(), *replaying]))
    helped = figure("trustward --help", "s", help_)
    replayed = figure("trustward replay of one event", "s", replay)
    return result(
        "start",
        f"wall time of whole processes; the replay uses the policy {PACK!r}",
        settings,
        figures=[helped, replayed],
        yardsticks=[figure("python -c pass", "s", bare)],
        bars=[at_most(helped, 0.4), at_most(replayed, 2)],
        equal=out.read_bytes().count(b"\n") == 1,
        notes=["Not pinned: a user's shell does not pin either. Results equal means: one decision was written."],
    )


def trustward() -> list[str]:
    """How to start the command line: the installed script, or this package by hand where there is none."""
    script = shutil.which("trustward", path=str(Path(sys.executable).parent))
    return [script] if script else [sys.executable, "-c", "from trustward.cli import main; main()"]


def timed(command: list[str], environment: dict[str, str] | None = None) -> float:
    """Seconds that a command takes. UsageError if it fails."""
    begin = elapsed_s()
    done = subprocess.run(  # noqa: S603 - our own command
        command, capture_output=True, env={**os.environ, **(environment or {})}, check=False
    )
    taken = elapsed_s() - begin
    if done.returncode:
        raise UsageError(
            f"{' '.join(command[:2])} ended with exit code {done.returncode}",
            remedy=done.stderr.decode(errors="replace").strip()[-2_000:],
        )
    return taken
