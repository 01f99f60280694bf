"""Measures, strikes, and what would follow from a policy."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

import msgspec
from litestar import Request, get, post
from litestar.params import FromPath, QueryParameter
from msgspec import Meta

from trustward.api.auth import person_of, sees_secrets
from trustward.api.changing import read_json
from trustward.api.looking import check_entity
from trustward.api.service import service_of
from trustward.base.errors import NotFoundError, UsageError
from trustward.exchange.enforcement_view import (
    DueView,
    MeasureView,
    PolicyView,
    StrikeView,
    due_view,
    measure_view,
    strikes_view,
    tree_view,
)
from trustward.model.case import TEXT_LIMIT
from trustward.model.enforcement import Measure
from trustward.operations.enforcing import Enforcing

PAGE = 200
Text = Annotated[str, QueryParameter(max_length=200)]


class LiftWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why a measure is taken back; its strike is refunded, unless it is said not to be."""

    reason: Annotated[str, Meta(min_length=1, max_length=TEXT_LIMIT)]
    refund: bool = True


class MeasuresPage(msgspec.Struct, frozen=True, kw_only=True):
    """Measures; ``next`` goes into ``after`` for the next page, null at the end."""

    measures: tuple[MeasureView, ...]
    next: str | None


class MeasureTold(msgspec.Struct, frozen=True, kw_only=True):
    """A measure, and the id of its action."""

    measure: MeasureView
    action: str


class StrikesTold(msgspec.Struct, frozen=True, kw_only=True):
    """An entity's strikes, and how many count now on each ladder."""

    strikes: tuple[StrikeView, ...]
    live: dict[str, int]


class PolicyTold(msgspec.Struct, frozen=True, kw_only=True):
    """All policies, parents before their children."""

    policies: tuple[PolicyView, ...]


def _enforcing(request: Request[Any, Any, Any]) -> Enforcing:
    return service_of(request).operations.enforcing


def _found(request: Request[Any, Any, Any], name: str) -> Measure:
    found = _enforcing(request).get(name)
    if found.secret and not sees_secrets(request):
        raise NotFoundError(f"there is no measure {name[:80]}", remedy="GET /v1/measures finds them by what for")
    return found


@get("/v1/measures", opt={"scope": "read"}, sync_to_thread=True, summary="Measures by what for, or on whom")
def measures(
    request: Request[Any, Any, Any],
    cause: Annotated[str, QueryParameter(max_length=200, description="What for, such as case:7.")] = "",
    parent: Annotated[str, QueryParameter(max_length=200, description="What followed from this measure.")] = "",
    kind: Annotated[str, QueryParameter(max_length=40, description="With entity: on whom.")] = "",
    entity: Annotated[str, QueryParameter(max_length=512)] = "",
    after: Annotated[str, QueryParameter(max_length=200, description="The next of the page before.")] = "",
    limit: Annotated[int, QueryParameter(ge=1, le=PAGE)] = 50,
) -> MeasuresPage:
    """By their ids; those on an entity with the latest first. Secret ones are shown to keys with the scope secret."""
    enforcing = _enforcing(request)
    secret = sees_secrets(request)
    if kind and entity and not (cause or parent):
        on = _on(enforcing, kind, entity, limit, secret=secret)
        return MeasuresPage(measures=tuple(map(measure_view, on)), next=None)
    if cause:
        some = partial(enforcing.store.measures.of, cause)
    elif parent:
        some = partial(enforcing.following, parent)
    else:
        raise UsageError("which measures?", remedy="name cause, or parent, or kind and entity")
    # One more than is shown says whether there is another page; what is secret takes no place, and is no cursor.
    shown: list[Measure] = []
    while len(shown) <= limit and (part := some(after, PAGE)):
        shown += [one for one in part if secret or not one.secret]
        after = part[-1].id
    more = shown[limit - 1].id if len(shown) > limit else None
    return MeasuresPage(measures=tuple(map(measure_view, shown[:limit])), next=more)


def _on(enforcing: Enforcing, kind: str, entity: str, limit: int, *, secret: bool) -> list[Measure]:
    """The latest measures on an entity that a caller may know of."""
    asked = limit
    while True:
        found = enforcing.on(kind, entity, asked)
        shown = [one for one in found if secret or not one.secret]
        if len(shown) >= limit or len(found) < asked:
            return shown[:limit]
        asked *= 4


@get("/v1/measures/{measure_id:str}", opt={"scope": "read"}, sync_to_thread=True, summary="A measure")
def measure(request: Request[Any, Any, Any], measure_id: FromPath[str]) -> MeasureTold:
    """How it stands, and which action carries it out."""
    found = _found(request, measure_id)
    return MeasureTold(measure=measure_view(found), action=_enforcing(request).letter(found))


@post("/v1/measures/{measure_id:str}/lift", opt={"scope": "act"}, status_code=200, summary="Take a measure back")
async def lift(request: Request[Any, Any, Any], measure_id: FromPath[str]) -> MeasureView:
    """What it has put in force is undone, with what followed from it; asking again changes nothing."""
    wanted: LiftWanted = await read_json(request, LiftWanted)
    service = service_of(request)
    await service.aside(_found, request, measure_id)
    enforcing = service.operations.enforcing
    return measure_view(await service.aside(_lift, enforcing, measure_id, person_of(request), wanted))


def _lift(enforcing: Enforcing, name: str, who: str, wanted: LiftWanted) -> Measure:
    return enforcing.lift(name, who, wanted.reason, refund=wanted.refund)


@get("/v1/strikes", opt={"scope": "read"}, sync_to_thread=True, summary="An entity's strikes")
def strikes(
    request: Request[Any, Any, Any],
    kind: Annotated[str, QueryParameter(max_length=40)],
    entity: Annotated[str, QueryParameter(max_length=512)],
) -> StrikesTold:
    """All of them, those that do not count any more included."""
    check_entity(service_of(request), kind, entity)
    enforcing = _enforcing(request)
    sheet, now_us = enforcing.sheet(kind, entity), enforcing.clock()
    ladders = sorted({strike.ladder for strike in sheet.strikes})
    live = {ladder: sheet.count(ladder, now_us) for ladder in ladders}
    return StrikesTold(strikes=strikes_view(sheet, now_us), live=live)


@get("/v1/policy-tree", opt={"scope": "read"}, sync_to_thread=True, summary="What users may not do")
def policy_tree(request: Request[Any, Any, Any]) -> PolicyTold:
    """Every policy with its severity, its strikes, and the ladder that says what follows."""
    return PolicyTold(policies=tree_view(_enforcing(request).tree))


@get("/v1/consequences", opt={"scope": "read"}, sync_to_thread=True, summary="What would follow from a policy")
def consequences(
    request: Request[Any, Any, Any],
    policy: Annotated[str, QueryParameter(max_length=100)],
    kind: Annotated[str, QueryParameter(max_length=40)],
    entity: Annotated[str, QueryParameter(max_length=512)],
) -> DueView:
    """For a reviewer to see before a case is closed: strikes before and after, and the measure that is due."""
    check_entity(service_of(request), kind, entity)
    return due_view(_enforcing(request).due(policy, kind, entity))


HANDLERS = (measures, measure, lift, strikes, policy_tree, consequences)
"""The routes of measures and strikes."""

BODIES: dict[tuple[str, str], tuple[Any, Any]] = {
    ("post", "/v1/measures/{measure_id}/lift"): (LiftWanted, {"reason": "the wrong account"}),
}
"""For each route with a body its shape, and an example."""
