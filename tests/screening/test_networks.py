"""Network addresses, user agents, travel."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from itertools import pairwise
from math import inf, nan

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from models.networks import partition

from trustward.screening.functions import load_functions
from trustward.screening.networks import SCREENER
from trustward.screening.networks.addresses import (
    CATEGORIES,
    CLOUD,
    CRAWLER,
    DATA,
    HOSTING,
    VPN,
    _ranges,
    address,
    addresses,
    bad_level,
    flags_of,
    network_of,
    parsed,
)
from trustward.screening.networks.agents import CATEGORIES as KINDS
from trustward.screening.networks.agents import agent, agents
from trustward.screening.networks.functions import FUNCTIONS
from trustward.screening.networks.travel import distance_km, speed_over, travel_speed
from trustward.screening.screeners import screeners

WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X)"


@pytest.mark.parametrize(
    ("value", "category", "verdict"),
    [
        ("118.189.1.1", "public", "ok"),
        ("175.156.1.1:443", "public", "ok"),
        ("8.8.8.8", "hosting", "ok"),
        ("52.95.48.1", "cloud", "ok"),
        ("66.249.79.70", "crawler", "ok"),
        ("2001:4860:4801:44::1", "crawler", "ok"),
        ("[2606:4700::1]:443", "relay", "ok"),
        ("100.64.1.1", "shared", "ok"),
        ("10.255.255.255", "private", "ok"),
        ("172.31.0.1", "private", "ok"),
        ("172.32.0.1", "public", "ok"),
        ("127.0.0.1", "private", "ok"),
        ("192.0.2.7", "reserved", "ok"),
        ("255.255.255.255", "reserved", "ok"),
        ("::1", "private", "ok"),
        ("::", "reserved", "ok"),
        ("fe80::1%eth0", "private", "ok"),
        ("fd00::1", "private", "ok"),
        ("2001:db8::1", "reserved", "ok"),
        ("::ffff:10.0.0.1", "private", "ok"),
        ("64:ff9b::10.0.0.1", "private", "ok"),
        ("999.1.1.1", "invalid", "suspicious"),
        ("1.2.3", "invalid", "suspicious"),
        ("01.2.3.4", "invalid", "suspicious"),
        ("", "invalid", "suspicious"),
    ],
)
def test_addresses(value: str, category: str, verdict: str) -> None:
    found = address(value)
    assert (found.category, found.verdict) == (category, verdict)


def test_a_vpn_or_a_rented_server_alone_is_no_sign_of_fraud() -> None:
    for flag in (HOSTING, VPN, CLOUD, CRAWLER):
        ranges = _ranges()
        at = next(
            at
            for at, flags in enumerate(ranges.flags4)
            if flags & flag and not bad_level(IPv4Address(ranges.starts4[at]))
        )
        found = address(str(IPv4Address(ranges.starts4[at])))
        assert found.verdict == "ok"
        assert len(found.reasons) == 1


def test_more_lists_say_more() -> None:
    ranges = _ranges()
    scores = []
    for level in range(1, 6):
        at = next(
            at
            for at, found in enumerate(ranges.levels)
            if found == level and not flags_of(IPv4Address(ranges.bad[at])) and ranges.bad[at] >> 28 != 14
        )
        assert bad_level(IPv4Address(ranges.bad[at])) == level
        scores.append(address(str(IPv4Address(ranges.bad[at]))))
    assert [found.score for found in scores] == sorted(found.score for found in scores)
    assert scores[0].verdict == "ok"
    assert scores[1].verdict == scores[2].verdict == "suspicious"
    assert scores[4].verdict == "harmful"
    assert bad_level(IPv6Address("::1")) == 0


def test_the_ranges_are_a_partition() -> None:
    ranges = _ranges()
    for starts, flags in ((ranges.starts4, ranges.flags4), (ranges.starts6, ranges.flags6)):
        assert starts[0] == 0
        assert len(starts) == len(flags)
        assert all(first < second for first, second in pairwise(starts))
    assert list(ranges.bad) == sorted(set(ranges.bad))
    assert sum(path.stat().st_size for path in DATA.glob("*.npy")) <= 2_000_000


@given(
    st.lists(
        st.tuples(st.integers(0, 60), st.integers(0, 9), st.sampled_from([1, 2, 4])).map(
            lambda item: (item[0], item[0] + item[1], item[2])
        ),
        max_size=12,
    )
)
def test_partition_says_what_the_ranges_say(ranges: list[tuple[int, int, int]]) -> None:
    starts, flags = partition(ranges)
    for number in range(75):
        expected = 0
        for first, last, flag in ranges:
            if first <= number <= last:
                expected |= flag
        at = max(at for at, start in enumerate(starts) if start <= number)
        assert flags[at] == expected


def test_networks_as_keys() -> None:
    assert network_of("198.51.100.7") == network_of("198.51.100.250:80") == "198.51.100.0/24"
    assert network_of("2001:db8:1:2::3") == "2001:db8:1::/48"
    assert network_of("here") is None


@given(st.one_of(st.text(max_size=60), st.ip_addresses().map(str)))
@example("\ud800")
@example("[" * 100)
@example("1.2.3.4" * 1_000_000)
@example("²³.1.1.1")
def test_any_value_is_survived(value: str) -> None:
    found = address(value)
    assert found == address(value)
    assert found.category in CATEGORIES
    network_of(value)
    said = agent(value)
    assert said == agent(value)
    assert said.category in KINDS


@given(st.ip_addresses())
def test_an_address_means_the_same_in_any_spelling(ip: IPv4Address | IPv6Address) -> None:
    found = address(str(ip))
    if isinstance(ip, IPv6Address):
        assert address(ip.exploded) == found
        assert address(f"[{ip.exploded.upper()}]:1") == found
    else:
        assert address(f"::ffff:{ip}") == found
    assert parsed(found.entities[0][1]) is not None


@pytest.mark.parametrize(
    ("value", "category", "verdict"),
    [
        (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/126.0.0.0 Safari/537.36", "browser", "ok"),
        (
            f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0",
            "browser",
            "ok",
        ),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:126.0) Gecko/20100101 Firefox/126.0", "browser", "ok"),
        ("Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:126.0) Gecko/20100101 Firefox/126.0", "browser", "ok"),
        (
            f"Mozilla/5.0 (Linux; Android 12; CUBOT NOTE 20) {WEBKIT} Chrome/126.0.0.0 Mobile Safari/537.36",
            "browser",
            "ok",
        ),
        (
            f"Mozilla/5.0 (Linux; Android 14; Pixel 8) {WEBKIT} Chrome/126.0.6478.71 Mobile Safari/537.36",
            "browser",
            "ok",
        ),
        (
            f"{IPHONE} {WEBKIT} CriOS/126.0.6478.54 Mobile/15E148 Safari/604.1",
            "browser",
            "ok",
        ),
        (
            f"{IPHONE} {WEBKIT} Mobile/15E148 MicroMessenger/8.0.43(0x1800)",
            "app",
            "ok",
        ),
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "declared", "harmful"),
        (
            f"Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X; Nosebot/1.0) {WEBKIT} Chrome/126.0.0.0 Mobile Safari/537.36",
            "declared",
            "harmful",
        ),
        ("Acme/1.0 (someone@example.org)", "declared", "harmful"),
        ("python-requests/2.31.0", "library", "harmful"),
        ("curl/8.6.0", "library", "harmful"),
        ("Go-http-client/2.0", "library", "harmful"),
        ("okhttp/4.12.0", "client", "suspicious"),
        ("Dalvik/2.1.0 (Linux; U; Android 13; Pixel 6 Build/TQ3A)", "client", "suspicious"),
        ("MyShop/3.1 (iPhone; iOS 17.0; Scale/3.00)", "client", "suspicious"),
        (f"Mozilla/5.0 (X11; Linux x86_64) {WEBKIT} HeadlessChrome/126.0.0.0 Safari/537.36", "headless", "harmful"),
        ("Thing", "unknown", "harmful"),
        (f"Mozilla/5.0 (X11; Linux x86_64; Rigor) {WEBKIT} Chrome/86.0.4240.75 Safari/537.36", "unknown", "suspicious"),
        (f"Mozilla/5.0 (Windows NT 10.0) {WEBKIT} Chrome/126.0.0.0 Safari/537.36 Zorg/1", "unknown", "suspicious"),
        ("Mozilla/5.0", "unknown", "harmful"),
        (
            f"Mozilla/5.0 (iPhone; CPU iPhone OS 11_0 like Mac OS X) {WEBKIT} Chrome/45.0.66.15 Mobile Safari/537.36",
            "odd",
            "ok",
        ),
        (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/126.0.1.2 Safari/537.36", "odd", "ok"),
        ("", "empty", "suspicious"),
        ("-", "empty", "suspicious"),
    ],
)
def test_user_agents(value: str, category: str, verdict: str) -> None:
    found = agent(value)
    assert (found.category, found.verdict) == (category, verdict)


def test_travel() -> None:
    london, singapore = (51.5074, -0.1278), (1.3521, 103.8198)
    distance = distance_km(*london, *singapore)
    assert distance is not None
    assert round(distance) == 10848
    assert distance_km(*singapore, *london) == pytest.approx(distance)
    assert travel_speed(*london, 0, *singapore, 3_600_000_000) == pytest.approx(distance)
    assert travel_speed(*singapore, 3_600_000_000, *london, 0) == pytest.approx(distance)
    assert speed_over(*london, *london, 0) == 0
    assert distance_km(0, 0, 0, 180) == pytest.approx(20015.1, abs=0.1)
    assert distance_km(90, 0, -90, 77) == pytest.approx(20015.1, abs=0.1)
    for wrong in ((91.0, 0.0), (0.0, 181.0), (nan, 0.0), (0.0, inf)):
        assert distance_km(*wrong, *london) is None
        assert travel_speed(*london, 0, *wrong, 1) is None


degrees = st.tuples(st.floats(-90, 90), st.floats(-180, 180))


@given(degrees, degrees, st.integers(-(10**15), 10**15))
def test_speed_is_a_number_of_at_least_nought(
    first: tuple[float, float], second: tuple[float, float], elapsed: int
) -> None:
    speed = speed_over(*first, *second, elapsed)
    assert speed is not None
    assert 0 <= speed < 8e7


def test_screeners_keep_their_word() -> None:
    for screener in SCREENER:
        assert screeners()[screener.name] is screener
        both = [*screener.harmless, *screener.harmful]
        assert [screener.screen(value).verdict == "ok" for value in both] == [
            value in screener.harmless for value in both
        ]
        assert screener.screen_many(both) == [screener.screen(value) for value in both]
    assert addresses(["10.0.0.1"])[0].category == "private"
    assert agents(["curl/8", "curl/8"])[1].category == "library"


def test_functions_can_be_registered_and_called() -> None:
    known = load_functions(function for function in FUNCTIONS if function.name not in load_functions())
    for name, values in {
        "address": ("10.0.0.1",),
        "ip_network": ("10.0.0.1",),
        "agent": ("curl/8",),
        "travel_speed": (0.0, 0.0, 0.0, 1.0, 3_600_000_000),
        "distance_km": (0.0, 0.0, 0.0, 1.0),
    }.items():
        call = known[name].call
        assert call is not None
        assert call(*values) is not None
