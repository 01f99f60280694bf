"""Clues out: drafted from a case, approved, sent once, received, answered. ``docs/clues.md`` has states and steps.

A duty is owed from the moment a threshold is met, and ends with the sending. What was approved is what is sent: the
evidence is put together at the approval, and kept by its digest.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from trustward.base.errors import NotFoundError, RegimeError, StepError, UsageError
from trustward.model.authority import Authority, Choice, Facts, choose
from trustward.model.bundle import Bundle
from trustward.model.case import Case
from trustward.model.changes import LabelChange
from trustward.model.clue import ALLOWED, MOST_DECISIONS, OUT, Assessed, Clue, Feedback, Line, overlap
from trustward.model.dossier import DossierQuery, FilePage, Pair
from trustward.model.duty import Duty, Evidence
from trustward.model.errand import Errand, change_errand
from trustward.model.letter import told
from trustward.model.nearest import NameIndex
from trustward.model.request import Disclosure
from trustward.operations.bundling import Bundling
from trustward.operations.cases import Cases
from trustward.operations.duties import Owed
from trustward.operations.filing import AHEAD_US, Filing, check_step, needed, take_step, until_written
from trustward.operations.independence import independent
from trustward.ports import Write

SENT_LABEL = "reported-to-authority"
TAKEN_LABEL = "authority-investigates"
"""Labels on the subject, so that rules know."""
MOST_ENTITIES = 1_000
_MORE, _RECEIPT = "clue-more", "clue-receipt"


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A clue that is to be drafted. From a case comes what is left empty: subject, entities, category, market, harm."""

    authority: str
    actor: str
    summary: str
    case: str = ""
    kind: str = ""
    entity: str = ""
    entities: tuple[Pair, ...] = ()
    decisions: tuple[int, ...] = ()
    facts: Facts = Facts()
    fields: Mapping[str, str] = {}
    of: str = ""
    """The clue that it supplements."""
    known_us: int | None = None
    """When the service knew that a threshold was met, if not now."""


