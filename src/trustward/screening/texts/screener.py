"""The screener of texts: score, category, reasons, and the contact points that a message names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

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
    score, flags, row = at_work.read(text)
    told = row.tolist()
    shapes = flags.item(kernel.FL_SHAPES)
    named = contacts(text)
    links = _links(named) if shapes >> tokens.S_LINK & 1 else ()
    entities = tuple(dict.fromkeys([(contact.kind, contact.id) for contact in named]))
    if not links:
        return _signal(at_work, entities, score, score, shapes, flags.item(kernel.FL_TRICKS), told)
    worst = max((screen_link(link) for link in links), key=lambda signal: signal.score)
    total = combined(score, worst.score, harmful=worst.verdict == "harmful")
    return _signal(at_work, entities, total, score, shapes, flags.item(kernel.FL_TRICKS), told, worst)


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
    entities, linked = named_in(texts)
    words = scores.tolist()
    totals = list(words)
    worst: dict[int, Signal] = {}
    shapes = flags[:, kernel.FL_SHAPES].tolist()
    grave: list[tuple[int, str]] = []
    each = [(row, urls[:_MOST_LINKS]) for row, urls in linked.items() if shapes[row] >> tokens.S_LINK & 1]
    for row, link, score in _worst_links(each):
        totals[row] = combined(words[row], score, harmful=score >= link_numbers().harmful)
        if score >= link_numbers().suspicious:
            grave.append((row, link))
    if grave:
        signals = screen_links([link for _, link in grave])
        worst = {row: signal for (row, _), signal in zip(grave, signals, strict=True)}
    tricks = flags[:, kernel.FL_TRICKS].tolist()
    # As lists at once: an array for each row would take longer than all that is said of it.
    whats = told.tolist()
    return [
        _signal(at_work, named, total, score, shape, trick, what, worst.get(row))
        for row, (named, total, score, shape, trick, what) in enumerate(
            zip(entities, totals, words, shapes, tricks, whats, strict=True)
        )
    ]


def text_scores(texts: Sequence[str]) -> Any:
    """The scores of many messages (float64), equal to those of :func:`screen_text`; 0 for an empty one."""
    scores, flags, _ = model().read_many(texts)
    linked = np.flatnonzero(flags[:, kernel.FL_SHAPES] >> tokens.S_LINK & 1).tolist()
    for row, _, score in _worst_links([(row, _links(contacts(texts[row]))) for row in linked]):
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


def _signal(
    at_work: Model,
    entities: Entities,
    total: float,
    score: float,
    shapes: int,
    tricks: int,
    told: Sequence[int],
    worst: Signal | None = None,
) -> Signal:
    """The signal of a text: ``total`` is its score, ``score`` that of its words, ``worst`` its worst link."""
    numbers = at_work.numbers
    category: str = "none"
    reasons: tuple[str, ...] = ()
    if score >= TELLING:
        category, reasons = numbers.categories[told[0]], _reasons(*told[1:], shapes & _SAID, tricks)
    if worst is not None and worst.verdict != "ok":
        reasons = (*(f"link: {reason}" for reason in worst.reasons[:2]), *reasons)
        category = category if category not in ("", "none") else worst.category or "phishing"
    return Signal(
        score=total,
        verdict=verdict_of(total, numbers.suspicious, numbers.harmful),
        category=category,
        reasons=reasons[:_MOST_REASONS],
        entities=entities,
        version=numbers.version,
    )


@lru_cache(maxsize=4_096)
def _reasons(*said: int) -> tuple[str, ...]:
    """What concepts say, and last shapes and tricks."""
    *concepts, shapes, tricks = said
    phrases = model().phrases
    reasons = [f"speaks of {phrase}" for phrase in dict.fromkeys(phrases[number] for number in concepts if number >= 0)]
    reasons += [reason for shape, reason in _SHAPE_REASONS if shapes >> shape & 1][:2]
    reasons += [reason for trick, reason in TRICKS.items() if tricks & trick]
    return tuple(reasons) or ("its wording as a whole",)
