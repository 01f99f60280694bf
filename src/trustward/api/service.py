"""What the routes share: the host, the store, the keys, and the way from the event loop to the engine's thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from threading import Lock
from typing import Any, ParamSpec, TypeVar

import msgspec
from litestar import Request

from trustward import bootstrap
from trustward.api.auth import KeyRing
from trustward.api.desk import Desk
from trustward.api.logs import log
from trustward.api.metrics import Metrics
from trustward.base.clock import elapsed_s, now_us
from trustward.base.errors import NotFoundError, StoreError, TrustwardError, UnavailableError
from trustward.base.units import format_time
from trustward.bootstrap import Operations
from trustward.engine.engine import Engine
from trustward.exchange.decode import EventDecoder
from trustward.model.changes import Change
from trustward.model.decision import RANK, VERDICTS, Action, Decision, Fault, RuleHit
from trustward.model.event import Event, type_of
from trustward.model.stored import StoredPolicy
from trustward.operations.deciding import Deciding
from trustward.operations.errands import Errands
from trustward.operations.grouping import Answers, Ticket
from trustward.operations.indexing import Indexing
from trustward.operations.recovery import Replayer
from trustward.operations.retelling import Retelling
from trustward.operations.searching import Searching
from trustward.policy import Policy
from trustward.ports import Store
from trustward.ports.traces import Trace
from trustward.settings import Settings

T = TypeVar("T")
P = ParamSpec("P")
_MOST_POLICIES = 8
LONGEST_S = 60.0
"""How long a request waits for the engine at most; a policy with new windows takes as long as it takes."""


class Late(Exception):  # noqa: N818 - not an error: the answer is not there yet
    """The deadline has passed; the event is decided all the same."""


class Policies:
    """Stored policies, compiled; the latest few are kept. Used by many threads."""

    def __init__(self, store: Store, compile_policy: Callable[[StoredPolicy], Policy]) -> None:
        self._store = store
        self._compile = compile_policy
        self._held: dict[str, Policy] = {}
        self._lock = Lock()

    def get(self, hash: str) -> Policy:
        """The policy with this hash. Raises NotFoundError, PolicyError, StoreError."""
        with self._lock:
            found = self._held.get(hash)
            if found is None:
                stored = self._store.policies.get(hash)
                if stored is None:
                    raise NotFoundError(f"no such policy: {hash[:80]}", remedy="GET /v1/policies lists all")
                if len(self._held) >= _MOST_POLICIES:
                    del self._held[next(iter(self._held))]
                found = self._held[hash] = self._compile(stored)
        return found


class Service:
    """One process of the service. Used by one event loop, which calls :meth:`open` first."""

    def __init__(
        self,
        settings: Settings,
        host: Deciding,
        store: Store,
        decoder: EventDecoder,
        compile_policy: Callable[[StoredPolicy], Policy],
        operations: Operations,
    ) -> None:
        self.operations = operations
        self.errands = Errands(store, host, decoder)
        self.settings = settings
        self.host = host
        self.store = store
        self.decoder = decoder
        self.stream_decoder = EventDecoder(decoder.catalogue, line_limit=settings.event_bytes)
        self.streams = 0
        self.ring = KeyRing(store.keys, settings.key_rate)
        self.desk = Desk(settings, store)
        self.metrics = Metrics(host, store)
        self.tracer = bootstrap.tracer(settings)
        host.tracing = self.tracer is not None
        self.draining = False
        self.warmed = False
        self.policies = Policies(store, compile_policy)
        self.searching = Searching(store, Indexing(store, decoder))
        replayer = Replayer(store, decoder, lambda stored: self.policies.get(stored.hash), settings.skew_us)
        self.retelling = Retelling(store, replayer)
        self.delivering = bootstrap.delivering(settings, store)
        self.approving = asyncio.Lock()
        self.on_trials: Callable[[], None] = _nobody
        """Called when there is a new trial."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._notify = self._notified
        self._policy: Policy | None = None
        self._asked = ""

    def open(self) -> None:
        """Take the running loop as one's own."""
        self._loop = asyncio.get_running_loop()

    # ------------------------------------------------------------------ events

    def begin(
        self, events: Sequence[Event], faults: Mapping[int, Sequence[Fault]], trace: Trace | None = None
    ) -> Ticket:
        """Put events into the queue; :meth:`end` has their answers. Raises as :meth:`Deciding.post` does."""
        assert self._loop is not None  # opened before the first request
        ticket = Ticket(events, faults, self._notify)
        if trace is not None:
            ticket.trace, ticket.posted_us = trace, now_us()
        ticket.future = future = self._loop.create_future()
        self.host.post(ticket)
        self.metrics.waiting[future] = elapsed_s()
        return ticket

    async def end(self, ticket: Ticket, within_s: float | None = None) -> Answers:
        """The answers, when they are on disk. Raises Late when ``within_s`` has passed, and what the commit raises."""
        future: Any = ticket.future
        assert self._loop is not None  # the same
        timer = self._loop.call_later(within_s, _be_late, future) if within_s is not None else None
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
                future.set_result(True)
            elif ticket.answers is not None:
                # Nobody waits any more: it was late, or the client has gone.
                self.metrics.answered(ticket.answers)
                if not future.cancelled():
                    answers = ticket.answers
                    late += [(seq, answers.decision(at)) for at, seq in enumerate(answers.seqs) if seq]
        if late:
            assert self._loop is not None  # the same
            self._loop.run_in_executor(None, self._tell, late)

    def _tell(self, late: Sequence[tuple[int, Decision]]) -> None:
        """The whole decision follows an answer that was given when the caller's deadline had passed."""
        try:
            self.delivering.tell(late)
        except StoreError as fault:
            # It is on disk, and can be asked for.
            log("late decisions could not be told", error=fault, count=len(late))

    # ------------------------------------------------------------------ everything else, from threads of the pool

    def wait(self, future: Future[T], within_s: float | None = LONGEST_S) -> T:
        """The outcome of something asked of the host, in a thread that may wait."""
        try:
            return future.result(within_s)
        except TimeoutError as fault:
            raise _unanswered() from fault

    async def aside(self, run: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run something that takes a while in a thread of the pool."""
        return await asyncio.to_thread(run, *args, **kwargs)

    async def changed(self, change: Change, within_s: float | None = LONGEST_S) -> int:
        """Make a change; the number of its entry, when it is on disk. Raises what the host raises."""
        # No thread of the pool is held while the windows of a new policy fill.
        future = asyncio.wrap_future(await self.aside(self.host.change, change))
        try:
            return await asyncio.wait_for(asyncio.shield(future), within_s)
        except TimeoutError as fault:
            raise _unanswered() from fault

    def run_errands(self) -> None:
        """Do what the stories have asked of the engine; what fails now is tried again."""
        try:
            while self.errands.run():
                pass
        except TrustwardError as fault:
            log("errands wait", error=fault)

    def warm(self) -> None:
        """Compile all that a first decision needs, on an engine of no consequence."""
        policy = self.live()
        faults = (Fault(path="$", cause="no event"),)
        engine = Engine(policy)
        for name in policy.types:
            kind = self.decoder.classes[name]
            required: dict[str, Any] = {field.name: None for field in msgspec.structs.fields(kind) if field.required}
            event = kind(**{**required, "id": "warm", "time": format_time(0)})
            engine.decide_batch((event,), {0: faults}, now_us=0)

    def live(self) -> Policy:
        """The live policy, as the engine has it."""
        return self.wait(self.host.ask(lambda engine: engine.policy))

    # ------------------------------------------------------------------ deadlines

    def refresh(self) -> None:
        """See that the live policy is at hand for answers after a deadline, without waiting for it."""
        name = self.host.status().policy
        if name and name != self._asked:
            try:
                future = self.host.ask(lambda engine: engine.policy)
            except (UnavailableError, StoreError):
                return
            self._asked = name
            future.add_done_callback(self._take)

    def _take(self, future: Future[Policy]) -> None:
        if future.exception() is None:
            self._policy = future.result()
        else:
            self._asked = ""

    def fallback(self, event: Event, within_s: float) -> Decision:
        """What the policy says if nothing can be evaluated: every live rule on the type takes its safe answer."""
        policy = self._policy
        name = type_of(event)
        rules = [rule for rule in policy.rules if name in rule.types and rule.mode == "live"] if policy else []
        safe = [(rule, rule.on_fault) for rule in rules if rule.on_fault != "ignore"]
        rank = max((RANK[answer] for _, answer in safe), default=RANK["hold"] if policy is None else 0)
        cause = f"not decided within {within_s * 1000:g} ms"
        return Decision(
            event_id=event.id,
            type=name,
            time=event.time,
            verdict=VERDICTS[rank],
            score=0.0,
            degraded=True,
            rules=tuple(
                RuleHit(
                    id=rule.id, mode="fault", reason=f"could not be evaluated: {cause}", values={"safe answer": said}
                )
                for rule, said in safe
                if RANK[said] == rank and rank
            ),
            actions=tuple(
                Action(do=said, kind="event", entity=event.id, rule=rule.id, note="degraded")
                for rule, said in safe
                if RANK[said] == rank and rank
            ),
            faults=(Fault(path="$", cause=cause),),
            policy=policy.hash if policy is not None else "",
        )


def _nobody() -> None:
    """Nobody is to be told."""


def trace_of(request: Request[Any, Any, Any]) -> Trace | None:
    """The trace of a request, if it is traced."""
    if request.app.state.service.tracer is None:
        return None
    found: Trace | None = request.scope["state"].get("trace")
    return found


def _be_late(future: asyncio.Future[bool]) -> None:
    if not future.done():
        future.set_result(False)


def _unanswered() -> UnavailableError:
    return UnavailableError("the engine did not answer in time", remedy="see whether it was done before asking again")
