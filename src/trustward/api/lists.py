"""Lists: look, put on, take off, import and export as text, CSV and JSON. Every entry has origin, reason and expiry."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal

import msgspec
from litestar import Request, Response, delete, get, post, put
from litestar.params import FromPath, FromQuery, QueryParameter
from msgspec import Meta

from trustward.api.auth import caller_of, person_of, sees_secrets
from trustward.api.bodies import media_type, whole
from trustward.api.changing import TEXT_LIMIT, Reason, Said, clean, expiry, read_json
from trustward.api.looking import check_value
from trustward.api.service import Service
from trustward.base.clock import now_us
from trustward.base.errors import NotFoundError, RecordError, RequestError
from trustward.base.units import format_time
from trustward.engine.state import FOREVER
from trustward.model.changes import CHANGE_LIMIT, ListChange, check_named
from trustward.model.event import ENTITY_LIMIT
from trustward.model.nearest import NameIndex
from trustward.model.shapes import remedy_for
from trustward.model.stored import ListEntry

Value = Annotated[str, Meta(min_length=1, max_length=ENTITY_LIMIT)]
_COLUMNS = ("value", "expires", "origin", "reason")
_PAGE = 1_000
_FORMATS = ("application/json", "text/csv", "text/plain")


class EntriesWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Values to put on a list, until ``expires`` (null: for good), on whose word and why."""

    values: Annotated[tuple[Value, ...], Meta(min_length=1, max_length=CHANGE_LIMIT)]
    expires: str | None = None
    origin: Said = ""
    reason: Reason


class EntryIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One entry of an import; what it does not say is taken from the import's parameters."""

    value: Value
    expires: str | None = None
    origin: Said = ""
    reason: Said = ""


class EntryOut(msgspec.Struct, frozen=True, kw_only=True):
    """A value on a list. ``origin`` is ``policy`` for one that the policy's own sources have."""

    value: str
    expires: str | None
    origin: str
    reason: str
    actor: str
    at: str | None


class Changed(msgspec.Struct, frozen=True, kw_only=True):
    """So many values, on disk; ``entry`` is the journal's last entry about them."""

    values: int
    entry: int


class ListTold(msgspec.Struct, frozen=True, kw_only=True):
    """A list: what it holds (a kind of entity, or text) and how many values at present."""

    name: str
    kind: str
    values: int


class Names(msgspec.Struct, frozen=True, kw_only=True):
    """All lists of the live policy."""

    lists: tuple[ListTold, ...]


class Entries(msgspec.Struct, frozen=True, kw_only=True):
    """A page of a list, in order of the values; ``next`` goes into ``after`` for the next page, null at the end."""

    entries: tuple[EntryOut, ...]
    next: str | None


@get("/v1/lists", opt={"scope": "read"}, sync_to_thread=True, summary="All lists")
def names(request: Request[Any, Any, Any]) -> Names:
    """The lists of the live policy."""
    service: Service = request.app.state.service
    now = now_us()
    counts = service.wait(service.host.ask(lambda e: {n: list(values.values()) for n, values in e.state.lists.items()}))
    specs = service.live().lists
    return Names(
        lists=tuple(
            ListTold(name=name, kind=spec.kind, values=sum(until > now for until in counts.get(name, ())))
            for name, spec in sorted(specs.items())
        )
    )


@get("/v1/lists/{name:str}/entries", opt={"scope": "read"}, sync_to_thread=True, summary="A list's entries")
def entries(
    request: Request[Any, Any, Any],
    name: FromPath[str],
    after: Annotated[str, QueryParameter(description="Go on after this value.")] = "",
    limit: Annotated[int, QueryParameter(ge=1, le=10_000)] = 1_000,
) -> Entries:
    """One page of a list."""
    service: Service = request.app.state.service
    held = _held(service, name)
    chosen = sorted(value for value in held if value > after)[: limit + 1]
    told = tuple(_told(service, name, held, chosen[:limit], after))
    return Entries(entries=told, next=chosen[limit - 1] if len(chosen) > limit else None)


@get(
    "/v1/lists/{name:str}/export",
    opt={"scope": "read"},
    sync_to_thread=True,
    summary="A whole list as text, CSV or JSON",
)
def export(
    request: Request[Any, Any, Any], name: FromPath[str], format: FromQuery[Literal["json", "csv", "text"]] = "json"
) -> Response[bytes]:
    """All values of a list; what is exported can be imported."""
    service: Service = request.app.state.service
    held = _held(service, name)
    ordered = sorted(held)
    if format == "text":
        if any(not _is_line(value) for value in ordered):
            raise RequestError(
                "a value begins with # or has white space around it: it is no line",
                remedy="ask for csv or json",
            )
        return Response("".join(f"{value}\n" for value in ordered).encode(), media_type="text/plain")
    told = _told(service, name, held, ordered)
    if format == "csv":
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(_COLUMNS)
        writer.writerows((one.value, one.expires or "", one.origin, one.reason) for one in told)
        return Response(out.getvalue().encode(), media_type="text/csv")
    rows = [EntryIn(value=one.value, expires=one.expires, origin=one.origin, reason=one.reason) for one in told]
    return Response(msgspec.json.encode(rows), media_type="application/json")


