"""A device farm: accounts registered in numbers on few devices, for bonuses, followers and later use."""

from __future__ import annotations

import numpy as np

from trustward.simulate.campaigns.stage import Kind, Stage
from trustward.simulate.kernel import NOTHING
from trustward.simulate.world import pick


def run(stage: Stage) -> None:
    """Accounts are registered, take the welcome bonus, follow a customer and fall silent."""
    draws, world = stage.draws, stage.world
    n = max(5, stage.size // 2)
    stage.gear(max(1, n // (30, 8, 2)[stage.stealth]), max(1, n // (25, 6, 2)[stage.stealth]))
    times = stage.moments(n, end=0.8)
    crew = stage.own(stage.people.enrol(stage.here(n)))
    head = int(stage.strangers(1)[0])
    referred = draws.chance(n, (0.9, 0.5, 0.2)[stage.stealth])
    voip = world.strings("voip", "iot", "mobile")[draws.choose(n, ((6, 3, 1), (3, 2, 5), (1, 0, 9))[stage.stealth])]
    stage.register(crew, times, referrer=np.where(referred, head, NOTHING), phone_type=voip)
    client = stage.client(crew)
    where = {name: client[name] for name in ("device", "ip")}
    adds = draws.chance(n, 0.5)
    stage.add(
        "device.added",
        times[adds] + 500,
        {
            "account": crew[adds],
            "method": world.string("signin"),
            "platform": world.string("android"),
            "emulator": draws.chance(int(adds.sum()), (0.9, 0.3, 0.02)[stage.stealth]),
            "user_agent": stage.people.agent(client["device"][adds]),
            "country": client["country"][adds],
            **pick(where, adds),
        },
    )
    takes = draws.chance(n, draws.one(2, 7) / 10)
    lag = np.minimum(stage.span // 20, 30_000 + draws.waits(n, 600_000))
    stage.add(
        "promotion.redeemed",
        (times + lag)[takes],
        {
            "account": crew[takes],
            "promotion": world.string("welcome"),
            "referrer": np.where(referred, head, NOTHING)[takes],
            "amount": int(stage.people.price[stage.country]),
            "currency": int(stage.people.currency_string[stage.country]),
            **{name: client[name][takes] for name in ("device", "ip", "country")},
        },
    )
    follows = draws.chance(n, draws.one(1, 6) / 10)
    famous = int(world.streamers[draws.one(0, len(world.streamers) - 1)])
    stage.add(
        "engagement.followed",
        (times + 2 * lag)[follows],
        {
            "account": crew[follows],
            "owner": famous,
            "followers": 40 + np.arange(int(follows.sum()), dtype=np.int64),
            **pick(client, follows),
        },
    )


KIND = Kind(share=11, least=7, most=2_500, hours=(2, 60), run=run)
