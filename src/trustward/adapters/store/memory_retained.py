"""What retention removes, in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from trustward.adapters.store.memory_outbox import MemoryOutbox
from trustward.adapters.store.memory_records import Held
from trustward.model.appeal import Appeal
from trustward.model.archived import ArchivedDay, day_of
from trustward.model.bundle import Bundle
from trustward.model.case import Case
from trustward.model.clue import Clue
from trustward.model.delivery import parse_key
from trustward.model.directive import LIVE, Directive, Target
from trustward.model.dossier import Pair
from trustward.model.duty import Duty
from trustward.model.hold import Hold
from trustward.model.journal import Segment
from trustward.model.report import Report
from trustward.model.request import Asked
from trustward.model.retention import Closed, ClosedClass, Done
from trustward.model.stored import AuditRow

_OPEN: tuple[tuple[type, str, tuple[str, ...]], ...] = (
    (Hold, "hold", ("in_force",)),
    (Clue, "clue", ("drafted", "approved", "sent", "received")),
    (Asked, "request", ("received", "verified")),
)

_RECORDS = {"clue": "Clue", "request": "Asked"}
_ORDER = ("hold", "case", "order", "clue", "request", "appeal", "secret")


def _old(book: Sequence[AuditRow], before_us: int) -> list[AuditRow]:
    return [row for row in book if row.at_us < before_us and row.action != "policy.changed"]


def _seqs(keys: Iterable[str]) -> list[int]:
    return [found[0] for key in keys if (found := parse_key(key)) is not None]


class MemoryRetained:
    """The port ``Retained``."""

    def __init__(
        self,
        held: Held,
        segments: list[Segment],
        days: list[ArchivedDay],
        done: dict[Any, Done],
        books: tuple[list[AuditRow], list[AuditRow]],
    ) -> None:
        self._held = held
        self._books = books
        self._segments = segments
        self._days = days
        self._done = done
        self._outbox = MemoryOutbox(held.sent, held.record)

    def done(self) -> Sequence[Done]:
        """See :class:`trustward.ports.Retained`."""
        return [one for _, one in sorted(self._done.items())]

    def note(self, done: Sequence[Done], audit: Sequence[AuditRow]) -> None:
        """See :class:`trustward.ports.Retained`."""
        self._done.update({(one.day, one.of): one for one in done})
        for row in audit:
            self._held.record(row)

    def kept(self, pairs: Collection[Pair]) -> Mapping[Pair, str]:
        """See :class:`trustward.ports.Retained`."""
        wanted = set(pairs)
        return {pair: why for pair, why in self._open().items() if pair in wanted}

    def _open(self) -> dict[Pair, str]:
        held = self._held
        with held.lock:
            found = list(self._named())
            for case in held.of(Case).values():
                if case.state in {"open", "parked"}:
                    found += [(pair, "case") for pair in case.entities]
            for target in held.of(Target).values():
                order = held.of(Directive)[target.order]
                if order.state in LIVE:
                    found.append(((target.kind, target.entity), "secret" if order.secret else "order"))
            for appeal in held.of(Appeal).values():
                if appeal.state == "received":
                    found.append((("account", appeal.account), "appeal"))
        # What is secret is told only where nothing else keeps it; of the others the first.
        return dict(sorted(found, key=lambda one: _ORDER.index(one[1]), reverse=True))

    def _named(self) -> Iterator[tuple[Pair, str]]:
        for kind, why, states in _OPEN:
            for one in self._held.of(kind).values():
                if one.state in states:
                    for pair in self._held.named.get(f"{kind.__name__}:{one.id}", ()):
                        yield pair, "secret" if one.secret else why

    def thin(
        self, pairs: Collection[Pair], cut: Callable[[Mapping[Pair, str]], Sequence[tuple[Segment, Segment]]]
    ) -> int:
        """See :class:`trustward.ports.Retained`."""
        with self._held.lock:
            made = {before.first: (before, segment) for before, segment in cut(self.kept(pairs))}
            each = enumerate(self._segments)
            places = [at for at, segment in each if segment.first in made and segment == made[segment.first][0]]
            for at in places:
                self._segments[at] = made[self._segments[at].first][1]
        return len(places)

    def held(self) -> frozenset[str]:
        """See :class:`trustward.ports.Retained`."""
        held = self._held
        with held.lock:
            holds = [one.id for one in held.of(Hold).values() if one.state == "in_force"]
            return frozenset(":".join(pair) for name in holds for pair in held.named.get(f"Hold:{name}", ()))

    def replace(self, day: ArchivedDay, held: AbstractSet[str]) -> bool:
        """See :class:`trustward.ports.Retained`."""
        with self._held.lock:
            if not held >= self.held():
                return False
            for at, one in enumerate(self._days):
                if (one.day, one.revision) == (day.day, day.revision - 1):
                    self._days[at] = day
                    return True
        return False

    def closed(self, of: ClosedClass, before_us: int, after: str, limit: int) -> Sequence[Closed]:
        """See :class:`trustward.ports.Retained`."""
        with self._held.lock:
            if of == "appeals":
                appeals = sorted(self._held.of(Appeal).values(), key=lambda appeal: appeal.id)
                return [self._heard(one) for one in appeals if one.state != "received" and one.id > after][:limit]
            if of == "bundles":
                bundles = sorted(self._held.bundles.items())
                return [self._bundle(bundle) for id_, (bundle, _) in bundles if id_ > after][:limit]
            every = sorted(self._held.of(Case).values(), key=lambda case: case.id)
        closed = [case for case in every if case.state in {"closed", "merged"} and case.id > after]
        return [self._closed(case) for case in closed if case.opened_us < before_us][:limit]

    def _heard(self, appeal: Appeal) -> Closed:
        times = [
            appeal.at_us,
            appeal.heard_us or 0,
            *(page.at_us for page in self._held.appeal_pages.get(appeal.id, ())),
        ]
        return Closed(id=appeal.id, version=appeal.version, at_us=max(times), names=(("account", appeal.account),))

    def _bundle(self, bundle: Bundle) -> Closed:
        kind, _, id_ = bundle.record.partition(":")
        names = sorted(self._held.named.get(f"{_RECORDS.get(kind, '')}:{id_}", ()), key=":".join)
        return Closed(id=bundle.id, version=1, at_us=bundle.at_us, names=tuple(names), secret=bundle.secret)

    def _closed(self, case: Case) -> Closed:
        times = [done.at_us for done in (case.decided, case.reversed) if done is not None] or [case.opened_us]
        times += [page.at_us for page in self._held.pages.get(case.id, ())]
        names = tuple(dict.fromkeys(((case.kind, case.entity), *case.entities)))
        return Closed(id=case.id, version=case.version, at_us=max(times), names=names)

    def keeps(self, of: ClosedClass, some: Sequence[Closed]) -> Mapping[str, str]:
        """See :class:`trustward.ports.Retained`."""
        with self._held.lock:
            why = {"cases": lambda one: self._keeps(one)[0], "appeals": self._keeps_appeal, "bundles": self._named_by}
            return {one.id: why[of](one) for one in some}

    def _named_by(self, one: Closed) -> str:
        kept = self.kept(one.names)
        return next((kept[pair] for pair in one.names if pair in kept), "")

    def _keeps_appeal(self, one: Closed) -> str:
        held, about = self._held, f"appeal:{one.id}"
        appeal = held.of(Appeal).get(one.id)
        if appeal is None or appeal.state == "received" or self._heard(appeal) != one:
            return "changed"
        why = self._named_by(one) or ("measure" if appeal.work else "")
        duties = [duty for duty in held.of(Duty).values() if duty.subject == about]
        if not why and any(duty.state not in {"done", "cancelled"} for duty in duties):
            why = "duty"
        return why or self._on_its_way(set(_seqs(held.letters.get(about, ()))))

    def _drop_appeal(self, one: Closed) -> str:
        why = self._keeps_appeal(one)
        if not why:
            letters = set(_seqs(self._held.letters.pop(f"appeal:{one.id}", ())))
            self._outbox.drop_closed(letters.__contains__, len(self._held.sent.actions))
            del self._held.of(Appeal)[one.id]
            self._held.appeal_pages.pop(one.id, None)
        return why

    def _drop_bundle(self, one: Closed) -> str:
        why = self._named_by(one)
        if not why and self._held.bundles.pop(one.id, None) is None:
            return "changed"
        return why

    def drop(
        self,
        of: ClosedClass,
        some: Sequence[Closed],
        note: Callable[[Mapping[str, str]], tuple[Sequence[Done], Sequence[AuditRow]]],
    ) -> Mapping[str, str]:
        """See :class:`trustward.ports.Retained`."""
        with self._held.lock:
            how = {"cases": self._drop, "appeals": self._drop_appeal, "bundles": self._drop_bundle}[of]
            found = {one.id: how(one) for one in some}
            self.note(*note(found))
        return found

    def _keeps(self, closed: Closed) -> tuple[str, Sequence[Report], AbstractSet[int], AbstractSet[str]]:
        held = self._held
        case = held.of(Case).get(closed.id)
        if case is None or case.state not in {"closed", "merged"} or self._closed(case) != closed:
            return "changed", (), frozenset(), frozenset()
        reports = [one for one in held.of(Report).values() if one.case == case.id]
        about = {f"case:{case.id}", *(f"report:{one.id}" for one in reports)}
        letters = {seq for cause in about for seq in _seqs(held.letters.get(cause, ()))}
        return self._kept_by(closed, case, reports, about) or self._on_its_way(letters), reports, letters, about

    def _drop(self, case: Closed) -> str:
        held = self._held
        why, reports, letters, about = self._keeps(case)
        if why:
            return why
        self._outbox.drop_closed(letters.__contains__, len(held.sent.actions))
        for cause in about:
            held.letters.pop(cause, None)
        del held.of(Case)[case.id]
        held.pages.pop(case.id, None)
        held.leases.pop(case.id, None)
        held.barred -= {one for one in held.barred if one[0] == case.id}
        for one in reports:
            del held.of(Report)[one.id]
        return ""

    def _kept_by(self, closed: Closed, case: Case, reports: Sequence[Report], about: AbstractSet[str]) -> str:
        held = self._held
        names = [*closed.names, *(("account", one.reporter) for one in reports if one.reporter)]
        kept = self.kept(names)
        for pair in names:
            if pair in kept:
                return kept[pair]
        if case.untold or any(one.told_us is None for one in reports):
            return "report"
        ended = {"done", "cancelled"}
        if any(one.subject in about and one.state not in ended for one in held.of(Duty).values()):
            return "duty"
        mine = [one for one in held.of(Appeal).values() if one.decision == f"case:{case.id}"]
        return "appeal" if any(one.state == "received" for one in mine) else ""

    def _on_its_way(self, letters: AbstractSet[int]) -> str:
        sent = [key for key in self._held.sent.actions if key[0] in letters]
        return "" if all(map(self._outbox.is_closed, sent)) else "letter"

    def keeps_audit(self, before_us: int) -> dict[str, int]:
        """See :class:`trustward.ports.Retained`."""
        holds = [one for one in self._held.of(Hold).values() if one.state == "in_force"]
        count = len(_old(self._books[False], before_us))
        return {"secret" if all(one.secret for one in holds) else "hold": count} if holds and count else {}

    def drop_audit(
        self,
        before_us: int,
        limit: int,
        note: Callable[[Mapping[str, int]], tuple[Sequence[Done], Sequence[AuditRow]]],
        *,
        secret: bool = False,
    ) -> int:
        """See :class:`trustward.ports.Retained`."""
        with self._held.lock:
            if any(one.state == "in_force" for one in self._held.of(Hold).values()):
                return 0
            book = self._books[secret]
            rows = _old(book, before_us)[:limit]
            if rows:
                self.note(*note(Counter(day_of(row.at_us) for row in rows)))
                book[:] = [row for row in book if row not in rows]
        return len(rows)

    def drop_actions(self, seqs: Sequence[int]) -> int:
        """See :class:`trustward.ports.Retained`."""
        return self._outbox.drop_closed(set(seqs).__contains__, len(self._held.sent.actions))
