"""Looking back and looking up: a past decision with its explanation, and all that is known of an entity now."""

from __future__ import annotations

from collections.abc import Iterable
from math import isnan
from typing import Annotated, Any, Literal
from urllib.parse import unquote

import msgspec
from litestar import Request, get
from litestar.params import FromPath, QueryParameter

from trustward.api.searching import Cursor, Entry, Limit, Linked, check_names, cursor_of, entries, position
from trustward.api.service import Service
from trustward.base.clock import now_us
from trustward.base.errors import NotFoundError, RequestError, TrustwardError
from trustward.base.units import MISSING, format_duration, format_time
from trustward.engine.engine import Engine
from trustward.engine.explain import RuleOutcome
from trustward.engine.state import FOREVER
from trustward.model.decision import Decision, Fault
from trustward.model.event import ENTITY_LIMIT
from trustward.model.journal import Found
from trustward.model.nearest import NameIndex
from trustward.model.removed import is_removed
from trustward.operations.searching import SHOWN_EVENTS, Query


class RuleTold(msgspec.Struct, frozen=True, kw_only=True):
    """A rule that matched, as its policy has it: the condition whose values the decision shows."""

    id: str
    when: str
    then: tuple[str, ...]
    fraud: str
    owner: str
    answers: tuple[str, ...]


class Explained(msgspec.Struct, frozen=True, kw_only=True):
    """How every rule on the event's type came out, part by part, with the values that each part looked at.

    ``how`` is ``derived`` if the engine has decided the event again, from the snapshot before it and the journal;
    ``same`` says whether that gave the stored decision (null: it did not, but retention has removed events before it),
    ``replayed`` how many entries it took. It is ``stored``, and
    ``rules`` are empty, if too many entries lie between: ``why`` says so.
    """

    how: Literal["derived", "stored"]
    same: bool | None
    replayed: int
    rules: tuple[RuleOutcome, ...]
    why: str = ""


class Past(msgspec.Struct, frozen=True, kw_only=True):
    """A decision with what it was made of. ``entry`` is its number in the journal, ``decided`` when it was written.

    ``event`` is the event without its faulty fields; ``explained`` are the rules that the decision names.
    ``explanation`` is there if it was asked for.
    """

    entry: int
    decided: str
    event: dict[str, Any]
    faults: tuple[Fault, ...]
    decision: Decision
    explained: tuple[RuleTold, ...]
    explanation: Explained | None = None


class LabelTold(msgspec.Struct, frozen=True, kw_only=True):
    """A label on an entity. ``by`` says whether a rule or a person put it there; a person's word has a record."""

    label: str
    present: bool
    by: str
    expires: str | None
    actor: str = ""
    origin: str = ""
    reason: str = ""
    set_at: str | None = None


class FeatureTold(msgspec.Struct, frozen=True, kw_only=True):
    """One windowed number about an entity, as a rule would read it now. ``within`` is empty where it has no window."""

    of: str
    aggregate: str
    within: str
    value: float | int | None


