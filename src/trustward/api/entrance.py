"""What takes events in, in the engine's process and in those in front of it: keys, tickets, deadlines."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from litestar import Request

from trustward.api.auth import KeyRing
from trustward.api.counts import Counts
from trustward.base.clock import elapsed_s, now_us
from trustward.exchange.decode import EventDecoder
from trustward.model.decision import RANK, VERDICTS, Action, Decision, Fault, RuleHit
from trustward.model.event import Event, type_of
from trustward.operations.grouping import Answers, Ticket
from trustward.ports.traces import Trace, Tracer
from trustward.settings import Settings

_GRACE_S = 0.1
"""How much longer than it may a caller waits for an answer that is being written."""


class Late(Exception):  # noqa: N818 - not an error: the answer is not there yet
    """The deadline has passed; the event is decided all the same."""


class Safe:
    """What a policy says when nothing can be evaluated: its live rules' safe answers, by event type."""

    def __init__(self, policy: str, answers: Mapping[str, Sequence[tuple[str, str]]]) -> None:
        self.policy = policy
        self.answers = answers

    def decision(self, event: Event, cause: str) -> Decision:
        """Every live rule on the event's type takes its safe answer; without a policy the event is held."""
        name = type_of(event)
        safe = self.answers.get(name, ())
        rank = max((RANK[answer] for _, answer in safe), default=0 if self.policy else RANK["hold"])
        harshest = [(rule, said) for rule, said in safe if RANK[said] == rank and rank]
        return Decision(
            event_id=event.id,
            type=name,
            time=event.time,
            verdict=VERDICTS[rank],
            score=0.0,
            degraded=True,
            rules=tuple(
                RuleHit(id=rule, mode="fault", reason=f"could not be evaluated: {cause}", values={"safe answer": said})
                for rule, said in harshest
            ),
            actions=tuple(
                Action(do=said, kind="event", entity=event.id, rule=rule, note="degraded") for rule, said in harshest
            ),
            faults=(Fault(path="$", cause=cause),),
            policy=self.policy,
        )


class Taker(Protocol):
    """Where tickets go: the engine's host, or the way to it."""

    def post(self, ticket: Ticket) -> None:
        """Take a request in; its ``notify`` is called after the commit."""


class Entrance:
    """Takes events in. Used by one event loop, which calls :meth:`open` first."""

    def __init__(self, settings: Settings, taker: Taker, decoder: EventDecoder, metrics: Counts, ring: KeyRing) -> None:
        self.settings = settings
        self.decoder = decoder
        self.stream_decoder = EventDecoder(decoder.catalogue, line_limit=settings.event_bytes)
        self.streams = 0
        self.ring = ring
        self.metrics = metrics
        self.draining = False
        self.warmed = False
        self.safe = Safe("", {})
        self.tracer: Tracer | None = None
        self._taker = taker
        self._loop: asyncio.AbstractEventLoop | None = None
        self._notify = self._notified

    @property
    def phase(self) -> str:
        """What the engine does at present."""
        raise NotImplementedError

    def open(self) -> None:
        """Take the running loop as one's own."""
        self._loop = asyncio.get_running_loop()

    def tell_late(self, late: Sequence[tuple[int, Decision]]) -> None:
        """Let decisions, with their entries, follow the answers that were given when deadlines had passed."""
        raise NotImplementedError

    def begin(
        self,
        events: Sequence[Event],
        faults: Mapping[int, Sequence[Fault]],
        trace: Trace | None = None,
        within_s: float | None = None,
    ) -> Ticket:
        """Put events into the queue; :meth:`end` has their answers. Raises as :meth:`Deciding.post` does.

        With ``within_s`` there is one event, and its caller waits no longer.
        """
        assert self._loop is not None  # opened before the first request
        ticket = Ticket(events, faults, self._notify)
        if within_s is not None:
            ticket.dues = {0: elapsed_s() + within_s}
        if trace is not None:
            ticket.trace, ticket.posted_us = trace, now_us()
        ticket.future = future = self._loop.create_future()
        self._taker.post(ticket)
        self.metrics.waiting[future] = elapsed_s()
        return ticket

    async def end(self, ticket: Ticket, within_s: float | None = None) -> Answers:
        """The answers, when they are on disk. Raises Late when ``within_s`` has passed, and what the commit raises."""
        future: Any = ticket.future
        assert self._loop is not None  # the same
        timer = self._loop.call_later(within_s, self._be_late, ticket) if within_s is not None else None
        try:
            in_time = await future
        finally:
            self.metrics.waiting.pop(future, None)
            if timer is not None:
                timer.cancel()
        if not in_time:
            raise Late
        if ticket.error is not None:
            raise ticket.error
        assert ticket.answers is not None  # one or the other
        return ticket.answers

    def _be_late(self, ticket: Ticket) -> None:
        """The deadline has passed. What is being written, and says nothing of it, gets another moment."""
        if ticket.sealed and not ticket.told:
            assert self._loop is not None  # the same
            self._loop.call_later(_GRACE_S, _give_up, ticket.future)
        else:
            _give_up(ticket.future)

    def fallback(self, event: Event, within_s: float) -> Decision:
        """The answer after a deadline."""
        return self.safe.decision(event, f"not decided within {within_s * 1000:g} ms")

    def _notified(self, tickets: Sequence[Ticket]) -> None:
        """In the engine's thread, once for all tickets of a commit."""
        assert self._loop is not None  # the same
        self._loop.call_soon_threadsafe(self._deliver, tickets)

    def _deliver(self, tickets: Sequence[Ticket]) -> None:
        """In the event loop: whoever still waits is told."""
        late: list[tuple[int, Decision]] = []
        for ticket in tickets:
            future: Any = ticket.future
            if not future.done():
                future.set_result(not ticket.told)
                if not ticket.told:
                    continue
            if ticket.answers is not None:
                # Nobody waits any more: it was late, or the client has gone.
                answers = ticket.answers
                self.metrics.answered(answers)
                if not future.cancelled() and not ticket.told:
                    late += [(seq, answers.decision(at)) for at, seq in enumerate(answers.seqs) if seq]
        if late:
            self.tell_late(late)


def _give_up(future: Any) -> None:
    if not future.done():
        future.set_result(False)


def trace_of(request: Request[Any, Any, Any]) -> Trace | None:
    """The trace of a request, if it is traced."""
    if request.app.state.service.tracer is None:
        return None
    found: Trace | None = request.scope["state"].get("trace")
    return found
