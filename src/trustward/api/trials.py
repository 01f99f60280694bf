"""Policies on trial over HTTP: backtests against the journal, and the shadow beside the live policy."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec
from litestar import Request, delete, get, post, put
from litestar.params import FromPath, QueryParameter
from msgspec import Meta

from trustward.api.auth import caller_of
from trustward.api.changing import TEXT_LIMIT, Reason, Said, check_id, clean, read_json
from trustward.api.looking import check_value
from trustward.api.policies import stored_by
from trustward.api.service import Service
from trustward.base.clock import now_us
from trustward.base.errors import NotFoundError, OverloadedError, PolicyStateError
from trustward.base.units import format_time
from trustward.engine.comparison import Comparison, Differing, decode
from trustward.exchange.shown import shown
from trustward.model.changes import PolicyChange
from trustward.model.decision import RANK, Verdict
from trustward.model.stored import AuditRow
from trustward.model.trial import Trial
from trustward.operations.trying import entry_before

Days = Annotated[int, Meta(ge=1, le=3_660)]
MOST_OPEN = 100
"""Most backtests that wait or run."""
_DAY_US = 86_400_000_000
_MOST_ENTITIES = 100
_LATER = "GET /v1/backtests lists all"


class BacktestWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The journal's last ``days`` are compared; ``warm_days`` before them build up windows and labels (null: all)."""

    days: Days = 7
    warm_days: Annotated[int, Meta(ge=0, le=3_660)] | None = None
    reason: Reason
    origin: Said = ""


class ShadowWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which stored policy is to be in shadow, and why; ``warm_days`` (null: all) build up its windows and labels."""

    hash: str
    warm_days: Annotated[int, Meta(ge=0, le=3_660)] | None = None
    reason: Reason
    origin: Said = ""


class VerdictTold(msgspec.Struct, frozen=True, kw_only=True):
    """So many events had the one verdict, and would have had the other."""

    live: Verdict
    trial: Verdict
    events: int


class RuleTold(msgspec.Struct, frozen=True, kw_only=True):
    """How often a rule matched: as it was decided, on trial, on one side only; ``faults``: not evaluated on trial."""

    id: str
    live: int
    trial: int
    only_live: int
    only_trial: int
    faults: int


class EntityTold(msgspec.Struct, frozen=True, kw_only=True):
    """On how many events something was done to an entity on one side only, or something else on either."""

    kind: str
    id: str
    only_live: int
    only_trial: int
    otherwise: int


class ResultTold(msgspec.Struct, frozen=True, kw_only=True):
    """What was decided (``live``) beside what the policy on trial says, entry by entry from ``first`` to ``last``.

    ``changed`` events have another verdict, ``differing`` ones another rule, verdict or action. ``only_live`` and
    ``only_trial`` events were not allowed on one side only. ``policies`` are those that decided. ``entities_more`` says
    how often entities differed beyond those that are counted one by one. ``spent_s`` is what deciding took.
    """

    first: int
    last: int
    events: int
    changed: int
    differing: int
    harsher: int
    milder: int
    only_live: int
    only_trial: int
    degraded_live: int
    degraded_trial: int
    verdicts: tuple[VerdictTold, ...]
    rules: tuple[RuleTold, ...]
    entities: tuple[EntityTold, ...]
    entities_more: int
    examples: tuple[Differing, ...]
    policies: dict[str, int]
    spent_s: float


class TrialTold(msgspec.Struct, frozen=True, kw_only=True):
    """A policy on trial. Entries after ``after`` are compared, up to ``upto``; ``seq`` is how far it has come.

    ``behind`` is how many entries are left. A shadow is ``ended`` by another one, or by going live or off.
    """

    id: str
    kind: Literal["backtest", "shadow"]
    policy: str
    state: Literal["waiting", "running", "done", "cancelled", "failed", "ended"]
    actor: str
    origin: str
    reason: str
    started: str
    ended: str | None
    warm_after: int
    after: int
    upto: int | None
    seq: int
    behind: int
    fault: str


class TrialWhole(TrialTold, frozen=True, kw_only=True):
    """The same with what it has found so far; null before the first entry was compared."""

    result: ResultTold | None


class Backtests(msgspec.Struct, frozen=True, kw_only=True):
    """A page, the latest first; ``next`` goes into ``after`` for the next page, null at the end."""

    backtests: tuple[TrialTold, ...]
    next: str | None


class Shadowed(msgspec.Struct, frozen=True, kw_only=True):
    """The policy is in shadow (or is not any more) from the journal's entry after ``entry`` on."""

    hash: str
    trial: str
    entry: int


@post(
    "/v1/policies/{hash:str}/backtest", opt={"scope": "policies"}, status_code=202, summary="Try a policy on the past"
)
async def backtest(request: Request[Any, Any, Any], hash: FromPath[str]) -> TrialTold:
    """It is put through the journal's last days, in a process of its own; nothing is acted on."""
    wanted: BacktestWanted = await read_json(request, BacktestWanted)
    service: Service = request.app.state.service
    reason, origin = clean(wanted.reason, "$.reason"), clean(wanted.origin, "$.origin")
    trial = await service.aside(_backtest, service, hash, wanted, caller_of(request).actor, (reason, origin))
    service.on_trials()
    return _told(trial, service)


