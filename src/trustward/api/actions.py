"""Actions over HTTP: how one stands, taking it back, fetching and confirming, and what was given up."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from litestar import Request, get, post
from litestar.params import FromPath, FromQuery, QueryParameter
from msgspec import Meta

from trustward.api.auth import caller_of, person_of, sees_secrets
from trustward.api.changing import Reason, clean, read_json
from trustward.api.looking import check_entity, check_value
from trustward.api.service import Service
from trustward.base.errors import NotFoundError, RecordError
from trustward.base.units import format_time, parse_duration
from trustward.exchange.shown import shown
from trustward.exchange.webhooks import document
from trustward.model.delivery import Delivery, Receipt
from trustward.model.effect import INVERSES, Effect
from trustward.model.journal import ActionRow
from trustward.operations.delivering import Reversal, Standing
from trustward.operations.polling import MAX_SAID, MOST_AT_ONCE, Polling

Id = Annotated[str, Meta(min_length=1, max_length=40)]
Name = Annotated[str, Meta(min_length=1, max_length=64)]
_MOST_PLACES = 10_000


class ReversalWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why an action is to be taken back."""

    reason: Reason


class ReversalTold(msgspec.Struct, frozen=True, kw_only=True):
    """What became of it. ``inverse`` is the id of the action that undoes it.

    Without one, either other actions ``still`` do the same, or it was ``withdrawn`` before anybody heard of it.
    ``again``: it had been taken back before. ``entry`` is the journal's, where a label was changed.
    """

    action: str
    inverse: str | None
    still: tuple[str, ...]
    withdrawn: bool
    again: bool
    entry: int | None