def _is_line(value: str) -> bool:
    """Whether a value comes back from a line of text as it is."""
    return value == value.strip() and not value.startswith(("#", "\ufeff"))


def _held(service: Service, name: str) -> dict[str, int]:
    """What is on a list now, and until when."""
    _known(service, name)
    now = now_us()
    values = service.wait(service.host.ask(lambda engine: dict(engine.state.lists.get(name, {}))))
    return {value: until for value, until in values.items() if until > now}


def _known(service: Service, name: str) -> None:
    lists = service.live().lists
    if name not in lists:
        near = NameIndex(lists).nearest(name)
        hint = f"did you mean {near}?" if near else "a list is made by the policy: lists/NAME.txt"
        raise NotFoundError(f"the live policy has no such list: {name[:80]}", remedy=hint)


def _told(
    service: Service, name: str, held: Mapping[str, int], ordered: Iterable[str], after: str = ""
) -> Iterator[EntryOut]:
    """The entries of these values, in order, with their records where there are any."""
    records = _records(service, name, after)
    record = next(records, None)
    for value in ordered:
        while record is not None and record.value < value:
            record = next(records, None)
        mine = record if record is not None and record.value == value and record.present else None
        until = held[value]
        yield EntryOut(
            value=value,
            expires=None if until >= FOREVER else format_time(until),
            origin=mine.origin if mine is not None else "policy",
            reason=mine.reason if mine is not None else "",
            actor=mine.actor if mine is not None else "",
            at=format_time(mine.at_us) if mine is not None else None,
        )


def _records(service: Service, name: str, after: str) -> Iterator[ListEntry]:
    while page := service.store.kept.list_entries(name, after, _PAGE):
        yield from sorted(page, key=lambda entry: entry.value)
        after = page[-1].value


@put("/v1/lists/{name:str}/entries", opt={"scope": "change"}, summary="Put values on a list")
async def put_entries(request: Request[Any, Any, Any], name: FromPath[str]) -> Changed:
    """Up to 10,000 values; they count from the next event on."""
    service: Service = request.app.state.service
    wanted: EntriesWanted = await read_json(request, EntriesWanted, service.settings.import_bytes)
    for at, value in enumerate(wanted.values):
        _check(value, f"$.values[{at}]", name)
    await service.aside(_known, service, name)
    until_us = expiry(wanted.expires)
    if until_us is not None:
        await service.aside(_kept, request, name, wanted.values, until_us)
    change = ListChange(
        actor=caller_of(request).actor,
        list=name,
        put=wanted.values,
        expires_us=until_us,
        origin=clean(wanted.origin, "$.origin"),
        reason=clean(wanted.reason, "$.reason"),
    )
    return Changed(values=len(wanted.values), entry=await service.changed(change))


@delete("/v1/lists/{name:str}/entries", opt={"scope": "change"}, status_code=200, summary="Take values off a list")
async def delete_entries(
    request: Request[Any, Any, Any],
    name: FromPath[str],
    value: Annotated[list[str], QueryParameter(min_items=1, max_items=1_000, description="May be given repeatedly.")],
    reason: Annotated[str, QueryParameter(min_length=1, max_length=TEXT_LIMIT)],
    origin: Annotated[str, QueryParameter(max_length=TEXT_LIMIT)] = "",
) -> Changed:
    """Also values that the policy's own sources have; not what a measure or an order keeps there."""
    service: Service = request.app.state.service
    for text in (*value, reason):
        check_value(text)
    await service.aside(_known, service, name)
    await service.aside(_kept, request, name, value, 0)
    await service.aside(service.operations.keeping.note, name, value, person_of(request), reason)
    change = ListChange(
        actor=caller_of(request).actor, list=name, gone=tuple(value), origin=clean(origin, "origin"), reason=reason
    )
    return Changed(values=len(value), entry=await service.changed(change))


