"""Clues out: authorities, who is to be told, clues step by step, and their evidence."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any, Literal

import msgspec
from litestar import Request, get, post
from litestar.params import FromPath, QueryParameter
from litestar.response import Stream
from msgspec import Meta

from trustward.api.auth import person_of
from trustward.api.changing import read_json
from trustward.api.duties import time_of
from trustward.api.looking import check_entities, check_entity
from trustward.api.service import Service, service_of
from trustward.exchange.clue_view import BundleView, ClueView, FilePageView, bundle_view, clue_view, file_view
from trustward.exchange.duty_view import DutyView, duty_view
from trustward.model.authority import Authority, Choice, Facts
from trustward.model.bundle import Bundle
from trustward.model.clue import Clue, Feedback
from trustward.model.dossier import TEXT_LIMIT, DossierQuery, Name
from trustward.model.event import ENTITY_LIMIT
from trustward.operations.clues import Clues, Draft, missing

Needed = Annotated[str, Meta(min_length=1, max_length=TEXT_LIMIT)]
Entity = Annotated[str, Meta(min_length=1, max_length=ENTITY_LIMIT)]
Maybe = Annotated[str, Meta(max_length=ENTITY_LIMIT)]
Entities = Annotated[tuple[tuple[Name, Entity], ...], Meta(max_length=1_000)]
Entries = Annotated[tuple[Annotated[int, Meta(ge=1, lt=1 << 60)], ...], Meta(max_length=1_000)]
Fields = dict[Annotated[str, Meta(min_length=1, max_length=64)], Annotated[str, Meta(max_length=TEXT_LIMIT)]]
_Limit = Annotated[int, QueryParameter(ge=1, le=200)]
_After = Annotated[str, QueryParameter(max_length=200, description="The next of the page before.")]
TAR = "application/x-tar"
LARGE = 1_000_000
"""How large a body may be: it may name many entities."""


class Matter(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What somebody may have to be told of: a case, or a subject. With ``owe`` it is owed from now on."""

    case: Annotated[str, Meta(max_length=200)] = ""
    kind: Annotated[str, Meta(max_length=200)] = ""
    entity: Maybe = ""
    facts: Facts = Facts()
    known: str | None = None
    owe: bool = False


class ClueWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A clue to draft. From a case comes what is left empty. ``of`` is a clue that it supplements."""

    authority: Name
    summary: Needed
    case: Annotated[str, Meta(max_length=200)] = ""
    kind: Annotated[str, Meta(max_length=200)] = ""
    entity: Maybe = ""
    entities: Entities = ()
    decisions: Entries = ()
    facts: Facts = Facts()
    fields: Fields = {}
    of: Annotated[str, Meta(max_length=200)] = ""
    known: str | None = None


class _Step(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="step"):
    """A step of a clue."""


class Amend(_Step, frozen=True, kw_only=True, tag="amend"):
    """What is given replaces what was there; an empty field of the form is taken out."""

    summary: Needed | None = None
    facts: Facts | None = None
    fields: Fields | None = None
    entities: Entities | None = None
    decisions: Entries | None = None


class Approve(_Step, frozen=True, kw_only=True, tag="approve"):
    """It may be sent as it is; its evidence is put together."""


class Reopen(_Step, frozen=True, kw_only=True, tag="reopen"):
    """It is to be written anew."""

    reason: Needed


class Send(_Step, frozen=True, kw_only=True, tag="send"):
    """Send it; ``handed`` says how, where it is done by hand."""

    handed: Annotated[str, Meta(max_length=1_000)] = ""


class ReceiptStep(_Step, frozen=True, kw_only=True, tag="receipt"):
    """The authority's number of it."""

    number: Name


class FeedbackStep(_Step, frozen=True, kw_only=True, tag="feedback"):
    """What the authority says of it."""

    feedback: Feedback
    text: Needed


class WithdrawClue(_Step, frozen=True, kw_only=True, tag="withdraw"):
    """It is not sent. The duty to tell stays, unless nothing is owed."""

    reason: Needed
    owed: bool = True


class NoteClue(_Step, frozen=True, kw_only=True, tag="note"):
    """A page for its file."""

    text: Needed


Step = Amend | Approve | Reopen | Send | ReceiptStep | FeedbackStep | WithdrawClue | NoteClue


class AuthoritiesTold(msgspec.Struct, frozen=True, kw_only=True):
    """All authorities, with their forms."""

    authorities: tuple[Authority, ...]


class Assessment(msgspec.Struct, frozen=True, kw_only=True):
    """For each authority whether it is to be told, and why; what is owed by it."""

    choices: tuple[Choice, ...]
    duties: tuple[DutyView, ...]


