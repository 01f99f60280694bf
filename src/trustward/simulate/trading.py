"""Honest life: shops, orders, payments, reviews, advertisements and money between people."""

from __future__ import annotations

import numpy as np

from trustward.simulate.draws import Draws, Ints, mix
from trustward.simulate.kernel import NOTHING
from trustward.simulate.paying import BINS, Purchases, category, order, price
from trustward.simulate.spool import DAY, HOUR
from trustward.simulate.talking import messages
from trustward.simulate.world import LISTINGS_EACH, Scene, pick


def browsing(scene: Scene) -> None:
    """People look at offers, ask, and some buy."""
    world, draws = scene.world, scene.draws("browsing")
    who, when = scene.actors(0.26, draws)
    n = len(who)
    client = world.client(who, when, draws)
    repeat = 1 + draws.choose(n, [38, 24, 15, 9, 6, 4, 2, 2])
    which = np.repeat(np.arange(n, dtype=np.int64), repeat)
    shop = world.shop(len(which), draws)
    listing = world.listing(shop, draws)
    seller = world.shops[shop]
    vias = world.strings("search", "recommendation", "link", "ad", "message")
    ends = np.cumsum(repeat) - 1
    at = when[which] + draws.waits(len(which), 180_000)
    world.add(
        "listing.viewed",
        at,
        {
            "account": who[which],
            "listing": listing,
            "seller": seller,
            "via": vias[draws.choose(len(which), [50, 28, 10, 8, 4])],
            **pick(client, which),
        },
    )
    # The last offer looked at is the one asked about or bought.
    asks, buys = draws.chance(n, 0.06), draws.chance(n, 0.17)
    amount = price(world, listing[ends], seller[ends])
    moment = when + 1_500_000
    order(
        scene,
        draws,
        Purchases(who[buys], moment[buys], seller[ends][buys], listing[ends][buys], amount[buys], pick(client, buys)),
    )
    _enquiries(scene, draws, who[asks], moment[asks] - 600_000, seller[ends][asks])
    likes = draws.chance(n, 0.08)
    world.add(
        "engagement.liked",
        moment[likes] - 300_000,
        {"account": who[likes], "owner": seller[ends][likes], "listing": listing[ends][likes], **pick(client, likes)},
    )


def _enquiries(scene: Scene, draws: Draws, who: Ints, when: Ints, seller: Ints) -> None:
    world = scene.world
    lengths = 1 + draws.choose(len(who), [20, 35, 20, 15, 10])
    which, place, at, writer, reader = world.talk(when, who, seller, lengths, draws)
    n = len(which)
    answers = writer == seller[which]
    places = scene.people.country(writer)
    text = np.where(answers, scene.texts.honest("answer", places, draws), scene.texts.honest("enquiry", places, draws))
    client = scene.people.client(writer, at, draws)
    world.add(
        "message.sent",
        at,
        {
            "sender": writer,
            "recipient": reader,
            "message": world.take("message", n),
            "text": text,
            "language": world.language(writer),
            "first_contact": place == 0,
            "is_reply": answers,
            "forwarded": 0,
            **client,
        },
    )


