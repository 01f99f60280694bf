"""One request from the first try to the last, without sending anything: both clients drive the same steps."""

from __future__ import annotations

from collections.abc import Callable, Generator
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple, TypeVar
from urllib.parse import urlsplit

import httpx
import msgspec

from trustward.base.clock import elapsed_s, now_us
from trustward.base.errors import UnreachableError, UsageError
from trustward.client.calls import Answer, Call
from trustward.client.retrying import Retrying, again, error_of, retry_after_s, unreachable

T = TypeVar("T")
PARTS = 5_000
"""How many events go into one request of many."""
PART_BYTES = 4_000_000


class Step(NamedTuple):
    """What to do next: send the request with this many seconds for it, or rest."""

    do: Literal["send", "rest"]
    seconds: float


Sent = Answer | httpx.TransportError | None
Steps = Generator[Step, Sent, T]


def steps(
    call: Call[T], retrying: Retrying, within_s: float, clock: Callable[[], float] = elapsed_s
) -> Generator[Step, Sent, T]:
    """The steps of a call; what came of each is sent in. Returns the result; raises what the service said last."""
    until = clock() + within_s
    failures = 0
    while True:
        sent = yield Step("send", max(until - clock(), 0.001))
        assert sent is not None  # something came of it
        asked: float | None = None
        status = 0
        if isinstance(sent, httpx.TransportError):
            error: Any = unreachable(sent)
            repeat = again(sent, 0, repeatable=call.repeatable)
        elif sent.status < 300:
            try:
                return call.read(sent)
            except (msgspec.MsgspecError, UnicodeDecodeError) as fault:
                raise UnreachableError(
                    f"the answer cannot be read: {type(fault).__name__}", remedy="see what stands at the address"
                ) from None
        else:
            status = sent.status
            error = error_of(status, sent.body, sent.headers)
            asked = retry_after_s(sent.headers, datetime.fromtimestamp(now_us() / 1e6, UTC))
            repeat = again(error, status, repeatable=call.repeatable)
        failures += 1
        rest = retrying.rest_s(failures, asked) if repeat else None
        if rest is None or clock() + rest >= until:
            raise error
        yield Step("rest", rest)


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How a client works."""

    address: str
    key: str
    timeout_s: float
    retrying: Retrying

    def headers(self) -> dict[str, str]:
        """What every request says."""
        return {"Authorization": f"Bearer {self.key}", "Accept": "application/json", "User-Agent": "trustward-client"}


def options(address: str, key: str, timeout_s: float, retrying: Retrying | None) -> Options:
    """The options, checked. Raises UsageError."""
    parts = urlsplit(address)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise UsageError("the address of a service is a URL", remedy="write it like https://trustward.example")
    if parts.username is not None or parts.password is not None:
        raise UsageError("the address has a password in it", remedy="give the key as key")
    if not key.isascii() or not key.isprintable() or not key or " " in key:
        raise UsageError("the key is none", remedy="trustward keys create makes one")
    return Options(address=address.rstrip("/"), key=key, timeout_s=timeout_s, retrying=retrying or Retrying())
