"""The screener of listings: from matches to evidence, and from evidence to a signal.

Words of a category that stand by themselves, its code words, and its goods with a sign or a word of trade near them are
evidence; a harmless neighbour takes it away. The weights are learned (``models/goods.py``) and can be read in
``data/goods/weights.json``.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np

from trustward.base.errors import UsageError
from trustward.model.signal import Signal, verdict_of
from trustward.screening import folding
from trustward.screening.goods import kernel, taxonomy
from trustward.screening.goods.compiled import Compiled, index_of, load, scratch
from trustward.screening.goods.evidence import FEATURES, Evidence, evidence_of, only_elsewhere
from trustward.screening.goods.taxonomy import Source

SUSPICIOUS, HARMFUL = 0.6, 0.9
"""The shipped thresholds."""
LICENSED = 0.85
"""The most for what a licence or a look at the seller would make lawful: it is never more than suspicious."""
_BLOCK = 256
_ROWS = 32 * kernel.MOST_MATCHES
_LONGEST_MARKET = 20
_LOW = 0.01
_HIGH = 0.99


class Weights(msgspec.Struct, frozen=True):
    """What each kind of evidence adds to the logit of the score, and the logit of none at all."""

    none: float
    constant: float
    weights: dict[str, float]


@cache
def shipped_weights() -> Weights:
    """The learned weights."""
    return msgspec.json.decode((taxonomy.DATA / "weights.json").read_bytes(), type=Weights)


class Found(NamedTuple):
    """The strongest evidence of a listing: its category, what there is, and its score before the market is asked."""

    category: int
    evidence: Evidence
    score: float


class _Room(threading.local):
    """Arrays that the kernel works in; one for each thread."""

    def __init__(self) -> None:
        self.scratch = scratch()
        self.matches = np.zeros((_ROWS, 4), np.int32)


class Goods:
    """A taxonomy with weights: screens listings against what may not be sold.

    >>> goods = Goods(load())
    >>> goods.screen_listing({"title": "Pre-registered SIM cards, no ID"}).category
    'phone-cards'
    >>> goods.screen_listing({"title": "SIM card tray"}).verdict
    'ok'
    """

    def __init__(self, words: Compiled, weights: Weights | None = None) -> None:
        self.words = words
        self.weights = weights or shipped_weights()
        self._row = [self.weights.weights.get(name, 0.0) for name in FEATURES]
        self._harmless = Signal(score=_sigmoid(self.weights.none), version=words.version)
        self._room = _Room()

    def screen_listing(self, listing: Mapping[str, Any]) -> Signal:
        """What a listing's title, description, price, currency, category and market say together.

        ``price`` is a number in the currency's main unit (30.5 SGD is 30.5), ``currency`` an ISO 4217 code, ``market``
        the ISO 3166 code of the country where it is sold; what is no such code is as good as missing. All but
        ``title`` may be missing.
        """
        return self.screen_listings([listing])[0]

    def screen_listings(self, listings: Sequence[Mapping[str, Any]]) -> list[Signal]:
        """The signals of many listings, each equal to what :meth:`screen_listing` says."""
        signals = []
        for start in range(0, len(listings), _BLOCK):
            block = listings[start : start + _BLOCK]
            texts = [_text(listing, name) for listing in block for name in ("title", "description")]
            found = self._find(texts)
            for i, listing in enumerate(block):
                title, description = found[2 * i], found[2 * i + 1]
                if title is None and description is None:
                    signals.append(self._harmless)
                else:
                    signals.append(self._signal(listing, title, description))
        return signals

    def _find(self, texts: Sequence[str]) -> list[tuple[list[list[int]], int] | None]:
        """The matches of each text and the tricks that were undone; None where nothing is found."""
        found: list[tuple[list[list[int]], int] | None] = []
        composed = [folding.composed(text) if text else "" for text in texts]
        room = self._room
        begin = 0
        while begin < len(composed):
            part = composed[begin:]
            starts = np.zeros(len(part) + 1, np.int64)
            np.cumsum([len(text) for text in part], out=starts[1:])
            codes = folding.codes_of("".join(part))
            ends = np.zeros(len(part), np.int64)
            tricks = np.zeros(len(part), np.int64)
            words = self.words
            done = kernel.find(
                codes,
                starts,
                folding.tables(),
                words.spelling,
                words.right,
                words.tree,
                words.needs,
                room.scratch,
                room.matches,
                ends,
                tricks,
            )
            first = 0
            for end, trick in zip(ends[:done].tolist(), tricks[:done].tolist(), strict=True):
                found.append((room.matches[first:end].tolist(), trick) if end > first else None)
                first = end
            begin += done
        return found

    def found(self, listing: Mapping[str, Any]) -> list[Found]:
        """All evidence of a listing, category by category."""
        title, description = self._find([_text(listing, "title"), _text(listing, "description")])
        return self._scored(listing, title, description)

    def _scored(self, listing: Mapping[str, Any], title: Any, description: Any) -> list[Found]:
        """The score of each category that anything speaks for."""
        return [
            Found(category, evidence, self._score(evidence))
            for category, evidence in evidence_of(self.words, listing, title, description).items()
        ]

    def _score(self, evidence: Evidence) -> float:
        total = sum(weight * value for weight, value in zip(self._row, evidence.values, strict=True))
        return _sigmoid(self.weights.constant + total - only_elsewhere(evidence))

    def _rank(self, category: int) -> tuple[int, int]:
        return taxonomy.SEVERITIES.index(self.words.categories[category].severity), -category

    def _signal(self, listing: Mapping[str, Any], title: Any, description: Any) -> Signal:
        market = _market(listing.get("market"))
        best: tuple[float, float, int, tuple[int, int]] | None = None
        signal = self._harmless
        for category, evidence, raw in self._scored(listing, title, description):
            score, about = self._in_market(raw, self.words.categories[category], market)
            # Of two that are as likely, the one with the longer words is the more particular.
            rank = (score, raw, evidence.longest, self._rank(category))
            if best is None or rank > best:
                best = rank
                score = round(min(max(score, _LOW), _HIGH), 4)
                signal = Signal(
                    score=score,
                    verdict=verdict_of(score, SUSPICIOUS, HARMFUL),
                    category=self.words.categories[category].id,
                    reasons=(*evidence.reasons(), about),
                    version=self.words.version,
                )
        return signal

    def _in_market(self, score: float, category: taxonomy.Category, market: str) -> tuple[float, str]:
        """The score where it is sold, and a reason that says what holds there."""
        name = category.title[:1].lower() + category.title[1:]
        everywhere = "*" in category.forbidden
        capped = min(score, LICENSED)
        if everywhere or market in category.forbidden:
            place = "" if everywhere else f" in {market}"
            about = f"may not be sold{place}: {name}"
            return (capped if category.severity == "low" else score), about
        if "*" in category.licence or market in category.licence:
            place = f" in {market}" if market else ""
            return capped, f"needs a licence{place}: {name}"
        places = ", ".join(sorted({*category.forbidden, *category.licence}))
        held = min(score, self._harmless.score)
        if not market:
            return held, f"no market given; restricted in {places}: {name}"
        return held, f"may be sold in {market}: {name}"


def _sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-max(min(value, 30.0), -30.0)))


def _market(value: object) -> str:
    """The code of a market, or "" for what is none: a name cut to two letters would be another country's code."""
    code = value[:_LONGEST_MARKET].strip() if isinstance(value, str) else ""
    return code.upper() if len(code) == 2 and code.isascii() and code.isalpha() else ""


