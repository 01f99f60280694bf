"""Runs the command line: every way in which a command can end becomes an exit code and, at most, a short message."""

from __future__ import annotations

import errno
import io
import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from trustward.base.errors import (
    CatalogueError,
    MappingError,
    PolicyError,
    SettingsError,
    TrustwardError,
    UsageError,
)
from trustward.cli.console import messages, plain
from trustward.cli.exits import Exit

_SETTINGS_AT_FAULT = (UsageError, SettingsError, PolicyError, MappingError, CatalogueError)


class _Terminated(BaseException):
    """The system asked the process to end. Not an Exception, so that nothing on the way up swallows it."""


def _terminate(_signal: int, _frame: FrameType | None) -> None:
    raise _Terminated


def run(arguments: Sequence[str]) -> int:
    """Run one command and give its exit code (see ``trustward.cli.exits``)."""
    signal.signal(signal.SIGTERM, _terminate)
    hang_up = getattr(signal, "SIGHUP", None)
    if hang_up is not None and signal.getsignal(hang_up) == signal.SIG_DFL:  # nohup has it ignored
        signal.signal(hang_up, _terminate)
    _prepare_streams()
    try:
        code = _dispatch(arguments)
        sys.stdout.flush()
    except TrustwardError as fault:
        return _tell(fault)
    except KeyboardInterrupt:
        _say("stopped")
        return Exit.INTERRUPTED
    except _Terminated:
        return Exit.TERMINATED
    except BrokenPipeError:
        return _pipe_closed()
    except OSError as fault:
        return _tell_system(fault)
    except MemoryError:
        _say("not enough memory", "replay fewer events at a time, or shorten the policy's windows")
        return Exit.INPUT
    except Exception as fault:  # noqa: BLE001 - the last resort: whatever it is, no traceback for the user
        return _tell_bug(fault)
    return code


def _prepare_streams() -> None:
    """See that there is a place for answers and messages, and that no character is too much for it."""
    if sys.stdout is None:  # closed by the shell
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - for as long as the process lives
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - the same
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # In a locale that lacks a character it is shown as an escape; no answer breaks off for it.
            stream.reconfigure(errors="backslashreplace")


def _dispatch(arguments: Sequence[str]) -> int:
    """Let Typer run the command; it ends in SystemExit, in every case but an error of ours."""
    from typer.main import get_command

    from trustward.cli.app import app

    try:
        get_command(app)(args=list(arguments), prog_name="trustward")
    except SystemExit as end:
        # Typer ends a broken pipe with 1, out of the error that it handled.
        if isinstance(end.__context__, OSError) and end.__context__.errno == errno.EPIPE:
            return _pipe_closed()
        if end.code == Exit.INTERRUPTED or isinstance(end.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from None
        return end.code if isinstance(end.code, int) else Exit.FINE
    return Exit.FINE


def _say(message: str, remedy: str = "", *, code: str = "") -> None:
    console = messages()
    console.print(f"error{' ' + code if code else ''}: ", end="", style="bold red")
    # Unbroken lines: a path in a message can be copied whole.
    console.print(plain(message, 2_000), soft_wrap=True)
    if remedy:
        console.print("  what to do: ", end="", style="bold")
        console.print(plain(remedy, 2_000), soft_wrap=True)


def _tell(fault: TrustwardError) -> int:
    faults = fault.faults if isinstance(fault, PolicyError) else ()
    for rendered in faults:
        messages().print("\n".join(plain(line) for line in rendered.splitlines()), end="\n\n", soft_wrap=True)
    _say(fault.message, fault.remedy, code=fault.code)
    return Exit.USAGE if isinstance(fault, _SETTINGS_AT_FAULT) else Exit.INPUT


def _tell_system(fault: OSError) -> int:
    if os.environ.get("TRUSTWARD_DEBUG") == "1":
        traceback.print_exception(fault)
    place = f": {fault.filename}" if fault.filename else ""
    _say(f"{(fault.strerror or str(fault)).lower()}{place}")
    return Exit.INPUT


def _pipe_closed() -> int:
    """Nobody reads any more: send what is left nowhere, or Python would complain at the very end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    return Exit.PIPE_CLOSED


def _tell_bug(fault: Exception) -> int:
    trace = "".join(traceback.format_exception(fault))
    if os.environ.get("TRUSTWARD_DEBUG") == "1":
        sys.stderr.write(trace)
        return Exit.BUG
    handle, name = tempfile.mkstemp(prefix="trustward-", suffix=".txt")
    os.close(handle)
    Path(name).write_text(trace, encoding="utf-8", errors="backslashreplace")
    first = (str(fault).splitlines() or [""])[0][:200]
    _say(
        f"a fault in Trustward, not in your data: {type(fault).__name__}: {first}",
        f"please report it with the file {name} (read it first: it may quote your data)",
    )
    return Exit.BUG
