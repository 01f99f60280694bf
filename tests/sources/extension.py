"""A source of another package: the whole of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar

import msgspec

from trustward.exchange.messages import decode_messages
from trustward.exchange.records import Reject
from trustward.ports.sources import Batch, Tools
from trustward.testing.source_contracts import message


class ListedSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many events it makes up."""

    count: Annotated[int, msgspec.Meta(description="How many.")] = 1


class ListedKind:
    """Events that it makes up, from the place on that it has noted in its folder."""

    Settings: ClassVar[type[msgspec.Struct]] = ListedSettings

    def __init__(self, name: str, settings: ListedSettings, tools: Tools) -> None:
        self.name = name
        self.count = settings.count
        self.decoder = tools.decoder
        self.at = 0
        self.confirmed = 0

    def open(self) -> None:
        self.at = self.confirmed

    def read(self, wait_s: float) -> Batch | None:
        if self.at == self.count:
            return None
        self.at += 1
        return Batch(decoded=decode_messages(self.decoder, [message(f"{self.name}{self.at}")]), place=self.at)

    def confirm(self, batch: Batch, faults: Sequence[Reject]) -> None:
        self.confirmed = batch.place

    def close(self) -> None:
        pass
