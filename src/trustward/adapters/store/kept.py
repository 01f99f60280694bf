"""Labels, lists, snoozes, policies, keys and the audit over the database."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection

from trustward.adapters.store.database import Database
from trustward.adapters.store.queries import named
from trustward.base.errors import NotFoundError
from trustward.model.stored import ApiKey, AuditQuery, AuditRow, LabelMark, ListEntry, Snooze, StoredPolicy, rotated


class DatabaseKept:
    """The port ``Kept``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def labels(self, kind: str, entity: str) -> Sequence[LabelMark]:
        """See :class:`trustward.ports.Kept`."""
        with self._database.read() as connection:
            rows = connection.execute(named("labels"), {"kind": kind, "entity": entity}).mappings()
            return [LabelMark(**_flagged(row)) for row in rows]

    def list_entries(self, name: str, after: str = "", limit: int = 1000) -> Sequence[ListEntry]:
        """See :class:`trustward.ports.Kept`."""
        with self._database.read() as connection:
            asked = {"list": name, "after": after, "limit": limit}
            return [ListEntry(**_flagged(row)) for row in connection.execute(named("list_entries"), asked).mappings()]

    def list_entry(self, name: str, value: str) -> ListEntry | None:
        """See :class:`trustward.ports.Kept`."""
        with self._database.read() as connection:
            row = connection.execute(named("list_entry"), {"list": name, "value": value}).mappings().first()
        return None if row is None else ListEntry(**_flagged(row))

    def snoozes(self) -> Sequence[Snooze]:
        """See :class:`trustward.ports.Kept`."""
        with self._database.read() as connection:
            return [Snooze(**row) for row in connection.execute(named("snoozes")).mappings()]


def _flagged(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {**row, "present": bool(row["present"])}


class DatabasePolicies:
    """The port ``Policies``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, policy: StoredPolicy) -> None:
        """See :class:`trustward.ports.Policies`."""
        row = {
            "hash": policy.hash,
            "name": policy.name,
            "sources": json.dumps(policy.sources).encode(),
            "actor": policy.actor,
            "at_us": policy.at_us,
        }
        with self._database.write() as connection:
            if connection.execute(named("add_policy"), row).rowcount:
                subject = f"policy:{policy.hash}"
                add_audit(
                    connection, AuditRow(at_us=policy.at_us, actor=policy.actor, action="policy.added", subject=subject)
                )

    def get(self, hash: str) -> StoredPolicy | None:
        """See :class:`trustward.ports.Policies`."""
        with self._database.read() as connection:
            row = connection.execute(named("policy"), {"hash": hash}).mappings().one_or_none()
        return None if row is None else _policy(row)

    def all(self) -> Sequence[StoredPolicy]:
        """See :class:`trustward.ports.Policies`."""
        with self._database.read() as connection:
            return [_policy(row) for row in connection.execute(named("policies")).mappings()]

    def live(self) -> StoredPolicy | None:
        """See :class:`trustward.ports.Policies`."""
        with self._database.read() as connection:
            row = connection.execute(named("live_policy")).mappings().one_or_none()
        return None if row is None else _policy(row)


def _policy(row: Mapping[Any, Any]) -> StoredPolicy:
    sources = json.loads(row["sources"]) if "sources" in row else []
    fields = {name: row[name] for name in ("hash", "name", "mode", "actor", "at_us")}
    return StoredPolicy(sources=tuple((name, text) for name, text in sources), **fields)


class DatabaseKeys:
    """The port ``Keys``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, key: ApiKey) -> None:
        """See :class:`trustward.ports.Keys`."""
        row = {**msgspec.structs.asdict(key), "scopes": " ".join(key.scopes)}
        with self._database.write() as connection:
            connection.execute(named("add_key"), row)
            detail = msgspec.json.encode({"name": key.name, "scopes": key.scopes})
            subject = f"key:{key.id}"
            add_audit(
                connection,
                AuditRow(at_us=key.created_us, actor=key.actor, action="key.created", subject=subject, detail=detail),
            )

    def get(self, id: str) -> ApiKey | None:
        """See :class:`trustward.ports.Keys`."""
        with self._database.read() as connection:
            row = connection.execute(named("key"), {"id": id}).mappings().one_or_none()
        return None if row is None else _key(row)

    def all(self) -> Sequence[ApiKey]:
        """See :class:`trustward.ports.Keys`."""
        with self._database.read() as connection:
            return [_key(row) for row in connection.execute(named("keys")).mappings()]

    def revoke(self, id: str, actor: str, at_us: int) -> None:
        """See :class:`trustward.ports.Keys`."""
        with self._database.write() as connection:
            if connection.execute(named("key"), {"id": id}).one_or_none() is None:
                raise NotFoundError(f"no such key: {id[:80]}", remedy="trustward keys list shows all")
            if connection.execute(named("revoke_key"), {"id": id, "at_us": at_us}).rowcount:
                add_audit(connection, AuditRow(at_us=at_us, actor=actor, action="key.revoked", subject=f"key:{id}"))

    def rotate(self, id: str, key: ApiKey, until_us: int) -> None:
        """See :class:`trustward.ports.Keys`."""
        row = {**msgspec.structs.asdict(key), "scopes": " ".join(key.scopes)}
        with self._database.write() as connection:
            if connection.execute(named("key"), {"id": id}).one_or_none() is None:
                raise NotFoundError(f"no such key: {id[:80]}", remedy="trustward keys list shows all")
            connection.execute(named("revoke_key"), {"id": id, "at_us": until_us})
            connection.execute(named("add_key"), row)
            add_audit(connection, rotated(id, key, until_us))


