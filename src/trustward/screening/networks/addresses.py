"""Network addresses: whose they are by kind (hosting, VPN, a cloud, a bad record, private), from shipped ranges.

Ranges of IPv4 are one partition of all addresses: where each part starts, and flags of what holds there. Those of
IPv6 are the same over the first 64 bits. One binary search answers.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from functools import cache
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from pathlib import Path
from typing import Any, NamedTuple
from unicodedata import normalize

import numpy as np

from trustward.model.signal import Signal, verdict_of

VERSION = "1"
SUSPICIOUS = 0.6
HARMFUL = 0.9
LONGEST = 80
"""Characters of a value that are read."""
HOSTING, VPN, CLOUD, RELAY, CRAWLER = 1, 2, 4, 8, 16
"""Flags of a range: rented servers; exits of a VPN service; a large cloud; a network that carries people's traffic for
them (Cloudflare); Google's crawlers."""
CATEGORIES = (
    "bad",
    "vpn",
    "hosting",
    "cloud",
    "relay",
    "crawler",
    "shared",
    "private",
    "reserved",
    "public",
    "invalid",
)
DATA = Path(__file__).resolve().parent.parent / "data" / "networks"
_WEIGHTS = {HOSTING: 0.4, VPN: 0.45, CLOUD: 0.4, RELAY: 0.25, CRAWLER: 0.1}
_REASONS = {
    HOSTING: "rented servers, not a home or a telephone",
    VPN: "an exit of a VPN service",
    CLOUD: "a large cloud's servers",
    RELAY: "a network that carries people's traffic for them",
    CRAWLER: "a search engine's crawlers",
}
_BAD = (0.0, 0.45, 0.65, 0.8, 0.88, 0.92)
"""By how many of some thirty public lists of attackers named the address when the list was made."""
# Special ranges (IANA special-purpose address registries, RFC 6890 and its updates). First match counts.
_SPECIAL4 = tuple(
    (int(IPv4Address(first)), int(IPv4Address(last)), kind, about)
    for first, last, kind, about in (
        ("0.0.0.0", "0.255.255.255", "reserved", "no address of a host"),  # noqa: S104 - a range, not a binding
        ("10.0.0.0", "10.255.255.255", "private", "a private network's address"),
        ("100.64.0.0", "100.127.255.255", "shared", "an address inside a carrier's network"),
        ("127.0.0.0", "127.255.255.255", "private", "the machine itself"),
        ("169.254.0.0", "169.254.255.255", "private", "an address of one link"),
        ("172.16.0.0", "172.31.255.255", "private", "a private network's address"),
        ("192.0.0.0", "192.0.0.255", "reserved", "kept for protocols"),
        ("192.0.2.0", "192.0.2.255", "reserved", "kept for documents"),
        ("192.168.0.0", "192.168.255.255", "private", "a private network's address"),
        ("198.18.0.0", "198.19.255.255", "reserved", "kept for measuring"),
        ("198.51.100.0", "198.51.100.255", "reserved", "kept for documents"),
        ("203.0.113.0", "203.0.113.255", "reserved", "kept for documents"),
        ("224.0.0.0", "255.255.255.255", "reserved", "no address of a host"),
    )
)
_SPECIAL6 = tuple(
    (int(IPv6Address(first)), bits, kind, about)
    for first, bits, kind, about in (
        ("::1", 128, "private", "the machine itself"),
        ("::", 8, "reserved", "no address of a host"),
        ("100::", 64, "reserved", "kept for discarding"),
        ("2001:db8::", 32, "reserved", "kept for documents"),
        ("3fff::", 20, "reserved", "kept for documents"),
        ("fc00::", 7, "private", "a private network's address"),
        ("fe80::", 10, "private", "an address of one link"),
        ("ff00::", 8, "reserved", "no address of a host"),
    )
)


class _Ranges(NamedTuple):
    starts4: Any
    flags4: Any
    starts6: Any
    flags6: Any
    bad: Any
    levels: Any


@cache
def _ranges() -> _Ranges:
    # Plain views: one number is searched at a time, and bisect does that faster than an array does.
    return _Ranges(*(memoryview(np.load(DATA / f"{name}.npy", allow_pickle=False)) for name in _Ranges._fields))


