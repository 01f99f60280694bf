"""What the routes share: the host, the store, the keys, and the way from the event loop to the engine's thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import cached_property
from socket import socket
from threading import Lock
from typing import Any, ParamSpec, TypeVar, get_args

import msgspec
from litestar import Request

from trustward import bootstrap
from trustward.api.auth import KeyRing
from trustward.api.desk import Desk
from trustward.api.entrance import Entrance, Safe
from trustward.api.frames import Standing
from trustward.api.hatch import Hatch
from trustward.api.logs import log
from trustward.api.metrics import Metrics
from trustward.base.errors import NotFoundError, StoreError, TrustwardError, UnavailableError
from trustward.base.units import format_time
from trustward.bootstrap import Operations
from trustward.engine.engine import Engine
from trustward.exchange.decode import EventDecoder
from trustward.model.changes import Change, ListChange
from trustward.model.decision import Decision, Fault
from trustward.model.event import Event
from trustward.model.stored import StoredPolicy
from trustward.operations.deciding import Deciding
from trustward.operations.errands import Errands
from trustward.operations.indexing import Indexing
from trustward.operations.recovery import Replayer
from trustward.operations.retaining import Retaining
from trustward.operations.retelling import Retelling
from trustward.operations.searching import Searching
from trustward.policy import Policy
from trustward.ports import Store
from trustward.settings import Settings
from trustward.windows.state import Windows

T = TypeVar("T")
P = ParamSpec("P")
_MOST_POLICIES = 8
_WARM_ROWS = 50
LONGEST_S = 60.0
"""How long a request waits for the engine at most; a policy with new windows takes as long as it takes."""


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


class Service(Entrance):
    """The engine's process of the service."""

    metrics: Metrics

    def __init__(
        self,
        settings: Settings,
        host: Deciding,
        store: Store,
        decoder: EventDecoder,
        compile_policy: Callable[[StoredPolicy], Policy],
        operations: Operations,
    ) -> None:
        ring = KeyRing(store.keys, store.people, settings.key_rate)
        super().__init__(settings, host, decoder, Metrics(host, store, self._hidden), ring)
        self.operations = operations
        self.errands = Errands(store, host, decoder)
        self._on_errands = Lock()
        self.host = host
        self.store = store
        self.desk = Desk(settings, store)
        self.tracer = bootstrap.tracer(settings)
        host.tracing = self.tracer is not None
        self.policies = Policies(store, compile_policy)
        self.searching = Searching(store, Indexing(store, decoder))
        replayer = Replayer(store, decoder, lambda stored: self.policies.get(stored.hash), settings.skew_us)
        self.retelling = Retelling(store, replayer)
        self.delivering = bootstrap.delivering(settings, store)
        host.telling = self.delivering.telling
        self.hatch: Hatch | None = None
        self.approving = asyncio.Lock()
        self.on_trials: Callable[[], None] = _nobody
        """Called when there is a new trial."""
        self._asked = ""

    @cached_property
    def retaining(self) -> tuple[Retaining, tuple[str, ...]]:
        """The story of retention, and the markets that are served, as its files are when it is first asked for."""
        return bootstrap.retaining(self.settings, self.store)

    @property
    def phase(self) -> str:
        """See :class:`Entrance`."""
        return self.host.status().phase

    def _hidden(self, target: str) -> bool:
        return self.delivering.confidential(target)

    def tell_late(self, late: Sequence[tuple[int, Decision]]) -> None:
        """See :class:`Entrance`."""
        asyncio.get_running_loop().run_in_executor(None, self._tell, late)

    def _tell(self, late: Sequence[tuple[int, Decision]]) -> None:
        """The whole decision follows a safe answer: it was known, or its deadline passed while it was written."""
        try:
            self.delivering.tell(late)
        except StoreError as fault:
            # It is on disk, and can be asked for.
            log("late decisions could not be told", error=fault, count=len(late))

    def open_hatch(self, listening: socket) -> None:
        """Take events from processes that speak HTTP, too."""
        self.hatch = Hatch(listening, self.decoder, self.host, self._standing, self.tell_late, self.metrics, self.ring)

    def _standing(self) -> Standing:
        safe = self.safe
        answers = {name: tuple(found) for name, found in safe.answers.items()}
        return Standing(self.phase, self.warmed, self.draining, safe.policy, answers)

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

    async def changed_all(self, changes: Sequence[ListChange]) -> int:
        """Make some changes, all or none; the number of the last entry, when it is on disk."""
        future = asyncio.wrap_future(await self.aside(self.host.change_all, changes))
        try:
            return await asyncio.wait_for(asyncio.shield(future), LONGEST_S)
        except TimeoutError as fault:
            raise _unanswered() from fault

    async def changed(self, change: Change, within_s: float | None = LONGEST_S) -> int:
        """Make a change; the number of its entry, when it is on disk. Raises what the host raises."""
        # No thread of the pool is held while the windows of a new policy fill.
        future = asyncio.wrap_future(await self.aside(self.host.change, change))
        try:
            return await asyncio.wait_for(asyncio.shield(future), within_s)
        except TimeoutError as fault:
            raise _unanswered() from fault

    def run_errands(self) -> None:
        """Do what the stories have asked of the engine; what fails now is tried again.

        One round at a time: two would find the same errands, and each do them.
        """
        try:
            with self._on_errands:
                while self.errands.run():
                    pass
        except TrustwardError as fault:
            log("errands wait", error=fault)

    def warm(self) -> None:
        """Compile and load all that first decisions need, on an engine of no consequence: one event, and many."""
        policy = self.live()
        engine = Engine(policy)
        # Tables that are soon full: growing is loaded as well.
        engine.windows = Windows(policy.plan, engine.seed, slots=8)
        for name in policy.types:
            kind = self.decoder.classes[name]
            whole = _samples(kind, _WARM_ROWS)
            engine.decide_batch(whole[:1], {0: (Fault(path="$", cause="no event"),)}, now_us=0)
            engine.decide_batch(whole[1:2], now_us=0)
            engine.decide_batch(whole[2:], now_us=0)
        for keyspace in {stream.keyspace for stream in engine.windows.plan.streams}:
            engine.windows.lookup(keyspace, "", 0)

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
            self.safe = safe_answers(future.result())
        else:
            self._asked = ""


