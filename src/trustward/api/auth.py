"""Who may: keys and sessions, scopes, rates. What is not in the table of routes is refused, and so is who is nobody."""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from hmac import compare_digest
from typing import Any, NamedTuple

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.exceptions import MethodNotAllowedException

from trustward.api.access import ANY, HALF, OPEN, OWN, ROUTES
from trustward.api.origins import SAFE, check_origin
from trustward.base.clock import elapsed_s, now_us
from trustward.base.errors import (
    ForbiddenError,
    OriginError,
    OverloadedError,
    RateError,
    RequestError,
    UnauthenticatedError,
)
from trustward.model.access import scopes_of
from trustward.model.people import Session, User
from trustward.operations.keys import check_key, stands
from trustward.operations.signing_in import SigningIn, csrf_of
from trustward.ports import Keys, People

__all__ = ["ANY", "OPEN", "Caller", "KeyRing", "SessionRing", "caller_of", "guard"]

FRESH_S = 2.0
"""How long a key or a session is believed after it was looked up: a revoked one ends within this time."""
COOKIE = "__Host-trustward"
"""The session's cookie. Browsers take this name over TLS (or from localhost) only, and from no other host."""
CSRF = b"trustward-csrf"
"""The header that a page sends with each change."""

_MOST_HELD = 10_000
_MOST_LOOKED_UP = 500
_PERSON = re.compile(r"[A-Za-z0-9._@+-]{1,80}")
_SHAPE = re.compile(r"[A-Za-z0-9_-]{20,200}")
_REMEDY = "send Authorization: Bearer KEY; trustward keys create makes a key"
_AGAIN = "sign in again"


class Caller(NamedTuple):
    """Who asks, and when that was looked up: a key, or a user with a session."""

    actor: str
    scopes: frozenset[str]
    seen_s: float
    ends_us: int | None = None
    user: User | None = None
    session: Session | None = None
    token: str = ""

    def may(self, access: str) -> bool:
        """Whether this caller may call a route with this entry in the table.

        >>> key = Caller("key:1", frozenset({"read"}), 0.0)
        >>> key.may("read"), key.may("any"), key.may("change"), key.may("own"), key.may("half")
        (True, True, False, False, False)
        """
        if self.session is None:
            return access == ANY or access in self.scopes
        if self.session.level != "full":
            return access == HALF
        return access in {ANY, OWN, HALF} or access in self.scopes


class Bucket:
    """So many a second, with one second's worth at once.

    >>> bucket = Bucket(10)
    >>> bucket.take(10, now_s=0.0), bucket.take(5, now_s=0.0)
    (0.0, 0.5)
    """

    __slots__ = ("at_s", "left", "rate")

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self.left = float(rate)
        self.at_s: float | None = None

    def take(self, count: int, *, now_s: float, anyway: bool = False) -> float:
        """Take ``count``: 0, or how many seconds to wait first. ``anyway`` takes them on credit."""
        if self.at_s is not None:
            self.left = min(float(self.rate), self.left + (now_s - self.at_s) * self.rate)
        self.at_s = now_s
        missing = min(count, self.rate) - self.left
        if missing <= 0 or anyway:
            self.left -= count
        return max(0.0, missing / self.rate)


class _Ring:
    """Looks up who somebody is by a secret text, and keeps that for a moment. Used by one event loop."""

    what = "key"
    remedy = _REMEDY

    def __init__(self, look_up: Callable[[str], Caller | None]) -> None:
        self._look_up_in = look_up
        self._held: OrderedDict[str, Caller] = OrderedDict()
        self._looking: dict[str, asyncio.Future[Caller | None]] = {}
        # Threads of its own: whatever else waits, callers are looked up.
        self._pool = ThreadPoolExecutor(2, thread_name_prefix=f"{self.what}s")

    async def caller(self, text: str) -> Caller:
        """Who sends this. Raises UnauthenticatedError, OverloadedError, StoreError."""
        held = self._held.get(text)
        if held is None or elapsed_s() - held.seen_s > FRESH_S:
            # Many requests with one secret wait for one look.
            looking = self._looking.get(text)
            if looking is None:
                if len(self._looking) >= _MOST_LOOKED_UP:
                    raise OverloadedError(
                        f"many unknown {self.what}s are being looked up", remedy="send it again in a moment"
                    )
                looking = self._looking[text] = asyncio.ensure_future(self._look_up(text))
            held = await asyncio.shield(looking)
        if held is None or (held.ends_us is not None and held.ends_us <= now_us()):
            raise UnauthenticatedError(f"the {self.what} is unknown, or has ended", remedy=self.remedy)
        return held

    async def _look_up(self, text: str) -> Caller | None:
        try:
            found = None
            if _SHAPE.fullmatch(text):
                found = await asyncio.get_running_loop().run_in_executor(self._pool, self._look_up_in, text)
            self._held.pop(text, None)
            if found is None:
                return None
            while len(self._held) >= _MOST_HELD:
                self._held.popitem(last=False)
            self._held[text] = found
            return found
        finally:
            del self._looking[text]

    def forget(self) -> None:
        """Look everybody up again: something has changed."""
        self._held.clear()

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown(wait=False)


