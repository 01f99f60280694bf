"""Labels, changed by people: their word outranks a rule's."""

from __future__ import annotations

import re
from typing import Annotated, Any

import msgspec
from litestar import Request, delete, put
from litestar.params import FromQuery, QueryParameter
from msgspec import Meta

from trustward.api.auth import caller_of
from trustward.api.bodies import media_type, whole
from trustward.api.looking import check_entity
from trustward.api.service import Service
from trustward.base.clock import now_us
from trustward.base.errors import NotFoundError, RecordError, RequestError
from trustward.base.units import parse_time
from trustward.model.changes import LabelChange
from trustward.model.shapes import remedy_for

TEXT_LIMIT = 1_000
Said = Annotated[str, Meta(max_length=TEXT_LIMIT)]
Reason = Annotated[str, Meta(min_length=1, max_length=TEXT_LIMIT)]
_SMALL = 100_000
_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """A change is on disk: it counts from the journal's entry after ``entry`` on."""

    entry: int


class LabelWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A person's word on a label: it is there, or (``present`` false) it must not be, until ``expires``.

    ``origin`` says on whose word: a person, a report, an order.
    """

    kind: str
    entity: str
    label: Annotated[str, Meta(min_length=1, max_length=200)]
    present: bool = True
    expires: str | None = None
    origin: Said = ""
    reason: Reason


def expiry(text: str | None, path: str = "$.expires") -> int | None:
    """An expiry in microseconds. Raises RecordError for one that is none, or is over.

    >>> expiry(None) is None
    True
    """
    if text is None:
        return None
    try:
        at = parse_time(text)
    except ValueError as fault:
        raise RecordError(f"{path}: {fault}", path=path, remedy="write it like 2027-01-31T12:00:00Z") from fault
    if at <= now_us():
        raise RecordError(f"{path}: it is over already", path=path, remedy="give a time to come")
    return at


async def read_json(request: Request[Any, Any, Any], kind: Any, limit: int = _SMALL) -> Any:
    """A small JSON body as a record. Raises RecordError with the place of what is wrong."""
    service: Service = request.app.state.service
    media_type(request, ("application/json",))
    body = await whole(request, limit, service.settings.wait_s)
    try:
        found = msgspec.json.decode(body, type=kind)
        if b"\\u0000" in body or b"\0" in body:
            _check_nul(msgspec.json.decode(body), "$")
    except msgspec.ValidationError as fault:
        path = str(fault).partition(" - at `")[2]
        remedy = remedy_for(kind, body, fault)
        raise RecordError(str(fault), path=path.rstrip("`") or "$", remedy=remedy) from fault
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as fault:
        raise RecordError(f"$: not JSON: {fault}"[:300], path="$", remedy="send JSON") from fault
    return found


def _check_nul(found: Any, path: str) -> None:
    """See that no text has a NUL character, which not every database can keep. Raises RecordError."""
    if isinstance(found, dict):
        for name, value in found.items():
            _check_nul(name, path)
            _check_nul(value, f"{path}.{name}")
    elif isinstance(found, list):
        for at, value in enumerate(found):
            _check_nul(value, f"{path}[{at}]")
    elif isinstance(found, str) and "\0" in found:
        raise RecordError(f"{path}: a control character", path=path, remedy="take it out")


def clean(text: str, path: str) -> str:
    """A text that can be kept. Raises RecordError."""
    if any(character < " " or "\ud800" <= character <= "\udfff" for character in text):
        raise RecordError(f"{path}: a control character", path=path, remedy="take it out")
    return text


def check_id(text: str, remedy: str) -> str:
    """See that a text can be an id that the service has made. Raises NotFoundError.

    >>> check_id("5d41402abc4b2a76", "")
    '5d41402abc4b2a76'
    """
    if not _ID.fullmatch(text):
        raise NotFoundError(f"there is nothing with the id {text[:40]!a}", remedy=remedy)
    return text


@put("/v1/labels", opt={"scope": "change"}, summary="Set or forbid a label")
async def put_label(request: Request[Any, Any, Any]) -> Done:
    """A person's word on a label; it counts from the next event on."""
    wanted: LabelWanted = await read_json(request, LabelWanted)
    service: Service = request.app.state.service
    check_entity(service, wanted.kind, wanted.entity)
    change = LabelChange(
        actor=caller_of(request).actor,
        kind=wanted.kind,
        entity=wanted.entity,
        label=clean(wanted.label, "$.label"),
        present=wanted.present,
        expires_us=expiry(wanted.expires),
        origin=clean(wanted.origin, "$.origin"),
        reason=clean(wanted.reason, "$.reason"),
    )
    return Done(entry=await service.changed(change))


@delete("/v1/labels", opt={"scope": "change"}, status_code=200, summary="Take a person's word on a label back")
async def delete_label(
    request: Request[Any, Any, Any],
    kind: FromQuery[str],
    entity: Annotated[str, QueryParameter(description="The entity's id.")],
    label: Annotated[str, QueryParameter(min_length=1, max_length=200)],
    reason: Annotated[str, QueryParameter(min_length=1, max_length=TEXT_LIMIT)],
    origin: Annotated[str, QueryParameter(max_length=TEXT_LIMIT)] = "",
) -> Done:
    """The label goes; rules may set it again."""
    service: Service = request.app.state.service
    check_entity(service, kind, entity)
    for name, text in (("label", label), ("reason", reason), ("origin", origin)):
        if any(character < " " or "\ud800" <= character <= "\udfff" for character in text):
            raise RequestError(f"{name}: a control character", remedy="take it out")
    change = LabelChange(
        actor=caller_of(request).actor,
        kind=kind,
        entity=entity,
        label=label,
        present=None,
        origin=origin,
        reason=reason,
    )
    return Done(entry=await service.changed(change))
