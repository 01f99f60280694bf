"""Where a request comes from: which page of which site, and which address behind which proxies."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from litestar import Request

from trustward.base.errors import OriginError
from trustward.operations.signing_in import Where

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing."""
_REMEDY = "open the console at the address in the setting origin"


def check_origin(request: Request[Any, Any, Any], origin: str) -> None:
    """See that no page of another site has sent a request. Raises OriginError.

    Browsers say where a request comes from in ``Sec-Fetch-Site`` and, with every change, in ``Origin``; no page can
    keep them from it. Programs say neither. Without the setting, a page must have the host that it asks.
    """
    said: dict[bytes, list[str]] = {b"origin": [], b"sec-fetch-site": [], b"host": []}
    for name, value in request.scope["headers"]:
        if name in said:
            said[name].append(value.decode("latin-1"))
    method = request.scope["method"]
    if method in SAFE:
        # Following a link to what is open is fine; what has a cookie is not sent along from elsewhere (SameSite).
        return
    for site in said[b"sec-fetch-site"]:
        if site not in {"same-origin", "none"}:
            raise OriginError(f"the request comes from another site ({site[:20]})", remedy=_REMEDY)
    for one in said[b"origin"]:
        own = one == origin if origin else one.partition("://")[2] in said[b"host"] and "://" in one
        if not own:
            remedy = _REMEDY if origin else "ask the host that the page has, or set origin"
            raise OriginError(f"the request comes from a page of {one[:100]}", remedy=remedy)


def where(request: Request[Any, Any, Any], proxies: Collection[str]) -> Where:
    """The address that a request comes from: the nearest one that is no proxy of ours."""
    client = request.scope.get("client")
    address = str(client[0]) if client else ""
    agent = ""
    forwarded: list[str] = []
    for name, value in request.scope["headers"]:
        if name == b"user-agent":
            agent = value.decode("latin-1")
        elif name == b"x-forwarded-for":
            forwarded += [part.strip() for part in value.decode("latin-1").split(",")]
    while address in proxies and forwarded:
        address = forwarded.pop()
    return Where(_clean(address), _clean(agent))


def _clean(text: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in text[:200])