def _text(listing: Mapping[str, Any], name: str) -> str:
    value = listing.get(name)
    return value if isinstance(value, str) else ""


@cache
def shipped_goods() -> Goods:
    """The screener with the shipped taxonomy, loaded once."""
    return Goods(load())


def load_taxonomy(extra: Sequence[str | Path | Source] = ()) -> Goods:
    """A screener with the shipped taxonomy and files (paths) or texts of a service's own.

    Raises UsageError with all faults, each with file, line and column.

    >>> goods = load_taxonomy(
    ...     [
    ...         '''
    ... [mooncake-vouchers]
    ... title = "Mooncake vouchers"
    ... forbidden = ["*"]
    ... hits = ["Mooncake voucher cheap"]
    ... misses = ["Mooncake box"]
    ... [mooncake-vouchers.offers]
    ... en = ["mooncake voucher"]
    ... '''
    ...     ]
    ... )
    >>> goods.screen_listing({"title": "Mooncake vouchers 50% off"}).category
    'mooncake-vouchers'
    """
    return Goods(load(tuple(extra))) if extra else shipped_goods()


def check_taxonomy(extra: Sequence[str | Path | Source] = ()) -> list[str]:
    r"""All faults of the shipped taxonomy with a service's own files; messages are ``file:line:column: what``.

    Examples are tried too: a hit must be at least suspicious in its category, a miss must not be of it.

    >>> check_taxonomy(["[x-ray]\nseverty = 'high'\n"])[0]
    "<text 1>:2:1: unknown or of the wrong type: 'severty'; did you mean 'severity'?"
    """
    sources = [*taxonomy.shipped(), *(taxonomy.as_source(text, n) for n, text in enumerate(extra, 1))]
    written = taxonomy.read(sources)
    index_of(written)
    faults = list(written.faults)
    if faults:
        return faults
    try:
        goods = Goods(load(tuple(extra)))
    except UsageError as fault:
        return [str(fault)]
    return _examples(goods, written)


def _examples(goods: Goods, written: taxonomy.Written) -> list[str]:
    faults = []
    for number, title, wanted in taxonomy.examples(written):
        category = written.categories[number]
        markets: Iterable[str] = ("",) if "*" in category.forbidden + category.licence else category.forbidden
        market = next(iter(markets), "") or next((m for m in category.licence if m != "*"), "")
        signal = goods.screen_listing({"title": title, "market": market})
        hit = signal.category == category.id and signal.verdict != "ok"
        if hit != wanted:
            said = f"{signal.verdict} ({signal.category or 'nothing'}, {signal.score:.2f})"
            kind = "hit" if wanted else "miss"
            source, line, column = where(written.sources, title)
            faults.append(f"{source}:{line}:{column}: {category.id}: the {kind} {title!r} comes out as {said}")
    return faults


def where(sources: Sequence[Source], text: str) -> tuple[str, int, int]:
    """File, line and column of a text in quotes; the last file that has it."""
    for source in reversed(sources):
        for line, content in enumerate(source.text.split("\n"), 1):
            at = content.find(f'"{text}"')
            if at >= 0:
                return source.name, line, at + 1
    return sources[-1].name if sources else "taxonomy", 1, 1