def safe_answers(policy: Policy) -> Safe:
    """What the live rules of a policy say when they cannot be evaluated."""
    found: dict[str, list[tuple[str, str]]] = {}
    for rule in policy.rules:
        if rule.mode == "live" and rule.on_fault != "ignore":
            for name in rule.types:
                found.setdefault(name, []).append((rule.id, rule.on_fault))
    return Safe(policy.hash, found)


def _nobody() -> None:
    """Nobody is to be told."""


def _unanswered() -> UnavailableError:
    return UnavailableError("the engine did not answer in time", remedy="see whether it was done before asking again")


def _samples(kind: type[Event], count: int) -> list[Event]:
    """Events with values for all fields: texts with something to find in them."""
    kinds: dict[Any, Any] = {int: 1, float: 1.0, bool: True, str: str, tuple[str, ...]: tuple}
    values: dict[str, Any] = {"time": format_time(0)}
    for field in msgspec.structs.fields(kind):
        accepted = (field.type, *get_args(field.type))
        values.setdefault(field.name, next((kinds[one] for one in accepted if one in kinds), None))
    texts = [name for name, value in values.items() if value is str]
    lists = [name for name, value in values.items() if value is tuple]
    found = []
    for number in range(count):
        text = f"Call +65 6123 4567 or see http://warm{number}.example/a?b=1, write to a{number}@warm.example"
        values.update(dict.fromkeys(texts, text), **dict.fromkeys(lists, (f"http://w{number}.example/",)))
        found.append(kind(**{**values, "id": f"warm{number}"}))
    return found


def service_of(request: Request[Any, Any, Any]) -> Service:
    """The service that a request came to."""
    found: Service = request.app.state.service
    return found
