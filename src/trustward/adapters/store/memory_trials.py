"""Policies on trial, in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import RLock

import msgspec

from trustward.adapters.store.trials import LONGEST_US, shadow
from trustward.model.changes import PolicyChange
from trustward.model.journal import Segment
from trustward.model.stored import AuditRow
from trustward.model.trial import Step, Trial, TrialKind


class Tried:
    """What would be on disk of trials."""

    def __init__(self) -> None:
        self.lock = RLock()
        self.trials: dict[str, Trial] = {}

    def end(self, segment: Segment, policy: str | None = None) -> None:
        """End the shadows, or those of a policy, when they have come to this entry."""
        upto = segment.first - 1
        for one in list(self.trials.values()):
            if one.kind == "shadow" and one.open and one.upto is None and policy in (None, one.policy):
                after = msgspec.structs.replace(one, upto=upto)
                if max(one.seq, one.after) >= upto:
                    after = msgspec.structs.replace(after, state="ended", ended_us=segment.at_us)
                self.trials[one.id] = after

    def follow(self, segment: Segment, change: PolicyChange) -> None:
        """What a change of a policy's mode means for shadows."""
        with self.lock:
            if change.mode != "shadow":
                self.end(segment, change.policy)
                return
            self.end(segment)
            trial = shadow(segment, change)
            self.trials[trial.id] = trial


class MemoryTrials:
    """The port ``Trials``."""

    def __init__(self, tried: Tried, record: Callable[[AuditRow], None]) -> None:
        self._tried = tried
        self._record = record

    def add(self, trial: Trial, audit: AuditRow) -> None:
        """See :class:`trustward.ports.Trials`."""
        with self._tried.lock:
            self._tried.trials[trial.id] = msgspec.structs.replace(trial, seq=trial.warm_after)
            self._record(audit)

    def get(self, id: str) -> Trial | None:
        """See :class:`trustward.ports.Trials`."""
        return self._tried.trials.get(id)

    def all(self, kind: TrialKind, after: str = "", limit: int = 100) -> Sequence[Trial]:
        """See :class:`trustward.ports.Trials`."""
        with self._tried.lock:
            mine = [one for one in self._tried.trials.values() if one.kind == kind]
            before = self._tried.trials.get(after)
        if after:
            mine = [one for one in mine if before is not None and (one.at_us, one.id) < (before.at_us, before.id)]
        ordered = sorted(mine, key=lambda one: (one.at_us, one.id), reverse=True)
        return [msgspec.structs.replace(one, result=b"") for one in ordered[:limit]]

    def open(self) -> Sequence[Trial]:
        """See :class:`trustward.ports.Trials`."""
        with self._tried.lock:
            mine = [one for one in self._tried.trials.values() if one.open]
        ordered = sorted(mine, key=lambda one: (one.at_us, one.id))
        return [msgspec.structs.replace(one, result=b"") for one in ordered]

    def claim(self, id: str, worker: str, now_us: int, until_us: int) -> Trial | None:
        """See :class:`trustward.ports.Trials`."""
        with self._tried.lock:
            held = self._tried.trials.get(id)
            if held is None or not held.open:
                return None
            if held.worker != worker and now_us < held.until_us <= now_us + LONGEST_US:
                return None
            taken = msgspec.structs.replace(
                held, worker=worker, until_us=until_us, tries=held.tries + 1, state="running"
            )
            self._tried.trials[id] = taken
            return taken

    def save(self, step: Step) -> bool:
        """See :class:`trustward.ports.Trials`."""
        with self._tried.lock:
            held = self._tried.trials.get(step.id)
            if held is None or held.state != "running" or held.worker != step.worker:
                return False
            got_on = step.idle or step.seq > held.seq
            self._tried.trials[step.id] = msgspec.structs.replace(
                held,
                seq=max(step.seq, held.seq),
                until_us=step.until_us,
                state=step.state,
                fault=step.fault,
                ended_us=None if step.state == "running" else step.at_us,
                result=step.result if step.result is not None else held.result,
                tries=0 if got_on else held.tries,
            )
            return True

    def cancel(self, id: str, at_us: int, audit: AuditRow) -> bool:
        """See :class:`trustward.ports.Trials`."""
        with self._tried.lock:
            held = self._tried.trials.get(id)
            if held is None or held.kind != "backtest" or not held.open:
                return False
            self._tried.trials[id] = msgspec.structs.replace(held, state="cancelled", ended_us=at_us, until_us=0)
            self._record(audit)
            return True
