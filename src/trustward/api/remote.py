"""The way from a process that speaks HTTP to the engine's: many requests to one frame, and their answers back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import msgspec

from trustward.api.frames import Answered, Asked, Failed, Framed, Standing, ToHttp
from trustward.base.errors import InternalError, OverloadedError, StoreError, TrustwardError, UnavailableError
from trustward.model.decision import Decision, Fault
from trustward.operations.grouping import Ticket, notify, share

MOST_EVENTS = 512
"""Requests are put together into frames of so many events; a larger one goes alone."""
_SEPARATE = "the engine's process has ended: what was under way may be on disk or not"
_AGAIN = "send it again: what is known does no harm"
_KINDS: dict[str, type[TrustwardError]] = {
    kind.code: kind for kind in (InternalError, OverloadedError, StoreError, UnavailableError)
}


class Remote(Framed):
    """Takes tickets, and notifies them, as the engine's host does. Used by one event loop.

    ``most`` is how many events may be on their way; ``changed`` is called when the engine says how it stands, and when
    it has gone.
    """

    def __init__(self, most: int, changed: Callable[[], None]) -> None:
        super().__init__(ToHttp)
        self.standing = Standing("new", warmed=False, draining=False, policy="", safe={})
        self._most = most
        self._changed = changed
        self._number = 0
        self._waiting = 0
        self._gathered: list[Ticket] = []
        self._sent: dict[int, list[Ticket]] = {}
        self._encode = msgspec.json.Encoder().encode_lines
        self._decisions = msgspec.json.Decoder(list[tuple[int, Decision]]).decode

    def post(self, ticket: Ticket) -> None:
        """Take a request in. Raises UnavailableError or OverloadedError, and then nothing of it was taken in."""
        if self.transport is None or self.standing.phase != "ready":
            raise UnavailableError(f"the service is {self.standing.phase}", remedy="send it again in a moment")
        count = len(ticket.events)
        if self._waiting and self._waiting + count > self._most:
            raise OverloadedError(f"{self._waiting:,} events wait already", remedy="send it again in a moment")
        self._waiting += count
        self._gathered.append(ticket)
        if len(self._gathered) == 1:
            # Whatever else this turn of the loop brings goes along.
            asyncio.get_running_loop().call_soon(self._flush)

    # ------------------------------------------------------------------ out

    def _flush(self) -> None:
        gathered, self._gathered = self._gathered, []
        part: list[Ticket] = []
        count = 0
        for ticket in gathered:
            if part and count + len(ticket.events) > MOST_EVENTS:
                self._put(part)
                part, count = [], 0
            part.append(ticket)
            count += len(ticket.events)
        if part:
            self._put(part)

    def _put(self, tickets: list[Ticket]) -> None:
        events = [event for ticket in tickets for event in ticket.events]
        faults: dict[int, tuple[Fault, ...]] = {}
        dues: dict[int, float] = {}
        start = 0
        for ticket in tickets:
            faults.update((start + at, tuple(found)) for at, found in ticket.faults.items())
            dues.update((start + at, due_s) for at, due_s in ticket.dues.items())
            start += len(ticket.events)
        self._number += 1
        if self.transport is None:
            self._fail(tickets, UnavailableError("the engine's process has ended", remedy="send it again in a moment"))
            return
        self._sent[self._number] = tickets
        self.send(Asked(self._number, len(events), self._encode(events), faults, dues))

    # ------------------------------------------------------------------ back

    def take(self, message: Answered | Failed | Standing) -> None:
        """An answer, or how the engine stands."""
        if isinstance(message, Standing):
            self.standing = message
            self._changed()
            return
        tickets = self._sent.pop(message.number)
        if isinstance(message, Failed):
            kind = _KINDS.get(message.code, StoreError)
            if kind is StoreError and len(tickets) > 1:
                # One of them may have spoilt it for the others.
                for ticket in tickets:
                    self._put([ticket])
                return
            self._fail(tickets, kind(message.message, remedy=message.remedy))
            return
        count = sum(len(ticket.events) for ticket in tickets)
        seqs: Sequence[int] = message.seqs or range(message.first, message.first + count)
        decisions = dict(self._decisions(message.decisions)) if message.decisions else {}
        share(tickets, seqs, decisions, message.problems, frozenset(message.again), message.policy)
        start = 0
        for ticket in tickets if message.told else ():
            stop = start + len(ticket.events)
            ticket.told = [at - start for at in message.told if start <= at < stop]
            start = stop
        self._waiting -= count
        notify(tickets)

    def gone(self) -> None:
        """The engine's process has ended, or has cut the line: nobody knows what became of what was under way."""
        sent, self._sent = self._sent, {}
        for tickets in sent.values():
            self._fail(tickets, StoreError(_SEPARATE, remedy=_AGAIN))
        self.standing = msgspec.structs.replace(self.standing, phase="stopped")
        self._changed()

    def hang_up(self) -> None:
        """Cut the line, when nothing is under way any more."""
        if self.transport is not None:
            self.transport.close()

    def _fail(self, tickets: Sequence[Ticket], error: TrustwardError) -> None:
        for ticket in tickets:
            ticket.error = error
            self._waiting -= len(ticket.events)
        notify(tickets)
