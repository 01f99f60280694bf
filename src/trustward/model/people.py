"""People who use the console: users, what they sign in with, sessions, one-time links."""

from __future__ import annotations

from typing import Literal

import msgspec


class User(msgspec.Struct, frozen=True, kw_only=True):
    """A person. ``name`` is what one signs in with, ``password`` an argon2id hash, empty where there is none.

    ``totp`` is the secret that is shared with an authenticator, encrypted. ``issuer`` and ``subject`` name a person who
    comes by single sign-on. ``version`` goes up with every change.
    """

    id: str
    name: str
    full: str = ""
    roles: tuple[str, ...] = ()
    password: str = ""
    totp: str = ""
    issuer: str = ""
    subject: str = ""
    created_us: int = 0
    disabled_us: int | None = None
    actor: str = ""
    version: int = 1

    @property
    def leads(self) -> bool:
        """Whether this is an admin who may come in."""
        return "admin" in self.roles and self.disabled_us is None


class Passkey(msgspec.Struct, frozen=True, kw_only=True):
    """A passkey: ``id`` is the credential's, in base64url; ``count`` how often it says that it was used."""

    id: str
    user: str
    name: str
    key: bytes
    count: int = 0
    created_us: int = 0
    used_us: int | None = None


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who is signed in, by the hash of a token. A ``half`` one still lacks the second factor."""

    id: str
    hash: str
    user: str
    level: Literal["half", "full"]
    how: str
    began_us: int
    seen_us: int
    ends_us: int
    address: str = ""
    agent: str = ""

    def usable(self, now_us: int, idle_us: int) -> bool:
        """Whether it has neither ended nor been idle for too long.

        >>> one = Session(id="s", hash="", user="u", level="full", how="", began_us=0, seen_us=5, ends_us=20)
        >>> one.usable(14, 10), one.usable(15, 10), one.usable(20, 100)
        (True, False, False)
        """
        return now_us < self.ends_us and now_us - self.seen_us < idle_us


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """Something that may be used once, by the hash of its secret: a link, a challenge, a way to a provider and back."""

    hash: str
    kind: Literal["link", "totp", "passkey.new", "passkey.use", "sso"]
    user: str
    ends_us: int
    body: bytes = b""


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """How many failures are free, how long the pause after the next one is, doubling up to ``most_us``.

    After ``forget_us`` without a failure all is forgotten.
    """

    free: int
    pause_us: int
    most_us: int
    forget_us: int

    def pause(self, count: int) -> int:
        """The pause after so many failures.

        >>> pace = Pace(free=3, pause_us=10, most_us=50, forget_us=100)
        >>> [pace.pause(count) for count in range(3, 8)]
        [0, 10, 20, 40, 50]
        """
        over = count - self.free
        return 0 if over <= 0 else min(self.most_us, self.pause_us << min(over - 1, 40))
