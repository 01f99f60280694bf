"""Rectification notices, implementation directives and campaigns over HTTP."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Request, get, post
from litestar.params import FromPath, QueryParameter
from msgspec import Meta

from trustward.api.auth import check_secret, person_of, sees_secrets
from trustward.api.changing import read_json
from trustward.api.service import Service
from trustward.exchange.order_in import time_in
from trustward.exchange.order_view import OrderPageView, ProgrammeView, order_pages_view, programme_view
from trustward.model.programme import MOST_ITEMS, Kind, Programme
from trustward.operations.programmes import ItemWanted, Programmes, ProgrammeWanted
from trustward.operations.reading import pages_of

PAGE = 200
_LARGE = 1_000_000
Needed = Annotated[str, Meta(min_length=1, max_length=4_000)]
Name = Annotated[str, Meta(min_length=1, max_length=200)]
Words = Annotated[str, Meta(max_length=4_000)]
Number = Annotated[int, Meta(ge=1, le=MOST_ITEMS)]
Refs = Annotated[tuple[Annotated[str, Meta(max_length=300)], ...], Meta(max_length=50)]


class ItemIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A finding, a measure or a stage, with the time that it has."""

    title: Name
    obligation: Annotated[str, Meta(max_length=64)] = ""
    stage: Annotated[str, Meta(max_length=64)] = ""
    due: str | None = None
    clock: Annotated[str, Meta(max_length=200)] = ""
    text: Words = ""


class ProgrammeIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A programme as it came; ``progress``: when its progress is to be told."""

    kind: Kind
    issuer: Annotated[str, Meta(min_length=1, max_length=64)]
    reference: Name
    basis: Annotated[str, Meta(max_length=200)] = ""
    title: Name
    items: Annotated[tuple[ItemIn, ...], Meta(max_length=MOST_ITEMS)] = ()
    progress: Annotated[tuple[str, ...], Meta(max_length=100)] = ()
    market: Annotated[str, Meta(max_length=16)] = ""
    scope: Words = ""
    secret: bool = False


class _Step(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="step"):
    """A step of a programme."""


class AddItem(_Step, frozen=True, kw_only=True, tag="add"):
    """A further item, such as a finding of one's own."""

    item: ItemIn


class Remedy(_Step, frozen=True, kw_only=True, tag="remedy"):
    """An item is put right, and this shows it."""

    item: Number
    said: Needed
    refs: Refs


class Attest(_Step, frozen=True, kw_only=True, tag="attest"):
    """Another officer stands for it."""

    item: Number
    said: Needed
    refs: Refs = ()


class SendBack(_Step, frozen=True, kw_only=True, tag="send_back"):
    """It is not right yet."""

    item: Number
    reason: Needed


class CloseItem(_Step, frozen=True, kw_only=True, tag="close_item"):
    """The authority has closed it, or been told."""

    item: Number
    said: Needed
    refs: Refs = ()


class ExtendItem(_Step, frozen=True, kw_only=True, tag="extend"):
    """The authority has given more time for an item."""

    item: Number
    until: str
    authority: Name
    reason: Needed


class ProgressStep(_Step, frozen=True, kw_only=True, tag="progress"):
    """Tell the authority how far it is."""

    said: Needed
    refs: Refs = ()


class CloseAll(_Step, frozen=True, kw_only=True, tag="close"):
    """All of it is done: the result."""

    said: Needed
    refs: Refs = ()


class WithdrawAll(_Step, frozen=True, kw_only=True, tag="withdraw"):
    """The authority has taken it back."""

    reason: Needed


class NoteAll(_Step, frozen=True, kw_only=True, tag="note"):
    """A page for its file."""

    said: Needed
    refs: Refs = ()


ItemStep = AddItem | Remedy | Attest | SendBack | CloseItem | ExtendItem
WholeStep = ProgressStep | CloseAll | WithdrawAll | NoteAll
ProgrammeStep = ItemStep | WholeStep


class ProgrammesTold(msgspec.Struct, frozen=True, kw_only=True):
    """Programmes; ``next`` goes into ``after`` for the next page, null at the end."""

    programmes: tuple[ProgrammeView, ...]
    next: str | None


class ProgrammeTold(msgspec.Struct, frozen=True, kw_only=True):
    """A programme with its file."""

    programme: ProgrammeView
    file: tuple[OrderPageView, ...]


def _story(request: Request[Any, Any, Any]) -> Programmes:
    service: Service = request.app.state.service
    return service.operations.programmes


def _item(one: ItemIn, path: str) -> ItemWanted:
    return ItemWanted(
        title=one.title,
        obligation=one.obligation,
        stage=one.stage,
        due_us=time_in(one.due, f"{path}.due"),
        clock=one.clock,
        text=one.text,
    )


