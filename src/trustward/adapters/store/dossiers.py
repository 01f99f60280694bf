"""Clues, holds, requests, disclosures and bundles over the database."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, select

from trustward.adapters.store.database import Database
from trustward.adapters.store.keyed import keyed
from trustward.adapters.store.queries import named
from trustward.adapters.store.tables_dossiers import DOSSIERS
from trustward.base.errors import NotFoundError, StaleError
from trustward.model.bundle import Bundle
from trustward.model.dossier import DossierQuery, FilePage
from trustward.ports.dossiers import D, Dossier

_PAGE = msgspec.json.Decoder(FilePage)
_BUNDLE = msgspec.json.Decoder(Bundle)


class DatabaseDossiers:
    """The port ``Dossiers``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, kind: type[D], id: str) -> D | None:
        """See :class:`trustward.ports.Dossiers`."""
        with self._database.read() as connection:
            found = connection.execute(named("dossier"), {"kind": kind.__name__, "id": id}).scalar()
        return None if found is None else msgspec.json.decode(found, type=kind)

    def find(self, kind: type[D], query: DossierQuery, after: str = "", limit: int = 100) -> Sequence[D]:
        """See :class:`trustward.ports.Dossiers`."""
        table = DOSSIERS.c
        wanted: list[Any] = [table.kind == kind.__name__, table.id > after]
        asked = ((table.subject, keyed(query.subject)), (table.party, query.party), (table.cause, query.cause))
        wanted += [column == value for column, value in asked if value]
        if query.states:
            wanted.append(table.standing.in_(query.states))
        if not query.secret:
            wanted.append(table.secret == 0)
        statement = select(table.body).where(*wanted).order_by(table.id).limit(limit)
        with self._database.read() as connection:
            return [msgspec.json.decode(body, type=kind) for body in connection.execute(statement).scalars()]

    def naming(self, kind: type[D], entity_kind: str, entity: str, after: str = "", limit: int = 100) -> Sequence[D]:
        """See :class:`trustward.ports.Dossiers`."""
        asked = {"kind": kind.__name__, "entity": keyed(f"{entity_kind}:{entity}"), "past": after, "limit": limit}
        with self._database.read() as connection:
            found = connection.execute(named("dossiers_naming"), asked).scalars()
            return [msgspec.json.decode(body, type=kind) for body in found]

    def pages(self, record: str) -> Sequence[FilePage]:
        """See :class:`trustward.ports.Dossiers`."""
        with self._database.read() as connection:
            found = connection.execute(named("file_pages"), {"record": record}).scalars()
            return [_PAGE.decode(body) for body in found]


class DatabaseBundles:
    """The port ``Bundles``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, bundle: Bundle, parts: Iterable[bytes]) -> None:
        """See :class:`trustward.ports.Bundles`."""
        if self.get(bundle.id) is not None:
            return
        # Each part by itself, so that nobody else waits for all of them. The last row makes it a bundle; what is left
        # of one that was not finished has the same content, as the id says.
        for number, part in enumerate(parts):
            with self._database.write() as connection:
                connection.execute(named("add_bundle_part"), {"id": bundle.id, "number": number, "body": part})
        body = msgspec.json.encode(bundle)
        with self._database.write() as connection:
            connection.execute(named("add_bundle"), {"id": bundle.id, "record": bundle.record, "body": body})

    def get(self, id: str) -> Bundle | None:
        """See :class:`trustward.ports.Bundles`."""
        with self._database.read() as connection:
            found = connection.execute(named("bundle"), {"id": id}).scalar()
        return None if found is None else _BUNDLE.decode(found)

    def read(self, id: str) -> Iterator[bytes]:
        """See :class:`trustward.ports.Bundles`."""
        if self.get(id) is None:
            raise NotFoundError(f"there is no bundle {id[:80]}", remedy="see how its digest was written")
        return self._parts(id)

    def _parts(self, id: str) -> Iterator[bytes]:
        number = 0
        while True:
            # Each part by itself: no connection is held while somebody reads slowly.
            with self._database.read() as connection:
                found = connection.execute(named("bundle_part"), {"id": id, "number": number}).scalar()
            if found is None:
                return
            yield bytes(found)
            number += 1


def write_dossier(connection: Connection, one: Dossier) -> None:
    """Write a record, and which entities it names; what it has named before stays named. Raises StaleError."""
    kind = type(one).__name__
    fields = {
        "kind": kind,
        "id": one.id,
        "version": one.version,
        "standing": one.state,
        "subject": keyed(one.subject),
        "party": one.party,
        "cause": one.cause,
        "secret": int(one.secret),
        "body": msgspec.json.encode(one),
    }
    statement = named("add_dossier" if one.version == 1 else "change_dossier")
    if connection.execute(statement, fields).rowcount != 1:
        raise StaleError(f"the {kind.lower()} {one.id} has been changed meanwhile", remedy="look again")
    rows = [{"kind": kind, "entity": keyed(f"{of}:{entity}"), "id": one.id} for of, entity in one.entities]
    if rows:
        connection.execute(named("add_dossier_entity"), rows)


def write_page(connection: Connection, page: FilePage) -> None:
    """Write a page of a file."""
    fields = {"record": page.record, "number": page.number, "at_us": page.at_us, "what": page.what}
    connection.execute(named("add_file_page"), {**fields, "body": msgspec.json.encode(page)})
