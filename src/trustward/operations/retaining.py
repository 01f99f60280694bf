"""Removing what is kept long enough: day by day, class by class, unless something that is held or open names it.

Days are gone through from the oldest on. Of a day in the database a few thousand entries are written anew in one
transaction, without the events whose time is over; an archived day is written anew as a whole, and takes the place of
what it was in one step. In the place of an event a line stays that says nothing about anybody. Ended at any instant,
the next run goes on: what is gone is gone, and what is left of a day is done again.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import msgspec

from trustward.base.errors import StaleError, StateError, StoreError, TrustwardError
from trustward.model.archived import DAY_US, ArchivedDay, day_of, start_of
from trustward.model.catalogue import Catalogue
from trustward.model.decision import Action
from trustward.model.dossier import Pair
from trustward.model.journal import ActionRow, Segment
from trustward.model.removed import REMOVED, lines_of, thinned
from trustward.model.retention import (
    OPERATIONAL,
    UNTOLD,
    Account,
    Done,
    Overdue,
    Plan,
    latest_over,
    next_day,
    over_us,
    shown,
)
from trustward.model.stored import AuditRow
from trustward.operations.indexing import Indexing
from trustward.operations.retaining_closed import CLOSED, Days, look, remove
from trustward.ports import Store

AUDIT = "audit"
_READ = 2_048
"""How many entries are looked at in one transaction, and written anew."""
_FEW = 500
"""So many entries that are kept of a class and a day are written down; if there are more, the day is read again."""
_TRIES = 5

Tell = Callable[["Removed"], None]


class Removed(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a class's records of one day: how many were removed now, how many are kept, and by what."""

    day: str
    of: str = msgspec.field(name="class")
    removed: int
    kept: dict[str, int]


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """How a run ended: everything that is over was looked at, or a restart needs the day ``day`` and later ones."""

    day: str = ""
    why: Literal["all", "needed"] = "all"


class Stretch(NamedTuple):
    """A day of the journal, and its entries; ``archived`` if it lies in files."""

    day: str
    first: int
    last: int
    archived: ArchivedDay | None


class _Tally:
    """What is found in a day."""

    def __init__(self) -> None:
        self.gone = array("q")
        """Entries whose events are removed, before or now."""
        self.new = array("q")
        self.before: Counter[str] = Counter()
        self.removed: Counter[str] = Counter()
        self.kept: dict[str, Counter[str]] = {}
        self.entries: dict[str, list[int]] = {}
        """What is kept of each class, one more than are written down at most."""

    def keep(self, of: str, why: str, seq: int) -> None:
        self.kept.setdefault(of, Counter())[why] += 1
        entries = self.entries.setdefault(of, [])
        if len(entries) <= _FEW:
            entries.append(seq)


class _Over(NamedTuple):
    """An event whose time is over: its place, its class, whom it names."""

    at: int
    of: str
    names: frozenset[Pair]


