"""The worker: delivers what waits, again and again, until it is told to stop. Several may run.

python -m trustward.worker, with its settings in the environment; ``trustward worker`` starts it. ``trustward serve``
starts one beside the engine (``python -m trustward.worker beside``): that one reads from a pipe, is told of new actions
by a byte, and ends when the pipe does.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from contextlib import closing
from threading import Condition, Event, Lock, Thread
from types import FrameType

import msgspec

from trustward import bootstrap
from trustward.base.clock import now_us
from trustward.base.errors import SettingsError, StoreError, TrustwardError
from trustward.base.units import format_time
from trustward.operations.working import Working

LOOK_S = 0.05
"""How long an idle worker waits before it looks for new actions."""
LOOK_BESIDE_S = 0.25
"""The same for one that is told of them."""
REST_S = 0.5
"""How long an idle thread waits before it looks whether a failed action is due, or a lane has been left."""
UPKEEP_S = 2.0
"""How long it waits before it looks whether there is something for the index."""
FAILED_S = 1.0
"""How long it waits after the database has failed."""


class Worker:
    """Threads that pass on, undo and deliver, until ``stop`` is called.

    ``told`` is set by whoever knows of new actions, and when it is to stop; without it, it looks by itself. ``upkeep``
    is done beside that, again and again, for as long as it says that there was something to do.
    """

    def __init__(
        self,
        rounds: Working,
        threads: int,
        say: Callable[[str], None],
        told: Event | None = None,
        upkeep: Callable[[], int] | None = None,
    ) -> None:
        self._rounds = rounds
        self._say = say
        self._stop = rounds.stop
        self._told = told
        self._look_s = LOOK_S if told is None else LOOK_BESIDE_S
        self._news = Condition()
        self._lock = Lock()
        self._fault = ""
        self._count = 0
        self._threads = [Thread(target=self._deliver, name=f"deliver-{number}") for number in range(threads)]
        if upkeep is not None:
            self._threads.append(Thread(target=self._keep_up, args=(upkeep,), name="upkeep"))

    def run(self) -> None:
        """Work until it is stopped; then end every action that is under way, and give back what is left."""
        for thread in self._threads:
            thread.start()
        while not self._stop.is_set():
            if self._try(self._rounds.tidy):
                with self._news:
                    self._count += 1
                    self._news.notify_all()
            self._rest()
        with self._news:
            self._news.notify_all()
        for thread in self._threads:
            thread.join()

    def _rest(self) -> None:
        if self._told is None:
            self._stop.wait(self._look_s)
        elif self._told.wait(self._look_s) and not self._stop.is_set():
            self._told.clear()

    def _deliver(self) -> None:
        while not self._stop.is_set():
            seen = self._count
            if not self._try(self._rounds.round):
                with self._news:
                    if seen == self._count and not self._stop.is_set():
                        self._news.wait(REST_S)

    def _keep_up(self, upkeep: Callable[[], int]) -> None:
        while not self._stop.is_set():
            if not self._try(upkeep):
                self._stop.wait(UPKEEP_S)

    def _try(self, do: Callable[[], int]) -> int:
        """Do something; a fault is said once, and followed by a pause."""
        try:
            done = do()
        except StoreError as fault:
            self._note(str(fault))
        except Exception as fault:  # noqa: BLE001 - a worker that has ended delivers nothing any more
            self._note(f"a fault in Trustward: {type(fault).__name__}: {fault}")
        else:
            self._note("")
            return done
        self._stop.wait(FAILED_S)
        return 0

    def _note(self, fault: str) -> None:
        with self._lock:
            before, self._fault = self._fault, fault
        if fault != before:
            self._say(fault or "working again")


def main(*, beside: bool = False) -> int:
    """Run a worker with the settings of the environment; the exit code."""
    stop = Event()
    told = Event() if beside else None
    say = _log if beside else _say

    def end(_signal: int = 0, _frame: FrameType | None = None) -> None:
        stop.set()
        if told is not None:
            told.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    try:
        settings = bootstrap.service_settings()
        with closing(bootstrap.store(settings)) as opened:
            rounds, webhooks = bootstrap.working(settings, opened, stop)
            with closing(webhooks):
                say(f"delivering to {', '.join(rounds.story.targets)}; process {os.getpid()}")
                if told is not None:
                    Thread(target=_listen, args=(told, end), name="listen", daemon=True).start()
                indexing = bootstrap.indexing(settings, opened)
                Worker(rounds, settings.worker_threads, say, told, indexing.step).run()
    except TrustwardError as fault:
        say(f"error {fault}")
        return 2 if isinstance(fault, SettingsError) else 3
    say("stopped")
    return 0


def _listen(told: Event, end: Callable[[], None]) -> None:
    """Read the pipe: news until its end."""
    while os.read(0, 4096):
        told.set()
    end()


def _say(text: str) -> None:
    sys.stderr.write(f"worker: {text}\n")
    sys.stderr.flush()


def _log(text: str) -> None:
    """The same as a line of the service's log."""
    entry = {"time": format_time(now_us()), "level": "info", "message": text, "process": "worker"}
    sys.stderr.write(msgspec.json.encode(entry).decode() + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main(beside=sys.argv[1:] == ["beside"]))
