"""A fake shop: goods far below their price, paid for and never sent, or a talk that leads off the service."""

from __future__ import annotations

import numpy as np

from trustward.simulate.campaigns.stage import Kind, Stage
from trustward.simulate.draws import Ints, mix
from trustward.simulate.kernel import NOTHING
from trustward.simulate.paying import BINS
from trustward.simulate.people import Columns
from trustward.simulate.spool import DAY, HOUR
from trustward.simulate.world import CAMPAIGN_LISTINGS, pick


def run(stage: Stage) -> None:
    """Sellers register, list, talk buyers off the service, take payments and ask for a payout at once.

    Orders and payments of its victims belong to the fraud, as do its own talk and listings.
    """
    draws, people, world = stage.draws, stage.people, stage.world
    sellers = stage.recruits(
        max(1, stage.size // draws.one(25, 90)), aged=(0.0, 0.4, 0.7), crowd=((4, 2, 1), (3, 2, 1)), end=0.1
    )
    _business(stage, sellers)
    discount = draws.one(*((12, 30), (25, 50), (55, 80))[stage.stealth])
    n = max(3, stage.size // 4)
    owner = sellers[draws.below(n, len(sellers))]
    listing = CAMPAIGN_LISTINGS + world.take("crew_listing", n)
    market = int(people.price[stage.country]) * draws.between(n, 40, 200)
    price = market * draws.between(n, max(5, discount - 6), discount + 6) // 100
    templates = stage.texts.scam("title", stage.country, draws, variants=6, tricks=stage.stealth == 1)
    honest_titles = stage.texts.honest("title", stage.here(n), draws)
    stage.note(listings=n, price_percent=discount)
    listed = stage.moments(n, begin=0.12, end=0.5)
    client = stage.client(owner)
    del client["session"]
    currency = int(people.currency_string[stage.country])
    stage.add(
        "listing.created",
        listed,
        {
            "account": owner,
            "listing": listing,
            "title": np.where(draws.chance(n, stage.stealth * 0.4), honest_titles, stage.texts.of(templates, n, draws)),
            "category": world.strings("electronics", "clothing")[draws.choose(n, [7, 3])],
            "price": price,
            "market_price": np.where(draws.chance(n, 0.85), market, NOTHING),
            "currency": currency,
            "quantity": draws.between(n, 1, 40),
            "condition": world.string("new"),
            # The same pictures again and again.
            "images": draws.one(0, 1 << 30) + draws.below(n, max(1, n // 3)),
            **client,
        },
    )
    m = max(2, stage.size // 6)
    which = draws.below(m, n)
    buyer = stage.robbed(stage.strangers(m))
    when = np.maximum(stage.moments(m, begin=0.5, end=0.9), listed[which] + 1_000)
    _talk(stage, owner[which], buyer, when)
    _sales(stage, buyer, when, {"seller": owner[which], "amount": price[which], "currency": currency}, listing[which])
    k = len(sellers)
    out = stage.moments(k, begin=0.85)
    total = int(price[which].sum()) // k + 1
    stage.add(
        "payout.requested",
        out,
        {
            "account": sellers,
            "payout": world.take("payout", k),
            "payment_account": (1 << 45) + int(world.take("crew_wallet", 1)[0]) * 16,
            "method": world.string("bank_transfer"),
            "amount": total,
            "balance": total,
            "currency": currency,
            "first": 1,
            **stage.client(sellers),
        },
    )
    stage.complaints(when + HOUR, buyer, owner[which], share=0.15, reason="scam")


def _sales(stage: Stage, buyer: Ints, when: Ints, columns: Columns, listing: Ints) -> None:
    """Victims order and pay; half of them complain to their bank days later."""
    draws, people, world = stage.draws, stage.people, stage.world
    m = len(buyer)
    order, payment = world.take("order", m), world.take("payment", m)
    mine = people.client(buyer, when, draws)
    card = people.card(buyer)
    method = world.string("card")
    country = int(people.country_string[stage.country])
    stage.add(
        "order.created",
        when,
        {
            "account": buyer,
            "order": order,
            "listing": listing,
            "items": 1,
            "category": world.string("electronics"),
            "shipping_address": people.home(buyer),
            "shipping_country": country,
            "billing_country": country,
            **columns,
            **mine,
        },
    )
    shared: Columns = {"account": buyer, "order": order, "payment": payment, "method": method, "card": card, **columns}
    stage.add(
        "payment.requested",
        when + 4_000,
        {
            **shared,
            "bin": world.strings(*BINS)[mix(buyer, 65) % len(BINS)],
            "card_country": country,
            "attempt": 1,
            "billing_country": country,
            **mine,
        },
    )
    stage.honest(
        "payment.authorised",
        when + 6_000,
        {**shared, "cvv_result": world.string("match"), "device": mine["device"], "ip": mine["ip"]},
    )
    fought = draws.chance(m, 0.5)
    bill = {name: values for name, values in shared.items() if name != "method"}
    stage.honest(
        "dispute.opened",
        when[fought] + 2 * DAY + draws.waits(int(fought.sum()), 4 * DAY),
        {
            **pick(bill, fought),
            "dispute": world.take("dispute", int(fought.sum())),
            "by": world.string("buyer"),
            "reason": world.string("not_received"),
        },
    )


def _business(stage: Stage, sellers: Ints) -> None:
    """Some register as a business, with a number that others gave before."""
    draws, people, world = stage.draws, stage.people, stage.world
    who = sellers[draws.chance(len(sellers), 0.5)]
    client = stage.client(who)
    del client["session"]
    stage.add(
        "merchant.registered",
        stage.moments(len(who), begin=0.1, end=0.12),
        {
            "account": who,
            "merchant": who,
            "name": stage.texts.named("shop", who),
            "legal_form": world.string("company"),
            "registration_number": (1 << 41) + int(world.take("crew_document", 1)[0]),
            "registered_country": int(people.country_string[stage.country]),
            "category": world.string("electronics"),
            "email": people.email(who),
            "phone": people.phone(who),
            "payment_account": people.wallet(who),
            **client,
        },
    )


def _talk(stage: Stage, seller: Ints, buyer: Ints, when: Ints) -> None:
    """Buyers ask (honestly); the seller answers with a way off the service."""
    draws, people, world = stage.draws, stage.people, stage.world
    asks = draws.chance(len(buyer), 0.6)
    seller, buyer = seller[asks], buyer[asks]
    # Never before the hour in which the campaign begins.
    at = np.maximum(when[asks] - 600_000, stage.start)
    n = len(buyer)
    stage.honest(
        "message.sent",
        at,
        {
            "sender": buyer,
            "recipient": seller,
            "message": world.take("message", n),
            "text": stage.texts.honest("enquiry", people.country(buyer), draws),
            "language": world.language(buyer),
            "first_contact": 1,
            "is_reply": 0,
            "forwarded": 0,
            **world.client(buyer, at, draws),
        },
    )
    texts = stage.texts.scam("lure", stage.country, draws, variants=6, tricks=stage.stealth == 1)
    stage.message(
        at + 20_000,
        {
            "sender": seller,
            "recipient": buyer,
            "first_contact": np.zeros(n, dtype=np.int64),
            "is_reply": np.ones(n, dtype=np.int64),
            "_phone": people.phone(seller),
        },
        texts,
    )


KIND = Kind(share=9, least=7, most=1_500, hours=(6, 96), run=run)