@get("/v1/backtests", opt={"scope": "read"}, sync_to_thread=True, summary="All backtests")
def backtests(
    request: Request[Any, Any, Any],
    after: Annotated[str, QueryParameter(max_length=100, description="What the page before said as next.")] = "",
    limit: Annotated[int, QueryParameter(ge=1, le=1_000)] = 100,
) -> Backtests:
    """The latest first, without what they found."""
    service: Service = request.app.state.service
    found = service.store.trials.all("backtest", check_id(after, _LATER) if after else "", limit + 1)
    page = tuple(_told(one, service) for one in found[:limit])
    return Backtests(backtests=page, next=page[-1].id if len(found) > limit else None)


@get("/v1/backtests/{id:str}", opt={"scope": "read"}, sync_to_thread=True, summary="What a backtest has found")
def one_backtest(request: Request[Any, Any, Any], id: FromPath[str]) -> TrialWhole:
    """Also while it runs: what it has found so far."""
    service: Service = request.app.state.service
    return _whole(_found(service, id), service)


@delete("/v1/backtests/{id:str}", opt={"scope": "policies"}, status_code=200, summary="End a backtest")
async def cancel(
    request: Request[Any, Any, Any],
    id: FromPath[str],
    reason: Annotated[str, QueryParameter(min_length=1, max_length=TEXT_LIMIT)],
) -> TrialTold:
    """One that has ended already stays as it is."""
    service: Service = request.app.state.service
    check_value(reason)
    trial = await service.aside(_found, service, id)
    at_us = now_us()
    audit = AuditRow(
        at_us=at_us,
        actor=caller_of(request).actor,
        action="backtest.cancelled",
        subject=f"trial:{trial.id}",
        detail=msgspec.json.encode({"reason": reason}),
    )
    await service.aside(service.store.trials.cancel, trial.id, at_us, audit)
    service.on_trials()
    return _told(await service.aside(_found, service, id), service)


@put("/v1/policies/shadow", opt={"scope": "policies"}, summary="Put a policy in shadow")
async def put_shadow(request: Request[Any, Any, Any]) -> Shadowed:
    """It is evaluated on every event beside the live policy, and never acts. It takes the place of any other shadow.

    The one that is in shadow already goes on as it is, unless ``warm_days`` asks for another beginning.
    """
    wanted: ShadowWanted = await read_json(request, ShadowWanted)
    service: Service = request.app.state.service
    reason, origin = clean(wanted.reason, "$.reason"), clean(wanted.origin, "$.origin")
    await service.aside(_can_be_shadow, service, wanted.hash)
    present = None if wanted.warm_days is not None else await service.aside(_goes_on, service, wanted.hash)
    if present is not None:
        return Shadowed(hash=wanted.hash, trial=present.id, entry=present.after)
    warm_after = await service.aside(_warm_after, service, wanted.warm_days, now_us())
    actor = caller_of(request).actor
    change = PolicyChange(
        actor=actor, policy=wanted.hash, mode="shadow", warm_after=warm_after, reason=reason, origin=origin
    )
    entry = await service.changed(change)
    service.on_trials()
    return Shadowed(hash=wanted.hash, trial=f"shadow-{entry}", entry=entry)


@delete("/v1/policies/shadow", opt={"scope": "policies"}, status_code=200, summary="Take the policy out of shadow")
async def delete_shadow(
    request: Request[Any, Any, Any],
    reason: Annotated[str, QueryParameter(min_length=1, max_length=TEXT_LIMIT)],
    origin: Annotated[str, QueryParameter(max_length=TEXT_LIMIT)] = "",
) -> Shadowed:
    """What it has found stays."""
    service: Service = request.app.state.service
    check_value(reason)
    trial = await service.aside(_present_shadow, service)
    change = PolicyChange(
        actor=caller_of(request).actor, policy=trial.policy, mode="off", reason=reason, origin=clean(origin, "origin")
    )
    entry = await service.changed(change)
    service.on_trials()
    return Shadowed(hash=trial.policy, trial=trial.id, entry=entry)


@get(
    "/v1/policies/shadow/compare",
    opt={"scope": "read"},
    sync_to_thread=True,
    summary="The shadow beside the live policy",
)
def compare(
    request: Request[Any, Any, Any],
    trial: Annotated[str, QueryParameter(max_length=100, description="An earlier shadow; by default the latest.")] = "",
) -> TrialWhole:
    """Both ways: what only the one and only the other does, harsher and milder, by rule and entity, with examples."""
    service: Service = request.app.state.service
    latest = service.store.trials.all("shadow", limit=1)
    name = trial or (latest[0].id if latest else "")
    found = service.store.trials.get(check_id(name, "leave it out for the latest")) if name else None
    if found is None or found.kind != "shadow":
        raise NotFoundError("no policy has been in shadow", remedy="PUT /v1/policies/shadow puts one there")
    return _whole(found, service)