class Clues:
    """The story, for any number of threads and processes over one store."""

    def __init__(
        self,
        cases: Cases,
        bundling: Bundling,
        authorities: Sequence[Authority],
        *,
        clock: Callable[[], int],
        ids: Callable[[], str],
    ) -> None:
        self.authorities = {authority.id: authority for authority in authorities}
        self.bundling = bundling
        self._cases = cases
        self._store = cases.store
        self._duties = cases.duties
        self._clock = clock
        self._ids = ids
        for authority in authorities:
            self._duties.book.calendar(authority.market)
            for clock_id in [authority.clock, *(one.clock for one in authority.thresholds if one.clock)]:
                if self._duties.book.clock(clock_id).kind not in {"promptly", "duration"}:
                    raise RegimeError(
                        f"the authority {authority.id}: {clock_id} does not count from the discovery",
                        remedy="name a clock that is prompt, or a duration",
                    )

    # ------------------------------------------------------------------ who is told

    def choose(self, facts: Facts, case: str = "") -> list[Choice]:
        """For each authority whether it is to be told, and why; those that are come first. Raises NotFoundError."""
        return choose(list(self.authorities.values()), self._facts(facts, self._case(case)))

    def assess(
        self, actor: str, facts: Facts, *, case: str = "", subject: Pair | None = None, known_us: int | None = None
    ) -> tuple[list[Choice], list[Duty]]:
        """Say who is to be told of a matter; from now on that is owed. Asking again opens what is missing.

        Raises NotFoundError, UsageError.
        """

        def attempt() -> tuple[tuple[list[Choice], Assessed], list[Write]]:
            found = self._case(case)
            if found is None and subject is None:
                raise UsageError("a matter is a case or a subject", remedy="name one of them")
            matter = f"case:{case}" if found is not None else ":".join(subject or ())
            whole = self._facts(facts, found)
            choices = choose(list(self.authorities.values()), whole)
            assessed, writes = self._assessed(matter, whole, choices, actor, known_us)
            return (choices, assessed), writes

        choices, assessed = until_written(self._store, "the matter", attempt)
        return choices, [self._duties.get(duty) for duty in assessed.duties.values()]

    def to_owe(self, case: Case, actor: str) -> list[Write]:
        """What is to be written if a case was acted on, and an authority has to be told of it: together with that."""
        facts = self._facts(Facts(), case)
        choices = choose(list(self.authorities.values()), facts)
        return self._assessed(f"case:{case.id}", facts, choices, actor, None)[1]

    def _case(self, case: str) -> Case | None:
        return self._cases.get(case) if case else None

    @staticmethod
    def _facts(facts: Facts, case: Case | None) -> Facts:
        if case is None:
            return facts
        return msgspec.structs.replace(
            facts,
            category=facts.category or case.category,
            markets=facts.markets or ((case.market,) if case.market else ()),
            harm=facts.harm or case.harm,
        )

    def _assessed(
        self, matter: str, facts: Facts, choices: Sequence[Choice], actor: str, known_us: int | None
    ) -> tuple[Assessed, list[Write]]:
        """The duties of a matter, and what is to be written: those that are missing are opened. Raises UsageError."""
        if known_us is not None and known_us > self._clock() + AHEAD_US:
            raise UsageError("nobody knows of it before its time", remedy="say in known since when it was known")
        before = self._store.records.get(Assessed, matter)
        duties = dict(before.duties) if before is not None else {}
        writes: list[Write] = []
        for choice in choices:
            if not choice.told or choice.authority in duties:
                continue
            authority = self.authorities[choice.authority]
            owed = Owed(
                clock=choice.clock,
                subject=matter,
                actor=actor,
                starts_us=known_us,
                title=f"Tell an authority: {authority.name}"[:200],
                market=authority.market,
                reason="; ".join(choice.why)[:1000],
            )
            (duty,), owing = self._duties.to_open(owed)
            duties[choice.authority] = duty.id
            writes += owing
        if before is not None and duties == before.duties:
            return before, []
        version = 1 if before is None else before.version + 1
        made = Assessed(id=matter, version=version, at_us=self._clock(), facts=facts, duties=duties)
        return made, [made, *writes]

    # ------------------------------------------------------------------ drafting

    def draft(self, draft: Draft) -> Clue:
        """Draft a clue. What is owed by it is opened, if it is not yet.

        Raises NotFoundError, UsageError; StepError if the authority is not competent, or has been told of it already.
        """
        authority = self.authority(draft.authority)
        needed(draft.summary, "a summary")
        return until_written(self._store, "the subject", lambda: self._drafted(draft, authority))

    def _drafted(self, draft: Draft, authority: Authority) -> tuple[Clue, list[Write]]:
        now_us = self._clock()
        case = self._case(draft.case)
        kind, entity = (draft.kind, draft.entity) if draft.entity or case is None else (case.kind, case.entity)
        if not kind or not entity:
            raise UsageError("what is the clue about?", remedy="name a case, or kind and entity")
        entities = draft.entities or (case.entities if case is not None else ((kind, entity),))
        facts = self._facts(draft.facts, case)
        id = self._ids()  # noqa: A001 - it is the record's
        lines = self._lines(draft, authority, f"{kind}:{entity}", case, id)
        choices = choose(list(self.authorities.values()), facts)
        choice = next(one for one in choices if one.authority == authority.id)
        if not choice.competent:
            raise StepError(f"{authority.name}: {'; '.join(choice.why)}", remedy="GET /v1/authorities lists all")
        matter = f"case:{draft.case}" if draft.case else f"{kind}:{entity}"
        owing: list[Write] = []
        duty = ""
        if not draft.of:
            assessed, owing = self._assessed(matter, facts, choices, draft.actor, draft.known_us)
            duty = assessed.duties.get(authority.id, "")
        clue = Clue(
            id=id,
            version=0,
            state="drafted",
            at_us=now_us,
            authority=authority,
            kind=kind,
            entity=entity,
            actor=draft.actor,
            facts=facts,
            summary=draft.summary,
            why=choice.why if choice.told else ("below its thresholds", *choice.why),
            case=draft.case,
            entities=entities,
            decisions=tuple(sorted(set(draft.decisions))),
            fields=dict(draft.fields),
            writers=(draft.actor,),
            of=draft.of,
            duty=duty,
        )
        _check(clue)
        filing = Filing(clue, draft.actor, now_us)
        filing.page("drafted", "; ".join(clue.why), authority=authority.id, of=draft.of)
        filing.add([*lines, *owing, *self._in_case(clue, draft.actor, f"a clue to {authority.name} was drafted")])
        return filing.whole()

    def _lines(self, draft: Draft, authority: Authority, subject: str, case: Case | None, id: str) -> list[Line]:
        """The clues about this subject, and from this case, to this authority, with one more.

        Raises StepError if it is told already, under whatever subject, or by a case that has become part of this one.
        """
        keys = [f"{authority.id}|{subject}", *([f"{authority.id}|case:{draft.case}"] if case is not None else [])]
        parts = [f"{authority.id}|case:{name}" for name in (case.merged if case is not None else ())]
        before = {key: self._store.records.get(Line, key) for key in (*keys, *parts)}
        names = dict.fromkeys(name for line in before.values() if line is not None for name in line.clues)
        clues = [clue for name in names if (clue := self._store.dossiers.get(Clue, name)) is not None]
        for clue in clues:
            if clue.state in {"drafted", "approved"}:
                raise StepError(
                    f"the clue {clue.id} about it has not been sent to {authority.name} yet",
                    remedy="amend that one, or withdraw it",
                )
        sent = {clue.id: clue for clue in clues if clue.state in OUT}
        if draft.of and draft.of not in sent:
            raise StepError(
                f"{draft.of[:80]} is no clue about it that {authority.name} has", remedy="name one that was sent"
            )
        cases = {draft.case, *(case.merged if case is not None else ())} - {""}
        same = [
            one.id
            for one in sent.values()
            if one.case in cases or overlap(one, case=draft.case, decisions=draft.decisions)
        ]
        if same and not draft.of:
            raise StepError(
                f"{authority.name} has been told of it already: the clue {same[-1]}",
                remedy=f"supplement it: of = {same[-1]}",
            )
        lines = [before[key] or Line(id=key, version=0, clues=()) for key in keys]
        return [msgspec.structs.replace(line, version=line.version + 1, clues=(*line.clues, id)) for line in lines]

    def amend(self, id: str, actor: str, **fields: Any) -> Clue:
        """Change summary, facts, fields, entities or decisions. Raises NotFoundError, StepError, UsageError."""

        def step(filing: Filing[Clue]) -> None:
            clue = filing.record
            given = {name: value for name, value in fields.items() if value is not None}
            if "fields" in given:
                given["fields"] = {name: value for name, value in {**clue.fields, **given["fields"]}.items() if value}
            if "decisions" in given:
                given["decisions"] = tuple(sorted(set(given["decisions"])))
            filing.change(**given, writers=tuple(dict.fromkeys((*clue.writers, actor))))
            _check(filing.record)
            needed(filing.record.summary, "a summary")
            filing.page("amended", ", ".join(sorted(given)))

        return self._step(id, actor, "amend", step)

    # ------------------------------------------------------------------ out

    def approve(self, id: str, actor: str) -> Clue:
        """It may be sent as it is; its evidence is put together.

        Raises NotFoundError, TooLargeError; StepError if something is missing, or a second person has to approve it.
        """

        def step(filing: Filing[Clue]) -> None:
            clue = filing.record
            wrong = missing(clue)
            if wrong:
                raise StepError(f"the form of {clue.authority.name} lacks: {'; '.join(wrong)}", remedy="amend the clue")
            if clue.authority.second and not independent(actor, clue.writers, self._store):
                raise StepError(
                    "a second person has to approve it", remedy="leave it to somebody who has not written it"
                )
            bundle = self.bundling.of_clue(clue)
            filing.change(state="approved", approved_by=actor, bundle=bundle.id)
            filing.page("approved", bundle=bundle.id, bytes=bundle.size)

        return self._step(id, actor, "approve", step)

    def reopen(self, id: str, actor: str, reason: str) -> Clue:
        """It is to be written anew. Raises NotFoundError, StepError."""

        def step(filing: Filing[Clue]) -> None:
            filing.change(state="drafted", approved_by="", bundle="")
            filing.page("reopened", needed(reason, "a reason"))

        return self._step(id, actor, "reopen", step)

    def send(self, id: str, actor: str, handed: str = "") -> Clue:
        """Send it, once: by the outbox, or ``handed`` says how it was done by hand. Raises NotFoundError, StepError."""

        def step(filing: Filing[Clue]) -> None:
            clue = filing.record
            by_hand = clue.authority.way == "hand"
            if by_hand != bool(handed.strip()):
                what = "say how it was handed over" if by_hand else "leave out how: the outbox does it"
                raise StepError(f"{clue.authority.name} gets it by {clue.authority.way}", remedy=what)
            filing.change(state="sent", sent_us=filing.now_us, sent_as=handed)
            filing.page("sent", handed, bundle=clue.bundle)
            self._leaving(filing)
            filing.add(self._in_case(clue, actor, f"the clue was sent to {clue.authority.name}"))
            filing.add([_label(filing, SENT_LABEL, present=True)])

        return self._step(id, actor, "send", step)

    def _leaving(self, filing: Filing[Clue]) -> None:
        """What goes with the sending: the letter, the disclosure, the duties that it ends."""
        clue = filing.record
        bundle = self.bundle(clue)
        shown = Evidence(said=f"sent to {clue.authority.name}"[:1000], refs=(filing.name, f"bundle:{bundle.id}"))
        for duty in filter(None, (clue.duty, self.get(clue.of).more if clue.of else "")):
            filing.add(self._duties.to_end(duty, filing.actor, shown))
        given = Disclosure(
            id=f"clue-{clue.id}",
            version=1,
            at_us=filing.now_us,
            by=clue.authority.id,
            basis=clue.authority.obligation or clue.authority.source or clue.authority.name,
            actor=filing.actor,
            cause=filing.name,
            entities=clue.entities,
            what="a clue with its evidence",
            bundle=bundle.id,
        )
        filing.add([given])
        if clue.authority.way == "outbox":
            says = {"authority": clue.authority.id, "bundle": bundle.id, "bytes": bundle.size}
            if clue.of:
                says["supplements"] = clue.of
            filing.letter("sent", told("submit", "clue", clue.id), says, clue.authority.target)
            # What has left has not arrived: somebody asks where the receipt is.
            name, market = _receipt_duty(clue.id), clue.authority.market
            owed = Owed(clock=_RECEIPT, subject=filing.name, actor=filing.actor, id=name, market=market)
            filing.add(self._duties.to_open(owed)[1])

    def _confirmed(self, filing: Filing[Clue], said: str) -> None:
        """The authority has it: nobody waits for its receipt any more."""
        duty = _receipt_duty(filing.record.id)
        if self._store.duties.get(duty) is not None:
            filing.add(self._duties.to_end(duty, filing.actor, Evidence(said=said[:1000], refs=(filing.name,))))

    def receipt(self, id: str, actor: str, number: str) -> Clue:
        """The authority has confirmed it, under a number of its own; the same again changes nothing.

        Raises NotFoundError, StepError.
        """
        found = self.get(id)
        if number and found.receipt == number:
            return found

        def step(filing: Filing[Clue]) -> None:
            clue = filing.record
            if clue.receipt:
                raise StepError(f"the receipt is there already: {clue.receipt}", remedy="add a note")
            state = "received" if clue.state == "sent" else clue.state
            filing.change(state=state, receipt=needed(number, "the number", 200), received_us=filing.now_us)
            filing.page("received", number)
            self._confirmed(filing, f"confirmed: {number}")
            filing.add(self._in_case(clue, actor, f"{clue.authority.name} has confirmed the clue: {number}"))

        return self._step(id, actor, "receipt", step)

    def feedback(self, id: str, actor: str, feedback: Feedback, text: str) -> Clue:
        """What the authority says of it; it may say so again. Raises NotFoundError, StepError."""

        def step(filing: Filing[Clue]) -> None:
            clue = filing.record
            filing.change(state="answered", feedback=feedback, feedback_us=filing.now_us)
            filing.page("feedback", needed(text, "what was said"), feedback=feedback)
            words = feedback.replace("_", " ")
            self._confirmed(filing, f"answered: {words}")
            filing.add(self._in_case(clue, actor, f"{clue.authority.name}: {words}: {text}"[:4000]))
            if feedback == "more_wanted":
                filing.add(self._more(filing, actor))
            else:
                present = True if feedback == "taken_up" else None
                filing.add([_label(filing, TAKEN_LABEL, present=present)])

        return self._step(id, actor, "feedback", step)

    def _more(self, filing: Filing[Clue], actor: str) -> list[Write]:
        clue = filing.record
        if clue.more and not self._duties.get(clue.more).ended:
            return []  # it is owed already
        owed = Owed(clock=_MORE, subject=f"clue:{clue.id}", actor=actor, market=clue.authority.market)
        (duty,), writes = self._duties.to_open(owed)
        filing.change(more=duty.id)
        return writes

    def withdraw(self, id: str, actor: str, reason: str, *, owed: bool = True) -> Clue:
        """It is not sent. The duty to tell stays, unless it is said that nothing is ``owed``. Raises StepError."""

        def step(filing: Filing[Clue]) -> None:
            clue = filing.record
            filing.change(state="withdrawn", ended_why=needed(reason, "a reason"))
            filing.page("withdrawn", reason, owed=owed)
            filing.add(self._in_case(clue, actor, f"the clue to {clue.authority.name} was withdrawn: {reason}"[:4000]))
            if clue.duty and not owed:
                filing.add(self._duties.to_cancel(clue.duty, actor, reason[:1000]))

        return self._step(id, actor, "withdraw", step)

    def note(self, id: str, actor: str, text: str) -> Clue:
        """A page for its file. Raises NotFoundError."""

        def step(filing: Filing[Clue]) -> None:
            filing.page("noted", needed(text, "a note"))

        return self._step(id, actor, "note", step)

    # ------------------------------------------------------------------ looking

    def authority(self, id: str) -> Authority:
        """The authority with this id. Raises NotFoundError."""
        found = self.authorities.get(id)
        if found is None:
            near = NameIndex(self.authorities).nearest(id)
            hint = f"did you mean {near}?" if near else "GET /v1/authorities lists all"
            raise NotFoundError(f"there is no authority {id[:80]}", remedy=hint)
        return found

    def get(self, id: str) -> Clue:
        """The clue with this id. Raises NotFoundError."""
        found = self._store.dossiers.get(Clue, id)
        if found is None:
            raise NotFoundError(f"there is no clue {id[:80]}", remedy="GET /v1/clues lists all")
        return found

    def file(self, id: str) -> Sequence[FilePage]:
        """All that happened to it."""
        return self._store.dossiers.pages(f"clue:{id}")

    def find(self, query: DossierQuery, after: str = "", limit: int = 100) -> Sequence[Clue]:
        """Clues by their ids."""
        return self._store.dossiers.find(Clue, query, after, limit)

    def bundle(self, clue: Clue) -> Bundle:
        """The evidence of a clue, as it was approved. Raises NotFoundError."""
        found = self._store.bundles.get(clue.bundle) if clue.bundle else None
        if found is None:
            raise NotFoundError(f"the clue {clue.id} has no evidence yet", remedy="it is put together at the approval")
        return found

    # ------------------------------------------------------------------ how

    def _step(self, id: str, actor: str, name: str, step: Callable[[Filing[Clue]], None]) -> Clue:
        def begin() -> Filing[Clue]:
            clue = self.get(id)
            check_step(f"clue {id}", clue.state, name, ALLOWED[name])
            return Filing(clue, actor, self._clock())

        return take_step(self._store, f"the clue {id}", begin, step)

    def _in_case(self, clue: Clue, actor: str, said: str) -> list[Write]:
        """A page of the case's file, whoever has the case."""
        case = self._store.cases.get(clue.case) if clue.case else None
        if case is None:
            return []  # it has none, or its time was over
        filing = Filing(case, actor, self._clock())
        filing.page("noted", said, clue=clue.id)
        return filing.end()