@post("/v1/lists/{name:str}/import", opt={"scope": "change"}, status_code=200, summary="Import text, CSV or JSON")
async def import_(
    request: Request[Any, Any, Any],
    name: FromPath[str],
    reason: Annotated[str, QueryParameter(min_length=1, max_length=TEXT_LIMIT, description="Where an entry has none.")],
    origin: Annotated[str, QueryParameter(max_length=TEXT_LIMIT)] = "",
    expires: FromQuery[str | None] = None,
) -> Changed:
    """One value a line, CSV with a line of names (value, expires, origin, reason), or a JSON array of entries.

    The whole is checked before anything is changed.
    """
    service: Service = request.app.state.service
    kind = media_type(request, _FORMATS)
    body = await whole(request, service.settings.import_bytes, service.settings.wait_s)
    base = EntryIn(value="-", expires=expires, origin=clean(origin, "origin"), reason=clean(reason, "reason"))
    grouped = await service.aside(_grouped, kind, body, base, name)
    await service.aside(_known, service, name)
    for (until_us, _, _), values in grouped.items():
        if until_us is not None:
            await service.aside(_kept, request, name, values, until_us)
    actor = caller_of(request).actor
    entry = count = 0
    for changes in _together(
        ListChange(
            actor=actor,
            list=name,
            put=tuple(values[start : start + CHANGE_LIMIT]),
            expires_us=until,
            origin=said,
            reason=why,
        )
        for (until, said, why), values in grouped.items()
        for start in range(0, len(values), CHANGE_LIMIT)
    ):
        entry = await service.changed_all(changes)
        count += sum(len(change.put) for change in changes)
    return Changed(values=count, entry=entry)


def _kept(request: Request[Any, Any, Any], name: str, values: Sequence[str], until_us: int) -> None:
    """See that nothing is taken off, or ends sooner, that a measure or an order keeps on a list. Raises StepError."""
    service: Service = request.app.state.service
    service.operations.keeping.check(name, values, until_us, secret=sees_secrets(request))


def _together(changes: Iterable[ListChange]) -> Iterator[list[ListChange]]:
    """As many changes as one may have values: each by itself would wait for a commit of its own."""
    held: list[ListChange] = []
    count = 0
    for change in changes:
        if held and count + len(change.put) > CHANGE_LIMIT:
            yield held
            held, count = [], 0
        held.append(change)
        count += len(change.put)
    if held:
        yield held


def _grouped(kind: str, body: bytes, base: EntryIn, name: str) -> dict[tuple[int | None, str, str], list[str]]:
    """The values of an import, gathered by what is said of them. Raises RecordError, RequestError."""
    times: dict[str, int | None] = {}
    said: dict[str, tuple[int | None, str, str]] = {}
    for place, entry in _read(kind, body):
        _check(entry.value, f"{place}.value", name)
        text = entry.expires or base.expires
        if text is not None and text not in times:
            times[text] = expiry(text, f"{place}.expires")
        key = (
            times[text] if text is not None else None,
            clean(entry.origin, f"{place}.origin") or base.origin,
            clean(entry.reason, f"{place}.reason") or base.reason,
        )
        said[entry.value] = key  # of a value that comes twice the last word counts
    grouped: dict[tuple[int | None, str, str], list[str]] = {}
    for value, key in said.items():
        grouped.setdefault(key, []).append(value)
    if not grouped:
        raise RequestError("there is nothing to import", remedy="send at least one value")
    return grouped


def _check(value: str, path: str, name: str) -> None:
    check_named(name, value, path=path)
    try:
        check_value(value)
    except RequestError as fault:
        raise RecordError(f"{path}: {fault.message}", path=path, remedy=fault.remedy) from fault


def _read(kind: str, body: bytes) -> Iterator[tuple[str, EntryIn]]:
    """The entries of a body, each with its place."""
    try:
        if kind == "application/json":
            for number, entry in enumerate(msgspec.json.decode(body, type=list[EntryIn])):
                yield f"$[{number}]", entry
            return
        text = body.decode("utf-8-sig")
    except msgspec.ValidationError as fault:
        raise RecordError(
            str(fault),
            path=str(fault).partition("at `")[2].rstrip("`") or "$",
            remedy=remedy_for(list[EntryIn], body, fault),
        ) from fault
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as fault:
        raise RecordError(f"not readable as {kind}: {fault}"[:300], remedy="send UTF-8") from fault
    if kind == "text/plain":
        # Only at line feeds: other separators may be part of a value.
        for number, line in enumerate(text.split("\n"), 1):
            if line.strip() and not line.startswith("#"):
                yield f"line {number}", EntryIn(value=line.strip())
        return
    yield from _rows(text)


def _rows(text: str) -> Iterator[tuple[str, EntryIn]]:
    reader = csv.DictReader(io.StringIO(text), strict=True)
    try:
        head = reader.fieldnames or ()
        if "value" not in head or not set(head) <= set(_COLUMNS) or len(set(head)) != len(head):
            raise RecordError(
                "line 1: the columns are value and, if wanted, expires, origin, reason, each once",
                path="line 1",
                remedy="begin with a line of these names",
            )
        for row in reader:
            place = f"line {reader.line_num}"
            if None in row or None in row.values():
                raise RecordError(f"{place}: another number of columns than line 1", path=place, remedy="mend the line")
            fields = {name: value for name, value in row.items() if value or name == "value"}
            yield place, EntryIn(**fields)
    except csv.Error as fault:
        raise RecordError(
            f"line {reader.line_num}: {fault}", path=f"line {reader.line_num}", remedy="mend it"
        ) from fault
