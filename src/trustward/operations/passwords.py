"""Passwords, recovery codes and the secrets of sessions and links: how they are made, kept and known again."""

from __future__ import annotations

import re
import secrets
import unicodedata
from hashlib import sha256

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from trustward.base.errors import UsageError

SHORTEST = 12
LONGEST = 200
CODES = 10
_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_NAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,99}")


class Passwords:
    """Keeps passwords as argon2id hashes; whoever has no password costs as much time as a wrong one.

    The cost is RFC 9106's second recommendation: 64 MiB (``memory_kib``), three passes, four lanes.

    >>> kept = Passwords().hashed("correct horse battery")
    >>> kept.startswith("$argon2id$"), Passwords().fits(kept, "correct horse battery"), Passwords().fits(kept, "no")
    (True, True, False)
    """

    def __init__(self, memory_kib: int = 65_536) -> None:
        self._hasher = PasswordHasher(time_cost=3, memory_cost=memory_kib, parallelism=4)
        self._nobody = ""

    def hashed(self, password: str) -> str:
        """How a password is kept."""
        return self._hasher.hash(_bytes(password))

    def fits(self, kept: str, password: str) -> bool:
        """Whether it is the one that was kept; an empty hash is nobody's."""
        if not self._nobody:
            self._nobody = self._hasher.hash(secrets.token_bytes(16))
        try:
            return self._hasher.verify(kept or self._nobody, _bytes(password)) and bool(kept)
        except (VerificationError, InvalidHashError):
            return False

    def stale(self, kept: str) -> bool:
        """Whether it was kept at another cost than today's."""
        return self._hasher.check_needs_rehash(kept)


def _bytes(password: str) -> bytes:
    # One password, however its letters were composed.
    return unicodedata.normalize("NFKC", password).encode("utf-8", "replace")


def check_password(password: str, name: str) -> str:
    """A password that may be taken. Raises UsageError.

    >>> check_password("kimkimkimkim", "kim")
    Traceback (most recent call last):
    ...
    trustward.base.errors.UsageError: TW-100: the password is too easy to guess (take several words that nobody...)
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise UsageError(f"a password has {SHORTEST} to {LONGEST} characters", remedy="take several words")
    plain = password.casefold()
    rest = plain.replace(name.casefold(), "") if name else plain
    if len(set(rest)) < 6 or any(word in plain for word in ("password", "trustward", "123456", "qwerty", "passwort")):
        raise UsageError(
            "the password is too easy to guess", remedy="take several words that nobody would put together"
        )
    return password


def check_name(name: str) -> str:
    """A name to sign in with, in small letters. Raises UsageError.

    >>> check_name(" Kim@Shop.example")
    'kim@shop.example'
    """
    found = name.strip().lower()
    if not _NAME.fullmatch(found):
        raise UsageError(
            "a name has 1 to 100 of a-z, 0-9, . _ @ + - and begins with a letter or digit", remedy="choose such a name"
        )
    return found


def new_secret() -> tuple[str, str]:
    """A secret of 256 random bits, and the hash by which it is kept and found.

    >>> secret, kept = new_secret()
    >>> hash_of(secret) == kept, len(secret)
    (True, 64)
    """
    secret = secrets.token_hex(32)
    return secret, hash_of(secret)


def hash_of(secret: str) -> str:
    """How a secret is kept that nobody can guess: a fast hash protects it as well as a slow one."""
    return sha256(secret.encode("utf-8", "replace")).hexdigest()


def new_codes() -> list[str]:
    """Recovery codes, of 80 random bits each.

    >>> {len(code) for code in new_codes()}, plain_code("abcd-efgh jkmn-pqrs")
    ({19}, 'ABCDEFGHJKMNPQRS')
    """
    codes = ("".join(secrets.choice(_ALPHABET) for _ in range(16)) for _ in range(CODES))
    return ["-".join(code[at : at + 4] for at in range(0, 16, 4)) for code in codes]


def plain_code(text: str) -> str:
    """A code as it is hashed, however it was typed."""
    return "".join(text.upper().replace("-", " ").split())
