"""A provider of single sign-on over HTTPS: its description, its keys, and what it gives for a code."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

import httpx
import msgspec

from trustward.base.clock import elapsed_s
from trustward.base.errors import SignInError, UnavailableError

_PATH = "/.well-known/openid-configuration"
_MOST_BYTES = 1_000_000
_FRESH_S = 600.0
_AGAIN_S = 10.0
_REMEDY = "see to the setting sso_issuer, and to the provider"


class OidcProvider:
    """The port ``Provider``. Used by many threads. Follows no redirect, and reads no proxy from the environment."""

    def __init__(self, issuer: str, *, timeout_s: float = 10.0) -> None:
        self._issuer = issuer
        self._http = httpx.Client(timeout=timeout_s, follow_redirects=False, trust_env=False)
        self._lock = Lock()
        self._held: dict[str, tuple[float, Mapping[str, Any]]] = {}

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def discover(self) -> Mapping[str, Any]:
        """See :class:`trustward.ports.Provider`."""
        found = self._kept(self._issuer.rstrip("/") + _PATH, _FRESH_S)
        if found.get("issuer") != self._issuer:
            raise UnavailableError("the provider calls itself by another name", remedy=_REMEDY)
        return found

    def keys(self, url: str, *, fresh: bool) -> Mapping[str, Any]:
        """See :class:`trustward.ports.Provider`. Nobody can make it ask more often than every ten seconds."""
        return self._kept(url, _AGAIN_S if fresh else _FRESH_S)

    def redeem(self, url: str, form: Mapping[str, str]) -> Mapping[str, Any]:
        """See :class:`trustward.ports.Provider`."""
        status, found = self._ask("POST", url, form)
        if status != 200:
            said = str(found.get("error", status))[:60]
            raise SignInError(f"the provider does not know the code ({said})", remedy="sign in again")
        return found

    def _kept(self, url: str, age_s: float) -> Mapping[str, Any]:
        with self._lock:
            held = self._held.get(url)
            if held is not None and elapsed_s() - held[0] < age_s:
                return held[1]
            status, found = self._ask("GET", url)
            if status != 200:
                raise UnavailableError(f"the provider answers {status}", remedy=_REMEDY)
            self._held[url] = (elapsed_s(), found)
            return found

    def _ask(self, method: str, url: str, form: Mapping[str, str] | None = None) -> tuple[int, Mapping[str, Any]]:
        if not is_safe(url):
            raise UnavailableError("the provider has an address that is not https", remedy=_REMEDY)
        try:
            with self._http.stream(method, url, data=form, headers={"Accept": "application/json"}) as response:
                body = b""
                for part in response.iter_bytes():
                    body += part
                    if len(body) > _MOST_BYTES:
                        raise UnavailableError("the provider says too much", remedy=_REMEDY)
                return response.status_code, msgspec.json.decode(body, type=dict[str, Any])
        except (httpx.HTTPError, httpx.InvalidURL, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as fault:
            raise UnavailableError(f"the provider cannot be asked: {type(fault).__name__}", remedy=_REMEDY) from fault


def is_safe(url: str) -> bool:
    """Whether what is sent there stays between the two: TLS, or the machine itself.

    >>> is_safe("https://id.example/x"), is_safe("http://id.example/x"), is_safe("http://127.0.0.1:9/x"), is_safe("x")
    (True, False, True, False)
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    if parts.scheme == "https":
        return bool(host)
    try:
        return parts.scheme == "http" and (host == "localhost" or ipaddress.ip_address(host).is_loopback)
    except ValueError:
        return False
