"""Reports in: sent, and looked at by their receipt number."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Request, get, post
from litestar.params import FromPath
from msgspec import Meta

from trustward.api.auth import caller_of
from trustward.api.changing import clean, read_json
from trustward.api.looking import check_entity
from trustward.api.service import Service
from trustward.base.errors import RecordError
from trustward.base.units import format_time
from trustward.exchange.case_view import ReportView, report_view
from trustward.model.case import TEXT_LIMIT
from trustward.model.event import ENTITY_LIMIT
from trustward.model.report import Category, Channel, LegalNotice
from trustward.operations.reports import Said

Entity = Annotated[str, Meta(min_length=1, max_length=ENTITY_LIMIT)]


class ReportWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What somebody reports. With an ``id`` the same may be sent again; it becomes the receipt number."""

    channel: Channel = "user"
    category: Category
    kind: Annotated[str, Meta(min_length=1, max_length=40)]
    entity: Entity
    reporter: Annotated[str, Meta(max_length=ENTITY_LIMIT)] = ""
    text: Annotated[str, Meta(max_length=TEXT_LIMIT)] = ""
    refs: Annotated[tuple[Annotated[str, Meta(max_length=500)], ...], Meta(max_length=50)] = ()
    notice: LegalNotice | None = None
    market: Annotated[str, Meta(max_length=16)] = ""
    reach: Annotated[int, Meta(ge=0, le=10**12)] = 0
    id: Annotated[str, Meta(pattern="^[A-Za-z0-9_-]{8,64}$")] | None = None


class Received(msgspec.Struct, frozen=True, kw_only=True):
    """The receipt: its number, when the report came, which case it belongs to, by when there is an answer."""

    receipt: str
    at: str
    state: str
    case: str
    why: str
    answer_by: str | None


@post("/v1/reports", opt={"scope": "report"}, status_code=201, summary="Send a report")
async def report(request: Request[Any, Any, Any]) -> Received:
    """A report from a user, a flagger, an authority or another service, or a legal notice: on disk when answered."""
    wanted: ReportWanted = await read_json(request, ReportWanted)
    service: Service = request.app.state.service
    check_entity(service, wanted.kind, wanted.entity)
    if "\x00" in wanted.text:
        raise RecordError("$.text: a zero byte", path="$.text", remedy="take it out")
    said = Said(
        channel=wanted.channel,
        category=wanted.category,
        kind=wanted.kind,
        entity=wanted.entity,
        reporter=clean(wanted.reporter, "$.reporter"),
        text=wanted.text,
        refs=wanted.refs,
        notice=wanted.notice,
        market=wanted.market,
        reach=wanted.reach,
        id=wanted.id or "",
    )
    return await service.aside(_receive, service, said, caller_of(request).actor)


def _receive(service: Service, said: Said, actor: str) -> Received:
    made = service.operations.reports.receive(said, actor)
    due_us = service.operations.duties.get(made.duty).due_us if made.duty else None
    return Received(
        receipt=made.id,
        at=format_time(made.at_us),
        state=made.state,
        case=made.case,
        why=made.why,
        answer_by=None if due_us is None else format_time(due_us),
    )


@get("/v1/reports/{report_id:str}", opt={"scope": "read"}, sync_to_thread=True, summary="A report")
def past_report(request: Request[Any, Any, Any], report_id: FromPath[str]) -> ReportView:
    """How it stands, by its receipt number."""
    service: Service = request.app.state.service
    return report_view(service.operations.reports.get(report_id))


HANDLERS = (report, past_report)
"""The routes of reports."""

BODIES: dict[tuple[str, str], tuple[Any, Any]] = {
    ("post", "/v1/reports"): (
        ReportWanted,
        {
            "channel": "user",
            "category": "scam",
            "kind": "account",
            "entity": "a17",
            "reporter": "a42",
            "text": "asked me for money",
            "market": "SG",
        },
    ),
}
"""For each route with a body its shape, and an example."""
