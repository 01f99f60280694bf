"""Events of a source into the engine: in order, as fast as it takes them, each once.

The position moves on only after the decisions are on disk. A crash between the two reads some events again, and the
journal knows them by their ids: nothing is lost, and nothing is decided twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from itertools import islice
from threading import Event as Signal
from threading import Thread
from typing import Literal, NamedTuple

import msgspec

from trustward.base.clock import elapsed_s
from trustward.base.errors import OverloadedError, SourceError, StoreError, TrustwardError, UnavailableError
from trustward.exchange.records import Decoded, Reject, excerpt
from trustward.model.decision import Fault
from trustward.model.event import Event
from trustward.operations.grouping import NO_FAULTS, Answers
from trustward.ports.sources import Batch, Source
from trustward.ports.traces import Trace, Tracer

Submit = Callable[[Sequence[Event], Mapping[int, Sequence[Fault]], Trace | None], Future[Answers]]
"""Hands events to the engine, as ``Deciding.submit`` does."""

READ_S = 0.5
"""How long a source waits for something to come before it looks whether it is to stop."""
RESTS_S = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
"""How long it rests after each failure in a row."""
BUSY_S = 0.05
"""How long it waits when the engine takes nothing."""
DRAIN_S = 20.0
"""How long it waits at the end for an answer that is under way."""


class SourceStatus(msgspec.Struct, kw_only=True):
    """How a source is, and what it has brought since the start.

    ``since_s`` says when it began to wait for the batch in hand to be decided and confirmed; None without one.
    """

    name: str
    phase: Literal["new", "reading", "failed", "stopped"] = "new"
    fault: str = ""
    failures: int = 0
    decided: int = 0
    again: int = 0
    rejected: int = 0
    since_s: float | None = None


class Told(NamedTuple):
    """Who is told: what became of events, how many records gave none, what went wrong, how long it all took."""

    answered: Callable[[Answers], None] = lambda _answers: None
    rejected: Callable[[int], None] = lambda _count: None
    say: Callable[[str, str], None] = lambda _name, _words: None
    tracer: Tracer | None = None


class _StoppedError(Exception):
    """It is to stop, and something is not confirmed."""


class Sourcing:
    """One source, in a thread of its own between :meth:`start` and :meth:`join`.

    ``most`` events are handed over at a time: whoever waits for a single decision must not wait for long.
    """

    def __init__(
        self,
        name: str,
        source: Source,
        submit: Submit,
        *,
        stop: Signal,
        most: int = 500,
        told: Told = Told(),  # noqa: B008 - it cannot change
    ) -> None:
        self.status = SourceStatus(name=name)
        self._source = source
        self._submit = submit
        self._stop = stop
        self._most = most
        self._told = told
        self._thread = Thread(target=self.run, name=f"source-{name}", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def join(self, within_s: float) -> None:
        """Wait until it has ended."""
        if self._thread.ident is not None:
            self._thread.join(within_s)

    def run(self) -> None:
        """Read, hand over, confirm, until it is to stop; begin again after whatever fails."""
        while not self._stop.is_set():
            try:
                self._source.open()
                self._well()
                self._flow()
            except _StoppedError:
                pass
            except TrustwardError as fault:
                self._failed(_words(fault))
            except Exception as fault:  # noqa: BLE001 - a source that has ended brings nothing any more
                # Its words may quote what it has read.
                self._failed(f"a fault in the source: {type(fault).__name__}")
            finally:
                self._close()
            if self.status.phase == "failed":
                self._stop.wait(RESTS_S[min(self.status.failures, len(RESTS_S)) - 1])
        self.status.phase = "stopped"

    def _close(self) -> None:
        self.status.since_s = None
        try:
            self._source.close()
        except Exception as fault:  # noqa: BLE001 - the same
            self._failed(f"it could not be closed: {type(fault).__name__}")

    def _failed(self, fault: str) -> None:
        status = self.status
        status.failures += 1
        status.phase = "failed"
        if status.fault != fault:
            status.fault = fault
            self._told.say(status.name, fault)

    def _well(self) -> None:
        status = self.status
        status.phase = "reading"
        if status.fault:
            status.fault = ""
            self._told.say(status.name, "working again")

    def _flow(self) -> None:
        """One batch is decided while the next is read; it is handed over after that: the order is the source's."""
        ahead: Batch | None = None
        while not self._stop.is_set():
            batch = ahead if ahead is not None else self._source.read(READ_S)
            ahead = None
            if batch is None:
                continue
            self.status.since_s = elapsed_s()
            faults = list(batch.decoded.rejects)
            for events, known, lines in _portions(batch.decoded, self._most):
                tracer = self._told.tracer
                trace = tracer.begin() if tracer is not None else None
                future = self._hand_over(events, known, trace)
                if ahead is None:
                    ahead = self._source.read(0.0)
                answers = self._settled(future, events, known)
                if trace is not None and tracer is not None:
                    tracer.end(trace, f"source {self.status.name}", {"trustward.events": len(events)})
                self._count(answers)
                faults += _problems(answers, lines)
            faults.sort(key=lambda fault: fault.line)
            self._source.confirm(batch, faults)
            aside = batch.decoded.set_aside
            if aside:
                self._told.rejected(aside)
            self.status.rejected += aside
            self.status.since_s = None
            self.status.failures = 0

    def _hand_over(
        self, events: Sequence[Event], faults: Mapping[int, Sequence[Fault]], trace: Trace | None = None
    ) -> Future[Answers]:
        """Put events into the engine's queue, when it takes them."""
        while True:
            try:
                return self._submit(events, faults, trace)
            except (OverloadedError, UnavailableError):
                if self._stop.wait(BUSY_S):
                    raise _StoppedError from None

    def _settled(
        self, future: Future[Answers], events: Sequence[Event], faults: Mapping[int, Sequence[Fault]]
    ) -> Answers:
        """The answers, on disk. What may not be on disk is sent again: the ids keep it from doubling."""
        until: float | None = None
        while True:
            try:
                return future.result(BUSY_S if until is not None else READ_S)
            except TimeoutError:
                if self._stop.is_set():
                    until = until if until is not None else elapsed_s() + DRAIN_S
                    if elapsed_s() > until:
                        raise _StoppedError from None
            except (StoreError, UnavailableError, OverloadedError) as fault:
                if self.status.fault != _words(fault):
                    self.status.fault = _words(fault)
                    self._told.say(self.status.name, _words(fault))
                if self._stop.wait(RESTS_S[0]):
                    raise _StoppedError from None
                future = self._hand_over(events, faults)
                continue

    def _count(self, answers: Answers) -> None:
        self._told.answered(answers)
        if self.status.fault:
            self._well()
        status = self.status
        status.again += len(answers.again)
        status.rejected += len(answers.problems)
        status.decided += len(answers.events) - len(answers.again) - len(answers.problems)


