"""Review brushing: praise bought for a shop, with or without sham orders."""

from __future__ import annotations

import numpy as np

from trustward.simulate.campaigns.stage import Kind, Stage
from trustward.simulate.world import LISTINGS_EACH, pick


def run(stage: Stage) -> None:
    """Accounts praise a few shops; careful crews place cheap orders first and leave a four now and then."""
    draws, people, world = stage.draws, stage.people, stage.world
    n = max(6, int(stage.size * (0.8, 0.6, 0.45)[stage.stealth]))
    crew = stage.recruits(
        max(2, n // draws.one(*((5, 20), (3, 6), (1, 3))[stage.stealth])),
        aged=(0.1, 0.6, 0.95),
        crowd=((10, 4, 1), (8, 3, 1)),
        end=0.2,
    )
    places = draws.below(max(1, n // 40 + 1), len(world.shops))
    place = places[draws.below(n, len(places))]
    listing = place * LISTINGS_EACH + draws.below(n, 3)
    seller = world.shops[place]
    who = crew[draws.below(n, len(crew))]
    when = stage.moments(n, begin=0.3)
    bought = draws.chance(n, (0.0, 0.4, 0.9)[stage.stealth])
    order = world.take("order", n)
    client = stage.client(who)
    stage.note(reviews=n, shops=len(places), with_order=int(bought.sum()))
    country = int(people.country_string[stage.country])
    stage.add(
        "order.created",
        np.maximum(stage.start, when - stage.span // 12)[bought],
        {
            "account": who[bought],
            "order": order[bought],
            "seller": seller[bought],
            "listing": listing[bought],
            "amount": int(people.price[stage.country]) // draws.one(1, 6) + 1,
            "currency": int(people.currency_string[stage.country]),
            "items": 1,
            "shipping_address": people.home(who[bought]),
            "shipping_country": country,
            "billing_country": country,
            **pick(client, bought),
        },
    )
    praise = stage.texts.scam("praise", stage.country, draws, variants=(3, 6, 8)[stage.stealth], tricks=False)
    text = stage.texts.of(praise, n, draws)
    plain = draws.chance(n, stage.stealth * 0.35)
    text[plain] = stage.texts.honest("review", stage.here(int(plain.sum())), draws)
    del client["session"]
    stage.add(
        "review.posted",
        when,
        {
            "account": who,
            "review": world.take("review", n),
            "seller": seller,
            "listing": listing,
            "order": np.where(bought, order, np.int64(-(2**63))),
            "rating": np.where(draws.chance(n, 0.12 * stage.stealth), 4_000, 5_000),
            "purchased": bought,
            "text": text,
            "language": int(people.language_string[stage.country]),
            **client,
        },
    )


KIND = Kind(share=8, least=7, most=1_500, hours=(4, 96), run=run)