def selling(scene: Scene) -> None:
    """Shops put up and change offers, are paid out, and a few load a whole catalogue at once."""
    world, draws, people = scene.world, scene.draws("selling"), scene.people
    who, when = scene.among(world.shops, 0.5, draws)
    loads = draws.chance(len(who), 0.02)
    counts = np.where(loads, draws.between(len(who), 30, 150), 1 + draws.choose(len(who), [70, 15, 10, 5]))
    offers(scene, draws, (who, when), counts)
    who, when = scene.among(world.shops, 0.4, draws)
    n = len(who)
    place = np.searchsorted(np.sort(world.shops), who)
    listing = np.argsort(world.shops, kind="stable")[place] * LISTINGS_EACH + draws.below(n, 3)
    before = price(world, listing, who)
    where = people.client(who, when, draws)
    del where["country"]
    world.add(
        "listing.updated",
        when,
        {
            "account": who,
            "listing": listing,
            "changed": world.strings("price", "title")[draws.choose(n, [8, 2])],
            "price": np.maximum(1, before * draws.between(n, 80, 110) // 100),
            "previous_price": before,
            "currency": world.currency(who),
            **where,
        },
    )
    who, when = scene.among(world.shops, 0.15, draws)
    payouts(scene, draws, who, when)


def offers(scene: Scene, draws: Draws, acts: tuple[Ints, Ints], counts: Ints) -> None:
    """New listings; many at once come seconds apart, as from a file."""
    world, people = scene.world, scene.people
    who, when = acts
    which = np.repeat(np.arange(len(who), dtype=np.int64), counts)
    begins = np.cumsum(counts) - counts
    place = np.arange(len(which), dtype=np.int64) - begins[which]
    n = len(which)
    seller = who[which]
    listing = 500_000_000 + world.take("listing", n)
    asked = price(world, listing, seller)
    # Clearance sales are as far below the market as a fraud's bait.
    clearance = draws.chance(n, 0.02)
    market = np.where(clearance, draws.between(n, 250, 500), draws.between(n, 85, 140))
    world.add(
        "listing.created",
        when[which] + place * 2_000 + draws.below(n, 1_500),
        {
            "account": seller,
            "listing": listing,
            "title": scene.texts.honest("title", people.country(seller), draws),
            "merchant": np.where(mix(seller, 32) % 100 < 40, world.merchant(seller), NOTHING),
            "category": category(world, listing),
            "price": asked,
            "market_price": asked * market // 100,
            "currency": world.currency(seller),
            "quantity": 1 + draws.waits(n, 6),
            "condition": world.strings("new", "used")[draws.choose(n, [6, 4])],
            "images": draws.below(n, 1 << 31),
            **pick(people.client(who, when, draws), which),
        },
    )


def second_hand(scene: Scene) -> None:
    """Everybody sells something old now and then, cheaply."""
    draws = scene.draws("second_hand")
    who, when = scene.actors(0.012, draws)
    offers(scene, draws, (who, when), 1 + draws.choose(len(who), [75, 15, 6, 4]))


def payouts(scene: Scene, draws: Draws, who: Ints, when: Ints, *, which: int = 0) -> None:
    """Balances are paid out to their owners."""
    world, people = scene.world, scene.people
    n = len(who)
    amount = world.amount(who, draws, scale=25)
    number = world.take("payout", n)
    wallet = people.wallet(who, which)
    method = world.strings("bank_transfer", "wallet")[mix(who, 66) % 2]
    shared = {
        "account": who,
        "payout": number,
        "payment_account": wallet,
        "method": method,
        "amount": amount,
        "currency": world.currency(who),
    }
    world.add(
        "payout.requested",
        when,
        {
            **shared,
            "balance": amount * draws.between(n, 100, 160) // 100,
            "first": draws.chance(n, 0.03),
            **world.client(who, when, draws),
        },
    )
    world.add("payout.completed", when + HOUR + draws.waits(n, 6 * HOUR), shared)


def transfers(scene: Scene) -> None:
    """Friends and families send each other money; landlords and clubs collect it."""
    world, draws, people = scene.world, scene.draws("transfers"), scene.people
    who, when = scene.actors(0.055, draws)
    n = len(who)
    collector = world.admins[draws.below(n, len(world.admins))]
    to_club = draws.chance(n, 0.12)
    other = np.where(to_club, collector, people.friend(who, draws))
    new = draws.chance(n, 0.06)
    amount = world.amount(who, draws, scale=3)
    client = world.client(who, when, draws)
    shared = {
        "account": who,
        "transfer": world.take("transfer", n),
        "recipient": other,
        "payment_account": people.wallet(other),
        "amount": amount,
        "currency": world.currency(who),
    }
    world.add(
        "beneficiary.added",
        when[new],
        {
            "account": who[new],
            "payment_account": people.wallet(other[new]),
            "recipient": other[new],
            "name_match": world.strings("match", "partial", "no_match")[draws.choose(int(new.sum()), [90, 8, 2])],
            "payment_account_country": people.country_string[people.country(other[new])],
            **pick(client, new),
        },
    )
    noted = draws.chance(n, 0.3)
    when = np.where(new, when + 20_000 + draws.below(n, 90_000), when)
    world.add(
        "transfer.requested",
        when,
        {
            **shared,
            "balance": amount * draws.between(n, 105, 900) // 100,
            "text": np.where(noted, scene.texts.honest("comment", people.country(who), draws), NOTHING),
            "first": new,
            **client,
        },
    )
    world.add("transfer.completed", when + 1_500 + draws.below(n, 20_000), shared)


def business(scene: Scene) -> None:
    """Businesses register and advertise; cards are stored; coupons are taken."""
    world, draws, people = scene.world, scene.draws("business"), scene.people
    who, when = scene.actors(0.006, draws)
    world.add(
        "card.added",
        when,
        {
            "account": who,
            "card": people.card(who, 2 + draws.below(len(who), 3)),
            "bin": world.strings(*BINS)[draws.below(len(who), len(BINS))],
            "card_country": people.country_string[people.country(who)],
            "outcome": world.strings("passed", "failed")[draws.choose(len(who), [92, 8])],
            **people.client(who, when, draws),
        },
    )
    who, when = scene.actors(0.01, draws)
    world.add(
        "promotion.redeemed",
        when,
        {
            "account": who,
            "promotion": world.strings("welcome", "spring", "freeship", "refer")[draws.below(len(who), 4)],
            "amount": people.price[people.country(who)],
            "currency": world.currency(who),
            **people.client(who, when, draws),
        },
    )
    _registered(scene, draws)
    _advertised(scene, draws)


def _registered(scene: Scene, draws: Draws) -> None:
    """Some sellers register as a business, and are checked; a few close their account or take an offer down."""
    world, people = scene.world, scene.people
    who, when = scene.among(world.shops, 0.01, draws)
    n = len(who)
    country = people.country_string[people.country(who)]
    shared = {"account": who, "merchant": who, "registration_number": (1 << 40) + who}
    world.add(
        "merchant.registered",
        when,
        {
            **shared,
            "name": scene.texts.named("shop", who),
            "legal_form": world.strings("company", "person")[draws.choose(n, [6, 4])],
            "registered_country": country,
            "category": category(world, who),
            "domain": scene.texts.link(n, draws)[1],
            "email": people.email(who),
            "phone": people.phone(who),
            "payment_account": people.wallet(who),
            **people.client(who, when, draws),
        },
    )
    world.add(
        "merchant.verified",
        when + HOUR + draws.waits(n, DAY),
        {
            **shared,
            "method": world.strings("register", "document")[draws.choose(n, [6, 4])],
            "outcome": world.strings("passed", "failed")[draws.choose(n, [93, 7])],
        },
    )
    who, when = scene.among(world.shops, 0.2, draws)
    where = people.client(who, when, draws)
    where = {"device": where["device"], "ip": where["ip"]}
    shop = world.shop(len(who), draws)
    world.add(
        "listing.removed",
        when,
        {
            "account": world.shops[shop],
            "listing": world.listing(shop, draws),
            "by": world.string("seller"),
            "reason": world.string("sold"),
            **where,
        },
    )
    who, when = scene.actors(0.0004, draws)
    where = people.client(who, when, draws)
    world.add(
        "account.closed",
        when,
        {"account": who, "by": world.string("holder"), "device": where["device"], "ip": where["ip"]},
    )


def _advertised(scene: Scene, draws: Draws) -> None:
    world, people = scene.world, scene.people
    who, when = scene.among(world.shops, 0.08, draws)
    n = len(who)
    number = world.take("ad", n)
    url, domain = scene.texts.link(n, draws)
    world.add(
        "ad.submitted",
        when,
        {
            "account": who,
            "ad": number,
            "title": scene.texts.honest("title", people.country(who), draws),
            "text": scene.texts.honest("newsletter", people.country(who), draws),
            "language": world.language(who),
            "url": url,
            "domain": domain,
            "category": category(world, who),
            "budget": world.amount(who, draws, scale=40),
            "currency": world.currency(who),
            "payment_account": people.wallet(who),
            **people.client(who, when, draws),
        },
    )
    fine = draws.chance(n, 0.93)
    later = when + 600_000 + draws.waits(n, 3 * HOUR)
    shared = {"account": who, "ad": number, "by": world.strings("service", "reviewer")[draws.below(n, 2)]}
    world.add("ad.approved", later[fine], pick(shared, fine))
    world.add("ad.rejected", later[~fine], {**pick(shared, ~fine), "reason": world.string("claims_without_proof")})
    for day in range(3):
        views = 200 + draws.waits(int(fine.sum()), 4_000)
        world.add(
            "ad.shown",
            later[fine] + DAY * (day + 1),
            {
                "account": who[fine],
                "ad": number[fine],
                "impressions": views,
                "clicks": views * draws.between(len(views), 2, 30) // 1_000,
                "spend": world.amount(who[fine], draws, scale=8),
                "currency": world.currency(who[fine]),
                "period": DAY,
            },
        )


def service_desks(scene: Scene) -> None:
    """Customer service and newsletters write to people they never met: honest, at a spammer's rate."""
    world, draws, people = scene.world, scene.draws("service_desks"), scene.people
    who, when = scene.among(world.desks, 70, draws)
    n = len(who)
    customer = people.anybody(n, people.country(who), draws)
    world.add(
        "message.sent",
        when,
        {
            "sender": who,
            "recipient": customer,
            "message": world.take("message", n),
            "text": scene.texts.honest("service", people.country(who), draws),
            "language": world.language(who),
            "first_contact": draws.chance(n, 0.8),
            "is_reply": draws.chance(n, 0.3),
            "forwarded": 0,
            **world.client(who, when, draws),
        },
    )
    local = (scene.start + people.offset[people.country(world.letters)]) // HOUR
    due = world.letters[mix(world.letters * 4_096 + local, 67) % 72 == 0]
    readers = draws.between(len(due), 25, 250)
    which = np.repeat(np.arange(len(due), dtype=np.int64), readers)
    n = len(which)
    at = scene.start + draws.below(len(due), HOUR // 2)
    client = world.client(due, at, draws)
    writer = due[which]
    # One letter has one text and one link.
    text = scene.texts.honest("newsletter", people.country(due), draws)
    url, domain = scene.texts.link(len(due), draws)
    world.add(
        "message.sent",
        at[which] + draws.below(n, 900_000),
        {
            "sender": writer,
            "recipient": people.anybody(n, people.country(writer), draws),
            "message": world.take("message", n),
            "text": text[which],
            "language": world.language(writer),
            "urls": url[which],
            "domains": domain[which],
            "first_contact": draws.chance(n, 0.1),
            "is_reply": 0,
            "forwarded": 0,
            **pick(client, which),
        },
    )


def market_chat(scene: Scene) -> None:
    """Shops and their customers talk outside of offers too."""
    world, draws, people = scene.world, scene.draws("market_chat"), scene.people
    who, when = scene.actors(0.02, draws)
    seller = world.shops[world.shop(len(who), draws)]
    keep = seller != who
    who, when, seller = who[keep], when[keep], seller[keep]
    lengths = 1 + draws.choose(len(who), [25, 30, 20, 15, 10])
    stranger = people.chance_of(who + seller, 68, 300)
    messages(scene, draws, (when, who, seller), lengths, stranger)


ACTS = (browsing, selling, second_hand, transfers, business, service_desks, market_chat)
