"""Cases: opened or joined by what is new about a subject, worked on step by step.

What closes them is in ``closing.py``, who gets which in ``queues.py``. ``docs/operations.md`` has states and steps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from trustward.base.errors import NotFoundError, SettingsError, StepError
from trustward.model.case import MOST_SEEN, Case, CasePage, CaseQuery, What
from trustward.model.letter import told
from trustward.model.queue import Queue, harm_of, route
from trustward.model.report import Report
from trustward.operations.duties import Duties, Owed
from trustward.operations.filing import Filing, needed, take_step, until_written
from trustward.operations.independence import independent
from trustward.operations.reading import every
from trustward.ports import Store, Write

_REPORTS = 500
_LOOKED_AT = 50


class News(msgspec.Struct, frozen=True, kw_only=True):
    """What is new about a subject: a report, decisions of the engine, somebody's word."""

    kind: str
    entity: str
    actor: str
    what: What
    said: str = ""
    category: str = ""
    market: str = ""
    channel: str = ""
    entities: tuple[tuple[str, str], ...] = ()
    due_us: int | None = None
    harm: int = 0
    reach: int = 0
    weight: float = 0.0
    reports: int = 0
    decisions: tuple[int, ...] = ()
    closed_to: tuple[str, ...] = ()


class Cases:
    """The story, for any number of threads and processes over one store."""

    def __init__(
        self,
        store: Store,
        queues: Sequence[Queue],
        duties: Duties,
        *,
        clock: Callable[[], int],
        ids: Callable[[], str],
    ) -> None:
        self.store = store
        self.queues = {queue.name: queue for queue in queues}
        self.duties = duties
        self.clock = clock
        self.ids = ids
        for queue in queues:
            if queue.escalates_to and queue.escalates_to not in self.queues:
                raise SettingsError(
                    f"the queue {queue.name} escalates to {queue.escalates_to}, which is none", remedy="name a queue"
                )
            duties.book.clock(queue.clock)

    # ------------------------------------------------------------------ what is new

    def to_join(self, news: News) -> tuple[Case, list[Write]]:
        """The case about a subject, opened or joined, and what is to be written: together with what is new.

        If somebody else opens or closes it meanwhile, the write fails with StaleError: ask again.
        """
        now_us = self.clock()
        found = self.store.cases.open_on(f"{news.kind}:{news.entity}") or self._part_of(news.kind, news.entity)
        if found is None:
            return self._opened(news, now_us)
        filing = Filing(found, news.actor, now_us)
        dues = [due_us for due_us in (found.due_us, news.due_us) if due_us is not None]
        filing.change(
            state="open",
            due_us=min(dues, default=None),
            harm=max(found.harm, self._harm(news)),
            reach=max(found.reach, news.reach),
            weight=found.weight + news.weight,
            reports=found.reports + news.reports,
            decisions=(*found.decisions, *news.decisions)[-MOST_SEEN:],
            entities=tuple(dict.fromkeys((*found.entities, *news.entities))),
            category=found.category or news.category,
            market=found.market or news.market,
            closed_to=tuple(dict.fromkeys((*found.closed_to, *news.closed_to))),
        )
        filing.page(news.what, news.said)
        return filing.whole()

    def _part_of(self, kind: str, entity: str) -> Case | None:
        """The open case that one about the same subject has become part of: what is new belongs there too."""
        about = self.store.cases.about(kind, entity, limit=_LOOKED_AT)
        gone = {case.id for case in about if case.state == "merged" and case.subject == f"{kind}:{entity}"}
        return next((case for case in about if case.open_on is not None and gone & set(case.merged)), None)

    def _opened(self, news: News, now_us: int, starts_us: int | None = None) -> tuple[Case, list[Write]]:
        harm = self._harm(news)
        try:
            queue = route(
                list(self.queues.values()),
                category=news.category,
                kind=news.kind,
                market=news.market,
                channel=news.channel,
                harm=harm,
            )
        except ValueError as fault:
            raise SettingsError(f"queues: {fault}", remedy="docs/operations.md says how") from fault
        name = self.ids()
        owed = Owed(
            clock=queue.clock,
            subject=f"case:{name}",
            actor=news.actor,
            id=f"case-{name}",
            starts_us=starts_us,
            market=news.market,
        )
        (duty,), owing = self.duties.to_open(owed)
        dues = [due_us for due_us in (duty.due_us, news.due_us) if due_us is not None]
        case = Case(
            id=name,
            version=0,
            state="open",
            queue=queue.name,
            kind=news.kind,
            entity=news.entity,
            opened_us=now_us,
            category=news.category,
            market=news.market,
            entities=tuple(dict.fromkeys(((news.kind, news.entity), *news.entities))),
            due_us=min(dues, default=None),
            harm=harm,
            reach=news.reach,
            reports=news.reports,
            weight=news.weight,
            decisions=news.decisions[-MOST_SEEN:],
            duty=duty.id,
            closed_to=news.closed_to,
        )
        filing = Filing(case, news.actor, now_us)
        filing.page("opened", news.said, queue=queue.name)
        if news.what != "opened":
            filing.page(news.what, news.said)
        return filing.whole(*owing)

    @staticmethod
    def _harm(news: News) -> int:
        return news.harm or harm_of(news.category)

    def join(self, news: News) -> Case:
        """The same, written."""
        return until_written(self.store, f"{news.kind}:{news.entity}", lambda: self.to_join(news))

    # ------------------------------------------------------------------ steps

    def assign(self, id: str, actor: str, to: str, reason: str = "") -> Case:
        """It goes to one reviewer only; an empty name gives it back to all. Raises NotFoundError, StepError."""

        def step(filing: Filing[Case]) -> None:
            if to and self.kept_from(filing.record, to):
                raise StepError(f"{to[:80]} does not get this case", remedy="choose somebody else")
            filing.change(assigned=to)
            filing.page("assigned", reason, to=to)

        return self.step(id, actor, step)

    def move(self, id: str, actor: str, queue: str, reason: str) -> Case:
        """It goes to another queue. Raises NotFoundError, StepError."""
        name = self.queue(queue).name

        def step(filing: Filing[Case]) -> None:
            self._leaves(filing, name)
            filing.change(queue=name, assigned="")
            filing.page("routed", needed(reason, "a reason"), queue=name)

        return self.step(id, actor, step)

    def escalate(self, id: str, actor: str, reason: str) -> Case:
        """It goes to those who decide what is difficult, ahead of what is there. Raises NotFoundError, StepError."""

        def step(filing: Filing[Case]) -> None:
            case = filing.record
            goal = self.queue(case.queue).escalates_to or case.queue
            self._leaves(filing, goal)
            filing.change(queue=goal, level=case.level + 1, assigned="")
            filing.page("escalated", needed(reason, "a reason"), queue=goal)

        return self.step(id, actor, step)

    def _leaves(self, filing: Filing[Case], goal: str) -> None:
        """Who takes a case out of a queue that two have to see does not end it: then one alone would have."""
        case = filing.record
        if self._twice(case.queue) and not self._twice(goal):
            filing.change(closed_to=tuple(dict.fromkeys((*case.closed_to, filing.actor))))

    def _twice(self, queue: str) -> bool:
        return self.queue(queue).second == "always"

    def park(self, id: str, actor: str, reason: str) -> Case:
        """It rests, until somebody resumes it or something new comes. Its clock goes on. Raises StepError."""

        def step(filing: Filing[Case]) -> None:
            filing.change(state="parked")
            filing.page("parked", needed(reason, "a reason"))

        return self.step(id, actor, step, states=("open",))

    def resume(self, id: str, actor: str, reason: str = "") -> Case:
        """It goes on. Raises StepError."""

        def step(filing: Filing[Case]) -> None:
            filing.change(state="open")
            filing.page("resumed", reason)

        return self.step(id, actor, step, states=("parked",))

    def note(self, id: str, actor: str, text: str, *, to: tuple[str, str] | None = None) -> Case:
        """A note for the file; with ``to`` (kind and entity) also a message to one of the parties. Raises StepError."""

        def step(filing: Filing[Case]) -> None:
            filing.page("noted", needed(text, "a note"), party=to is not None, to=":".join(to) if to else "")
            if to is not None and filing.record.golden is None:
                filing.letter("noted", told("message", to[0], to[1]), {"text": text})

        return self.step(id, actor, step, states=("open", "parked", "closed"))

    def tick(self, id: str, actor: str, item: str) -> Case:
        """An item of the checklist is done. Raises StepError for one that is not on it."""

        def step(filing: Filing[Case]) -> None:
            items = self.queue(filing.record.queue).checklist
            if item not in items:
                raise StepError(f"not on the checklist: {item[:80]}", remedy=f"one of: {', '.join(items) or 'none'}")
            if item not in filing.record.ticked:
                filing.change(ticked=(*filing.record.ticked, item))
                filing.page("ticked", item)

        return self.step(id, actor, step)

    def link(self, id: str, actor: str, other: str, reason: str = "") -> Case:
        """Two cases have to do with each other. Raises NotFoundError."""
        self.get(other)

        def to(two: str) -> Callable[[Filing[Case]], None]:
            def step(filing: Filing[Case]) -> None:
                if two not in filing.record.links:
                    filing.change(links=(*filing.record.links, two))
                    filing.page("linked", reason, to=two)

            return step

        if id == other:
            raise StepError("a case is linked to another one", remedy="name another one")
        every = ("open", "parked", "closed", "merged")
        self.step(other, actor, to(id), states=every)
        return self.step(id, actor, to(other), states=every)

    def merge(self, id: str, actor: str, into: str, reason: str) -> Case:
        """A case becomes part of another one: what was reported there is answered with that one's outcome.

        Raises NotFoundError, StepError.
        """
        needed(reason, "a reason")
        if id == into:
            raise StepError("a case cannot become part of itself", remedy="name another one")

        def attempt() -> tuple[Case, list[Write]]:
            now_us = self.clock()
            gone, goal = Filing(self.get(id), actor, now_us), Filing(self.get(into), actor, now_us)
            for one in (gone, goal):
                _check(one.record, ("open", "parked"))
            if goal.record.golden is not None:
                # What only checks reviewers does nothing and tells nobody: it becomes part of the other one.
                gone, goal = goal, gone
            self._nobodys(gone.record, actor)
            self._leaves(gone, goal.record.queue)
            old, new = gone.record, goal.record
            dues = [due_us for due_us in (old.due_us, new.due_us) if due_us is not None]
            goal.change(
                state="open",
                entities=tuple(dict.fromkeys((*new.entities, *old.entities))),
                reports=new.reports + old.reports,
                weight=new.weight + old.weight,
                harm=max(new.harm, old.harm),
                reach=max(new.reach, old.reach),
                due_us=min(dues, default=None),
                decisions=(*new.decisions, *old.decisions)[-MOST_SEEN:],
                merged=(*new.merged, old.id, *old.merged),
                closed_to=tuple(dict.fromkeys((*new.closed_to, *old.deciders))),
            )
            goal.page("merged", reason, of=old.id)
            on, over = self._clocks(old, new)
            goal.change(duty=on)
            gone.change(state="merged", into=new.id, duty=over)
            gone.page("merged", reason, into=new.id)
            ending = self.duties.to_cancel(over, actor, f"part of case {new.id}") if over else []
            writes = [*gone.end(), *goal.end(), *ending]
            return goal.record, writes

        return until_written(self.store, f"the case {id}", attempt)

    def _clocks(self, old: Case, new: Case) -> tuple[str, str]:
        """Of two cases that become one, the clock that goes on, and the one that ends: what is due first stays due."""
        found = [self.duties.get(case.duty) if case.duty else None for case in (new, old)]
        running = [duty for duty in found if duty is not None and not duty.ended and duty.due_us is not None]
        first = min(running, key=lambda duty: duty.due_us or 0, default=None)
        earlier = first is not None and first.id == old.duty and old.golden is None
        return (old.duty, new.duty) if earlier else (new.duty, old.duty)

    def split(self, id: str, actor: str, entities: Sequence[tuple[str, str]], reason: str) -> Case:
        """Some entities get a case of their own, about the first of them; the new case.

        Reports on one of them go there too: their senders hear that case's outcome. Raises NotFoundError, StepError.
        """
        needed(reason, "a reason")

        def attempt() -> tuple[Case, list[Write]]:
            filing = Filing(self.get(id), actor, self.clock())
            _check(filing.record, ("open", "parked"))
            old = filing.record
            if not entities or not set(entities) < set(old.entities) or (old.kind, old.entity) in entities:
                raise StepError(
                    "what is split off is some of the case's entities, and not its subject", remedy="name some of them"
                )
            kind, entity = entities[0]
            moved = self._reports_on(old, {f"{kind}:{entity}" for kind, entity in entities})
            weight = sum(report.weight for report in moved)
            if self.store.cases.open_on(f"{kind}:{entity}") is not None:
                raise StepError(f"there is a case about {kind} {entity[:80]} already", remedy="link the two")
            news = News(
                kind=kind,
                entity=entity,
                actor=actor,
                what="split",
                said=f"of case {id}: {reason}",
                category=old.category,
                market=old.market,
                entities=tuple(entities),
                due_us=old.due_us if moved else None,
                harm=old.harm,
                weight=weight,
                reports=len(moved),
                closed_to=old.deciders,
            )
            # It has been known for as long: nobody wins time by parting a case.
            made, opening = self._opened(news, self.clock(), self._since(old))
            if self._twice(old.queue) and not self._twice(made.queue):
                made = msgspec.structs.replace(made, closed_to=tuple(dict.fromkeys((*made.closed_to, actor))))
                opening = [made, *opening[1:]]
            filing.change(
                entities=tuple(one for one in old.entities if one not in entities),
                links=(*old.links, made.id),
                reports=old.reports - len(moved),
                weight=round(max(old.weight - weight, 0.0), 6),
            )
            filing.page("split", reason, to=made.id, reports=len(moved))
            going = [msgspec.structs.replace(one, version=one.version + 1, case=made.id) for one in moved]
            return made, [*filing.end(), *opening, *going]

        return until_written(self.store, f"the case {id}", attempt)

    def _since(self, case: Case) -> int:
        """When a case's clock began."""
        return self.duties.get(case.duty).starts_us if case.duty else case.opened_us

    def _reports_on(self, case: Case, subjects: set[str]) -> list[Report]:
        """Reports on some subjects, in a case or in what has become part of it, whose senders have not been told."""
        found: list[Report] = []
        for name in (case.id, *case.merged):
            past = ""
            while part := self.store.reports.of_case(name, past, _REPORTS):
                found += [one for one in part if one.subject in subjects and one.told_us is None]
                past = part[-1].id
        return found

    # ------------------------------------------------------------------ looking

    def get(self, id: str) -> Case:
        """The case with this id. Raises NotFoundError."""
        found = self.store.cases.get(id)
        if found is None:
            raise NotFoundError(f"there is no case {id[:80]}", remedy="GET /v1/cases lists all")
        return found

    def file(self, id: str) -> Sequence[CasePage]:
        """All that happened to it. Raises NotFoundError."""
        self.get(id)
        return every(lambda after: self.store.cases.pages(id, after), 0, lambda page: page.number)

    def find(self, query: CaseQuery, after: str = "", limit: int = 100) -> Sequence[Case]:
        """Cases by their ids, or about an entity (then the latest first)."""
        if query.kind and query.entity:
            return self._about(query, after, limit)
        return self.store.cases.find(query, after, limit)

    def _about(self, query: CaseQuery, after: str, limit: int) -> list[Case]:
        found: list[Case] = []
        while len(found) < limit and (part := self.store.cases.about(query.kind, query.entity, after, limit)):
            found += [
                case
                for case in part
                if query.queue in {"", case.queue}
                and query.state in {None, case.state}
                and query.assigned in {"", case.assigned}
            ]
            after = part[-1].id
        return found[:limit]

    def similar(self, id: str, limit: int = 20) -> list[tuple[Case, int]]:
        """Other cases that name the same entities, those with the most in common first, with how many."""
        case = self.get(id)
        return list(self.store.cases.alike(case, 50, limit))

    def queue(self, name: str) -> Queue:
        """The queue with this name. Raises NotFoundError."""
        found = self.queues.get(name)
        if found is None:
            raise NotFoundError(f"there is no queue {name[:80]}", remedy=f"one of: {', '.join(self.queues)}")
        return found

    # ------------------------------------------------------------------ how

    def step(
        self,
        id: str,
        actor: str,
        step: Callable[[Filing[Case]], None],
        *,
        states: Sequence[str] = ("open", "parked"),
        held: Sequence[Write] = (),
    ) -> Case:
        """Take a step, again and again while somebody else was first. Raises NotFoundError, StepError."""

        def begin() -> Filing[Case]:
            filing = Filing(self.get(id), actor, self.clock())
            _check(filing.record, states)
            self._nobodys(filing.record, actor)
            return filing

        return take_step(self.store, f"the case {id}", begin, step, *held)

    def kept_from(self, case: Case, reviewer: str) -> bool:
        """Whether somebody does not get a case: who has decided on it, by whatever key, or has skipped it."""
        return self.store.cases.barred(case.id, reviewer) or not independent(reviewer, case.deciders, self.store)

    def _nobodys(self, case: Case, actor: str) -> None:
        """Raise StepError while another reviewer has the case."""
        lease = self.store.cases.lease_of(case.id, self.clock())
        if lease is not None and lease.reviewer != actor:
            raise StepError(f"{lease.reviewer} is working on the case {case.id}", remedy="wait until it is given back")


def _check(case: Case, states: Sequence[str]) -> None:
    if case.state not in states:
        into = f": it is part of {case.into}" if case.into else ""
        raise StepError(f"the case {case.id} is {case.state}{into}", remedy=f"what is {' or '.join(states)} can be")
