"""Records of operations in memory, and duties among them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from threading import RLock
from typing import Any

import msgspec

from trustward.adapters.store.memory_outbox import Sent
from trustward.adapters.store.tables_operations import DUE_LATER
from trustward.base.errors import StaleError
from trustward.model.appeal import AppealPage
from trustward.model.bundle import Bundle
from trustward.model.case import Barred, Case, CaseLease, CasePage, HeldLease
from trustward.model.clue import Clue
from trustward.model.directive import Directive, OrderPage
from trustward.model.dossier import FilePage
from trustward.model.duty import Duty, DutyQuery, DutyStep
from trustward.model.errand import Errand
from trustward.model.hold import Hold
from trustward.model.journal import HIDDEN, MADE, ActionRow
from trustward.model.letter import Letter
from trustward.model.programme import Programme
from trustward.model.request import Asked, Disclosure
from trustward.model.stored import AuditRow
from trustward.model.tally import BREACHED, OVERDUE, OWED, DutyCounts, of_duty
from trustward.ports import Write
from trustward.ports.operations import P


class Held:
    """What would be on disk of the records of operations."""

    def __init__(self, sent: Sent, record: Callable[[AuditRow], None]) -> None:
        self.lock = RLock()
        self.sent = sent
        self.record = record
        self.made = {False: MADE, True: HIDDEN}
        self.letters: dict[str, list[str]] = {}
        self.kinds: dict[type, dict[str, Any]] = {}
        self.open_on: dict[str, str] = {}
        self.steps: dict[str, list[DutyStep]] = {}
        self.pages: dict[str, list[CasePage]] = {}
        self.order_pages: dict[str, list[OrderPage]] = {}
        self.appeal_pages: dict[str, list[AppealPage]] = {}
        self.named: dict[str, set[tuple[str, str]]] = {}
        self.leases: dict[str, CaseLease] = {}
        self.barred: set[tuple[str, str]] = set()
        self.files: dict[str, list[FilePage]] = {}
        self.bundles: dict[str, tuple[Bundle, list[bytes]]] = {}
        self.errands: dict[str, Errand] = {}
        self.errands_done: set[str] = set()

    def of(self, kind: type) -> dict[str, Any]:
        """Every record of a kind, by its id."""
        return self.kinds.setdefault(kind, {})

    def leave(self, case: str, reviewer: str, now_us: int) -> None:
        """End a lease, if it is this reviewer's."""
        had = self.leases.get(case)
        if had is not None and had.reviewer == reviewer and had.until_us > now_us:
            self.leases[case] = msgspec.structs.replace(had, until_us=0)


