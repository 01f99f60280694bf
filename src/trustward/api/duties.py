"""Duties: what is owed by a time, opened, looked at, and taken on step by step."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from litestar import Request, get, post
from litestar.params import FromPath, QueryParameter
from msgspec import Meta

from trustward.api.auth import check_secret, person_of, sees_secrets
from trustward.api.changing import clean, read_json
from trustward.api.service import Service
from trustward.base.errors import NotFoundError, RecordError, RequestError
from trustward.base.units import parse_time
from trustward.exchange.duty_view import ClockView, DutyView, StepView, clock_view, duty_view, file_view
from trustward.model.directive import Directive
from trustward.model.duty import TEXT_LIMIT, Duty, DutyQuery, Evidence, State
from trustward.model.enforcement import Measure
from trustward.model.hold import Hold
from trustward.model.programme import Programme
from trustward.model.request import Asked
from trustward.operations.duties import Duties, Owed
from trustward.operations.ending import check_by_hand
from trustward.ports import Store

Text = Annotated[str, Meta(max_length=TEXT_LIMIT)]
Needed = Annotated[str, Meta(min_length=1, max_length=TEXT_LIMIT)]
Name = Annotated[str, Meta(min_length=1, max_length=200)]
PAGE = 200


class DutyWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that is owed from now on, by a clock. ``due`` is for a time that an order has set."""

    clock: Name
    subject: Name
    starts: str | None = None
    due: str | None = None
    title: Annotated[str, Meta(max_length=200)] = ""
    owner: Annotated[str, Meta(max_length=200)] = ""
    market: Annotated[str, Meta(max_length=16)] = ""
    secret: bool = False
    reason: Text = ""


class _Step(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="step"):
    """A step of a duty."""


class Extend(_Step, frozen=True, kw_only=True, tag="extend"):
    """It is due later: who granted it, and why."""

    until: str
    authority: Needed
    reason: Needed


class Pause(_Step, frozen=True, kw_only=True, tag="pause"):
    """The clock stands still: on whose word, and why."""

    authority: Needed
    reason: Needed


class Resume(_Step, frozen=True, kw_only=True, tag="resume"):
    """The clock goes on."""

    reason: Text = ""


class Assign(_Step, frozen=True, kw_only=True, tag="assign"):
    """It falls to somebody else."""

    to: Name
    reason: Text = ""


class Note(_Step, frozen=True, kw_only=True, tag="note"):
    """A page for its file."""

    reason: Needed
    evidence: Evidence | None = None


class DoneStep(_Step, frozen=True, kw_only=True, tag="done"):
    """It is done, and this shows it."""

    evidence: Evidence


class Cancel(_Step, frozen=True, kw_only=True, tag="cancel"):
    """It is not owed any more."""

    reason: Needed


Step = Extend | Pause | Resume | Assign | Note | DoneStep | Cancel


