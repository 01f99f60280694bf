"""The engine's host: many callers, one engine, one commit for all who wait.

One thread owns the engine. It takes what has gathered, decides it in order of arrival, writes events, decisions and
actions in one transaction, and answers after the commit. Whatever goes wrong between deciding and writing, the engine
is built again from the journal before it decides anything else: memory never runs ahead of the disk.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from threading import Condition, Thread
from threading import Event as Signal
from typing import Any, TypeVar

import msgspec

from trustward.base.clock import elapsed_s, now_us
from trustward.base.errors import (
    NotFoundError,
    OverloadedError,
    PolicyError,
    PolicyStateError,
    RecordError,
    StoreError,
    TrustwardError,
    UnavailableError,
    WriterError,
)
from trustward.engine.engine import Engine
from trustward.engine.handover import same_windows
from trustward.exchange.decode import EventDecoder
from trustward.model.changes import (
    Change,
    LabelChange,
    ListChange,
    PolicyChange,
    SnoozeChange,
    check_change,
    encode_change,
)
from trustward.model.decision import Decision, Fault
from trustward.model.event import Event
from trustward.model.journal import Commit, Segment
from trustward.model.stored import Lease, StoredPolicy
from trustward.operations.grouping import NO_FAULTS, Answers, Group, Ticket, notify, resolve
from trustward.operations.recovery import Compile, Replayer, apply
from trustward.operations.saving import Saving
from trustward.operations.standing import Options, Phase, Status
from trustward.operations.tracing import Watch
from trustward.ports import Store
from trustward.ports.traces import Trace

T = TypeVar("T")


class _Task:
    """Something for the engine's thread between two commits."""

    __slots__ = ("future", "run", "writes")

    def __init__(self, run: Callable[[], Any], *, writes: bool) -> None:
        self.run = run
        self.writes = writes
        self.future: Future[Any] = Future()


