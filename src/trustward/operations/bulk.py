"""Many cases closed at once: a dry run first, then one by one, each its own; and all of it taken back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from trustward.base.errors import NotFoundError, RegimeError, StepError, UsageError
from trustward.model.case import Batch, BatchState, Outcome
from trustward.operations.cases import Cases
from trustward.operations.closing import Closing, check_outcome
from trustward.operations.filing import needed, until_written
from trustward.ports import Write

MOST = 1_000
_LATER_US = 1 << 52
"""The year 2112: what is left until then shrinks, so that in the order of their ids the latest batch comes first."""
_LEFT_OUT = (StepError, NotFoundError, UsageError, RegimeError)
"""For what a case is left out, in the dry run as when it is run."""


class Bulk:
    """The story of batches."""

    def __init__(self, cases: Cases, closing: Closing) -> None:
        self._cases = cases
        self._closing = closing
        self._store = cases.store

    def plan(self, cases: Sequence[str], outcome: Outcome, actor: str) -> Batch:
        """A dry run: what would become of each case. Nothing is done until :meth:`run`. Raises UsageError."""
        check_outcome(outcome)
        chosen = tuple(dict.fromkeys(cases))
        if not 0 < len(chosen) <= MOST:
            raise UsageError(f"a batch has 1 to {MOST} cases", remedy="make several")
        results = {}
        for id in chosen:  # noqa: A001 - a case's
            try:
                self._closing.close_at_once(id, actor, outcome, "")
            except _LEFT_OUT as fault:
                results[id] = f"left out: {fault.message}"
            else:
                results[id] = "would be closed"
        now_us = self._cases.clock()
        batch = Batch(
            id=f"{max(_LATER_US - now_us, 0):014x}-{self._cases.ids()}",
            version=1,
            actor=needed(actor, "an actor"),
            at_us=now_us,
            outcome=outcome,
            cases=chosen,
            results=results,
        )
        self._store.records.write([batch])
        return batch

    def run(self, id: str, actor: str) -> Batch:
        """Close the cases of a batch, each in a transaction of its own; what was done stays done if this breaks off.

        Asking again goes on where it stopped. Raises NotFoundError, StepError.
        """
        batch = self.get(id)
        if batch.state not in {"planned", "running"}:
            raise StepError(f"the batch {id} is {batch.state}", remedy="plan another one")
        for name in batch.cases:
            if batch.results.get(name) == "closed":
                continue
            batch = self._one(batch, name, actor)
        return self._turn(id, "done", ("planned", "running"))

    def _one(self, batch: Batch, name: str, actor: str) -> Batch:

        def attempt() -> tuple[Batch, list[Write]]:
            now = self.get(batch.id)
            if now.state == "done" or now.results.get(name) == "closed":
                return now, []  # somebody else runs it too
            if now.state not in {"planned", "running"}:
                raise StepError(f"the batch {now.id} is {now.state}", remedy="it is being taken back")
            writes: list[Write] = []
            try:
                writes = self._closing.close_at_once(name, actor, now.outcome, now.id)
                said = "closed"
            except _LEFT_OUT as fault:
                said = f"left out: {fault.message}"
            results = {**now.results, name: said}
            after = msgspec.structs.replace(
                now,
                version=now.version + 1,
                state="running",
                results=results,
                run_by=now.run_by or actor,
                run_us=now.run_us or self._cases.clock(),
            )
            return after, [after, *writes]

        return until_written(self._store, f"the case {name}", attempt)

    def reverse(self, id: str, actor: str, reason: str) -> Batch:
        """Take back everything that a batch has done. Asking again goes on where it stopped. Raises as :meth:`run`."""
        needed(reason, "a reason")
        said = {"reversed_by": actor, "reversed_us": self._cases.clock(), "why": reason}
        batch = self._turn(id, "reversing", ("running", "done"), said)
        for name, result in batch.results.items():
            case = self._store.cases.get(name)
            # What has been kept long enough is not there to be taken back.
            if result == "closed" and case is not None and case.golden is None:
                self._closing.reverse(name, actor, reason)
        return self._turn(id, "reversed", ("reversing",))

    def get(self, id: str) -> Batch:
        """The batch with this id. Raises NotFoundError."""
        found = self._store.records.get(Batch, id)
        if found is None:
            raise NotFoundError(f"there is no batch {id[:80]}", remedy="see how it was written")
        return found

    def find(self, after: str = "", limit: int = 100) -> Sequence[Batch]:
        """All batches, the latest first, behind the batch ``after``."""
        return self._store.records.every(Batch, after, limit)

    def _turn(
        self, id: str, state: BatchState, states: Sequence[BatchState], said: Mapping[str, object] | None = None
    ) -> Batch:
        """The batch in its next state; nothing happens if it is there. Raises NotFoundError, StepError."""

        def attempt() -> tuple[Batch, list[Write]]:
            now = self.get(id)
            if now.state == state:
                return now, []
            if now.state not in states:
                raise StepError(f"the batch {id} is {now.state}", remedy=f"only what is {' or '.join(states)} can be")
            after = msgspec.structs.replace(now, version=now.version + 1, state=state, **(said or {}))
            return after, [after]

        return until_written(self._store, f"the batch {id}", attempt)
