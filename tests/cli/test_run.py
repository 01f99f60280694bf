"""However a command ends: the exit code, the message, and never a traceback."""

from __future__ import annotations

import errno
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import typer

from trustward.base import errors
from trustward.cli import app as app_module
from trustward.cli.exits import Exit
from trustward.cli.run import run

PROGRAM = [sys.executable, "-c", "from trustward.cli import main; main()"]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], None]], None]:
    """Puts a command of the test in the place of all others."""

    def install(body: Callable[[], None]) -> None:
        fake = typer.Typer(pretty_exceptions_enable=False, add_completion=False, rich_markup_mode=None)
        fake.callback()(lambda: None)
        fake.command(name="go")(body)
        monkeypatch.setattr(app_module, "app", fake)

    return install


def raising(fault: BaseException) -> Callable[[], None]:
    def body() -> None:
        raise fault

    return body


ENDS: list[tuple[BaseException, Exit]] = [
    (errors.UsageError("no such folder: x", remedy="name a folder"), Exit.USAGE),
    (errors.PolicyError("2 faults", faults=["a.policy:1:1: bad", "a.policy:2:1: worse"]), Exit.USAGE),
    (errors.MappingError("no table"), Exit.USAGE),
    (errors.CatalogueError("no table"), Exit.USAGE),
    (errors.InputError("not a file of events"), Exit.INPUT),
    (errors.RecordError("line 3: not JSON"), Exit.INPUT),
    (errors.StateError("damaged"), Exit.INPUT),
    (FileNotFoundError(errno.ENOENT, "No such file or directory", "events.ndjson"), Exit.INPUT),
    (PermissionError(errno.EACCES, "Permission denied", "out"), Exit.INPUT),
    (OSError(errno.ENOSPC, "No space left on device"), Exit.INPUT),
    (MemoryError(), Exit.INPUT),
    (KeyboardInterrupt(), Exit.INTERRUPTED),
    (typer.Exit(Exit.FOUND), Exit.FOUND),
]


@pytest.mark.parametrize(("fault", "code"), ENDS, ids=[f"{type(fault).__name__}-{code}" for fault, code in ENDS])
def test_every_error_has_its_code_and_a_short_message(
    fault: BaseException,
    code: Exit,
    command: Callable[[Callable[[], None]], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    command(raising(fault))
    assert run(["go"]) == code
    told = capsys.readouterr()
    assert told.out == ""
    assert "Traceback" not in told.err
    if isinstance(fault, errors.TrustwardError):
        assert fault.code in told.err
        assert fault.message in told.err
        assert fault.remedy in told.err
    if isinstance(fault, errors.PolicyError):
        assert all(rendered in told.err for rendered in fault.faults)


def test_an_unexpected_error_is_short_and_leaves_its_trace_in_a_file(
    command: Callable[[Callable[[], None]], None], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    command(raising(KeyError("\x1b[2Jx")))
    monkeypatch.delenv("TRUSTWARD_DEBUG", raising=False)
    assert run(["go"]) == Exit.BUG
    told = capsys.readouterr().err
    assert "Traceback" not in told
    assert "\x1b" not in told
    found = re.search(r"(\S+trustward-\w+\.txt)", told.replace("\n", ""))
    assert found
    trace = Path(found[1])
    assert "raise fault" in trace.read_text(encoding="utf-8")
    assert trace.stat().st_mode & 0o077 == 0, "it may quote data: for its owner only"
    trace.unlink()


def test_debugging_shows_the_trace(
    command: Callable[[Callable[[], None]], None], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    command(raising(KeyError("x")))
    monkeypatch.setenv("TRUSTWARD_DEBUG", "1")
    assert run(["go"]) == Exit.BUG
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [["nonsense"], ["replay"], ["replay", "x.ndjson"], ["replay", "--policy"], ["--nonsense"], ["policy", "check"]],
    ids=" ".join,
)
def test_wrong_usage_is_code_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == Exit.USAGE
    told = capsys.readouterr()
    assert "Error" in told.err
    assert "Traceback" not in told.err


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], ["replay", "--help"], ["policy", "--help"]], ids=" ".join
)
def test_help_is_code_0(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == Exit.FINE
    assert capsys.readouterr().out


def test_help_loads_nothing_heavy() -> None:
    script = (
        "import sys; from trustward.cli.run import run; run(['--help']);"
        "import json; print(json.dumps(sorted(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in json.loads(done.stderr)}
    assert not loaded & {"numpy", "numba", "pyarrow", "msgspec", "duckdb", "re2", "sklearn", "hypothesis"}


def test_a_closed_pipe_is_silent() -> None:
    script = (
        "import sys, typer; from trustward.cli import app as m; from trustward.cli.run import run\n"
        "m.app = typer.Typer(pretty_exceptions_enable=False)\n"
        "@m.app.command()\n"
        "def go():\n"
        "    for n in range(200_000): print('line', n)\n"
        "sys.exit(run([]))"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(20) == Exit.PIPE_CLOSED


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, Exit.INTERRUPTED), (signal.SIGTERM, Exit.TERMINATED)])
def test_a_stopped_command_cleans_up(sent: signal.Signals, code: Exit, tmp_path: Path) -> None:
    script = (
        "import sys, time, typer; from pathlib import Path; from trustward.cli import app as m\n"
        "from trustward.cli.run import run\n"
        "m.app = typer.Typer(pretty_exceptions_enable=False)\n"
        "@m.app.command()\n"
        "def go():\n"
        "    try:\n"
        "        print('ready', flush=True); time.sleep(20)\n"
        "    finally:\n"
        "        Path('cleaned').touch()\n"
        "sys.exit(run([]))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == b"ready\n"
        os.kill(process.pid, sent)
        assert process.wait(20) == code
        assert process.stderr.read() == (b"error: stopped\n" if sent == signal.SIGINT else b"")
    assert (tmp_path / "cleaned").exists()