class Deciding:
    """Takes events from many threads, decides them in one order, and answers when they are on disk.

    ``initial`` is the policy that goes live if none has ever been. Start it with :meth:`start`, end it with
    :meth:`close`.
    """

    def __init__(
        self,
        store: Store,
        decoder: EventDecoder,
        compile_policy: Compile,
        *,
        initial: StoredPolicy | None = None,
        options: Options | None = None,
        clock: Callable[[], int] = now_us,
    ) -> None:
        self.store = store
        self.options = options or Options()
        self.on_actions: Callable[[], None] | None = None
        """Called in the engine's thread after a commit with actions: it must not wait, and must not fail."""
        self.telling = False
        """Whether somebody wants to hear of decisions that came after their callers' deadlines."""
        self.tracing = False
        """Whether some tickets have a trace."""
        self._replayer = Replayer(store, decoder, compile_policy, self.options.skew_us)
        self._initial = initial
        self._clock = clock
        self._queue: deque[Ticket | _Task] = deque()
        self._again: deque[Ticket] = deque()
        self._waiting = 0
        self._wake = Condition()
        self._settled = Signal()
        self._closing = False
        self._open = False
        self._phase: Phase = "new"
        self._fault: TrustwardError | None = None
        self._engine: Engine | None = None
        self._lease: Lease | None = None
        self._seq = 0
        self._at_us = 0
        self._commits = 0
        self._saving = Saving(
            store,
            self.options.snapshot_events,
            self.options.snapshot_keep,
            self._failed,
            self.options.snapshot_us,
        )
        self._thread = Thread(target=self._work, name="engine", daemon=True)

    # ------------------------------------------------------------------ from any thread

    def start(self, *, wait: bool = True) -> None:
        """Become the writer, rebuild the engine, begin to decide.

        ``wait`` until that is done; raises what keeps it from being done (WriterError: another process writes). A
        standby goes on trying, and answers UnavailableError until it has taken over.
        """
        self._thread.start()
        if wait and not self.options.standby:
            self._settled.wait()
            if self._phase != "ready":
                self._thread.join()
                assert self._fault is not None
                raise self._fault

    def post(self, ticket: Ticket) -> None:
        """Take a request in; its ``notify`` is called after the commit.

        Raises UnavailableError or OverloadedError, and then nothing of it was taken in.
        """
        with self._wake:
            self._admit(len(ticket.events))
            self._waiting += len(ticket.events)
            self._queue.append(ticket)
            self._wake.notify()

    def submit(
        self,
        events: Sequence[Event],
        faults: Mapping[int, Sequence[Fault]] = NO_FAULTS,
        trace: Trace | None = None,
    ) -> Future[Answers]:
        """Take events in; the future has their answers after the commit. Raises as :meth:`post` does."""
        ticket = Ticket(events, faults, resolve)
        if trace is not None:
            ticket.trace, ticket.posted_us = trace, now_us()
        future: Future[Answers] = Future()
        future.set_running_or_notify_cancel()
        ticket.future = future
        self.post(ticket)
        return future

    def decide(self, event: Event, faults: Sequence[Fault] = ()) -> Decision:
        """The decision on one event, on disk.

        Raises ConflictError if its id is taken, RecordError if its time is unusable, StoreError if it could not be
        written, and as :meth:`post` does.
        """
        return self.submit((event,), {0: faults} if faults else NO_FAULTS).result().decision(0)

    def change(self, change: Change) -> Future[int]:
        """Change a label, a list, a snooze or a policy; the future has the number of the entry that says so.

        Every event after that entry is decided with it. Windows that a new policy needs are filled beforehand, while
        the old one goes on deciding. Raises as :meth:`post` does, and RecordError if what it names is too long.
        """
        check_change(change)
        if isinstance(change, PolicyChange):
            return self._change_policy(change)
        return self._ask(lambda: self._enter(change))

    def change_all(self, changes: Sequence[LabelChange | ListChange | SnoozeChange]) -> Future[int]:
        """The same for many that are made together, in one commit: all or none. The number is the last entry's."""
        for change in changes:
            check_change(change)
        return self._ask(lambda: self._enter_all(changes))

    def ask(self, question: Callable[[Engine], T]) -> Future[T]:
        """Let a function look at the engine, in its thread, between two commits. It must change nothing."""
        return self._ask(lambda: question(self._working()), writes=False)

    def snapshot(self) -> Future[int]:
        """Take a snapshot now; the future has the entry's number."""
        return self._ask(self._snapshot, writes=False)

    def status(self) -> Status:
        """How it is."""
        engine = self._engine
        return Status(
            phase=self._phase,
            seq=self._seq,
            policy=engine.policy.hash if engine is not None else "",
            waiting=self._waiting,
            commits=self._commits,
            snapshot_seq=self._saving.seq,
            fault=str(self._fault) if self._fault is not None else "",
        )

    def close(self) -> None:
        """Decide what waits, take a snapshot, leave the writer's place, end."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        if self._thread.ident is not None:
            self._thread.join()

    # ------------------------------------------------------------------ the queue

    def _admit(self, count: int) -> None:
        if self._closing or not self._open:
            said = f": {self._fault.message}" if self._fault is not None else ""
            phase = "stopping" if self._closing else self._phase
            raise UnavailableError(f"the service is {phase}{said}", remedy="send it again in a moment")
        # One request may be larger than the queue: it is let in when nothing waits.
        if self._waiting and self._waiting + count > self.options.queue_events:
            raise OverloadedError(f"{self._waiting:,} events wait already", remedy="send it again in a moment")

    def _ask(self, run: Callable[[], T], *, writes: bool = True) -> Future[T]:
        task = _Task(run, writes=writes)
        with self._wake:
            self._admit(0)
            self._queue.append(task)
            self._wake.notify()
        return task.future

    def _take(self) -> list[Ticket] | _Task | None:
        """What is next: some tickets, a task, or None at the end. Waits for it."""
        if self._again:
            # After a failure each request goes alone, so that one cannot spoil the others'.
            return [self._again.popleft()]
        with self._wake:
            while not self._queue:
                if self._closing:
                    return None
                self._wake.wait()
            tickets: list[Ticket] = []
            count = 0
            while self._queue:
                head = self._queue[0]
                if isinstance(head, _Task):
                    if not tickets:
                        self._queue.popleft()
                        return head
                    break
                if tickets and count + len(head.events) > self.options.commit_events:
                    break
                tickets.append(head)
                count += len(head.events)
                self._queue.popleft()
            self._waiting -= count
            return tickets

    # ------------------------------------------------------------------ the engine's thread

    def _work(self) -> None:
        while not self._closing or self._phase == "ready":
            if self._phase != "ready" and not self._prepare():
                break
            if self._phase != "ready":
                continue
            work = self._take()
            if work is None:
                break
            if isinstance(work, _Task):
                self._run(work)
            else:
                self._decide(work)
        self._leave()

    def _prepare(self) -> bool:
        """Become the writer and rebuild the engine. False if that is not to be tried again."""
        try:
            self._lease = self.store.writer.acquire(self.options.owner, self._clock())
            self._phase = "recovering"
            restored = self._replayer.restore()
            self._engine, self._seq, self._at_us = restored
            self._saving.begin()
            if self._engine is None:
                self._begin()
        except WriterError as fault:
            self._fault = fault
            if not self.options.standby:
                return False
            self._phase = "standby"
        except StoreError as fault:
            self._fault = fault
            if not self._settled.is_set() and not self.options.standby:
                return False
        except TrustwardError as fault:
            self._fault = fault
            return False
        except Exception as fault:  # noqa: BLE001 - whatever it is, callers must hear of it
            self._fault = StoreError(f"the engine cannot be rebuilt: {type(fault).__name__}: {fault}", remedy=_REPORT)
            return False
        else:
            self._fault = None
            self._phase = "ready"
            self._open = True
            self._settled.set()
            return True
        self._fail_all(UnavailableError(f"the service is {self._phase}: {self._fault.message}", remedy=_LATER))
        with self._wake:
            if not self._closing:
                self._wake.wait(self.options.pause_s)
        return not self._closing

    def _begin(self) -> None:
        """The first entry of all: the policy that goes live."""
        if self._initial is None:
            raise NotFoundError("no policy has ever been live", remedy="name one: TRUSTWARD_POLICY=starter")
        self.store.policies.add(self._initial)
        self._enter(PolicyChange(actor="trustward", policy=self._initial.hash, reason="the first start"))

    def _leave(self) -> None:
        stopped = UnavailableError("the service has stopped", remedy=_LATER)
        try:
            if self._phase == "ready":
                self._snapshot()
        except TrustwardError as fault:
            self._fault = fault
        if self._lease is not None:
            with suppress(TrustwardError):
                self.store.writer.release(self._lease)
        with self._wake:
            self._phase = "stopped"
            self._closing = True
        self._fail_all(stopped)
        self._settled.set()

    def _fail_all(self, fault: TrustwardError) -> None:
        """Tell everybody who waits."""
        with self._wake:
            left: list[Ticket | _Task] = [*self._again, *self._queue]
            self._again.clear()
            self._queue.clear()
            self._waiting = 0
            self._open = False
        tickets = []
        for one in left:
            if isinstance(one, _Task):
                if one.future.set_running_or_notify_cancel():
                    one.future.set_exception(fault)
            else:
                # What was tried may be on disk: that is another answer than "nothing was taken in".
                one.error = self._fault if one.tries and self._fault is not None else fault
                tickets.append(one)
        notify(tickets)

    def _decide(self, tickets: list[Ticket]) -> None:
        watch = Watch(tickets) if self.tracing else None
        try:
            engine = self._working()
            group = Group(tickets)
            group.sort_out(self.store.journal.find(group.ids()))
            events, faults = group.fresh()
            now = self._clock()
            self._at_us = at_us = max(now, self._at_us)
            # From here on memory is ahead of the disk.
            outcome = engine.decide_batch(events, faults, now_us=now)
            refused = dict(outcome.refused)
            commit = group.decided(outcome.decisions, refused, self._seq, at_us, engine.policy.hash)
            if commit is not None:
                if self.telling:
                    commit = group.follow(commit, at_us, engine.policy.hash, elapsed_s)
                if watch is not None:
                    watch.decided()
                self._append(commit)
            group.answer(engine.policy.hash)
        except Exception as fault:  # noqa: BLE001 - the engine cannot be trusted any more, whatever it was
            self._recover(fault, tickets)
            return
        if watch is not None:
            watch.committed()
        notify(tickets)
        if commit is not None and commit.actions and self.on_actions is not None:
            self.on_actions()
        self._saving.if_due(self._working(), self._seq, self._at_us)

    def _run(self, task: _Task) -> None:
        if not task.future.set_running_or_notify_cancel():
            return
        try:
            result = task.run()
        except (NotFoundError, PolicyError, PolicyStateError, RecordError) as fault:
            # Found out before anything was written: the engine is as it was.
            task.future.set_exception(fault)
        except Exception as fault:  # noqa: BLE001 - the same
            if task.writes:
                self._recover(fault, [])
            task.future.set_exception(fault)
        else:
            task.future.set_result(result)
            self._saving.if_due(self._working(), self._seq, self._at_us)

    def _recover(self, fault: Exception, tickets: Sequence[Ticket]) -> None:
        """Forget the engine; the tickets are tried once more, each alone, when there is a new one."""
        told = (
            fault
            if isinstance(fault, TrustwardError)
            else StoreError(f"it could not be decided: {type(fault).__name__}", remedy=_REPORT)
        )
        self._fault = told
        self._engine = None
        self._phase = "recovering"
        given_up = []
        for ticket in tickets:
            ticket.again()
            if ticket.tries > 1 and len(tickets) == 1:
                ticket.error = told
                given_up.append(ticket)
            else:
                self._again.append(ticket)
        notify(given_up)

    def _failed(self, fault: TrustwardError) -> None:
        self._fault = fault

    def _working(self) -> Engine:
        assert self._engine is not None  # there is one in every phase in which something is taken from the queue
        return self._engine

    def _append(self, commit: Commit) -> None:
        assert self._lease is not None  # the same
        self.store.journal.append(self._lease, commit)
        self._seq = commit.last
        self._commits += 1

    # ------------------------------------------------------------------ changes and snapshots

    def _enter(self, change: Change, warmed: tuple[Engine, int] | None = None) -> int:
        """Write a change to the journal, then make it."""
        self._at_us = max(self._clock(), self._at_us)
        seq = self._seq + 1
        policy = self._engine.policy.hash if self._engine is not None else ""
        if isinstance(change, PolicyChange):
            if change.base and change.base != policy:
                raise PolicyStateError(
                    "another policy went live meanwhile", remedy="see which one is live, then ask anew"
                )
            # Whatever is wrong with it shows before it is written.
            self._replayer.policy(change.policy)
        segment = Segment(
            first=seq, count=1, kind="change", at_us=self._at_us, policy=policy, body=encode_change(change)
        )
        self._append(Commit(segments=(segment,)))
        if isinstance(change, PolicyChange):
            engine, upto = warmed if warmed is not None else (None, 0)
            self._engine = self._replayer.switch(self._engine, change, seq, engine, upto)
        else:
            apply(self._working(), change)
        return seq

    def _enter_all(self, changes: Sequence[LabelChange | ListChange | SnoozeChange]) -> int:
        """Write changes to the journal, then make them."""
        engine = self._working()
        self._at_us = max(self._clock(), self._at_us)
        plain = Segment(first=self._seq, count=1, kind="change", at_us=self._at_us, policy=engine.policy.hash, body=b"")
        segments = [
            msgspec.structs.replace(plain, first=seq, body=encode_change(change))
            for seq, change in enumerate(changes, self._seq + 1)
        ]
        self._append(Commit(segments=tuple(segments)))
        for change in changes:
            apply(engine, change)
        return self._seq

    def _change_policy(self, change: PolicyChange) -> Future[int]:
        """A new policy with other windows sees the events so far in a thread of its own, the last few in the host's."""
        policy = self._replayer.policy(change.policy)
        working = self._engine
        if change.mode != "live" or working is None or same_windows(working, policy):
            return self._ask(lambda: self._enter(change))
        future: Future[int] = Future()
        future.set_running_or_notify_cancel()
        seed, upto = working.seed, self._seq

        def warm() -> None:
            try:
                engine = Engine(policy, skew_us=self.options.skew_us, seed=seed)
                self._replayer.warm(engine, change.warm_after, upto)
                done = self._ask(lambda: self._enter(change, (engine, max(upto, change.warm_after))))
            except Exception as fault:  # noqa: BLE001 - told to whoever asked
                future.set_exception(fault)
                return
            done.add_done_callback(lambda ended: _pass_on(ended, future))

        Thread(target=warm, name="warm", daemon=True).start()
        return future

    def _snapshot(self) -> int:
        return self._saving.now(self._working(), self._seq, self._at_us)


_LATER = "send it again in a moment"
_REPORT = "please report it: this is a fault in Trustward"


def _pass_on(ended: Future[int], to: Future[int]) -> None:
    fault = ended.exception()
    if fault is not None:
        to.set_exception(fault)
    else:
        to.set_result(ended.result())
