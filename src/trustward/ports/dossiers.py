"""What clues, holds, requests and disclosures need: looked up, looked for, and the evidence that goes along."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol, TypeAlias, TypeVar

from trustward.model.bundle import Bundle
from trustward.model.clue import Clue
from trustward.model.dossier import DossierQuery, FilePage
from trustward.model.hold import Hold
from trustward.model.request import Asked, Disclosure

Dossier: TypeAlias = Clue | Hold | Asked | Disclosure
"""Records with a state, a party on the other side, entities that they name, and a file."""
D = TypeVar("D", Clue, Hold, Asked, Disclosure)


class Dossiers(Protocol):
    """Clues, holds, requests and disclosures, each by its own kind."""

    def get(self, kind: type[D], id: str) -> D | None:
        """The record with this id."""

    def find(self, kind: type[D], query: DossierQuery, after: str = "", limit: int = 100) -> Sequence[D]:
        """Records by their ids, after ``after``."""

    def naming(self, kind: type[D], entity_kind: str, entity: str, after: str = "", limit: int = 100) -> Sequence[D]:
        """Records that name an entity, or have named it, by their ids, secret ones included."""

    def pages(self, record: str) -> Sequence[FilePage]:
        """The file of a record such as ``clue:4f1c``, in order."""


class Bundles(Protocol):
    """Evidence as it was given away, known by its digest."""

    def add(self, bundle: Bundle, parts: Iterable[bytes]) -> None:
        """Keep a bundle, whole or not at all; nothing happens if it is there already."""

    def get(self, id: str) -> Bundle | None:
        """What is known of a bundle."""

    def read(self, id: str) -> Iterator[bytes]:
        """Its bytes, part by part. Raises NotFoundError."""
