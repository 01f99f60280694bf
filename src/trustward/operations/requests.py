"""Requests for information: taken down, found genuine or not, answered in whole or in part, each against its clocks.

Nothing is given away before somebody has found the request genuine, and every disclosure is recorded: what, to whom, on
which basis, by whom.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from trustward.base.errors import NotFoundError, StepError, UsageError
from trustward.model.bundle import Bundle
from trustward.model.dossier import DossierQuery, FilePage, Pair
from trustward.model.duty import Evidence
from trustward.model.letter import told
from trustward.model.request import ALLOWED, Asked, Data, Disclosure, Scope, Verified, Withheld
from trustward.operations.bundling import Bundling
from trustward.operations.duties import Duties, Owed
from trustward.operations.filing import Filing, check_step, needed, take_step
from trustward.ports import Store, Write

MOST_ENTITIES = 200
MOST_CLOCKS = 10
_PLAIN, _FAST = "information", "information-emergency"


class Due(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A clock of a request; ``due_us`` for one that the request itself sets."""

    clock: str
    due_us: int | None = None


class RequestWanted(msgspec.Struct, frozen=True, kw_only=True):
    """A request that has come in. Without clocks it is owed promptly, or at once if it is an emergency."""

    by: str
    contact: str
    basis: str
    reference: str
    actor: str
    entities: tuple[Pair, ...]
    data: tuple[Data, ...]
    text: str = ""
    from_us: int | None = None
    to_us: int | None = None
    market: str = ""
    cause: str = ""
    emergency: bool = False
    secret: bool = False
    target: str = ""
    clocks: tuple[Due, ...] = ()
    id: str = ""


class Answering(msgspec.Struct, frozen=True, kw_only=True):
    """An answer: what is given (empty: all that was asked for), what is withheld and why, how it is handed over."""

    actor: str
    entities: tuple[Pair, ...] = ()
    data: tuple[Data, ...] = ()
    from_us: int | None = None
    to_us: int | None = None
    withheld: tuple[Withheld, ...] = ()
    handed: str = ""


