"""Phishing: links that look like a bank, a parcel service or the service itself, and what the catch is used for."""

from __future__ import annotations

import numpy as np

from trustward.simulate.campaigns.stage import Kind, Stage
from trustward.simulate.campaigns.takeover import plunder
from trustward.simulate.draws import Ints
from trustward.simulate.people import Columns
from trustward.simulate.world import pick


def run(stage: Stage) -> None:
    """Messages and posts with links; some people click (honestly), and a few lose their account."""
    draws, people, world = stage.draws, stage.people, stage.world
    n = max(8, int(stage.size * 0.8))
    crew = stage.recruits(
        max(1, n // draws.one(*((40, 150), (10, 40), (3, 8))[stage.stealth])),
        aged=(0.1, 0.5, 0.9),
        crowd=((8, 3, 1), (6, 2, 1)),
    )
    domains = [stage.texts.bad_domain(draws) for _ in range(draws.one(1, (2, 5, 9)[stage.stealth]))]
    texts = stage.texts.scam(
        "phishing", stage.country, draws, variants=(2, 6, 16)[stage.stealth], tricks=draws.maybe(0.4)
    )
    times = stage.moments(n, begin=0.31, end=0.8)
    sender, victim = crew[draws.below(n, len(crew))], stage.strangers(n)
    # Careful crews write to the friends of the accounts that they hold.
    near = draws.chance(n, (0.0, 0.2, 0.7)[stage.stealth])
    victim = np.where(near, people.friend(sender, draws), victim)
    links = stage.link(n, domains)
    public = draws.chance(n, 0.12)
    stage.note(messages=n, domains=len(domains))
    sent = ~public
    stage.message(
        times[sent],
        {
            "sender": sender[sent],
            "recipient": victim[sent],
            "first_contact": ~near[sent],
            **pick(links, sent),
        },
        texts,
    )
    stage.add(
        "link.posted",
        times[public],
        {
            "account": sender[public],
            "url": links["urls"][public],
            "domain": links["domains"][public],
            "final_domain": domains[-1][1],
            "place": world.strings("comment", "post", "profile")[draws.choose(int(public.sum()), [5, 3, 2])],
            **stage.client(sender[public]),
        },
    )
    _caught(stage, times[sent], sender[sent], victim[sent], pick(links, sent))
    stage.complaints(times[sent], victim[sent], sender[sent], share=0.03, reason="phishing")


def _caught(stage: Stage, times: Ints, sender: Ints, victim: Ints, links: Columns) -> None:
    """Some who click give their password away, and their accounts are opened and emptied."""
    draws, people, world = stage.draws, stage.people, stage.world
    clicks = draws.chance(len(times), 0.12)
    when = times[clicks] + 20_000 + draws.waits(int(clicks.sum()), 1_800_000)
    stage.honest(
        "link.clicked",
        when,
        {
            "account": victim[clicks],
            "url": links["urls"][clicks],
            "domain": links["domains"][clicks],
            "owner": sender[clicks],
            "place": world.string("message"),
            **people.client(victim[clicks], when, draws),
        },
    )
    caught = np.unique(victim[clicks][draws.chance(int(clicks.sum()), 0.15)])
    stage.robbed(caught)
    opened = stage.moments(len(caught), begin=0.8, end=0.95)
    client = stage.client(caught, lent=False)
    stage.add(
        "signin.succeeded",
        opened,
        {
            "account": caught,
            "method": world.string("password"),
            "second_factor": draws.chance(len(caught), 0.5),
            "new_device": 1,
            "user_agent": people.agent(client["device"]),
            **client,
        },
    )
    plunder(stage, caught, opened, client)


KIND = Kind(share=14, least=7, most=4_000, hours=(1, 36), run=run)