class Retaining:
    """The story. One process at a time removes: whoever archives has the same place."""

    def __init__(
        self,
        store: Store,
        catalogue: Catalogue,
        indexing: Indexing,
        plans: Mapping[str, Plan],
        clock: Callable[[], int],
    ) -> None:
        self.plans = plans
        self.clock = clock
        self._store = store
        self._indexing = indexing
        self._of = {name: kind.retention for name, kind in catalogue.types.items() if name != REMOVED}
        self._fields = [
            f"{name}.{field.name}: {field.retention}"
            for name, kind in catalogue.types.items()
            for field in kind.fields.values()
            if field.retention not in {"", kind.retention}
        ]
        self._about = {**catalogue.retention, **OPERATIONAL}

    # ------------------------------------------------------------------ looking

    def ends(self) -> dict[str, str]:
        """For each class of events that is removed the latest day whose term is over."""
        now_us = self.clock()
        return {name: latest_over(now_us, plan.lasts) for name, plan in self.plans.items() if plan.standing == "set"}

    def unsettled(self) -> list[Plan]:
        """The classes for which the service has chosen, or must choose otherwise, and of which nothing is removed."""
        return [plan for plan in self.plans.values() if plan.standing in {"refused", "collision"}]

    def account(self) -> list[Account]:
        """How every class stands."""
        ends, done = self.ends(), self._store.retained.done()
        seen = {(one.day, one.of) for one in done}
        pending: dict[str, Stretch] = {}
        first = ""
        events = {name: end for name, end in ends.items() if name not in {AUDIT, *CLOSED}}
        for stretch in self.stretches("9999"):
            first = first or stretch.day
            for name, end in events.items():
                if stretch.day <= end and (stretch.day, name) not in seen:
                    pending.setdefault(name, stretch)
            if len(pending) == len(events) or stretch.day > max(events.values()):
                break
        spared = self.restartable()
        found = []
        for name, plan in self.plans.items():
            mine = [one for one in done if one.of == name]
            waits = pending.get(name)
            told = Account(
                about=self._about.get(name, ""),
                plan=plan,
                removed=sum(one.removed for one in mine),
                overdue=tuple(Overdue(day=one.day, kept=one.kept) for one in mine if one.kept),
                pending="" if waits is None else waits.day,
                needed=waits is not None and waits.archived is None and waits.last > spared,
            )
            if name in ends and first:
                day = max(first, next_day(ends[name]))
                told = msgspec.structs.replace(told, next=day, next_us=over_us(day, plan.lasts))
            found.append(told)
        return found

    def stretches(self, upto: str) -> Iterator[Stretch]:
        """The journal's days up to one, the oldest first."""
        last = 0
        for day in self._store.archived.days():
            if day.day > upto:
                return
            yield Stretch(day.day, day.first, day.last, day)
            last = day.last
        journal = self._store.journal
        head = journal.head()
        while last < head:
            name = day_of(journal.read(last, 1)[0].at_us)
            if name > upto:
                return
            first, last = last + 1, journal.since(start_of(name) + DAY_US) - 1
            yield Stretch(name, first, last, None)

    def fields(self) -> list[str]:
        """The fields that have a class of their own, which does not count: each goes with its event."""
        return self._fields

    def restartable(self) -> int:
        """The last entry that no restart needs."""
        return max((info.seq for info in self._store.snapshots.stored()), default=0)

    # ------------------------------------------------------------------ removing

    def run(self, tell: Tell, *, dry: bool = False) -> Ended:
        """Remove everything whose term is over, or only say what it would be; each day and class is told.

        A day that cannot be written anew keeps no other one from it: what was wrong with it is raised at the end.
        Raises UsageError if another process archives or removes, StaleError if holds are placed all the time,
        StoreError.
        """
        if dry:
            return self._run(tell, dry=True)
        with self._store.shelf.alone():
            return self._run(tell, dry=False)

    def _run(self, tell: Tell, *, dry: bool) -> Ended:
        ends = self.ends()
        done = {(one.day, one.of): one for one in self._store.retained.done()}
        if AUDIT in ends:
            self._audit(tell, ends.pop(AUDIT), done, dry=dry)
        for kind in CLOSED:
            if kind in ends:
                days = Days(kind, {day: one for (day, of), one in done.items() if of == kind})
                self._closed(tell, ends.pop(kind), days, dry=dry)
        return self._entries(tell, ends, done, dry=dry)

    def _audit(self, tell: Tell, end: str, done: Mapping[tuple[str, str], Done], *, dry: bool) -> None:
        """Remove lines of the audit, a few hundred at a time; all of them stay while any hold is in force."""
        retained, before_us = self._store.retained, start_of(next_day(end))
        known = {day: one for (day, of), one in done.items() if of == AUDIT}
        removed: Counter[str] = Counter()

        def note(counts: Mapping[str, int]) -> tuple[Sequence[Done], Sequence[AuditRow]]:
            removed.update(counts)
            lines = [_line(self.clock(), day, AUDIT, count, 0) for day, count in counts.items()]
            return [self._audited(known, removed, day, {}) for day in counts], lines

        def hidden(counts: Mapping[str, int]) -> tuple[Sequence[Done], Sequence[AuditRow]]:
            lines = [_line(self.clock(), day, AUDIT, count, 0) for day, count in counts.items()]
            return [], [msgspec.structs.replace(line, secret=True) for line in lines]

        while not dry and (
            retained.drop_audit(before_us, _FEW, note) or retained.drop_audit(before_us, _FEW, hidden, secret=True)
        ):
            pass
        kept = retained.keeps_audit(before_us)
        for day in sorted({*removed, *([end] if kept else [])}):
            tell(Removed(day=day, of=AUDIT, removed=removed[day], kept=kept if day == end else {}))
        if not dry:
            held = {day for day, one in known.items() if one.kept} | ({end} if kept else set())
            retained.note([self._audited(known, removed, day, kept if day == end else {}) for day in sorted(held)], [])

    def _audited(self, known: Mapping[str, Done], removed: Mapping[str, int], day: str, kept: dict[str, int]) -> Done:
        before = known[day].removed if day in known else 0
        return Done(day=day, of=AUDIT, removed=before + removed.get(day, 0), kept=kept, at_us=self.clock())

    def _closed(self, tell: Tell, end: str, days: Days, *, dry: bool) -> None:
        retained = self._store.retained
        if dry:
            look(retained, end, days)
        else:
            remove(retained, end, days, lambda day, count: _line(self.clock(), day, days.of, count, 0), self.clock)
        done, audit = [], []
        for day in days.days():
            kept = days.kept_of(day)
            was = days.before[day].kept if day in days.before else {}
            done.append(days.done(day, self.clock()))
            audit += _kept_lines(self.clock(), day, days.of, 0, was, kept)
            if days.removed[day] or kept:
                tell(Removed(day=day, of=days.of, removed=days.removed[day], kept=kept))
        if not dry:
            retained.note(done, audit)

    def _entries(
        self, tell: Tell, ends: Mapping[str, str], done: Mapping[tuple[str, str], Done], *, dry: bool
    ) -> Ended:
        spared = self.restartable()
        faults: list[TrustwardError] = []
        for stretch in self.stretches(max(ends.values(), default="")):
            over = {name for name, end in ends.items() if stretch.day <= end}
            left = {name for name in over if (held := done.get((stretch.day, name))) is None or held.kept}
            for name in [name for name in sorted(left) if self._as_it_was(done.get((stretch.day, name)))]:
                tell(Removed(day=stretch.day, of=name, removed=0, kept=done[stretch.day, name].kept))
                left.discard(name)
            if not left:
                continue
            if stretch.archived is None and stretch.last > spared:
                if faults:
                    break
                return Ended(day=stretch.day, why="needed")
            before = {name: done[stretch.day, name] for name in left if (stretch.day, name) in done}
            try:
                for one in self._day(stretch, left, before, dry=dry):
                    tell(one)
            except (StaleError, StateError, StoreError) as fault:
                # One day's files are gone or damaged: the others are none the worse for it.
                faults.append(fault)
                if stretch.archived is None or len(faults) == _TRIES:
                    break
        if faults:
            raise faults[0]
        return Ended()

    def _day(self, stretch: Stretch, over: set[str], before: Mapping[str, Done], *, dry: bool) -> list[Removed]:
        if dry:
            tally = self._look(stretch, over)
        elif stretch.archived is None:
            tally = self._live(stretch, over)
        else:
            tally = self._archived(stretch.archived, over)
        if not dry:
            # What an earlier run removed, and could not finish, is finished as well.
            gone = tally.new if before.keys() == over else tally.gone
            self._store.retained.drop_actions(gone)
            self._indexing.forget(gone)
        done, told, audit = [], [], []
        for name in sorted(over):
            known = before[name].removed if name in before else 0
            count = tally.before[name] + tally.removed[name] - known
            kept = dict(sorted(tally.kept.get(name, {}).items()))
            done.append(
                Done(
                    day=stretch.day,
                    of=name,
                    removed=known + count,
                    kept=kept,
                    at_us=self.clock(),
                    entries=tuple(entries) if len(entries := tally.entries.get(name, [])) <= _FEW else (),
                ),
            )
            if count or kept:
                told.append(Removed(day=stretch.day, of=name, removed=count, kept=kept))
            was = before[name].kept if name in before else {}
            audit += _kept_lines(self.clock(), stretch.day, name, count, was, kept)
        if not dry:
            self._store.retained.note(done, audit)
        return told

    def _as_it_was(self, done: Done | None) -> bool:
        """Whether all that was kept of a day still is, and for the same reasons."""
        if done is None or not done.entries:
            return False
        found = []
        for one in self._store.journal.entries(done.entries):
            event = msgspec.json.decode(one.body)
            found.append(_Over(one.seq, done.of, self._names(one.decision.type, event, one.decision.actions)))
        kept = self._store.retained.kept({pair for one in found for pair in one.names})
        return Counter(_why(one, kept) for one in found) == Counter(done.kept)

    def _names(self, type: str, event: Mapping[str, Any], actions: Sequence[Action]) -> frozenset[Pair]:
        """Everything that an event names, and what was to be done because of it."""
        names = self._indexing.entities.of(type, dict(event))
        return frozenset({*names, ("event", event["id"]), *((one.kind, one.entity) for one in actions)})

    def _live(self, stretch: Stretch, over: set[str]) -> _Tally:
        """Write a day anew where it lies in the database, a few thousand entries at a time."""
        tally = _Tally()
        for part in self._parts(stretch):
            found = [(segment, self._over(segment, over, tally)) for segment in part]
            names = {pair for _, some in found for one in some for pair in one.names}
            if not names and not any(some for _, some in found):
                continue
            said: list[tuple[int, str, str]] = []
            made: list[tuple[Segment, Segment]] = []

            def cut(
                kept: Mapping[Pair, str],
                found: Sequence[tuple[Segment, Sequence[_Over]]] = found,
                said: list[tuple[int, str, str]] = said,
                made: list[tuple[Segment, Segment]] = made,
            ) -> list[tuple[Segment, Segment]]:
                said.clear()
                made.clear()
                for segment, some in found:
                    gone = {}
                    for one in some:
                        why = _why(one, kept)
                        said.append((segment.first + one.at, one.of, why))
                        if not why:
                            gone[one.at] = one.of
                    if gone:
                        made.append((segment, thinned(segment, gone)))
                return made

            if self._store.retained.thin(names, cut) < len(made):
                raise StaleError(f"somebody else removes or archives {stretch.day}", remedy="run it again later")
            _count(tally, said)
        return tally

    def _archived(self, day: ArchivedDay, over: set[str]) -> _Tally:
        """Write an archived day anew, and let it take the place of what it was."""
        shelf, retained = self._store.shelf, self._store.retained
        shelf.sweep(day)
        for _ in range(_TRIES):
            held = retained.held()
            tally = self._look(Stretch(day.day, day.first, day.last, day), over)
            if not tally.new:
                return tally
            anew = msgspec.structs.replace(day, revision=day.revision + 1)
            actions = [row for row in shelf.actions(day) if not _among(tally.new, row)]
            put = shelf.put(anew, self._without(day, tally.new), actions)
            shelf.verify(put, self._without(day, tally.new), actions)
            if retained.replace(put, held):
                shelf.sweep(put)
                return tally
        raise StaleError(f"holds are being placed while {day.day} is written anew", remedy="run it again later")

    def _without(self, day: ArchivedDay, gone: Sequence[int]) -> Iterator[Segment]:
        for part in self._parts(Stretch(day.day, day.first, day.last, day)):
            for segment in part:
                mine = gone[bisect_left(gone, segment.first) : bisect_right(gone, segment.last)]
                if not mine:
                    yield segment
                    continue
                lines = lines_of(segment)
                places = [seq - segment.first for seq in mine]
                yield thinned(segment, {at: self._of[lines[at].type] for at in places})

    def _look(self, stretch: Stretch, over: set[str]) -> _Tally:
        """What would be removed of a day, and what is kept."""
        tally = _Tally()
        for part in self._parts(stretch):
            found = [(segment, self._over(segment, over, tally)) for segment in part]
            kept = self._store.retained.kept({pair for _, some in found for one in some for pair in one.names})
            _count(
                tally, [(segment.first + one.at, one.of, _why(one, kept)) for segment, some in found for one in some]
            )
        return tally

    def _parts(self, stretch: Stretch) -> Iterator[list[Segment]]:
        after = stretch.first - 1
        while after < stretch.last:
            wanted = min(_READ, stretch.last - after)
            if stretch.archived is not None:
                read = self._store.shelf.read(stretch.archived, after, wanted)
            else:
                read = self._store.journal.read(after, wanted)
            part = [segment for segment in read if segment.first <= stretch.last]
            yield part
            after = part[-1].last

    def _over(self, segment: Segment, over: set[str], tally: _Tally) -> list[_Over]:
        """The events of a segment whose time is over; what has been removed before is counted."""
        if segment.kind != "events":
            return []
        rows: list[bytes] = []
        decided: dict[int, Any] = {}
        found = []
        for at, line in enumerate(lines_of(segment)):
            if line.type == REMOVED:
                if line.was in over:
                    tally.before[line.was] += 1
                    tally.gone.append(segment.first + at)
                continue
            of = self._of.get(line.type, "")
            if of not in over:
                continue
            if not rows:
                rows, decided = segment.lines(), dict(segment.decided())
            actions = decided[at].actions if at in decided else ()
            found.append(_Over(at, of, self._names(line.type, msgspec.json.decode(rows[at]), actions)))
        return found