class CluesPage(msgspec.Struct, frozen=True, kw_only=True):
    """Clues; ``next`` goes into ``after`` for the next page, null at the end."""

    clues: tuple[ClueView, ...]
    next: str | None


class ClueTold(msgspec.Struct, frozen=True, kw_only=True):
    """A clue with its file, and its evidence once there is some."""

    clue: ClueView
    evidence: BundleView | None
    file: tuple[FilePageView, ...]


class PublicKey(msgspec.Struct, frozen=True, kw_only=True):
    """The key that evidence is signed with, in hexadecimal."""

    algorithm: Literal["ed25519"]
    public: str


def _story(request: Request[Any, Any, Any]) -> Clues:
    return service_of(request).operations.clues


def _view(service: Service, clue: Clue) -> ClueView:
    latency_us = service.operations.duties.get(clue.duty).latency_us if clue.duty else None
    return clue_view(clue, missing(clue), latency_us)


@get("/v1/authorities", opt={"scope": "operate"}, sync_to_thread=False, summary="Whom clues go to")
def authorities(request: Request[Any, Any, Any]) -> AuthoritiesTold:
    """Their thresholds, forms and clocks."""
    return AuthoritiesTold(authorities=tuple(_story(request).authorities.values()))


@post("/v1/clues/assess", opt={"scope": "operate"}, status_code=200, summary="Who is to be told of a matter")
async def assess(request: Request[Any, Any, Any]) -> Assessment:
    """For each authority whether it is competent, and a threshold met. With ``owe``, telling it is owed from now on."""
    wanted: Matter = await read_json(request, Matter, LARGE)
    return await service_of(request).aside(_assess, request, wanted)


def _assess(request: Request[Any, Any, Any], wanted: Matter) -> Assessment:
    service = service_of(request)
    clues = service.operations.clues
    if not wanted.owe:
        return Assessment(choices=tuple(clues.choose(wanted.facts, wanted.case)), duties=())
    subject = None
    if not wanted.case:
        check_entity(service, wanted.kind, wanted.entity)
        subject = (wanted.kind, wanted.entity)
    known_us = time_of(wanted.known, "$.known")
    choices, duties = clues.assess(
        person_of(request), wanted.facts, case=wanted.case, subject=subject, known_us=known_us
    )
    now_us = service.operations.duties.clock()
    return Assessment(choices=tuple(choices), duties=tuple(duty_view(duty, now_us) for duty in duties))


@get("/v1/clues", opt={"scope": "operate"}, sync_to_thread=True, summary="Clues, page by page")
def clues(
    request: Request[Any, Any, Any],
    standing: Annotated[
        Literal["drafted", "approved", "sent", "received", "answered", "withdrawn"] | None,
        QueryParameter(name="state", description="Their state."),
    ] = None,
    authority: Annotated[str, QueryParameter(max_length=64)] = "",
    case: Annotated[str, QueryParameter(max_length=200)] = "",
    subject: Annotated[str, QueryParameter(max_length=800, description="Kind and id, such as account:a17.")] = "",
    after: _After = "",
    limit: _Limit = 50,
) -> CluesPage:
    """Clues by their ids."""
    query = DossierQuery(
        states=(standing,) if standing else (), party=authority, subject=subject, cause=f"case:{case}" if case else ""
    )
    found = _story(request).find(query, after, limit)
    more = found[-1].id if len(found) == limit else None
    return CluesPage(clues=tuple(_view(service_of(request), clue) for clue in found), next=more)


@post("/v1/clues", opt={"scope": "operate"}, status_code=201, summary="Draft a clue")
async def draft(request: Request[Any, Any, Any]) -> ClueView:
    """Refused if the authority has been told of the same already: then draft a supplement."""
    wanted: ClueWanted = await read_json(request, ClueWanted, LARGE)
    return await service_of(request).aside(_draft, request, wanted)


def _draft(request: Request[Any, Any, Any], wanted: ClueWanted) -> ClueView:
    service = service_of(request)
    named = (*wanted.entities, *(((wanted.kind, wanted.entity),) if wanted.entity or wanted.kind else ()))
    check_entities(service, named)
    made = service.operations.clues.draft(
        Draft(
            authority=wanted.authority,
            actor=person_of(request),
            summary=wanted.summary,
            case=wanted.case,
            kind=wanted.kind,
            entity=wanted.entity,
            entities=wanted.entities,
            decisions=wanted.decisions,
            facts=wanted.facts,
            fields=wanted.fields,
            of=wanted.of,
            known_us=time_of(wanted.known, "$.known"),
        )
    )
    return _view(service, made)


