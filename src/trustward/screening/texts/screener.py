"""The screener of texts: score, category, reasons, and the contact points that a message names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from struct import pack
from typing import Any, NamedTuple

import numpy as np

from trustward.model.signal import Signal, verdict_of
from trustward.screening.contacts import Contact, contacts
from trustward.screening.folding import TRICKS
from trustward.screening.links.screen import link_scores, screen_link, screen_links
from trustward.screening.links.tables import meta as link_numbers
from trustward.screening.texts import kernel, tokens
from trustward.screening.texts.look import Entities, named_in
from trustward.screening.texts.model import TELLING, Model, model

_MOST_LINKS = 5
"""Links of a text that are screened; more are counted, not followed up."""
_MOST_REASONS = 6
_BLOCK = 4_096
"""Texts that are screened at a time: what is in between stays small."""
_STRONGEST = 20.0
"""How many times a link can raise the odds that the words alone give."""
_KEY = kernel.TOLD + 2
"""Whole numbers that everything told of a text comes to: its category, its concepts, its shapes and its tricks."""
_SHAPE_REASONS = (
    (tokens.S_SHORTENED, "a shortened link hides where it leads"),
    (tokens.S_NUMERIC_HOST, "a link to a bare network address"),
    (tokens.S_LINK, "asks to follow a link"),
    (tokens.S_PHONE, "gives a telephone number"),
    (tokens.S_HANDLE, "gives a name on another service"),
    (tokens.S_AMOUNT, "names a sum of money"),
)
_SAID = sum(1 << shape for shape, _ in _SHAPE_REASONS)


def screen_text(text: str) -> Signal:
    """What a message says by itself: how likely it is harmful, which kind of scam it would be, and why.

    >>> screen_text("Are you coming to dinner on Sunday?").verdict
    'ok'
    """
    at_work = model()
    score, flags, told = at_work.read(text)
    shapes = flags.item(kernel.FL_SHAPES)
    named = contacts(text)
    entities = tuple(dict.fromkeys([(contact.kind, contact.id) for contact in named]))
    links = _links(named) if shapes >> tokens.S_LINK & 1 else ()
    spoken = _SILENT
    if score >= TELLING:
        spoken = _spoken(told.tobytes() + pack("hh", shapes & _SAID, flags.item(kernel.FL_TRICKS)))
    if not links:
        return _signal(at_work, entities, score, spoken)
    worst = max((screen_link(link) for link in links), key=lambda signal: signal.score)
    total = combined(score, worst.score, harmful=worst.verdict == "harmful")
    return _signal(at_work, entities, total, spoken, worst)


def likeness(text: str) -> tuple[str, ...]:
    """Fingerprints of which near-duplicates share at least one; none for a text of less than three words.

    A name or a sentence that changes from copy to copy changes some of them, not all. Source: min-wise hashing (Broder
    1997), in bands.

    >>> one = likeness("Hi Anna, our team pays 500 a day for liking videos at home, write to us today")
    >>> two = likeness("Hi Zoe, our team pays 300 a day for liking videos at home, write to us today")
    >>> bool(set(one) & set(two))
    True
    """
    at_work = model()
    return at_work.likeness(at_work.read(text, tell=False).flags)


def screen_texts(texts: Sequence[str]) -> list[Signal]:
    """Many messages at once; the same signals as one by one."""
    found: list[Signal] = []
    for first in range(0, len(texts), _BLOCK):
        found += _screen(texts[first : first + _BLOCK])
    return found


def _screen(texts: Sequence[str]) -> list[Signal]:
    at_work = model()
    scores, flags, told = at_work.read_many(texts, tell=True)
    shapes = flags[:, kernel.FL_SHAPES]
    entities, linked = named_in(texts)
    words: list[float] = scores.tolist()
    totals = list(words)
    worst: dict[int, Signal] = {}
    grave: list[tuple[int, str]] = []
    for row, link, score in _worst_links(_followed(linked, shapes)):
        totals[row] = combined(words[row], score, harmful=score >= link_numbers().harmful)
        if score >= link_numbers().suspicious:
            grave.append((row, link))
    if grave:
        signals = screen_links([link for _, link in grave])
        worst = {row: signal for (row, _), signal in zip(grave, signals, strict=True)}
    # Everything that is told of a row as a few bytes: a list for each would keep the collector of garbage busy.
    keys = np.empty((len(texts), _KEY), np.int16)
    keys[:, : kernel.TOLD] = told
    keys[:, kernel.TOLD] = shapes & _SAID
    keys[:, kernel.TOLD + 1] = flags[:, kernel.FL_TRICKS]
    whats = keys.view(f"V{2 * _KEY}").reshape(-1).tolist()
    return [
        _signal(at_work, named, total, _spoken(what) if score >= TELLING else _SILENT, worst.get(row))
        for row, (named, total, score, what) in enumerate(zip(entities, totals, words, whats, strict=True))
    ]


def _followed(linked: Mapping[int, tuple[str, ...]], shapes: Any) -> list[tuple[int, tuple[str, ...]]]:
    """The links that are screened: those of texts in which the words are read with a link too."""
    rows = np.fromiter(linked, np.int64, len(linked))
    read = (shapes[rows] >> tokens.S_LINK & 1).tolist()
    return [(row, links[:_MOST_LINKS]) for (row, links), is_read in zip(linked.items(), read, strict=True) if is_read]


def text_scores(texts: Sequence[str]) -> Any:
    """The scores of many messages (float64), equal to those of :func:`screen_text`; 0 for an empty one."""
    scores, flags, _ = model().read_many(texts)
    shapes = flags[:, kernel.FL_SHAPES]
    rows = np.flatnonzero(shapes >> tokens.S_LINK & 1).tolist()
    named = named_in([texts[row] for row in rows]).links
    for row, _, score in _worst_links([(rows[at], links[:_MOST_LINKS]) for at, links in named.items()]):
        scores[row] = combined(float(scores[row]), score, harmful=score >= link_numbers().harmful)
    return np.where(np.fromiter(map(bool, texts), np.bool_, len(texts)), scores, 0.0)


def _worst_links(linked: Sequence[tuple[int, Sequence[str]]]) -> Iterator[tuple[int, str, float]]:
    """The worst link of each row that has any, and its score."""
    each = link_scores([link for _, links in linked for link in links]).tolist()
    at = 0
    for row, links in linked:
        if links:
            scores = each[at : at + len(links)]
            at += len(links)
            worst = max(scores)
            yield row, links[scores.index(worst)], worst


def combined(words: float, link: float, *, harmful: bool) -> float:
    """The score of a message from that of its words and of its worst link.

    Scores are shares at even odds, so that a link multiplies the odds; one that looks harmless takes nothing away. A
    harmful link makes its message as harmful as itself.
    """
    if link > 0.5:
        odds = words / max(1 - words, 1e-6) * min(link / max(1 - link, 1e-6), _STRONGEST)
        words = max(words, odds / (1 + odds))
    return round(max(words, link) if harmful else words, 4)


def _links(named: Sequence[Contact]) -> tuple[str, ...]:
    urls = (contact.id for contact in named if contact.kind == "url")
    return tuple(dict.fromkeys(urls))[:_MOST_LINKS]


class _Spoken(NamedTuple):
    """What is said of a text's words: the kind of scam, and the reasons."""

    category: str
    reasons: tuple[str, ...]


