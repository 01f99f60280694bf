"""Looking back and looking up: a past decision with its explanation, and all that is known of an entity now."""

from __future__ import annotations

from math import isnan
from typing import Any
from urllib.parse import unquote

import msgspec
from litestar import Request, get
from litestar.params import FromPath

from trustward.api.service import Service
from trustward.base.clock import now_us
from trustward.base.errors import NotFoundError, RequestError, TrustwardError
from trustward.base.units import MISSING, format_duration, format_time
from trustward.engine.engine import Engine
from trustward.engine.state import FOREVER
from trustward.model.decision import Decision, Fault
from trustward.model.event import ENTITY_LIMIT
from trustward.model.nearest import NameIndex


class RuleTold(msgspec.Struct, frozen=True, kw_only=True):
    """A rule that matched, as its policy has it: the condition whose values the decision shows."""

    id: str
    when: str
    then: tuple[str, ...]
    fraud: str
    owner: str
    answers: tuple[str, ...]


class Past(msgspec.Struct, frozen=True, kw_only=True):
    """A decision with what it was made of. ``entry`` is its number in the journal, ``decided`` when it was written.

    ``event`` is the event without its faulty fields; ``explained`` are the rules that the decision names.
    """

    entry: int
    decided: str
    event: dict[str, Any]
    faults: tuple[Fault, ...]
    decision: Decision
    explained: tuple[RuleTold, ...]


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
    """All that is known of an entity now. ``lists`` are those that hold its id, or a value of the same text."""

    kind: str
    id: str
    labels: tuple[LabelTold, ...]
    lists: tuple[str, ...]
    features: tuple[FeatureTold, ...]


@get(
    "/v1/decisions/{event_id:path}",
    opt={"scope": "read"},
    sync_to_thread=True,
    summary="A past decision, with its explanation",
)
def past_decision(request: Request[Any, Any, Any], event_id: FromPath[str]) -> Past:  # noqa: ARG001 - taken from the raw path
    """The decision on an event, by the event's id."""
    service: Service = request.app.state.service
    name = tail(request, 2)[0]
    found = service.store.journal.find([name]).get(name)
    if found is None:
        raise NotFoundError("no event with this id has been decided", remedy="see how the id was written")
    decision = found.decision
    return Past(
        entry=found.seq,
        decided=format_time(found.at_us),
        event=msgspec.json.decode(found.body),
        faults=found.faults,
        decision=decision,
        explained=_explained(service, decision),
    )


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
    summary="An entity's labels, lists and features now",
)
def entity(request: Request[Any, Any, Any], kind: FromPath[str], entity_id: FromPath[str]) -> EntityTold:  # noqa: ARG001 - the same
    """What is known of an entity at this moment."""
    service: Service = request.app.state.service
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
    return EntityTold(kind=kind, id=name, labels=tuple(labels), lists=seen.lists, features=seen.features)


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


def check_value(text: str) -> None:
    """See that a text can be an entity's id, a label or a list's value. Raises RequestError."""
    if not text.strip() or len(text) > ENTITY_LIMIT:
        raise RequestError(f"a value has 1 to {ENTITY_LIMIT} characters", remedy="mend the value")
    if any(character < " " or "\ud800" <= character <= "\udfff" for character in text):
        raise RequestError("a value with a control character, or half of one", remedy="take it out")
