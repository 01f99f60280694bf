"""Which decisions stopped a copy, and by which values of their event it can have been."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from trustward.model.directive import CopyKind
from trustward.model.journal import Segment
from trustward.operations.copies import ALIKE, LISTS
from trustward.screening.plain import template

RULES = tuple(f"blocked-{what}-again" for what in ("link", "text", "image", "contact", "device", "payee", "card"))
"""The rules of the starter pack that read the lists. A service's own rules may begin with one of these names."""
_TEXTS = ("text", "title", "description")
_IMAGES = ("images", "image")
_NAMED: Mapping[CopyKind, tuple[str, ...]] = {
    "url": ("url", "urls", "final_url"),
    "domain": ("domain", "domains", "final_domain"),
    "phone": ("phone",),
    "email": ("email",),
    "device": ("device",),
    "payment_account": ("payment_account",),
    "card": ("card",),
}


class Match(msgspec.Struct, frozen=True, kw_only=True):
    """An event that was stopped, and what of it may stand on a list: pairs of list and value."""

    seq: int
    at_us: int
    event: str
    values: tuple[tuple[str, str], ...]


def matches_in(segment: Segment, after: int) -> list[Match]:
    """The events of a segment, after an entry, that a rule has stopped because of a list."""
    if segment.kind != "events" or not segment.decisions:
        return []
    found = []
    lines = segment.lines()
    for at, decision in segment.decided().items():
        seq = segment.first + at
        hit = any(rule.id.startswith(RULES) and rule.mode == "live" for rule in decision.rules)
        if seq > after and hit:
            values = tuple(dict.fromkeys(_values(msgspec.json.decode(lines[at]))))
            found.append(Match(seq=seq, at_us=segment.at_us, event=decision.event_id, values=values))
    return found


def _values(event: dict[str, Any]) -> list[tuple[str, str]]:
    found = [(LISTS[kind], value) for kind, names in _NAMED.items() for value in _texts(event, names)]
    found += [(LISTS["image"], value) for value in _texts(event, _IMAGES)]
    for words in _texts(event, _TEXTS):
        form = template(words)
        if form is not None:
            found.append((LISTS["text"], form))
        found += [(ALIKE, value) for value in _likeness(words)]
        found += [(LISTS["phone"], value) for value in _phones(words)]
    return found


def _texts(event: dict[str, Any], names: tuple[str, ...]) -> list[str]:
    found: list[str] = []
    for name in names:
        value = event.get(name)
        found += [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, str) and one]
    return found


def _phones(words: str) -> Sequence[str]:
    from trustward.screening.contacts.functions import phones  # noqa: PLC0415 - the plans of countries load likewise

    return phones(words)


def _likeness(words: str) -> tuple[str, ...]:
    from trustward.screening.texts.screener import likeness  # noqa: PLC0415 - the weights load when they are needed

    return likeness(words)
