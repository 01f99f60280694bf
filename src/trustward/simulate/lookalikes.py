"""Honest life that looks like fraud: computer rooms, sign-up desks, treasurers, lost phones, organisers, fans.

Each of these has the numbers of a campaign and none of its harm; without them every rule would look perfect.
"""

from __future__ import annotations

import numpy as np

from trustward.simulate.access import registration
from trustward.simulate.draws import Draws, Ints, mix
from trustward.simulate.paying import Purchases, order, price
from trustward.simulate.spool import HOUR
from trustward.simulate.world import Scene, pick

_ROOMS = 1 << 43
_TABLETS = (1 << 43) + (1 << 40)


def computer_rooms(scene: Scene) -> None:
    """Schools, libraries and cafes: many people sign in on one machine within the hour, and mistype."""
    world, draws, people = scene.world, scene.draws("computer_rooms"), scene.people
    host, when = scene.actors(0.0006, draws)
    which, _ = _crowd(draws.between(len(host), 4, 25))
    n = len(which)
    who = people.anybody(n, people.country(host)[which], draws)
    at = when[which] + draws.below(n, HOUR // 2)
    # Three machines to a room, and a room is used again and again.
    room = people.office(host)
    machine = _ROOMS + (room * 3)[which] + draws.below(n, 3)
    client = {
        "device": machine,
        "ip": people.client(host, when, draws)["ip"][which],
        "country": people.country_string[people.country(host)][which],
    }
    shared = {
        "account": who,
        "method": world.string("password"),
        "new_device": draws.chance(n, 0.6),
        "user_agent": people.agent(machine),
        **client,
    }
    fails = draws.chance(n, 0.2)
    world.add("signin.failed", at[fails], {**pick(shared, fails), "reason": world.string("wrong_password")})
    world.add(
        "signin.succeeded",
        at + np.where(fails, 20_000, 0),
        {**shared, "second_factor": 0, "session": world.take("session", n)},
    )


def sign_up_desks(scene: Scene) -> None:
    """A promoter signs customers up on one tablet, quickly, each with the welcome coupon."""
    world, draws, people = scene.world, scene.draws("sign_up_desks"), scene.people
    host, when = scene.among(world.shops, 0.00006 * people.residents / len(world.shops), draws)
    which, place = _crowd(draws.between(len(host), 3, 12))
    n = len(which)
    at = when[which] + place * 150_000 + draws.below(n, 100_000)
    who = people.enrol(people.country(host)[which])
    client = pick(people.client(host, when, draws), which)
    client["device"] = _TABLETS + host[which]
    registration(
        world,
        draws,
        (who, at),
        client,
        {"referrer": host[which], "form_time": 9_000 + draws.waits(n, 15_000), "method": world.string("phone")},
    )
    takes = draws.chance(n, 0.7)
    world.add(
        "promotion.redeemed",
        at[takes] + 40_000,
        {
            "account": who[takes],
            "promotion": world.string("welcome"),
            "referrer": host[which][takes],
            "amount": people.price[people.country(who[takes])],
            "currency": world.currency(who[takes]),
            **pick(client, takes),
        },
    )


def big_buyers(scene: Scene) -> None:
    """Agencies and people who shop for others: many orders in an hour, several cards, more declines than most."""
    world, draws, people = scene.world, scene.draws("big_buyers"), scene.people
    active, when = scene.actors(0.0003, draws)
    host = people.anybody(len(active), people.country(active), draws)
    which, place = _crowd(draws.between(len(host), 3, 9))
    n = len(which)
    shop = world.shop(n, draws)
    listing, seller = world.listing(shop, draws), world.shops[shop]
    client = pick(world.client(host, when, draws), which)
    at = when[which] + place * 200_000 + draws.below(n, 150_000)
    # Cheap and dear things alike; amounts as small as those that test cards.
    amount = price(world, listing, seller) * draws.between(n, 10, 100) // 100 + 1
    order(scene, draws, Purchases(host[which], at, seller, listing, amount, client), cards=3, trouble=2)


def treasurers(scene: Scene) -> None:
    """A treasurer collects for a trip or a gift and passes the sum on: in and out within the day."""
    world, draws, people = scene.world, scene.draws("treasurers"), scene.people
    host, when = scene.actors(0.0004, draws)
    which, _ = _crowd(draws.between(len(host), 4, 18))
    n = len(which)
    who = np.where(
        draws.chance(n, 0.8), people.friend(host[which], draws), people.friend(people.friend(host[which], draws), draws)
    )
    share = world.amount(host, draws, scale=5)
    at = when[which] + draws.below(n, 3 * HOUR)
    _send(scene, draws, (who, host[which], at), share[which])
    payee = people.friend(people.friend(host, draws), draws)
    total = np.bincount(which, minlength=len(host)).astype(np.int64) * share
    _send(scene, draws, (host, payee, when + 3 * HOUR + draws.waits(len(host), HOUR)), total * 95 // 100 + 1)


def _send(scene: Scene, draws: Draws, acts: tuple[Ints, Ints, Ints], amount: Ints) -> None:
    world, people = scene.world, scene.people
    who, other, when = acts
    n = len(who)
    shared = {
        "account": who,
        "transfer": world.take("transfer", n),
        "recipient": other,
        "payment_account": people.wallet(other),
        "amount": amount,
        "currency": world.currency(who),
    }
    world.add(
        "transfer.requested",
        when,
        {
            **shared,
            "balance": amount * draws.between(n, 100, 140) // 100,
            "first": draws.chance(n, 0.5),
            **world.client(who, when, draws),
        },
    )
    world.add("transfer.completed", when + 2_500, shared)


def lost_phones(scene: Scene) -> None:
    """Somebody loses a phone: new device, reset password, new number, and money sent home at once."""
    world, draws, people = scene.world, scene.draws("lost_phones"), scene.people
    who, when = scene.actors(0.0012, draws)
    n = len(who)
    client = world.client(who, when, draws)
    client["device"] = (1 << 42) + world.take("device", n)
    where = {name: client[name] for name in ("device", "ip", "country")}
    program = people.agent(client["device"])
    tries = draws.choose(n, [4, 3, 2, 1])
    which, _ = _crowd(tries)
    failed = {"account": who, "method": world.string("password"), "new_device": 1, "user_agent": program, **where}
    world.add(
        "signin.failed",
        when[which] + draws.below(len(which), 90_000),
        {**pick(failed, which), "reason": world.string("wrong_password")},
    )
    world.add(
        "password.reset",
        when + 120_000,
        {"account": who, "method": world.string("email"), "by": world.string("holder"), **where},
    )
    world.add(
        "signin.succeeded",
        when + 150_000,
        {**failed, "second_factor": draws.chance(n, 0.5), "session": client["session"]},
    )
    moves = draws.chance(n, 0.6)
    world.add(
        "account.contact_changed",
        when[moves] + 400_000,
        {
            "account": who[moves],
            "contact": world.string("phone"),
            "phone": people.phone(who[moves], 1),
            "previous_phone": people.phone(who[moves]),
            "confirmed": 0,
            **pick(client, moves),
        },
    )
    pays = draws.chance(n, 0.5)
    wallet = people.wallet(who, 3)
    world.add(
        "beneficiary.added",
        when[pays] + 900_000,
        {
            "account": who[pays],
            "payment_account": wallet[pays],
            "name_match": world.strings("match", "partial", "unavailable")[draws.choose(int(pays.sum()), [7, 2, 1])],
            "payment_account_country": people.country_string[people.country(who[pays])],
            **pick(client, pays),
        },
    )
    amount = world.amount(who[pays], draws, scale=20)
    world.add(
        "payout.requested",
        when[pays] + 1_500_000,
        {
            "account": who[pays],
            "payout": world.take("payout", int(pays.sum())),
            "payment_account": wallet[pays],
            "method": world.string("bank_transfer"),
            "amount": amount,
            "balance": amount * draws.between(int(pays.sum()), 100, 150) // 100,
            "currency": world.currency(who[pays]),
            "first": 1,
            **pick(client, pays),
        },
    )


def organisers(scene: Scene) -> None:
    """A new account invites half a neighbourhood to a party: strangers, one link, one text."""
    world, draws, people = scene.world, scene.draws("organisers"), scene.people
    friend, when = scene.actors(0.0002, draws)
    who = people.enrol(people.country(friend))
    client = people.client(who, when, draws)
    registration(world, draws, (who, when), client, {})
    which, place = _crowd(draws.between(len(who), 5, 30))
    n = len(which)
    known = people.friend(friend[which], draws)
    other = np.where(draws.chance(n, 0.5), known, people.friend(known, draws))
    url, domain = scene.texts.link(len(who), draws)
    purpose = draws.chance(len(who), 0.5)
    country = people.country(who)
    text = np.where(purpose, scene.texts.honest("link", country, draws), scene.texts.honest("near", country, draws))
    world.add(
        "message.sent",
        when[which] + 1_800_000 + place * 50_000 + draws.below(n, 40_000),
        {
            "sender": who[which],
            "recipient": other,
            "message": world.take("message", n),
            "text": text[which],
            "language": world.language(who[which]),
            "urls": url[which],
            "domains": domain[which],
            "first_contact": 1,
            "is_reply": 0,
            "forwarded": 0,
            "_phone": people.phone(who[which]),
            **pick(client, which),
        },
    )


def rumours(scene: Scene) -> None:
    """A link goes round: people forward it to everybody they know."""
    world, draws, people = scene.world, scene.draws("rumours"), scene.people
    who, when = scene.actors(0.0008, draws)
    which, place = _crowd(draws.between(len(who), 5, 25))
    n = len(which)
    # The rumour of the day: one of five links.
    number = mix(scene.hour // 24 * 8 + draws.below(len(who), 5), 91)
    domain = scene.texts.shorteners[0] + number % scene.texts.shorteners[1]
    url = (domain << 32) + 1 + number
    country = people.country(who)
    world.add(
        "message.sent",
        when[which] + place * 9_000 + draws.below(n, 7_000),
        {
            "sender": who[which],
            "recipient": people.friend(who[which], draws),
            "message": world.take("message", n),
            "text": scene.texts.honest("link", country, draws)[which],
            "language": world.language(who[which]),
            "urls": url[which],
            "domains": domain[which],
            "first_contact": draws.chance(n, 0.1),
            "is_reply": 0,
            "forwarded": 1,
            **pick(world.client(who, when, draws), which),
        },
    )


def fans(scene: Scene) -> None:
    """A popular shop asks its visitors for stars, and they give them, on the shop's own network."""
    world, draws, people = scene.world, scene.draws("fans"), scene.people
    host, when = scene.among(world.shops, 0.00012 * people.residents / len(world.shops), draws)
    which, _ = _crowd(draws.between(len(host), 4, 20))
    n = len(which)
    who = people.anybody(n, people.country(host)[which], draws)
    at = when[which] + draws.below(n, 2 * HOUR)
    client = people.client(who, at, draws)
    guest = draws.chance(n, 0.7)
    client["ip"] = np.where(guest, people.client(host, when, draws)["ip"][which], client["ip"])
    world.add(
        "review.posted",
        at,
        {
            "account": who,
            "review": world.take("review", n),
            "seller": host[which],
            "rating": np.where(draws.chance(n, 0.85), 5_000, 4_000),
            "purchased": draws.chance(n, 0.5),
            "text": scene.texts.honest("review", people.country(who), draws),
            "language": world.language(who),
            **client,
        },
    )


def near_words(scene: Scene) -> None:
    """People ask about phone cards, loans and prizes, warn of scams, and sell the odd card: the words of fraud."""
    world, draws, people = scene.world, scene.draws("near_words"), scene.people
    who, when = scene.actors(0.02, draws)
    n = len(who)
    country = people.country(who)
    group, members = world.group(who, draws)
    open_talk = draws.chance(n, 0.4)
    shared = {
        "text": scene.texts.honest("near", country, draws),
        "language": world.language(who),
        "_phone": people.phone(who),
        **world.client(who, when, draws),
    }
    world.add(
        "group.posted",
        when[open_talk],
        {
            "account": who[open_talk],
            "group": group[open_talk],
            "post": world.take("post", int(open_talk.sum())),
            "members": members[open_talk],
            "is_admin": 0,
            **pick(shared, open_talk),
        },
    )
    private = ~open_talk
    stranger = draws.chance(n, 0.15)
    other = np.where(stranger, people.anybody(n, country, draws), people.friend(who, draws))
    world.add(
        "message.sent",
        when[private],
        {
            "sender": who[private],
            "recipient": other[private],
            "message": world.take("message", int(private.sum())),
            "first_contact": stranger[private],
            "is_reply": 0,
            "forwarded": 0,
            **pick(shared, private),
        },
    )


def _crowd(counts: Ints) -> tuple[Ints, Ints]:
    """For ``counts`` members of each host: the host of each member, and the member's place with that host."""
    which = np.repeat(np.arange(len(counts), dtype=np.int64), counts)
    return which, np.arange(len(which), dtype=np.int64) - (np.cumsum(counts) - counts)[which]


ACTS = (
    computer_rooms,
    sign_up_desks,
    big_buyers,
    treasurers,
    lost_phones,
    organisers,
    rumours,
    fans,
    near_words,
)
