"""What the routes for people share: the stories of sign-in, users and keys, threads for them, and the cookie."""

from __future__ import annotations

import asyncio
import sys
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

import msgspec
from litestar import Request, Response

from trustward import bootstrap
from trustward.api.auth import COOKIE, Bucket, Caller, SessionRing, caller_of
from trustward.api.logs import log
from trustward.api.origins import where
from trustward.base.clock import elapsed_s
from trustward.base.errors import OverloadedError, RateError, TrustwardError
from trustward.base.units import format_time
from trustward.model.access import scopes_of
from trustward.model.people import Session, User
from trustward.operations.factors import Factors
from trustward.operations.people import People
from trustward.operations.signing_in import Signed, Where, csrf_of
from trustward.ports import Store
from trustward.settings import Settings

T = TypeVar("T")
P = ParamSpec("P")
_MOST_WAITING = 100
_MOST_NETWORKS = 10_000
ASKED = 10
"""How many sign-ins by passkey or provider may be begun from one network in a second: each writes a row."""
_TEND_S = 600.0


class PasskeyTold(msgspec.Struct, frozen=True, kw_only=True):
    """A passkey of yours."""

    id: str
    name: str
    created: str
    used: str | None


class SessionTold(msgspec.Struct, frozen=True, kw_only=True):
    """Who you are, and what you may. ``csrf`` goes into the header ``Trustward-CSRF`` of every change.

    ``level`` is ``half`` while the second factor is missing; ``needs`` then says what there is: ``code`` (of an
    authenticator, or a recovery code), ``passkey``, or ``enrol`` for the first one. ``recovery_codes`` are shown once.
    """

    id: str
    user: str
    name: str
    full: str
    roles: tuple[str, ...]
    scopes: tuple[str, ...]
    level: str
    needs: tuple[str, ...]
    csrf: str
    ends: str
    password: bool
    totp: bool
    passkeys: tuple[PasskeyTold, ...]
    recovery_codes_left: int
    recovery_codes: tuple[str, ...] = ()


class Desk:
    """Sign-in, users and keys of one process. Used by one event loop."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self.settings = settings
        self.store = store
        self.signing_in = bootstrap.signing_in(settings, store)
        self.factors = Factors(self.signing_in)
        self.people = People(self.signing_in)
        self.sso = bootstrap.single_sign_on(settings, self.signing_in)
        self.ring = SessionRing(self.signing_in)
        # Few at a time: each password takes 64 MiB while it is looked at.
        self._pool = ThreadPoolExecutor(2, thread_name_prefix="desk")
        self._waiting = 0
        self._asked: OrderedDict[str, Bucket] = OrderedDict()
        self._tend_at_s = 0.0

    def pace(self, network: str) -> None:
        """See that nobody fills the database with what anybody may ask for, and waits for. Raises RateError."""
        bucket = self._asked.pop(network, None) or Bucket(ASKED)
        self._asked[network] = bucket
        while len(self._asked) > _MOST_NETWORKS:
            self._asked.popitem(last=False)
        wait = bucket.take(1, now_s=elapsed_s())
        if wait:
            raise RateError(
                f"{ASKED} sign-ins may be begun in a second", wait_s=wait, remedy="begin again after Retry-After"
            )

    async def run(self, story: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a part of a story in a thread. Raises OverloadedError, and what the story raises."""
        if self._waiting >= _MOST_WAITING:
            raise OverloadedError("many people are signing in at this moment", remedy="try again in a moment")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, lambda: story(*args, **kwargs))
        finally:
            self._waiting -= 1
            self.ring.forget()

    def welcome(self) -> None:
        """Print a set-up link while there is no user: on standard output, not in the log."""
        try:
            secret = self.people.first_link()
        except TrustwardError as fault:
            log("no set-up link", error=fault)
            return
        if secret is not None:
            sys.stdout.write(
                f"No user yet. This link sets up the first one, once, within an hour:\n"
                f"  {self.signing_in.rules.link(secret)}\n"
                "Until the console has its page, POST /v1/session/link takes what follows # (docs/people.md).\n"
            )
            sys.stdout.flush()

    async def tend(self) -> None:
        """Now and then: drop sessions, tickets and attempts that are over."""
        if elapsed_s() < self._tend_at_s:
            return
        self._tend_at_s = elapsed_s() + _TEND_S
        try:
            await self.run(self.signing_in.sweep)
        except TrustwardError as fault:
            log("not swept", error=fault)

    def close(self) -> None:
        """End the threads."""
        self.ring.close()
        if self.sso is not None:
            self.sso.close()
        self._pool.shutdown(wait=False)

    def told(self, user: User, session: Session, token: str, codes: list[str] | None = None) -> SessionTold:
        """What a user is told about their session."""
        has = self.factors.has(user)
        full = session.level == "full"
        passkeys = self.store.people.passkeys(user.id) if full else ()
        return SessionTold(
            id=session.id,
            user=user.id,
            name=user.name,
            full=user.full,
            roles=user.roles,
            scopes=tuple(sorted(scopes_of(user.roles))) if full else (),
            level=session.level,
            needs=() if full else tuple(has or ["enrol"]),
            csrf=csrf_of(token),
            ends=format_time(session.ends_us),
            password=bool(user.password),
            totp=bool(user.totp),
            passkeys=tuple(
                PasskeyTold(
                    id=one.id,
                    name=one.name,
                    created=format_time(one.created_us),
                    used=None if one.used_us is None else format_time(one.used_us),
                )
                for one in passkeys
            ),
            recovery_codes_left=self.store.people.codes(user.id) if full else 0,
            recovery_codes=tuple(codes or ()),
        )

    async def let_in(self, signed: Signed, codes: list[str] | None = None) -> Response[SessionTold]:
        """The answer to who has signed in, with the cookie."""
        told = await self.run(self.told, signed.user, signed.session, signed.token, codes)
        lasts_s = (signed.session.ends_us - signed.session.began_us) // 1_000_000
        return Response(told, status_code=200, headers={"Set-Cookie": cookie(signed.token, lasts_s)})


def cookie(token: str, lasts_s: int) -> str:
    """The header that sets the session's cookie; ``lasts_s`` 0 drops it.

    >>> cookie("t", 60)
    '__Host-trustward=t; Path=/; Max-Age=60; Secure; HttpOnly; SameSite=Strict'
    """
    return f"{COOKIE}={token}; Path=/; Max-Age={lasts_s}; Secure; HttpOnly; SameSite=Strict"


def desk_of(request: Request[Any, Any, Any]) -> Desk:
    """The desk of this process."""
    found: Desk = request.app.state.service.desk
    return found


def whence(request: Request[Any, Any, Any]) -> Where:
    """Where a request comes from."""
    return where(request, desk_of(request).settings.proxies)


def own(request: Request[Any, Any, Any]) -> tuple[User, Session, Caller]:
    """Whose session the request has; the guard has looked."""
    caller = caller_of(request)
    assert caller.user is not None  # the table says: sessions only
    assert caller.session is not None  # the same
    return caller.user, caller.session, caller