class MemoryRecords:
    """The port ``Records``."""

    def __init__(self, held: Held) -> None:
        self._held = held

    def write(self, writes: Sequence[Write]) -> None:
        """See :class:`trustward.ports.Records`."""
        held = self._held
        with held.lock:
            for one in writes:
                self._check(one)
            for one in writes:
                if hasattr(one, "version"):
                    record: Any = one
                    held.of(type(record))[record.id] = record
                self._add(one)

    def get(self, kind: type[P], id: str) -> P | None:
        """See :class:`trustward.ports.Records`."""
        found: P | None = self._held.of(kind).get(id)
        return found

    def every(self, kind: type[P], after: str = "", limit: int = 100) -> Sequence[P]:
        """See :class:`trustward.ports.Records`."""
        with self._held.lock:
            found: list[P] = sorted(self._held.of(kind).values(), key=lambda one: one.id)
        return [one for one in found if one.id > after][:limit]

    def letters(self, cause: str) -> Sequence[str]:
        """See :class:`trustward.ports.Records`."""
        return tuple(self._held.letters.get(cause, ()))

    def _check(self, one: Any) -> None:
        held = self._held
        if isinstance(one, HeldLease):
            had = held.leases.get(one.case)
            if had is None or had.reviewer != one.reviewer or had.until_us <= one.now_us:
                raise StaleError(f"the case {one.case} is not {one.reviewer}'s any more", remedy="take it again")
        if not hasattr(one, "version"):
            return
        before = held.of(type(one)).get(one.id)
        taken = isinstance(one, Case) and one.open_on and held.open_on.get(one.open_on, one.id) != one.id
        if isinstance(one, Directive | Programme):
            others = held.of(type(one)).values()
            taken = any(other.known_as == one.known_as and other.id != one.id for other in others)
        if (0 if before is None else before.version) != one.version - 1 or taken:
            name = type(one).__name__.lower()
            raise StaleError(f"the {name} {one.id} has been changed meanwhile", remedy="look again")

    def _add(self, one: Write) -> None:
        held = self._held
        match one:
            case DutyStep() | OrderPage() | CasePage() | AppealPage() | FilePage():
                _file(held, one)
            case Case():
                held.named.setdefault(one.id, set()).update(one.entities)
                if one.open_on:
                    held.open_on[one.open_on] = one.id
                elif held.open_on.get(one.subject) == one.id:
                    del held.open_on[one.subject]
            case Clue() | Hold() | Asked() | Disclosure():
                held.named.setdefault(f"{type(one).__name__}:{one.id}", set()).update(one.entities)
            case HeldLease():
                if one.ends:
                    held.leave(one.case, one.reviewer, one.now_us)
            case Barred():
                held.barred.add((one.case, one.reviewer))
            case Errand():
                held.errands.setdefault(one.id, one)
            case Letter():
                seq = held.made[one.secret] = held.made[one.secret] + 1
                held.sent.add([one.row(seq)])
                key = ActionRow(seq=seq, number=0, at_us=0, body=b"").key
                held.letters.setdefault(one.filed or one.cause, []).append(key)
            case AuditRow():
                held.record(one)
            case _:
                pass


def _file(held: Held, page: DutyStep | OrderPage | CasePage | AppealPage | FilePage) -> None:
    """Add a page to the file of its record."""
    match page:
        case DutyStep():
            held.steps.setdefault(page.duty, []).append(page)
        case OrderPage():
            held.order_pages.setdefault(page.order, []).append(page)
        case CasePage():
            held.pages.setdefault(page.case, []).append(page)
        case AppealPage():
            held.appeal_pages.setdefault(page.appeal, []).append(page)
        case FilePage():
            held.files.setdefault(page.record, []).append(page)


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
            place = (DUE_LATER, after) if last is None else _order(last)
            found = [duty for duty in found if _order(duty) > place]
        return found[:limit]

    def counts(self, now_us: int) -> DutyCounts:
        """See :class:`trustward.ports.Duties`."""
        every = self._all()
        counted = {what: Counter[str]() for what in (OWED, OVERDUE, BREACHED)}
        for duty in every:
            marks = of_duty(duty.state, duty.clock.id, breached=bool(duty.breaches), secret=duty.secret)
            for what, name in marks:
                counted[what][name] += 1
        late = [duty.next_us for duty in every if duty.next_us is not None and duty.next_us <= now_us]
        return DutyCounts(
            owed=dict(counted[OWED]),
            overdue=dict(counted[OVERDUE]),
            breached=dict(counted[BREACHED]),
            alarm_us=min(late, default=None),
        )


def _order(duty: Duty) -> tuple[int, str]:
    return (DUE_LATER if duty.due_us is None else duty.due_us, duty.id)


def _fits(duty: Duty, query: DutyQuery) -> bool:
    asked = ((query.subject, duty.subject), (query.owner, duty.owner), (query.market, duty.market))
    return (
        all(not wanted or wanted == value for wanted, value in asked)
        and (not query.states or duty.state in query.states)
        and (query.due_before_us is None or _order(duty)[0] < query.due_before_us)
        and (query.breached is None or query.breached == bool(duty.breaches))
        and (query.secret or not duty.secret)
    )
