"""The functions on listings that rules may call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from trustward.model.signal import Signal
from trustward.screening import goods as room
from trustward.screening.functions import Function


def goods(text: str) -> Signal:
    """What one text offers, such as a title, an advertisement or a message.

    >>> goods("代开发票 点数低").category
    'invoices'
    """
    return room.screen_listing({"title": text})


def goods_scores(texts: Sequence[str]) -> Any:
    """The scores of many texts; 0 for an empty one."""
    signals = room.screen_listings([{"title": text} for text in texts])
    return np.array([signal.score if text else 0.0 for text, signal in zip(texts, signals, strict=True)], np.float64)


def listing(title: str, description: str) -> Signal:
    """What a listing's title and description offer together."""
    return room.screen_listing({"title": title, "description": description})


def goods_in(market: str) -> Callable[[str], Signal]:
    """What one text offers, where it is sold in a market. Raises ValueError if the market is no ISO 3166 code.

    >>> goods_in("SG")("Disposable vape").verdict, goods_in("US")("Disposable vape").verdict
    ('harmful', 'ok')
    """
    if not (len(market) == 2 and market.isascii() and market.isalpha() and market.isupper()):
        raise ValueError(f"{market!r} is no market: write two capital letters (ISO 3166), such as SG")
    if market == "UK":
        raise ValueError("'UK' is no market: ISO 3166 says GB")
    return lambda text: room.screen_listing({"title": text, "market": market})


def listing_in(market: str) -> Callable[[str, str], Signal]:
    """What a listing's title and description offer, where it is sold in a market."""
    goods_in(market)
    return lambda title, description: room.screen_listing(
        {"title": title, "description": description, "market": market}
    )


FUNCTIONS: tuple[Function, ...] = (
    Function(
        name="goods",
        arguments=(("text", "text"),),
        result="signal",
        call=goods,
        scores=goods_scores,
        cost=25.0,
        about="What a title or text offers, against goods that may not be sold anywhere or need a licence everywhere.",
        example="goods(event.title).score >= 0.9",
    ),
    Function(
        name="goods_in",
        arguments=(("text", "text"), ("market", "literal text")),
        result="signal",
        prepare=goods_in,
        cost=25.0,
        about="What a title or text offers, against what may not be sold or needs a licence in a market.",
        example='goods_in(event.title, "SG").score >= 0.9',
    ),
    Function(
        name="listing",
        arguments=(("title", "text"), ("description", "text")),
        result="signal",
        call=listing,
        cost=40.0,
        about="What a title and a description offer together; as `goods` otherwise.",
        example="listing(event.title, event.description).score >= 0.9",
    ),
    Function(
        name="listing_in",
        arguments=(("title", "text"), ("description", "text"), ("market", "literal text")),
        result="signal",
        prepare=listing_in,
        cost=40.0,
        about="What a title and a description offer together; as `goods_in` otherwise.",
        example='listing_in(event.title, event.description, "SG").score >= 0.9',
    ),
)
"""Functions on listings."""
