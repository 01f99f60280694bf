"""Fresh processes: whatever is timed or weighed runs alone, from nothing, on one core."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import Any, Self

import msgspec

from trustward.base.clock import elapsed_s, now_us
from trustward.base.errors import UsageError
from trustward.cli.bench.machine import pin, processor_s

_ROOM = "trustward.cli.bench."
_ONE_THREAD = {
    "NUMBA_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    # Texts hash alike in every process, so that dictionaries do not differ from run to run.
    "PYTHONHASHSEED": "0",
}
_LONGEST_S = 3_600
_STARTED = "TRUSTWARD_BENCH_STARTED"


def fresh(task: Callable[..., Mapping[str, Any]], /, **arguments: Any) -> dict[str, Any]:
    """Run a task of this package in a process of its own, and give what it returns.

    The task is a function at a module's top level; arguments and answer must be fit for JSON. The answer also holds
    ``core``: the share of its time that the process had a core, below 1 where others were at work on it too.
    Raises UsageError with the process's last words if it fails.
    """
    request = msgspec.json.encode([task.__module__, task.__name__, arguments])
    done = subprocess.run(  # noqa: S603 - our own interpreter and module
        [sys.executable, "-m", __name__],
        input=request,
        capture_output=True,
        env={**os.environ, **_ONE_THREAD, _STARTED: str(now_us())},
        timeout=_LONGEST_S,
        check=False,
    )
    if done.returncode:
        words = done.stderr.decode(errors="replace").strip().splitlines()
        raise UsageError(
            f"a measurement failed ({task.__module__.removeprefix(_ROOM)}.{task.__name__}): "
            f"{words[-1] if words else f'exit code {done.returncode}'}",
            remedy="set TRUSTWARD_DEBUG=1 to see all of it" if not _debugging() else "\n".join(words),
        )
    answer: dict[str, Any] = msgspec.json.decode(done.stdout.splitlines()[-1])
    return answer


def since_start_s() -> float:
    """In a fresh process: seconds since it was asked for, the start of Python included."""
    return (now_us() - int(os.environ[_STARTED])) / 1e6


def _debugging() -> bool:
    return os.environ.get("TRUSTWARD_DEBUG") == "1"


class Clock:
    """How long something takes: ``seconds`` on the wall, ``busy`` of the processor.

    >>> with Clock() as clock:
    ...     pass
    >>> clock.read().keys() == {"seconds", "busy"}
    True
    """

    def __enter__(self) -> Self:
        self._begin, self._used = elapsed_s(), processor_s()
        return self

    def __exit__(self, *_: object) -> None:
        self._taken = {"seconds": elapsed_s() - self._begin, "busy": processor_s() - self._used}

    def read(self) -> dict[str, float]:
        """Both, after the ``with`` block."""
        return self._taken


def _serve() -> None:
    """In the fresh process: do the task that standard input names."""
    pin()
    module, name, arguments = msgspec.json.decode(sys.stdin.buffer.read())
    if not module.startswith(_ROOM):
        raise UsageError(f"not a task of the benchmarks: {module}.{name}")
    with Clock() as clock:
        answer = getattr(importlib.import_module(module), name)(**arguments)
    taken = clock.read()
    core = min(1.0, taken["busy"] / taken["seconds"])
    sys.stdout.buffer.write(msgspec.json.encode({**answer, "core": core}) + b"\n")


if __name__ == "__main__":
    _serve()
