"""Processes beside the engine's: started again when they end by themselves, and ended with it, however it ends."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from threading import Event, Lock, Thread

from trustward.api.logs import log
from trustward.base.clock import elapsed_s

_REST_S = 0.2
_LONGEST_REST_S = 5.0
_SETTLED_S = 10.0
"""A process that has lived for this long is started again at once."""


class Beside:
    """One process. It reads from a pipe: a byte is news, and the end of the pipe says that this process has gone.

    ``words`` are the arguments of the interpreter, ``files`` the open files that it is handed.
    """

    def __init__(
        self, name: str, words: Sequence[str], *, files: Sequence[int] = (), settings: Mapping[str, str] | None = None
    ) -> None:
        self.name = name
        self.starts = 0
        self._words = [sys.executable, *words]
        self._files = tuple(files)
        self._environment = {**os.environ, **(settings or {})}
        self._stop = Event()
        self._lock = Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = Thread(target=self._keep, name=name, daemon=True)

    @property
    def pid(self) -> int:
        """The number of the process, 0 for none."""
        with self._lock:
            return self._process.pid if self._process is not None else 0

    def start(self) -> None:
        """Start it, and again whenever it has ended."""
        self._thread.start()

    def tell(self) -> None:
        """Say that there is news. Never waits: a full pipe says it already."""
        with self._lock:
            if self._process is not None and self._process.stdin is not None:
                with suppress(OSError):
                    os.write(self._process.stdin.fileno(), b"\n")

    def end(self) -> None:
        """Tell it to end in good order, and start it no more; :meth:`join` waits for it."""
        self._stop.set()
        with self._lock:
            if self._process is not None:
                self._process.terminate()

    def join(self, within_s: float) -> None:
        """Wait until it has ended; what takes longer is killed."""
        if self._thread.ident is None:
            return
        self._thread.join(within_s)
        with self._lock:
            if self._process is not None:
                log("killed: it did not end in time", level="warning", process=self.name)
                self._process.kill()
        self._thread.join()

    def _keep(self) -> None:
        rest = _REST_S
        while not self._stop.is_set():
            begun = elapsed_s()
            try:
                code = self._once()
            except OSError as fault:
                log("a process cannot be started", error=fault, process=self.name)
                code = -1
            if self._stop.is_set():
                return
            log("a process has ended and is started again", level="warning", process=self.name, code=code)
            rest = _REST_S if elapsed_s() - begun > _SETTLED_S else min(2 * rest, _LONGEST_REST_S)
            self._stop.wait(rest)

    def _once(self) -> int:
        """Run it once, to its end; its exit code."""
        with self._lock:
            if self._stop.is_set():
                return 0
            self._process = process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                self._words, stdin=subprocess.PIPE, pass_fds=self._files, env=self._environment
            )
            assert process.stdin is not None  # it was asked for
            os.set_blocking(process.stdin.fileno(), False)
            self.starts += 1
        code = process.wait()
        with self._lock:
            self._process = None
            with suppress(OSError):
                process.stdin.close()
        return code
