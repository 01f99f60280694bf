"""Policies on trial: read the journal, let the policy decide for itself, compare with what was decided, never act.

A trial follows the journal in a process (or thread) of its own: nothing that it does or suffers touches the engine. Its
engine begins empty and sees the entries after ``warm_after``: its own decisions set its labels, what people changed
counts as it did. So what it says of an entry follows from the policy and the journal alone, whenever it was started and
however often it was broken off; and a shadow says of an entry what a backtest says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

import msgspec

from trustward.base.clock import elapsed_s
from trustward.base.errors import StoreError, TrustwardError
from trustward.engine.comparison import Comparison, decode, encode
from trustward.engine.engine import Engine
from trustward.engine.state import FOREVER
from trustward.exchange.decode import EventDecoder
from trustward.model.changes import decode_change
from trustward.model.journal import Segment
from trustward.model.trial import Step, Trial, TrialState
from trustward.operations.recovery import Compile, Replayer, apply
from trustward.ports import Journal, Store

LEASE_US = 15_000_000
"""How long a worker has a trial to itself without a word."""
MOST_TRIES = 5
"""How often a trial is begun without getting on, before it is given up."""
_SLICE_S = 0.5
_SAVE_S = 1.0


def entry_before(journal: Journal, at_us: int) -> int:
    """The last entry that was written before a time, 0 for none."""
    low, high = 0, journal.head()
    while low < high:
        middle = (low + high) // 2
        part = journal.read(middle, 1)
        if part and part[0].at_us < at_us:
            low = part[0].last
        else:
            high = middle
    return low


class Course:
    """One trial under way: its engine after an entry, and what it has found."""

    def __init__(self, trial: Trial, replayer: Replayer, skew_us: int) -> None:
        self.trial = trial
        self.seq = trial.warm_after
        self.saved_s = elapsed_s()
        self.dirty = False
        self.found = decode(trial.result) if trial.result else Comparison(policy=trial.policy)
        self._replayer = replayer
        self._engine = Engine(replayer.policy(trial.policy), skew_us=skew_us)

    @property
    def over(self) -> bool:
        """Whether it has come to its end."""
        return self.trial.upto is not None and self.seq >= self.trial.upto

    def parts(self) -> Iterator[list[Segment]]:
        """What is left of the journal at present, some segments at a time."""
        upto = FOREVER if self.trial.upto is None else self.trial.upto
        return self._replayer.batches(self.seq, upto)

    def take(self, part: Sequence[Segment]) -> None:
        """Let the policy see some segments, and compare what was not compared before."""
        if part[0].kind == "change":
            apply(self._engine, decode_change(part[0].body))
        else:
            self._decide(part)
        self.seq = part[-1].last

    def _decide(self, part: Sequence[Segment]) -> None:
        begun = elapsed_s()
        events, faults = self._replayer.events(part)
        decided = dict(self._engine.decide_batch(events, faults, now_us=FOREVER).decisions)
        start, compared = 0, max(self.trial.after, self.found.last)
        for segment in part:
            stop = start + segment.count
            if segment.first > compared:
                mine = {at: decided[start + at] for at in range(segment.count) if start + at in decided}
                self.found.add(segment.first, events[start:stop], segment.policy, segment.decided(), mine)
            start = stop
        self.found.spent_s = round(self.found.spent_s + elapsed_s() - begun, 6)


class Trying:
    """One worker's rounds over all open trials, a slice of each at a time. For one thread."""

    def __init__(
        self,
        store: Store,
        decoder: EventDecoder,
        compile_policy: Compile,
        *,
        skew_us: int,
        worker: str,
        clock: Callable[[], int],
        slice_s: float = _SLICE_S,
        save_s: float = _SAVE_S,
    ) -> None:
        self._store = store
        self._worker = worker
        self._clock = clock
        self._skew_us = skew_us
        self._slice_s = slice_s
        self._save_s = save_s
        self._keep_s = LEASE_US / 3e6
        self._replayer = Replayer(store, decoder, compile_policy, skew_us)
        self._courses: dict[str, Course] = {}

    def round(self) -> bool:
        """Go on with each trial that is to be had; whether any of them got on. Raises StoreError."""
        trials = self._store.trials.open()
        for gone in self._courses.keys() - {trial.id for trial in trials}:
            del self._courses[gone]
        moved = testing = False
        for trial in trials:
            # Each has windows of its own: one at a time of those that come to an end, and the shadow.
            if trial.upto is not None and testing:
                continue
            moved |= self._go_on(trial)
            testing |= trial.upto is not None and trial.id in self._courses
        return moved

    @property
    def busy(self) -> bool:
        """Whether it has a trial under way."""
        return bool(self._courses)

    def leave(self) -> None:
        """Save what is under way, for whoever goes on with it."""
        for course in list(self._courses.values()):
            with suppress(StoreError):
                course.dirty = True
                self._save(course, free=True)
        self._courses.clear()

    def _go_on(self, trial: Trial) -> bool:
        try:
            course = self._courses.get(trial.id) or self._begin(trial)
            if course is None:
                return False
            # A shadow ends with an entry, which it may not have come to yet.
            course.trial = msgspec.structs.replace(course.trial, upto=trial.upto)
            moved = self._slice(course)
            course.dirty |= moved
            if course.over:
                self._save(course, "done" if trial.kind == "backtest" else "ended")
            elif elapsed_s() - course.saved_s >= (self._save_s if course.dirty else self._keep_s):
                self._save(course, idle=not moved)
        except StoreError:
            # The database may be back in a moment: what was saved last is where it goes on.
            self._courses.pop(trial.id, None)
            raise
        except Exception as fault:  # noqa: BLE001 - whatever it is, it is the trial's, and told there
            self._fail(trial, fault)
            return False
        return moved

    def _begin(self, trial: Trial) -> Course | None:
        now_us = self._clock()
        mine = self._store.trials.claim(trial.id, self._worker, now_us, now_us + LEASE_US)
        if mine is None:
            return None
        if mine.tries > MOST_TRIES:
            self._write(mine.id, mine.seq, "failed", fault=f"broken off {MOST_TRIES} times without getting on")
            return None
        course = self._courses[trial.id] = Course(mine, self._replayer, self._skew_us)
        return course

    def _slice(self, course: Course) -> bool:
        """A slice of one trial; whether there was anything to do."""
        begun, moved = elapsed_s(), False
        for part in course.parts():
            course.take(part)
            moved = True
            if elapsed_s() - begun >= self._slice_s:
                break
        return moved

    def _save(self, course: Course, state: TrialState = "running", *, idle: bool = False, free: bool = False) -> None:
        result = encode(course.found) if course.dirty or state != "running" else None
        course.saved_s, course.dirty = elapsed_s(), False
        held = self._write(course.trial.id, course.seq, state, result=result, idle=idle, free=free)
        if not held or state != "running":
            self._courses.pop(course.trial.id, None)

    def _fail(self, trial: Trial, fault: Exception) -> None:
        course = self._courses.pop(trial.id, None)
        # A stranger's words may quote an event.
        said = str(fault) if isinstance(fault, TrustwardError) else f"a function failed: {type(fault).__name__}"
        result = encode(course.found) if course is not None else None
        seq = course.seq if course is not None else trial.seq
        self._write(trial.id, seq, "failed", fault=said[:1000], result=result)

    def _write(
        self,
        id: str,
        seq: int,
        state: TrialState,
        *,
        fault: str = "",
        result: bytes | None = None,
        idle: bool = False,
        free: bool = False,
    ) -> bool:
        now_us = self._clock()
        return self._store.trials.save(
            Step(
                id=id,
                worker=self._worker,
                seq=seq,
                until_us=now_us + LEASE_US if state == "running" and not free else 0,
                at_us=now_us,
                state=state,
                fault=fault,
                result=result,
                idle=idle,
            )
        )
