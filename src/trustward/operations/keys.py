"""API keys: made once, shown once, known again by the hash of their secret."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from hashlib import sha256
from hmac import compare_digest

from trustward.base.errors import NotFoundError
from trustward.model.access import check_scopes
from trustward.model.stored import ApiKey
from trustward.operations.proposing import person
from trustward.ports import Keys, People

_PREFIX = "tw"


def make_key(
    name: str, scopes: Sequence[str], *, actor: str, now_us: int, lasts_us: int | None = None
) -> tuple[ApiKey, str]:
    """A new key as it is kept, and the text that its owner sends. The text cannot be had again.

    The secret has 256 random bits: nothing can guess it, so a fast hash keeps it as well as a slow one, and every
    request can afford it. Raises UsageError for an unknown scope.

    >>> key, text = make_key("shop", ["decide"], actor="kim", now_us=0)
    >>> text.startswith(f"tw_{key.id}_"), key.hash == sha256(text.rpartition("_")[2].encode()).digest()
    (True, True)
    """
    # No underscore in either part: they part the text.
    ident, secret = secrets.token_hex(8), secrets.token_hex(32)
    key = ApiKey(
        id=ident,
        name=name,
        hash=sha256(secret.encode()).digest(),
        scopes=check_scopes(scopes),
        created_us=now_us,
        expires_us=None if lasts_us is None else now_us + lasts_us,
        actor=actor,
    )
    return key, f"{_PREFIX}_{ident}_{secret}"


def rotate_key(keys: Keys, id: str, *, actor: str, now_us: int, overlap_us: int) -> tuple[ApiKey, str]:
    """A new key for the same work; the old one is good for ``overlap_us`` more. Raises NotFoundError.

    The new key lasts as long as the old one was made to last.
    """
    old = keys.get(id)
    if old is None or not old.usable(now_us):
        raise NotFoundError(f"no such key that could still be used: {id[:80]}", remedy="trustward keys list shows all")
    lasts_us = None if old.expires_us is None else old.expires_us - old.created_us
    key, text = make_key(old.name, old.scopes, actor=actor, now_us=now_us, lasts_us=lasts_us)
    keys.rotate(id, key, now_us + overlap_us)
    return key, text


def check_key(text: str, keys: Keys, now_us: int) -> ApiKey | None:
    """The key that a text is, if it is one and may still be used; takes as long whichever part is wrong.

    >>> from trustward.adapters.store.memory import MemoryStore
    >>> kept = MemoryStore().keys
    >>> key, text = make_key("shop", ["decide"], actor="kim", now_us=0, lasts_us=10)
    >>> kept.add(key)
    >>> check_key(text, kept, 5) == key, check_key(text, kept, 10), check_key(text[:-1] + "x", kept, 5)
    (True, None, None)
    """
    prefix, _, rest = text.partition("_")
    ident, _, secret = rest.partition("_")
    key = keys.get(ident) if prefix == _PREFIX and ident.isalnum() and ident.isascii() else None
    fits = compare_digest(
        sha256(secret.encode("utf-8", "replace")).digest(), key.hash if key is not None else bytes(32)
    )
    return key if key is not None and fits and key.usable(now_us) else None


def stands(key: ApiKey, keys: Keys, people: People) -> bool:
    """Whether the person behind a key may still come in; of a key without a person: always.

    A key to users and keys is good only as long as that person is an admin: or it would be kept past the role.

    >>> from trustward.adapters.store.memory import MemoryStore
    >>> store = MemoryStore()
    >>> mine, _ = make_key("shop", ["decide"], actor="kim", now_us=0)
    >>> theirs, _ = make_key("shop", ["decide"], actor="user:gone", now_us=0)
    >>> stands(mine, store.keys, store.people), stands(theirs, store.keys, store.people)
    (True, False)
    """
    behind = person(key.actor, keys)
    if not behind.startswith("user:"):
        return True
    user = people.get(behind.removeprefix("user:"))
    return user is not None and user.disabled_us is None and ("admin" not in key.scopes or user.leads)