@post("/v1/programmes", opt={"scope": "operate"}, status_code=201, summary="Take a notice or a campaign in")
async def open_programme(request: Request[Any, Any, Any]) -> ProgrammeView:
    """Each item's clock runs from now on. The same once more gives the first answer."""
    wanted: ProgrammeIn = await read_json(request, ProgrammeIn, _LARGE)
    check_secret(request, secret=wanted.secret)
    times = [time_in(text, f"$.progress[{at}]") for at, text in enumerate(wanted.progress)]
    made = ProgrammeWanted(
        kind=wanted.kind,
        issuer=wanted.issuer,
        reference=wanted.reference,
        basis=wanted.basis,
        title=wanted.title,
        items=tuple(_item(one, f"$.items[{at}]") for at, one in enumerate(wanted.items)),
        progress_us=tuple(at_us for at_us in times if at_us is not None),
        market=wanted.market,
        scope=wanted.scope,
        secret=wanted.secret,
    )
    service: Service = request.app.state.service
    return programme_view(await service.aside(_story(request).open, made, person_of(request)))


@get("/v1/programmes", opt={"scope": "read"}, sync_to_thread=True, summary="Notices and campaigns, page by page")
def programmes(
    request: Request[Any, Any, Any],
    kind: Annotated[Kind | None, QueryParameter(description="rectification, implementation or campaign.")] = None,
    after: Annotated[str, QueryParameter(max_length=200, description="The next of the page before.")] = "",
    limit: Annotated[int, QueryParameter(ge=1, le=PAGE)] = 50,
) -> ProgrammesTold:
    """By their ids. Secret ones are shown to keys with the scope secret."""
    found = _story(request).find(kind, after, limit, secret=sees_secrets(request))
    more = found[-1].id if len(found) == limit else None
    return ProgrammesTold(programmes=tuple(map(programme_view, found)), next=more)


@get("/v1/programmes/{programme_id:str}", opt={"scope": "read"}, sync_to_thread=True, summary="A notice or campaign")
def programme(request: Request[Any, Any, Any], programme_id: FromPath[str]) -> ProgrammeTold:
    """How it stands, item by item, with its file."""
    story = _story(request)
    found = story.get(programme_id, secret=sees_secrets(request))
    return ProgrammeTold(programme=programme_view(found), file=order_pages_view(pages_of(story.store, programme_id)))


@post("/v1/programmes/{programme_id:str}/steps", opt={"scope": "operate"}, status_code=200, summary="A step of one")
async def programme_step(request: Request[Any, Any, Any], programme_id: FromPath[str]) -> ProgrammeView:
    """Add, remedy, attest, send back, close or extend an item; tell progress; close, withdraw, note."""
    wanted: ProgrammeStep = await read_json(request, ProgrammeStep, _LARGE)
    service: Service = request.app.state.service
    story, actor = _story(request), person_of(request)
    await service.aside(story.get, programme_id, secret=sees_secrets(request))
    take = _whole if isinstance(wanted, WholeStep) else _part
    return programme_view(await service.aside(take, story, programme_id, actor, wanted))  # type: ignore[arg-type]


def _part(story: Programmes, id: str, actor: str, wanted: ItemStep) -> Programme:
    match wanted:
        case AddItem(item=item):
            return story.add(id, actor, _item(item, "$.item"))
        case Remedy(item=number, said=said, refs=refs):
            return story.remedy(id, actor, number, said, refs)
        case Attest(item=number, said=said, refs=refs):
            return story.attest(id, actor, number, said, refs)
        case SendBack(item=number, reason=reason):
            return story.send_back(id, actor, number, reason)
        case CloseItem(item=number, said=said, refs=refs):
            return story.close_item(id, actor, number, said, refs)
        case ExtendItem(item=number, until=until, authority=authority, reason=reason):
            until_us = time_in(until, "$.until")
            assert until_us is not None  # only None gives None
            return story.extend(id, actor, number, until_us=until_us, authority=authority, reason=reason)


def _whole(story: Programmes, id: str, actor: str, wanted: WholeStep) -> Programme:
    match wanted:
        case ProgressStep(said=said, refs=refs):
            return story.progress(id, actor, said, refs)
        case CloseAll(said=said, refs=refs):
            return story.close(id, actor, said, refs)
        case WithdrawAll(reason=reason):
            return story.withdraw(id, actor, reason)
        case NoteAll(said=said, refs=refs):
            return story.note(id, actor, said, refs)


HANDLERS = (open_programme, programmes, programme, programme_step)
"""The routes of programmes."""

BODIES: dict[tuple[str, str], tuple[Any, Any]] = {
    ("post", "/v1/programmes"): (
        ProgrammeIn,
        {
            "kind": "rectification",
            "issuer": "sg-competent-authority",
            "reference": "RN/2127/3",
            "basis": "Online Criminal Harms Act 2023, s 23",
            "title": "Failures found in the review",
            "items": [{"title": "Reports go unanswered", "obligation": "SG-OCC-3", "due": "2127-01-31T12:00:00Z"}],
        },
    ),
    ("post", "/v1/programmes/{programme_id}/steps"): (
        ProgrammeStep,
        {"step": "remedy", "item": 1, "said": "answers within a day", "refs": ["report:2127-02"]},
    ),
}
"""For each route with a body its shape, and an example."""
