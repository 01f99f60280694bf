"""The audit: who did what to what, the newest first."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Request, get
from litestar.params import QueryParameter

from trustward.api.auth import sees_secrets
from trustward.api.searching import check_names, time_of
from trustward.api.service import Service
from trustward.base.errors import ForbiddenError
from trustward.exchange.shown import shown
from trustward.model.stored import AuditQuery, AuditRow

_PARAMETERS = ("actor", "action", "subject", "from", "to", "secret", "limit", "cursor")


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was done. ``entry`` is the journal's, where the change has one; ``detail`` hangs on the action."""

    number: int
    at: str
    actor: str
    action: str
    subject: str
    entry: int | None
    detail: dict[str, Any]


class AuditPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page, the newest first; ``next`` goes into ``cursor`` for the next page, null at the end."""

    audit: tuple[AuditEntry, ...]
    next: int | None


def entry_of(row: AuditRow) -> AuditEntry:
    """A row of the audit, as it is told."""
    return shown(AuditEntry, row, entry=row.seq, detail=msgspec.json.decode(row.detail, type=dict[str, Any]))


@get("/v1/audit", opt={"scope": "audit"}, sync_to_thread=True, summary="Who did what to what, the newest first")
def audit(  # noqa: PLR0913, PLR0917 - one argument a parameter of the request
    request: Request[Any, Any, Any],
    actor: Annotated[str, QueryParameter(max_length=400, description="Who did it, such as user:u1 or key:k1.")] = "",
    action: Annotated[
        str,
        QueryParameter(max_length=100, description="What was done: key.created, or key for all about keys."),
    ] = "",
    subject: Annotated[str, QueryParameter(max_length=400, description="To what, such as user:u1 or duty:d1.")] = "",
    from_: Annotated[str, QueryParameter(name="from", description="Done at this time or later (RFC 3339).")] = "",
    to: Annotated[str, QueryParameter(description="Done before this time.")] = "",
    secret: Annotated[bool, QueryParameter(description="The book of what an order keeps secret.")] = False,  # noqa: FBT002
    limit: Annotated[int, QueryParameter(ge=1, le=500, description="How many rows a page has at most.")] = 50,
    cursor: Annotated[int | None, QueryParameter(ge=1, le=2**62, description="next of the page before.")] = None,
) -> AuditPage:
    """Rows that fit all of what is asked. What an order keeps secret lies in a book of its own (scope secret)."""
    check_names(request, _PARAMETERS)
    service: Service = request.app.state.service
    if secret and not sees_secrets(request):
        raise ForbiddenError("the key has not the scope secret", remedy="use a key that has it")
    begin, end = time_of("from", from_), time_of("to", to)
    query = AuditQuery(
        actor=actor,
        action=action,
        subject=subject,
        from_us=-(2**62) if begin is None else begin,
        to_us=2**62 if end is None else end,
        secret=sees_secrets(request),
        hidden=secret,
    )
    found = service.store.audit.find(query, cursor, limit)
    return AuditPage(
        audit=tuple(entry_of(row) for row in found), next=found[-1].number if len(found) == limit else None
    )
