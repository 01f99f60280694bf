"""Snoozes: a rule is silenced for one entity, for a while."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Request, delete, get, put
from litestar.params import FromQuery, QueryParameter
from msgspec import Meta

from trustward.api.auth import caller_of
from trustward.api.changing import TEXT_LIMIT, Done, Reason, Said, clean, expiry, read_json
from trustward.api.looking import check_entity, check_value
from trustward.api.service import Service
from trustward.base.clock import now_us
from trustward.base.errors import NotFoundError, RequestError
from trustward.exchange.shown import shown
from trustward.model.changes import SnoozeChange
from trustward.model.nearest import NameIndex


class SnoozeWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rule is to leave an entity alone until ``until``, on whose word (``origin``) and why."""

    rule: Annotated[str, Meta(min_length=1, max_length=200)]
    kind: str
    entity: str
    until: str
    origin: Said = ""
    reason: Reason


class SnoozeTold(msgspec.Struct, frozen=True, kw_only=True):
    """A snooze in force. ``known`` false says that the live policy has no such rule at present."""

    rule: str
    kind: str
    entity: str
    until: str
    origin: str
    reason: str
    actor: str
    at: str
    entry: int
    known: bool


class Snoozes(msgspec.Struct, frozen=True, kw_only=True):
    """A page, by rule and entity; ``next`` goes into ``after`` for the next page, null at the end."""

    snoozes: tuple[SnoozeTold, ...]
    next: str | None


@get("/v1/snoozes", opt={"scope": "read"}, sync_to_thread=True, summary="Snoozes in force")
def snoozes(
    request: Request[Any, Any, Any],
    rule: Annotated[str, QueryParameter(max_length=200, description="Of this rule only.")] = "",
    after: Annotated[str, QueryParameter(max_length=10_000, description="What the page before said as next.")] = "",
    limit: Annotated[int, QueryParameter(ge=1, le=10_000)] = 1_000,
) -> Snoozes:
    """One page of all rules that are silenced for an entity now."""
    service: Service = request.app.state.service
    now = now_us()
    known = {one.id for one in service.live().rules}
    start = _place(after) if after else ()
    found = sorted(
        (one for one in service.store.kept.snoozes() if one.until_us > now and (not rule or one.rule == rule)),
        key=lambda one: (one.rule, one.kind, one.entity),
    )
    chosen = [one for one in found if (one.rule, one.kind, one.entity) > start][: limit + 1]
    page = chosen[:limit]
    told = tuple(shown(SnoozeTold, one, entry=one.seq, known=one.rule in known) for one in page)
    last = page[-1] if len(chosen) > limit else None
    return Snoozes(
        snoozes=told, next=msgspec.json.encode((last.rule, last.kind, last.entity)).decode() if last else None
    )


@put("/v1/snoozes", opt={"scope": "change"}, summary="Silence a rule for an entity")
async def put_snooze(request: Request[Any, Any, Any]) -> Done:
    """The rule still matches, and is recorded as snoozed, but does nothing; from the next event on."""
    wanted: SnoozeWanted = await read_json(request, SnoozeWanted)
    service: Service = request.app.state.service
    check_entity(service, wanted.kind, wanted.entity)
    until_us = expiry(wanted.until, "$.until")
    assert until_us is not None  # only without a text
    await service.aside(_check_rule, service, wanted.rule)
    change = SnoozeChange(
        actor=caller_of(request).actor,
        rule=wanted.rule,
        kind=wanted.kind,
        entity=wanted.entity,
        until_us=until_us,
        origin=clean(wanted.origin, "$.origin"),
        reason=clean(wanted.reason, "$.reason"),
    )
    return Done(entry=await service.changed(change))


@delete("/v1/snoozes", opt={"scope": "change"}, status_code=200, summary="End a snooze")
async def delete_snooze(
    request: Request[Any, Any, Any],
    rule: Annotated[str, QueryParameter(min_length=1, max_length=200)],
    kind: FromQuery[str],
    entity: Annotated[str, QueryParameter(description="The entity's id.")],
    reason: Annotated[str, QueryParameter(min_length=1, max_length=TEXT_LIMIT)],
    origin: Annotated[str, QueryParameter(max_length=TEXT_LIMIT)] = "",
) -> Done:
    """The rule acts again, from the next event on."""
    service: Service = request.app.state.service
    check_entity(service, kind, entity)
    check_value(reason)
    if not await service.aside(_snoozed, service, rule, kind, entity):
        raise NotFoundError("this rule is not snoozed for this entity", remedy="GET /v1/snoozes lists all")
    change = SnoozeChange(
        actor=caller_of(request).actor,
        rule=rule,
        kind=kind,
        entity=entity,
        until_us=0,
        origin=clean(origin, "origin"),
        reason=reason,
    )
    return Done(entry=await service.changed(change))


def _place(text: str) -> tuple[str, str, str]:
    try:
        return msgspec.json.decode(text, type=tuple[str, str, str])
    except msgspec.DecodeError as fault:
        raise RequestError("after is no place in this list", remedy="take it from next") from fault


def _check_rule(service: Service, rule: str) -> None:
    known = {one.id for one in service.live().rules}
    if rule not in known:
        near = NameIndex(known).nearest(rule)
        hint = f"did you mean {near}?" if near else "GET /v1/policies/HASH has the live policy's rules"
        raise NotFoundError(f"the live policy has no such rule: {rule[:80]}", remedy=hint)


def _snoozed(service: Service, rule: str, kind: str, entity: str) -> bool:
    now = now_us()
    return any(
        (one.rule, one.kind, one.entity) == (rule, kind, entity) and one.until_us > now
        for one in service.store.kept.snoozes()
    )
