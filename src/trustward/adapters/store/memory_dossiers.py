"""Clues, holds, requests, disclosures and bundles in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from trustward.adapters.store.memory_records import Held
from trustward.base.errors import NotFoundError
from trustward.model.bundle import Bundle
from trustward.model.dossier import DossierQuery, FilePage
from trustward.ports.dossiers import D


class MemoryDossiers:
    """The port ``Dossiers``."""

    def __init__(self, held: Held) -> None:
        self._held = held

    def _all(self, kind: type[D]) -> list[D]:
        with self._held.lock:
            return sorted(self._held.of(kind).values(), key=lambda one: one.id)

    def get(self, kind: type[D], id: str) -> D | None:
        """See :class:`trustward.ports.Dossiers`."""
        found: D | None = self._held.of(kind).get(id)
        return found

    def find(self, kind: type[D], query: DossierQuery, after: str = "", limit: int = 100) -> Sequence[D]:
        """See :class:`trustward.ports.Dossiers`."""
        found = [
            one
            for one in self._all(kind)
            if one.id > after
            and query.subject in {"", one.subject}
            and query.party in {"", one.party}
            and query.cause in {"", one.cause}
            and (not query.states or one.state in query.states)
            and (query.secret or not one.secret)
        ]
        return found[:limit]

    def naming(self, kind: type[D], entity_kind: str, entity: str, after: str = "", limit: int = 100) -> Sequence[D]:
        """See :class:`trustward.ports.Dossiers`."""
        named = self._held.named
        found = [
            one
            for one in self._all(kind)
            if one.id > after and (entity_kind, entity) in named.get(f"{kind.__name__}:{one.id}", ())
        ]
        return found[:limit]

    def pages(self, record: str) -> Sequence[FilePage]:
        """See :class:`trustward.ports.Dossiers`."""
        with self._held.lock:
            return sorted(self._held.files.get(record, ()), key=lambda page: page.number)


class MemoryBundles:
    """The port ``Bundles``."""

    def __init__(self, held: Held) -> None:
        self._held = held

    def add(self, bundle: Bundle, parts: Iterable[bytes]) -> None:
        """See :class:`trustward.ports.Bundles`."""
        whole = list(parts)
        with self._held.lock:
            self._held.bundles.setdefault(bundle.id, (bundle, whole))

    def get(self, id: str) -> Bundle | None:
        """See :class:`trustward.ports.Bundles`."""
        found = self._held.bundles.get(id)
        return None if found is None else found[0]

    def read(self, id: str) -> Iterator[bytes]:
        """See :class:`trustward.ports.Bundles`."""
        found = self._held.bundles.get(id)
        if found is None:
            raise NotFoundError(f"there is no bundle {id[:80]}", remedy="see how its digest was written")
        return iter(found[1])
