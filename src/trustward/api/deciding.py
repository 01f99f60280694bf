"""``POST /v1/decisions``: one event in, its decision out, after the commit."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Request, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import QueryParameter
from litestar.response.base import ASGIResponse

from trustward.api.bodies import LINE_ENDS, media_type, whole
from trustward.api.entrance import Entrance, Late, trace_of
from trustward.base.clock import now_us
from trustward.base.errors import RecordError
from trustward.exchange.decode import EventDecoder
from trustward.model.decision import Decision, Fault
from trustward.model.event import Event

FORMATS = ("application/json", "application/cloudevents+json")
_ENCODE = msgspec.json.Encoder().encode
_MEND = "mend the place that it names, and send it again"


@post(
    "/v1/decisions",
    status_code=200,
    opt={"scope": "decide"},
    summary="Decide one event",
    responses={
        200: ResponseSpec(Decision, description="The decision, on disk."),
        202: ResponseSpec(Decision, description="The safe answer after the deadline; not on disk yet."),
    },
    description=(
        "One event, flat or as a CloudEvent, is decided and answered when it is on disk. The event's id is the "
        "idempotency key: the same event again gets the first answer, other content under its id is a conflict. A "
        "field that cannot be read does not keep the event out: the decision is degraded, and says so in `faults`; "
        "with `strict` such an event is refused. Where `deadline_ms` passes first, the answer is 202 with the policy's "
        "safe answer, degraded; the event is decided all the same."
    ),
)
async def decide(
    request: Request[Any, Any, Any],
    deadline_ms: Annotated[
        int | None, QueryParameter(ge=1, le=60_000, description="How many milliseconds the caller can wait.")
    ] = None,
    strict: Annotated[bool, QueryParameter(description="Refuse an event with a faulty field.")] = False,  # noqa: FBT002
) -> ASGIResponse:
    """Decide one event."""
    service: Entrance = request.app.state.service
    media_type(request, FORMATS)
    settings = service.settings
    body = await whole(request, settings.event_bytes, settings.wait_s)
    trace = trace_of(request)
    begun_us = now_us() if trace is not None else 0
    event, faults = one_event(service.decoder, body)
    if trace is not None:
        trace.step("decode", begun_us, now_us())
    if strict and faults:
        places = [(fault.path, fault.cause) for fault in faults]
        raise RecordError(f"{places[0][0]}: {places[0][1]}", path=places[0][0], places=places, remedy=_MEND)
    within_s = deadline_ms / 1000 if deadline_ms is not None else None
    try:
        answers = await service.end(service.begin((event,), {0: faults} if faults else {}, trace), within_s)
    except Late:
        assert within_s is not None  # without a deadline nothing is late
        service.metrics.late.inc()
        return _json(_ENCODE(service.fallback(event, within_s)), 202, {})
    decision = answers.decision(0)
    service.metrics.answered(answers)
    headers = {"trustward-entry": str(answers.seqs[0])}
    if answers.again:
        headers["idempotent-replayed"] = "true"
    return _json(_ENCODE(decision), 200, headers)


def _json(body: bytes, status: int, headers: dict[str, str]) -> ASGIResponse:
    """What is encoded already, with nothing that the framework could still want to do to it."""
    return ASGIResponse(body=body, status_code=status, media_type="application/json", headers=headers)


def one_event(decoder: EventDecoder, body: bytes) -> tuple[Event, tuple[Fault, ...]]:
    """The event of a body, and the faults of its fields. Raises RecordError with the place of what is wrong.

    >>> from trustward import bootstrap
    >>> decoder = EventDecoder(bootstrap.catalogue())
    >>> one_event(decoder, b'{"id": "1", "time": "2026-01-31T12:00:00Z"}')
    Traceback (most recent call last):
    ...
    trustward.base.errors.RecordError: TW-310: $.type: missing: say which event this is, such as message.sent (...)
    """
    if b"\n" in body or b"\r" in body:
        body = body.translate(LINE_ENDS)
    decoded = decoder.decode_lines(body)
    if decoded.events:
        return decoded.events[0], decoded.faults.get(0, ())
    if decoded.rejects:
        found = decoded.rejects[0]
        raise RecordError(f"{found.path}: {found.cause}", path=found.path, remedy=_MEND)
    raise RecordError("$: the body is empty", path="$", remedy="send an event as JSON")