class Requests:
    """The story, for any number of threads and processes over one store."""

    def __init__(
        self,
        store: Store,
        duties: Duties,
        bundling: Bundling,
        *,
        clock: Callable[[], int],
        ids: Callable[[], str],
    ) -> None:
        self._store = store
        self._duties = duties
        self._bundling = bundling
        self._clock = clock
        self._ids = ids

    # ------------------------------------------------------------------ in

    def receive(self, wanted: RequestWanted) -> Asked:
        """Take a request down; its clocks run from now on. The same id again gives the first one.

        Raises UsageError, RegimeError; StepError if the id is another request's.
        """
        before = self._store.dossiers.get(Asked, wanted.id) if wanted.id else None
        if before is not None:
            return _same(before, wanted)
        asked, writes = self.to_receive(wanted)
        self._store.records.write(writes)
        return asked

    def to_receive(self, wanted: RequestWanted) -> tuple[Asked, list[Write]]:
        """A new request, and what is to be written: together with the order that it comes from, for example."""
        _check(wanted)
        now_us = self._clock()
        id = wanted.id or self._ids()  # noqa: A001 - it is the record's
        duties, owing = self._owed(wanted, id)
        asked = Asked(
            id=id,
            version=0,
            state="received",
            at_us=now_us,
            by=wanted.by,
            contact=wanted.contact,
            basis=wanted.basis,
            reference=wanted.reference,
            actor=wanted.actor,
            entities=wanted.entities,
            data=wanted.data,
            text=wanted.text,
            from_us=wanted.from_us,
            to_us=wanted.to_us,
            market=wanted.market,
            cause=wanted.cause,
            emergency=wanted.emergency,
            secret=wanted.secret,
            target=wanted.target,
            duties=tuple(duties),
        )
        filing = Filing(asked, wanted.actor, now_us)
        filing.page("received", wanted.basis, by=wanted.by, reference=wanted.reference)
        filing.add(owing)
        return filing.whole()

    def _owed(self, wanted: RequestWanted, id: str) -> tuple[list[str], list[Write]]:
        clocks = wanted.clocks or (Due(clock=_PLAIN),)
        if wanted.emergency and all(due.clock != _FAST for due in clocks):
            clocks = (Due(clock=_FAST), *(wanted.clocks or ()))
        duties: list[str] = []
        writes: list[Write] = []
        for due in clocks:
            owed = Owed(
                clock=due.clock,
                subject=f"request:{id}",
                actor=wanted.actor,
                due_us=due.due_us,
                market=wanted.market,
                secret=wanted.secret,
            )
            opened, owing = self._duties.to_open(owed)
            duties += [duty.id for duty in opened]
            writes += owing
        return duties, writes

    def verify(self, id: str, actor: str, how: str, *, genuine: bool) -> Asked:
        """Say whether it is genuine, and how that was found out; if not, nothing is owed any more.

        Raises NotFoundError, StepError, UsageError.
        """
        needed(how, "how that was found out")

        def step(filing: Filing[Asked]) -> None:
            found = Verified(genuine=genuine, actor=actor, at_us=filing.now_us, how=how)
            filing.change(state="verified" if genuine else "rejected", verified=found)
            filing.page("verified" if genuine else "rejected", how)
            if not genuine:
                self._cancel(filing, "it is not genuine")

        return self._step(id, actor, "verify", step)

    # ------------------------------------------------------------------ out

    def answer(self, id: str, given: Answering) -> Asked:
        """Answer with a bundle; what is withheld is named, with reasons. Every duty of the request is done by this.

        Raises NotFoundError, StepError, UsageError, TooLargeError.
        """
        kept: list[tuple[Scope, Bundle]] = []

        def step(filing: Filing[Asked]) -> None:
            asked = filing.record
            self._check_way(asked, given.handed)
            if not kept:
                # Once: whoever else changes the record changes nothing of what is given.
                scope = self._bundling.upto_now(_scope(asked, given))
                kept.append((scope, self._bundling.of_request(asked, scope, given.withheld)))
            self._answered(filing, given, *kept[0])

        return self._step(id, given.actor, "answer", step)

    @staticmethod
    def _check_way(asked: Asked, handed: str) -> None:
        if bool(asked.target) == bool(handed.strip()):
            way = "by the outbox" if asked.target else "by hand"
            remedy = "leave out how" if asked.target else "say how it was handed over"
            raise UsageError(f"the answer goes {way}", remedy=remedy)

    def _answered(self, filing: Filing[Asked], given: Answering, scope: Scope, bundle: Bundle) -> None:
        asked = filing.record
        filing.change(
            state="answered",
            answered_us=filing.now_us,
            scope=scope,
            bundle=bundle.id,
            withheld=given.withheld,
            handed=given.handed,
        )
        partly = "in part" if given.withheld else "in whole"
        filing.page("answered", given.handed, bundle=bundle.id, bytes=bundle.size, partly=partly)
        self._end(filing, f"answered {partly}", f"bundle:{bundle.id}")
        made = Disclosure(
            id=f"request-{asked.id}",
            version=1,
            at_us=filing.now_us,
            by=asked.by,
            basis=asked.basis,
            actor=filing.actor,
            cause=f"request:{asked.id}",
            entities=scope.entities,
            what=", ".join(scope.data),
            bundle=bundle.id,
            secret=asked.secret,
        )
        filing.add([made])
        if asked.target:
            says = {"reference": asked.reference, "bundle": bundle.id, "bytes": bundle.size}
            filing.letter("answered", told("submit", "request", asked.id), says, asked.target)

    def refuse(self, id: str, actor: str, reasons: str, handed: str) -> Asked:
        """Nothing is given, for these reasons. Raises NotFoundError, StepError, UsageError."""
        return self._without(id, actor, "refuse", "refused", reasons, handed)

    def nothing_found(self, id: str, actor: str, reasons: str, handed: str) -> Asked:
        """There is nothing of what was asked for: where was looked. Raises NotFoundError, StepError, UsageError."""
        return self._without(id, actor, "nothing_found", "nothing_found", reasons, handed)

    def _without(self, id: str, actor: str, name: str, state: str, reasons: str, handed: str) -> Asked:
        needed(reasons, "reasons")
        needed(handed, "how they were told")

        def step(filing: Filing[Asked]) -> None:
            filing.change(state=state, answered_us=filing.now_us, reasons=reasons, handed=handed)
            filing.page(state, reasons, handed=handed)
            self._end(filing, state.replace("_", " "), f"request:{id}")

        return self._step(id, actor, name, step)

    def withdraw(self, id: str, actor: str, reason: str) -> Asked:
        """Who has asked does not want it any more. Raises NotFoundError, StepError."""

        def step(filing: Filing[Asked]) -> None:
            filing.change(state="withdrawn", reasons=needed(reason, "a reason"))
            filing.page("withdrawn", reason)
            self._cancel(filing, "it was withdrawn")

        return self._step(id, actor, "withdraw", step)

    def note(self, id: str, actor: str, text: str) -> Asked:
        """A page for its file. Raises NotFoundError."""

        def step(filing: Filing[Asked]) -> None:
            filing.page("noted", needed(text, "a note"))

        return self._step(id, actor, "note", step)

    def _end(self, filing: Filing[Asked], said: str, ref: str) -> None:
        shown = Evidence(said=said, refs=() if filing.record.secret else (ref,))
        for duty in filing.record.duties:
            filing.add(self._duties.to_end(duty, filing.actor, shown))

    def _cancel(self, filing: Filing[Asked], why: str) -> None:
        for duty in filing.record.duties:
            filing.add(self._duties.to_cancel(duty, filing.actor, why))

    # ------------------------------------------------------------------ looking

    def get(self, id: str, *, secret: bool = True) -> Asked:
        """The request with this id, if the caller may know of it. Raises NotFoundError."""
        found = self._store.dossiers.get(Asked, id)
        if found is None or (found.secret and not secret):
            raise NotFoundError(f"there is no request {id[:80]}", remedy="GET /v1/requests lists all")
        return found

    def file(self, id: str) -> Sequence[FilePage]:
        """All that happened to it."""
        return self._store.dossiers.pages(f"request:{id}")

    def find(self, query: DossierQuery, after: str = "", limit: int = 100) -> Sequence[Asked]:
        """Requests by their ids."""
        return self._store.dossiers.find(Asked, query, after, limit)

    def disclosures(
        self, query: DossierQuery, about: Pair | None = None, after: str = "", limit: int = 100
    ) -> Sequence[Disclosure]:
        """What was given away, by id; ``about`` an entity."""
        if about is None:
            return self._store.dossiers.find(Disclosure, query, after, limit)
        found: list[Disclosure] = []
        while len(found) < limit and (part := self._store.dossiers.naming(Disclosure, *about, after, limit)):
            found += [one for one in part if query.secret or not one.secret]
            after = part[-1].id
        return found[:limit]

    def bundle(self, asked: Asked) -> Bundle:
        """What was given in answer to a request. Raises NotFoundError."""
        found = self._store.bundles.get(asked.bundle) if asked.bundle else None
        if found is None:
            raise NotFoundError(f"nothing was given in answer to {asked.id}", remedy="an answer has a bundle")
        return found

    def _step(self, id: str, actor: str, name: str, step: Callable[[Filing[Asked]], None]) -> Asked:
        def begin() -> Filing[Asked]:
            asked = self.get(id)
            check_step(f"request {id}", asked.state, name, ALLOWED[name])
            return Filing(asked, actor, self._clock())

        return take_step(self._store, f"the request {id}", begin, step)