class ReceiptTold(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one try. ``status`` is HTTP's, 0 without an answer; ``took_ms`` how long it took."""

    ok: bool
    at: str
    worker: str
    status: int
    took_ms: float
    said: str
    refused: bool


class DeliveryTold(msgspec.Struct, frozen=True, kw_only=True):
    """An action on its way to one target; ``place`` is its place in the order, ``tries`` the vain ones."""

    place: int
    target: str
    lane: int
    state: Literal["waiting", "delivered", "dead", "withdrawn"]
    tries: int
    queued: str
    idempotency_key: str
    receipts: tuple[ReceiptTold, ...]


class EffectTold(msgspec.Struct, frozen=True, kw_only=True):
    """What an action has put in force, and how that ended: by its time (``ended``), or taken back (``reversed``)."""

    state: Literal["in_force", "ended", "undone"]
    ends: str | None
    ended: str | None
    why: str
    actor: str
    reason: str
    undone_by: str


class ActionTold(msgspec.Struct, frozen=True, kw_only=True):
    """An action as its receivers read it, its way to each target with all receipts, and what it has put in force.

    ``state`` is ``waiting`` until it is passed on to its targets, then ``passed_on``; ``withdrawn`` if it was taken
    back before.
    """

    id: str
    state: Literal["waiting", "passed_on", "withdrawn"]
    decided: str
    action: dict[str, Any]
    deliveries: tuple[DeliveryTold, ...]
    effect: EffectTold | None


class LeaseWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a target that polls wants: up to ``limit`` actions to itself for ``lasts`` (such as ``30s``)."""

    target: Name = "pull"
    limit: Annotated[int, Meta(ge=1, le=MOST_AT_ONCE)] = 100
    lasts: Annotated[str, Meta(max_length=20)] | None = None


class Leased(msgspec.Struct, frozen=True, kw_only=True):
    """Actions to do, in this order, until ``until``; ``lease`` is null if nothing waits, or all of it is leased."""

    lease: str | None
    until: str | None
    actions: tuple[dict[str, Any], ...]


class ConfirmWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which actions of a lease are done. With ``more`` the lease goes on for the rest; without, the rest is free."""

    target: Name = "pull"
    lease: Id
    ids: Annotated[tuple[Id, ...], Meta(min_length=1, max_length=MOST_AT_ONCE)]
    more: bool = False


class Confirmed(msgspec.Struct, frozen=True, kw_only=True):
    """``confirmed`` actions are done: that counts whenever it comes.

    ``held`` false says that the lease was over: what was not confirmed may be somebody else's by now, so fetch anew.
    """

    confirmed: int
    held: bool


class FailWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An action that could not be done, and what was said; ``refused``: it never will be."""

    target: Name = "pull"
    lease: Id
    id: Id
    said: Annotated[str, Meta(max_length=MAX_SAID)] = ""
    refused: bool = False


class Failed(msgspec.Struct, frozen=True, kw_only=True):
    """How the action stands now; what follows it in its lane waits for it, unless it is ``dead``."""

    id: str
    state: Literal["waiting", "delivered", "dead", "withdrawn"]
    tries: int


class TargetTold(msgspec.Struct, frozen=True, kw_only=True):
    """How a target is doing. ``polls`` says that it fetches its actions; ``known`` false that no setting names it."""

    target: str
    polls: bool
    known: bool
    waiting: int
    dead: int
    oldest: str | None


class BacklogTold(msgspec.Struct, frozen=True, kw_only=True):
    """Every target, those without anything waiting included."""

    targets: tuple[TargetTold, ...]


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """An action that was given up for one target, with its last receipt."""

    place: int
    id: str
    queued: str
    tries: int
    action: dict[str, Any]
    last: ReceiptTold | None


class DeadLetters(msgspec.Struct, frozen=True, kw_only=True):
    """A page, in order; ``next`` goes into ``after`` for the next page, null at the end."""

    letters: tuple[DeadLetter, ...]
    next: int | None


class DeadWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which dead letters of a target (``places``; null: all of them), and why."""

    target: Name
    places: Annotated[tuple[int, ...], Meta(min_length=1, max_length=_MOST_PLACES)] | None = None
    reason: Reason


class DeadDone(msgspec.Struct, frozen=True, kw_only=True):
    """How many dead letters wait again, or were withdrawn."""

    target: str
    letters: int


class InForce(msgspec.Struct, frozen=True, kw_only=True):
    """An action that is in force, until ``ends`` (null: until somebody takes it back)."""

    id: str
    decided: str
    ends: str | None
    action: dict[str, Any]


class AllInForce(msgspec.Struct, frozen=True, kw_only=True):
    """What is in force for an entity, in order of the actions."""

    kind: str
    entity: str
    actions: tuple[InForce, ...]


@get("/v1/actions", opt={"scope": "read"}, sync_to_thread=True, summary="What is in force for an entity")
def in_force(
    request: Request[Any, Any, Any],
    kind: FromQuery[str],
    entity: Annotated[str, QueryParameter(description="The entity's id; of an event, the event's.")],
) -> AllInForce:
    """From the moment on at which it was passed on to its targets."""
    service = _service(request)
    if kind != "event":
        check_entity(service, kind, entity)
    check_value(entity)
    return AllInForce(
        kind=kind,
        entity=entity,
        actions=tuple(
            InForce(
                id=one.key,
                decided=format_time(one.at_us),
                ends=None if one.ends_us is None else format_time(one.ends_us),
                action=_document(ActionRow(seq=one.seq, number=one.number, at_us=one.at_us, body=one.body)),
            )
            for one in service.delivering.in_force(kind, entity)
        ),
    )


@get("/v1/actions/{id:str}", opt={"scope": "read"}, sync_to_thread=True, summary="How an action stands")
def action(request: Request[Any, Any, Any], id: FromPath[str]) -> ActionTold:
    """By its id, such as ``7-0``."""
    return _standing(_seen(request, id))


@post("/v1/actions/{id:str}/reverse", opt={"scope": "act"}, status_code=200, summary="Take an action back")
async def reverse(request: Request[Any, Any, Any], id: FromPath[str]) -> ReversalTold:
    """Its inverse goes to every target that the action was for. Asking again gives the same answer.

    What carries out a measure is taken back with the measure.
    """
    wanted: ReversalWanted = await read_json(request, ReversalWanted)
    service = _service(request)
    await service.aside(_seen, request, id)
    actor, reason = caller_of(request).actor, clean(wanted.reason, "$.reason")
    enforcing = service.operations.enforcing
    if await service.aside(enforcing.behind, id) is not None:
        return _reversed(await service.aside(enforcing.reverse, id, person_of(request), reason), None)
    # The engine first: whatever ends between the two, asking again finds the action in force, and does both.
    change = await service.aside(service.delivering.unlabelling, id, actor, reason)
    entry = await service.changed(change) if change is not None else None
    done = await service.aside(service.delivering.reverse, id, actor, reason)
    return _reversed(done, entry)


@post("/v1/actions/lease", opt={"scope": "actions"}, status_code=200, summary="Fetch actions")
async def lease(request: Request[Any, Any, Any]) -> Leased:
    """What is next for a target that polls, to itself for a while; nobody else gets what lies in the same lane."""
    wanted: LeaseWanted = await read_json(request, LeaseWanted)
    service = _service(request)
    _check_target(request, wanted.target)
    lasts_us = _lasts(wanted.lasts) if wanted.lasts is not None else 0
    who = caller_of(request).actor
    found = await service.aside(Polling(service.delivering).fetch, wanted.target, who, wanted.limit, lasts_us)
    if found is None:
        return Leased(lease=None, until=None, actions=())
    return Leased(lease=found.lease, until=format_time(found.until_us), actions=found.actions)


@post("/v1/actions/confirm", opt={"scope": "actions"}, status_code=200, summary="Confirm actions")
async def confirm(request: Request[Any, Any, Any]) -> Confirmed:
    """These are done. Saying so again, or after the lease, does no harm."""
    wanted: ConfirmWanted = await read_json(request, ConfirmWanted)
    service = _service(request)
    _check_target(request, wanted.target)
    polling = Polling(service.delivering)
    ids = tuple(dict.fromkeys(wanted.ids))
    who = caller_of(request).actor
    held = await service.aside(polling.confirm, wanted.target, wanted.lease, ids, who, more=wanted.more)
    return Confirmed(confirmed=len(ids), held=held)


@post("/v1/actions/fail", opt={"scope": "actions"}, status_code=200, summary="Say that an action could not be done")
async def fail(request: Request[Any, Any, Any]) -> Failed:
    """It rests and is handed out again; what follows it in the lease must not be done before."""
    wanted: FailWanted = await read_json(request, FailWanted)
    service = _service(request)
    _check_target(request, wanted.target)
    said = clean(wanted.said, "$.said")
    polling = Polling(service.delivering)
    who = caller_of(request).actor
    await service.aside(polling.fail, wanted.target, wanted.lease, wanted.id, who, said, refused=wanted.refused)
    standing = await service.aside(service.delivering.standing, wanted.id)
    mine = next(one for one, _ in standing.deliveries if one.target == wanted.target)
    return Failed(id=wanted.id, state=mine.state, tries=mine.tries)


@get("/v1/actions/backlog", opt={"scope": "read"}, sync_to_thread=True, summary="How every target is doing")
def backlog(request: Request[Any, Any, Any]) -> BacklogTold:
    """What waits, since when, and what was given up."""
    story = _service(request).delivering
    return BacklogTold(
        targets=tuple(
            TargetTold(
                target=one.target,
                polls=one.target in story.targets and story.targets[one.target].polled,
                known=one.target in story.targets,
                waiting=one.waiting,
                dead=one.dead,
                oldest=None if one.oldest_us is None else format_time(one.oldest_us),
            )
            for one in story.backlog()
            if sees_secrets(request) or not story.confidential(one.target)
        )
    )


@get("/v1/dead-letters", opt={"scope": "read"}, sync_to_thread=True, summary="What was given up")
def dead_letters(
    request: Request[Any, Any, Any],
    target: Annotated[str, QueryParameter(min_length=1, max_length=64, description="The target's name.")],
    after: Annotated[int, QueryParameter(ge=0, le=2**62, description="Go on after this place.")] = 0,
    limit: Annotated[int, QueryParameter(ge=1, le=1_000)] = 100,
) -> DeadLetters:
    """Of one target, in order, page by page."""
    story = _service(request).delivering
    _check_target(request, target)
    found = story.dead(target, after, limit + 1)
    letters = []
    for one in found[:limit]:
        receipts = next((said for each, said in story.outbox.deliveries(one.row.seq, one.row.number)
                         if each.place == one.place), ())  # fmt: skip
        letters.append(
            DeadLetter(
                place=one.place,
                id=one.row.key,
                queued=format_time(one.queued_us),
                tries=one.tries,
                action=document(one)["data"],
                last=_receipt(receipts[-1]) if receipts else None,
            )
        )
    return DeadLetters(letters=tuple(letters), next=letters[-1].place if len(found) > limit else None)


@post("/v1/dead-letters/replay", opt={"scope": "act"}, status_code=200, summary="Try dead letters again")
async def replay(request: Request[Any, Any, Any]) -> DeadDone:
    """At their old places, ahead of what is newer. What has ended meanwhile is withdrawn instead."""
    wanted: DeadWanted = await read_json(request, DeadWanted, 1_000_000)
    service = _service(request)
    _check_target(request, wanted.target)
    reason = clean(wanted.reason, "$.reason")
    actor = caller_of(request).actor
    done = await service.aside(service.delivering.replay, wanted.target, actor, wanted.places, reason)
    return DeadDone(target=wanted.target, letters=done)


@post("/v1/dead-letters/withdraw", opt={"scope": "act"}, status_code=200, summary="Drop dead letters for good")
async def withdraw(request: Request[Any, Any, Any]) -> DeadDone:
    """They are not tried again. What they put in force stays, and its inverse goes to the target all the same."""
    wanted: DeadWanted = await read_json(request, DeadWanted, 1_000_000)
    service = _service(request)
    _check_target(request, wanted.target)
    reason = clean(wanted.reason, "$.reason")
    actor = caller_of(request).actor
    done = await service.aside(service.delivering.give_up, wanted.target, actor, wanted.places, reason)
    return DeadDone(target=wanted.target, letters=done)


def _service(request: Request[Any, Any, Any]) -> Service:
    service: Service = request.app.state.service
    return service


def _seen(request: Request[Any, Any, Any], id: str) -> Standing:
    """How an action stands that the caller may know of. Raises NotFoundError."""
    found = _service(request).delivering.standing(id)
    if found.body.secret and not sees_secrets(request):
        raise NotFoundError(f"no such action: {id[:80]}", remedy='an id looks like "7-0"')
    return found


def _check_target(request: Request[Any, Any, Any], name: str) -> None:
    """See that the caller may know what goes to a target. Raises NotFoundError."""
    story = _service(request).delivering
    if story.confidential(name) and not sees_secrets(request):
        others = ", ".join(one.name for one in story.targets.values() if not one.confidential)
        raise NotFoundError(f"no such target: {name[:80]}", remedy=f"the targets are {others}")


def _lasts(text: str) -> int:
    try:
        lasts_us = parse_duration(text)
    except ValueError as fault:
        raise RecordError(f"$.lasts: {fault}", path="$.lasts", remedy='write it like "30s"') from fault
    if lasts_us <= 0:
        raise RecordError("$.lasts: must be more than 0", path="$.lasts", remedy='write it like "30s"')
    return lasts_us


def _reversed(done: Reversal, entry: int | None) -> ReversalTold:
    return ReversalTold(
        action=done.action,
        inverse=done.inverse or None,
        still=done.still,
        withdrawn=done.withdrawn,
        again=done.again,
        entry=entry,
    )


def _document(row: ActionRow) -> dict[str, Any]:
    """An action as its receivers read it: the same for all of them."""
    one = Delivery(place=0, target="", lane=0, row=row, state="waiting", tries=0, queued_us=0)
    found: dict[str, Any] = document(one)["data"]
    return found


def _standing(found: Standing) -> ActionTold:
    # Only what can be undone can be withdrawn, and all that can be undone has an effect once it is passed on.
    can_end = found.row.number >= 0 and found.body.action.do in INVERSES
    withdrawn = can_end and found.effect is None
    return ActionTold(
        id=found.row.key,
        state="waiting" if found.waiting else "withdrawn" if withdrawn else "passed_on",
        decided=format_time(found.row.at_us),
        action=_document(found.row),
        deliveries=tuple(
            shown(DeliveryTold, delivery, receipts=tuple(map(_receipt, receipts)))
            for delivery, receipts in found.deliveries
        ),
        effect=_effect(found.effect) if found.effect is not None else None,
    )


def _receipt(receipt: Receipt) -> ReceiptTold:
    return shown(ReceiptTold, receipt, took_ms=receipt.took_us / 1000)


def _effect(effect: Effect) -> EffectTold:
    return shown(EffectTold, effect)
