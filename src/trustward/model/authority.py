"""Authorities as data: who is told of what, by when, in which form, and on which way. ``docs/clues.md``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from trustward.model.dossier import TEXT_LIMIT

Id = Annotated[str, Meta(pattern="^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
Text = Annotated[str, Meta(max_length=500)]
Sure = Literal["verified in text", "secondary report", "from general knowledge", "the service's own"]


class Loss(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What victims have lost, in the smallest unit of a currency."""

    amount: Annotated[int, Meta(ge=0, le=10**18)]
    currency: Annotated[str, Meta(pattern="^[A-Z]{3}$")]


class Facts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is known of a matter, as far as it decides who is to be told."""

    category: Annotated[str, Meta(max_length=40)] = ""
    markets: tuple[str, ...] = ()
    harm: Annotated[int, Meta(ge=0, le=100)] = 0
    victims: Annotated[int, Meta(ge=0, le=10**10)] = 0
    losses: tuple[Loss, ...] = ()
    threat_to_life: bool = False


class Threshold(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """When an authority is to be told: all of this holds. What is not set asks for nothing."""

    least_harm: Annotated[int, Meta(ge=0, le=100)] = 0
    least_victims: Annotated[int, Meta(ge=0)] = 0
    least_loss: Loss | None = None
    threat_to_life: bool = False
    clock: str = ""
    """The clock of this threshold, if it is another one than the authority's."""

    def lacks(self, facts: Facts) -> tuple[str, ...]:
        """What is missing for it to hold, in words.

        >>> Threshold(least_victims=2).lacks(Facts(victims=1))
        ('victims: 1, less than 2',)
        """
        found = []
        if facts.harm < self.least_harm:
            found.append(f"harm: {facts.harm}, less than {self.least_harm}")
        if facts.victims < self.least_victims:
            found.append(f"victims: {facts.victims}, less than {self.least_victims}")
        if self.least_loss is not None:
            lost = sum(loss.amount for loss in facts.losses if loss.currency == self.least_loss.currency)
            if lost < self.least_loss.amount:
                found.append(f"loss: {lost}, less than {self.least_loss.amount} {self.least_loss.currency}")
        if self.threat_to_life and not facts.threat_to_life:
            found.append("no threat to life")
        return tuple(found)


class FormField(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A field of an authority's form."""

    name: Id
    title: Text
    required: bool = True
    pattern: Annotated[str, Meta(max_length=200)] = ""
    """What a value has to look like as a whole: a regular expression."""
    longest: Annotated[int, Meta(ge=1, le=TEXT_LIMIT)] = TEXT_LIMIT


class Authority(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Somebody who is told of crimes, and when, how, in which form. One of ``thresholds`` suffices; none: always."""

    id: Id
    name: Text
    market: Annotated[str, Meta(max_length=16)] = ""
    """The market that it is competent for; empty: for any."""
    categories: tuple[str, ...] = ()
    """The categories that it is competent for; none: for all."""
    thresholds: tuple[Threshold, ...] = ()
    clock: str = "clue"
    obligation: str = ""
    fields: tuple[FormField, ...] = ()
    second: bool = False
    """Whether somebody else than who drafted it has to approve a clue."""
    reporters: Literal["none", "masked", "named"] = "masked"
    """What of reporters' personal data goes along: nothing of what they sent, names masked, or all."""
    way: Literal["outbox", "hand"] = "hand"
    """How a clue gets there: by the outbox to ``target``, or by hand, on a form of the authority's own."""
    target: Annotated[str, Meta(max_length=64)] = ""
    last: bool = False
    """Whether it is only told where no other one is competent."""
    source: Text = ""
    sure: Sure = "the service's own"


def check_authority(authority: Authority) -> None:
    """Raise ValueError for an authority that cannot be."""
    if authority.way == "outbox" and not authority.target:
        raise ValueError("what goes by the outbox needs a target")
    names = [field.name for field in authority.fields]
    if len(set(names)) < len(names):
        raise ValueError("two of its fields have the same name")
    for field in authority.fields:
        try:
            re.compile(field.pattern)
        except re.error as fault:
            raise ValueError(f"the field {field.name}: {fault}") from fault


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """Whether an authority is competent and is to be told, by which clock, and why."""

    authority: str
    name: str
    competent: bool
    told: bool
    clock: str
    why: tuple[str, ...]


def choose(authorities: Sequence[Authority], facts: Facts) -> list[Choice]:
    """For each authority whether it is to be told; those that are come first.

    >>> police = Authority(id="p", name="Police", market="SG", thresholds=(Threshold(threat_to_life=True),))
    >>> [(one.told, one.why) for one in choose([police], Facts(markets=("SG",)))]
    [(False, ('no threat to life',))]
    """
    found = [_one(authority, facts) for authority in authorities]
    regular = {authority.id for authority in authorities if not authority.last}
    if any(one.told and one.authority in regular for one in found):
        found = [
            one
            if one.authority in regular or not one.told
            else msgspec.structs.replace(one, told=False, clock="", why=("another authority is competent",))
            for one in found
        ]
    return sorted(found, key=lambda one: not one.told)


def _one(authority: Authority, facts: Facts) -> Choice:
    def said(*why: str, competent: bool = True, told: bool = False, clock: str = "") -> Choice:
        return Choice(
            authority=authority.id, name=authority.name, competent=competent, told=told, clock=clock, why=tuple(why)
        )

    against = []
    if authority.market and authority.market not in facts.markets:
        against.append(f"it is competent for {authority.market}, not for {', '.join(facts.markets) or 'no market'}")
    if authority.categories and facts.category not in authority.categories:
        against.append(f"it is not competent for: {facts.category or 'no category'}")
    if against:
        return said(*against, competent=False)
    place = f"competent for {authority.market or 'any market'}"
    # The first threshold that holds has its say on the clock: those that are pressing stand first.
    for threshold in authority.thresholds:
        if not threshold.lacks(facts):
            clock = threshold.clock or authority.clock
            return said(place, f"a threshold is met: {_words(threshold)}", told=True, clock=clock)
    if not authority.thresholds:
        return said(place, "it has no threshold", told=True, clock=authority.clock)
    return said(*(" and ".join(threshold.lacks(facts)) for threshold in authority.thresholds))


def _words(threshold: Threshold) -> str:
    said = []
    if threshold.threat_to_life:
        said.append("a threat to life")
    if threshold.least_harm:
        said.append(f"harm of {threshold.least_harm} or more")
    if threshold.least_victims:
        said.append(f"{threshold.least_victims} victims or more")
    if threshold.least_loss is not None:
        said.append(f"a loss of {threshold.least_loss.amount} {threshold.least_loss.currency} or more")
    return " and ".join(said) or "any matter"
