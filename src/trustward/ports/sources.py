"""Where events come from besides HTTP: ``testing/source_contracts.py`` tests what ``docs/sources.md`` promises.

An adapter is one class in one file. Shipped ones lie in ``adapters/sources/``; others name theirs in the entry points
of their package, in the group ``trustward.sources``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Protocol

import msgspec

from trustward.exchange.decode import EventDecoder
from trustward.exchange.mapping import RowMapping
from trustward.exchange.records import Decoded, Reject


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """Some records, read and decoded. ``place`` is the source's own: how it knows them when they are confirmed."""

    decoded: Decoded
    place: Any = None


class Source(Protocol):
    """Gives events in order, and remembers how far somebody has confirmed them. One thread uses it.

    Whatever is not confirmed is given again after the next ``open``, in this process or in another one.
    """

    def open(self) -> None:
        """Begin after what was confirmed last. Raises SourceError."""

    def read(self, wait_s: float) -> Batch | None:
        """What is next; None if nothing comes within about ``wait_s``. Raises SourceError.

        A batch may be read before the one before it is confirmed.
        """

    def confirm(self, batch: Batch, faults: Sequence[Reject]) -> None:
        """Everything in a batch is decided and on disk, but for ``faults``. Raises SourceError.

        They are put aside where people find them, with their cause, before the position moves on. Batches are confirmed
        in the order in which they were read.
        """

    def close(self) -> None:
        """Let go of everything, at any time. What is not confirmed is given again."""


class Tools(NamedTuple):
    """What a source is made with: a decoder, mappings by their file, a folder for what it must remember, the clock."""

    decoder: EventDecoder
    mapping: Callable[[str], RowMapping]
    folder: Path
    clock: Callable[[], int]


class SourceKind(Protocol):
    """How a source is made: a class with the record of its settings, whose fields say what they mean."""

    Settings: ClassVar[type[msgspec.Struct]]

    def __call__(self, name: str, settings: Any, tools: Tools) -> Source:
        """A source that is not open yet. Raises SettingsError, MappingError."""
