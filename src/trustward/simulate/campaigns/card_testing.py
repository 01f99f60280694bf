"""Card testing: stolen card numbers are tried with small payments until some go through."""

from __future__ import annotations

import numpy as np

from trustward.simulate.campaigns.stage import Kind, Stage
from trustward.simulate.draws import Flags, Ints
from trustward.simulate.people import Columns
from trustward.simulate.world import pick


def run(stage: Stage) -> None:
    """Small payments or stored cards, card after card; what works is spent at once."""
    draws, people, world = stage.draws, stage.people, stage.world
    n = max(8, stage.size // 2)
    crew = stage.recruits(
        max(1, n // draws.one(*((60, 200), (8, 30), (2, 4))[stage.stealth])),
        aged=(0.0, 0.3, 0.8),
        crowd=((2, 2, 1), (2, 1, 1)),
        end=0.15,
    )
    who = crew[np.sort(draws.below(n, len(crew)))]
    when = stage.moments(n, begin=0.16, end=0.95)
    repeats = draws.one(1, 3)
    card = (1 << 46) + int(world.take("crew_cards", n)[0]) + np.arange(n, dtype=np.int64) // repeats
    works = draws.chance(n, (0.08, 0.25, 0.6)[stage.stealth])
    lunch = int(people.price[stage.country])
    amount = np.maximum(1, lunch * draws.between(n, 2, (20, 60, 200)[stage.stealth]) // 100)
    stage.note(cards=n // repeats, works=int(works.sum()))
    client = stage.client(who)
    del client["session"]
    merchant = world.shops[draws.one(0, len(world.shops) - 1)]
    codes = world.strings("US", "BR", "FR", "SG", "GB")
    shared = {
        "account": who,
        "payment": world.take("payment", n),
        "amount": amount,
        "currency": np.full(n, people.currency_string[stage.country]),
        "method": np.full(n, world.string("card")),
        "card": card,
        "card_country": codes[draws.below(n, (1, 3, 5)[stage.stealth])],
        "seller": np.full(n, merchant),
    }
    prefix = world.strings("990001", "990002", "990003")[draws.below(n, 1 + stage.stealth)]
    stores = draws.chance(n, 0.2)
    tests = ~stores
    stage.add(
        "card.added",
        when[stores],
        {
            "account": who[stores],
            "card": card[stores],
            "bin": prefix[stores],
            "card_country": shared["card_country"][stores],
            "outcome": np.where(works[stores], world.string("passed"), world.string("failed")),
            **pick(client, stores),
        },
    )
    _tested(stage, when[tests], pick({**shared, **client, "bin": prefix}, tests), works[tests])
    # A small test that went through is followed by a large purchase.
    spends = works & tests & draws.chance(n, 0.5)
    large = pick({**shared, **client, "bin": prefix}, spends)
    large["amount"] = large["amount"] * draws.between(int(spends.sum()), 20, 90)
    large["payment"] = world.take("payment", int(spends.sum()))
    stage.add(
        "payment.requested",
        when[spends] + np.minimum(stage.span // 20, 60_000 + draws.waits(int(spends.sum()), 900_000)),
        {**large, "attempt": 1},
    )


def _tested(stage: Stage, when: Ints, asked: Columns, works: Flags) -> None:
    """The payments that test the cards, and how they go."""
    draws, world = stage.draws, stage.world
    stage.add("payment.requested", when, {**asked, "attempt": 1})
    fails = ~works
    bad = {name: values[fails] for name, values in asked.items() if name != "country"}
    reasons = world.strings("do_not_honor", "stolen_card", "wrong_cvv", "insufficient_funds")
    stage.add(
        "payment.declined",
        when[fails] + 900,
        {
            **bad,
            "attempt": 1,
            "by": world.string("issuer"),
            "avs_result": world.strings("no_match", "match")[draws.choose(int(fails.sum()), [6, 4])],
            "cvv_result": world.strings("no_match", "match")[draws.choose(int(fails.sum()), [5, 5])],
            "reason": reasons[draws.choose(int(fails.sum()), [40, 20, 25, 15])],
        },
    )
    fine = {name: values[~fails] for name, values in asked.items() if name not in ("country", "bin")}
    stage.add("payment.authorised", when[~fails] + 900, {**fine, "cvv_result": world.string("match")})


KIND = Kind(share=10, least=7, most=2_500, hours=(1, 48), run=run)
