"""An order as it is sent in, over HTTP or from a file."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from trustward.base.errors import RecordError
from trustward.base.units import parse_duration, parse_time
from trustward.model.directive import MOST_COPIES, MOST_TARGETS, TEXT_LIMIT, Role, Similar, Type

Name = Annotated[str, Meta(min_length=1, max_length=200)]
Words = Annotated[str, Meta(max_length=TEXT_LIMIT)]
Base64 = Annotated[str, Meta(max_length=8_000_000)]


class TargetIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that an order is about. ``do`` and ``lasts`` are for what the order says itself."""

    kind: Annotated[str, Meta(min_length=1, max_length=40)]
    entity: Annotated[str, Meta(min_length=1, max_length=512)]
    do: Annotated[str, Meta(max_length=40)] = ""
    lasts: Annotated[str, Meta(max_length=20)] = ""
    note: Annotated[str, Meta(max_length=200)] = ""


class CopyIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something whose copies are kept out: a text, or a picture by its hash. Links are targets."""

    kind: Literal["text", "image"]
    value: Annotated[str, Meta(min_length=1, max_length=TEXT_LIMIT)]


class ClockIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A clock of the order: due when the order says so; ``role``: what ends it, if not what usually does."""

    clock: Name
    due: str | None = None
    role: Role | None = None
    title: Annotated[str, Meta(max_length=200)] = ""


class OrderIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An order as it came. ``document`` and ``signature`` are in base64."""

    issuer: Annotated[str, Meta(min_length=1, max_length=64)]
    reference: Name
    basis: Name
    type: Type
    targets: Annotated[tuple[TargetIn, ...], Meta(max_length=MOST_TARGETS)] = ()
    copies: Annotated[tuple[CopyIn, ...], Meta(max_length=MOST_COPIES)] = ()
    clocks: Annotated[tuple[ClockIn, ...], Meta(max_length=50)] = ()
    similar: Similar = "none"
    title: Annotated[str, Meta(max_length=200)] = ""
    text: Words = ""
    market: Annotated[str, Meta(max_length=16)] = ""
    territory: Annotated[tuple[Annotated[str, Meta(max_length=16)], ...], Meta(max_length=50)] = ()
    secret: bool = False
    withhold: bool = False
    served: str | None = None
    until: str | None = None
    channel: Annotated[str, Meta(max_length=200)] = ""
    document: Base64 = ""
    signature: Annotated[str, Meta(max_length=10_000)] = ""


def time_in(text: str | None, path: str) -> int | None:
    """A time in microseconds. Raises RecordError."""
    if text is None:
        return None
    try:
        return parse_time(text)
    except ValueError as fault:
        raise RecordError(f"{path}: {fault}", path=path, remedy="write it like 2027-01-31T12:00:00Z") from fault


def lasts_in(text: str, path: str) -> int | None:
    """A duration in microseconds; None for an empty one. Raises RecordError."""
    if not text:
        return None
    try:
        found = parse_duration(text)
    except ValueError as fault:
        raise RecordError(f"{path}: {fault}", path=path, remedy="write it like 7d") from fault
    if found <= 0:
        raise RecordError(f"{path}: must be more than 0", path=path, remedy="write it like 7d")
    return found
