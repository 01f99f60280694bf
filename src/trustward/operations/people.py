"""Users: invited by one-time links, given roles, reset, disabled. Nobody's password is chosen by somebody else."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

import msgspec

from trustward.base.errors import ForbiddenError, NotFoundError, SignInError, UsageError
from trustward.model.access import check_roles
from trustward.model.people import Ticket, User
from trustward.model.stored import AuditRow
from trustward.operations.passwords import check_name, check_password, hash_of, new_secret
from trustward.operations.proposing import person
from trustward.operations.signing_in import MINUTE_US, Signed, SigningIn, Where

FIRST_US = 60 * MINUTE_US
"""How long the set-up link of a new service may be used."""


class _Invited(msgspec.Struct, frozen=True, kw_only=True):
    """What a link carries that makes a user when it is used."""

    roles: tuple[str, ...]
    by: str


class People:
    """The story of users. May be called from any thread."""

    def __init__(self, signing_in: SigningIn) -> None:
        self._in = signing_in
        self._store = signing_in.store
        self._people = signing_in.store.people

    # ------------------------------------------------------------------ links

    def first_link(self) -> str | None:
        """The secret of a new set-up link, while there is no user at all; an earlier one is void."""
        if self._people.all():
            return None
        return self.open_link(("admin",), actor="trustward", lasts_us=FIRST_US)

    def open_link(self, roles: Sequence[str], *, actor: str, lasts_us: int | None = None) -> str:
        """The secret of a link whose user chooses a name; an earlier one is void."""
        body = msgspec.json.encode(_Invited(roles=check_roles(roles), by=actor))
        return self._link("", body, actor=actor, lasts_us=lasts_us)

    def link_for(self, id: str, *, actor: str) -> tuple[User, str]:
        """A user, and the secret of a new link. Raises NotFoundError."""
        user = self.get(id)
        return user, self.link(user, actor=actor)

    def link(self, user: User, *, actor: str) -> str:
        """The secret of a new link for a user, to set a password; an earlier one is void. Raises ForbiddenError."""
        self._may_begin(user)
        return self._link(user.id, b"", actor=actor)

    def _link(self, user: str, body: bytes, *, actor: str, lasts_us: int | None = None) -> str:
        secret, kept = new_secret()
        ends_us = self._in.clock() + (lasts_us or self._in.rules.link_us)
        audit = self._row(actor, "user.link", user or "new", ends_us=ends_us)
        self._store.tickets.issue(
            Ticket(hash=kept, kind="link", user=user, ends_us=ends_us, body=body), audit, alone=True
        )
        return secret

    def redeem(self, secret: str, password: str, name: str, where: Where) -> Signed:
        """Use a link: a password is set, every session ends, and a half one begins. The second factor comes next.

        Raises SignInError for a link that is no good (any more), UsageError for a name or password that is none.
        """
        self._in.count_address(where)
        now = self._in.clock()
        held = self._store.tickets.look(hash_of(secret), "link", now)
        user = self._people.get(held.user) if held is not None and held.user else None
        if held is None or (held.user and (user is None or user.disabled_us is not None)):
            raise SignInError("the link is not good, or not any more", remedy="ask for a new one")
        self._in.forgive_address(where)
        name = check_name(name) if user is None else user.name
        check_password(password, name)
        if user is None and self._people.named(name) is not None:
            raise UsageError(f"there is a user called {name}", remedy="choose another name")
        kept = self._in.passwords.hashed(password)
        if self._store.tickets.take(hash_of(secret), "link", now) is None:
            raise SignInError("the link is not good, or not any more", remedy="ask for a new one")
        if user is None:
            invited = msgspec.json.decode(held.body, type=_Invited)
            user = self._made(name, "", invited.roles, invited.by, password=kept)
            self._people.add(user, self._row(f"user:{user.id}", "user.joined", user.id, roles=invited.roles))
        else:
            user = msgspec.structs.replace(user, password=kept)
            self._people.update(user, self._in.row(user, "user.password"), keep="")
        return self._in.begin(user, "half", "link", where)

    # ------------------------------------------------------------------ what admins do

    def invite(self, name: str, full: str, roles: Sequence[str], *, actor: str) -> tuple[User, str]:
        """A new user without a password, and the secret of the link to set one. Raises UsageError, TakenError."""
        user = self._made(check_name(name), full, check_roles(roles), actor)
        self._people.add(user, self._row(actor, "user.invited", user.id, name=user.name, roles=user.roles))
        return user, self.link(user, actor=actor)

    def set_roles(self, id: str, roles: Sequence[str], *, actor: str) -> User:
        """Other roles; every session of the user ends. Raises ForbiddenError, UsageError, NotFoundError."""
        user = self._other(id, actor)
        wanted = check_roles(roles)
        changed = msgspec.structs.replace(user, roles=wanted)
        row = self._row(actor, "user.roles", id, before=user.roles, after=wanted)
        self._people.update(changed, row, keep="", leaves_admin=user.leads)
        return changed

    def disable(self, id: str, *, actor: str) -> User:
        """Let a user in no more; sessions and links end. Raises ForbiddenError, NotFoundError."""
        user = self._other(id, actor)
        if user.disabled_us is not None:
            return user
        changed = msgspec.structs.replace(user, disabled_us=self._in.clock())
        self._people.update(changed, self._row(actor, "user.disabled", id), keep="", leaves_admin=user.leads)
        self._store.tickets.drop(id, "link")
        return changed

    def enable(self, id: str, *, actor: str) -> User:
        """Let a user in again."""
        user = self._other(id, actor)
        changed = msgspec.structs.replace(user, disabled_us=None)
        self._people.update(changed, self._row(actor, "user.enabled", id), keep="")
        return changed

    def reset(self, id: str, *, actor: str) -> tuple[User, str]:
        """Forget all that a user signs in with, end every session, and make a link to begin anew."""
        user = self._other(id, actor)
        self._may_begin(user)
        changed = msgspec.structs.replace(user, password="", totp="")
        self._people.update(changed, self._row(actor, "user.reset", id), keep="")
        self._people.drop_passkeys(id, self._row(actor, "user.passkey_dropped", id))
        self._people.set_codes(id, [], self._row(actor, "user.recovery_codes", id))
        for subject in (f"user:{id}", f"code:{id}"):
            self._store.attempts.forgive(subject, all=True)
        return changed, self.link(changed, actor=actor)

    def end_sessions(self, id: str, *, actor: str) -> int:
        """End every session of a user; how many there were."""
        user = self.get(id)
        return self._store.sessions.end_all(user.id, self._row(actor, "session.ended", id))

    def get(self, id: str) -> User:
        """A user by id. Raises NotFoundError."""
        found = self._people.get(id)
        if found is None:
            raise NotFoundError(f"no such user: {id[:80]}", remedy="trustward users list shows all")
        return found

    def named(self, name: str) -> User:
        """A user by name. Raises NotFoundError."""
        found = self._people.named(name.strip().lower())
        if found is None:
            raise NotFoundError(f"no such user: {name[:80]}", remedy="trustward users list shows all")
        return found

    # ------------------------------------------------------------------ parts

    def _made(self, name: str, full: str, roles: Sequence[str], actor: str, **how: Any) -> User:
        return User(
            id=secrets.token_hex(8),
            name=name,
            full=full,
            roles=tuple(roles),
            created_us=self._in.clock(),
            actor=actor,
            **how,
        )

    def _other(self, id: str, actor: str) -> User:
        # Nor by a key that they have made.
        if person(actor, self._store.keys) == f"user:{id}":
            raise ForbiddenError("nobody does this to themselves", remedy="ask another admin")
        return self.get(id)

    def _may_begin(self, user: User) -> None:
        if user.issuer:
            raise ForbiddenError("this user signs in at a provider", remedy="reset it there, or disable the user")
        if user.disabled_us is not None:
            raise ForbiddenError("this user is disabled", remedy="enable the user first")

    def _row(self, actor: str, action: str, user: str, **detail: Any) -> AuditRow:
        return AuditRow(
            at_us=self._in.clock(),
            actor=actor,
            action=action,
            subject=f"user:{user}",
            detail=msgspec.json.encode(detail),
        )
