"""Phone-card sellers: cards and numbers without a name, offered wherever people read."""

from __future__ import annotations

import numpy as np

from trustward.simulate.campaigns.stage import Kind, Stage
from trustward.simulate.kernel import NOTHING
from trustward.simulate.world import CAMPAIGN_LISTINGS, pick


def run(stage: Stage) -> None:
    """Offers in comments, groups, messages and listings, with a number to write to."""
    draws, people, world = stage.draws, stage.people, stage.world
    n = max(8, stage.size)
    crew = stage.recruits(
        max(1, n // draws.one(*((30, 90), (10, 30), (4, 10))[stage.stealth])),
        aged=(0.2, 0.5, 0.8),
        crowd=((5, 2, 1), (4, 2, 1)),
        end=0.1,
    )
    texts = stage.texts.scam("cards", stage.country, draws, variants=(3, 8, 12)[stage.stealth], tricks=draws.maybe(0.6))
    number = people.phone(stage.strangers(1), 2)
    language = int(people.language_string[stage.country])
    where = draws.choose(n, [draws.one(5, 40) for _ in range(4)])
    who = crew[draws.below(n, len(crew))]
    when = stage.moments(n, begin=0.12)
    client = stage.client(who)
    text = stage.texts.of(texts, n, draws)
    stage.note(offers=n)
    for place, (event, taken) in enumerate(
        (("comment.posted", "comment"), ("group.posted", "post"), ("listing.created", ""), ("message.sent", ""))
    ):
        mine = where == place
        m = int(mine.sum())
        some = pick(client, mine)
        reader = stage.strangers(m)
        if event == "message.sent":
            stage.message(
                when[mine], {"sender": who[mine], "recipient": reader, "_phone": np.repeat(number, m), **some}, texts
            )
        elif event == "listing.created":
            del some["session"]
            stage.add(
                event,
                when[mine],
                {
                    "account": who[mine],
                    "listing": CAMPAIGN_LISTINGS + world.take("crew_listing", m),
                    "title": text[mine],
                    "category": world.string("electronics"),
                    "price": int(people.price[stage.country]) * draws.between(m, 1, 6),
                    "currency": int(people.currency_string[stage.country]),
                    "quantity": draws.between(m, 10, 900),
                    "condition": world.string("new"),
                    "_phone": number[0],
                    **some,
                },
            )
        else:
            extra = {"owner": reader, "post": (1 << 29) + reader * 16 % (1 << 28)} if taken == "comment" else {}
            groups, members = world.group(reader, draws)
            if taken == "post":
                extra = {"group": groups, "members": members, "is_admin": np.zeros(m, dtype=np.int64)}
            stage.add(
                event,
                when[mine],
                {
                    "account": who[mine],
                    taken: world.take(taken, m),
                    "text": text[mine],
                    "language": language,
                    "_phone": number[0],
                    "urls": NOTHING,
                    **extra,
                    **some,
                },
            )
        stage.complaints(when[mine], reader, who[mine], share=0.02, reason="prohibited_goods" if place else "spam")


KIND = Kind(share=6, least=7, most=900, hours=(3, 72), run=run)
