"""Connections to addresses that may be reached: looked up, checked, and then used as they were checked.

A name that leads into the service's own network must not make Trustward knock there for somebody else. The address
that was checked is the one that is connected to, so that a name cannot change its mind in between.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from ssl import SSLContext
from threading import local
from typing import Any

import httpcore

from trustward.base.clock import elapsed_s
from trustward.base.errors import SettingsError

Network = IPv4Network | IPv6Network
Options = Iterable[Any] | None
Resolve = Callable[[str, int], list[str]]
_NAT64 = ip_network("64:ff9b::/96")


def networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Networks out of a setting, such as ``10.0.0.0/8``. Raises SettingsError."""
    found = []
    for text in texts:
        try:
            found.append(ip_network(text))
        except ValueError as fault:
            raise SettingsError(f"not a network: {text[:80]}", remedy="write it like 10.1.0.0/16") from fault
    return tuple(found)


def reachable(text: str, allowed: Iterable[Network]) -> bool:
    """Whether an address is public, or in a network that is allowed.

    >>> reachable("8.8.8.8", ()), reachable("10.1.2.3", ()), reachable("10.1.2.3", [ip_network("10.0.0.0/8")])
    (True, False, True)
    >>> reachable("::ffff:127.0.0.1", ()), reachable("169.254.169.254", ()), reachable("64:ff9b::a01:203", ())
    (False, False, False)
    """
    address: IPv4Address | IPv6Address = ip_address(text.partition("%")[0])
    if isinstance(address, IPv6Address):
        # An IPv4 address in other clothes.
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and address in _NAT64:
            inner = IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            address = inner
    return (address.is_global and not address.is_multicast) or any(address in network for network in allowed)


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a name, in the system's order."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(each[4][0]) for each in found))


class Deadline(local):
    """When the request of this thread must have ended, however slowly its bytes drip."""

    at_s = 0.0

    def begin(self, timeout_s: float) -> None:
        """Give the request of this thread so long."""
        self.at_s = elapsed_s() + timeout_s

    def left(self, timeout_s: float | None) -> float:
        """How long the next step may take. Raises httpcore.TimeoutException when nothing is left."""
        left_s = self.at_s - elapsed_s()
        if left_s <= 0:
            raise httpcore.ReadTimeout("the whole request took too long")
        return left_s if timeout_s is None else min(left_s, timeout_s)


class GuardedBackend(httpcore.NetworkBackend):
    """Connects to reachable addresses only, within the thread's deadline."""

    def __init__(self, allowed: Iterable[Network], deadline: Deadline, lookup: Resolve = resolve) -> None:
        self._allowed = tuple(allowed)
        self._deadline = deadline
        self._lookup = lookup
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Options = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address of the host that answers. Raises httpcore.ConnectError if none may or does."""
        try:
            found = self._lookup(host, port)
        except (OSError, UnicodeError) as fault:
            raise httpcore.ConnectError("the name is not known") from fault
        addresses = [address for address in found if reachable(address, self._allowed)]
        if len(addresses) < len(found) or not addresses:
            # One bad address is enough: the name is not one to trust.
            raise httpcore.ConnectError("its address is in a private network that is not allowed")
        failed: Exception | None = None
        for address in addresses:
            try:
                stream = self._inner.connect_tcp(
                    address, port, self._deadline.left(timeout), local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as fault:
                failed = fault
            else:
                return _Stream(stream, self._deadline)
        assert failed is not None  # there was an address
        raise failed

    def sleep(self, seconds: float) -> None:
        """See httpcore; nothing here sleeps."""
        self._inner.sleep(seconds)


class _Stream(httpcore.NetworkStream):
    """A stream whose every step is within the thread's deadline."""

    def __init__(self, inner: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._inner = inner
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._deadline.left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, self._deadline.left(timeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        inner = self._inner.start_tls(ssl_context, server_hostname, self._deadline.left(timeout))
        return _Stream(inner, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