class Sources:
    """All sources of a service: they begin when the engine decides, and end before the process does."""

    def __init__(self, sourcings: Sequence[Sourcing], stop: Signal) -> None:
        self._sourcings = tuple(sourcings)
        self._stop = stop
        self._started = False

    def start(self) -> None:
        """Begin to read, once."""
        if not self._started:
            self._started = True
            for one in self._sourcings:
                one.start()

    def status(self) -> list[SourceStatus]:
        """How each of them is."""
        return [one.status for one in self._sourcings]

    def end(self) -> None:
        """Tell them to end; :meth:`join` waits for it."""
        self._stop.set()

    def join(self, within_s: float) -> None:
        """Wait until they have ended: what is decided by then is confirmed. What takes longer is left as it is."""
        until = elapsed_s() + within_s
        for one in self._sourcings:
            one.join(max(0.0, until - elapsed_s()))


def _words(fault: TrustwardError) -> str:
    """What may be logged of an error: a database's own words may quote what it was given."""
    return str(fault) if isinstance(fault, SourceError) else f"{fault.code}: {type(fault).__name__}"


def _portions(
    decoded: Decoded, most: int
) -> Iterator[tuple[Sequence[Event], Mapping[int, Sequence[Fault]], Sequence[int]]]:
    """A batch's events, so many at a time, with their faults and lines."""
    total = len(decoded.events)
    if total <= most:
        if total:
            yield decoded.events, decoded.faults, decoded.lines
        return
    for start in range(0, total, most):
        stop = min(start + most, total)
        faults = {at - start: decoded.faults[at] for at in range(start, stop) if at in decoded.faults}
        yield decoded.events[start:stop], faults or NO_FAULTS, list(islice(decoded.lines, start, stop))


def _problems(answers: Answers, lines: Sequence[int]) -> list[Reject]:
    """The events that were not taken in."""
    return [
        Reject(
            line=lines[at],
            path=problem.fault.path,
            cause=problem.fault.cause,
            raw=excerpt(msgspec.json.encode(answers.events[at])),
        )
        for at, problem in answers.problems.items()
    ]
