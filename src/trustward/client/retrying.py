"""What is tried again, and when; and what an answer that is an error means."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime

import httpx
import msgspec

from trustward.base import errors
from trustward.base.errors import (
    ConflictError,
    PolicyError,
    RateError,
    RecordError,
    TrustwardError,
    UnreachableError,
)

_DRAW = secrets.SystemRandom().random
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_NOT_TAKEN = frozenset({"TW-540", "TW-550", "TW-620"})
"""Errors that say that nothing of the request was taken in."""
_OPEN = frozenset({"TW-500", "TW-660"})
"""Errors that leave open what became of it, and are worth another try."""


class Retrying(msgspec.Struct, frozen=True, kw_only=True):
    """How often, and with what rests. Each rest is drawn between nothing and a limit, which doubles.

    A rest that the service asks for (``Retry-After``) is kept at least, and spread by a tenth. ``longest_s`` is the
    most that one waits; a service that asks for more is not asked again.
    """

    tries: int = 6
    first_s: float = 0.1
    most_s: float = 5.0
    longest_s: float = 60.0

    def rest_s(self, failures: int, asked_s: float | None, draw: Callable[[], float] = _DRAW) -> float | None:
        """How long to rest after so many failures in a row; None: it is over.

        >>> retrying = Retrying(first_s=1.0, most_s=5.0)
        >>> [retrying.rest_s(failures, None, lambda: 1.0) for failures in (1, 2, 3, 4, 6)]
        [1.0, 2.0, 4.0, 5.0, None]
        >>> retrying.rest_s(1, 30.0, lambda: 0.5), retrying.rest_s(1, 90.0)
        (31.5, None)
        """
        if failures >= self.tries:
            return None
        if asked_s is not None:
            return None if asked_s > self.longest_s else asked_s * (1 + 0.1 * draw())
        return min(self.most_s, self.first_s * 2.0 ** (failures - 1)) * draw()


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """Problem details, as far as they are needed."""

    code: str = ""
    detail: str = ""
    remedy: str = ""
    path: str = ""
    errors: tuple[Mapping[str, str], ...] = ()
    faults: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()


def _tree(root: type[TrustwardError]) -> dict[str, type[TrustwardError]]:
    found = {root.code: root}
    for child in root.__subclasses__():
        found.update(_tree(child))
    return found


def error_of(status: int, body: bytes, headers: Mapping[str, str]) -> TrustwardError:
    """The error that an answer is: the one that the service raised, by its code.

    >>> problem = b'{"code": "TW-530", "detail": "the id is taken", "ids": ["m1"]}'
    >>> error_of(409, problem, {})
    ConflictError('the id is taken')
    """
    try:
        problem = msgspec.json.decode(body, type=Problem)
    except (msgspec.DecodeError, UnicodeDecodeError):
        problem = Problem()
    if not problem.code:
        # Not the service's own words: a proxy's, or another server's.
        return UnreachableError(f"something else answered, with {status}", remedy="see what stands at the address")
    known: dict[str, type[TrustwardError]] = _tree(errors.TrustwardError)
    kind = known.get(problem.code, TrustwardError)
    text, remedy = problem.detail, problem.remedy
    if kind is ConflictError:
        return ConflictError(text, ids=problem.ids, remedy=remedy)
    if kind is RecordError:
        places = [(place.get("path", ""), place.get("cause", "")) for place in problem.errors]
        path = problem.path or "$"
        return RecordError(text, path=path, places=places or [(path, text.removeprefix(f"{path}: "))], remedy=remedy)
    if kind is PolicyError:
        return PolicyError(text, faults=problem.faults, remedy=remedy)
    if kind is RateError:
        return RateError(text, wait_s=retry_after_s(headers, None) or 1.0, remedy=remedy)
    error = kind(text, remedy=remedy)
    if kind is TrustwardError:
        error.code = problem.code  # a newer service's
    return error


def retry_after_s(headers: Mapping[str, str], now: datetime | None) -> float | None:
    """What ``Retry-After`` asks for, in seconds or as a date.

    >>> retry_after_s({"retry-after": "3"}, None)
    3.0
    """
    said = headers.get("retry-after", "").strip()
    if said.isascii() and said.isdigit():
        return float(said[:9])
    if said and now is not None:
        try:
            return max(0.0, (parsedate_to_datetime(said) - now).total_seconds())
        except (TypeError, ValueError):
            return None
    return None


def again(error: TrustwardError | httpx.TransportError, status: int, *, repeatable: bool) -> bool:
    """Whether to send a request once more: if nothing was taken in, or if it does no harm to do it twice."""
    if isinstance(error, httpx.TransportError):
        return repeatable or isinstance(error, _NOT_SENT)
    if error.code in _NOT_TAKEN:
        return True
    if error.code in _OPEN:
        return repeatable
    return isinstance(error, UnreachableError) and status in {429, 502, 503, 504} and repeatable


def unreachable(error: httpx.TransportError) -> UnreachableError:
    """A failure on the way as an error of ours, without what was sent."""
    if isinstance(error, _NOT_SENT):
        return UnreachableError(f"the service cannot be reached: {type(error).__name__}", remedy="see that it runs")
    return UnreachableError(
        f"no answer came: {type(error).__name__}", remedy="whether it was done is open; events can be sent again"
    )
