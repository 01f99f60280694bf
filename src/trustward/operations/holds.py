"""Preservation holds: while one is in force, nothing of the entities that it names may be removed.

Whoever removes anything asks :meth:`Holds.held`, or goes by :meth:`Holds.held_entities`. A hold ends because somebody
releases it, or because its time is over and :meth:`Holds.expire` has said so: never silently. An event is held if any
entity that it names is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import msgspec

from trustward.base.errors import NotFoundError, StaleError, StepError, UsageError
from trustward.base.units import format_time
from trustward.model.clocks import Clock
from trustward.model.dossier import DossierQuery, FilePage, Pair
from trustward.model.duty import Duty, Evidence
from trustward.model.hold import Hold
from trustward.operations.duties import Duties, Owed
from trustward.operations.filing import Filing, check_step, needed, take_step
from trustward.operations.reading import every
from trustward.ports import Store, Write

Links = Callable[[str, str], Sequence[Pair]]
"""The entities that took part in the same events as one."""
MOST_ENTITIES = 1_000
_AT_ONCE = 200
_SECOND_US = 1_000_000
_REST_US = 60 * _SECOND_US
_REVIEW = "hold-review"


class HoldWanted(msgspec.Struct, frozen=True, kw_only=True):
    """A hold that is to be placed. It lasts until ``until_us``, or as long as ``clock`` says, or until its release."""

    entities: tuple[Pair, ...]
    basis: str
    by: str
    actor: str
    cause: str = ""
    market: str = ""
    until_us: int | None = None
    clock: str = ""
    """The clock of a minimum hold, such as ``SG-OCC-5``."""
    linked: bool = False
    secret: bool = False
    id: str = ""


class Holds:
    """The story, for any number of threads and processes over one store."""

    def __init__(
        self, store: Store, duties: Duties, *, clock: Callable[[], int], ids: Callable[[], str], links: Links
    ) -> None:
        self.clock = clock
        self._store = store
        self._duties = duties
        self._ids = ids
        self._links = links
        self._rested_us = 0

    # ------------------------------------------------------------------ what may not be removed

    def held(self, kind: str, entity: str) -> bool:
        """Whether nothing of this entity may be removed now."""
        after = ""
        while part := self._store.dossiers.naming(Hold, kind, entity, after, _AT_ONCE):
            if any(hold.state == "in_force" for hold in part):
                return True
            after = part[-1].id
        return False

    def held_entities(self) -> Iterator[Pair]:
        """Every entity of which nothing may be removed now, each once."""
        seen: set[Pair] = set()
        for hold in self._in_force():
            for pair in hold.entities:
                if pair not in seen:
                    seen.add(pair)
                    yield pair

    def _in_force(self) -> Iterator[Hold]:
        query = DossierQuery(states=("in_force",), secret=True)
        after = ""
        while part := self._store.dossiers.find(Hold, query, after, _AT_ONCE):
            yield from part
            after = part[-1].id

    # ------------------------------------------------------------------ steps

    def place(self, wanted: HoldWanted) -> Hold:
        """Place a hold; in force when this returns. The same id again gives the first one.

        Raises UsageError, RegimeError; StepError if the id is another hold's.
        """
        before = self._store.dossiers.get(Hold, wanted.id) if wanted.id else None
        if before is not None:
            return _same(before, wanted)
        hold, writes = self.to_place(wanted)
        self._store.records.write(writes)
        return hold

    def to_place(self, wanted: HoldWanted) -> tuple[Hold, list[Write]]:
        """A new hold, and what is to be written: together with what asks for it. Raises UsageError, RegimeError."""
        _check(wanted)
        now_us = self.clock()
        id = wanted.id or self._ids()  # noqa: A001 - it is the record's
        duty, owing = self._owed(wanted, id, now_us)
        hold = Hold(
            id=id,
            version=0,
            state="in_force",
            at_us=now_us,
            entities=self._with_linked(wanted.entities) if wanted.linked else wanted.entities,
            basis=wanted.basis,
            by=wanted.by,
            actor=wanted.actor,
            cause=wanted.cause,
            market=wanted.market,
            until_us=duty.earliest_us,
            linked=wanted.linked,
            secret=wanted.secret,
            duty=duty.id,
        )
        filing = Filing(hold, wanted.actor, now_us)
        filing.page("placed", wanted.basis, by=wanted.by, entities=len(hold.entities))
        filing.add(owing)
        return filing.whole()

    def _owed(self, wanted: HoldWanted, id: str, now_us: int) -> tuple[Duty, list[Write]]:
        clock: str | Clock = wanted.clock or _REVIEW
        if wanted.clock and self._duties.book.clock(wanted.clock).least == "":
            raise UsageError(f"the clock {wanted.clock} is not one of a minimum hold", remedy="name one like SG-OCC-5")
        if wanted.until_us is not None:
            if wanted.until_us <= now_us:
                raise UsageError("the end of the hold is over already", remedy="name a later time, or none")
            # In whole seconds, up: never shorter than asked for.
            minutes, seconds = divmod(-(-(wanted.until_us - now_us) // _SECOND_US), 60)
            clock = Clock(
                id="preservation",
                kind="hold",
                title="Keep what is under a preservation hold",
                least=f"{minutes // 60}h{minutes % 60}m{seconds}s",
                extendable=True,
                pausable=True,
                source=wanted.basis[:500],
            )
        owed = Owed(
            clock=clock,
            subject=f"hold:{id}",
            actor=wanted.actor,
            # Of a secret one not even the name may be in anything else.
            id="" if wanted.secret else f"hold-{id}",
            market=wanted.market,
            secret=wanted.secret,
        )
        duties, writes = self._duties.to_open(owed)
        return duties[0], writes

    def _with_linked(self, entities: Sequence[Pair]) -> tuple[Pair, ...]:
        found = dict.fromkeys(entities)
        for kind, entity in entities:
            for pair in self._links(kind, entity):
                if len(found) < MOST_ENTITIES:
                    found.setdefault(pair)
        return tuple(found)

    def extend(self, id: str, actor: str, *, until_us: int, by: str, reason: str) -> Hold:
        """It lasts longer: who wants it, and why. What is linked by now is held too, if the hold says so.

        Raises NotFoundError, StepError, UsageError.
        """
        needed(reason, "a reason")
        needed(by, "who wants it", 200)

        def step(filing: Filing[Hold]) -> None:
            hold = filing.record
            if hold.until_us is None:
                raise StepError(f"the hold {id} has no end", remedy="it lasts until it is released")
            if until_us <= hold.until_us:
                raise UsageError(
                    f"an extension goes beyond what there was: {format_time(hold.until_us)}",
                    remedy="name a later time",
                )
            entities = self._with_linked(hold.entities) if hold.linked else hold.entities
            filing.change(until_us=until_us, extended=hold.extended + 1, entities=entities)
            filing.page("extended", reason, by=by, until=format_time(until_us))
            filing.add(self._longer(hold, actor, until_us, by, reason))

        return self._step(id, actor, "extend", step)

    def _longer(self, hold: Hold, actor: str, until_us: int, by: str, reason: str) -> list[Write]:
        duty = self._duties.get(hold.duty)
        if duty.ended or (duty.earliest_us is not None and duty.earliest_us >= until_us):
            return []  # its duty says so already
        said = "extended" if hold.secret else reason[:1000]
        return self._duties.to_extend(hold.duty, actor, until_us=until_us, authority=by, reason=said)

    def add(self, id: str, actor: str, entities: Sequence[Pair], reason: str) -> Hold:
        """It covers more. Raises NotFoundError, StepError, UsageError."""
        needed(reason, "a reason")

        def step(filing: Filing[Hold]) -> None:
            hold = filing.record
            more = tuple(dict.fromkeys((*hold.entities, *entities)))
            _count(more)
            filing.change(entities=self._with_linked(more) if hold.linked else more)
            filing.page("widened", reason, entities=len(more) - len(hold.entities))

        return self._step(id, actor, "add", step)

    def release(self, id: str, actor: str, *, by: str, reason: str) -> Hold:
        """It is in force no more: on whose word, and why. Raises NotFoundError, StepError, UsageError."""
        needed(reason, "a reason")
        needed(by, "on whose word", 200)

        def step(filing: Filing[Hold]) -> None:
            hold = filing.record
            filing.change(state="released", ended_us=filing.now_us, why=f"{by}: {reason}"[:4000])
            filing.page("released", reason, by=by)
            said = "released" if hold.secret else reason[:1000]
            for duty in self._duties.of(f"hold:{id}"):
                filing.add(self._duties.to_cancel(duty.id, actor, said))

        return self._step(id, actor, "release", step)

    def expire(self) -> int:
        """End the holds whose time is over, and their duties; how many.

        Where the duty has been extended, or its clock stands still, the hold goes on.
        """
        count = 0
        now_us = self.clock()
        for hold in self._in_force():
            if hold.until_us is None or hold.until_us > now_us:
                continue
            try:
                count += self._over(hold.id) is not None
            except (StaleError, StepError):
                continue  # somebody else is at it
        return count

    def tend(self) -> int:
        """The same once a minute, for the worker's rounds: a hold that ends a bit later does no harm."""
        now_us = self.clock()
        if now_us < self._rested_us:
            return 0
        self._rested_us = now_us + _REST_US
        return self.expire()

    def _over(self, id: str) -> Hold | None:
        duty = self._duties.get(self.get(id).duty)
        if duty.state == "paused":
            return None
        if not duty.ended and duty.earliest_us is not None and duty.earliest_us > self.clock():
            later_us = duty.earliest_us

            def longer(filing: Filing[Hold]) -> None:
                filing.change(until_us=later_us, extended=filing.record.extended + 1)
                filing.page("extended", "its duty was", until=format_time(later_us))

            self._step(id, "trustward", "extend", longer)
            return None

        def step(filing: Filing[Hold]) -> None:
            hold = filing.record
            if hold.until_us is None or hold.until_us > filing.now_us:
                raise StepError(f"the hold {id} is not over", remedy="it was extended meanwhile")
            filing.change(state="expired", ended_us=filing.now_us)
            filing.page("expired", f"held until {format_time(hold.until_us)}")
            shown = Evidence(said="kept until its time was over", refs=(f"hold:{id}",))
            filing.add(self._duties.to_end(hold.duty, "trustward", shown))

        return self._step(id, "trustward", "expire", step)

    # ------------------------------------------------------------------ looking

    def get(self, id: str, *, secret: bool = True) -> Hold:
        """The hold with this id, if the caller may know of it. Raises NotFoundError."""
        found = self._store.dossiers.get(Hold, id)
        if found is None or (found.secret and not secret):
            raise NotFoundError(f"there is no hold {id[:80]}", remedy="GET /v1/holds lists all")
        return found

    def file(self, id: str) -> Sequence[FilePage]:
        """All that happened to it."""
        return self._store.dossiers.pages(f"hold:{id}")

    def find(self, query: DossierQuery, after: str = "", limit: int = 100) -> Sequence[Hold]:
        """Holds by their ids."""
        return self._store.dossiers.find(Hold, query, after, limit)

    def on(self, kind: str, entity: str) -> Sequence[Hold]:
        """The holds that name an entity, or have named it, secret ones included."""
        return every(
            lambda after: self._store.dossiers.naming(Hold, kind, entity, after, _AT_ONCE), "", lambda one: one.id
        )

    def _step(self, id: str, actor: str, name: str, step: Callable[[Filing[Hold]], None]) -> Hold:
        def begin() -> Filing[Hold]:
            hold = self.get(id)
            check_step(f"hold {id}", hold.state, name, ("in_force",))
            return Filing(hold, actor, self.clock())

        return take_step(self._store, f"the hold {id}", begin, step)


def _check(wanted: HoldWanted) -> None:
    needed(wanted.basis, "a legal basis")
    needed(wanted.by, "who asks for it", 200)
    _count(wanted.entities)
    if wanted.clock and wanted.until_us is not None:
        raise UsageError("a clock, and an end", remedy="leave one of them out")


def _count(entities: Sequence[Pair]) -> None:
    if not 0 < len(entities) <= MOST_ENTITIES:
        raise UsageError(f"a hold names 1 to {MOST_ENTITIES} entities", remedy="place several, or name some")


def _same(before: Hold, wanted: HoldWanted) -> Hold:
    told = (before.basis, before.by, before.cause, before.entities[: len(wanted.entities)], before.secret)
    if told != (wanted.basis, wanted.by, wanted.cause, wanted.entities, wanted.secret):
        raise StepError(f"the id {wanted.id} is another hold's", remedy="give it one of its own")
    return before
