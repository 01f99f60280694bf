"""Who may: keys, scopes, rates. A route without a scope cannot be made; without a key nothing is answered."""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from litestar import Request
from litestar.connection import ASGIConnection

from trustward.base.clock import elapsed_s, now_us
from trustward.base.errors import ForbiddenError, OverloadedError, RateError, UnauthenticatedError
from trustward.model.stored import ApiKey
from trustward.operations.keys import check_key
from trustward.ports import Keys

OPEN = "open"
"""The scope of a route that asks for no key."""
ANY = "any"
"""The scope of a route that any good key opens."""
FRESH_S = 2.0
"""How long a key is believed after it was looked up: a revoked one ends within this time."""

_MOST_HELD = 10_000
_MOST_LOOKED_UP = 500
_SHAPE = re.compile(r"[A-Za-z0-9_-]{20,200}")
_REMEDY = "send Authorization: Bearer KEY; trustward keys create makes a key"


class Caller(NamedTuple):
    """Who asks: the key, and when it was looked up."""

    key: ApiKey
    seen_s: float

    @property
    def actor(self) -> str:
        """By what name changes are recorded."""
        return f"key:{self.key.id}"


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


class KeyRing:
    """Looks keys up, and keeps them for a moment. Used by one event loop."""

    def __init__(self, keys: Keys, rate: int = 0) -> None:
        self._keys = keys
        self._rate = rate
        self._held: OrderedDict[str, Caller] = OrderedDict()
        self._buckets: dict[str, Bucket] = {}
        self._looking: dict[str, asyncio.Future[Caller | None]] = {}
        # Threads of its own: whatever else waits, keys are looked up.
        self._pool = ThreadPoolExecutor(2, thread_name_prefix="keys")

    async def caller(self, text: str) -> Caller:
        """Who sends this key. Raises UnauthenticatedError, OverloadedError, StoreError."""
        held = self._held.get(text)
        if held is None or elapsed_s() - held.seen_s > FRESH_S:
            # Many requests with one key wait for one look.
            looking = self._looking.get(text)
            if looking is None:
                if len(self._looking) >= _MOST_LOOKED_UP:
                    raise OverloadedError("many unknown keys are being looked up", remedy="send it again in a moment")
                looking = self._looking[text] = asyncio.ensure_future(self._look_up(text))
            held = await asyncio.shield(looking)
        if held is None or not held.key.usable(now_us()):
            raise UnauthenticatedError("the key is unknown, revoked or expired", remedy=_REMEDY)
        return held

    async def _look_up(self, text: str) -> Caller | None:
        try:
            now_s = elapsed_s()
            key = None
            if _SHAPE.fullmatch(text):
                loop = asyncio.get_running_loop()
                key = await loop.run_in_executor(self._pool, check_key, text, self._keys, now_us())
            self._held.pop(text, None)
            if key is None:
                return None
            while len(self._held) >= _MOST_HELD:
                self._held.popitem(last=False)
            made = self._held[text] = Caller(key, now_s)
            return made
        finally:
            del self._looking[text]

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown(wait=False)

    def charge(self, caller: Caller, count: int = 1) -> None:
        """Count a request against its key's rate. Raises RateError."""
        wait = self.owed_s(caller, count, anyway=False) if self._rate else 0.0
        if wait:
            raise RateError(
                f"the key may send {self._rate:,} in a second", wait_s=wait, remedy="send it again after Retry-After"
            )

    def owed_s(self, caller: Caller, count: int, *, anyway: bool = True) -> float:
        """Count events of a stream, which is slowed down instead of refused: the seconds to wait."""
        return self.owe(caller.key.id, count, anyway=anyway)

    def owe(self, key: str, count: int, *, anyway: bool = True) -> float:
        """Count what a key has sent, here or through another process: the seconds to wait."""
        if not self._rate:
            return 0.0
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = Bucket(self._rate)
        return bucket.take(count, now_s=elapsed_s(), anyway=anyway)

    @property
    def limited(self) -> bool:
        """Whether there is a limit at all."""
        return bool(self._rate)


async def guard(request: Request[Any, Any, Any]) -> None:
    """Let a request through if its key has the route's scope: called before every handler.

    Raises UnauthenticatedError, ForbiddenError, RateError.
    """
    scope = request.route_handler.opt.get("scope")
    if scope == OPEN:
        return
    ring: KeyRing = request.app.state.service.ring
    caller = await ring.caller(_bearer(request.scope["headers"]))
    if scope is None or (scope != ANY and scope not in caller.key.scopes):
        raise ForbiddenError(f"the key has not the scope {scope}", remedy="use a key that has it")
    ring.charge(caller)
    request.scope["state"]["caller"] = caller


def _bearer(headers: Any) -> str:
    found = ""
    for name, value in headers:
        if name == b"authorization":
            if found:
                raise UnauthenticatedError("more than one Authorization header", remedy=_REMEDY)
            found = value.decode("latin-1")
    kind, _, text = found.partition(" ")
    if kind.lower() != "bearer" or not text:
        raise UnauthenticatedError("no key came with the request", remedy=_REMEDY)
    return text.strip()


def caller_of(connection: ASGIConnection[Any, Any, Any, Any]) -> Caller:
    """Who asks; the guard has looked."""
    found: Caller = connection.scope["state"]["caller"]
    return found
