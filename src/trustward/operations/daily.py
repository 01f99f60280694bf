"""Removing what is kept long enough once a day, in a thread of its own: nobody's deliveries wait for it."""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread

from trustward.base.clock import elapsed_s
from trustward.base.errors import StaleError, StateError, UsageError
from trustward.model.archived import DAY_US
from trustward.operations.retaining import Retaining

_AGAIN_S = 3_600.0


class Daily:
    """For the worker's rounds. A day's run begins when its first round comes, and again after an hour if it failed.

    What is removed does not come back: a clock that is a day further than the time that has passed since the worker
    began is not believed.
    """

    def __init__(self, story: Retaining, elapsed: Callable[[], float] = elapsed_s) -> None:
        self._story = story
        self._elapsed = elapsed
        self._thread: Thread | None = None
        self._fault: Exception | None = None
        self._due_s = elapsed()
        self._begun_us = story.clock() - int(self._due_s * 1e6)

    def tend(self) -> int:
        """Begin what is due; how many runs that were. Raises StateError, and what the last run failed with, once."""
        if self._thread is not None and self._thread.is_alive():
            return 0
        fault, self._fault = self._fault, None
        if fault is not None:
            raise fault
        passed_s = self._elapsed()
        if passed_s < self._due_s:
            return 0
        now_us = self._story.clock()
        ahead_us = now_us - self._begun_us - int(passed_s * 1e6)
        if ahead_us > DAY_US:
            self._due_s = passed_s + _AGAIN_S
            raise StateError(
                f"the clock has jumped {ahead_us // DAY_US} days ahead: nothing is removed by it",
                remedy="set the clock; if it is right, start the worker anew",
            )
        # A term is over at midnight: the day's run comes right after it.
        self._due_s = passed_s + (DAY_US - now_us % DAY_US) / 1e6
        self._thread = Thread(target=self._run, name="retention", daemon=True)
        self._thread.start()
        return 1

    def wait(self) -> None:
        """Wait until the run that has begun is over."""
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        try:
            self._story.run(lambda _told: None)
        except (UsageError, StaleError):
            # Somebody else archives or removes, or holds are being placed.
            self._due_s = self._elapsed() + _AGAIN_S
        except Exception as fault:  # noqa: BLE001 - it is raised by the next round
            self._due_s = self._elapsed() + _AGAIN_S
            self._fault = fault