class Happened(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An event has come that duties wait for."""

    subject: Name
    event: Name
    at: str | None = None


class DutyPage(msgspec.Struct, frozen=True, kw_only=True):
    """Duties by what is due first; ``next`` goes into ``after`` for the next page, null at the end."""

    duties: tuple[DutyView, ...]
    next: str | None


class DutyTold(msgspec.Struct, frozen=True, kw_only=True):
    """A duty with its file."""

    duty: DutyView
    file: tuple[StepView, ...]


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """The duties that were opened, or have been started: one, or one for each date."""

    duties: tuple[DutyView, ...]


class Gate(msgspec.Struct, frozen=True, kw_only=True):
    """Whether an event may take place, and what keeps it from it."""

    open: bool
    unmet: tuple[DutyView, ...]


class Clocks(msgspec.Struct, frozen=True, kw_only=True):
    """All clocks in force."""

    clocks: tuple[ClockView, ...]


def story(request: Request[Any, Any, Any]) -> Duties:
    """The story of duties of this process."""
    service: Service = request.app.state.service
    return service.operations.duties


def time_of(text: str | None, path: str) -> int | None:
    """A time of a body in microseconds. Raises RecordError."""
    if text is None:
        return None
    try:
        return parse_time(text)
    except ValueError as fault:
        raise RecordError(f"{path}: {fault}", path=path, remedy="write it like 2027-01-31T12:00:00Z") from fault


def _seen(request: Request[Any, Any, Any], id: str) -> Duty:
    """A duty that the caller may know of. Raises NotFoundError."""
    found = story(request).get(id)
    if found.secret and not sees_secrets(request):
        raise NotFoundError(f"there is no duty {id[:80]}", remedy="GET /v1/duties lists all")
    return found


def _views(request: Request[Any, Any, Any], duties: Any) -> tuple[DutyView, ...]:
    now_us = story(request).clock()
    return tuple(duty_view(duty, now_us) for duty in duties if sees_secrets(request) or not duty.secret)


@get("/v1/duties", opt={"scope": "read"}, sync_to_thread=True, summary="What is owed, by what is due first")
def duties(
    request: Request[Any, Any, Any],
    standing: Annotated[
        Literal["waiting", "open", "paused", "done", "cancelled"] | None,
        QueryParameter(
            name="state", description="waiting, open, paused, done or cancelled; without it what is still owed."
        ),
    ] = None,
    subject: Annotated[str, QueryParameter(max_length=200)] = "",
    owner: Annotated[str, QueryParameter(max_length=200)] = "",
    due_before: Annotated[str, QueryParameter(description="A time.")] = "",
    breached: Annotated[
        bool | None, QueryParameter(description="Whether it has been missed; then of any state.")
    ] = None,
    after: Annotated[str, QueryParameter(max_length=200, description="The next of the page before.")] = "",
    limit: Annotated[int, QueryParameter(ge=1, le=PAGE)] = 50,
) -> DutyPage:
    """Duties, page by page. Secret ones are shown to keys with the scope secret."""
    try:
        before_us = parse_time(due_before) if due_before else None
    except ValueError as fault:
        raise RequestError(f"due_before: {fault}", remedy="write it like 2027-01-31T12:00:00Z") from fault
    owed: tuple[State, ...] = () if breached is not None else ("waiting", "open", "paused")
    query = DutyQuery(
        states=(standing,) if standing else owed,
        subject=subject,
        owner=owner,
        due_before_us=before_us,
        breached=breached,
        secret=sees_secrets(request),
    )
    found = story(request).find(query, after, limit)
    more = found[-1].id if len(found) == limit else None
    return DutyPage(duties=_views(request, found), next=more)


@post("/v1/duties", opt={"scope": "operate"}, status_code=201, summary="Open a duty")
async def open_duty(request: Request[Any, Any, Any]) -> Opened:
    """Something is owed from now on. Phased dates open one duty each."""
    wanted: DutyWanted = await read_json(request, DutyWanted)
    check_secret(request, secret=wanted.secret)
    owed = Owed(
        clock=wanted.clock,
        subject=clean(wanted.subject, "$.subject"),
        actor=person_of(request),
        starts_us=time_of(wanted.starts, "$.starts"),
        due_us=time_of(wanted.due, "$.due"),
        title=clean(wanted.title, "$.title"),
        owner=clean(wanted.owner, "$.owner"),
        market=wanted.market,
        secret=wanted.secret,
        reason=clean(wanted.reason, "$.reason"),
    )
    service: Service = request.app.state.service
    return await service.aside(_open, request, owed)


def _open(request: Request[Any, Any, Any], owed: Owed) -> Opened:
    """What is owed about a secret record is as secret, if whoever opens it may know of the record."""
    service: Service = request.app.state.service
    if sees_secrets(request) and about_secret(service.store, owed.subject):
        owed = msgspec.structs.replace(owed, secret=True)
    return Opened(duties=_views(request, story(request).open(owed)))


def about_secret(store: Store, subject: str) -> bool:
    """Whether a subject such as ``order:17`` is a record that is kept secret."""
    what, _, name = subject.partition(":")
    found: Directive | Programme | Hold | Asked | Measure | None = None
    match what:
        case "order":
            found = store.orders.get(name)
        case "hold":
            found = store.dossiers.get(Hold, name)
        case "request":
            found = store.dossiers.get(Asked, name)
        case "measure":
            found = store.measures.get(name)
        case "programme":
            found = store.orders.programme(name)
    return found is not None and found.secret


@get("/v1/duties/{duty_id:str}", opt={"scope": "read"}, sync_to_thread=True, summary="A duty, with its file")
def duty(request: Request[Any, Any, Any], duty_id: FromPath[str]) -> DutyTold:
    """How it stands, and all that was done about it."""
    found = _seen(request, duty_id)
    service: Service = request.app.state.service
    return DutyTold(duty=duty_view(found, story(request).clock()), file=file_view(service.store.duties.steps(duty_id)))


@post("/v1/duties/{duty_id:str}/steps", opt={"scope": "operate"}, status_code=200, summary="A step of a duty")
async def step(request: Request[Any, Any, Any], duty_id: FromPath[str]) -> DutyView:
    """Extend it, pause it, resume it, give it to somebody, note something, say that it is done, or cancel it.

    What belongs to an order, a programme, a case, a report or an appeal ends with that.
    """
    wanted: Step = await read_json(request, Step)
    service: Service = request.app.state.service
    return await service.aside(_take, request, duty_id, wanted)


def _take(request: Request[Any, Any, Any], id: str, wanted: Step) -> DutyView:
    duty = _seen(request, id)
    owed, actor = story(request), person_of(request)
    if isinstance(wanted, DoneStep | Cancel):
        check_by_hand(request.app.state.service.store, duty)
    match wanted:
        case Extend(until=until, authority=authority, reason=reason):
            until_us = time_of(until, "$.until")
            assert until_us is not None  # only None gives None
            moved = owed.extend(id, actor, until_us=until_us, authority=authority, reason=reason)
        case Pause(authority=authority, reason=reason):
            moved = owed.pause(id, actor, authority=authority, reason=reason)
        case Resume(reason=reason):
            moved = owed.resume(id, actor, reason=reason)
        case Assign(to=to, reason=reason):
            moved = owed.assign(id, actor, to=to, reason=reason)
        case Note(reason=reason, evidence=evidence):
            moved = owed.note(id, actor, reason=reason, evidence=evidence)
        case DoneStep(evidence=shown):
            moved = owed.done(id, actor, shown)
        case Cancel(reason=reason):
            moved = owed.cancel(id, actor, reason=reason)
    return duty_view(moved, owed.clock())


@post("/v1/happenings", opt={"scope": "operate"}, status_code=200, summary="An event that duties wait for has come")
async def happened(request: Request[Any, Any, Any]) -> Opened:
    """Start what waits for it; what should have been done before it is breached."""
    wanted: Happened = await read_json(request, Happened)
    service: Service = request.app.state.service
    at_us = time_of(wanted.at, "$.at")
    actor = person_of(request)
    moved = await service.aside(story(request).happened, wanted.subject, wanted.event, actor, at_us=at_us)
    return Opened(duties=_views(request, moved))


@get("/v1/gates", opt={"scope": "read"}, sync_to_thread=True, summary="Whether an event may take place")
def gate(
    request: Request[Any, Any, Any],
    subject: Annotated[str, QueryParameter(min_length=1, max_length=200)],
    event: Annotated[str, QueryParameter(min_length=1, max_length=200)],
) -> Gate:
    """Whether everything is done that has to be done before it, as far as the caller may know of it."""
    left = story(request).unmet(subject, event, secret=sees_secrets(request))
    return Gate(open=not left, unmet=_views(request, left))


@get("/v1/clocks", opt={"scope": "read"}, sync_to_thread=True, summary="All clocks")
def clocks(request: Request[Any, Any, Any]) -> Clocks:
    """The clocks that duties can be opened with, with their sources."""
    return Clocks(clocks=tuple(clock_view(clock) for _, clock in sorted(story(request).book.clocks.items())))


HANDLERS = (duties, open_duty, duty, step, happened, gate, clocks)
"""The routes of duties."""

BODIES: dict[tuple[str, str], tuple[Any, Any]] = {
    ("post", "/v1/duties"): (
        DutyWanted,
        {"clock": "SG-ACT-comply", "subject": "order:17", "due": "2127-01-31T12:00:00Z", "reason": "served today"},
    ),
    ("post", "/v1/duties/{duty_id}/steps"): (Step, {"step": "done", "evidence": {"said": "removed", "refs": ["m1-0"]}}),
    ("post", "/v1/happenings"): (Happened, {"subject": "feature:9", "event": "launch"}),
}
"""For each route with a body its shape, and an example."""
