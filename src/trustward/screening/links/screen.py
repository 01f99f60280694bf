"""Screening of links: one, or many at once, by the same code."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, NamedTuple, cast

import numpy as np
import numpy.typing as npt

from trustward.model.signal import Signal, SignalVerdict, verdict_of
from trustward.screening.links import measure, tables
from trustward.screening.links import words as w
from trustward.screening.links.normal import INVISIBLE, LONGEST, Link, normalise, reading
from trustward.screening.links.reasons import (
    FACTS,
    LOOK_ALIKE,
    OFFICIAL,
    POPULAR,
    WEIGHTS,
    WORDS,
    category_of,
    reasons_of,
)

Array = npt.NDArray[Any]
_CHUNK = 20_000
"""Links that are screened at a time: what is in between stays small."""
_SCRIPTS = ("javascript:", "data:text/html", "vbscript:", "data:application")
_BLANK = re.compile(r"^\s+|[\t\r\n]+")
_SAID = sum(1 << bit for bit in FACTS) & ~WORDS
"""What is said of links that are not suspicious."""


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
        self.known = tables.known(self.tables, self.names, tables.trees())


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
    data = np.frombuffer(bytearray(("\0".join(texts) + "\0").encode("ascii")), dtype=np.uint8)
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
        tables.LOCAL.room,
        brands.known.addresses,
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


def _odd(texts: Sequence[str], brands: Brands) -> list[_Odd]:
    """Links that have to be made plain first."""
    chains: list[list[Link]] = []
    read: list[tuple[str, int]] = []
    for text in texts:
        chain: list[Link] = []
        inner = normalise(text)
        while inner is not None:
            chain.append(inner)
            read.append(reading(inner))
            inner = inner.target
        chains.append(chain)
    if read:
        raw = _measure(
            [one[0] for one in read],
            np.array([one[1] | w.FORCED for one in read], dtype=np.int64),
            np.array([_weight(one[1]) for one in read], dtype=np.float32),
            brands,
        )
        scores = np.nan_to_num(raw.scores).tolist()
        facts, owners = raw.facts.tolist(), raw.spans[:, 6].tolist()
    result = []
    start = 0
    for text, chain in zip(texts, chains, strict=True):
        if not chain:
            # As browsers read it: marks in front do not count, nor do tabs and ends of lines anywhere.
            low = _BLANK.sub("", INVISIBLE.sub("", text[:200])).lower()
            script = low.startswith(_SCRIPTS)
            result.append(_Odd(_calibrated(2.5), 0, w.SCRIPT, 0, "", ()) if script else _Odd(0.0, 0, 0, 0, "", ()))
            continue
        end = start + len(chain)
        first = max(range(start, end), key=lambda number: scores[number])
        tricks = 0
        for one in read[start:end]:
            tricks |= one[1]
        domains = dict.fromkeys(one.registrable or one.host for one in chain)
        result.append(_Odd(scores[first], facts[first], tricks, owners[first], chain[0].url, tuple(domains)))
        start = end
    return result


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
        left = np.flatnonzero(np.isnan(raw.scores))
        raw.scores[left] = [odd.score for odd in _odd([texts[number] for number in left.tolist()], brands)]
        result[start : start + count] = raw.scores
    return result


def screen_link(text: str, brands: Brands | None = None) -> Signal:
    """What a link says by itself.

    >>> screen_link("https://paypal-secure-login.example.top/webscr").verdict != "ok"
    True
    """
    brands = brands or shipped_brands()
    room = tables.LOCAL
    if len(text) > LONGEST or not text.isascii() or "\0" in text or not _measure_one(text, room, brands):
        return _signal(_odd((text,), brands)[0], brands, tables.meta())
    lo, hi, _, domain, _, _, brand, _ = room.spans[0].tolist()
    return _plain_signal(text, room.scores.item(0), lo, hi, domain, brand, room.facts.item(0), brands, tables.meta())


def _measure_one(text: str, room: tables.Local, brands: Brands) -> bool:
    """Measure one link; False if it is not plain."""
    size = len(text)
    room.bytes[:size] = text.encode("ascii")
    room.ends[0] = size
    measure.screen_rows(
        room.text,
        room.ends,
        room.none,
        room.extra,
        room.room,
        brands.known.addresses,
        _curve(),
        room.odds,
        room.scores,
        room.spans,
        room.facts,
        room.features,
        False,
    )
    score: float = room.scores.item(0)
    return score == score  # noqa: PLR0124 - not a number: the quickest test there is


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
    left = np.flatnonzero(np.isnan(raw.scores)).tolist()
    spans = raw.spans
    # Column by column: a list for each row would keep the collector of garbage busy.
    columns = (raw.scores, spans[:, 0], spans[:, 1], spans[:, 3], spans[:, 6], raw.facts)
    result: list[Signal | None] = [
        _plain_signal(text, score, lo, hi, domain, brand, facts, brands, meta) if score == score else None  # noqa: PLR0124
        for text, score, lo, hi, domain, brand, facts in zip(
            texts, *(column.tolist() for column in columns), strict=True
        )
    ]
    for number, odd in zip(left, _odd([texts[number] for number in left], brands), strict=True):
        result[number] = _signal(odd, brands, meta)
    return cast("list[Signal]", result)


def _plain_signal(  # noqa: PLR0913, PLR0917 - by position: it is called for every link
    text: str,
    score: float,
    lo: int,
    hi: int,
    domain: int,
    brand: int,
    facts: int,
    brands: Brands,
    meta: tables.Meta,
) -> Signal:
    """The signal of a link whose host lies at text[lo:hi]."""
    host = text[lo:hi]
    url = text
    if not host.islower() and host != (low := host.lower()):
        url = f"{text[:lo]}{low}{text[hi:]}"
        host = low
    if text[:7] != "http://" and text[:8] != "https://":
        url = f"http{'s' if lo == 8 else ''}://{url[lo:]}"
    if domain >= 0:
        host = host[domain - lo :]
    if score < meta.suspicious:
        if not facts & _SAID:
            return Signal(score=score, entities=(("url", url), ("domain", host)), version=meta.version)
        verdict: SignalVerdict = "ok"
        grave = False
    else:
        verdict = verdict_of(score, meta.suspicious, meta.harmful)
        grave = True
    return Signal(
        score=score,
        verdict=verdict,
        category=category_of(facts, grave),
        reasons=reasons_of(facts, 0, brands.brands[brand - 1].name if brand else "", grave),
        entities=(("url", url), ("domain", host)),
        version=meta.version,
    )


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
    (odd,) = _odd((text,), brands)
    return odd.facts, odd.brand


def look_alike(text: str, brands: Brands | None = None) -> str | None:
    """The protected brand that a link's host passes itself off as, or None.

    >>> look_alike("http://faceb00k-login.com"), look_alike("https://www.facebook.com/") is None
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
