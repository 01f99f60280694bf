"""The engine's end of the lines to the processes that speak HTTP: frames in, one commit for all, answers out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from socket import socket
from typing import cast

import msgspec

from trustward.api.auth import KeyRing
from trustward.api.entrance import Taker
from trustward.api.frames import Answered, Asked, Counted, Failed, Framed, Standing, ToEngine, Told, own_peer
from trustward.api.logs import log
from trustward.api.metrics import Metrics
from trustward.base.clock import elapsed_s
from trustward.base.errors import InternalError, StateError, StoreError, TrustwardError
from trustward.exchange.decode import EventDecoder
from trustward.model.decision import Decision
from trustward.model.journal import encode_decisions
from trustward.operations.grouping import Ticket

_TEND_S = 0.1
_OURS = InternalError("a fault in Trustward, not in your request", remedy="report it, with the time")


class Hatch:
    """All lines. Used by one event loop; ``taker`` takes tickets in, ``standing`` says how the engine is."""

    def __init__(
        self,
        listening: socket,
        decoder: EventDecoder,
        taker: Taker,
        standing: Callable[[], Standing],
        tell_late: Callable[[Sequence[tuple[int, Decision]]], None],
        metrics: Metrics,
        ring: KeyRing,
    ) -> None:
        self.decoder = decoder
        self.taker = taker
        self.metrics = metrics
        self.lines: set[Line] = set()
        self.tell_late = tell_late
        self.decisions = msgspec.json.Decoder(list[tuple[int, Decision]]).decode
        self._listening = listening
        self._standing = standing
        self._ring = ring
        self._owed: dict[str, float] = {}
        self._said: Standing | None = None
        self._server: asyncio.Server | None = None
        self._tending: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def open(self) -> None:
        """Take lines in."""
        self._loop = loop = asyncio.get_running_loop()
        self._server = await loop.create_unix_server(lambda: Line(self), sock=self._listening)
        self._tending = asyncio.create_task(self._tend())

    def close(self) -> None:
        """Cut all lines."""
        if self._tending is not None:
            self._tending.cancel()
        if self._server is not None:
            self._server.close()
        for line in list(self.lines):
            if line.transport is not None:
                line.transport.close()

    def whole(self, count: int) -> bool:
        """Whether so many processes are there."""
        return len(self.lines) >= count

    def said(self) -> Standing:
        """How the engine is, with what keys owe."""
        now_s = elapsed_s()
        self._owed = {key: until for key, until in self._owed.items() if until > now_s}
        standing = self._standing()
        return Standing(
            standing.phase, standing.warmed, standing.draining, standing.policy, standing.safe, dict(self._owed)
        )

    def spend(self, spent: dict[str, int]) -> None:
        """Count what keys have sent through any process; the processes are told of those that have to wait."""
        for key, count in spent.items():
            wait = self._ring.owe(key, count)
            if wait:
                self._owed[key] = elapsed_s() + wait

    def notified(self, tickets: Sequence[Ticket]) -> None:
        """In the engine's thread, once for all frames of a commit."""
        assert self._loop is not None  # opened before the first line
        self._loop.call_soon_threadsafe(self._deliver, tickets)

    def _deliver(self, tickets: Sequence[Ticket]) -> None:
        for ticket in tickets:
            line, number = cast("tuple[Line, int]", ticket.future)
            self.metrics.waiting.pop((line, number), None)
            line.answer(ticket, number)

    async def _tend(self) -> None:
        while True:
            said = self.said()
            if said != self._said:
                self._said = said
                for line in self.lines:
                    line.send(said)
            await asyncio.sleep(_TEND_S)


class Line(Framed):
    """The line to one process."""

    def __init__(self, hatch: Hatch) -> None:
        super().__init__(ToEngine)
        self._hatch = hatch

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See :class:`asyncio.Protocol`."""
        if not own_peer(transport):
            log("a stranger was turned away from the engine's socket", level="warning")
            transport.close()
            return
        super().connection_made(transport)
        self._hatch.lines.add(self)
        self.send(self._hatch.said())

    def gone(self) -> None:
        """What is under way is decided all the same."""
        self._hatch.lines.discard(self)
        self._hatch.metrics.sums.end(self)

    def take(self, message: Asked | Counted | Told) -> None:
        """Events to decide, what the process has counted, or what was late."""
        if isinstance(message, Told):
            self._hatch.tell_late(self._hatch.decisions(message.decisions))
            return
        if isinstance(message, Counted):
            if message.samples:
                self._hatch.metrics.sums.put(self, message.samples)
            self._hatch.spend(message.spent)
            return
        try:
            events = self._hatch.decoder.decode_lines(message.lines).events
            if len(events) != message.count:
                raise StateError("a frame's events cannot be read", remedy="start again: the catalogues differ")
            ticket = Ticket(events, message.faults, self._hatch.notified)
            ticket.future = (self, message.number)
            ticket.dues = message.dues
            self._hatch.metrics.waiting[self, message.number] = elapsed_s()
            self._hatch.taker.post(ticket)
        except Exception as fault:  # noqa: BLE001 - one frame that cannot be read must not cut the line for all others
            self._hatch.metrics.waiting.pop((self, message.number), None)
            if not isinstance(fault, TrustwardError):
                log("a frame failed", error=fault)
            self._fail(message.number, fault if isinstance(fault, TrustwardError) else _OURS)

    def answer(self, ticket: Ticket, number: int) -> None:
        """Send what became of a frame."""
        answers = ticket.answers
        if answers is None:
            self._fail(number, ticket.error or StoreError("no answer", remedy="send it again"))
            return
        seqs = answers.seqs
        gapless = isinstance(seqs, range)
        self.send(
            Answered(
                number,
                answers.policy,
                seqs[0] if gapless and seqs else 0,
                () if gapless else tuple(seqs),
                encode_decisions(list(answers.decisions.items())),
                dict(answers.problems),
                tuple(answers.again),
                tuple(ticket.told),
            )
        )

    def _fail(self, number: int, fault: TrustwardError) -> None:
        self.send(Failed(number, fault.code, fault.message, fault.remedy))