def parsed(value: str) -> IPv4Address | IPv6Address | None:
    """The address that a value is, with or without port, brackets and zone; IPv4 inside IPv6 is taken out.

    >>> str(parsed("[::ffff:192.0.2.1]:443")), str(parsed("2001:DB8::1%eth0")), parsed("example.org")
    ('192.0.2.1', '2001:db8::1', None)
    """
    text = normalize("NFKC", value[:LONGEST]).strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        if ":" not in text:
            return IPv4Address(text)
        six = IPv6Address(text.partition("%")[0])
    except (AddressValueError, ValueError):
        return None
    if six.ipv4_mapped is not None:
        return six.ipv4_mapped
    if int(six) >> 32 == 0x0064FF9B << 64:  # Translated by the network (RFC 6052).
        return IPv4Address(int(six) & 0xFFFFFFFF)
    return six


def _special(found: IPv4Address | IPv6Address) -> tuple[str, str] | None:
    number = int(found)
    if isinstance(found, IPv4Address):
        for first, last, kind, about in _SPECIAL4:
            if first <= number <= last:
                return kind, about
        return None
    for first, bits, kind, about in _SPECIAL6:
        if number >> (128 - bits) == first >> (128 - bits):
            return kind, about
    return None


def flags_of(found: IPv4Address | IPv6Address) -> int:
    """The flags of the range that an address is in."""
    ranges = _ranges()
    if isinstance(found, IPv4Address):
        return int(ranges.flags4[bisect_right(ranges.starts4, int(found)) - 1])
    return int(ranges.flags6[bisect_right(ranges.starts6, int(found) >> 64) - 1])


def bad_level(found: IPv4Address | IPv6Address) -> int:
    """On how many public lists of attackers an address was, at most 5."""
    if isinstance(found, IPv6Address):
        return 0
    ranges = _ranges()
    number = int(found)
    at = bisect_left(ranges.bad, number)
    return int(ranges.levels[at]) if at < len(ranges.bad) and ranges.bad[at] == number else 0


def address(value: str) -> Signal:
    """What a network address by itself says.

    >>> address("10.1.2.3").category, address("nonsense").category
    ('private', 'invalid')
    """
    found = parsed(value)
    if found is None:
        return _signal(0.65, "invalid", ("no network address",))
    entity = (("ip", str(found)),)
    special = _special(found)
    if special is not None:
        return _signal(0.2 if special[0] != "reserved" else 0.4, special[0], (special[1],), entity)
    flags, level = flags_of(found), bad_level(found)
    doubt, reasons, category = 0.92, [], "public"
    # The strongest kind only: a VPN's exit is a rented server too.
    for flag, kind in ((VPN, "vpn"), (CRAWLER, "crawler"), (CLOUD, "cloud"), (RELAY, "relay"), (HOSTING, "hosting")):
        if flags & flag:
            doubt, category = 1 - _WEIGHTS[flag], kind
            reasons.append(_REASONS[flag])
            break
    if level:
        doubt *= 1 - _BAD[level]
        reasons.append("on public lists of attackers" if level > 1 else "on one public list of attackers")
        category = "bad" if level > 1 else category
    return _signal(round(1 - doubt, 4), category, tuple(reasons), entity)


def _signal(
    score: float, category: str, reasons: tuple[str, ...], entities: tuple[tuple[str, str], ...] = ()
) -> Signal:
    return Signal(
        score=score,
        verdict=verdict_of(score, SUSPICIOUS, HARMFUL),
        category=category,
        reasons=reasons,
        entities=entities,
        version=VERSION,
    )


def addresses(values: Sequence[str]) -> list[Signal]:
    """The signals of many addresses."""
    return [address(value) for value in values]


def network_of(value: str) -> str | None:
    """The neighbourhood of an address, as a key for windows: its /24, of IPv6 its /48; None if it is no address.

    >>> network_of("198.51.100.7"), network_of("2001:db8:1:2::3")
    ('198.51.100.0/24', '2001:db8:1::/48')
    """
    found = parsed(value)
    if found is None:
        return None
    if isinstance(found, IPv4Address):
        return f"{IPv4Address(int(found) >> 8 << 8)}/24"
    return f"{IPv6Address(int(found) >> 80 << 80)}/48"
