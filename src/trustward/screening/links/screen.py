"""Screening of links: one, or many at once, by the same code."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from trustward.model.signal import Signal, verdict_of
from trustward.screening.links import measure, tables
from trustward.screening.links import words as w
from trustward.screening.links.normal import LONGEST, Link, normalise, reading
from trustward.screening.links.reasons import (
    LOOK_ALIKE,
    OFFICIAL,
    POPULAR,
    WEIGHTS,
    category_of,
    reasons_of,
)

Array = npt.NDArray[Any]
_CHUNK = 20_000
"""Links that are screened at a time: what is in between stays small."""
_SCRIPTS = ("javascript:", "data:text/html", "vbscript:", "data:application")
_EMPTY_FEATURES = np.zeros((1, w.N_FEATURES), dtype=np.float32)


class Brands:
    """The brands to protect: those that ship with the package, and a service's own.

    >>> own = Brands(["Kopi_Club kopiclub.example"])
    >>> look_alike("https://kopiclub-login.example.net", own)
    'Kopi Club'
    """

    def __init__(self, lines: Iterable[str] = (), *, shipped: bool = True) -> None:
        """``lines``: "Name official-domain ... [+another-spelling ...]". Raises UsageError for a line that is none."""
        own = tables.read_brands(lines)
        self.brands = own + (tables.own_brands() if shipped else ())
        if own or not shipped:
            self.names = tables.brand_tables(self.brands)
            keys, values = tables.host_table(self.brands)
            self.tables = tables.own_tables()._replace(keys=keys, values=values)
        else:
            self.names = tables.own_brand_tables()
            self.tables = tables.own_tables()


@cache
def shipped_brands() -> Brands:
    """The brands that ship with the package."""
    return Brands()


class _Raw(NamedTuple):
    """What the compiled part says of links."""

    scores: Array
    spans: Array
    facts: Array


@cache
def _curve() -> Array:
    meta = tables.meta()
    return np.array([meta.scores_x, meta.scores_y], dtype=np.float32)


def _measure(texts: Sequence[str], tricks: Array, extra: Array, brands: Brands) -> _Raw:
    """Measure texts of ASCII without zero bytes."""
    count = len(texts)
    data = np.frombuffer(("\0".join(texts) + "\0").encode("ascii"), dtype=np.uint8)
    ends = np.cumsum(np.fromiter(map(len, texts), dtype=np.int64, count=count) + 1) - 1
    raw = _Raw(
        np.empty(count, dtype=np.float32), np.zeros((count, 8), dtype=np.int64), np.zeros(count, dtype=np.uint64)
    )
    odds = np.empty(count, dtype=np.float32)
    measure.screen_rows(
        data,
        ends,
        tricks,
        extra,
        tables.LOCAL.work,
        brands.tables,
        brands.names,
        tables.trees(),
        _curve(),
        odds,
        raw.scores,
        raw.spans,
        raw.facts,
        tables.LOCAL.features,
        False,
    )
    return raw


def _plain(texts: Sequence[str]) -> Sequence[str]:
    """The texts with empty ones for those that the compiled part cannot read as they are."""
    whole = "".join(texts)
    if whole.isascii() and "\0" not in whole and len(whole) < LONGEST:
        return texts
    return [text if len(text) <= LONGEST and text.isascii() and "\0" not in text else "" for text in texts]


class _Odd(NamedTuple):
    """What a link that had to be made plain comes to: the harshest of itself and the links within it."""

    score: float
    facts: int
    tricks: int
    brand: int
    url: str
    domains: tuple[str, ...]


def _odd(text: str, brands: Brands) -> _Odd:
    link = normalise(text)
    if link is None:
        low = text[:200].lstrip().lower()
        if low.startswith(_SCRIPTS):
            return _Odd(_calibrated(2.5), 0, w.SCRIPT, 0, "", ())
        return _Odd(0.0, 0, 0, 0, "", ())
    chain: list[Link] = []
    inner: Link | None = link
    while inner is not None:
        chain.append(inner)
        inner = inner.target
    read = [reading(one) for one in chain]
    raw = _measure(
        [one[0] for one in read],
        np.array([one[1] | w.FORCED for one in read], dtype=np.int64),
        np.array([_weight(one[1]) for one in read], dtype=np.float32),
        brands,
    )
    scores = [0.0 if math.isnan(score) else score for score in raw.scores.tolist()]
    first = max(range(len(chain)), key=lambda number: scores[number])
    tricks = 0
    for one in read:
        tricks |= one[1]
    domains = dict.fromkeys(one.registrable or one.host for one in chain)
    return _Odd(scores[first], int(raw.facts[first]), tricks, int(raw.spans[first, 6]), link.url, tuple(domains))


def _weight(tricks: int) -> float:
    return sum(weight for bit, weight in WEIGHTS.items() if tricks & bit)


def _calibrated(odds: float) -> float:
    curve = _curve()
    return float(np.interp(odds, curve[0], curve[1]).astype(np.float32))


def link_scores(links: Sequence[str], brands: Brands | None = None) -> npt.NDArray[np.float32]:
    """The scores of links, shape (links,), float32: those of :func:`screen_links` without anything else.

    >>> link_scores(["https://www.wikipedia.org/"]).shape
    (1,)
    """
    brands = brands or shipped_brands()
    result = np.empty(len(links), dtype=np.float32)
    for start in range(0, len(links), _CHUNK):
        texts = links[start : start + _CHUNK]
        count = len(texts)
        raw = _measure(_plain(texts), np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.float32), brands)
        for number in np.flatnonzero(np.isnan(raw.scores)).tolist():
            raw.scores[number] = _odd(texts[number], brands).score
        result[start : start + count] = raw.scores
    return result


def screen_link(text: str, brands: Brands | None = None) -> Signal:
    """What a link says by itself.

    >>> screen_link("https://paypal-secure-login.example.top/webscr").verdict != "ok"
    True
    """
    return screen_links((text,), brands)[0]


def screen_links(links: Sequence[str], brands: Brands | None = None) -> list[Signal]:
    """What each of some links says by itself: the same as :func:`screen_link`, faster."""
    brands = brands or shipped_brands()
    result: list[Signal] = []
    for start in range(0, len(links), _CHUNK):
        result += _screen(links[start : start + _CHUNK], brands)
    return result


def _screen(texts: Sequence[str], brands: Brands) -> list[Signal]:
    count = len(texts)
    raw = _measure(_plain(texts), np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.float32), brands)
    meta = tables.meta()
    suspicious, version = meta.suspicious, meta.version
    result = []
    for text, score, span, facts in zip(
        texts, raw.scores.tolist(), raw.spans.tolist(), raw.facts.tolist(), strict=True
    ):
        if score != score:  # noqa: PLR0124 - not a number: the quickest test there is
            result.append(_signal(_odd(text, brands), brands, meta))
            continue
        lo, hi, _, domain, _, _, brand, _ = span
        host = text[lo:hi]
        url = text
        if not (lo == 7 or lo == 8) or not text.startswith("http"):  # noqa: PLR1714 - quicker
            url = f"http{'s' if lo == 8 else ''}://{text[lo:]}"
        if not host.islower():
            host = host.lower()
            at = url.index("://") + 3
            url = url[:at] + host + url[at + hi - lo :]
        grave = score >= suspicious
        result.append(
            Signal(
                score=score,
                verdict=verdict_of(score, suspicious, meta.harmful) if grave else "ok",
                category=category_of(facts, grave) if facts else "phishing" if grave else "",
                reasons=reasons_of(facts, 0, brands.brands[brand - 1].name if brand else "", grave) if facts else (),
                entities=(("url", url), ("domain", host if domain < 0 else host[domain - lo :])),
                version=version,
            )
        )
    return result


def _signal(odd: _Odd, brands: Brands, meta: tables.Meta) -> Signal:
    grave = odd.score >= meta.suspicious
    name = brands.brands[odd.brand - 1].name if odd.brand else ""
    return Signal(
        score=odd.score,
        verdict=verdict_of(odd.score, meta.suspicious, meta.harmful),
        category=category_of(odd.facts, grave),
        reasons=reasons_of(odd.facts, odd.tricks, name, grave),
        entities=(*((("url", odd.url),) if odd.url else ()), *(("domain", domain) for domain in odd.domains)),
        version=meta.version,
    )


def _facts(text: str, brands: Brands) -> tuple[int, int]:
    raw = _measure(_plain((text,)), np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.float32), brands)
    if not math.isnan(raw.scores[0]):
        return int(raw.facts[0]), int(raw.spans[0, 6])
    odd = _odd(text, brands)
    return odd.facts, odd.brand


def look_alike(text: str, brands: Brands | None = None) -> str | None:
    """The protected brand that a link's host passes itself off as, or None.

    >>> look_alike("http://faceb00k.example.com"), look_alike("https://www.facebook.com/") is None
    ('Facebook', True)
    """
    brands = brands or shipped_brands()
    facts, brand = _facts(text, brands)
    return brands.brands[brand - 1].name if brand and facts & LOOK_ALIKE else None


def shortened(text: str) -> bool:
    """Whether a link is of a service that shortens links.

    >>> shortened("https://bit.ly/3xYz"), shortened("https://example.org/3xYz")
    (True, False)
    """
    return bool(_facts(text, shipped_brands())[0] >> 13 & 1)


def shared_host(text: str) -> bool:
    """Whether a link leads to pages, files or forms that anybody can put up: free hosting, builders, storage, tunnels.

    >>> shared_host("https://someone.weebly.com/"), shared_host("https://www.example.org/")
    (True, False)
    """
    return bool(_facts(text, shipped_brands())[0] & sum(1 << bit for bit in (10, 11, 12, 14, 15, 16, 17, 18)))


def popular(text: str) -> bool:
    """Whether a link's registrable domain is among the million that are visited most."""
    return bool(_facts(text, shipped_brands())[0] >> POPULAR & 1)


def official(text: str) -> bool:
    """Whether a link leads to a protected brand's own domain."""
    return bool(_facts(text, shipped_brands())[0] >> OFFICIAL & 1)


def registrable(text: str) -> str | None:
    """The registrable domain of a link; None if it has none.

    >>> registrable("hxxps://login[.]shop.example.co.uk/a")
    'example.co.uk'
    """
    link = normalise(text)
    return None if link is None else link.registrable
