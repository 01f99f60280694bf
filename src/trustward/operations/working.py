"""What a worker does again and again: pass on, undo, take a lane, send what is in it, say what came of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Event

from trustward.base.errors import SettingsError, StoreError
from trustward.model.delivery import Delivery, Handed, Receipt, Target
from trustward.operations.delivering import Delivering

Send = Callable[[Target, Delivery], Receipt]
"""Sends one action to one target, in less than a third of a lease; whatever comes of it is in the receipt."""
_TRIES = 20
_PAUSE_S = 0.25
_CHORES_REST_US = 250_000


class Working:
    """One worker's rounds, for any number of threads. ``stop`` ends them between two actions."""

    def __init__(
        self,
        story: Delivering,
        send: Send,
        worker: str,
        stop: Event,
        *,
        timeout_us: int,
        chores: Sequence[Callable[[], int]] = (),
    ) -> None:
        if timeout_us * 3 > story.lease_us:
            raise SettingsError("a lease is shorter than three tries", remedy="lengthen the lease or cut the timeout")
        self.story = story
        self.stop = stop
        self._send = send
        self._worker = worker
        self._timeout_us = timeout_us
        self._chores = chores
        self._rested_us = 0
        self._names: Sequence[str] = [target.name for target in story.targets.values() if not target.polled]

    def tidy(self) -> int:
        """Do what time alone asks for (reminders, breaches), pass on what waits, undo what has ended; how many.

        What fails keeps nothing else from being done: it is raised when all the rest is.
        """
        done, now_us = 0, self.story.clock()
        faults: list[Exception] = []
        if now_us >= self._rested_us:
            for chore in self._chores:
                try:
                    done += chore()
                except Exception as fault:  # noqa: BLE001 - it is raised below
                    faults.append(fault)
            self._rested_us = now_us + _CHORES_REST_US
        done += self.story.tidy()
        if faults:
            raise faults[0]
        return done

    def round(self) -> bool:
        """Take a lane and deliver what is in it; whether there was one."""
        handed = self.story.lease(self._names, self._worker)
        if handed is None:
            return False
        self._deliver(handed)
        return True

    def _deliver(self, handed: Handed) -> None:
        target = self.story.target(handed.target)
        held_us = handed.until_us
        for delivery in handed.deliveries:
            if self.stop.is_set():
                self.story.free(handed)
                return
            if held_us - self.story.clock() < 2 * self._timeout_us and not self.story.keep(handed):
                return  # it took too long: the lane is somebody else's
            receipt = self._send(target, delivery)
            if not self._settle(handed, delivery, receipt):
                return
            held_us = self.story.clock() + self.story.lease_us

    def _settle(self, handed: Handed, delivery: Delivery, receipt: Receipt) -> bool:
        """Write down what came of it, again and again if the store fails: what has arrived should be known."""
        last = delivery is handed.deliveries[-1]
        for _ in range(_TRIES):
            try:
                return self.story.settle(handed, delivery, receipt, last=last)
            except StoreError:
                if self.stop.wait(_PAUSE_S):
                    break
        return self.story.settle(handed, delivery, receipt, last=last)