def _key(row: Mapping[Any, Any]) -> ApiKey:
    return ApiKey(**{**row, "scopes": tuple(row["scopes"].split()), "hash": bytes(row["hash"])})


class DatabaseAudit:
    """The port ``Audit``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, row: AuditRow) -> None:
        """See :class:`trustward.ports.Audit`."""
        with self._database.write() as connection:
            add_audit(connection, row)

    def read(self, after: int, limit: int) -> Sequence[AuditRow]:
        """See :class:`trustward.ports.Audit`."""
        with self._database.read() as connection:
            rows = connection.execute(named("audit"), {"after": after, "limit": limit}).mappings()
            return [AuditRow(**{**row, "detail": bytes(row["detail"])}) for row in rows]

    def read_secret(self, after: int, limit: int) -> Sequence[AuditRow]:
        """See :class:`trustward.ports.Audit`."""
        with self._database.read() as connection:
            rows = connection.execute(named("audit_secret"), {"after": after, "limit": limit}).mappings()
            return [AuditRow(**{**row, "detail": bytes(row["detail"]), "secret": True}) for row in rows]

    def find(self, query: AuditQuery, before: int | None, limit: int) -> Sequence[AuditRow]:
        """See :class:`trustward.ports.Audit`."""
        book = "find_audit_secret" if query.hidden else "find_audit"
        said = {
            **{
                name: value for name, value in msgspec.structs.asdict(query).items() if name not in {"hidden", "secret"}
            },
            "before": 2**62 if before is None else before,
            "limit": limit,
            "stem": len(query.action) + 1,
            **({} if query.hidden else {"secret": int(query.secret)}),
        }
        with self._database.read() as connection:
            rows = connection.execute(named(book), said).mappings()
            return [AuditRow(**{**row, "detail": bytes(row["detail"]), "secret": query.hidden}) for row in rows]


def add_audit(connection: Connection, row: AuditRow) -> None:
    """Add a row to the audit, in the transaction of what it tells of."""
    name, fields = audit_row(row)
    connection.execute(named(name), fields)


def audit_row(row: AuditRow) -> tuple[str, dict[str, Any]]:
    """The statement that adds a row to the audit, and its values."""
    fields = msgspec.structs.asdict(row)
    del fields["number"], fields["secret"]
    return ("add_audit_secret" if row.secret else "add_audit"), fields
