"""From matches to evidence: what is left when harmless neighbours have been taken away, and what stands near what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trustward.screening import folding
from trustward.screening.goods.compiled import Compiled
from trustward.screening.goods.kernel import PARTED, SPELLED
from trustward.screening.goods.taxonomy import (
    ACCESSORY,
    BRAND,
    CODE,
    CONTACT,
    DENIAL,
    GOODS,
    HARMLESS,
    OFFER,
    SIGN,
    TRADE,
)

FEATURES = ("offer", "offers", "code", "codes", "pair", "pairs", "traded", "price", "trick", "contact", "home")
"""Kinds of evidence: words that are enough (one, several), code words (the same), goods with a sign (the same), goods
that are traded, a price far too low, a spelling trick, another way of contact, a category where it is harmless."""
_OFFER, _OFFERS, _CODE, _CODES, _PAIR, _PAIRS, _TRADED, _PRICE, _TRICK, _CONTACT, _HOME = range(len(FEATURES))
NEAR = 30
"""Characters that may stand between goods and what makes them forbidden."""
_BESIDE = 14
_BESIDE_DENSE = 6
_DENIED = 4
_DENSE = "\u0e00"
_NAME = 8
"""Flag of a match: one word of letters, which is the goods' name rather than a phrase of the trade."""
_CHEAP = 0.15
_ELSEWHERE = 1.0
_FOLDED = (folding.MIXED, folding.APART, folding.HIDDEN, folding.LEET)
_SAID = {
    _OFFER: "words for it in the {}",
    _CODE: "code words of the trade in the {}",
    _PAIR: "the goods with what makes them forbidden in the {}",
    _TRADED: "the goods with a word of trade in the {}",
}

Match = tuple[int, int, int]
"""First character, end, flags."""


class Evidence:
    """What speaks for one category: a value for each of FEATURES, and where it was found."""

    __slots__ = ("contradicted", "fields", "kinds", "longest", "price", "tricks", "values")

    def __init__(self) -> None:
        self.values = [0.0] * len(FEATURES)
        self.kinds: dict[int, list[str]] = {}
        self.fields: set[str] = set()
        self.tricks: set[str] = set()
        self.price = ""
        self.longest = 0
        self.contradicted = False

    def add(self, kind: int, field: str) -> None:
        """Note evidence of a kind in a field."""
        self.values[kind] = 1.0
        places = self.kinds.setdefault(kind, [])
        if field not in places:
            places.append(field)
        self.fields.add(field)

    def reasons(self) -> list[str]:
        """The reasons, strongest first: word classes and fields, never the words themselves."""
        said = [_SAID[kind].format(" and ".join(self.kinds[kind])) for kind in sorted(self.kinds) if kind in _SAID]
        said += sorted(self.tricks)
        if self.price:
            said.append(self.price)
        if self.values[_CONTACT]:
            said.append("leads to another way of contact")
        if self.contradicted:
            said.append("the listing's own category is another")
        return said


def only_elsewhere(evidence: Evidence) -> float:
    """What is taken off where only the description speaks: long texts hold many words."""
    return 0.0 if "title" in evidence.fields else _ELSEWHERE


class _Field:
    """The matches of one field, by class and owner."""

    def __init__(self, words: Compiled, rows: list[list[int]]) -> None:
        self.of: dict[int, dict[int, list[Match]]] = {}
        self.shared: dict[int, list[Match]] = {}
        uses = words.uses
        for word, start, end, flags in rows:
            text = words.words[word]
            match = (start, end, flags | (_NAME if " " not in text and text[0] < _DENSE else 0))
            for kind, owner in uses[word]:
                if kind <= HARMLESS:
                    self.of.setdefault(owner, {}).setdefault(kind, []).append(match)
                elif kind == BRAND:
                    self.shared.setdefault(kind, []).append((start, end, owner))
                elif kind == ACCESSORY:
                    self.shared.setdefault(kind, []).append(
                        (start, end, _BESIDE_DENSE if text[0] >= _DENSE else _BESIDE)
                    )
                else:
                    self.shared.setdefault(kind, []).append(match)

    def kept(self, found: dict[int, list[Match]], kind: int) -> list[Match]:
        """The matches of a class that no harmless neighbour takes away."""
        matches = found.get(kind)
        if not matches:
            return []
        harmless = found.get(HARMLESS, ())
        accessories = self.shared.get(ACCESSORY, ()) if kind != SIGN else ()
        denials = self.shared.get(DENIAL, ()) if kind != GOODS else ()
        if not (harmless or accessories or denials):
            return matches
        return [
            match
            for match in matches
            if not (
                any(_covers(other, match) or (kind == CODE and _within(other, match)) for other in harmless)
                or any(_beside(other, match, kind) for other in accessories)
                or any(0 <= match[0] - other[1] <= _DENIED and other[1] <= match[0] for other in denials)
            )
        ]


def _covers(harmless: Match, match: Match) -> bool:
    """Whether a harmless phrase overlaps a match and is not just a piece of it."""
    if harmless[0] >= match[1] or harmless[1] <= match[0]:
        return False
    return not (match[0] <= harmless[0] and harmless[1] <= match[1] and match[1] - match[0] > harmless[1] - harmless[0])


def _beside(accessory: Match, match: Match, kind: int) -> bool:
    """Whether a word for an accessory stands beside a match; a phrase that is enough needs it right beside."""
    reach = 1 if kind == OFFER and not match[2] & _NAME else accessory[2]
    if accessory[0] < match[1] and match[0] < accessory[1]:
        return not (match[0] <= accessory[0] and accessory[1] <= match[1])
    gap = accessory[0] - match[1] if accessory[0] >= match[1] else match[0] - accessory[1]
    return 0 <= gap <= reach


