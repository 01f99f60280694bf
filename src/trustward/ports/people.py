"""People, their sessions, one-time tickets and failed attempts: what the stories of sign-in need from the world."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from trustward.model.people import Pace, Passkey, Session, Ticket, User
from trustward.model.stored import AuditRow


class People(Protocol):
    """Users and what they sign in with. Each change comes with its row of the audit, written together."""

    def add(self, user: User, audit: AuditRow) -> None:
        """Keep a new user. Raises TakenError if the name, or the person at a provider, is known."""

    def get(self, id: str) -> User | None:
        """The user with this id, disabled ones included."""

    def named(self, name: str) -> User | None:
        """The user who signs in with this name."""

    def known_as(self, issuer: str, subject: str) -> User | None:
        """The user whom a provider of single sign-on calls so."""

    def all(self) -> Sequence[User]:
        """Every user, the oldest first."""

    def update(self, user: User, audit: AuditRow, *, keep: str | None = None, leaves_admin: bool = False) -> None:
        """Write a user as changed from ``user.version``. With ``keep`` all sessions but this one end ("": all).

        With ``leaves_admin`` only if an admin who is not disabled is left, whoever else is being changed at the same
        time. Raises StaleError if the user has changed meanwhile, NotFoundError, ForbiddenError if no admin were left.
        """

    def use_step(self, user: str, step: int) -> bool:
        """Use up a time step of a user's authenticator; False if it, or a later one, has been used."""

    def seal_totp(self, user: str, before: str, after: str) -> bool:
        """Keep the same secret of an authenticator, encrypted now; False if it is not ``before`` any more.

        Time steps that were used stay used, and the user's version goes up.
        """

    def set_codes(self, user: str, hashes: Sequence[str], audit: AuditRow) -> None:
        """Replace a user's recovery codes."""

    def use_code(self, user: str, hash: str, audit: AuditRow) -> bool:
        """Use up a recovery code; False if it is none (any more)."""

    def codes(self, user: str) -> int:
        """How many recovery codes are left."""

    def add_passkey(self, passkey: Passkey, audit: AuditRow) -> None:
        """Keep a passkey. Raises TakenError if it is known."""

    def passkey(self, id: str) -> Passkey | None:
        """The passkey with this id."""

    def passkeys(self, user: str) -> Sequence[Passkey]:
        """A user's passkeys, the oldest first."""

    def used_passkey(self, id: str, count: int, at_us: int) -> bool:
        """Note that a passkey was used; False if its count is not beyond the last one (0: it does not count)."""

    def drop_passkeys(self, user: str, audit: AuditRow, id: str = "") -> int:
        """Drop one of a user's passkeys, or all; how many there were."""


class Sessions(Protocol):
    """Who is signed in."""

    def begin(self, session: Session, audit: AuditRow | None = None, *, instead: str = "") -> None:
        """Keep a session, and end the one that it takes the place of."""

    def get(self, hash: str) -> Session | None:
        """The session whose token has this hash."""

    def of(self, user: str) -> Sequence[Session]:
        """A user's sessions, the oldest first."""

    def seen(self, id: str, at_us: int) -> None:
        """Note that a session is in use."""

    def end(self, id: str, user: str, audit: AuditRow | None = None) -> bool:
        """End a user's session; False if there is none."""

    def end_all(self, user: str, audit: AuditRow, keep: str = "") -> int:
        """End all of a user's sessions but one; how many there were."""

    def sweep(self, now_us: int, idle_us: int) -> int:
        """Drop what is over; how many there were."""


class Tickets(Protocol):
    """What may be used once."""

    def issue(self, ticket: Ticket, audit: AuditRow | None = None, *, alone: bool = False) -> None:
        """Keep a ticket; with ``alone`` those of its kind that its user had are void."""

    def look(self, hash: str, kind: str, now_us: int) -> Ticket | None:
        """The ticket with this hash, if it is of this kind and not over."""

    def take(self, hash: str, kind: str, now_us: int) -> Ticket | None:
        """The same, once: of several who ask, one gets it."""

    def drop(self, user: str, kind: str) -> None:
        """Void a user's tickets of a kind."""

    def sweep(self, now_us: int) -> int:
        """Drop what is over; how many there were."""


class Attempts(Protocol):
    """Failed attempts to sign in, by what they have in common: a user, an address."""

    def begin(self, subject: str, now_us: int, pace: Pace) -> int:
        """Count an attempt as failed before it is looked at, so that many at once do not get past the count.

        0, or how long to wait: then it is not counted, and must not be looked at.
        """

    def forgive(self, subject: str, *, all: bool) -> None:
        """Take back one attempt that was good, or forget all of them."""

    def sweep(self, before_us: int) -> int:
        """Drop what has not failed since; how many there were."""


class Sealing(Protocol):
    """Encrypts secrets of authenticators, each bound to its user."""

    def seal(self, user: str, secret: str) -> str:
        """A secret as it is kept. Raises SettingsError if there is no usable key."""

    def is_sealed(self, kept: str) -> bool:
        """Whether what is kept is encrypted; earlier versions kept secrets as they were."""

    def open(self, user: str, kept: str) -> str:
        """The secret. Raises SettingsError if the key is missing or another one, or the secret another user's."""


class Provider(Protocol):
    """A provider of single sign-on (OpenID Connect): what must be asked of it over the network."""

    def discover(self) -> Mapping[str, Any]:
        """The provider's own description. Raises UnavailableError."""

    def keys(self, url: str, *, fresh: bool) -> Mapping[str, Any]:
        """What it signs with (JWKS), as known or asked again. Raises UnavailableError."""

    def redeem(self, url: str, form: Mapping[str, str]) -> Mapping[str, Any]:
        """What it gives for a code. Raises SignInError, UnavailableError."""

    def close(self) -> None:
        """Close every connection."""
