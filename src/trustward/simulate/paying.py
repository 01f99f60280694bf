"""Orders and what follows: payments, declines, deliveries, reviews, refunds, disputes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from trustward.simulate.draws import Draws, Flags, Ints, mix
from trustward.simulate.kernel import NOTHING
from trustward.simulate.people import Columns
from trustward.simulate.spool import DAY, HOUR
from trustward.simulate.world import LISTINGS_EACH, Scene, World, pick

BINS = ("990011", "990012", "990025", "990031", "990044", "990057")
"""Issuer numbers that no card scheme has given out."""


class Purchases(NamedTuple):
    """Orders that somebody is about to place and pay, as columns."""

    who: Ints
    when: Ints
    seller: Ints
    listing: Ints
    amount: Ints
    client: Columns


def category(world: World, listing: Ints) -> Ints:
    """What each listing (or the shop of that number) sells."""
    names = world.strings("home", "clothing", "electronics", "sports", "toys", "beauty", "books")
    return names[mix(listing // LISTINGS_EACH, 62) % len(names)]


def order(scene: Scene, draws: Draws, buy: Purchases, *, cards: int = 2, trouble: int = 1) -> None:
    """Orders with their payments: declined and tried again, shipped, delivered, reviewed, sent back, disputed.

    Args:
        scene: the hour.
        draws: where chance comes from.
        buy: what is bought.
        cards: how many cards each buyer has at hand.
        trouble: how many times as many payments fail as usual.
    """
    world, people = scene.world, scene.people
    n = len(buy.who)
    numbers = world.take("order", n)
    client = {name: values for name, values in buy.client.items() if name != "session"}
    trade = {"order": numbers, "seller": buy.seller}
    merchant = world.merchant(buy.seller)
    money = {"amount": buy.amount, "currency": world.currency(buy.who)}
    country = people.country_string[people.country(buy.who)]
    gift = draws.chance(n, 0.05)
    world.add(
        "order.created",
        buy.when,
        {
            "account": buy.who,
            **trade,
            **money,
            "merchant": merchant,
            "listing": buy.listing,
            "items": 1 + draws.choose(n, [80, 12, 5, 3]),
            "category": category(world, buy.listing),
            "shipping_address": np.where(gift, draws.below(n, 1 << 30), people.home(buy.who)),
            "shipping_country": country,
            "billing_country": country,
            **buy.client,
        },
    )
    paid = _payment(world, draws, (buy.who, buy.when + 4_000), ({**trade, **money}, client), (cards, trouble))
    _delivery(world, draws, paid, buy, trade, money)


def price(world: World, listing: Ints, seller: Ints) -> Ints:
    """The price of each listing of a seller, the same every time."""
    lunch = world.people.price[world.people.country(seller)]
    scale = mix(listing, 61) % 1_000
    exact = lunch * (40 + scale * scale // 400) // 100
    step = np.maximum(1, lunch // 40)
    result: Ints = (exact // step + 1) * step
    return result


class Paid(NamedTuple):
    """How the payments of orders went."""

    flags: Flags
    times: Ints
    payment: Ints
    card: Ints


def _payment(
    world: World, draws: Draws, acts: tuple[Ints, Ints], columns: tuple[Columns, Columns], habit: tuple[int, int]
) -> Paid:
    people = world.people
    who, when = acts
    n = len(who)
    where = people.country_string[people.country(who)]
    cards, trouble = habit
    which = draws.choose(n, [86, *[14] * (cards - 1)])
    failures = draws.choose(n, [930, 52 * trouble, 12 * trouble, 6 * trouble])
    given_up = (failures > 0) & draws.chance(n, 0.3)
    methods = world.strings("card", "wallet", "bank_transfer")
    method = methods[np.where(mix(who, 63) % 100 < 70, 0, 1 + mix(who, 64) % 2)]
    by_card = method == methods[0]
    reasons = world.strings("insufficient_funds", "wrong_cvv", "do_not_honor", "expired_card")
    payment = world.take("payment", n)
    last = when
    for attempt in range(1, 5):
        due = np.flatnonzero(failures + 1 - given_up >= attempt)
        if not len(due):
            break
        declined = failures[due] >= attempt
        card = np.where(by_card, people.card(who, (which + attempt - 1) % cards), NOTHING)
        shared = {
            "account": who,
            "payment": payment,
            "method": method,
            "card": card,
            "card_country": np.where(by_card, where, NOTHING),
            **columns[0],
            **columns[1],
        }
        asked = pick(shared, due)
        at = last[due]
        prefix = np.where(by_card, world.strings(*BINS)[mix(who, 65) % len(BINS)], NOTHING)
        world.add(
            "payment.requested",
            at,
            {
                **asked,
                "merchant": world.merchant(asked["seller"]),
                "bin": prefix[due],
                "attempt": attempt,
                "billing_country": where[due],
            },
        )
        last = last.copy()
        last[due] = at + 900 + draws.below(len(due), 2_500)
        _declined(world, draws, pick({**shared, "bin": prefix, "at": last}, due[declined]), attempt, reasons)
        won = due[~declined]
        fine = pick({name: values for name, values in shared.items() if name != "country"}, won)
        _authorised(world, draws, last[won], fine)
        last[due[declined]] += 15_000 + draws.waits(int(declined.sum()), 60_000)
    card = np.where(by_card, people.card(who, (which + failures) % cards), NOTHING)
    return Paid(~given_up, last, payment, card)


def _authorised(world: World, draws: Draws, times: Ints, columns: Columns) -> None:
    n = len(times)
    by_card = columns["card"] != NOTHING
    address = world.strings("match", "partial", "unavailable")[draws.choose(n, [80, 8, 12])]
    proof = world.strings("authenticated", "not_tried")[draws.choose(n, [6, 4])]
    world.add(
        "payment.authorised",
        times,
        {
            **columns,
            "avs_result": np.where(by_card, address, NOTHING),
            "cvv_result": np.where(by_card, world.string("match"), NOTHING),
            "three_ds_result": np.where(by_card, proof, NOTHING),
        },
    )


def _declined(world: World, draws: Draws, columns: Columns, attempt: int, reasons: Ints) -> None:
    at = columns.pop("at")
    del columns["country"]
    n = len(at)
    by_card = columns["card"] != NOTHING
    reason = np.where(by_card, reasons[draws.choose(n, [45, 25, 20, 10])], reasons[0])
    wrong = reason == reasons[1]
    world.add(
        "payment.declined",
        at,
        {
            **columns,
            "avs_result": np.where(by_card, world.string("match"), NOTHING),
            "cvv_result": np.where(by_card, np.where(wrong, world.string("no_match"), world.string("match")), NOTHING),
            "attempt": attempt,
            "by": world.string("issuer"),
            "reason": reason,
        },
    )


def _delivery(world: World, draws: Draws, paid: Paid, buy: Purchases, trade: Columns, money: Columns) -> None:
    fine = np.flatnonzero(paid.flags)
    n = len(fine)
    shared = pick({"account": buy.who, "listing": buy.listing, **trade}, fine)
    shipped = paid.times[fine] + 3 * HOUR + draws.waits(n, 20 * HOUR)
    world.add(
        "order.shipped",
        shipped,
        {
            **shared,
            "carrier": world.strings("swiftparcel", "citypost")[draws.choose(n, [6, 4])],
            "tracking": world.texts.named("track", draws.below(n, 1 << 31)),
        },
    )
    arrived = shipped + DAY // 2 + draws.waits(n, 2 * DAY)
    world.add("order.delivered", arrived, {**shared, "confirmed": draws.chance(n, 0.8)})
    fate = draws.below(n, 1_000)
    _rated(world, draws, arrived[fate < 240], pick(shared, fate < 240))
    bill = pick({**money, "payment": paid.payment, "card": paid.card}, fine)
    whole = {name: values for name, values in {**shared, **bill}.items() if name != "listing"}
    _undone(world, draws, arrived, fate, whole)
    lost = np.flatnonzero(~paid.flags)
    world.add(
        "order.cancelled",
        paid.times[lost] + HOUR,
        {
            **pick({"account": buy.who, "listing": buy.listing, **trade, **money}, lost),
            "by": world.string("buyer"),
            "reason": world.string("payment_failed"),
        },
    )


def _rated(world: World, draws: Draws, arrived: Ints, columns: Columns) -> None:
    """Reviews by those who bought."""
    people, who = world.people, columns["account"]
    when = arrived + HOUR + draws.waits(len(who), 20 * HOUR)
    world.add(
        "review.posted",
        when,
        {
            **columns,
            "review": world.take("review", len(who)),
            "rating": 1_000 * (1 + draws.choose(len(who), [5, 4, 9, 25, 57])),
            "purchased": 1,
            "text": np.where(
                draws.chance(len(who), 0.75), world.texts.honest("review", people.country(who), draws), NOTHING
            ),
            "language": world.language(who),
            **people.client(who, when, draws),
        },
    )


def _undone(world: World, draws: Draws, arrived: Ints, fate: Ints, bill: Columns) -> None:
    """What is sent back is refunded; a few buyers dispute."""
    back = (fate >= 970) & (fate < 992)
    world.add(
        "payment.refunded",
        arrived[back] + DAY,
        {
            **pick(bill, back),
            "same_instrument": 1,
            "by": world.string("seller"),
            "reason": world.string("sent_back"),
        },
    )
    fought = fate >= 996
    world.add(
        "dispute.opened",
        arrived[fought] + 2 * DAY,
        {
            **pick(bill, fought),
            "dispute": world.take("dispute", int(fought.sum())),
            "by": world.string("buyer"),
            "reason": world.strings("not_received", "not_as_described")[draws.choose(int(fought.sum()), [1, 1])],
        },
    )