def _within(harmless: Match, match: Match) -> bool:
    """Whether a harmless phrase stands so near that a code word is most likely no code."""
    gap = harmless[0] - match[1] if harmless[0] >= match[1] else match[0] - harmless[1]
    return 0 <= gap <= _BESIDE_DENSE


def _apart(matches: list[Match]) -> int:
    """How many matches do not overlap."""
    count, end = 0, -1
    for match in sorted(matches):
        if match[0] >= end:
            count, end = count + 1, match[1]
    return count


def _near(goods: list[Match], others: list[Match]) -> tuple[int, int]:
    """How many of the others stand near goods without overlapping them, and the flags of these and the goods."""
    count = flags = 0
    for other in others:
        for one in goods:
            gap = other[0] - one[1] if other[0] >= one[1] else one[0] - other[1]
            if 0 <= gap <= NEAR:
                count += 1
                flags |= other[2] | one[2]
                break
    return count, flags


def evidence_of(
    words: Compiled,
    listing: Mapping[str, Any],
    title: tuple[list[list[int]], int] | None,
    description: tuple[list[list[int]], int] | None,
) -> dict[int, Evidence]:
    """The evidence of a listing for each category that there is any for."""
    parts: dict[int, Evidence] = {}
    for name, found in (("title", title), ("description", description)):
        if found is None:
            continue
        field = _Field(words, found[0])
        for owner, matches in field.of.items():
            _weigh(words, field, owner, matches, name, found[1], parts)
        if BRAND in field.shared:
            _price(words, field, listing, name, parts)
    own = listing.get("category")
    if parts and isinstance(own, str) and own:
        _home(words, parts, own[:200].lower())
    return parts


def _weigh(
    words: Compiled,
    field: _Field,
    owner: int,
    found: dict[int, list[Match]],
    name: str,
    folded: int,
    parts: dict[int, Evidence],
) -> None:
    """Add one field's evidence for one category."""
    sold = words.categories[owner].traded and TRADE in field.shared
    if OFFER not in found and CODE not in found and not (GOODS in found and (SIGN in found or sold)):
        return
    offers, codes = field.kept(found, OFFER), field.kept(found, CODE)
    goods = field.kept(found, GOODS)
    near = flags = traded = 0
    if goods:
        near, flags = _near(goods, field.kept(found, SIGN))
        if sold:
            traded, more = _near(goods, field.shared[TRADE])
            flags |= more
    if not (offers or codes or near or traded):
        return
    evidence = parts.setdefault(owner, Evidence())
    if offers:
        evidence.add(_OFFER, name)
        if _apart(offers) > 1:
            evidence.values[_OFFERS] = 1.0
    if codes:
        evidence.add(_CODE, name)
        if _apart(codes) > 1:
            evidence.values[_CODES] = 1.0
    if near:
        evidence.add(_PAIR, name)
        if near > 1:
            evidence.values[_PAIRS] = 1.0
    if traded:
        evidence.add(_TRADED, name)
    for match in (*offers, *codes):
        flags |= match[2]
        evidence.longest = max(evidence.longest, match[1] - match[0])
    _tricks(evidence, flags, folded)
    if CONTACT in field.shared:
        evidence.values[_CONTACT] = 1.0


def _tricks(evidence: Evidence, flags: int, folded: int) -> None:
    """Note the spelling tricks of what was found."""
    if flags & SPELLED:
        evidence.tricks.add("spelling trick: homophones, pictures or split characters")
    if flags & PARTED:
        evidence.tricks.add("spelling trick: signs between characters")
    evidence.tricks.update(f"spelling trick: {folding.TRICKS[trick]}" for trick in _FOLDED if folded & trick)
    if evidence.tricks:
        evidence.values[_TRICK] = 1.0


def _price(words: Compiled, field: _Field, listing: Mapping[str, Any], name: str, parts: dict[int, Evidence]) -> None:
    """A brand's own goods at a price far below the least that they cost."""
    price, currency = listing.get("price"), listing.get("currency")
    rate = words.currencies.get(currency.upper()) if isinstance(currency, str) else None
    if isinstance(price, bool) or not isinstance(price, (int, float)) or rate is None or not 0 < price < 1e15:
        return
    owner = next((n for n, category in enumerate(words.categories) if category.id == "counterfeit"), None)
    if owner is None or name != "title":
        return
    accessories = field.shared.get(ACCESSORY, ())
    harmless = field.of.get(owner, {}).get(HARMLESS, ())
    for start, end, brand in field.shared[BRAND]:
        match = (start, end, 0)
        if any(_beside(other, match, GOODS) for other in accessories) or any(_covers(o, match) for o in harmless):
            continue
        if price / rate < _CHEAP * words.brands[brand].usd:
            evidence = parts.setdefault(owner, Evidence())
            evidence.values[_PRICE] = 1.0
            evidence.fields.add("title")
            evidence.price = "a price far below the least that the brand's goods cost"
            return


def _home(words: Compiled, parts: dict[int, Evidence], own: str) -> None:
    """What the listing's own category says."""
    for owner, evidence in parts.items():
        category = words.categories[owner]
        if any(home in own for home in category.homes):
            evidence.values[_HOME] = 1.0
            evidence.contradicted = bool(evidence.values[_OFFER] or evidence.values[_PRICE])