def _scope(asked: Asked, given: Answering) -> Scope:
    """What is given: no more than was asked for. Raises StepError, UsageError."""
    entities, data = given.entities or asked.entities, given.data or asked.data
    more = [":".join(pair) for pair in entities if pair not in asked.entities]
    more += [name for name in data if name not in asked.data]
    starts = [at_us for at_us in (asked.from_us, given.from_us) if at_us is not None]
    ends = [at_us for at_us in (asked.to_us, given.to_us) if at_us is not None]
    scope = Scope(entities=entities, data=data, from_us=max(starts, default=None), to_us=min(ends, default=None))
    if more:
        raise StepError(f"that was not asked for: {', '.join(more)[:500]}", remedy="give what was asked for, or less")
    whole = (asked.entities, asked.data, asked.from_us, asked.to_us)
    if (scope.entities, scope.data, scope.from_us, scope.to_us) != whole and not given.withheld:
        raise UsageError("less than was asked for, and no reason", remedy="say in withheld what is not given, and why")
    return scope


def _check(wanted: RequestWanted) -> None:
    for text, what in ((wanted.by, "who asks"), (wanted.contact, "how they are reached")):
        needed(text, what, 500)
    needed(wanted.basis, "a legal basis")
    if not 0 < len(wanted.entities) <= MOST_ENTITIES:
        raise UsageError(f"a request names 1 to {MOST_ENTITIES} entities", remedy="make several of it")
    if not wanted.data:
        raise UsageError("which data?", remedy="name some of: events, decisions, cases, reports, labels")
    if wanted.from_us is not None and wanted.to_us is not None and wanted.from_us >= wanted.to_us:
        raise UsageError("a period that ends before it begins", remedy="mend from and to")
    if len(wanted.clocks) > MOST_CLOCKS:
        raise UsageError(f"more than {MOST_CLOCKS} clocks", remedy="name the ones that count")
    if wanted.secret and wanted.target:
        raise UsageError(
            "what is kept secret does not go by the outbox, which others may look into", remedy="hand it over"
        )


def _same(before: Asked, wanted: RequestWanted) -> Asked:
    told = (before.by, before.reference, before.basis, before.entities, before.data, before.secret)
    if told != (wanted.by, wanted.reference, wanted.basis, wanted.entities, wanted.data, wanted.secret):
        raise StepError(f"the id {wanted.id} is another request's", remedy="give it one of its own")
    return before
