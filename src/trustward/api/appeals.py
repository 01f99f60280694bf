"""Appeals over HTTP: filed by the service for its users, heard by somebody else than who decided."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Request, get, post
from litestar.params import FromPath, QueryParameter
from msgspec import Meta

from trustward.api.auth import caller_of, person_of
from trustward.api.changing import clean, read_json
from trustward.api.looking import check_entity
from trustward.api.service import service_of
from trustward.base.errors import ForbiddenError
from trustward.exchange.enforcement_view import (
    AppealPageView,
    AppealView,
    RateView,
    appeal_pages,
    appeal_view,
    rate_view,
)
from trustward.model.appeal import Appeal, Finding, State
from trustward.model.case import TEXT_LIMIT
from trustward.model.event import ENTITY_LIMIT
from trustward.operations.appeals import Appealing, Appeals, Hearing

PAGE = 200
Needed = Annotated[str, Meta(min_length=1, max_length=TEXT_LIMIT)]
Name = Annotated[str, Meta(min_length=1, max_length=200)]


class AppealWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An appeal of an account. ``about`` (kind and id): what was acted on, if that was not the account.

    ``exception``: why it is accepted although its time is over; needs the scope operate.
    """

    decision: Annotated[str, Meta(pattern="^[a-z]{1,40}:.{1,200}$")]
    account: Annotated[str, Meta(min_length=1, max_length=ENTITY_LIMIT)]
    text: Needed
    about: tuple[Name, Annotated[str, Meta(min_length=1, max_length=ENTITY_LIMIT)]] | None = None
    refs: Annotated[tuple[Annotated[str, Meta(max_length=500)], ...], Meta(max_length=50)] = ()
    market: Annotated[str, Meta(max_length=16)] = ""
    exception: Annotated[str, Meta(max_length=TEXT_LIMIT)] = ""


class AppealStep(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="step"):
    """A step of an appeal."""


class TakeAppeal(AppealStep, frozen=True, kw_only=True, tag="take"):
    """Hear it: for this person alone, for half an hour."""


class ReleaseAppeal(AppealStep, frozen=True, kw_only=True, tag="release"):
    """Give it back."""


class DecideAppeal(AppealStep, frozen=True, kw_only=True, tag="decide"):
    """What was found. ``lift``: of a decision that stands in part, what is taken back."""

    finding: Finding
    reasons: Needed
    lift: Annotated[tuple[Name, ...], Meta(max_length=100)] = ()
    refund: bool = True


class WithdrawAppeal(AppealStep, frozen=True, kw_only=True, tag="withdraw"):
    """Whoever appealed does not want it any more."""

    reason: Needed


Step = TakeAppeal | ReleaseAppeal | DecideAppeal | WithdrawAppeal


class AppealsPage(msgspec.Struct, frozen=True, kw_only=True):
    """Appeals by what is due first; ``next`` goes into ``after`` for the next page, null at the end."""

    appeals: tuple[AppealView, ...]
    next: str | None


class AppealTold(msgspec.Struct, frozen=True, kw_only=True):
    """An appeal with its file."""

    appeal: AppealView
    file: tuple[AppealPageView, ...]


class NextAppeal(msgspec.Struct, frozen=True, kw_only=True):
    """The appeal that is due first and that this person may hear; null if there is none."""

    appeal: AppealView | None


class RatesPage(msgspec.Struct, frozen=True, kw_only=True):
    """How appeals have ended, for each reviewer and each rule."""

    rates: tuple[RateView, ...]
    next: str | None


def _view(story: Appeals, appeal: Appeal) -> AppealView:
    return appeal_view(appeal, story.clock())


@post("/v1/appeals", opt={"scope": "report"}, status_code=201, summary="File an appeal")
async def file_appeal(request: Request[Any, Any, Any]) -> AppealView:
    """For a user of the service: on disk when answered, with a duty to decide it."""
    wanted: AppealWanted = await read_json(request, AppealWanted)
    service = service_of(request)
    caller = caller_of(request)
    if wanted.exception and "operate" not in caller.scopes:
        raise ForbiddenError(
            "the key has not the scope operate", remedy="leave the exception to those who hear appeals"
        )
    check_entity(service, "account", wanted.account)
    if wanted.about is not None:
        check_entity(service, *wanted.about)
    filing = Appealing(
        decision=clean(wanted.decision, "$.decision"),
        account=wanted.account,
        text=wanted.text.replace("\x00", ""),
        about=wanted.about,
        refs=wanted.refs,
        market=clean(wanted.market, "$.market"),
        exception=wanted.exception,
    )
    story = service.operations.appeals
    return _view(story, await service.aside(story.file, filing, caller.actor))


