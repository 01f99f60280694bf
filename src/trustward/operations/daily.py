"""Removing what is kept long enough once a day, in a thread of its own: nobody's deliveries wait for it."""

from __future__ import annotations

from threading import Thread

from trustward.base.errors import StaleError, UsageError
from trustward.model.archived import DAY_US
from trustward.operations.retaining import Retaining

_AGAIN_US = 3_600_000_000


class Daily:
    """For the worker's rounds. A day's run begins when its first round comes, and again after an hour if it failed."""

    def __init__(self, story: Retaining) -> None:
        self._story = story
        self._thread: Thread | None = None
        self._fault: Exception | None = None
        self._rested_us = 0

    def tend(self) -> int:
        """Begin what is due; how many runs that were. Raises what the last one failed with, once."""
        if self._thread is not None and self._thread.is_alive():
            return 0
        fault, self._fault = self._fault, None
        if fault is not None:
            raise fault
        now_us = self._story.clock()
        if now_us < self._rested_us:
            return 0
        # A term is over at midnight: the day's run comes right after it.
        self._rested_us = (now_us // DAY_US + 1) * DAY_US
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
            self._rested_us = self._story.clock() + _AGAIN_US
        except Exception as fault:  # noqa: BLE001 - it is raised by the next round
            self._rested_us = self._story.clock() + _AGAIN_US
            self._fault = fault
