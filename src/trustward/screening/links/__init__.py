"""Links: made plain, taken apart, looked up and scored. Nothing is loaded before the first link is screened."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import import_module
from typing import Any

from trustward.model.signal import Signal
from trustward.screening.screeners import Screener


@cache
def _part(name: str) -> Any:
    return import_module(f"trustward.screening.links.{name}")


def _screen(text: str) -> Signal:
    signal: Signal = _part("screen").screen_link(text)
    return signal


def _screen_many(texts: Sequence[str]) -> list[Signal]:
    signals: list[Signal] = _part("screen").screen_links(texts)
    return signals


SCREENER = Screener(
    name="link",
    about="A link: what hides its target is undone; look-alikes of brands, kinds of host, names and paths are judged.",
    screen=_screen,
    screen_many=_screen_many,
    categories=(
        "phishing",
        "crypto",
        "investment",
        "scam_shop",
        "prize",
        "gambling",
        "delivery",
        "malware",
        "shortener",
    ),
    harmless=(
        "https://www.wikipedia.org/wiki/Phishing",
        "https://www.dbs.com.sg/personal/default.page",
        "https://github.com/python/cpython/issues/1",
    ),
    harmful=(
        "http://paypal-secure-login.top/webscr?cmd=login",
        "hxxps://dbs-secure-verify[.]xyz/login",
        "http://steamcommnunity-trade.ru/tradeoffer/new/?partner=1&token=a",
    ),
)