def _receipt_duty(id: str) -> str:
    """The id of the duty to have the receipt of a clue."""
    return f"clue-{id}-receipt"


def _label(filing: Filing[Clue], label: str, *, present: bool | None) -> Errand:
    """What the engine is told of the subject."""
    clue = filing.record
    change = LabelChange(
        actor=filing.actor,
        origin=f"clue:{clue.id}",
        reason=f"{clue.authority.name}: {clue.state}"[:1000],
        kind=clue.kind,
        entity=clue.entity,
        label=label,
        present=present,
    )
    return change_errand(f"clue:{clue.id}:{clue.pages}", change, filing.now_us)


def missing(clue: Clue) -> list[str]:
    """What the authority's form lacks, field by field; empty: nothing.

    A field that the form does not have is named too.
    """
    found = []
    known = {field.name: field for field in clue.authority.fields}
    for field in known.values():
        value = clue.fields.get(field.name, "").strip()
        if not value:
            if field.required:
                found.append(f"{field.name} ({field.title})")
        elif len(value) > field.longest:
            found.append(f"{field.name}: more than {field.longest} characters")
        elif field.pattern and not re.fullmatch(field.pattern, value):
            found.append(f"{field.name}: not as its form wants it ({field.title})")
    wrong = [name for name in clue.fields if name not in known]
    return [*found, *(f"{name}: the form has no such field, an empty value drops it" for name in wrong)]


def _check(clue: Clue) -> None:
    """Raise UsageError for a clue that cannot be kept."""
    if len(clue.entities) > MOST_ENTITIES or len(clue.decisions) > MOST_DECISIONS:
        raise UsageError(
            f"a clue names up to {MOST_ENTITIES} entities and {MOST_DECISIONS} decisions", remedy="name the main ones"
        )
