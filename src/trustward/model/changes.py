"""What people and feeds change by hand. A change is an entry of the journal: it counts from the next event on."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from trustward.base.errors import RecordError

CHANGE_LIMIT = 10_000
"""Most values in one change of a list: an import of more comes as several changes."""
NAMED_BYTES = 2_400
"""The most bytes of what a change names (an entity and its label, a list and one value): a key of the database."""


class _Change(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Who changed it, on whose word (``origin``: a person, a feed, an order), and why."""

    actor: str
    origin: str = ""
    reason: str = ""


class LabelChange(_Change, frozen=True, kw_only=True, tag="label"):
    """A person's word on a label: it is there (True), must not be (False), or nothing is said any more (None).

    ``expires_us`` is in microseconds since 1970; None: never.
    """

    kind: str
    entity: str
    label: str
    present: bool | None = True
    expires_us: int | None = None


class ListChange(_Change, frozen=True, kw_only=True, tag="list"):
    """Values put on a list (until ``expires_us``; None: for good) and values taken off it."""

    list: str
    put: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    expires_us: int | None = None


class SnoozeChange(_Change, frozen=True, kw_only=True, tag="snooze"):
    """A rule is silenced for one entity until ``until_us``; 0 ends it at once."""

    rule: str
    kind: str
    entity: str
    until_us: int


class PolicyChange(_Change, frozen=True, kw_only=True, tag="policy"):
    """A stored policy gets a mode. Putting one live takes the place of the one that was.

    Where its windows differ from those before, they are filled from the journal's entries after ``warm_after``.
    With ``base`` it is made only if that policy is live when its turn comes.
    """

    policy: str
    mode: Literal["live", "shadow", "off"] = "live"
    warm_after: int = 0
    base: str = ""


Change: TypeAlias = LabelChange | ListChange | SnoozeChange | PolicyChange


def check_change(change: Change) -> None:
    """See that what a change names can be kept, before anything is done. Raises RecordError.

    >>> check_change(ListChange(actor="kim", list="partners", put=("a" * 3_000,)))
    Traceback (most recent call last):
    ...
    trustward.base.errors.RecordError: TW-310: $.value: it has 3,008 bytes with its name, and may have 2,400 (...)
    """
    match change:
        case ListChange():
            for value in (*change.put, *change.gone):
                check_named(change.list, value)
        case LabelChange():
            check_named(change.kind, change.entity, change.label, path="$.entity")
        case SnoozeChange():
            check_named(change.rule, change.kind, change.entity, path="$.entity")


def check_named(*names: str, path: str = "$.value") -> None:
    """See that some names together can be a key: not too long, and without NUL. Raises RecordError."""
    if any("\0" in name for name in names):
        raise RecordError(f"{path}: a control character", path=path, remedy="take it out")
    if sum(map(len, names)) * 4 <= NAMED_BYTES:  # a letter has four bytes at most
        return
    size = sum(len(name.encode("utf-8", "surrogatepass")) for name in names)
    if size > NAMED_BYTES:
        raise RecordError(
            f"{path}: it has {size:,} bytes with its name, and may have {NAMED_BYTES:,}",
            path=path,
            remedy="name something shorter, such as the domain of a link",
        )


def encode_change(change: Change) -> bytes:
    """A change as compact JSON."""
    return msgspec.json.encode(change)


def decode_change(data: bytes) -> Change:
    """The change that :func:`encode_change` wrote.

    >>> change = ListChange(actor="kim", list="partners", put=("a1",), reason="contract of May")
    >>> decode_change(encode_change(change)) == change
    True
    """
    change: Change = _DECODER.decode(data)
    return change


_DECODER: msgspec.json.Decoder[Change] = msgspec.json.Decoder(LabelChange | ListChange | SnoozeChange | PolicyChange)
