"""What rules can ask about addresses, user agents and travel."""

from __future__ import annotations

from trustward.model.signal import Signal
from trustward.screening.functions import Function
from trustward.screening.identities.batches import scores_by
from trustward.screening.networks import travel


def address(ip: str) -> Signal:
    """The signal of a network address."""
    from trustward.screening.networks.addresses import address as screen  # noqa: PLC0415 - loads the ranges

    return screen(ip)


def ip_network(ip: str) -> str | None:
    """The /24 or /48 of an address."""
    from trustward.screening.networks.addresses import network_of  # noqa: PLC0415

    return network_of(ip)


def agent(user_agent: str) -> Signal:
    """The signal of a user agent."""
    from trustward.screening.networks.agents import agent as screen  # noqa: PLC0415

    return screen(user_agent)


_PLACES = (("latitude", "number"), ("longitude", "number"), ("from_latitude", "number"), ("from_longitude", "number"))
_SHOWN = (
    "event.latitude, event.longitude, previous(event.latitude, by=event.account), "
    "previous(event.longitude, by=event.account)"
)

FUNCTIONS: tuple[Function, ...] = (
    Function(
        name="address",
        arguments=(("ip", "text"),),
        result="signal",
        call=address,
        scores=scores_by(address),
        cost=6.0,
        about="What a network address says: `.category` is bad, vpn, hosting, cloud, private, public and so on.",
        example='address(event.ip).category == "vpn"',
    ),
    Function(
        name="ip_network",
        arguments=(("ip", "text"),),
        result="text",
        call=ip_network,
        cost=2.0,
        about="The neighbourhood of an address, as a key: its /24, of IPv6 its /48.",
        example='ip_network(event.ip) == "198.51.100.0/24"',
    ),
    Function(
        name="agent",
        arguments=(("user_agent", "text"),),
        result="signal",
        call=agent,
        scores=scores_by(agent),
        cost=15.0,
        about="What a user agent says: `.score` is how surely it is a program, `.category` what kind of one.",
        example="agent(event.user_agent).score >= 0.9",
    ),
    Function(
        name="travel_speed",
        arguments=(*_PLACES, ("elapsed", "duration")),
        result="number",
        call=travel.speed_over,
        cost=1.0,
        about="The speed in km/h between two places (degrees) within a time; an airliner makes about 900.",
        example=f"travel_speed({_SHOWN}, since(by=event.account)) > 1000",
    ),
    Function(
        name="distance_km",
        arguments=_PLACES,
        result="number",
        call=travel.distance_km,
        cost=1.0,
        about="The distance of two places (degrees) in kilometres.",
        example=f"distance_km({_SHOWN}) > 500",
    ),
)
