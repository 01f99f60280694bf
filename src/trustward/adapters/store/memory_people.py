"""Users and what they sign in with, sessions, tickets and failed attempts in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import RLock

import msgspec

from trustward.base.errors import ForbiddenError, NotFoundError, StaleError, TakenError
from trustward.model.people import Pace, Passkey, Session, Ticket, User
from trustward.model.stored import AuditRow

Record = Callable[[AuditRow], None]


class Known:
    """What would be on disk of people."""

    def __init__(self) -> None:
        self.lock = RLock()
        self.users: dict[str, User] = {}
        self.steps: dict[str, int] = {}
        self.codes: set[tuple[str, str]] = set()
        self.passkeys: dict[str, Passkey] = {}
        self.sessions: dict[str, Session] = {}
        self.tickets: dict[str, Ticket] = {}
        self.attempts: dict[str, tuple[int, int, int]] = {}

    def end_sessions(self, user: str, keep: str) -> int:
        """End all of a user's sessions but one."""
        ended = [one.id for one in self.sessions.values() if one.user == user and one.id != keep]
        for one in ended:
            del self.sessions[one]
        return len(ended)


class MemoryPeople:
    """The port ``People``."""

    def __init__(self, known: Known, record: Record) -> None:
        self._known = known
        self._record = record

    def add(self, user: User, audit: AuditRow) -> None:
        """See :class:`trustward.ports.People`."""
        with self._known.lock:
            if user.issuer and self.known_as(user.issuer, user.subject) is not None:
                raise TakenError("this person is a user already", remedy="sign in again")
            if user.id in self._known.users or self.named(user.name) is not None:
                raise TakenError(f"there is a user called {user.name[:80]}", remedy="choose another name")
            self._known.users[user.id] = user
            self._record(audit)

    def get(self, id: str) -> User | None:
        """See :class:`trustward.ports.People`."""
        return self._known.users.get(id)

    def named(self, name: str) -> User | None:
        """See :class:`trustward.ports.People`."""
        return next((user for user in self.all() if user.name == name), None)

    def known_as(self, issuer: str, subject: str) -> User | None:
        """See :class:`trustward.ports.People`."""
        found = (user for user in self.all() if issuer and (user.issuer, user.subject) == (issuer, subject))
        return next(found, None)

    def all(self) -> Sequence[User]:
        """See :class:`trustward.ports.People`."""
        return sorted(self._known.users.copy().values(), key=lambda user: (user.created_us, user.id))

    def update(self, user: User, audit: AuditRow, *, keep: str | None = None, leaves_admin: bool = False) -> None:
        """See :class:`trustward.ports.People`."""
        with self._known.lock:
            held = self._known.users.get(user.id)
            if held is None:
                raise NotFoundError(f"no such user: {user.id[:80]}", remedy="trustward users list shows all")
            if held.version != user.version:
                raise StaleError("the user has been changed meanwhile", remedy="look again, then try again")
            if leaves_admin and not user.leads and not any(u.leads for u in self.all() if u.id != user.id):
                raise ForbiddenError("this is the last admin", remedy="make another user an admin first")
            if held.totp != user.totp:
                self._known.steps.pop(user.id, None)
            self._known.users[user.id] = msgspec.structs.replace(user, version=user.version + 1)
            if keep is not None:
                self._known.end_sessions(user.id, keep)
            self._record(audit)

    def use_step(self, user: str, step: int) -> bool:
        """See :class:`trustward.ports.People`."""
        with self._known.lock:
            fresh = user in self._known.users and self._known.steps.get(user, 0) < step
            if fresh:
                self._known.steps[user] = step
            return fresh

    def seal_totp(self, user: str, before: str, after: str) -> bool:
        """See :class:`trustward.ports.People`."""
        with self._known.lock:
            held = self._known.users.get(user)
            if held is None or held.totp != before:
                return False
            self._known.users[user] = msgspec.structs.replace(held, totp=after, version=held.version + 1)
            return True

    def set_codes(self, user: str, hashes: Sequence[str], audit: AuditRow) -> None:
        """See :class:`trustward.ports.People`."""
        with self._known.lock:
            self._known.codes = {pair for pair in self._known.codes if pair[0] != user}
            self._known.codes |= {(user, one) for one in hashes}
            self._record(audit)

    def use_code(self, user: str, hash: str, audit: AuditRow) -> bool:
        """See :class:`trustward.ports.People`."""
        with self._known.lock:
            if (user, hash) not in self._known.codes:
                return False
            self._known.codes.remove((user, hash))
            self._record(audit)
            return True

    def codes(self, user: str) -> int:
        """See :class:`trustward.ports.People`."""
        return sum(pair[0] == user for pair in self._known.codes.copy())

    def add_passkey(self, passkey: Passkey, audit: AuditRow) -> None:
        """See :class:`trustward.ports.People`."""
        with self._known.lock:
            if passkey.id in self._known.passkeys:
                raise TakenError("this passkey is known already", remedy="use another one")
            self._known.passkeys[passkey.id] = passkey
            self._record(audit)

    def passkey(self, id: str) -> Passkey | None:
        """See :class:`trustward.ports.People`."""
        return self._known.passkeys.get(id)

    def passkeys(self, user: str) -> Sequence[Passkey]:
        """See :class:`trustward.ports.People`."""
        found = [one for one in self._known.passkeys.copy().values() if one.user == user]
        return sorted(found, key=lambda one: (one.created_us, one.id))

    def used_passkey(self, id: str, count: int, at_us: int) -> bool:
        """See :class:`trustward.ports.People`."""
        with self._known.lock:
            held = self._known.passkeys.get(id)
            fresh = held is not None and (held.count < count or held.count == count == 0)
            if held is not None and fresh:
                self._known.passkeys[id] = msgspec.structs.replace(held, count=count, used_us=at_us)
            return fresh

    def drop_passkeys(self, user: str, audit: AuditRow, id: str = "") -> int:
        """See :class:`trustward.ports.People`."""
        with self._known.lock:
            dropped = [one.id for one in self.passkeys(user) if not id or one.id == id]
            for one in dropped:
                del self._known.passkeys[one]
            if dropped:
                self._record(audit)
            return len(dropped)


