"""Users and what they sign in with, sessions, tickets and failed attempts over the database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from trustward.adapters.store.database import Database
from trustward.adapters.store.kept import add_audit
from trustward.adapters.store.queries import named
from trustward.base.errors import ForbiddenError, NotFoundError, StaleError, TakenError
from trustward.model.people import Pace, Passkey, Session, Ticket, User
from trustward.model.stored import AuditRow

_ADMINS = 7_305_807_304


class DatabasePeople:
    """The port ``People``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, user: User, audit: AuditRow) -> None:
        """See :class:`trustward.ports.People`."""
        with self._database.write() as connection:
            if (
                user.issuer
                and connection.execute(named("user_known_as"), {"issuer": user.issuer, "subject": user.subject}).first()
            ):
                raise TakenError("this person is a user already", remedy="sign in again")
            if not connection.execute(named("add_user"), _row(user)).rowcount:
                raise TakenError(f"there is a user called {user.name[:80]}", remedy="choose another name")
            add_audit(connection, audit)

    def get(self, id: str) -> User | None:
        """See :class:`trustward.ports.People`."""
        return self._one("user", {"id": id})

    def named(self, name: str) -> User | None:
        """See :class:`trustward.ports.People`."""
        return self._one("user_named", {"name": name})

    def known_as(self, issuer: str, subject: str) -> User | None:
        """See :class:`trustward.ports.People`."""
        return self._one("user_known_as", {"issuer": issuer, "subject": subject})

    def _one(self, query: str, asked: Mapping[str, str]) -> User | None:
        with self._database.read() as connection:
            row = connection.execute(named(query), asked).mappings().first()
        return None if row is None else _user(row)

    def all(self) -> Sequence[User]:
        """See :class:`trustward.ports.People`."""
        with self._database.read() as connection:
            return [_user(row) for row in connection.execute(named("users")).mappings()]

    def update(self, user: User, audit: AuditRow, *, keep: str | None = None, leaves_admin: bool = False) -> None:
        """See :class:`trustward.ports.People`."""
        with self._database.write() as connection:
            if leaves_admin and connection.dialect.name == "postgresql":
                # Whoever could take the last admin away waits for whoever else could. SQLite's writers take turns.
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ADMINS})")
            if not connection.execute(named("update_user"), _row(user)).rowcount:
                if connection.execute(named("user"), {"id": user.id}).first() is None:
                    raise NotFoundError(f"no such user: {user.id[:80]}", remedy="trustward users list shows all")
                raise StaleError("the user has been changed meanwhile", remedy="look again, then try again")
            if keep is not None:
                connection.execute(named("end_sessions"), {"user": user.id, "keep": keep})
            if leaves_admin:
                users = [_user(row) for row in connection.execute(named("users")).mappings()]
                if not any(one.leads for one in users):
                    raise ForbiddenError("this is the last admin", remedy="make another user an admin first")
            add_audit(connection, audit)

    def use_step(self, user: str, step: int) -> bool:
        """See :class:`trustward.ports.People`."""
        with self._database.write() as connection:
            return bool(connection.execute(named("use_step"), {"id": user, "step": step}).rowcount)

    def seal_totp(self, user: str, before: str, after: str) -> bool:
        """See :class:`trustward.ports.People`."""
        with self._database.write() as connection:
            asked = {"id": user, "value": before, "totp": after}
            return bool(connection.execute(named("seal_totp"), asked).rowcount)

    def set_codes(self, user: str, hashes: Sequence[str], audit: AuditRow) -> None:
        """See :class:`trustward.ports.People`."""
        with self._database.write() as connection:
            connection.execute(named("drop_codes"), {"user": user})
            for one in hashes:
                connection.execute(named("add_code"), {"user": user, "hash": one})
            add_audit(connection, audit)

    def use_code(self, user: str, hash: str, audit: AuditRow) -> bool:
        """See :class:`trustward.ports.People`."""
        with self._database.write() as connection:
            used = bool(connection.execute(named("use_code"), {"user": user, "hash": hash}).rowcount)
            if used:
                add_audit(connection, audit)
            return used

    def codes(self, user: str) -> int:
        """See :class:`trustward.ports.People`."""
        with self._database.read() as connection:
            return int(connection.execute(named("codes"), {"user": user}).scalar_one())

    def add_passkey(self, passkey: Passkey, audit: AuditRow) -> None:
        """See :class:`trustward.ports.People`."""
        with self._database.write() as connection:
            if not connection.execute(named("add_passkey"), msgspec.structs.asdict(passkey)).rowcount:
                raise TakenError("this passkey is known already", remedy="use another one")
            add_audit(connection, audit)

    def passkey(self, id: str) -> Passkey | None:
        """See :class:`trustward.ports.People`."""
        with self._database.read() as connection:
            row = connection.execute(named("passkey"), {"id": id}).mappings().first()
        return None if row is None else _passkey(row)

    def passkeys(self, user: str) -> Sequence[Passkey]:
        """See :class:`trustward.ports.People`."""
        with self._database.read() as connection:
            return [_passkey(row) for row in connection.execute(named("passkeys"), {"user": user}).mappings()]

    def used_passkey(self, id: str, count: int, at_us: int) -> bool:
        """See :class:`trustward.ports.People`."""
        with self._database.write() as connection:
            asked = {"id": id, "count": count, "at_us": at_us}
            return bool(connection.execute(named("used_passkey"), asked).rowcount)

    def drop_passkeys(self, user: str, audit: AuditRow, id: str = "") -> int:
        """See :class:`trustward.ports.People`."""
        with self._database.write() as connection:
            query, asked = ("drop_passkey", {"user": user, "id": id}) if id else ("drop_passkeys", {"user": user})
            dropped = connection.execute(named(query), asked).rowcount
            if dropped:
                add_audit(connection, audit)
            return int(dropped)