def _why(one: _Over, kept: Mapping[Pair, str]) -> str:
    """Why an event is kept; empty if it is not."""
    if not kept:
        return ""
    found = sorted({kept[pair] for pair in one.names & kept.keys()})
    # What is secret is told only where nothing else keeps it.
    return next((why for why in found if why != UNTOLD), found[0] if found else "")


def _count(tally: _Tally, said: Sequence[tuple[int, str, str]]) -> None:
    for seq, of, why in said:
        if why:
            tally.keep(of, why, seq)
        else:
            tally.removed[of] += 1
            tally.new.append(seq)
            tally.gone.append(seq)


def _among(gone: Sequence[int], row: ActionRow) -> bool:
    at = bisect_left(gone, row.seq)
    return at < len(gone) and gone[at] == row.seq


def _line(at_us: int, day: str, of: str, removed: int, kept: int) -> AuditRow:
    return AuditRow(
        at_us=at_us,
        actor="trustward",
        action="retention.removed",
        subject=f"retention:{day}",
        detail=msgspec.json.encode({"class": of, "removed": removed, "kept": kept}),
    )


def _kept_lines(
    at_us: int, day: str, of: str, removed: int, was: Mapping[str, int], kept: Mapping[str, int]
) -> list[AuditRow]:
    """The lines of the audit, where something has changed. What is kept by something secret is in the secret book."""
    lines = []
    if removed or shown(kept, secret=False) != shown(was, secret=False):
        lines.append(_line(at_us, day, of, removed, sum(shown(kept, secret=False).values())))
    if kept.get(UNTOLD, 0) != was.get(UNTOLD, 0):
        lines.append(msgspec.structs.replace(_line(at_us, day, of, removed, kept.get(UNTOLD, 0)), secret=True))
    return lines
