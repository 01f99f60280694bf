"""Past decisions by time, type, entity, rule and verdict, page by page."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from hashlib import blake2b
from typing import Annotated, Any

import msgspec
from litestar import Request, get
from litestar.params import QueryParameter

from trustward.api.service import Service
from trustward.base.errors import RequestError
from trustward.base.units import format_time, parse_time
from trustward.model.decision import VERDICTS, Decision, Fault
from trustward.model.nearest import nearest
from trustward.operations.searching import Query, Results

MOST = 500
"""How many entries one page may have."""
Limit = Annotated[int, QueryParameter(ge=1, le=MOST, description="How many entries a page has at most.")]

Cursor = Annotated[str | None, QueryParameter(description="next of the page before.")]


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of the journal: the event without its faulty fields, and the decision on it."""

    entry: int
    decided: str
    event: dict[str, Any]
    faults: tuple[Fault, ...]
    decision: Decision


class Linked(msgspec.Struct, frozen=True, kw_only=True):
    """An entity that took part in the same events: in how many of them, and when the last one was decided."""

    kind: str
    id: str
    events: int
    last: str


class DecisionsTold(msgspec.Struct, frozen=True, kw_only=True):
    """One page, the newest first. ``next`` is the cursor of the page after it; null: there is none.

    A page may hold fewer than ``limit``, or none, and still have a next one.
    """

    decisions: tuple[Entry, ...]
    next: str | None


@get(
    "/v1/decisions",
    opt={"scope": "read"},
    sync_to_thread=True,
    summary="Past decisions by time, type, entity, rule and verdict",
)
def decisions(  # noqa: PLR0913, PLR0917 - one argument a parameter of the request
    request: Request[Any, Any, Any],
    from_: Annotated[str, QueryParameter(name="from", description="Decided at this time or later (RFC 3339).")] = "",
    to: Annotated[str, QueryParameter(description="Decided before this time.")] = "",
    event_type: Annotated[str, QueryParameter(name="type", description="The event's type.")] = "",
    entity: Annotated[str, QueryParameter(description="An entity that took part, as kind:id.")] = "",
    rule: Annotated[str, QueryParameter(description="A rule that matched, in whatever mode.")] = "",
    verdict: Annotated[str, QueryParameter(description="Verdicts, parted by commas.")] = "",
    limit: Limit = 50,
    cursor: Cursor = None,
) -> DecisionsTold:
    """Decisions that fit all of what is asked, the newest first."""
    service: Service = request.app.state.service
    if request.scope["raw_path"].endswith(b"/"):
        raise RequestError("the path has no id", remedy="add it after the last slash; without the slash it is a search")
    check_names(request, ("from", "to", "type", "entity", "rule", "verdict", "limit", "cursor"))
    catalogue = service.decoder.catalogue
    kind, _, name = entity.partition(":")
    if entity and not (kind and name):
        raise RequestError("entity is not kind:id", remedy="write it like account:a17")
    query = Query(
        from_us=time_of("from", from_),
        to_us=time_of("to", to),
        type=_known("type", event_type, tuple(catalogue.types)),
        kind=_known("entity", kind, tuple(catalogue.kinds)),
        entity=name,
        rule=rule,
        verdicts=tuple(dict.fromkeys(_known("verdict", one, VERDICTS) for one in verdict.split(",") if verdict)),
    )
    page = service.searching.page(query, position(cursor, query), limit)
    return DecisionsTold(decisions=entries(page), next=cursor_of(page, query))


def entries(page: Results) -> tuple[Entry, ...]:
    """What was found, as it is told."""
    return tuple(
        Entry(
            entry=one.seq,
            decided=format_time(one.at_us),
            event=msgspec.json.decode(one.body),
            faults=one.faults,
            decision=one.decision,
        )
        for one in page.found
    )


def cursor_of(page: Results, query: Query) -> str | None:
    """Where the next page begins, with a mark of the query that it belongs to.

    >>> query = Query(type="message.sent")
    >>> cursor = cursor_of(Results(found=(), before=7), query)
    >>> position(cursor, query)
    7
    """
    if page.before is None:
        return None
    return urlsafe_b64encode(page.before.to_bytes(8, "big") + _mark(page.before, query)).decode().rstrip("=")


def position(cursor: str | None, query: Query) -> int | None:
    """Where a page begins. Raises RequestError for a cursor that is none, or of another query.

    >>> position("AAAAAAAAAAcAAAAAAAAAAA", Query())
    Traceback (most recent call last):
    ...
    trustward.base.errors.RequestError: TW-630: the cursor does not belong to this query ...
    """
    if cursor is None:
        return None
    try:
        data = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    except ValueError:
        data = b""
    before = int.from_bytes(data[:8], "big")
    if len(data) != 16 or data[8:] != _mark(before, query):
        raise RequestError(
            "the cursor does not belong to this query",
            remedy="send next of the page before as it came, with the same parameters; or begin without a cursor",
        )
    return before


def _mark(before: int, query: Query) -> bytes:
    return blake2b(msgspec.json.encode((before, query)), digest_size=8).digest()


def check_names(request: Request[Any, Any, Any], known: Sequence[str]) -> None:
    """See that a request has no parameter that its route does not know, or one twice. Raises RequestError."""
    seen: set[str] = set()
    for name, _ in request.query_params.multi_items():
        if name not in known:
            near = nearest(name, known)
            hint = f"did you mean {near}?" if near else f"one of: {', '.join(known)}"
            raise RequestError(f"no such parameter: {name[:60]!r}", remedy=hint)
        if name in seen:
            raise RequestError(f"{name} is there twice", remedy="give it once")
        seen.add(name)


def _known(parameter: str, value: str, names: Sequence[str]) -> str:
    if value and value not in names:
        near = nearest(value, names)
        hint = f"did you mean {near}?" if near else f"one of: {', '.join(names[:40])}"
        raise RequestError(f"{parameter}: no such name: {value[:60]!r}", remedy=hint)
    return value


def time_of(parameter: str, text: str) -> int | None:
    """A time that a parameter gives; None if it is empty. Raises RequestError."""
    if not text:
        return None
    try:
        return parse_time(text)
    except ValueError as fault:
        raise RequestError(f"{parameter}: {fault}", remedy="write it like 2026-01-31T12:00:00Z") from fault
