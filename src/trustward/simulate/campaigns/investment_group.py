"""A group investment scam: strangers are put into a group where shills praise a teacher, and are led to pay."""

from __future__ import annotations

import numpy as np

from trustward.simulate.campaigns.stage import Kind, Stage
from trustward.simulate.draws import Ints


def run(stage: Stage) -> None:
    """A group is opened, people are put in, shills post, an assistant writes to each, some pay.

    What members say themselves is honest; their payments to the scammers belong to the fraud.
    """
    draws, people, world = stage.draws, stage.people, stage.world
    shills = stage.recruits(
        max(3, stage.size // draws.one(20, 60)), aged=(0.2, 0.5, 0.8), crowd=((6, 3, 1), (4, 2, 1)), end=0.1
    )
    teacher = shills[:1]
    group = 200_000_000 + world.take("crew_group", 1)
    opened = stage.moments(1, begin=0.1, end=0.12)
    crew = stage.client(teacher)
    del crew["session"]
    title = stage.texts.named("shop", group)
    stage.add(
        "group.created",
        opened,
        {"account": teacher, "group": group, "title": title, "members": 1, "is_public": 0, **crew},
    )
    members = stage.victims(max(4, stage.size // 3))
    n = len(members)
    added = stage.moments(n, begin=0.12, end=0.5)
    adder = shills[draws.below(n, len(shills))] if stage.stealth else np.full(n, teacher[0])
    client = stage.client(adder)
    del client["session"]
    stage.add(
        "group.member_added",
        added,
        {
            "account": adder,
            "group": group[0],
            "recipient": members,
            "is_contact": 0,
            "members": 2 + np.arange(n),
            **client,
        },
    )
    leaves = draws.chance(n, 0.25)
    gone = added[leaves] + 60_000 + draws.waits(int(leaves.sum()), 20_000_000)
    where = people.client(members[leaves], gone, draws)
    del where["country"]
    stage.honest(
        "group.left",
        gone,
        {"account": members[leaves], "group": group[0], "by": world.string("member"), "members": n, **where},
    )
    stage.note(members=n, shills=len(shills))
    _posts(stage, shills, int(group[0]), n)
    stays = members[~leaves]
    told = stage.moments(len(stays), begin=0.5, end=0.8)
    assistant = shills[-1:]
    texts = stage.texts.scam("invest", stage.country, draws, variants=5, tricks=stage.stealth == 1)
    domains = [stage.texts.bad_domain(draws)]
    asked = draws.chance(len(stays), 0.4)
    m = int(asked.sum())
    stage.message(
        told[asked], {"sender": np.repeat(assistant, m), "recipient": stays[asked], **stage.link(m, domains)}, texts
    )
    _payments(stage, stays, told)
    stage.complaints(added, members, adder, share=0.04, reason="scam")


def _posts(stage: Stage, shills: Ints, group: int, members: int) -> None:
    draws, world = stage.draws, stage.world
    n = max(4, stage.size // 3)
    who = shills[draws.below(n, len(shills))]
    texts = stage.texts.scam(
        "invest", stage.country, draws, variants=(4, 8, 10)[stage.stealth], tricks=stage.stealth == 1
    )
    text = stage.texts.of(texts, n, draws)
    small_talk = draws.chance(n, 0.15 + 0.2 * stage.stealth)
    text[small_talk] = stage.texts.honest("group", stage.here(int(small_talk.sum())), draws)
    domains = [stage.texts.bad_domain(draws)]
    stage.add(
        "group.posted",
        stage.moments(n, begin=0.3),
        {
            "account": who,
            "group": group,
            "post": world.take("post", n),
            "text": text,
            "language": int(stage.people.language_string[stage.country]),
            "members": members,
            "is_admin": who == shills[0],
            **stage.link(n, domains),
            **stage.client(who),
        },
    )


def _payments(stage: Stage, members: Ints, told: Ints) -> None:
    draws, people, world = stage.draws, stage.people, stage.world
    pays = draws.chance(len(members), 0.2)
    pays[:1] = True
    who = members[pays]
    n = len(who)
    when = told[pays] + np.minimum(stage.span // 6, 600_000 + draws.waits(n, 7_200_000))
    amount = world.amount(who, draws, scale=80)
    stage.add(
        "transfer.requested",
        when,
        {
            "account": who,
            "transfer": world.take("transfer", n),
            "payment_account": (1 << 45) + int(world.take("crew_wallet", 1)[0]) * 16 + draws.below(n, 2),
            "amount": amount,
            "balance": amount * draws.between(n, 105, 300) // 100,
            "currency": int(people.currency_string[stage.country]),
            "first": 1,
            **world.client(who, when, draws),
        },
    )


KIND = Kind(share=7, least=9, most=1_200, hours=(8, 120), run=run)