_SILENT = _Spoken("none", ())


def _signal(
    at_work: Model, entities: Entities, total: float, spoken: tuple[str, tuple[str, ...]], worst: Signal | None = None
) -> Signal:
    """The signal of a text: ``total`` is its score, ``spoken`` what its words say, ``worst`` its worst link."""
    numbers = at_work.numbers
    category, reasons = spoken
    if worst is not None and worst.verdict != "ok":
        reasons = (*(f"link: {reason}" for reason in worst.reasons[:2]), *reasons)[:_MOST_REASONS]
        category = category if category not in ("", "none") else worst.category or "phishing"
    return Signal(
        score=total,
        verdict=verdict_of(total, numbers.suspicious, numbers.harmful),
        category=category,
        reasons=reasons,
        entities=entities,
        version=numbers.version,
    )


@lru_cache(maxsize=16_384)
def _spoken(told: bytes) -> _Spoken:
    """The kind of scam and the reasons of a text that is told of: its category, concepts, shapes and tricks."""
    category, *said = np.frombuffer(told, np.int16).tolist()
    return _Spoken(model().numbers.categories[category], _reasons(*said)[:_MOST_REASONS])


def _reasons(*said: int) -> tuple[str, ...]:
    """What concepts say, and last shapes and tricks."""
    *concepts, shapes, tricks = said
    phrases = model().phrases
    reasons = [f"speaks of {phrase}" for phrase in dict.fromkeys(phrases[number] for number in concepts if number >= 0)]
    reasons += [reason for shape, reason in _SHAPE_REASONS if shapes >> shape & 1][:2]
    reasons += [reason for trick, reason in TRICKS.items() if tricks & trick]
    return tuple(reasons) or ("its wording as a whole",)