class KeyRing(_Ring):
    """API keys, and how much each caller may send."""

    def __init__(self, keys: Keys, people: People, rate: int = 0) -> None:
        super().__init__(partial(_by_key, keys, people))
        self._rate = rate
        self._buckets: dict[str, Bucket] = {}

    def charge(self, caller: Caller, count: int = 1) -> None:
        """Count a request against its caller's rate. Raises RateError."""
        wait = self.owed_s(caller, count, anyway=False) if self._rate else 0.0
        if wait:
            raise RateError(
                f"the key may send {self._rate:,} in a second", wait_s=wait, remedy="send it again after Retry-After"
            )

    def owed_s(self, caller: Caller, count: int, *, anyway: bool = True) -> float:
        """Count events of a stream, which is slowed down instead of refused: the seconds to wait."""
        return self.owe(caller.actor, count, anyway=anyway)

    def owe(self, actor: str, count: int, *, anyway: bool = True) -> float:
        """Count what a caller has sent, here or through another process: the seconds to wait."""
        if not self._rate:
            return 0.0
        bucket = self._buckets.get(actor)
        if bucket is None:
            bucket = self._buckets[actor] = Bucket(self._rate)
        return bucket.take(count, now_s=elapsed_s(), anyway=anyway)

    @property
    def limited(self) -> bool:
        """Whether there is a limit at all."""
        return bool(self._rate)


class SessionRing(_Ring):
    """Sessions of people."""

    what = "session"
    remedy = _AGAIN

    def __init__(self, signing_in: SigningIn) -> None:
        super().__init__(partial(_by_session, signing_in))


def _by_key(keys: Keys, people: People, text: str) -> Caller | None:
    now_s = elapsed_s()
    key = check_key(text, keys, now_us())
    if key is None or not stands(key, keys, people):
        return None
    ends = [at for at in (key.expires_us, key.revoked_us) if at is not None]
    return Caller(f"key:{key.id}", frozenset(key.scopes), now_s, min(ends, default=None))


def _by_session(signing_in: SigningIn, token: str) -> Caller | None:
    now_s = elapsed_s()
    found = signing_in.look_up(token)
    if found is None:
        return None
    user, session = found
    ends_us = min(session.ends_us, session.seen_us + signing_in.rules.idle_us)
    scopes = scopes_of(user.roles) if session.level == "full" else frozenset[str]()
    return Caller(f"user:{user.id}", scopes, now_s, ends_us, user, session, token)


async def guard(request: Request[Any, Any, Any]) -> None:
    """Let a request through if the table lets its caller: called before every handler.

    Raises UnauthenticatedError, ForbiddenError, OriginError, RateError, RequestError.
    """
    scope = request.scope
    path = scope.get("path_template", "")
    if scope["method"] == "OPTIONS":
        # The framework's own handler has no place in the table, and there is nothing to say that CORS would ask.
        raise MethodNotAllowedException(headers={"Allow": ", ".join(sorted(of for of, at in ROUTES if at == path))})
    access = ROUTES.get((scope["method"], path), "")
    service = request.app.state.service
    key, token = credentials(scope["headers"])
    if access == OPEN:
        check_origin(request, service.settings.origin)
        return
    if key is not None:
        caller = await service.ring.caller(key)
    elif token is not None:
        caller = await service.desk.ring.caller(token)
        check_origin(request, service.settings.origin)
        if scope["method"] not in SAFE:
            _check_csrf(scope["headers"], token)
    else:
        raise nobody()
    let_in(service.ring, caller, access)
    if "\0" in scope["path"] or b"%00" in scope["query_string"]:
        raise RequestError("the address has a NUL character (%00)", remedy="take it out")
    scope["state"]["caller"] = caller


