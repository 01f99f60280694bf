"""Policies on trial, beside the engine: a process that is started when there is something to try.

python -m trustward.api.trialling, with its settings in the environment. It reads from a pipe: a byte is news, and it
ends when the pipe does.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from threading import Event, Thread
from types import FrameType

from trustward import bootstrap
from trustward.api.beside import Beside
from trustward.api.logs import log
from trustward.base.errors import StoreError, TrustwardError
from trustward.operations.trying import Trying

LOOK_S = 2.0
"""How long the service waits before it looks whether there is something to try, if nobody tells it."""
FOLLOW_S = 0.25
"""How long the process waits before it looks for new entries of the journal, while there is a trial."""
FAILED_S = 1.0
"""How long it waits after the database has failed."""
NICENESS = 10
"""How far it gives way to others: the engine comes first."""


class Trialling(Beside):
    """The process, which is not there before it has something to do. ``look`` says whether any trial is open."""

    def __init__(self, look: Callable[[], bool]) -> None:
        super().__init__("trials", ["-m", "trustward.api.trialling"])
        self._look = look
        self._news = Event()
        self._watch = Thread(target=self._wait, name="trials", daemon=True)

    def start(self) -> None:
        """Start it as soon as there is something to try."""
        self._watch.start()

    def tell(self) -> None:
        """See :meth:`Beside.tell`."""
        self._news.set()
        super().tell()

    def end(self) -> None:
        """See :meth:`Beside.end`."""
        super().end()
        self._news.set()
        if self._watch.ident is not None:
            self._watch.join()

    def _wait(self) -> None:
        while not self._stop.is_set():
            try:
                if self._look():
                    super().start()
                    return
            except TrustwardError as fault:
                log("no look at trials", error=fault)
            self._news.wait(LOOK_S)
            self._news.clear()


def main() -> int:
    """Go on with every trial until the pipe ends; the exit code."""
    stop, told = Event(), Event()

    def end(_signal: int = 0, _frame: FrameType | None = None) -> None:
        stop.set()
        told.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    os.nice(NICENESS)
    Thread(target=_listen, args=(told, end), name="listen", daemon=True).start()
    try:
        settings = bootstrap.service_settings()
        known = bootstrap.catalogue([Path(name) for name in settings.catalogue])
        with closing(bootstrap.store(settings)) as opened:
            _work(bootstrap.trying(settings, opened, known), stop, told)
    except TrustwardError as fault:
        log("trials have ended", level="error", code=fault.code)
        return 3
    return 0


def _work(trying: Trying, stop: Event, told: Event) -> None:
    while not stop.is_set():
        try:
            if trying.round():
                continue
        except StoreError as fault:
            log("trials rest: the database failed", level="warning", code=fault.code)
            stop.wait(FAILED_S)
            continue
        told.wait(FOLLOW_S if trying.busy else LOOK_S)
        if not stop.is_set():
            told.clear()
    trying.leave()


def _listen(told: Event, end: Callable[[], None]) -> None:
    """Read the pipe: news until its end."""
    while os.read(0, 4096):
        told.set()
    end()


if __name__ == "__main__":
    sys.exit(main())
