"""What rules can ask about links. Data is loaded when the first rule asks."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import import_module
from typing import Any

from trustward.model.signal import Signal
from trustward.screening.functions import Function


@cache
def _screen() -> Any:
    return import_module("trustward.screening.links.screen")


def _link(link: str) -> Signal:
    signal: Signal = _screen().screen_link(link)
    return signal


def _scores(links: Sequence[str]) -> Any:
    # As wide as the scores of signals: bounds are compared alike.
    return _screen().link_scores(links).astype("float64")


def _registrable(link: str) -> str | None:
    found: str | None = _screen().registrable(link)
    return found


def _lookalike(link: str) -> str | None:
    found: str | None = _screen().look_alike(link)
    return found


def _shortened(link: str) -> bool:
    return bool(_screen().shortened(link))


def _shared_host(link: str) -> bool:
    return bool(_screen().shared_host(link))


def _popular(link: str) -> bool:
    return bool(_screen().popular(link))


def _official(link: str) -> bool:
    return bool(_screen().official(link))


FUNCTIONS: tuple[Function, ...] = (
    Function(
        name="link",
        arguments=(("link", "text"),),
        result="signal",
        call=_link,
        scores=_scores,
        cost=20.0,
        about="What a link says by itself: score, verdict, category and reasons.",
        example='link(event.url).verdict == "harmful"',
    ),
    Function(
        name="registrable",
        arguments=(("link", "text"),),
        result="entity:domain",
        call=_registrable,
        cost=15.0,
        about="The registrable domain of a link (public-suffix list), its tricks undone; missing if it has none.",
        example='registrable(event.url) in listed("blocked_domains")',
    ),
    Function(
        name="lookalike",
        arguments=(("link", "text"),),
        result="text",
        call=_lookalike,
        cost=20.0,
        about="The protected brand that a link's host passes itself off as; missing if there is none.",
        example="present(lookalike(event.url))",
    ),
    Function(
        name="shortened",
        arguments=(("link", "text"),),
        result="flag",
        call=_shortened,
        cost=20.0,
        about="Whether a link is of a service that shortens links.",
        example="shortened(event.url)",
    ),
    Function(
        name="shared_host",
        arguments=(("link", "text"),),
        result="flag",
        call=_shared_host,
        cost=20.0,
        about="Whether a link leads to free hosting, a site builder, rented storage, a form or a tunnel.",
        example="shared_host(event.url)",
    ),
    Function(
        name="popular_site",
        arguments=(("link", "text"),),
        result="flag",
        call=_popular,
        cost=20.0,
        about="Whether a link's registrable domain is among the million that are visited most.",
        example="popular_site(event.url)",
    ),
    Function(
        name="official_site",
        arguments=(("link", "text"),),
        result="flag",
        call=_official,
        cost=20.0,
        about="Whether a link leads to a protected brand's own domain.",
        example="official_site(event.url)",
    ),
)
"""The functions of this room."""