def nobody() -> UnauthenticatedError:
    """What is said to who does not say who it is."""
    return UnauthenticatedError("no key and no session came with the request", remedy=_REMEDY)


def let_in(ring: KeyRing, caller: Caller, access: str) -> None:
    """Let a caller go on to a route with this entry in the table, and count that. Raises ForbiddenError, RateError."""
    if not caller.may(access):
        raise _forbidden(caller, access)
    ring.charge(caller)


def _forbidden(caller: Caller, access: str) -> ForbiddenError:
    if caller.session is None:
        if access in {OWN, HALF}:
            return ForbiddenError("this is for people who have signed in", remedy="a key has no session")
        return ForbiddenError(f"the key has not the scope {access or '(none)'}", remedy="use a key that has it")
    if caller.session.level != "full":
        return ForbiddenError("the second factor is missing", remedy="GET /v1/session says what is needed")
    return ForbiddenError(
        f"your roles have not the scope {access or '(none)'}", remedy="ask an admin for a role with it"
    )


def credentials(headers: Any) -> tuple[str | None, str | None]:
    """The key and the session's token that came with a request. Raises UnauthenticatedError for what is ambiguous.

    >>> credentials([(b"authorization", b"Bearer k"), (b"cookie", b"a=b; __Host-trustward=t")])
    ('k', 't')
    """
    said: str | None = None
    tokens = []
    for name, value in headers:
        if name == b"authorization":
            if said is not None:
                raise UnauthenticatedError("more than one Authorization header", remedy=_REMEDY)
            said = value.decode("latin-1")
        elif name == b"cookie":
            parts = (part.strip().partition("=") for part in value.decode("latin-1").split(";"))
            tokens += [held for cookie, _, held in parts if cookie == COOKIE]
    key = None
    if said is not None:
        kind, _, text = said.partition(" ")
        if kind.lower() != "bearer" or not text:
            raise UnauthenticatedError("the Authorization header has no key", remedy=_REMEDY)
        key = text.strip()
    if len(tokens) > 1:
        raise UnauthenticatedError("more than one session's cookie", remedy="delete the cookies of this site")
    return key, tokens[0] if tokens else None


def _check_csrf(headers: Any, token: str) -> None:
    said = [value for name, value in headers if name == CSRF]
    if len(said) != 1 or not compare_digest(said[0], csrf_of(token).encode()):
        raise OriginError(
            "the header Trustward-CSRF is missing or wrong", remedy="send what GET /v1/session says in csrf"
        )


def caller_of(connection: ASGIConnection[Any, Any, Any, Any]) -> Caller:
    """Who asks; the guard has looked."""
    found: Caller = connection.scope["state"]["caller"]
    return found


def sees_secrets(connection: ASGIConnection[Any, Any, Any, Any]) -> bool:
    """Whether the caller may know of what an order keeps secret."""
    return "secret" in caller_of(connection).scopes


def check_secret(request: Request[Any, Any, Any], *, secret: bool) -> None:
    """Raise ForbiddenError if a caller wants to make something secret that it could not see itself."""
    if secret and not sees_secrets(request):
        raise ForbiddenError("the key has not the scope secret", remedy="use a key that has it")


def person_of(request: Request[Any, Any, Any]) -> str:
    """Who works: a user that is signed in; or whom a key names in the header ``Trustward-Person``; or the key itself.

    Raises RequestError for a name that is none, or one that a signed-in user gives.
    """
    caller = caller_of(request)
    for name, value in request.scope["headers"]:
        if name == b"trustward-person":
            text = value.decode("latin-1").strip()
            if caller.session is not None or not _PERSON.fullmatch(text):
                raise RequestError("Trustward-Person is no name", remedy="up to 80 letters, digits and . _ @ + -")
            return f"{caller.actor}:{text}"
    return caller.actor


def who_is(request: Request[Any, Any, Any], name: str) -> str:
    """The person whom a name means to who asks: another one whom its key names, or a user; as it is if nobody is.

    What is a person already, such as ``user:4f1c`` or ``key:4f1c:kim``, stays.
    """
    if not name or ":" in name:
        return name
    caller = caller_of(request)
    if caller.session is None:
        return f"{caller.actor}:{name}"
    user = request.app.state.service.store.people.named(name)
    return name if user is None else f"user:{user.id}"
