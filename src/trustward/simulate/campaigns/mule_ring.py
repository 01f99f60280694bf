"""A mule ring: money from victims goes through lent accounts, is split, gathered again and taken out."""

from __future__ import annotations

import numpy as np

from trustward.simulate.campaigns.stage import Kind, Stage
from trustward.simulate.draws import Ints
from trustward.simulate.people import Columns
from trustward.simulate.spool import Values
from trustward.simulate.world import pick


def run(stage: Stage) -> None:
    """Victims pay mules (talked into it: these transfers belong to the fraud), mules pass most of it on at once."""
    draws, people, world = stage.draws, stage.people, stage.world
    flows = max(2, stage.size // 5)
    mules = stage.recruits(
        max(2, flows // draws.one(2, 8)), aged=(0.3, 0.7, 0.95), crowd=((5, 2, 1), (3, 1, 1)), end=0.2
    )
    gather = stage.own(stage.strangers(1))
    victim = stage.robbed(stage.strangers(flows))
    mule = mules[draws.below(flows, len(mules))]
    when = stage.moments(flows, begin=0.22, end=0.8)
    amount = world.amount(victim, draws, scale=(60, 30, 12)[stage.stealth])
    fee = draws.one(3, 12)
    stage.note(flows=flows, mules=len(mules), fee_percent=fee)
    client = world.client(victim, when, draws)
    new = draws.chance(flows, 0.6)
    stage.add(
        "beneficiary.added",
        when[new],
        {
            "account": victim[new],
            "payment_account": people.wallet(mule[new], 1),
            "recipient": mule[new],
            "name_match": world.strings("no_match", "partial", "match")[draws.choose(int(new.sum()), [3, 3, 4])],
            "payment_account_country": int(people.country_string[stage.country]),
            **pick(client, new),
        },
    )
    _send(
        stage,
        when + np.minimum(stage.span // 20, 60_000),
        (victim, mule, people.wallet(mule, 1)),
        amount,
        amount + amount // 3,
        client,
    )
    lag = np.minimum(stage.span // 15, (120_000, 900_000, 14_000_000)[stage.stealth] + draws.waits(flows, 600_000))
    out = amount * (100 - fee) // 100
    mine = stage.client(mule)
    halves = draws.chance(flows, 0.35)
    for part in range(2):
        due = halves if part else np.ones(flows, dtype=np.bool_)
        m = int(due.sum())
        share = np.where(halves, out // 2, out)[due]
        direct = draws.chance(m, 0.5)
        target = np.where(direct, gather[0], mules[draws.below(m, len(mules))])
        target = np.where(target == mule[due], gather[0], target)
        _send(
            stage,
            (when + lag * (1 + part) + 61_000)[due],
            (mule[due], target, people.wallet(target, 1)),
            share,
            amount[due] + 1,
            pick(mine, due),
        )
    _cash(stage, mule, when + 3 * lag + 61_000, out, mine)
    stage.complaints(when + stage.span // 10, victim, mule, share=0.1, reason="scam")


def _cash(stage: Stage, mule: Ints, when: Ints, out: Ints, client: Values) -> None:
    """Some of the money is taken out of the service."""
    draws, world = stage.draws, stage.world
    cash = draws.chance(len(mule), 0.3)
    wallet = (1 << 45) + int(world.take("crew_wallet", 1)[0]) * 16 + draws.below(int(cash.sum()), 3)
    stage.add(
        "payout.requested",
        when[cash],
        {
            "account": mule[cash],
            "payout": world.take("payout", int(cash.sum())),
            "payment_account": wallet,
            "method": world.strings("crypto", "bank_transfer")[draws.choose(int(cash.sum()), [5, 5])],
            "amount": out[cash] // 2,
            "balance": out[cash],
            "currency": int(stage.people.currency_string[stage.country]),
            "first": 1,
            **pick(client, cash),
        },
    )


def _send(
    stage: Stage,
    when: Ints,
    ends: tuple[Ints, Ints, Ints],
    amount: Ints,
    balance: Ints,
    client: Values,
) -> None:
    world, draws = stage.world, stage.draws
    sender, target, wallet = ends
    shared: Columns = {
        "account": sender,
        "transfer": world.take("transfer", len(when)),
        "recipient": target,
        "payment_account": wallet,
        "amount": np.maximum(1, amount),
        "currency": int(stage.people.currency_string[stage.country]),
    }
    stage.add(
        "transfer.requested", when, {**shared, "balance": balance, "first": draws.chance(len(when), 0.6), **client}
    )
    stage.honest("transfer.completed", when + 2_000, shared)


KIND = Kind(share=8, least=7, most=1_500, hours=(6, 120), run=run)