class MemorySessions:
    """The port ``Sessions``."""

    def __init__(self, known: Known, record: Record) -> None:
        self._known = known
        self._record = record

    def begin(self, session: Session, audit: AuditRow | None = None, *, instead: str = "") -> None:
        """See :class:`trustward.ports.Sessions`."""
        with self._known.lock:
            self._known.sessions.pop(instead, None)
            self._known.sessions[session.id] = session
            if audit is not None:
                self._record(audit)

    def get(self, hash: str) -> Session | None:
        """See :class:`trustward.ports.Sessions`."""
        return next((one for one in self._known.sessions.copy().values() if one.hash == hash), None)

    def of(self, user: str) -> Sequence[Session]:
        """See :class:`trustward.ports.Sessions`."""
        found = [one for one in self._known.sessions.copy().values() if one.user == user]
        return sorted(found, key=lambda one: (one.began_us, one.id))

    def seen(self, id: str, at_us: int) -> None:
        """See :class:`trustward.ports.Sessions`."""
        with self._known.lock:
            held = self._known.sessions.get(id)
            if held is not None and held.seen_us < at_us:
                self._known.sessions[id] = msgspec.structs.replace(held, seen_us=at_us)

    def end(self, id: str, user: str, audit: AuditRow | None = None) -> bool:
        """See :class:`trustward.ports.Sessions`."""
        with self._known.lock:
            held = self._known.sessions.get(id)
            if held is None or held.user != user:
                return False
            del self._known.sessions[id]
            if audit is not None:
                self._record(audit)
            return True

    def end_all(self, user: str, audit: AuditRow, keep: str = "") -> int:
        """See :class:`trustward.ports.Sessions`."""
        with self._known.lock:
            ended = self._known.end_sessions(user, keep)
            if ended:
                self._record(audit)
            return ended

    def sweep(self, now_us: int, idle_us: int) -> int:
        """See :class:`trustward.ports.Sessions`."""
        with self._known.lock:
            over = [one.id for one in self._known.sessions.values() if not one.usable(now_us, idle_us)]
            for name in over:
                del self._known.sessions[name]
            return len(over)


class MemoryTickets:
    """The port ``Tickets``."""

    def __init__(self, known: Known, record: Record) -> None:
        self._known = known
        self._record = record

    def issue(self, ticket: Ticket, audit: AuditRow | None = None, *, alone: bool = False) -> None:
        """See :class:`trustward.ports.Tickets`."""
        with self._known.lock:
            if alone:
                self.drop(ticket.user, ticket.kind)
            self._known.tickets[ticket.hash] = ticket
            if audit is not None:
                self._record(audit)

    def look(self, hash: str, kind: str, now_us: int) -> Ticket | None:
        """See :class:`trustward.ports.Tickets`."""
        held = self._known.tickets.get(hash)
        return held if held is not None and held.kind == kind and held.ends_us > now_us else None

    def take(self, hash: str, kind: str, now_us: int) -> Ticket | None:
        """See :class:`trustward.ports.Tickets`."""
        with self._known.lock:
            held = self.look(hash, kind, now_us)
            if held is not None:
                del self._known.tickets[hash]
            return held

    def drop(self, user: str, kind: str) -> None:
        """See :class:`trustward.ports.Tickets`."""
        with self._known.lock:
            for one in [one for one in self._known.tickets.values() if (one.user, one.kind) == (user, kind)]:
                del self._known.tickets[one.hash]

    def sweep(self, now_us: int) -> int:
        """See :class:`trustward.ports.Tickets`."""
        with self._known.lock:
            over = [one.hash for one in self._known.tickets.values() if one.ends_us <= now_us]
            for name in over:
                del self._known.tickets[name]
            return len(over)


class MemoryAttempts:
    """The port ``Attempts``."""

    def __init__(self, known: Known) -> None:
        self._known = known

    def begin(self, subject: str, now_us: int, pace: Pace) -> int:
        """See :class:`trustward.ports.Attempts`."""
        with self._known.lock:
            failed, last_us, until_us = self._known.attempts.get(subject, (0, 0, 0))
            if now_us < until_us <= now_us + pace.most_us:
                return until_us - now_us
            failed = 1 + (failed if now_us - last_us < pace.forget_us else 0)
            self._known.attempts[subject] = (failed, now_us, now_us + pace.pause(failed))
            return 0

    def forgive(self, subject: str, *, all: bool) -> None:
        """See :class:`trustward.ports.Attempts`."""
        with self._known.lock:
            failed, last_us, _ = self._known.attempts.pop(subject, (0, 0, 0))
            if failed > 1 and not all:
                self._known.attempts[subject] = (failed - 1, last_us, 0)

    def sweep(self, before_us: int) -> int:
        """See :class:`trustward.ports.Attempts`."""
        with self._known.lock:
            over = [subject for subject, (_, last_us, _) in self._known.attempts.items() if last_us < before_us]
            for subject in over:
                del self._known.attempts[subject]
            return len(over)
