"""Clues, holds, requests and disclosures as callers read them: times in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from trustward.base.units import format_time
from trustward.model.authority import Facts
from trustward.model.bundle import Bundle
from trustward.model.clue import Clue
from trustward.model.dossier import FilePage, Pair
from trustward.model.hold import Hold
from trustward.model.request import Asked, Disclosure, Withheld


class ClueView(msgspec.Struct, frozen=True, kw_only=True):
    """A clue as it stands. ``missing`` is what its form still lacks; ``latency_s`` how long the duty took."""

    id: str
    state: str
    drafted: str
    authority: str
    name: str
    kind: str
    entity: str
    case: str
    entities: tuple[Pair, ...]
    decisions: tuple[int, ...]
    facts: Facts
    summary: str
    fields: dict[str, str]
    missing: tuple[str, ...]
    why: tuple[str, ...]
    of: str
    writers: tuple[str, ...]
    approved_by: str
    bundle: str
    sent: str | None
    sent_as: str
    receipt: str
    received: str | None
    feedback: str | None
    feedback_at: str | None
    duty: str
    more: str
    latency_s: float | None
    version: int


class HoldView(msgspec.Struct, frozen=True, kw_only=True):
    """A hold as it stands."""

    id: str
    state: str
    placed: str
    until: str | None
    entities: tuple[Pair, ...]
    linked: bool
    basis: str
    by: str
    actor: str
    cause: str
    market: str
    secret: bool
    extended: int
    ended: str | None
    why: str
    duty: str
    version: int


class VerifiedView(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a request is genuine: who has found out, how, when."""

    genuine: bool
    actor: str
    at: str
    how: str


class RequestView(msgspec.Struct, frozen=True, kw_only=True):
    """A request as it stands. ``upto`` is the last entry of the journal that was looked at for the answer."""

    id: str
    state: str
    received: str
    by: str
    contact: str
    basis: str
    reference: str
    entities: tuple[Pair, ...]
    data: tuple[str, ...]
    text: str
    starts: str | None
    ends: str | None
    market: str
    cause: str
    emergency: bool
    secret: bool
    target: str
    duties: tuple[str, ...]
    verified: VerifiedView | None
    bundle: str
    upto: int | None
    withheld: tuple[Withheld, ...]
    answered: str | None
    reasons: str
    handed: str
    version: int


class DisclosureView(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was given away."""

    id: str
    at: str
    by: str
    basis: str
    actor: str
    cause: str
    entities: tuple[Pair, ...]
    what: str
    bundle: str
    secret: bool


class FilePageView(msgspec.Struct, frozen=True, kw_only=True):
    """A page of a file."""

    number: int
    at: str
    what: str
    actor: str
    said: str
    detail: dict[str, Any]


class BundleView(msgspec.Struct, frozen=True, kw_only=True):
    """Evidence: its digest (SHA-256), how large it is, how many files it has."""

    id: str
    record: str
    made: str
    size: int
    files: int


def _time(at_us: int | None) -> str | None:
    return None if at_us is None else format_time(at_us)


def clue_view(clue: Clue, missing: Sequence[str] = (), latency_us: int | None = None) -> ClueView:
    """A clue."""
    return ClueView(
        id=clue.id,
        state=clue.state,
        drafted=format_time(clue.at_us),
        authority=clue.authority.id,
        name=clue.authority.name,
        kind=clue.kind,
        entity=clue.entity,
        case=clue.case,
        entities=clue.entities,
        decisions=clue.decisions,
        facts=clue.facts,
        summary=clue.summary,
        fields=clue.fields,
        missing=tuple(missing),
        why=clue.why,
        of=clue.of,
        writers=clue.writers,
        approved_by=clue.approved_by,
        bundle=clue.bundle,
        sent=_time(clue.sent_us),
        sent_as=clue.sent_as,
        receipt=clue.receipt,
        received=_time(clue.received_us),
        feedback=clue.feedback,
        feedback_at=_time(clue.feedback_us),
        duty=clue.duty,
        more=clue.more,
        latency_s=None if latency_us is None else latency_us / 1e6,
        version=clue.version,
    )


def hold_view(hold: Hold) -> HoldView:
    """A hold."""
    return HoldView(
        id=hold.id,
        state=hold.state,
        placed=format_time(hold.at_us),
        until=_time(hold.until_us),
        entities=hold.entities,
        linked=hold.linked,
        basis=hold.basis,
        by=hold.by,
        actor=hold.actor,
        cause=hold.cause,
        market=hold.market,
        secret=hold.secret,
        extended=hold.extended,
        ended=_time(hold.ended_us),
        why=hold.why,
        duty=hold.duty,
        version=hold.version,
    )


def request_view(asked: Asked) -> RequestView:
    """A request."""
    found = asked.verified
    return RequestView(
        id=asked.id,
        state=asked.state,
        received=format_time(asked.at_us),
        by=asked.by,
        contact=asked.contact,
        basis=asked.basis,
        reference=asked.reference,
        entities=asked.entities,
        data=asked.data,
        text=asked.text,
        starts=_time(asked.from_us),
        ends=_time(asked.to_us),
        market=asked.market,
        cause=asked.cause,
        emergency=asked.emergency,
        secret=asked.secret,
        target=asked.target,
        duties=asked.duties,
        verified=None
        if found is None
        else VerifiedView(genuine=found.genuine, actor=found.actor, at=format_time(found.at_us), how=found.how),
        bundle=asked.bundle,
        upto=None if asked.scope is None else asked.scope.upto,
        withheld=asked.withheld,
        answered=_time(asked.answered_us),
        reasons=asked.reasons,
        handed=asked.handed,
        version=asked.version,
    )


def disclosure_view(one: Disclosure) -> DisclosureView:
    """A disclosure."""
    return DisclosureView(
        id=one.id,
        at=format_time(one.at_us),
        by=one.by,
        basis=one.basis,
        actor=one.actor,
        cause=one.cause,
        entities=one.entities,
        what=one.what,
        bundle=one.bundle,
        secret=one.secret,
    )


def file_view(pages: Sequence[FilePage]) -> tuple[FilePageView, ...]:
    """A file."""
    return tuple(
        FilePageView(
            number=page.number,
            at=format_time(page.at_us),
            what=page.what,
            actor=page.actor,
            said=page.said,
            detail=page.detail,
        )
        for page in pages
    )


def bundle_view(bundle: Bundle) -> BundleView:
    """A bundle."""
    return BundleView(
        id=bundle.id,
        record=bundle.record,
        made=format_time(bundle.at_us),
        size=bundle.size,
        files=bundle.files,
    )
