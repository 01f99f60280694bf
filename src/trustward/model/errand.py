"""What the stories ask of the engine: an event to decide, a label or a list to change. Done by the engine's process."""

from __future__ import annotations

from typing import Literal

import msgspec

from trustward.model.changes import Change, encode_change


class Errand(msgspec.Struct, frozen=True, kw_only=True):
    """One such thing. ``id`` makes it one: doing it again changes nothing."""

    id: str
    at_us: int
    kind: Literal["event", "change"]
    body: bytes


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """How far a story has read the journal."""

    id: str
    version: int
    seq: int


def change_errand(id: str, change: Change, at_us: int) -> Errand:
    """A change to make."""
    return Errand(id=id, at_us=at_us, kind="change", body=encode_change(change))