def _backtest(service: Service, hash: str, wanted: BacktestWanted, actor: str, said: tuple[str, str]) -> Trial:
    stored_by(service, hash)
    trials, now = service.store.trials, now_us()
    if sum(one.kind == "backtest" for one in trials.open()) >= MOST_OPEN:
        raise OverloadedError(f"{MOST_OPEN} backtests wait already", remedy="cancel some, or wait")
    start_us = now - wanted.days * _DAY_US
    trial = Trial(
        id=secrets.token_hex(8),
        kind="backtest",
        policy=hash,
        actor=actor,
        reason=said[0],
        origin=said[1],
        at_us=now,
        after=entry_before(service.store.journal, start_us),
        upto=service.store.journal.head(),
        warm_after=_warm_after(service, wanted.warm_days, start_us),
    )
    detail = msgspec.json.encode({"policy": hash, "reason": said[0], "origin": said[1]})
    audit = AuditRow(at_us=now, actor=actor, action="backtest.started", subject=f"trial:{trial.id}", detail=detail)
    trials.add(trial, audit)
    return msgspec.structs.replace(trial, seq=trial.warm_after)


def _warm_after(service: Service, days: int | None, start_us: int) -> int:
    return 0 if days is None else entry_before(service.store.journal, start_us - days * _DAY_US)


def _can_be_shadow(service: Service, hash: str) -> None:
    if stored_by(service, hash).mode == "live":
        raise PolicyStateError("this policy is live", remedy="put another one in shadow beside it")


def _present_shadow(service: Service) -> Trial:
    for one in service.store.trials.all("shadow", limit=1):
        policy = service.store.policies.get(one.policy)
        if policy is not None and policy.mode == "shadow":
            return one
    raise NotFoundError("no policy is in shadow", remedy="GET /v1/policies says what each is used for")


def _goes_on(service: Service, hash: str) -> Trial | None:
    """The trial of the policy that is in shadow, if it is this one and still under way."""
    try:
        present = _present_shadow(service)
    except NotFoundError:
        return None
    return present if present.policy == hash and present.open else None


def _found(service: Service, id: str) -> Trial:
    found = service.store.trials.get(check_id(id, _LATER))
    if found is None or found.kind != "backtest":
        raise NotFoundError(f"no such backtest: {id[:80]}", remedy=_LATER)
    return found


def _fields(trial: Trial, service: Service) -> dict[str, Any]:
    upto = trial.upto if trial.upto is not None else service.host.status().seq
    return {
        "id": trial.id,
        "kind": trial.kind,
        "policy": trial.policy,
        "state": trial.state,
        "actor": trial.actor,
        "origin": trial.origin,
        "reason": trial.reason,
        "started": format_time(trial.at_us),
        "ended": None if trial.ended_us is None else format_time(trial.ended_us),
        "warm_after": trial.warm_after,
        "after": trial.after,
        "upto": trial.upto,
        "seq": trial.seq,
        "behind": max(0, upto - trial.seq) if trial.open else 0,
        "fault": trial.fault,
    }


def _told(trial: Trial, service: Service) -> TrialTold:
    return TrialTold(**_fields(trial, service))


def _whole(trial: Trial, service: Service) -> TrialWhole:
    result = _result(decode(trial.result)) if trial.result else None
    return TrialWhole(**_fields(trial, service), result=result)


def _result(found: Comparison) -> ResultTold:
    pairs = sorted(found.verdicts.items(), key=lambda pair: (-pair[1], pair[0]))
    rules = [
        RuleTold(
            id=rule,
            live=count.live,
            trial=count.trial,
            only_live=count.live - count.both,
            only_trial=count.trial - count.both,
            faults=count.faults,
        )
        for rule, count in found.rules.items()
    ]
    entities = [
        EntityTold(kind=kind, id=entity, only_live=one.only_live, only_trial=one.only_trial, otherwise=one.otherwise)
        for kind, held in found.entities.items()
        for entity, one in held.items()
    ]
    return shown(
        ResultTold,
        found,
        verdicts=tuple(_verdict(pair, count) for pair, count in pairs),
        rules=tuple(sorted(rules, key=lambda one: (-one.only_live - one.only_trial, one.id))),
        entities=tuple(sorted(entities, key=_most)[:_MOST_ENTITIES]),
        examples=_examples(found),
    )


def _most(one: EntityTold) -> tuple[int, str, str]:
    return (-one.only_live - one.only_trial - one.otherwise, one.kind, one.id)


def _verdict(pair: str, count: int) -> VerdictTold:
    live, _, trial = pair.partition(">")
    return msgspec.convert({"live": live, "trial": trial, "events": count}, VerdictTold)


def _examples(found: Comparison) -> tuple[Differing, ...]:
    """Those with the widest step between the verdicts first."""

    def step(item: tuple[str, Sequence[Differing]]) -> tuple[int, str]:
        live, _, trial = item[0].partition(">")
        return (-abs(RANK[live] - RANK[trial]), item[0])

    return tuple(one for _, kept in sorted(found.examples.items(), key=step) for one in kept)
