"""Queues as data: which cases go where, and what reviewers have to do there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Name = Annotated[str, Meta(pattern="^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]


class Queue(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A queue: which cases go there, what reviewers have to do, what it does to them.

    A case goes to the first queue all of whose conditions hold; one without conditions takes the rest.
    """

    name: Name
    title: Annotated[str, Meta(max_length=500)] = ""
    categories: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    markets: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    least_harm: int = 0
    clock: str = "case-decide"
    checklist: tuple[str, ...] = ()
    escalates_to: str = ""
    second: Literal["never", "sample", "always"] = "never"
    """Whether another reviewer has to come to the same outcome before anything is done."""
    second_share: Annotated[float, Meta(ge=0, le=1)] = 0.05
    exposure: int = 1
    """What one case of it weighs on a reviewer."""
    manual: bool = False
    """Cases get there by hand only."""


class Fraud(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a rule's ``fraud`` is called among the categories of reports, so that queues ask for one word."""

    fraud: Annotated[str, Meta(min_length=1, max_length=120)]
    category: Annotated[str, Meta(min_length=1, max_length=40)]


HARM: dict[str, int] = {
    "phishing": 70,
    "payment_fraud": 70,
    "compromised_account": 65,
    "scam": 60,
    "impersonation": 60,
    "banned_goods": 50,
    "harmful_content": 50,
    "fake_account": 35,
    "counterfeit": 30,
    "other": 20,
    "spam": 15,
}
"""How bad a category is, from 0 to 100, where nobody says."""


def harm_of(category: str) -> int:
    """How bad a category is.

    >>> harm_of("scam"), harm_of("one of the service's own")
    (60, 20)
    """
    return HARM.get(category, 20)


def route(queues: Sequence[Queue], *, category: str, kind: str, market: str, channel: str, harm: int) -> Queue:
    """The first queue all of whose conditions hold. Raises ValueError if none takes it.

    >>> everything, goods = Queue(name="all"), Queue(name="goods", categories=("banned_goods",))
    >>> route([goods, everything], category="scam", kind="account", market="", channel="", harm=0).name
    'all'
    """
    for queue in queues:
        asked = (
            (queue.categories, category),
            (queue.kinds, kind),
            (queue.markets, market),
            (queue.channels, channel),
        )
        fits = all(not wanted or value in wanted for wanted, value in asked)
        if fits and harm >= queue.least_harm and not queue.manual:
            return queue
    raise ValueError("no queue takes it: add one without conditions")
