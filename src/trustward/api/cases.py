"""Cases and queues: work handed out, steps, outcomes, batches."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from litestar import Request, get, post
from litestar.params import FromPath, QueryParameter
from msgspec import Meta

from trustward.api.auth import check_secret, person_of, who_is
from trustward.api.case_steps import STEPS, AssignCase, Close, Step, take_step
from trustward.api.changing import clean, read_json
from trustward.api.looking import check_entities
from trustward.api.service import Service, service_of
from trustward.base.errors import NotFoundError
from trustward.base.units import format_time
from trustward.bootstrap import Operations
from trustward.exchange.case_view import (
    BatchView,
    CasePageView,
    CaseView,
    LeaseView,
    QueueView,
    ReportView,
    batch_view,
    case_view,
    lease_view,
    pages_view,
    report_view,
)
from trustward.model.case import TEXT_LIMIT, Batch, Case, CaseQuery, Outcome, Reviewer
from trustward.operations.cases import News

Needed = Annotated[str, Meta(min_length=1, max_length=TEXT_LIMIT)]
Name = Annotated[str, Meta(min_length=1, max_length=200)]
PAGE = 200


class CaseWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A case that somebody opens by hand, or what is new about one."""

    kind: Name
    entity: Annotated[str, Meta(min_length=1, max_length=512)]
    category: Annotated[str, Meta(max_length=40)] = ""
    market: Annotated[str, Meta(max_length=16)] = ""
    entities: Annotated[tuple[tuple[Name, Name], ...], Meta(max_length=100)] = ()
    harm: Annotated[int, Meta(ge=0, le=100)] = 0
    reach: Annotated[int, Meta(ge=0, le=10**12)] = 0
    reason: Needed