def _row(user: User) -> dict[str, Any]:
    row = msgspec.structs.asdict(user)
    row["full_name"] = row.pop("full")
    row["roles"] = " ".join(user.roles)
    return row


def _user(row: Mapping[Any, Any]) -> User:
    fields = dict(row)
    fields["full"] = fields.pop("full_name")
    return User(**{**fields, "roles": tuple(fields["roles"].split())})


def _passkey(row: Mapping[Any, Any]) -> Passkey:
    fields = dict(row)
    return Passkey(user=fields.pop("user_id"), key=bytes(fields.pop("public_key")), **fields)


class DatabaseSessions:
    """The port ``Sessions``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, session: Session, audit: AuditRow | None = None, *, instead: str = "") -> None:
        """See :class:`trustward.ports.Sessions`."""
        with self._database.write() as connection:
            if instead:
                connection.execute(named("end_session"), {"id": instead, "user": session.user})
            connection.execute(named("add_session"), msgspec.structs.asdict(session))
            if audit is not None:
                add_audit(connection, audit)

    def get(self, hash: str) -> Session | None:
        """See :class:`trustward.ports.Sessions`."""
        with self._database.read() as connection:
            row = connection.execute(named("session"), {"hash": hash}).mappings().first()
        return None if row is None else _session(row)

    def of(self, user: str) -> Sequence[Session]:
        """See :class:`trustward.ports.Sessions`."""
        with self._database.read() as connection:
            return [_session(row) for row in connection.execute(named("sessions"), {"user": user}).mappings()]

    def seen(self, id: str, at_us: int) -> None:
        """See :class:`trustward.ports.Sessions`."""
        with self._database.write() as connection:
            connection.execute(named("session_seen"), {"id": id, "at_us": at_us})

    def end(self, id: str, user: str, audit: AuditRow | None = None) -> bool:
        """See :class:`trustward.ports.Sessions`."""
        with self._database.write() as connection:
            ended = bool(connection.execute(named("end_session"), {"id": id, "user": user}).rowcount)
            if ended and audit is not None:
                add_audit(connection, audit)
            return ended

    def end_all(self, user: str, audit: AuditRow, keep: str = "") -> int:
        """See :class:`trustward.ports.Sessions`."""
        with self._database.write() as connection:
            ended = connection.execute(named("end_sessions"), {"user": user, "keep": keep}).rowcount
            if ended:
                add_audit(connection, audit)
            return int(ended)

    def sweep(self, now_us: int, idle_us: int) -> int:
        """See :class:`trustward.ports.Sessions`."""
        with self._database.write() as connection:
            asked = {"now_us": now_us, "idle_since_us": now_us - idle_us}
            return int(connection.execute(named("sweep_sessions"), asked).rowcount)


def _session(row: Mapping[Any, Any]) -> Session:
    fields = dict(row)
    return Session(user=fields.pop("user_id"), **fields)


class DatabaseTickets:
    """The port ``Tickets``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def issue(self, ticket: Ticket, audit: AuditRow | None = None, *, alone: bool = False) -> None:
        """See :class:`trustward.ports.Tickets`."""
        with self._database.write() as connection:
            if alone:
                connection.execute(named("drop_tickets"), {"user": ticket.user, "kind": ticket.kind})
            connection.execute(named("issue_ticket"), msgspec.structs.asdict(ticket))
            if audit is not None:
                add_audit(connection, audit)

    def look(self, hash: str, kind: str, now_us: int) -> Ticket | None:
        """See :class:`trustward.ports.Tickets`."""
        with self._database.read() as connection:
            row = connection.execute(named("ticket"), {"hash": hash, "kind": kind, "now_us": now_us}).mappings().first()
        return None if row is None else _ticket(row)

    def take(self, hash: str, kind: str, now_us: int) -> Ticket | None:
        """See :class:`trustward.ports.Tickets`."""
        with self._database.write() as connection:
            asked = {"hash": hash, "kind": kind, "now_us": now_us}
            row = connection.execute(named("take_ticket"), asked).mappings().first()
            return None if row is None else _ticket(row)

    def drop(self, user: str, kind: str) -> None:
        """See :class:`trustward.ports.Tickets`."""
        with self._database.write() as connection:
            connection.execute(named("drop_tickets"), {"user": user, "kind": kind})

    def sweep(self, now_us: int) -> int:
        """See :class:`trustward.ports.Tickets`."""
        with self._database.write() as connection:
            return int(connection.execute(named("sweep_tickets"), {"now_us": now_us}).rowcount)


