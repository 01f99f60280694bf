"""Preservation holds: placed, extended, widened, released. Secret ones are for those with the scope secret alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec
from litestar import Request, get, post
from litestar.params import FromPath, QueryParameter
from msgspec import Meta

from trustward.api.auth import check_secret, person_of, sees_secrets
from trustward.api.changing import read_json
from trustward.api.clues import LARGE, Entity
from trustward.api.duties import time_of
from trustward.api.looking import check_entities
from trustward.api.service import service_of
from trustward.exchange.clue_view import FilePageView, HoldView, file_view, hold_view
from trustward.model.dossier import TEXT_LIMIT, DossierQuery, Name
from trustward.model.hold import Hold
from trustward.operations.holds import Holds, HoldWanted

Needed = Annotated[str, Meta(min_length=1, max_length=TEXT_LIMIT)]
Named = Annotated[tuple[tuple[Name, Entity], ...], Meta(min_length=1, max_length=1_000)]


class HoldIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A hold to place: until a time, or as long as a clock such as SG-OCC-5 says, or until it is released."""

    entities: Named
    basis: Needed
    by: Name
    cause: Annotated[str, Meta(max_length=200)] = ""
    market: Annotated[str, Meta(max_length=16)] = ""
    until: str | None = None
    clock: Annotated[str, Meta(max_length=64)] = ""
    linked: bool = False
    secret: bool = False


class _Step(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="step"):
    """A step of a hold."""


class ExtendHold(_Step, frozen=True, kw_only=True, tag="extend"):
    """It lasts longer: who wants it, and why."""

    until: str
    by: Name
    reason: Needed


class Widen(_Step, frozen=True, kw_only=True, tag="widen"):
    """It covers more."""

    entities: Named
    reason: Needed


class ReleaseHold(_Step, frozen=True, kw_only=True, tag="release"):
    """It is in force no more: on whose word, and why."""

    by: Name
    reason: Needed


Step = ExtendHold | Widen | ReleaseHold


class HoldsPage(msgspec.Struct, frozen=True, kw_only=True):
    """Holds; ``next`` goes into ``after`` for the next page, null at the end."""

    holds: tuple[HoldView, ...]
    next: str | None


class HoldTold(msgspec.Struct, frozen=True, kw_only=True):
    """A hold with its file."""

    hold: HoldView
    file: tuple[FilePageView, ...]


def _story(request: Request[Any, Any, Any]) -> Holds:
    return service_of(request).operations.holds


@get("/v1/holds", opt={"scope": "operate"}, sync_to_thread=True, summary="Preservation holds, page by page")
def holds(
    request: Request[Any, Any, Any],
    standing: Annotated[
        Literal["in_force", "released", "expired"] | None,
        QueryParameter(name="state", description="Their state."),
    ] = None,
    cause: Annotated[str, QueryParameter(max_length=200, description="Such as order:17.")] = "",
    kind: Annotated[str, QueryParameter(max_length=40, description="With entity: holds that name it.")] = "",
    entity: Annotated[str, QueryParameter(max_length=512)] = "",
    after: Annotated[str, QueryParameter(max_length=200, description="The next of the page before.")] = "",
    limit: Annotated[int, QueryParameter(ge=1, le=200)] = 50,
) -> HoldsPage:
    """Holds by their ids, or those that name an entity."""
    secret = sees_secrets(request)
    found: Sequence[Hold]
    if kind and entity:
        on = [hold for hold in _story(request).on(kind, entity) if hold.id > after and (secret or not hold.secret)]
        found = [hold for hold in on if standing in {None, hold.state} and cause in {"", hold.cause}][:limit]
    else:
        query = DossierQuery(states=(standing,) if standing else (), cause=cause, secret=secret)
        found = _story(request).find(query, after, limit)
    more = found[-1].id if len(found) == limit else None
    return HoldsPage(holds=tuple(map(hold_view, found)), next=more)


@post("/v1/holds", opt={"scope": "operate"}, status_code=201, summary="Place a preservation hold")
async def place(request: Request[Any, Any, Any]) -> HoldView:
    """In force when answered: nothing of what it names is removed any more."""
    wanted: HoldIn = await read_json(request, HoldIn, LARGE)
    return await service_of(request).aside(_place, request, wanted)


def _place(request: Request[Any, Any, Any], wanted: HoldIn) -> HoldView:
    check_secret(request, secret=wanted.secret)
    check_entities(service_of(request), wanted.entities)
    made = _story(request).place(
        HoldWanted(
            entities=wanted.entities,
            basis=wanted.basis,
            by=wanted.by,
            actor=person_of(request),
            cause=wanted.cause,
            market=wanted.market,
            until_us=time_of(wanted.until, "$.until"),
            clock=wanted.clock,
            linked=wanted.linked,
            secret=wanted.secret,
        )
    )
    return hold_view(made)


@get("/v1/holds/{hold_id:str}", opt={"scope": "operate"}, sync_to_thread=True, summary="A hold, with its file")
def hold(request: Request[Any, Any, Any], hold_id: FromPath[str]) -> HoldTold:
    """How it stands, and all that happened to it."""
    found = _story(request).get(hold_id, secret=sees_secrets(request))
    return HoldTold(hold=hold_view(found), file=file_view(_story(request).file(hold_id)))


@post("/v1/holds/{hold_id:str}/steps", opt={"scope": "operate"}, status_code=200, summary="A step of a hold")
async def step(request: Request[Any, Any, Any], hold_id: FromPath[str]) -> HoldView:
    """Extend it, let it cover more, or release it."""
    wanted: Step = await read_json(request, Step, LARGE)
    return await service_of(request).aside(_take, request, hold_id, wanted)


def _take(request: Request[Any, Any, Any], id: str, wanted: Step) -> HoldView:
    story, who = _story(request), person_of(request)
    story.get(id, secret=sees_secrets(request))
    match wanted:
        case ExtendHold(until=until, by=by, reason=reason):
            until_us = time_of(until, "$.until")
            assert until_us is not None  # only None gives None
            moved = story.extend(id, who, until_us=until_us, by=by, reason=reason)
        case Widen(entities=entities, reason=reason):
            check_entities(service_of(request), entities)
            moved = story.add(id, who, entities, reason)
        case ReleaseHold(by=by, reason=reason):
            moved = story.release(id, who, by=by, reason=reason)
    return hold_view(moved)


HANDLERS = (holds, place, hold, step)
"""The routes of holds."""

BODIES: dict[tuple[str, str], tuple[Any, Any]] = {
    ("post", "/v1/holds"): (
        HoldIn,
        {
            "entities": [["account", "a17"]],
            "basis": "Criminal Procedure Code s 20",
            "by": "police",
            "cause": "order:17",
            "until": "2127-01-31T12:00:00Z",
            "linked": True,
        },
    ),
    ("post", "/v1/holds/{hold_id}/steps"): (Step, {"step": "release", "by": "court", "reason": "the case is closed"}),
}
"""For each route with a body its shape, and an example."""
