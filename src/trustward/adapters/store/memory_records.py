"""Records of operations in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import RLock
from typing import Any

from trustward.adapters.store.memory_outbox import Sent
from trustward.base.errors import StaleError
from trustward.model.duty import Duty, DutyQuery, DutyStep
from trustward.model.journal import MADE
from trustward.model.letter import Letter
from trustward.model.stored import AuditRow
from trustward.ports import Write

LATER_US = 1 << 62


class Held:
    """What would be on disk of the records of operations."""

    def __init__(self, sent: Sent, record: Callable[[AuditRow], None]) -> None:
        self.lock = RLock()
        self.sent = sent
        self.record = record
        self.made = MADE
        self.kinds: dict[type, dict[str, Any]] = {}
        self.steps: dict[str, list[DutyStep]] = {}

    def of(self, kind: type) -> dict[str, Any]:
        """Every record of a kind, by its id."""
        return self.kinds.setdefault(kind, {})


class MemoryRecords:
    """The port ``Records``."""

    def __init__(self, held: Held) -> None:
        self._held = held

    def write(self, writes: Sequence[Write]) -> None:
        """See :class:`trustward.ports.Records`."""
        held = self._held
        with held.lock:
            records: list[Any] = [one for one in writes if hasattr(one, "version")]
            for one in records:
                before = held.of(type(one)).get(one.id)
                if (0 if before is None else before.version) != one.version - 1:
                    name = type(one).__name__.lower()
                    raise StaleError(f"the {name} {one.id} has been changed meanwhile", remedy="look again")
            for one in records:
                held.of(type(one))[one.id] = one
            for other in writes:
                self._add(other)

    def _add(self, one: Write) -> None:
        held = self._held
        if isinstance(one, DutyStep):
            held.steps.setdefault(one.duty, []).append(one)
        elif isinstance(one, Letter):
            held.made += 1
            held.sent.add([one.row(held.made)])
        elif isinstance(one, AuditRow):
            held.record(one)


class MemoryDuties:
    """The port ``Duties``."""

    def __init__(self, held: Held) -> None:
        self._held = held

    def _all(self) -> list[Duty]:
        with self._held.lock:
            return list(self._held.of(Duty).values())

    def get(self, id: str) -> Duty | None:
        """See :class:`trustward.ports.Duties`."""
        return self._held.of(Duty).get(id)

    def steps(self, id: str) -> Sequence[DutyStep]:
        """See :class:`trustward.ports.Duties`."""
        with self._held.lock:
            return sorted(self._held.steps.get(id, ()), key=lambda step: step.number)

    def due(self, now_us: int, limit: int) -> Sequence[Duty]:
        """See :class:`trustward.ports.Duties`."""
        found = [(duty.next_us, duty.id, duty) for duty in self._all() if duty.next_us is not None]
        return [duty for at_us, _, duty in sorted(found, key=lambda one: one[:2]) if at_us <= now_us][:limit]

    def find(self, query: DutyQuery, after: str = "", limit: int = 100) -> Sequence[Duty]:
        """See :class:`trustward.ports.Duties`."""
        found = sorted((duty for duty in self._all() if _fits(duty, query)), key=_order)
        if after:
            last = self.get(after)
            place = (LATER_US, after) if last is None else _order(last)
            found = [duty for duty in found if _order(duty) > place]
        return found[:limit]


def _order(duty: Duty) -> tuple[int, str]:
    return (LATER_US if duty.due_us is None else duty.due_us, duty.id)


def _fits(duty: Duty, query: DutyQuery) -> bool:
    asked = ((query.subject, duty.subject), (query.owner, duty.owner), (query.market, duty.market))
    return (
        all(not wanted or wanted == value for wanted, value in asked)
        and (not query.states or duty.state in query.states)
        and (query.due_before_us is None or _order(duty)[0] < query.due_before_us)
        and (query.breached is None or query.breached == bool(duty.breaches))
        and (query.secret or not duty.secret)
    )
