"""What retention removes, in memory."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from trustward.adapters.store.memory_outbox import MemoryOutbox
from trustward.adapters.store.memory_records import Held
from trustward.model.appeal import Appeal
from trustward.model.archived import ArchivedDay
from trustward.model.case import Case
from trustward.model.clue import Clue
from trustward.model.directive import LIVE, Directive, Target
from trustward.model.dossier import Pair
from trustward.model.hold import Hold
from trustward.model.journal import Segment
from trustward.model.request import Asked
from trustward.model.retention import Done
from trustward.model.stored import AuditRow

_OPEN: tuple[tuple[type, str, tuple[str, ...]], ...] = (
    (Hold, "hold", ("in_force",)),
    (Clue, "clue", ("drafted", "approved", "sent", "received")),
    (Asked, "request", ("received", "verified")),
)

_ORDER = ("hold", "case", "order", "clue", "request", "appeal", "secret")


class MemoryRetained:
    """The port ``Retained``."""

    def __init__(self, held: Held, segments: list[Segment], days: list[ArchivedDay], done: dict[Any, Done]) -> None:
        self._held = held
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

    def thin(self, pairs: Collection[Pair], cut: Callable[[Mapping[Pair, str]], Sequence[Segment]]) -> int:
        """See :class:`trustward.ports.Retained`."""
        with self._held.lock:
            made = {segment.first: segment for segment in cut(self.kept(pairs))}
            places = [at for at, segment in enumerate(self._segments) if segment.first in made]
            for at in places:
                self._segments[at] = made[self._segments[at].first]
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

    def drop_actions(self, seqs: Sequence[int]) -> int:
        """See :class:`trustward.ports.Retained`."""
        return self._outbox.drop_closed(set(seqs).__contains__, len(self._held.sent.actions))
