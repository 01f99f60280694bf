"""Requests for information, and what was given away. Secret ones are for those with the scope secret alone."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from litestar import Request, get, post
from litestar.params import FromPath, QueryParameter
from litestar.response import Stream
from msgspec import Meta

from trustward.api.auth import check_secret, person_of, sees_secrets
from trustward.api.changing import read_json
from trustward.api.clues import LARGE, TAR, Entity, download
from trustward.api.duties import time_of
from trustward.api.looking import check_entities
from trustward.api.service import service_of
from trustward.exchange.clue_view import (
    BundleView,
    DisclosureView,
    FilePageView,
    RequestView,
    bundle_view,
    disclosure_view,
    file_view,
    request_view,
)
from trustward.model.dossier import TEXT_LIMIT, DossierQuery, Name
from trustward.model.request import Data, Withheld
from trustward.operations.requests import Answering, Due, Requests, RequestWanted

Needed = Annotated[str, Meta(min_length=1, max_length=TEXT_LIMIT)]
Handed = Annotated[str, Meta(max_length=1_000)]
Kinds = Annotated[tuple[Data, ...], Meta(max_length=5)]
_After = Annotated[str, QueryParameter(max_length=200, description="The next of the page before.")]
_Limit = Annotated[int, QueryParameter(ge=1, le=200)]


class ClockIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A clock of a request; ``due`` for one that the request itself sets."""

    clock: Annotated[str, Meta(min_length=1, max_length=64)]
    due: str | None = None


class RequestIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request that has come in: who asks, on which basis, for what. The period is from ``starts`` to ``ends``."""

    by: Name
    contact: Annotated[str, Meta(min_length=1, max_length=500)]
    basis: Needed
    reference: Annotated[str, Meta(max_length=200)] = ""
    entities: Annotated[tuple[tuple[Name, Entity], ...], Meta(min_length=1, max_length=200)]
    data: Annotated[tuple[Data, ...], Meta(min_length=1, max_length=5)]
    text: Annotated[str, Meta(max_length=TEXT_LIMIT)] = ""
    starts: str | None = None
    ends: str | None = None
    market: Annotated[str, Meta(max_length=16)] = ""
    cause: Annotated[str, Meta(max_length=200)] = ""
    emergency: bool = False
    secret: bool = False
    target: Annotated[str, Meta(pattern="^[A-Za-z0-9_-]{0,64}$")] = ""
    clocks: Annotated[tuple[ClockIn, ...], Meta(max_length=10)] = ()


class _Step(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="step"):
    """A step of a request."""


class Verify(_Step, frozen=True, kw_only=True, tag="verify"):
    """Whether it is genuine, and how that was found out."""

    genuine: bool
    how: Needed


class AnswerStep(_Step, frozen=True, kw_only=True, tag="answer"):
    """Answer it. What is empty: all that was asked for. Less than that needs reasons in ``withheld``."""

    entities: Annotated[tuple[tuple[Name, Entity], ...], Meta(max_length=200)] = ()
    data: Kinds = ()
    starts: str | None = None
    ends: str | None = None
    withheld: Annotated[tuple[Withheld, ...], Meta(max_length=50)] = ()
    handed: Handed = ""


class Refuse(_Step, frozen=True, kw_only=True, tag="refuse"):
    """Nothing is given: why, and how they were told."""

    reasons: Needed
    handed: Handed


class NothingFound(_Step, frozen=True, kw_only=True, tag="nothing_found"):
    """There is nothing: where was looked, and how they were told."""

    reasons: Needed
    handed: Handed


class WithdrawRequest(_Step, frozen=True, kw_only=True, tag="withdraw"):
    """Who has asked does not want it any more."""

    reason: Needed


class NoteRequest(_Step, frozen=True, kw_only=True, tag="note"):
    """A page for its file."""

    text: Needed


Step = Verify | AnswerStep | Refuse | NothingFound | WithdrawRequest | NoteRequest


class RequestsPage(msgspec.Struct, frozen=True, kw_only=True):
    """Requests; ``next`` goes into ``after`` for the next page, null at the end."""

    requests: tuple[RequestView, ...]
    next: str | None


class RequestTold(msgspec.Struct, frozen=True, kw_only=True):
    """A request with its file, and what was given."""

    request: RequestView
    evidence: BundleView | None
    file: tuple[FilePageView, ...]


class DisclosuresPage(msgspec.Struct, frozen=True, kw_only=True):
    """What was given away."""

    disclosures: tuple[DisclosureView, ...]
    next: str | None


def _story(request: Request[Any, Any, Any]) -> Requests:
    return service_of(request).operations.requests


@get("/v1/requests", opt={"scope": "operate"}, sync_to_thread=True, summary="Requests for information")
def requests(
    request: Request[Any, Any, Any],
    standing: Annotated[
        Literal["received", "verified", "answered", "refused", "nothing_found", "rejected", "withdrawn"] | None,
        QueryParameter(name="state", description="Their state."),
    ] = None,
    by: Annotated[str, QueryParameter(max_length=200, description="Who asks.")] = "",
    cause: Annotated[str, QueryParameter(max_length=200, description="Such as order:17.")] = "",
    after: _After = "",
    limit: _Limit = 50,
) -> RequestsPage:
    """Requests by their ids."""
    query = DossierQuery(states=(standing,) if standing else (), party=by, cause=cause, secret=sees_secrets(request))
    found = _story(request).find(query, after, limit)
    more = found[-1].id if len(found) == limit else None
    return RequestsPage(requests=tuple(map(request_view, found)), next=more)


@post("/v1/requests", opt={"scope": "operate"}, status_code=201, summary="Take a request for information down")
async def receive(request: Request[Any, Any, Any]) -> RequestView:
    """Its clocks run from now on; without any it is owed promptly, or at once if it is an emergency."""
    wanted: RequestIn = await read_json(request, RequestIn, LARGE)
    return await service_of(request).aside(_receive, request, wanted)


def _receive(request: Request[Any, Any, Any], wanted: RequestIn) -> RequestView:
    check_secret(request, secret=wanted.secret)
    check_entities(service_of(request), wanted.entities)
    clocks = [
        Due(clock=one.clock, due_us=time_of(one.due, f"$.clocks[{at}].due")) for at, one in enumerate(wanted.clocks)
    ]
    made = _story(request).receive(
        RequestWanted(
            by=wanted.by,
            contact=wanted.contact,
            basis=wanted.basis,
            reference=wanted.reference,
            actor=person_of(request),
            entities=wanted.entities,
            data=tuple(dict.fromkeys(wanted.data)),
            text=wanted.text,
            from_us=time_of(wanted.starts, "$.starts"),
            to_us=time_of(wanted.ends, "$.ends"),
            market=wanted.market,
            cause=wanted.cause,
            emergency=wanted.emergency,
            secret=wanted.secret,
            target=wanted.target,
            clocks=tuple(clocks),
        )
    )
    return request_view(made)


@get("/v1/requests/{request_id:str}", opt={"scope": "operate"}, sync_to_thread=True, summary="A request, with its file")
def one_request(request: Request[Any, Any, Any], request_id: FromPath[str]) -> RequestTold:
    """How it stands, and all that happened to it."""
    story = _story(request)
    found = story.get(request_id, secret=sees_secrets(request))
    evidence = bundle_view(story.bundle(found)) if found.bundle else None
    return RequestTold(request=request_view(found), evidence=evidence, file=file_view(story.file(request_id)))


@post("/v1/requests/{request_id:str}/steps", opt={"scope": "operate"}, status_code=200, summary="A step of a request")
async def step(request: Request[Any, Any, Any], request_id: FromPath[str]) -> RequestView:
    """Say whether it is genuine; answer it, refuse it, say that there is nothing; withdraw it, note something."""
    wanted: Step = await read_json(request, Step, LARGE)
    return await service_of(request).aside(_take, request, request_id, wanted)


def _take(request: Request[Any, Any, Any], id: str, wanted: Step) -> RequestView:
    story, who = _story(request), person_of(request)
    story.get(id, secret=sees_secrets(request))
    match wanted:
        case Verify(genuine=genuine, how=how):
            moved = story.verify(id, who, how, genuine=genuine)
        case AnswerStep():
            given = Answering(
                actor=who,
                entities=wanted.entities,
                data=tuple(dict.fromkeys(wanted.data)),
                from_us=time_of(wanted.starts, "$.starts"),
                to_us=time_of(wanted.ends, "$.ends"),
                withheld=wanted.withheld,
                handed=wanted.handed,
            )
            moved = story.answer(id, given)
        case Refuse(reasons=reasons, handed=handed):
            moved = story.refuse(id, who, reasons, handed)
        case NothingFound(reasons=reasons, handed=handed):
            moved = story.nothing_found(id, who, reasons, handed)
        case WithdrawRequest(reason=reason):
            moved = story.withdraw(id, who, reason)
        case NoteRequest(text=text):
            moved = story.note(id, who, text)
    return request_view(moved)


@get(
    "/v1/requests/{request_id:str}/bundle",
    opt={"scope": "operate"},
    sync_to_thread=True,
    media_type=TAR,
    summary="What was given in answer to a request",
)
def request_bundle(request: Request[Any, Any, Any], request_id: FromPath[str]) -> Stream:
    """A tar file with a manifest and a signature."""
    story = _story(request)
    return download(service_of(request), story.bundle(story.get(request_id, secret=sees_secrets(request))))


@get("/v1/disclosures", opt={"scope": "operate"}, sync_to_thread=True, summary="What was given away, to whom")
def disclosures(
    request: Request[Any, Any, Any],
    by: Annotated[str, QueryParameter(max_length=200, description="Who has it.")] = "",
    cause: Annotated[str, QueryParameter(max_length=200, description="Such as request:4f1c.")] = "",
    kind: Annotated[str, QueryParameter(max_length=40, description="With entity: what was given of it.")] = "",
    entity: Annotated[str, QueryParameter(max_length=512)] = "",
    after: _After = "",
    limit: _Limit = 50,
) -> DisclosuresPage:
    """Every clue that was sent, and every answer."""
    query = DossierQuery(party=by, cause=cause, secret=sees_secrets(request))
    about = (kind, entity) if kind and entity else None
    found = _story(request).disclosures(query, about, after, limit)
    more = found[-1].id if len(found) == limit else None
    return DisclosuresPage(disclosures=tuple(map(disclosure_view, found)), next=more)


HANDLERS = (requests, receive, one_request, step, request_bundle, disclosures)
"""The routes of requests."""

BODIES: dict[tuple[str, str], tuple[Any, Any]] = {
    ("post", "/v1/requests"): (
        RequestIn,
        {
            "by": "police",
            "contact": "desk@police.example",
            "basis": "Online Criminal Harms Act s 47",
            "reference": "P/2026/7",
            "entities": [["account", "a17"]],
            "data": ["events", "decisions"],
            "clocks": [{"clock": "SG-OCC-information", "due": "2127-01-31T12:00:00Z"}],
        },
    ),
    ("post", "/v1/requests/{request_id}/steps"): (
        Step,
        {"step": "verify", "genuine": True, "how": "rang the station back on its published number"},
    ),
}
"""For each route with a body its shape, and an example."""