class EntityTold(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of an entity now, and what it has taken part in.

    ``lists`` are those that hold its id, or a value of the same text. ``timeline`` are its events, the newest first;
    ``next`` is the cursor of the page after. ``linked`` are the entities that took part in its latest
    ``linked_events`` events, those met most often of each kind; ``linked_whole`` says that it has no more events.
    """

    kind: str
    id: str
    labels: tuple[LabelTold, ...]
    lists: tuple[str, ...]
    features: tuple[FeatureTold, ...]
    timeline: tuple[Entry, ...]
    next: str | None
    linked: tuple[Linked, ...]
    linked_events: int
    linked_whole: bool


@get(
    "/v1/decisions/{event_id:path}",
    opt={"scope": "read"},
    sync_to_thread=True,
    summary="A past decision, with its explanation",
)
def past_decision(
    request: Request[Any, Any, Any],
    event_id: FromPath[str],  # noqa: ARG001 - taken from the raw path
    explain: Annotated[bool, QueryParameter(description="Derive it again, and tell every rule part by part.")] = False,  # noqa: FBT002
) -> Past:
    """The decision on an event, by the event's id; with ``explain`` every rule on its type, part by part.

    The explanation is derived by the engine, under the policy of then. It takes a second or two.
    """
    service: Service = request.app.state.service
    check_names(request, ("explain",))
    name = tail(request, 2)[0]
    found = service.store.journal.find([name]).get(name)
    if found is None:
        raise NotFoundError("no event with this id has been decided", remedy="see how the id was written")
    if is_removed(found):
        remedy = f"entry {found.seq} says which class it had"
        raise NotFoundError("the event with this id was removed when its time was over", remedy=remedy)
    decision = found.decision
    return Past(
        entry=found.seq,
        decided=format_time(found.at_us),
        event=msgspec.json.decode(found.body),
        faults=found.faults,
        decision=decision,
        explained=_explained(service, decision),
        explanation=_explanation(service, found) if explain else None,
    )


def _explanation(service: Service, found: Found) -> Explained:
    told = service.retelling.retell(found)
    if told is not None:
        return Explained(how="derived", same=told.same, replayed=told.replayed, rules=told.rules)
    why = f"{service.retelling.distance(found.seq):,} entries lie between the snapshot before and this decision"
    return Explained(how="stored", same=None, replayed=0, rules=(), why=f"{why}; trustward audit explain derives it")


def _explained(service: Service, decision: Decision) -> tuple[RuleTold, ...]:
    wanted = {hit.id for hit in decision.rules}
    if not wanted:
        return ()
    try:
        policy = service.policies.get(decision.policy)
    except TrustwardError:
        # Of a catalogue that this process does not have: the decision has its reasons all the same.
        return ()
    return tuple(
        RuleTold(
            id=rule.id,
            when=" ".join(rule.when_text.split()),
            then=tuple(rule.actions_text),
            fraud=rule.fraud,
            owner=rule.owner,
            answers=tuple(rule.answers),
        )
        for rule in policy.rules
        if rule.id in wanted
    )


@get(
    "/v1/entities/{kind:str}/{entity_id:path}",
    opt={"scope": "read"},
    sync_to_thread=True,
    summary="An entity's labels, lists and features now, its timeline, and whom it met",
)
def entity(
    request: Request[Any, Any, Any],
    kind: FromPath[str],
    entity_id: FromPath[str],  # noqa: ARG001 - taken from the raw path
    limit: Limit = 50,
    cursor: Cursor = None,
) -> EntityTold:
    """What is known of an entity at this moment, and page by page the events in which it took part."""
    service: Service = request.app.state.service
    check_names(request, ("limit", "cursor"))
    name = tail(request, 3)[0]
    check_entity(service, kind, name)
    now = now_us()
    seen = service.wait(service.host.ask(lambda engine: _look(engine, kind, name, now)))
    marks = {mark.label: mark for mark in service.store.kept.labels(kind, name)}
    labels = []
    for label in sorted({*seen.labels, *marks}):
        mark = marks.get(label)
        until = seen.labels.get(label)
        person = mark is not None and (mark.expires_us is None or mark.expires_us > now)
        if until is None and not person:
            continue
        labels.append(
            LabelTold(
                label=label,
                present=until is not None,
                by="person" if person else "rule",
                expires=_time(mark.expires_us if mark is not None and person else until),
                actor=mark.actor if mark is not None and person else "",
                origin=mark.origin if mark is not None and person else "",
                reason=mark.reason if mark is not None and person else "",
                set_at=format_time(mark.at_us) if mark is not None and person else None,
            )
        )
    query = Query(kind=kind, entity=name)
    if cursor is None:
        # One look for both.
        newest = service.searching.page(query, None, max(limit, SHOWN_EVENTS))
        page = newest.first(limit)
    else:
        newest, page = None, service.searching.page(query, position(cursor, query), limit)
    links = service.searching.links(kind, name, newest, SHOWN_EVENTS)
    return EntityTold(
        kind=kind,
        id=name,
        labels=tuple(labels),
        lists=seen.lists,
        features=seen.features,
        timeline=entries(page),
        next=cursor_of(page, query),
        linked=tuple(
            Linked(kind=one.kind, id=one.id, events=one.events, last=format_time(one.last_us)) for one in links.met
        ),
        linked_events=links.events,
        linked_whole=links.whole,
    )


class _Seen(msgspec.Struct, frozen=True, kw_only=True):
    labels: dict[str, int]
    lists: tuple[str, ...]
    features: tuple[FeatureTold, ...]


def _look(engine: Engine, kind: str, name: str, now: int) -> _Seen:
    """In the engine's thread: labels and lists in force, and the windows of this key."""
    state = engine.state
    labels = {
        label: held[name] for (of, label), held in state.bearers.items() if of == kind and held.get(name, 0) > now
    }
    lists = tuple(sorted(key for key, values in state.lists.items() if values.get(name, 0) > now))
    streams = [stream for stream in engine.policy.plan.streams if stream.keyspace == kind]
    features: list[FeatureTold] = []
    if streams:
        values = engine.windows.lookup(kind, name, now)
        for stream in streams:
            features += [
                FeatureTold(
                    of=stream.id,
                    aggregate=read.aggregate,
                    within=format_duration(read.window) if read.window else "",
                    value=_number(value),
                )
                for read, value in zip(stream.reads, values[stream.id], strict=True)
            ]
    return _Seen(labels=labels, lists=lists, features=tuple(features))


def _number(value: float) -> float | None:
    return None if value == MISSING or (isinstance(value, float) and isnan(value)) else value


def _time(at_us: int | None) -> str | None:
    return None if at_us is None or at_us >= FOREVER else format_time(at_us)


def tail(request: Request[Any, Any, Any], at: int) -> tuple[str, ...]:
    """The path's segments from ``at`` on, as they were written; the last one may hold slashes. Raises RequestError."""
    raw: bytes = request.scope["raw_path"]
    parts = raw.split(b"/", at + 1)[at + 1 :]
    try:
        found = tuple(unquote(part.decode("ascii"), errors="strict") for part in parts)
    except UnicodeDecodeError as fault:
        raise RequestError("the path is not UTF-8", remedy="write other letters as %XX of their UTF-8") from fault
    if not found or not all(found):
        raise RequestError("the path has no id", remedy="add it after the last slash")
    return found


def check_entity(service: Service, kind: str, name: str) -> None:
    """See that there can be such an entity. Raises NotFoundError, RequestError."""
    kinds = service.decoder.catalogue.kinds
    if kind not in kinds:
        near = NameIndex(kinds).nearest(kind)
        hint = f"did you mean {near}?" if near else f"one of: {', '.join(sorted(kinds))}"
        raise NotFoundError(f"no such kind of entity: {kind[:60]}", remedy=hint)
    check_value(name)


def check_entities(service: Service, pairs: Iterable[tuple[str, str]]) -> None:
    """See that there can be such entities. Raises NotFoundError, RequestError."""
    for kind, name in pairs:
        check_entity(service, kind, name)


def check_value(text: str) -> None:
    """See that a text can be an entity's id, a label or a list's value. Raises RequestError."""
    if not text.strip() or len(text) > ENTITY_LIMIT:
        raise RequestError(f"a value has 1 to {ENTITY_LIMIT} characters", remedy="mend the value")
    if any(character < " " or "\ud800" <= character <= "\udfff" for character in text):
        raise RequestError("a value with a control character, or half of one", remedy="take it out")