class Reason(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why."""

    reason: Needed


class BatchWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Cases to close at once, with one outcome: a dry run."""

    cases: Annotated[tuple[Name, ...], Meta(min_length=1, max_length=1000)]
    outcome: Outcome


class BatchesPage(msgspec.Struct, frozen=True, kw_only=True):
    """Batches; ``next`` goes into ``after`` for the next page, null at the end."""

    batches: tuple[BatchView, ...]
    next: str | None


class CasesPage(msgspec.Struct, frozen=True, kw_only=True):
    """Cases; ``next`` goes into ``after`` for the next page, null at the end."""

    cases: tuple[CaseView, ...]
    next: str | None


class CaseTold(msgspec.Struct, frozen=True, kw_only=True):
    """A case with its file, and who has it; ``next`` goes into ``after`` for more of the file, null at its end."""

    case: CaseView
    lease: LeaseView | None
    file: tuple[CasePageView, ...]
    next: int | None


class WorkTold(msgspec.Struct, frozen=True, kw_only=True):
    """The next case, for this reviewer alone; null if nothing waits. ``break_due``: time for a break after it."""

    case: CaseView | None
    lease: LeaseView | None = None
    break_due: bool = False


class Similar(msgspec.Struct, frozen=True, kw_only=True):
    """Another case, and how many entities the two have in common."""

    case: CaseView
    common: int


class Alike(msgspec.Struct, frozen=True, kw_only=True):
    """Cases that name the same entities."""

    cases: tuple[Similar, ...]


class ReportsPage(msgspec.Struct, frozen=True, kw_only=True):
    """A case's reports, page by page."""

    reports: tuple[ReportView, ...]
    next: str | None


class QueuesTold(msgspec.Struct, frozen=True, kw_only=True):
    """All queues."""

    queues: tuple[QueueView, ...]


class ReviewerTold(msgspec.Struct, frozen=True, kw_only=True):
    """What a reviewer has seen, and how well it agrees with others and with known answers."""

    reviewer: Reviewer
    agreement: float | None
    golden: float | None


def _view(operations: Operations, case: Case) -> CaseView:
    queue = operations.cases.queues.get(case.queue)
    return case_view(case, queue.checklist if queue is not None else (), operations.cases.clock())


@get("/v1/cases", opt={"scope": "read"}, sync_to_thread=True, summary="Cases, page by page")
def cases(
    request: Request[Any, Any, Any],
    queue: Annotated[str, QueryParameter(max_length=64)] = "",
    standing: Annotated[
        Literal["open", "parked", "closed", "merged"] | None, QueryParameter(name="state", description="Their state.")
    ] = None,
    assigned: Annotated[str, QueryParameter(max_length=200)] = "",
    kind: Annotated[str, QueryParameter(max_length=40, description="With entity: cases about it.")] = "",
    entity: Annotated[str, QueryParameter(max_length=512)] = "",
    after: Annotated[str, QueryParameter(max_length=200, description="The next of the page before.")] = "",
    limit: Annotated[int, QueryParameter(ge=1, le=PAGE)] = 50,
) -> CasesPage:
    """Cases by their ids; those about an entity with the latest first."""
    operations = service_of(request).operations
    query = CaseQuery(queue=queue, state=standing, assigned=who_is(request, assigned), kind=kind, entity=entity)
    found = operations.cases.find(query, after, limit)
    more = found[-1].id if len(found) == limit else None
    return CasesPage(cases=tuple(_view(operations, case) for case in found), next=more)


@post("/v1/cases", opt={"scope": "operate"}, status_code=201, summary="Open a case, or add to one")
async def open_case(request: Request[Any, Any, Any]) -> CaseView:
    """If there is an open case about the subject, this joins it."""
    wanted: CaseWanted = await read_json(request, CaseWanted)
    service = service_of(request)
    check_entities(service, ((wanted.kind, wanted.entity), *wanted.entities))
    news = News(
        kind=wanted.kind,
        entity=wanted.entity,
        actor=person_of(request),
        what="opened",
        said=clean(wanted.reason, "$.reason"),
        category=clean(wanted.category, "$.category"),
        market=wanted.market,
        entities=wanted.entities,
        harm=wanted.harm,
        reach=wanted.reach,
    )
    return _view(service.operations, await service.aside(service.operations.cases.join, news))


@get("/v1/cases/{case_id:str}", opt={"scope": "read"}, sync_to_thread=True, summary="A case, with its file")
def case(
    request: Request[Any, Any, Any],
    case_id: FromPath[str],
    after: Annotated[int, QueryParameter(ge=0, le=2**31 - 1, description="Go on after this page of its file.")] = 0,
    limit: Annotated[int, QueryParameter(ge=1, le=PAGE)] = PAGE,
) -> CaseTold:
    """How it stands, who has it, and what happened to it, from the beginning."""
    operations = service_of(request).operations
    found = operations.cases.get(case_id)
    lease = operations.cases.store.cases.lease_of(case_id, operations.cases.clock())
    pages = operations.cases.store.cases.pages(case_id, after, limit)
    return CaseTold(
        case=_view(operations, found),
        lease=None if lease is None else lease_view(lease),
        file=pages_view(found, pages),
        next=pages[-1].number if len(pages) == limit else None,
    )


@get("/v1/cases/{case_id:str}/reports", opt={"scope": "read"}, sync_to_thread=True, summary="A case's reports")
def case_reports(
    request: Request[Any, Any, Any],
    case_id: FromPath[str],
    after: Annotated[str, QueryParameter(max_length=200)] = "",
    limit: Annotated[int, QueryParameter(ge=1, le=PAGE)] = 50,
) -> ReportsPage:
    """What was reported, page by page."""
    operations = service_of(request).operations
    operations.cases.get(case_id)
    found = operations.reports.of_case(case_id, after, limit)
    more = found[-1].id if len(found) == limit else None
    return ReportsPage(reports=tuple(map(report_view, found)), next=more)


@get("/v1/cases/{case_id:str}/similar", opt={"scope": "read"}, sync_to_thread=True, summary="Cases like this one")
def similar(request: Request[Any, Any, Any], case_id: FromPath[str]) -> Alike:
    """Other cases that name the same entities, those with the most in common first."""
    operations = service_of(request).operations
    found = operations.cases.similar(case_id)
    return Alike(cases=tuple(Similar(case=_view(operations, other), common=common) for other, common in found))


@post("/v1/cases/{case_id:str}/steps", opt={"scope": "operate"}, status_code=200, summary="A step of a case")
async def step(request: Request[Any, Any, Any], case_id: FromPath[str]) -> CaseView:
    """Take it, keep it, give it back, skip it; assign, move, escalate, park, note, tick, link, merge, split; close."""
    wanted: Step = await read_json(request, Step)
    service = service_of(request)
    if isinstance(wanted, Close):
        _check_outcome(service, wanted.outcome)
        if wanted.hold is not None:
            check_secret(request, secret=wanted.hold.secret)
            check_entities(service, wanted.hold.entities)
    if isinstance(wanted, AssignCase):
        wanted = msgspec.structs.replace(wanted, to=await service.aside(_assignee, request, wanted.to))
    moved = await service.aside(take_step, service.operations, case_id, person_of(request), wanted)
    return _view(service.operations, moved)


def _assignee(request: Request[Any, Any, Any], name: str) -> str:
    """Who gets a case. Raises NotFoundError for nobody: no one could take it any more."""
    found = who_is(request, name)
    kind, _, id_ = found.partition(":")
    is_user = kind == "user" and service_of(request).store.people.get(id_) is not None
    if found and not is_user and kind != "key":
        raise NotFoundError(f"there is no user {name[:80]}", remedy="name somebody who signs in, or user:ID")
    return found


def _check_outcome(service: Service, outcome: Outcome) -> None:
    """See that whom an outcome names there can be: or the case is closed and nothing is done."""
    check_entities(service, (*((one.kind, one.entity) for one in outcome.measures), *outcome.struck))


@get("/v1/queues", opt={"scope": "read"}, sync_to_thread=True, summary="How the queues are doing")
def queues(request: Request[Any, Any, Any]) -> QueuesTold:
    """How many cases wait in each, and since when."""
    found = service_of(request).operations.queues.waiting()
    return QueuesTold(
        queues=tuple(
            QueueView(
                queue=one.queue,
                title=one.title,
                waiting=one.waiting,
                oldest=None if one.oldest_us is None else format_time(one.oldest_us),
            )
            for one in found
        )
    )


@post("/v1/queues/{queue:str}/next", opt={"scope": "operate"}, status_code=200, summary="The next case of a queue")
async def next_case(request: Request[Any, Any, Any], queue: FromPath[str]) -> WorkTold:
    """What comes first, for this reviewer alone until the lease is over or the case is closed."""
    service = service_of(request)
    work = await service.aside(service.operations.queues.next, queue, person_of(request))
    if work is None:
        return WorkTold(case=None)
    view = _view(service.operations, work.case)
    return WorkTold(case=view, lease=lease_view(work.lease), break_due=work.break_due)


@get("/v1/reviewers/{name:str}", opt={"scope": "read"}, sync_to_thread=True, summary="What a reviewer has seen")
def reviewer(request: Request[Any, Any, Any], name: FromPath[str]) -> ReviewerTold:
    """Exposure, breaks, agreement."""
    return _reviewer(service_of(request).operations.queues.reviewer(name))


@post("/v1/break", opt={"scope": "operate"}, status_code=200, summary="A break begins")
async def rest(request: Request[Any, Any, Any]) -> ReviewerTold:
    """No case is handed out to this reviewer until it is over."""
    service = service_of(request)
    return _reviewer(await service.aside(service.operations.queues.rest, person_of(request)))


def _reviewer(who: Reviewer) -> ReviewerTold:
    return ReviewerTold(
        reviewer=who,
        agreement=who.pairs_agreed / who.pairs if who.pairs else None,
        golden=who.golden_right / who.golden if who.golden else None,
    )


@post("/v1/batches", opt={"scope": "operate"}, status_code=201, summary="Plan to close many cases: a dry run")
async def plan(request: Request[Any, Any, Any]) -> Batch:
    """What would become of each case. Nothing is done yet."""
    wanted: BatchWanted = await read_json(request, BatchWanted)
    service = service_of(request)
    _check_outcome(service, wanted.outcome)
    return await service.aside(service.operations.bulk.plan, wanted.cases, wanted.outcome, person_of(request))


@get("/v1/batches", opt={"scope": "read"}, sync_to_thread=True, summary="Batches, the latest first")
def batches(
    request: Request[Any, Any, Any],
    after: Annotated[str, QueryParameter(max_length=200, description="The next of the page before.")] = "",
    limit: Annotated[int, QueryParameter(ge=1, le=PAGE)] = 50,
) -> BatchesPage:
    """Who has planned, run and taken back what, when, and how many cases it has closed."""
    found = service_of(request).operations.bulk.find(after, limit)
    more = found[-1].id if len(found) == limit else None
    return BatchesPage(batches=tuple(map(batch_view, found)), next=more)


@get("/v1/batches/{batch_id:str}", opt={"scope": "read"}, sync_to_thread=True, summary="A batch")
def batch(request: Request[Any, Any, Any], batch_id: FromPath[str]) -> Batch:
    """What became of each case."""
    return service_of(request).operations.bulk.get(batch_id)


@post("/v1/batches/{batch_id:str}/run", opt={"scope": "operate"}, status_code=200, summary="Close the cases of a batch")
async def run(request: Request[Any, Any, Any], batch_id: FromPath[str]) -> Batch:
    """Asking again goes on where it stopped."""
    service = service_of(request)
    return await service.aside(service.operations.bulk.run, batch_id, person_of(request))


@post("/v1/batches/{batch_id:str}/reverse", opt={"scope": "operate"}, status_code=200, summary="Take a batch back")
async def reverse(request: Request[Any, Any, Any], batch_id: FromPath[str]) -> Batch:
    """Everything that it has put in force is undone."""
    wanted: Reason = await read_json(request, Reason)
    service = service_of(request)
    return await service.aside(service.operations.bulk.reverse, batch_id, person_of(request), wanted.reason)


HANDLERS = (
    cases,
    open_case,
    case,
    case_reports,
    similar,
    step,
    queues,
    next_case,
    reviewer,
    rest,
    plan,
    batches,
    batch,
    run,
    reverse,
)
"""The routes of cases and queues."""

_OUTCOME = {
    "verdict": "act",
    "policy": "fraud/investment",
    "reasons": "the same texts to 40 strangers",
    "measures": [{"do": "suspend", "kind": "account", "entity": "a17", "lasts": "30d"}],
}
BODIES: dict[tuple[str, str], tuple[Any, Any]] = {
    ("post", "/v1/cases"): (CaseWanted, {"kind": "account", "entity": "a17", "category": "scam", "reason": "a call"}),
    ("post", "/v1/cases/{case_id}/steps"): (STEPS, {"step": "close", "outcome": _OUTCOME}),
    ("post", "/v1/batches"): (BatchWanted, {"cases": ["4f1c0a9be2d41a77"], "outcome": _OUTCOME}),
    ("post", "/v1/batches/{batch_id}/reverse"): (Reason, {"reason": "the list was the wrong one"}),
}
"""For each route with a body its shape, and an example."""