@get("/v1/clues/{clue_id:str}", opt={"scope": "operate"}, sync_to_thread=True, summary="A clue, with its file")
def clue(request: Request[Any, Any, Any], clue_id: FromPath[str]) -> ClueTold:
    """How it stands, what its form lacks, and all that happened to it."""
    service, story = service_of(request), _story(request)
    found = story.get(clue_id)
    evidence = bundle_view(story.bundle(found)) if found.bundle else None
    return ClueTold(clue=_view(service, found), evidence=evidence, file=file_view(story.file(clue_id)))


@post("/v1/clues/{clue_id:str}/steps", opt={"scope": "operate"}, status_code=200, summary="A step of a clue")
async def step(request: Request[Any, Any, Any], clue_id: FromPath[str]) -> ClueView:
    """Amend it, approve it, reopen it, send it; its receipt, feedback; withdraw it, note something."""
    wanted: Step = await read_json(request, Step, LARGE)
    return await service_of(request).aside(_take, request, clue_id, wanted)


def _take(request: Request[Any, Any, Any], id: str, wanted: Step) -> ClueView:
    service, story, who = service_of(request), _story(request), person_of(request)
    match wanted:
        case Amend(summary=summary, facts=facts, fields=fields, entities=entities, decisions=decisions):
            check_entities(service, entities or ())
            moved = story.amend(
                id, who, summary=summary, facts=facts, fields=fields, entities=entities, decisions=decisions
            )
        case Approve():
            moved = story.approve(id, who)
        case Reopen(reason=reason):
            moved = story.reopen(id, who, reason)
        case Send(handed=handed):
            moved = story.send(id, who, handed)
        case ReceiptStep(number=number):
            moved = story.receipt(id, who, number)
        case FeedbackStep(feedback=feedback, text=text):
            moved = story.feedback(id, who, feedback, text)
        case WithdrawClue(reason=reason, owed=owed):
            moved = story.withdraw(id, who, reason, owed=owed)
        case NoteClue(text=text):
            moved = story.note(id, who, text)
    return _view(service, moved)


@get(
    "/v1/clues/{clue_id:str}/bundle",
    opt={"scope": "operate"},
    sync_to_thread=True,
    media_type=TAR,
    summary="The evidence of a clue",
)
def clue_bundle(request: Request[Any, Any, Any], clue_id: FromPath[str]) -> Stream:
    """A tar file with a manifest and a signature: trustward clues verify holds it against both."""
    story = _story(request)
    return download(service_of(request), story.bundle(story.get(clue_id)))


@get("/v1/evidence/key", opt={"scope": "operate"}, sync_to_thread=True, summary="The public key of evidence")
def public_key(request: Request[Any, Any, Any]) -> PublicKey:
    """What evidence is verified with: give it to authorities once, on a way of its own."""
    return PublicKey(algorithm="ed25519", public=_story(request).bundling.public())


def download(service: Service, bundle: Bundle) -> Stream:
    """A bundle as an answer, part by part."""
    name = bundle.record.replace(":", "-")
    headers = {"Content-Length": str(bundle.size), "Content-Disposition": f'attachment; filename="{name}.tar"'}
    return Stream(_sent(service.store.bundles.read(bundle.id)), media_type=TAR, headers=headers)


async def _sent(parts: Iterator[bytes]) -> AsyncIterator[bytes]:
    while (part := await asyncio.to_thread(next, parts, None)) is not None:
        yield part


HANDLERS = (authorities, assess, clues, draft, clue, step, clue_bundle, public_key)
"""The routes of clues."""

_FACTS = {"markets": ["SG"], "victims": 3, "losses": [{"amount": 1250000, "currency": "SGD"}]}
BODIES: dict[tuple[str, str], tuple[Any, Any]] = {
    ("post", "/v1/clues/assess"): (Matter, {"case": "4f1c0a9be2d41a77", "facts": _FACTS, "owe": True}),
    ("post", "/v1/clues"): (
        ClueWanted,
        {
            "authority": "SG-SPF",
            "case": "4f1c0a9be2d41a77",
            "summary": "forty people were told to invest by one ring of accounts",
            "facts": _FACTS,
            "fields": {"what": "an investment scam", "contact": "desk@shop.example"},
        },
    ),
    ("post", "/v1/clues/{clue_id}/steps"): (Step, {"step": "receipt", "number": "SPF-2026-7"}),
}
"""For each route with a body its shape, and an example."""
