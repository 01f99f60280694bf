"""Reports, cases and errands in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from trustward.adapters.store.memory_records import Held
from trustward.adapters.store.tables_operations import DUE_LATER
from trustward.model.case import ALIKE, Case, CaseLease, CasePage, CaseQuery
from trustward.model.errand import Errand
from trustward.model.report import Report
from trustward.model.tally import Backlog


class MemoryReports:
    """The port ``Reports``."""

    def __init__(self, held: Held) -> None:
        self._held = held

    def _all(self) -> Iterable[Report]:
        with self._held.lock:
            return sorted(self._held.of(Report).values(), key=lambda report: report.id)

    def get(self, id: str) -> Report | None:
        """See :class:`trustward.ports.Reports`."""
        return self._held.of(Report).get(id)

    def before(self, reporter: str, subject: str) -> Report | None:
        """See :class:`trustward.ports.Reports`."""
        found = [
            one for one in self._all() if (one.reporter, one.subject) == (reporter, subject) and one.told_us is None
        ]
        return min(found, key=lambda one: one.at_us, default=None)

    def of_case(self, case: str, after: str = "", limit: int = 100) -> Sequence[Report]:
        """See :class:`trustward.ports.Reports`."""
        return [one for one in self._all() if one.case == case and one.id > after][:limit]

    def undecided(self, case: str, limit: int) -> Sequence[Report]:
        """See :class:`trustward.ports.Reports`."""
        return [one for one in self._all() if one.case == case and one.told_us is None][:limit]

    def by(self, reporter: str, limit: int = 100) -> Sequence[Report]:
        """See :class:`trustward.ports.Reports`."""
        found = [one for one in self._all() if one.reporter == reporter]
        return sorted(found, key=lambda one: -one.at_us)[:limit]


class MemoryCases:
    """The port ``Cases``."""

    def __init__(self, held: Held) -> None:
        self._held = held

    def _all(self) -> list[Case]:
        with self._held.lock:
            return sorted(self._held.of(Case).values(), key=lambda case: case.id)

    def get(self, id: str) -> Case | None:
        """See :class:`trustward.ports.Cases`."""
        return self._held.of(Case).get(id)

    def pages(self, id: str, after: int = 0, limit: int = 1_000) -> Sequence[CasePage]:
        """See :class:`trustward.ports.Cases`."""
        with self._held.lock:
            found = sorted(self._held.pages.get(id, ()), key=lambda page: page.number)
        return [page for page in found if page.number > after][:limit]

    def open_on(self, subject: str) -> Case | None:
        """See :class:`trustward.ports.Cases`."""
        return next((case for case in self._all() if case.open_on == subject), None)

    def take(self, queue: str, reviewer: str, now_us: int, until_us: int, risk_us: int) -> CaseLease | None:
        """See :class:`trustward.ports.Cases`."""
        with self._held.lock:
            free = [
                case
                for case in self._all()
                if (case.queue, case.state) == (queue, "open")
                and case.assigned in {"", reviewer}
                and self.lease_of(case.id, now_us) is None
                and not self.barred(case.id, reviewer)
            ]

            def order(case: Case) -> tuple[float, ...]:
                due_us = DUE_LATER if case.due_us is None else case.due_us
                return (0, due_us) if due_us <= risk_us else (1, -case.score, case.opened_us)

            first = min(free, key=lambda case: (order(case), case.id), default=None)
            return None if first is None else self.lease(first.id, reviewer, now_us, until_us)

    def lease(self, case: str, reviewer: str, now_us: int, until_us: int) -> CaseLease | None:
        """See :class:`trustward.ports.Cases`."""
        with self._held.lock:
            had = self._held.leases.get(case)
            epoch = 1
            if had is not None:
                if had.until_us > now_us and had.reviewer != reviewer:
                    return None
                epoch = had.epoch + (had.reviewer != reviewer)
            lease = CaseLease(case=case, reviewer=reviewer, until_us=until_us, epoch=epoch)
            self._held.leases[case] = lease
            return lease

    def release(self, case: str, reviewer: str) -> None:
        """See :class:`trustward.ports.Cases`."""
        with self._held.lock:
            self._held.leave(case, reviewer, 0)

    def lease_of(self, case: str, now_us: int) -> CaseLease | None:
        """See :class:`trustward.ports.Cases`."""
        had = self._held.leases.get(case)
        return had if had is not None and had.until_us > now_us else None

    def barred(self, case: str, reviewer: str) -> bool:
        """See :class:`trustward.ports.Cases`."""
        return (case, reviewer) in self._held.barred

    def find(self, query: CaseQuery, after: str = "", limit: int = 100) -> Sequence[Case]:
        """See :class:`trustward.ports.Cases`."""
        found = [
            case
            for case in self._all()
            if case.id > after
            and query.queue in {"", case.queue}
            and query.state in {None, case.state}
            and query.assigned in {"", case.assigned}
        ]
        return found[:limit]

    def about(self, kind: str, entity: str, after: str = "", limit: int = 100) -> Sequence[Case]:
        """See :class:`trustward.ports.Cases`."""
        with self._held.lock:
            found = [case for case in self._all() if (kind, entity) in self._held.named.get(case.id, ())]
        behind = self.get(after) if after else None
        if behind is not None:
            found = [case for case in found if (case.opened_us, case.id) < (behind.opened_us, behind.id)]
        return sorted(found, key=lambda case: (case.opened_us, case.id), reverse=True)[:limit]

    def alike(self, case: Case, each: int, limit: int) -> Sequence[tuple[Case, int]]:
        """See :class:`trustward.ports.Cases`."""
        found = [one for kind, entity in case.entities[:ALIKE] for one in self.about(kind, entity, limit=each)]
        common = Counter(one.id for one in found if one.id != case.id)
        every = {one.id: one for one in found}
        order = sorted(common, key=lambda name: (-common[name], -every[name].opened_us, name))
        return [(every[name], common[name]) for name in order[:limit]]

    def untold(self, limit: int) -> Sequence[Case]:
        """See :class:`trustward.ports.Cases`."""
        return [case for case in self._all() if case.untold][:limit]

    def waiting(self) -> Mapping[str, tuple[int, int]]:
        """See :class:`trustward.ports.Cases`."""
        found: dict[str, tuple[int, int]] = {}
        for case in self._all():
            if case.state == "open":
                count, oldest_us = found.get(case.queue, (0, case.opened_us))
                found[case.queue] = (count + 1, min(oldest_us, case.opened_us))
        return found


class MemoryErrands:
    """The port ``Errands``."""

    def __init__(self, held: Held) -> None:
        self._held = held

    def waiting(self, limit: int) -> Sequence[Errand]:
        """See :class:`trustward.ports.Errands`."""
        with self._held.lock:
            found = [one for one in self._held.errands.values() if one.id not in self._held.errands_done]
        return sorted(found, key=lambda one: (one.at_us, one.id))[:limit]

    def backlog(self, most: int) -> Backlog:
        """See :class:`trustward.ports.Errands`."""
        found = self.waiting(most)
        return Backlog(waiting=len(found), oldest_us=found[0].at_us if found else None)

    def done(self, ids: Sequence[str]) -> None:
        """See :class:`trustward.ports.Errands`."""
        self._held.errands_done.update(ids)
