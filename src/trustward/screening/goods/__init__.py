"""Goods: listings against what may not be sold or needs a licence, market by market.

The words are data (``data/goods/*.toml``), which a service extends with files of its own. Nothing is loaded before the
first listing is screened.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

from trustward.model.signal import Signal
from trustward.screening.screeners import Screener

CATEGORIES = (
    "bank-accounts",
    "payment-codes",
    "real-name-accounts",
    "sms-codes",
    "phone-cards",
    "topup-cards",
    "iot-cards",
    "sim-boxes",
    "esim-accounts",
    "counterfeit",
    "personal-data",
    "fraud-kits",
    "counterfeit-money",
    "fake-engagement",
    "cheats",
    "gift-cards",
    "currency-exchange",
    "tickets",
    "identity-papers",
    "certificates",
    "invoices",
    "seals",
    "drugs",
    "medicines",
    "abortion-pills",
    "weapons",
    "fireworks",
    "wildlife",
    "tobacco",
    "vapes",
    "alcohol",
    "gambling",
    "adult-services",
    "organs",
    "covert-devices",
    "uniforms",
    "medical-devices",
    "animals",
    "seeds",
    "food",
    "unsafe-goods",
)
"""The shipped categories; a test compares them with the files."""


def screen_listing(listing: Mapping[str, Any]) -> Signal:
    """What a listing says by its ``title`` and its other fields, as far as they are known.

    They are ``description``, ``price`` (in the currency's main unit), ``currency`` (ISO 4217), ``category`` (the
    service's own) and ``market`` (ISO 3166, where it is sold). Without a market only what is forbidden or licensed
    everywhere is more than ``ok``.

    >>> screen_listing({"title": "Bank account for rent, with debit card"}).category
    'bank-accounts'
    >>> screen_listing({"title": "Disposable vape", "market": "SG"}).verdict
    'harmful'
    """
    return screen_listings([listing])[0]


def screen_listings(listings: Sequence[Mapping[str, Any]]) -> list[Signal]:
    """The signals of many listings, each equal to what :func:`screen_listing` says."""
    signals: list[Signal] = import_module("trustward.screening.goods.screen").shipped_goods().screen_listings(listings)
    return signals


SCREENER = Screener(
    name="listing",
    about="What a listing offers, against a taxonomy of goods that may not be sold or need a licence in a market.",
    screen=screen_listing,
    screen_many=screen_listings,
    categories=CATEGORIES,
    fields={
        "title": "text",
        "description": "text",
        "price": "number",
        "currency": "text",
        "category": "text",
        "market": "text",
    },
    harmless=(
        {"title": "SIM card tray for iPhone"},
        {"title": "床上四件套 纯棉"},
        {"title": "Sarung pasport kulit", "price": 12.5, "currency": "MYR"},
    ),
    harmful=(
        {"title": "银行卡四件套 带U盾"},
        {"title": "Pre-registered SIM cards, no ID needed"},
        {"title": "Rolex Datejust, new", "price": 30, "currency": "SGD"},
    ),
)
