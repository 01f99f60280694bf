"""The steps of a commit, for those of its requests that are traced."""

from __future__ import annotations

from collections.abc import Sequence

from trustward.base.clock import now_us
from trustward.operations.grouping import Ticket


class Watch:
    """The times of one commit: made when its tickets leave the queue."""

    def __init__(self, tickets: Sequence[Ticket]) -> None:
        self._traces = [ticket.trace for ticket in tickets if ticket.trace is not None]
        self._queued = [ticket.posted_us for ticket in tickets if ticket.trace is not None]
        self._taken_us = now_us() if self._traces else 0
        self._decided_us = 0

    def decided(self) -> None:
        """The engine has decided; what follows is the commit."""
        if self._traces:
            self._decided_us = now_us()

    def committed(self) -> None:
        """It is on disk."""
        if not self._traces:
            return
        now = now_us()
        decided = self._decided_us or now
        for trace, queued in zip(self._traces, self._queued, strict=True):
            trace.step("queue", queued, self._taken_us)
            trace.step("decide", self._taken_us, decided)
            if self._decided_us:
                trace.step("commit", decided, now)