@get("/v1/appeals", opt={"scope": "read"}, sync_to_thread=True, summary="Appeals, page by page")
def appeals(
    request: Request[Any, Any, Any],
    standing: Annotated[State | None, QueryParameter(name="state", description="Their state.")] = None,
    decision: Annotated[str, QueryParameter(max_length=250)] = "",
    account: Annotated[str, QueryParameter(max_length=512)] = "",
    after: Annotated[str, QueryParameter(max_length=200, description="The next of the page before.")] = "",
    limit: Annotated[int, QueryParameter(ge=1, le=PAGE)] = 50,
) -> AppealsPage:
    """What is due first before the rest."""
    story = service_of(request).operations.appeals
    found = story.find(standing, decision, account, after, limit)
    more = found[-1].id if len(found) == limit else None
    return AppealsPage(appeals=tuple(_view(story, one) for one in found), next=more)


@get("/v1/appeals/{appeal_id:str}", opt={"scope": "read"}, sync_to_thread=True, summary="An appeal, with its file")
def appeal(request: Request[Any, Any, Any], appeal_id: FromPath[str]) -> AppealTold:
    """How it stands, and all that happened to it."""
    story = service_of(request).operations.appeals
    found = story.get(appeal_id)
    return AppealTold(appeal=_view(story, found), file=appeal_pages(story.pages(appeal_id)))


@post("/v1/appeals/next", opt={"scope": "operate"}, status_code=200, summary="The next appeal to hear")
async def next_appeal(request: Request[Any, Any, Any]) -> NextAppeal:
    """What is due first of those that this person may hear: nobody hears what it has decided itself."""
    service = service_of(request)
    story = service.operations.appeals
    found = await service.aside(story.next, person_of(request))
    return NextAppeal(appeal=None if found is None else _view(story, found))


@post("/v1/appeals/{appeal_id:str}/steps", opt={"scope": "operate"}, status_code=200, summary="A step of an appeal")
async def step(request: Request[Any, Any, Any], appeal_id: FromPath[str]) -> AppealView:
    """Take it, give it back, decide it, note that it was withdrawn."""
    wanted: Step = await read_json(request, Step)
    service = service_of(request)
    story = service.operations.appeals
    return _view(story, await service.aside(_step, story, appeal_id, person_of(request), wanted))


def _step(story: Appeals, id: str, who: str, wanted: Step) -> Appeal:
    match wanted:
        case TakeAppeal():
            return story.take(id, who)
        case ReleaseAppeal():
            return story.give_back(id, who)
        case DecideAppeal(finding=finding, reasons=reasons, lift=lift, refund=refund):
            return story.decide(id, who, Hearing(finding=finding, reasons=reasons, lift=lift, refund=refund))
        case WithdrawAppeal(reason=reason):
            return story.withdraw(id, who, reason)
    raise AssertionError(wanted)


@get("/v1/appeal-rates", opt={"scope": "read"}, sync_to_thread=True, summary="How appeals have ended")
def rates(
    request: Request[Any, Any, Any],
    after: Annotated[str, QueryParameter(max_length=300, description="The next of the page before.")] = "",
    limit: Annotated[int, QueryParameter(ge=1, le=PAGE)] = 100,
) -> RatesPage:
    """For each reviewer and each rule: received, upheld, reversed, and the share that changed something."""
    found = service_of(request).operations.appeals.rates(after, limit)
    more = found[-1].id if len(found) == limit else None
    return RatesPage(rates=tuple(map(rate_view, found)), next=more)


HANDLERS = (file_appeal, appeals, appeal, next_appeal, step, rates)
"""The routes of appeals."""

BODIES: dict[tuple[str, str], tuple[Any, Any]] = {
    ("post", "/v1/appeals"): (
        AppealWanted,
        {"decision": "case:4f1c0a9be2d41a77", "account": "a17", "text": "somebody else had my password"},
    ),
    ("post", "/v1/appeals/{appeal_id}/steps"): (
        Step,
        {"step": "decide", "finding": "reversed", "reasons": "signed in from another country that day"},
    ),
}
"""For each route with a body its shape, and an example."""
