"""Clues, holds, requests and disclosures as callers read them: times in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from trustward.base.units import format_time
from trustward.exchange.shown import each_shown, in_words, shown
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


def clue_view(clue: Clue, missing: Sequence[str] = (), latency_us: int | None = None) -> ClueView:
    """A clue."""
    return shown(
        ClueView,
        clue,
        drafted=format_time(clue.at_us),
        authority=clue.authority.id,
        name=clue.authority.name,
        missing=tuple(missing),
        feedback_at=in_words(clue.feedback_us),
        latency_s=None if latency_us is None else latency_us / 1e6,
    )


def hold_view(hold: Hold) -> HoldView:
    """A hold."""
    return shown(HoldView, hold, placed=format_time(hold.at_us))


def request_view(asked: Asked) -> RequestView:
    """A request."""
    return shown(
        RequestView,
        asked,
        received=format_time(asked.at_us),
        starts=in_words(asked.from_us),
        ends=in_words(asked.to_us),
        verified=None if asked.verified is None else shown(VerifiedView, asked.verified),
        upto=None if asked.scope is None else asked.scope.upto,
    )


def disclosure_view(one: Disclosure) -> DisclosureView:
    """A disclosure."""
    return shown(DisclosureView, one)


def file_view(pages: Sequence[FilePage]) -> tuple[FilePageView, ...]:
    """A file."""
    return each_shown(FilePageView, pages)


def bundle_view(bundle: Bundle) -> BundleView:
    """A bundle."""
    return shown(BundleView, bundle, made=format_time(bundle.at_us))
