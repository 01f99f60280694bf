"""Four eyes over HTTP: one person proposes that a policy goes live, another one approves or rejects it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from litestar import Request, get, post
from litestar.params import FromPath, QueryParameter

from trustward.api.auth import caller_of
from trustward.api.changing import Reason, Said, check_id, clean, read_json
from trustward.api.service import Service
from trustward.base.clock import now_us
from trustward.base.errors import RecordError
from trustward.base.units import format_time
from trustward.exchange.shown import shown
from trustward.model.proposal import Proposal
from trustward.operations.proposing import Proposing, live_before

_ALL = "GET /v1/policies/proposals lists all"


class ProposalWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which stored policy is to go live (``hash``), or that the one before is to be live again (``back``), and why."""

    hash: str | None = None
    back: bool = False
    reason: Reason
    origin: Said = ""


class RulingWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why a proposal is approved or rejected."""

    reason: Reason


class ProposalTold(msgspec.Struct, frozen=True, kw_only=True):
    """A proposal to put ``policy`` live in the place of ``base``.

    ``approved`` is on its way to be ``live``, which it is from the journal's entry after ``entry`` on; ``overtaken``:
    another policy went live before it was approved.
    """

    id: str
    policy: str
    base: str
    back: bool
    state: Literal["open", "approved", "live", "rejected", "overtaken"]
    proposed_by: str
    proposed: str
    reason: str
    origin: str
    decided_by: str
    decided: str | None
    decided_reason: str
    entry: int | None


class ProposalList(msgspec.Struct, frozen=True, kw_only=True):
    """A page, the latest first; ``next`` goes into ``after`` for the next page, null at the end."""

    proposals: tuple[ProposalTold, ...]
    next: str | None


@get("/v1/policies/proposals", opt={"scope": "read"}, sync_to_thread=True, summary="All proposals")
def proposals(
    request: Request[Any, Any, Any],
    after: Annotated[str, QueryParameter(max_length=100, description="What the page before said as next.")] = "",
    limit: Annotated[int, QueryParameter(ge=1, le=1_000)] = 100,
) -> ProposalList:
    """The latest first, with what became of them."""
    service: Service = request.app.state.service
    found = service.store.proposals.all(check_id(after, _ALL) if after else "", limit + 1)
    page = tuple(map(_told, found[:limit]))
    return ProposalList(proposals=page, next=page[-1].id if len(found) > limit else None)


@get("/v1/policies/proposals/{id:str}", opt={"scope": "read"}, sync_to_thread=True, summary="One proposal")
def proposal(request: Request[Any, Any, Any], id: FromPath[str]) -> ProposalTold:
    """By its id."""
    return _told(_story(request).get(check_id(id, _ALL)))


@post("/v1/policies/proposals", opt={"scope": "policies"}, status_code=201, summary="Propose a policy")
async def propose(request: Request[Any, Any, Any]) -> ProposalTold:
    """Another person has to approve it before it goes live."""
    wanted: ProposalWanted = await read_json(request, ProposalWanted)
    service: Service = request.app.state.service
    if (wanted.hash is None) is not wanted.back:
        raise RecordError("$: give either hash or back", path="$", remedy="name a policy, or ask for the one before")
    reason, origin = clean(wanted.reason, "$.reason"), clean(wanted.origin, "$.origin")
    if wanted.hash is not None:
        policy = check_id(wanted.hash, "GET /v1/policies lists all")
    else:
        policy = await service.aside(live_before, service.store)
    actor = caller_of(request).actor
    made = await service.aside(_story(request).propose, policy, actor, reason, origin=origin, back=wanted.back)
    return _told(made)


@post(
    "/v1/policies/proposals/{id:str}/approve", opt={"scope": "policies"}, status_code=200, summary="Approve a proposal"
)
async def approve(request: Request[Any, Any, Any], id: FromPath[str]) -> ProposalTold:
    """The policy goes live. Whoever has proposed it cannot approve it. Asking again does no harm."""
    wanted: RulingWanted = await read_json(request, RulingWanted)
    check_id(id, _ALL)
    service: Service = request.app.state.service
    story, reason = _story(request), clean(wanted.reason, "$.reason")
    # One at a time: what was live when it was proposed must still be when it goes live.
    async with service.approving:
        found, change = await service.aside(story.approve, id, caller_of(request).actor, reason)
        if change is not None:
            entry = await service.changed(change, within_s=None)
            found = await service.aside(story.done, id, entry)
    return _told(found)


@post("/v1/policies/proposals/{id:str}/reject", opt={"scope": "policies"}, status_code=200, summary="Reject a proposal")
async def reject(request: Request[Any, Any, Any], id: FromPath[str]) -> ProposalTold:
    """Also one's own."""
    wanted: RulingWanted = await read_json(request, RulingWanted)
    check_id(id, _ALL)
    service: Service = request.app.state.service
    reason = clean(wanted.reason, "$.reason")
    return _told(await service.aside(_story(request).reject, id, caller_of(request).actor, reason))


def _story(request: Request[Any, Any, Any]) -> Proposing:
    service: Service = request.app.state.service
    return Proposing(service.store, now_us)


def _told(found: Proposal) -> ProposalTold:
    return shown(ProposalTold, found, proposed_by=found.actor, proposed=format_time(found.at_us))
