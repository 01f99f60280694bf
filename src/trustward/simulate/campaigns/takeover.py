"""Account takeover: passwords from elsewhere are tried, and what opens is emptied or used against friends."""

from __future__ import annotations

import numpy as np

from trustward.simulate.campaigns.stage import Kind, Stage
from trustward.simulate.draws import Flags, Ints
from trustward.simulate.kernel import EMAIL_DOMAINS, NOTHING
from trustward.simulate.spool import Value, Values
from trustward.simulate.world import pick


def run(stage: Stage) -> None:
    """Credential stuffing, then contact change, a new beneficiary, payouts, and requests to the victim's friends.

    The victims go on living: what they do themselves stays honest.
    """
    draws, people, world = stage.draws, stage.people, stage.world
    luck = (0.03, 0.10, 0.35)[stage.stealth]
    tries = max(6, int(stage.size / (1 + luck * 5)))
    stage.gear(max(1, tries // (60, 15, 3)[stage.stealth]), max(1, tries // (40, 8, 2)[stage.stealth]))
    target = stage.strangers(tries)
    times = stage.moments(tries, end=0.7)
    opened = draws.chance(tries, luck)
    opened[-1] = True
    client = stage.client(target, lent=False)
    unknown = draws.chance(tries, (0.4, 0.15, 0.0)[stage.stealth]) & ~opened
    session = client.pop("session")
    failed = {
        "account": np.where(unknown, NOTHING, target),
        "username": np.where(unknown, stage.texts.named("handle", target), NOTHING),
        "reason": np.where(unknown, world.string("unknown_account"), world.string("wrong_password")),
        **client,
    }
    stage.add(
        "signin.failed",
        times[~opened],
        {
            **pick(failed, ~opened),
            "method": world.string("password"),
            "new_device": 1,
            "user_agent": stage.people.agent_string[0] + stage.people.agent_string[1] - (1 if stage.stealth < 2 else 3),
        },
    )
    victim, when = stage.robbed(target[opened]), times[opened]
    stage.note(tries=tries, opened=len(victim))
    mine = pick(client, opened)
    _codes(stage, target, times, opened, client)
    stage.add(
        "signin.succeeded",
        when,
        {
            "account": victim,
            "method": world.string("password"),
            "second_factor": 0,
            "new_device": 1,
            "user_agent": people.agent(mine["device"]),
            "session": session[opened],
            **mine,
        },
    )
    plunder(stage, victim, when, {**mine, "session": session[opened]})


def _codes(stage: Stage, target: Ints, times: Ints, opened: Flags, client: Values) -> None:
    """The service asks for a code now and then; most of those who know only the password fail there."""
    draws, world = stage.draws, stage.world
    asked = draws.chance(len(target), 0.02) | (opened & draws.chance(len(target), 0.4))
    n = int(asked.sum())
    shared: dict[str, Value] = {
        "account": target[asked],
        "challenge": world.take("challenge", n),
        "method": world.string("code"),
        "device": np.asarray(client["device"])[asked],
        "ip": np.asarray(client["ip"])[asked],
    }
    before = np.maximum(stage.start, times[asked] - 40_000)
    stage.add("challenge.issued", before, {**shared, "reason": world.string("signin")})
    passed = opened[asked]
    shared["taken"] = times[asked] - before
    stage.add("challenge.passed", times[asked][passed], pick(shared, passed))
    stage.add("challenge.failed", times[asked][~passed], {**pick(shared, ~passed), "reason": world.string("wrong")})


def plunder(stage: Stage, victim: Ints, when: Ints, client: Values) -> None:
    """What is done with an account that has been opened."""
    draws, people, world = stage.draws, stage.people, stage.world
    n = len(victim)
    # Careful crews wait hours; nothing happens later than a third of the campaign after the sign-in.
    lag = np.minimum(stage.span // 12, (20_000, 300_000, 3_000_000)[stage.stealth] + draws.waits(n, 120_000))
    first, count = people.throwaway_string
    domain = first + victim % count
    changes = draws.chance(n, 0.7)
    stage.add(
        "account.contact_changed",
        (when + lag)[changes],
        {
            "account": victim[changes],
            "contact": world.string("email"),
            "email": ((victim + 400_000_000) * EMAIL_DOMAINS + domain)[changes],
            "previous_email": people.email(victim[changes]),
            "confirmed": draws.chance(int(changes.sum()), (0.05, 0.2, 0.5)[stage.stealth]),
            **pick(client, changes),
        },
    )
    pays = draws.chance(n, draws.one(4, 9) / 10)
    _pay_out(stage, victim[pays], when[pays], lag[pays], pick(client, pays))
    _ask_friends(stage, victim[~pays], (when + 3 * lag)[~pays], pick(client, ~pays))


def _pay_out(stage: Stage, victim: Ints, when: Ints, lag: Ints, client: Values) -> None:
    """A new beneficiary, and the balance paid out to it in one to three parts."""
    draws, people, world = stage.draws, stage.people, stage.world
    n = len(victim)
    wallet = (1 << 45) + int(world.take("crew_wallet", 1)[0]) * 16 + draws.below(n, draws.one(1, 4))
    stage.add(
        "beneficiary.added",
        when + 2 * lag,
        {
            "account": victim,
            "payment_account": wallet,
            "name_match": world.strings("no_match", "unavailable", "match")[
                draws.choose(n, ((8, 1, 1), (4, 4, 2), (1, 3, 6))[stage.stealth])
            ],
            "payment_account_country": int(people.country_string[draws.one(0, len(people.sizes) - 1)]),
            **client,
        },
    )
    amount = world.amount(victim, draws, scale=30)
    split = 1 + draws.choose(n, [6, 3, 2])
    for part in range(3):
        due = split > part
        stage.add(
            "payout.requested",
            (when + (3 + part) * lag)[due],
            {
                "account": victim[due],
                "payout": world.take("payout", int(due.sum())),
                "payment_account": wallet[due],
                "method": world.strings("bank_transfer", "crypto")[draws.choose(int(due.sum()), [6, 4])],
                "amount": (amount // split)[due],
                "balance": (amount * (split - part) // split)[due] + 100,
                "currency": world.currency(victim[due]),
                "first": part == 0,
                **pick(client, due),
            },
        )


def _ask_friends(stage: Stage, victim: Ints, when: Ints, client: Values) -> None:
    """In the victim's name, friends are asked for money or sent a link."""
    draws, people = stage.draws, stage.people
    n = len(victim)
    which = np.repeat(np.arange(n, dtype=np.int64), 1 + draws.choose(n, [2, 3, 3, 2, 1]))
    texts = stage.texts.scam("takeover", stage.country, draws, variants=4, tricks=False)
    times = when[which] + np.minimum(stage.span // 12, draws.waits(len(which), 300_000))
    domains = [stage.texts.bad_domain(draws)]
    friend = people.friend(victim[which], draws)
    stage.message(
        times,
        {
            "sender": victim[which],
            "recipient": friend,
            "first_contact": np.zeros(len(which), dtype=np.int64),
            **stage.link(len(which), domains),
            **pick(client, which),
        },
        texts,
    )
    stage.complaints(times, friend, victim[which], share=0.08, reason="impersonation")


KIND = Kind(share=15, least=7, most=4_000, hours=(2, 72), run=run)
