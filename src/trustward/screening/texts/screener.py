"""The screener of texts: score, category, reasons, and the contact points that a message names."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from trustward.model.signal import Signal, verdict_of
from trustward.screening.contacts import Contact, contacts
from trustward.screening.folding import TRICKS
from trustward.screening.links.screen import link_scores, screen_link
from trustward.screening.links.tables import meta as link_numbers
from trustward.screening.texts import kernel, tokens
from trustward.screening.texts.model import Model, model
from trustward.screening.texts.reader import DATA

_MOST_LINKS = 5
"""Links of a text that are screened; more are counted, not followed up."""
_MOST_REASONS = 6
_TELLING = 0.3
"""The score from which a category and reasons are given."""
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


def screen_text(text: str) -> Signal:
    """What a message says by itself: how likely it is harmful, which kind of scam it would be, and why.

    >>> screen_text("Are you coming to dinner on Sunday?").verdict
    'ok'
    """
    at_work = model()
    reading = at_work.read(text)
    category, reasons = _told(at_work, reading.flags, reading.score)
    named = contacts(text)
    links = _links(named) if int(reading.flags[kernel.FL_SHAPES]) >> tokens.S_LINK & 1 else ()
    score = reading.score
    if links:
        worst = max((screen_link(link) for link in links), key=lambda signal: signal.score)
        score = combined(score, worst.score, harmful=worst.verdict == "harmful")
        if worst.verdict != "ok":
            reasons = (*(f"link: {reason}" for reason in worst.reasons[:2]), *reasons)
            category = category if category not in ("", "none") else worst.category or "phishing"
    return _signal(at_work, named, score, category, reasons)


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
    return at_work.likeness(at_work.read(text).flags)


def screen_texts(texts: Sequence[str]) -> list[Signal]:
    """Many messages at once; the same signals as one by one."""
    at_work = model()
    scores, facts = at_work.read_many(texts)
    found: list[Signal] = []
    for text, score, shapes in zip(texts, scores.tolist(), facts[:, kernel.FL_SHAPES].tolist(), strict=True):
        if score >= _TELLING or shapes >> tokens.S_LINK & 1:
            found.append(screen_text(text))
        else:
            found.append(_signal(at_work, contacts(text), score, "none", ()))
    return found


def text_scores(texts: Sequence[str]) -> Any:
    """The scores of many messages (float64), equal to those of :func:`screen_text`; 0 for an empty one."""
    scores, facts = model().read_many(texts)
    linked = np.flatnonzero(facts[:, kernel.FL_SHAPES] >> tokens.S_LINK & 1).tolist()
    found = [(row, _links(contacts(texts[row]))) for row in linked]
    every = [link for _, links in found for link in links]
    if every:
        each = link_scores(every).tolist()
        harmful = link_numbers().harmful
        at = 0
        for row, links in found:
            if links:
                worst = max(each[at : at + len(links)])
                at += len(links)
                scores[row] = combined(float(scores[row]), worst, harmful=worst >= harmful)
    return np.where(np.fromiter(map(bool, texts), np.bool_, len(texts)), scores, 0.0)


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


def _signal(at_work: Model, named: Sequence[Contact], score: float, category: str, reasons: tuple[str, ...]) -> Signal:
    numbers = at_work.numbers
    return Signal(
        score=score,
        verdict=verdict_of(score, numbers.suspicious, numbers.harmful),
        category=category,
        reasons=reasons[:_MOST_REASONS],
        entities=tuple(dict.fromkeys((contact.kind, contact.id) for contact in named)),
        version=numbers.version,
    )


def _told(at_work: Model, flags: Any, score: float) -> tuple[str, tuple[str, ...]]:
    """Category and reasons of the text that was read last."""
    if score < _TELLING:
        return "none", ()
    phrases = concept_phrases()
    spoken = [phrases[concept] for concept in at_work.concepts(flags) if concept in phrases]
    reasons = [f"speaks of {phrase}" for phrase in dict.fromkeys(spoken[:4])]
    shapes = int(flags[kernel.FL_SHAPES])
    reasons += [reason for shape, reason in _SHAPE_REASONS if shapes >> shape & 1][:2]
    tricks = int(flags[kernel.FL_TRICKS])
    reasons += [reason for trick, reason in TRICKS.items() if tricks & trick]
    return at_work.category(flags), tuple(reasons) or ("its wording as a whole",)


@cache
def concept_phrases() -> dict[str, str]:
    """What a concept is called in a reason."""
    return dict(tomllib.loads((DATA / "phrases.toml").read_text(encoding="utf-8")))
