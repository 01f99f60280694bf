"""Policies over HTTP: check, store, put live or in shadow, roll back."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from litestar import Request, get, post, put
from litestar.params import FromPath
from msgspec import Meta

from trustward.api.auth import caller_of
from trustward.api.changing import Reason, Said, check_id, clean, read_json
from trustward.api.service import Service
from trustward.base.clock import now_us
from trustward.base.errors import NotFoundError, PolicyError, PolicyStateError
from trustward.base.units import format_time
from trustward.engine.examples import run_examples
from trustward.model.changes import PolicyChange
from trustward.model.stored import StoredPolicy
from trustward.operations.proposing import live_before
from trustward.policy import Source, load_policy


class SourceIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file of a policy: ``NAME.policy``, or ``lists/NAME.txt``."""

    name: Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[A-Za-z0-9_./-]+$")]
    text: str


class PolicyIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole policy."""

    name: Annotated[str, Meta(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")]
    sources: Annotated[tuple[SourceIn, ...], Meta(min_length=1, max_length=1_000)]


class PolicyTold(msgspec.Struct, frozen=True, kw_only=True):
    """A stored policy, and what it is used for now."""

    hash: str
    name: str
    mode: Literal["live", "shadow", "off"]
    actor: str
    stored: str


class PolicyWhole(PolicyTold, frozen=True, kw_only=True):
    """The same with its sources."""

    sources: tuple[SourceIn, ...]


class PolicyList(msgspec.Struct, frozen=True, kw_only=True):
    """All stored policies, the latest first."""

    policies: tuple[PolicyTold, ...]


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """What a check found: ``faults`` of the sources, ``failures`` of examples. Fine if there are none."""

    fine: bool
    hash: str = ""
    rules: int = 0
    examples: int = 0
    faults: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()


class LiveWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which stored policy is to be live, why, and on whose word."""

    hash: str
    reason: Reason
    origin: Said = ""


class BackWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why the policy before is to be live again."""

    reason: Reason
    origin: Said = ""


class Switched(msgspec.Struct, frozen=True, kw_only=True):
    """The policy that is live from the journal's entry after ``entry`` on."""

    hash: str
    entry: int


@get("/v1/policies", opt={"scope": "read"}, sync_to_thread=True, summary="All stored policies")
def policies(request: Request[Any, Any, Any]) -> PolicyList:
    """Without their sources."""
    service: Service = request.app.state.service
    return PolicyList(policies=tuple(_told(stored) for stored in service.store.policies.all()))


@get("/v1/policies/{hash:str}", opt={"scope": "read"}, sync_to_thread=True, summary="A policy with its sources")
def policy(request: Request[Any, Any, Any], hash: FromPath[str]) -> PolicyWhole:
    """By its hash."""
    stored = stored_by(request.app.state.service, hash)
    sources = tuple(SourceIn(name=name, text=text) for name, text in stored.sources)
    return PolicyWhole(sources=sources, **msgspec.structs.asdict(_told(stored)))


@post("/v1/policies/check", opt={"scope": "policies"}, status_code=200, summary="Check a policy")
async def check(request: Request[Any, Any, Any]) -> Checked:
    """Everything that is wrong with it, and the examples of its rules; nothing is kept."""
    service: Service = request.app.state.service
    wanted: PolicyIn = await read_json(request, PolicyIn, service.settings.import_bytes)
    return await service.aside(_checked, service, wanted)


@post("/v1/policies", opt={"scope": "policies"}, status_code=201, summary="Store a policy")
async def store(request: Request[Any, Any, Any]) -> PolicyTold:
    """A policy without faults whose examples do as they say is kept; it is not live yet."""
    service: Service = request.app.state.service
    wanted: PolicyIn = await read_json(request, PolicyIn, service.settings.import_bytes)
    return await service.aside(_store, service, wanted, caller_of(request).actor)


@put("/v1/policies/live", opt={"scope": "policies"}, summary="Put a policy live")
async def live(request: Request[Any, Any, Any]) -> Switched:
    """It decides from the next event on; windows that it needs are filled from the journal first."""
    wanted: LiveWanted = await read_json(request, LiveWanted)
    service: Service = request.app.state.service
    _check_alone(service)
    await service.aside(stored_by, service, wanted.hash)
    return await _switch(request, wanted.hash, wanted.reason, wanted.origin)


@post("/v1/policies/rollback", opt={"scope": "policies"}, status_code=200, summary="Go back to the policy before")
async def rollback(request: Request[Any, Any, Any]) -> Switched:
    """The policy that was live before the present one is live again. Of two who ask at once one is refused (409)."""
    wanted: BackWanted = await read_json(request, BackWanted)
    service: Service = request.app.state.service
    _check_alone(service)
    present = service.host.status().policy
    before = await service.aside(live_before, service.store)
    # Of two who do so at once one would bring back what both want to leave.
    return await _switch(request, before, wanted.reason, wanted.origin, present)


def _check_alone(service: Service) -> None:
    """See that one person may do it alone. Raises PolicyStateError."""
    if service.settings.four_eyes:
        raise PolicyStateError(
            "this service wants four eyes", remedy="POST /v1/policies/proposals, and have another person approve it"
        )


async def _switch(request: Request[Any, Any, Any], hash: str, reason: str, origin: str, base: str = "") -> Switched:
    service: Service = request.app.state.service
    change = PolicyChange(
        actor=caller_of(request).actor,
        policy=hash,
        reason=clean(reason, "$.reason"),
        origin=clean(origin, "$.origin"),
        base=base,
    )
    entry = await service.changed(change, within_s=None)
    return Switched(hash=hash, entry=entry)


def _told(stored: StoredPolicy) -> PolicyTold:
    return PolicyTold(
        hash=stored.hash, name=stored.name, mode=stored.mode, actor=stored.actor, stored=format_time(stored.at_us)
    )


def stored_by(service: Service, hash: str) -> StoredPolicy:
    """The stored policy with this hash. Raises NotFoundError."""
    found = service.store.policies.get(check_id(hash, "GET /v1/policies lists all"))
    if found is None:
        raise NotFoundError(f"no such policy: {hash[:80]}", remedy="GET /v1/policies lists all")
    return found


def _checked(service: Service, wanted: PolicyIn) -> Checked:
    catalogue = service.decoder.catalogue
    try:
        loaded = load_policy([Source(one.name, one.text) for one in wanted.sources], catalogue, drafts=True)
    except PolicyError as fault:
        return Checked(fine=False, faults=fault.faults or (fault.message,))
    failures = tuple(f"rule {one.rule}: {one.example}: {one.why}" for one in run_examples(loaded, catalogue))
    return Checked(
        fine=not failures,
        hash=loaded.hash,
        rules=len(loaded.rules),
        examples=sum(len(rule.examples) for rule in loaded.rules),
        failures=failures,
    )


def _store(service: Service, wanted: PolicyIn, actor: str) -> PolicyTold:
    found = _checked(service, wanted)
    if not found.fine:
        raise PolicyError("the policy is not fine", faults=(*found.faults, *found.failures), remedy="mend all of it")
    stored = StoredPolicy(
        hash=found.hash,
        name=wanted.name,
        sources=tuple((one.name, one.text) for one in wanted.sources),
        actor=actor,
        at_us=now_us(),
    )
    service.store.policies.add(stored)
    return _told(service.store.policies.get(found.hash) or stored)
