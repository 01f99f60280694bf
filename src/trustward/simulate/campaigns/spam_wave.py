"""A spam wave: many messages with one purpose to people who never asked, from new, bought and lent accounts."""

from __future__ import annotations

import numpy as np

from trustward.simulate.campaigns.stage import Kind, Stage
from trustward.simulate.kernel import NOTHING


def run(stage: Stage) -> None:
    """New or bought accounts write to strangers; careful ones write little each, and ask to be contacts first."""
    draws, people = stage.draws, stage.people
    each = draws.one(*((25, 120), (8, 30), (3, 9))[stage.stealth])
    crew = stage.recruits(max(2, stage.size // (each + 1)), aged=(0.1, 0.4, 0.8), crowd=((12, 4, 1), (10, 3, 1)))
    texts = stage.texts.scam(
        "spam_wave", stage.country, draws, variants=(2, 6, 24)[stage.stealth], tricks=draws.maybe(0.5)
    )
    domains = [stage.texts.bad_domain(draws) for _ in range(draws.one(1, 4))]
    n = max(6, stage.size - len(crew))
    stage.note(messages=n, each=each, domains=len(domains))
    times = stage.moments(n, begin=0.31)
    sender, victim = crew[draws.below(n, len(crew))], stage.strangers(n)
    asks = draws.chance(n, (0.0, 0.15, 0.3)[stage.stealth])
    client = stage.client(sender[asks])
    del client["session"]
    stage.add(
        "contact.requested",
        times[asks] - np.minimum(30_000, stage.span // 10),
        {"account": sender[asks], "recipient": victim[asks], "via": stage.world.string("search"), **client},
    )
    stage.message(
        times,
        {
            "sender": sender,
            "recipient": victim,
            "_phone": np.where(asks, NOTHING, people.phone(sender)),
            **stage.link(n, domains),
        },
        texts,
    )
    stage.complaints(times, victim, sender, share=0.02, reason="spam")


KIND = Kind(share=22, least=7, most=6_000, hours=(1, 30), run=run)
