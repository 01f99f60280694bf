"""Networks: what an address and a user agent say, and how fast somebody would have had to travel.

Two screeners, ``address`` and ``agent``. Impossible travel needs two sightings: a policy keeps the one before with
``previous`` and the time between with ``since``::

    speed = travel_speed(
        event.latitude,
        event.longitude,
        previous(event.latitude, by=event.account, of="session.started"),
        previous(event.longitude, by=event.account, of="session.started"),
        since(by=event.account, of="session.started"),
    )
"""

from __future__ import annotations

from collections.abc import Sequence

from trustward.model.signal import Signal
from trustward.screening.screeners import Screener


def _address(value: str) -> Signal:
    from trustward.screening.networks.addresses import address  # noqa: PLC0415 - the ranges load when they are needed

    return address(value)


def _addresses(values: Sequence[str]) -> list[Signal]:
    from trustward.screening.networks.addresses import addresses  # noqa: PLC0415

    return addresses(values)


def _agent(value: str) -> Signal:
    from trustward.screening.networks.agents import agent  # noqa: PLC0415

    return agent(value)


def _agents(values: Sequence[str]) -> list[Signal]:
    from trustward.screening.networks.agents import agents  # noqa: PLC0415

    return agents(values)


_WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"

SCREENER: tuple[Screener, ...] = (
    Screener(
        name="address",
        about="A network address: hosting, VPN, clouds, public lists of attackers, private and reserved ranges.",
        screen=_address,
        screen_many=_addresses,
        categories=(
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
        ),
        harmless=("8.8.8.8", "2001:4860:4860::8888", "192.168.1.1"),
        harmful=("not an address",),
    ),
    Screener(
        name="agent",
        about="A user agent: the score says how surely it is a program and not a person's browser.",
        screen=_agent,
        screen_many=_agents,
        categories=("declared", "library", "client", "headless", "unknown", "odd", "app", "browser", "empty"),
        harmless=(
            f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_WEBKIT} Chrome/126.0.0.0 Safari/537.36",
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) Version/17.5 Mobile/15E148 Safari/604.1",
        ),
        harmful=(
            "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
            "python-requests/2.31.0",
            f"Mozilla/5.0 (X11; Linux x86_64) {_WEBKIT} HeadlessChrome/126.0.0.0 Safari/537.36",
        ),
    ),
)
