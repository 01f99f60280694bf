"""``POST /v1/decisions``: one event in, its decision out, after the commit."""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple

import msgspec
from litestar import Request, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import QueryParameter
from litestar.response.base import ASGIResponse

from trustward.api.bodies import LINE_ENDS, media_type, whole
from trustward.api.entrance import Entrance, Late, trace_of
from trustward.api.searching import check_names
from trustward.base.clock import now_us
from trustward.base.errors import RecordError
from trustward.exchange.decode import EventDecoder
from trustward.model.decision import Decision, Fault
from trustward.model.event import Event
from trustward.operations.grouping import NO_FAULTS
from trustward.ports.traces import Trace

FORMATS = ("application/json", "application/cloudevents+json")
_ENCODE = msgspec.json.Encoder().encode
_REPLAYED = (b"idempotent-replayed", b"true")
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
    body = await whole(request, service.settings.event_bytes, service.settings.wait_s)
    check_names(request, ("deadline_ms", "strict"))
    within_s = deadline_ms / 1000 if deadline_ms is not None else None
    said = await answer_to(service, body, strict=strict, within_s=within_s, trace=trace_of(request))
    # It is encoded already, and there is nothing that the framework could still want to do to it.
    headers = {name.decode(): value.decode() for name, value in said.headers}
    return ASGIResponse(body=said.body, status_code=said.status, media_type="application/json", headers=headers)


class Said(NamedTuple):
    """What a request is answered."""

    status: int
    body: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()


async def answer_to(
    service: Entrance, body: bytes, *, strict: bool = False, within_s: float | None = None, trace: Trace | None = None
) -> Said:
    """The decision on the one event of a body, on disk; or the safe answer, when ``within_s`` has passed.

    Raises RecordError, ConflictError, OverloadedError, UnavailableError, StoreError.
    """
    begun_us = now_us() if trace is not None else 0
    event, faults = one_event(service.decoder, body)
    if trace is not None:
        trace.step("decode", begun_us, now_us())
    if strict and faults:
        places = [(fault.path, fault.cause) for fault in faults]
        raise RecordError(f"{places[0][0]}: {places[0][1]}", path=places[0][0], places=places, remedy=_MEND)
    try:
        answers = await service.end(
            service.begin((event,), {0: faults} if faults else NO_FAULTS, trace, within_s), within_s
        )
    except Late:
        assert within_s is not None  # without a deadline nothing is late
        service.metrics.late.inc()
        return Said(202, _ENCODE(service.fallback(event, within_s)))
    decision = answers.decision(0)
    service.metrics.answered(answers)
    entry = (b"trustward-entry", b"%d" % answers.seqs[0])
    return Said(200, _ENCODE(decision), (entry, _REPLAYED) if answers.again else (entry,))


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
