"""Every error as problem details (RFC 9457): the one place that knows statuses."""

from __future__ import annotations

import re
from math import ceil
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.enums import ParamType
from litestar.exceptions import HTTPException, MethodNotAllowedException, NotFoundException

from trustward.api.logs import log
from trustward.base.errors import (
    ActionError,
    ConflictError,
    ForbiddenError,
    FormatError,
    InputError,
    InternalError,
    LockedError,
    NotFoundError,
    OriginError,
    OverloadedError,
    PolicyError,
    PolicyStateError,
    RateError,
    RecordError,
    RegimeError,
    RequestError,
    SignInError,
    SlowError,
    StaleError,
    StepError,
    StoreError,
    TakenError,
    TooLargeError,
    TrustwardError,
    UnauthenticatedError,
    UnavailableError,
    UsageError,
)

MEDIA_TYPE = "application/problem+json"

STATUSES: dict[type[TrustwardError], int] = {
    UsageError: 400,
    InputError: 400,
    RecordError: 400,
    RegimeError: 400,
    RequestError: 400,
    UnauthenticatedError: 401,
    SignInError: 401,
    ForbiddenError: 403,
    OriginError: 403,
    NotFoundError: 404,
    SlowError: 408,
    ConflictError: 409,
    TakenError: 409,
    StaleError: 409,
    StepError: 409,
    ActionError: 409,
    PolicyStateError: 409,
    TooLargeError: 413,
    FormatError: 415,
    PolicyError: 422,
    OverloadedError: 429,
    RateError: 429,
    LockedError: 429,
    StoreError: 503,
    UnavailableError: 503,
}
"""What each error is over HTTP. One that is not here is a fault of ours: 500."""

RETRY_S = {OverloadedError: 1, StoreError: 2, UnavailableError: 2}
"""How many seconds callers are told to wait."""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """One fault of a body: where, and why."""

    path: str
    cause: str


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What went wrong (``detail``), and what to do next (``remedy``).

    ``type`` and ``code`` name the error for ever; ``docs/errors.md`` lists them. ``path`` is the place in the body,
    where there is one; ``errors`` are all such places, ``faults`` all faults of a policy.
    """

    type: str
    title: str
    status: int
    detail: str
    code: str
    remedy: str = ""
    path: str = ""
    errors: tuple[Place, ...] = ()
    faults: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()


def problem_of(error: Exception) -> Problem:
    """An error as problem details.

    >>> problem_of(NotFoundError("no such key: k", remedy="look again")).status
    404
    """
    if isinstance(error, HTTPException):
        return _of_framework(error)
    if not isinstance(error, TrustwardError):
        error = InternalError("a fault in Trustward, not in your request", remedy="report it, with the time")
    status = next((STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES), 500)
    return Problem(
        type=f"urn:trustward:error:{error.code}",
        title=_title(type(error)),
        status=status,
        detail=error.message,
        code=error.code,
        remedy=error.remedy,
        path=error.path if isinstance(error, RecordError) else "",
        errors=tuple(Place(path=path, cause=cause) for path, cause in error.places)
        if isinstance(error, RecordError)
        else (),
        faults=error.faults if isinstance(error, PolicyError) else (),
        ids=error.ids if isinstance(error, ConflictError) else (),
    )


def _title(kind: type[TrustwardError]) -> str:
    """What the class says of itself, in one sentence."""
    listed = next((one for one in kind.__mro__ if one in STATUSES), kind)
    return re.split(r"\.\s|[;:(]", listed.__doc__ or "")[0].strip().rstrip(".")


def _of_framework(error: HTTPException) -> Problem:
    """What the framework found wrong with a request."""
    if error.status_code >= 500:
        return problem_of(InternalError("a fault in Trustward, not in your request", remedy="report it, with the time"))
    places: tuple[Place, ...] = ()
    if isinstance(error, NotFoundException):
        detail = "no such route"
    elif isinstance(error, MethodNotAllowedException):
        detail = "the route does not know this method"
    else:
        places = tuple(_places(error.extra))
        detail = "; ".join(f"{place.path}: {place.cause}" for place in places) or _plain(error.detail)
    return Problem(
        type=f"urn:trustward:error:{RequestError.code}",
        title=_title(RequestError),
        status=error.status_code,
        detail=detail,
        code=RequestError.code,
        remedy="the OpenAPI document says what each route takes",
        path=places[0].path if places else "",
        errors=places,
    )


def _plain(text: str) -> str:
    return text.encode("utf-8", "replace").decode()[:300]


def _places(extra: Any) -> list[Place]:
    """Where a parameter or a body differs from its type: msgspec's own words."""
    found = []
    for one in extra if isinstance(extra, list) else []:
        if isinstance(one, dict) and "message" in one:
            key = one.get("key", "")
            path = f"{_source(one['source'])} {key}".strip() if "source" in one else f"$.{key}"
            found.append(Place(path=_plain(path.rstrip(".")), cause=_plain(str(one["message"]))))
    return found


def _source(said: str) -> str:
    """Where a parameter came in: ``query``, ``path``, ``header``, ``cookie``, ``body``."""
    return said.value if isinstance(said, ParamType) else said


def answer(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """The response to a request that failed."""
    problem, headers = told(error, request.scope.get("path_template", ""), request.method)
    if isinstance(error, HTTPException) and error.headers:
        headers = {**dict(error.headers), **headers}
    return Response(encode(problem), status_code=problem.status, media_type=MEDIA_TYPE, headers=headers)


def told(error: Exception, route: str, method: str) -> tuple[Problem, dict[str, str]]:
    """What a request that failed is answered, with its headers; what is no fault of the caller's is logged."""
    problem = problem_of(error)
    if problem.status >= 500 and not isinstance(error, UnavailableError):
        said = error if problem.code == InternalError.code else None
        log("request failed", level="error", error=said, code=problem.code, route=route, method=method)
    return problem, headers_of(error)


def headers_of(error: Exception) -> dict[str, str]:
    """The headers that go with an error."""
    if isinstance(error, UnauthenticatedError):
        return {"WWW-Authenticate": 'Bearer realm="trustward"'}
    if isinstance(error, RateError):
        return {"Retry-After": str(max(1, ceil(error.wait_s)))}
    wait = next((RETRY_S[kind] for kind in type(error).__mro__ if kind in RETRY_S), None)
    return {"Retry-After": str(wait)} if wait is not None else {}


def encode(problem: Problem) -> bytes:
    """Problem details as JSON."""
    return msgspec.json.encode(problem)