def _ticket(row: Mapping[Any, Any]) -> Ticket:
    fields = dict(row)
    return Ticket(user=fields.pop("user_id"), body=bytes(fields.pop("body")), **fields)


class DatabaseAttempts:
    """The port ``Attempts``."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._look = "attempts_sqlite" if database.is_sqlite else "attempts_postgresql"

    def begin(self, subject: str, now_us: int, pace: Pace) -> int:
        """See :class:`trustward.ports.Attempts`."""
        with self._database.write() as connection:
            connection.execute(named("add_attempts"), {"subject": subject})
            failed, last_us, until_us = connection.execute(named(self._look), {"subject": subject}).one()
            if now_us < until_us <= now_us + pace.most_us:
                return int(until_us - now_us)
            failed = 1 + (failed if now_us - last_us < pace.forget_us else 0)
            row = {"subject": subject, "failed": failed, "last_us": now_us, "until_us": now_us + pace.pause(failed)}
            connection.execute(named("set_attempts"), row)
            return 0

    def forgive(self, subject: str, *, all: bool) -> None:
        """See :class:`trustward.ports.Attempts`."""
        with self._database.write() as connection:
            connection.execute(named("forget_attempts" if all else "forgive_attempt"), {"subject": subject})

    def sweep(self, before_us: int) -> int:
        """See :class:`trustward.ports.Attempts`."""
        with self._database.write() as connection:
            return int(connection.execute(named("sweep_attempts"), {"before_us": before_us}).rowcount)
